"""When each trial last noticed its mutant: `proven.toml`, which `make mutants` writes where it is asked for mutants.

A record holds as long as the mutant is the same. From it CI's table shows the long ones that it doesn't try this time,
and chooses which it does: another part each hour.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path

from tests.mutants.table import Mutant

FILE = Path(__file__).with_name("proven.toml")
LONG_SECONDS = 40
"""So long, of one core, the long ones of a run take together; one of them is always tried."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A mutant, and tests of which one has to notice it: its own, or a simulation."""

    mutant: Mutant
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        """Under which it is recorded."""
        return self.mutant.name + (" in a simulation" if self.tests != self.mutant.tests else "")

    @property
    def long(self) -> bool:
        """Whether CI tries it only now and then."""
        return self.mutant.slow or self.tests != self.mutant.tests

    @property
    def digest(self) -> str:
        """Of all that is broken, and who has to notice."""
        return hashlib.sha256(repr((self.mutant, self.tests)).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Proof:
    """That a trial was noticed."""

    digest: str
    on: date
    seconds: int
    by: str


def trials_of(mutants: Sequence[Mutant]) -> list[Trial]:
    """Each with its own tests, then with each simulation."""
    own = [Trial(mutant, mutant.tests) for mutant in mutants]
    return own + [Trial(mutant, (story,)) for mutant in mutants for story in mutant.simulations]


def proofs() -> dict[str, Proof]:
    """By the trials' names."""
    return {name: Proof(**one) for name, one in tomllib.loads(FILE.read_text(encoding="utf-8")).items()}


def note(proven: Mapping[str, Proof]) -> None:
    """Adds to what is recorded; what there is no trial of any more goes with its trial."""
    lines = [
        f'"{name}" = {{ digest = "{one.digest}", on = {one.on}, seconds = {one.seconds}, by = "{one.by}" }}'
        for name, one in sorted(proven.items())
    ]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def stale(trials: Sequence[Trial], proven: Mapping[str, Proof]) -> list[str]:
    """The trials that nobody has seen notice their mutant as it is now."""
    return [trial.name for trial in trials if trial.name not in proven or proven[trial.name].digest != trial.digest]


def turn(trials: Sequence[Trial], proven: Mapping[str, Proof], hour: int) -> list[Trial]:
    """The long trials whose turn it is in an hour, as many as fit the time; those that nobody saw come first."""
    unproven = [trial for trial in trials if trial.name in stale(trials, proven)]
    ring = [*_round(unproven, hour), *_round([trial for trial in trials if trial not in unproven], hour)]
    spent = accumulate(LONG_SECONDS if trial in unproven else proven[trial.name].seconds for trial in ring)
    return [
        trial for n, (trial, seconds) in enumerate(zip(ring, spent, strict=True)) if not n or seconds <= LONG_SECONDS
    ]


def _round(trials: Sequence[Trial], hour: int) -> list[Trial]:
    begin = hour % max(1, len(trials))
    return [*trials[begin:], *trials[:begin]]
