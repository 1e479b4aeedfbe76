"""How the house of a seed is run: what its owner has configured, and what is done to it while it works.

Each circumstance hangs on the seed and its own name only: one can be left out and the others stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from nostro.sandbox.entropy import chance
from nostro.sandbox.stage import END, MONDAY, TUESDAY, at

CHOICES: Mapping[str, tuple[str, ...]] = {
    "slots": ("", "", "", "2", "3"),
    "rate": ("", "", "", "1", "4"),
    "lane": ("", "", "", "critical", "bulk"),
    "people": ("", "", "", "", "act", "approve"),
    "rules": ("", "", "", "", "", "", "limits", "slots"),
    "release": ("", "", "", "", "", "", "", "older"),
    "poison": ("", "", "", "", "", "", "", "decision"),
    "recovery": ("", "", "", "", "", "", "", "", "", "open"),
    "rejects": ("", "", "", "", "", "", "", "", "noise", "entry", "stranger", "event"),
}
"""What each may be; empty: as usual."""
TOLD = {
    "slots": "each connection has {} slots",
    "rate": "{} calls a second may leave over each connection",
    "lane": "what comes from providers and banks is {}",
    "people": "people {} on what waits for them",
    "rules": "other {} are put in force meanwhile, worker by worker",
    "release": "one worker is of an {} release: it lacks the newest version of each process",
    "poison": "a {} throws, until it is mended and a person has it run again",
    "recovery": "a recovery is {}ed, and closed by a second person",
    "rejects": "something bad comes in: {}",
}
ROUND = 3
"""So many of the two days' hours lie between two rounds of people."""
LAST_ROUNDS = 6
"""So often people look, an hour apart, when the outside has come to rest: what they let go leads to more that waits."""


@dataclass(frozen=True, slots=True, order=True)
class Happening:
    """Something that is done at a business time."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Made by `drawn`. An empty word: as usual."""

    slots: str = ""
    rate: str = ""
    lane: str = ""
    people: str = ""
    rules: str = ""
    release: str = ""
    poison: str = ""
    recovery: str = ""
    rejects: str = ""
    republished: bool = False
    """Whether the other rules are in force."""

    @classmethod
    def drawn(cls, seed: int) -> Circumstances:
        """Those of a seed."""
        words: dict[str, Any] = {}
        for name, choices in CHOICES.items():
            words[name] = chance(seed, "circumstance", name).choice(choices)
        return cls(**words)

    @classmethod
    def named(cls, words: str) -> Circumstances:
        """From `slots 2; people act`. Raises `ValueError` for what there isn't."""
        told: dict[str, Any] = {}
        for each in words.split(";") if words.strip() else ():
            name, word = each.split()
            if word not in CHOICES.get(name, ()):
                message = f"{name} can't be {word}"
                raise ValueError(message)
            told[name] = word
        return cls(**told)

    def __str__(self) -> str:
        return "; ".join(f"{name} {word}" for name, word in self._words().items() if word)

    def without(self, names: Collection[str]) -> Circumstances:
        """But for those, which are as usual."""
        return Circumstances(**{name: word for name, word in self._words().items() if name not in names})

    def told(self) -> dict[str, str]:
        """What is not as usual, in words."""
        return {name: TOLD[name].format(word) for name, word in self._words().items() if word}

    def _words(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in CHOICES}

    @property
    def slots_now(self) -> int:
        """Slots of each connection under the rules in force."""
        told = int(self.slots or 1)
        return told % 3 + 1 if self.republished and self.rules == "slots" else told

    @property
    def mode(self) -> str:
        """The mode in which Odoo is written to. Without people nobody could let anything go."""
        return "propose" if self.people and (self.people == "approve") != self.republished else "act"

    @property
    def tolerance_minor(self) -> int:
        """What may be paid too much: no deal is so near to its amount that this would decide anything."""
        return 1 if self.republished else 0

    def happenings(self, seed: int) -> list[Happening]:
        """What is done when, in its order."""
        return sorted(self._happenings(chance(seed, "happenings")))

    def _happenings(self, drawn: Random) -> Iterator[Happening]:
        hours = [at(day, hour) for day in (MONDAY, TUESDAY) for hour in range(7, 20)]
        published, poisoned, opened, bad = (drawn.choice(hours) for _ in range(4))
        minutes = timedelta(minutes=drawn.randrange(60))
        rounds = {opened + timedelta(hours=n) for n in (1, 2, 3)} if self.recovery else set()
        if self.people or self.poison:
            rounds |= {hour + minutes for hour in hours[::ROUND]}
            rounds |= {END + timedelta(hours=n) for n in range(LAST_ROUNDS)}
        yield from (Happening(hour, "people look") for hour in rounds)
        if self.rules:
            yield Happening(published + minutes, "publish")
        if self.rules or self.release:
            yield from (Happening(published + minutes + timedelta(hours=n), "replace a worker") for n in (0, 3, 6))
        if self.poison:
            yield Happening(poisoned, "poison")
            yield Happening(poisoned + timedelta(hours=2), "mend")
        if self.recovery:
            yield Happening(opened + minutes, "open a recovery")
            yield Happening(opened + minutes + timedelta(hours=1), "close the recovery")
        if self.rejects:
            yield Happening(bad + minutes, "something bad")


PLAIN = Circumstances()
