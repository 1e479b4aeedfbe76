"""Runs mutants: each one's tests against a copy of the source in which it is broken.

    python -m tests.mutants.run [NAME ...]

prints which test noticed which mutant; exit code 1 when one was not noticed or no longer fits the source.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "nostro"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist")
WORST_SECONDS = 300
NOTICED, NOT_NOTICED = 1, 0
"""pytest's exit codes: some test failed; all passed. Anything else is no verdict."""


class NoVerdict(Exception):
    """The mutant doesn't fit the source any more, or its tests could not be run."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which tests failed, or the end of what they said when none did."""

    mutant: Mutant
    by: tuple[str, ...]
    output: str = ""


def broken_text(mutant: Mutant) -> str:
    """The file with the mutant in it. Raises `NoVerdict` when what it breaks doesn't stand there exactly once."""
    told = (SOURCE / mutant.file).read_text(encoding="utf-8")
    if told.count(mutant.old) != 1:
        raise NoVerdict(f"{mutant.file} holds what it breaks {told.count(mutant.old)} times, not once")
    return told.replace(mutant.old, mutant.new)


def judge(mutant: Mutant) -> Verdict:
    """Runs the mutant's tests until one fails."""
    with tempfile.TemporaryDirectory(prefix="nostro-mutant-") as folder:
        text = broken_text(mutant)
        shutil.copytree(SOURCE, Path(folder) / "nostro", ignore=shutil.ignore_patterns("__pycache__"))
        (Path(folder) / "nostro" / mutant.file).write_text(text, encoding="utf-8")
        ran = subprocess.run(
            [*PYTEST, *(["-k", mutant.only] if mutant.only else []), *mutant.tests],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": folder, "PYTEST_ADDOPTS": ""},
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
    return Verdict(mutant, by, ran.stdout[-2000:])


def told(mutant: Mutant) -> tuple[bool, str]:
    """Whether it was noticed, and its row of the table."""
    try:
        verdict = judge(mutant)
    except (NoVerdict, subprocess.TimeoutExpired) as reason:
        noticed, by = False, f"NO VERDICT: {reason}"
    else:
        noticed = bool(verdict.by)
        by = verdict.by[0] if noticed else f"NOT NOTICED\n{verdict.output}"
    return noticed, f"{mutant.guarantee or '-':>2}  {mutant.name:34} {by}"


def main(names: list[str]) -> int:
    """Prints the table while it is judged, two at a time."""
    unknown = set(names) - {mutant.name for mutant in MUTANTS}
    if unknown:
        print(f"There is no mutant {', '.join(sorted(unknown))}; they stand in tests/mutants/mutants.toml.")  # noqa: T201 - the command's words
        return 2
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    unnoticed = 0
    with ThreadPoolExecutor(2) as pool:
        for noticed, row in pool.map(told, chosen):
            unnoticed += not noticed
            print(row, flush=True)  # noqa: T201 - the table
    print(f"{len(chosen) - unnoticed} of {len(chosen)} noticed")  # noqa: T201 - the table
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
