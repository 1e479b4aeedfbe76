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
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "nostro"
WORST_SECONDS = 300
NOTICED, NOT_NOTICED = 1, 0
"""pytest's exit codes: some test failed; all passed. Anything else is no verdict."""


class StaleMutant(Exception):
    """The source no longer holds the piece that a mutant breaks, or holds it more than once."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the tests noticed, and what they said: the tests that failed, or the end of their output."""

    mutant: Mutant
    noticed: bool
    by: tuple[str, ...]
    output: str

    @property
    def first(self) -> str:
        """The test that noticed first."""
        return self.by[0] if self.by else "NOT NOTICED"


def broken(mutant: Mutant, into: Path) -> Path:
    """A copy of the source with the mutant in it; returns the folder for PYTHONPATH. Raises `StaleMutant`."""
    told = (SOURCE / mutant.file).read_text(encoding="utf-8")
    found = told.count(mutant.old)
    if found != 1:
        raise StaleMutant(f"{mutant.name}: {mutant.file} holds what it breaks {found} times, not once.")
    shutil.copytree(SOURCE, into / "nostro", ignore=shutil.ignore_patterns("__pycache__"))
    (into / "nostro" / mutant.file).write_text(told.replace(mutant.old, mutant.new), encoding="utf-8")
    return into


def judge(mutant: Mutant) -> Verdict:
    """Runs the mutant's tests until one fails."""
    with tempfile.TemporaryDirectory(prefix="nostro-mutant-") as folder:
        environment = {**os.environ, "PYTHONPATH": str(broken(mutant, Path(folder))), "PYTEST_ADDOPTS": ""}
        environment.pop("PYTEST_XDIST_WORKER", None)
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *mutant.tests],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=WORST_SECONDS,
            check=False,
        )
    if ran.returncode not in (NOTICED, NOT_NOTICED):
        raise StaleMutant(f"{mutant.name}: its tests could not be run.\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    by = tuple(re.findall(r"^FAILED \S+::(\S+)", ran.stdout, re.MULTILINE))
    return Verdict(mutant, ran.returncode == NOTICED, by, ran.stdout[-2000:])


def main(names: list[str]) -> int:
    """Prints the table as it is judged."""
    unnoticed = 0
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    for mutant in chosen:
        verdict = judge(mutant)
        unnoticed += not verdict.noticed
        print(f"{mutant.guarantee or '-':>2}  {mutant.name:34} {verdict.first}", flush=True)  # noqa: T201 - the table
    print(f"{len(chosen) - unnoticed} of {len(chosen)} noticed")  # noqa: T201 - the table
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
