"""Runs mutants: each one's tests against a copy of the source in which it is broken.

    python -m tests.mutants.run              those that a quick test notices, and of the others those whose turn it is
    python -m tests.mutants.run --all        every one; and by each simulation that has to notice too
    python -m tests.mutants.run NAME ...     these, likewise

prints which test noticed which mutant, and of those that are not tried now, when it last did; exit code 1 when one was
not noticed, in two tries, or no longer fits the source. Asked for mutants, it records those that were noticed in
`proven.toml`.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.databases import running_server
from tests.mutants.proven import Proof, Trial, note, proofs, trials_of, turn
from tests.mutants.table import MUTANTS, NAMED, Mutant

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "nostro"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist")
WORST_SECONDS = 300
TRIES = 2
"""Where the moment matters at which a test strikes, one that was missed is tried once more, and the table says so."""
NOTICED, NOT_NOTICED = 1, 0
"""pytest's exit codes: some test failed; all passed. Anything else is no verdict."""


class NoVerdict(Exception):
    """The mutant doesn't fit the source any more, or its tests could not be run."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which tests failed, or the end of what they said when none did."""

    by: tuple[str, ...]
    output: str = ""


def broken_text(mutant: Mutant, told: str | None = None) -> str:
    """The file with the mutant in it; `told`: with another one in it already.

    Raises `NoVerdict` when what it breaks doesn't stand there exactly once.
    """
    told = told or (SOURCE / mutant.file).read_text(encoding="utf-8")
    if told.count(mutant.old) != 1:
        raise NoVerdict(f"{mutant.file} holds what it breaks {told.count(mutant.old)} times, not once")
    return told.replace(mutant.old, mutant.new)


def broken_texts(mutant: Mutant) -> dict[str, str]:
    """By file: the mutant, and what is broken besides. Raises as `broken_text`."""
    texts = {mutant.file: broken_text(mutant)}
    if mutant.besides:
        other = NAMED[mutant.besides]
        texts[other.file] = broken_text(other, texts.get(other.file))
    return texts


@contextmanager
def broken_source(mutant: Mutant) -> Iterator[Path]:
    """A folder whose `nostro` has the mutant in it: first on PYTHONPATH, it is the one that is imported.

    What was compiled is copied along with its source's time, so that only the broken file is compiled anew.
    """
    texts = broken_texts(mutant)
    with tempfile.TemporaryDirectory(prefix="nostro-mutant-") as folder:
        shutil.copytree(SOURCE, Path(folder) / "nostro")
        for file, text in texts.items():
            (Path(folder) / "nostro" / file).write_text(text, encoding="utf-8")
        yield Path(folder)


def judge(trial: Trial) -> Verdict:
    """Runs the trial's tests until one fails."""
    only = ["-k", trial.mutant.only] if trial.mutant.only else []
    with broken_source(trial.mutant) as folder:
        ran = subprocess.run(
            [*PYTEST, *only, *trial.tests],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            timeout=WORST_SECONDS,
            check=False,
        )
    if ran.returncode not in (NOTICED, NOT_NOTICED):
        raise NoVerdict(f"its tests could not be run\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    by = tuple(re.findall(r"^FAILED \S+::(\S+)", ran.stdout, re.MULTILINE))
    if ran.returncode == NOTICED and not by:
        raise NoVerdict(f"a test broke before it could judge\n{ran.stdout[-2000:]}")
    return Verdict(by, ran.stdout[-2000:])


def told(trial: Trial) -> tuple[Trial, Proof | None, str]:
    """The proof that it was noticed, and its row of the table, which says how often it was tried."""
    began, by = time.monotonic(), ""
    for tries in range(1, TRIES + 1):
        try:
            verdict = judge(trial)
        except (NoVerdict, subprocess.TimeoutExpired) as reason:
            by = f"NO VERDICT: {reason}"
            continue
        if not verdict.by:
            by = f"NOT NOTICED\n{verdict.output}"
            continue
        seconds, again = time.monotonic() - began, " (at the second try)" if tries > 1 else ""
        proof = Proof(trial.digest, datetime.now(UTC).date(), round(seconds), verdict.by[0])
        return trial, proof, row(trial, f"{seconds:.0f}", verdict.by[0] + again)
    return trial, None, row(trial, f"{time.monotonic() - began:.0f}", by)


def row(trial: Trial, seconds: str, by: str) -> str:
    """A line of the table."""
    return f"{trial.mutant.guarantee or '-':>9}  {trial.name:52} {seconds:>7}  {by}"


def later(trial: Trial, proven: dict[str, Proof]) -> str:
    """The row of one that is not tried now."""
    proof = proven.get(trial.name)
    if proof is None or proof.digest != trial.digest:
        return row(trial, "-", f"NEVER SEEN: make mutants ARGS={trial.mutant.name}")
    return row(trial, "-", f"{proof.by} (on {proof.on}, {proof.seconds} s)")


def chosen(asked: argparse.Namespace, proven: dict[str, Proof]) -> list[Trial]:
    """What is to be tried."""
    if asked.all or asked.names:
        return trials_of([mutant for mutant in MUTANTS if asked.all or mutant.name in asked.names])
    every = trials_of(MUTANTS)
    long = turn([trial for trial in every if trial.long], proven, int(time.time() // 3600))
    return [trial for trial in every if not trial.long or trial in long]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table while it is judged, as many at a time as there are cores."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutant of tests/mutants/mutants.toml")
    parser.add_argument("--all", action="store_true", help="those too that only a longer test notices")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - {mutant.name for mutant in MUTANTS}:
        parser.error(f"There is no mutant {', '.join(sorted(unknown))}; they stand in tests/mutants/mutants.toml.")
    proven = proofs()
    trials, unnoticed = chosen(asked, proven), list[str]()
    say(f"guarantee  {'mutant':52} seconds  noticed by")
    with running_server(), ThreadPoolExecutor(asked.jobs) as pool:
        for trial, proof, line in pool.map(told, trials):
            say(line)
            if proof is None:
                unnoticed.append(line)
            if proof is not None and (asked.all or asked.names):
                proven[trial.name] = proof
                note({one.name: proven[one.name] for one in trials_of(MUTANTS) if one.name in proven})
    rest = [trial for trial in trials_of(MUTANTS) if trial not in trials and not asked.names]
    for trial in rest:
        say(later(trial, proven))
    for line in unnoticed:  # once more at the end: of a long run, some keep only that
        say(line)
    noticed = f"{len(trials) - len(unnoticed)} of {len(trials)} noticed"
    say(f"{noticed}, {len(rest)} not tried now; there are {len(MUTANTS)} mutants")
    return 1 if unnoticed else 0


def say(line: str) -> None:
    """To whoever started it, at once."""
    print(line, flush=True)  # noqa: T201 - the table


if __name__ == "__main__":
    sys.exit(main())
