"""The database's clock, carried on between two looks, whatever holds up a look."""

from __future__ import annotations

import time as real_time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from nostro.runtime import clock
from nostro.runtime.clock import EVERY_SECONDS, LOOKS, Clock

pytestmark = pytest.mark.asyncio
START = datetime(2026, 8, 31, 6, tzinfo=UTC)


class Held(NamedTuple):
    """How long a look is held up: until the database answers, until the answer is read, and until it is committed."""

    there: float = 0.0
    back: float = 0.0
    commit: float = 0.0


@dataclass
class Time:
    """The time that it is, in seconds since the start, and a database that knows it."""

    held: list[Held]
    seconds: float = 0.0
    looks: int = 0
    _answers: list[Any] = field(default_factory=list)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Time]:
        yield self
        self.seconds += self._at(self.looks - 1).commit

    @asynccontextmanager
    async def together(self) -> AsyncIterator[Time]:
        self._answers.clear()
        yield self
        held = self._at(self.looks)
        self.looks += 1
        self.seconds += held.there
        self._answers.append(SimpleNamespace(at=START + timedelta(seconds=self.seconds)))
        self.seconds += held.back

    def _at(self, look: int) -> Held:
        return self.held[min(look, len(self.held) - 1)]

    async def run(self, _: object) -> Any:  # noqa: ANN401 - an answer
        answers = self._answers
        return SimpleNamespace(rows=lambda: answers)


async def _lead(time: Time, monkeypatch: pytest.MonkeyPatch) -> float:
    """How many seconds the clock is ahead after its first look."""
    monkeypatch.setattr(clock, "uptime", lambda: time.seconds)
    database: Any = SimpleNamespace(transaction=time.opened)
    told = Clock(database)
    now = await told.now()
    lead, looks = (now.machine - START).total_seconds() - time.seconds, time.looks
    await told.now()
    assert time.looks == looks, "it carries the look on"
    time.seconds += EVERY_SECONDS + 1
    await told.now()
    assert time.looks > looks, "but for ten seconds only"
    return lead


@pytest.mark.parametrize(
    "held",
    [
        [Held()],
        [Held(commit=3), Held()],
        [Held(back=3), Held()],
        [Held(there=3), Held()],
        [Held(there=3, back=2, commit=4), Held(back=2), Held()],
    ],
    ids=["not at all", "at its commit", "on its way back", "on its way there", "twice"],
)
async def test_the_clock_is_right_when_a_look_was_held_up(held: list[Held], monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _lead(Time(held), monkeypatch) == pytest.approx(0)


async def test_where_every_look_takes_long_the_clock_never_lags_and_looks_no_more_than_thrice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = Time([Held(there=4), Held(there=1, back=1), Held(there=2, back=2), Held()])
    assert await _lead(time, monkeypatch) == pytest.approx(1), "the quickest look counts"
    assert time.looks == LOOKS + 1, "three at first, and one that is quick when the time has come"


async def test_time_in_which_the_machine_was_suspended_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time([Held()])
    counts = getattr(real_time, "CLOCK_BOOTTIME", real_time.CLOCK_MONOTONIC)
    standing = SimpleNamespace(
        monotonic=lambda: 0.0, clock_gettime=lambda which: time.seconds if which == counts else 0.0
    )
    monkeypatch.setattr(clock, "time", standing)
    database: Any = SimpleNamespace(transaction=time.opened)
    told = Clock(database)
    await told.now()
    time.seconds += 7
    assert (await told.now()).machine == START + timedelta(seconds=7)
