"""Runs mutants: each one's tests against a copy of the source in which it is broken.

    python -m tests.mutants.run              those that a quick test notices: what CI runs
    python -m tests.mutants.run --all        every one; and by each simulation that has to notice too
    python -m tests.mutants.run NAME ...     these, likewise

prints which test noticed which mutant; exit code 1 when one was not noticed or no longer fits the source.
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
from pathlib import Path

from tests.databases import running_server
from tests.mutants.table import MUTANTS, NAMED, Mutant

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "nostro"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist")
WORST_SECONDS = 300
NOTICED, NOT_NOTICED = 1, 0
"""pytest's exit codes: some test failed; all passed. Anything else is no verdict."""


class NoVerdict(Exception):
    """The mutant doesn't fit the source any more, or its tests could not be run."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A mutant, and tests of which one has to notice it."""

    mutant: Mutant
    tests: tuple[str, ...]


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


def told(trial: Trial) -> tuple[bool, str]:
    """Whether it was noticed, and its row of the table."""
    began = time.monotonic()
    try:
        verdict = judge(trial)
    except (NoVerdict, subprocess.TimeoutExpired) as reason:
        noticed, by = False, f"NO VERDICT: {reason}"
    else:
        noticed = bool(verdict.by)
        by = verdict.by[0] if noticed else f"NOT NOTICED\n{verdict.output}"
    return noticed, row(str(trial.mutant.guarantee or "-"), trial.mutant.name, f"{time.monotonic() - began:.0f}", by)


def row(guarantee: str, name: str, seconds: str, by: str) -> str:
    """A line of the table."""
    return f"{guarantee:>9}  {name:36} {seconds:>7}  {by}"


def chosen(asked: argparse.Namespace) -> list[Trial]:
    """What is to be tried."""
    whole = asked.all or asked.names
    mutants = [m for m in MUTANTS if asked.all or (m.name in asked.names if asked.names else not m.slow)]
    trials = [Trial(mutant, mutant.tests) for mutant in mutants]
    return trials + [Trial(mutant, (story,)) for mutant in mutants if whole for story in mutant.simulations]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table while it is judged, as many at a time as there are cores."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutant of tests/mutants/mutants.toml")
    parser.add_argument("--all", action="store_true", help="those too that only a longer test notices")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - {mutant.name for mutant in MUTANTS}:
        parser.error(f"There is no mutant {', '.join(sorted(unknown))}; they stand in tests/mutants/mutants.toml.")
    trials, unnoticed = chosen(asked), 0
    say(row("guarantee", "mutant", "seconds", "noticed by"))
    with running_server(), ThreadPoolExecutor(asked.jobs) as pool:
        for noticed, line in pool.map(told, trials):
            unnoticed += not noticed
            say(line)
    say(f"{len(trials) - unnoticed} of {len(trials)} noticed; there are {len(MUTANTS)} mutants")
    return 1 if unnoticed else 0


def say(line: str) -> None:
    """To whoever started it, at once."""
    print(line, flush=True)  # noqa: T201 - the table


if __name__ == "__main__":
    sys.exit(main())
