"""Damage files until the time is over, real ones and ours: `python -m tests.fuzz.run --seconds 3600 --first 1`.

`--only` names a target by a part of its path: `--only read/nacha/` is the reader of NACHA files, seeded with ours.

A file that a reader can't bear is told with its seed, and kept beside the seed for a closer look.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from random import Random

from tests.fuzz.damage import DAMAGES
from tests.fuzz.judging import Outcome, ends_nowhere, lived_through
from tests.fuzz.twice import differ, varied

SHARED = Path(__file__).parents[3] / "shared" / "data"
GOLDEN = Path(__file__).parents[1] / "golden" / "formats" / "read"
LARGEST = 200_000


def corpus(folder: Path = SHARED) -> Sequence[Path]:
    """Ours and real files of every family, where they are there, in turn; none of them large."""
    wanted = (folder / name for name in ("bank", "einvoice", "fx"))
    found = (path for family in wanted for path in sorted(family.rglob("*")) if path.is_file())
    real = [path for path in found if path.stat().st_size < LARGEST and path.suffix != ".xsd"]
    return [path for pair in zip(real, cycle(ours()), strict=False) for path in pair] or ours()


def ours() -> list[Path]:
    """The golden files: one or more for each format that is read, so that each reader is a target everywhere."""
    return sorted(path for path in GOLDEN.rglob("*") if path.is_file() and path.suffix not in (".jsonl", ".yaml"))


def damaged(path: Path, seed: int) -> tuple[str, bytes]:
    """A file with one or two damages from a seed, and their names."""
    chance = Random(f"{path.name}/{seed}")  # noqa: S311 - to be repeated, not to be secret
    names = [chance.choice(list(DAMAGES)) for _ in range(chance.choice((1, 1, 2)))]
    raw = path.read_bytes()
    for name in names:
        raw = DAMAGES[name](raw, chance)
    return "+".join(names), raw


def judge(path: Path, seed: int) -> Outcome:
    """Reads a damaged file. A cut one that tells less than the whole must complain."""
    how, raw = damaged(path, seed)
    if path.suffix == ".xml" and (differs := differ(varied(raw, seed))):
        raise AssertionError(differs)
    found = lived_through(raw, path.name)
    if how == "cut" and found.formats and not ends_nowhere(raw, found) and not found.complains:
        whole = lived_through(path.read_bytes(), path.name)
        assert found.count == whole.count, f"{whole.count - found.count} of {whole.count} are gone, and nobody says so"
    return found


def main() -> int:
    """Until the time is over, or something is found."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument("--first", type=int, default=1)
    asked.add_argument("--only", default="", help="only files whose path contains this")
    told = asked.parse_args()
    files = [path for path in corpus() if told.only in str(path)]
    if not files:
        sys.stderr.write("There is no such file, neither among ours nor in ../shared/data.\n")
        return 2
    end, seed, flaws, seen = time.monotonic() + told.seconds, told.first, 0, Counter[str]()
    while time.monotonic() < end:
        path = files[seed % len(files)]
        try:
            seen.update(judge(path, seed).formats)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            flaws += 1
            kept = Path(tempfile.gettempdir()) / f"nostro-fuzz-{seed}-{path.name}"
            kept.write_bytes(damaged(path, seed)[1])
            sys.stdout.write(
                f"seed {seed} {damaged(path, seed)[0]} {path}: {type(error).__name__}: {error}\n  {kept}\n"
            )
        seed += 1
    sys.stdout.write(f"{seed - told.first} damaged files, {flaws} flaws; {dict(sorted(seen.items()))}\n")
    return 1 if flaws else 0


if __name__ == "__main__":
    sys.exit(main())
