"""The breaker of a connection, as one of several workers sees it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from nostro.egress.breaker import FAILURES, Breaker
from nostro.egress.line import Health
from nostro.model.clock import Now

AT = datetime(2026, 8, 31, 6, tzinfo=UTC)
NOW = Now(AT, AT)


class Standing(NamedTuple):
    """The breaker's row, which all workers read."""

    state: str
    failures: int
    until: datetime


def test_another_workers_probe_closes_it_for_those_too_whose_calls_had_failed() -> None:
    """Else each worker would open it once more, for what it had seen before: an outage would last so much longer."""
    breaker = Breaker("psp", Health(failures=FAILURES))
    assert allowed(breaker, Standing("open", 1, AT + timedelta(seconds=15))) == 0
    assert allowed(breaker, Standing("closed", 0, AT)) == 4


class Writes:
    """A database transaction that writes whatever it is asked to."""

    async def run(self, *_: object, **__: object) -> None:
        """It is written; whether it is committed is another matter."""

    async def row(self, *_: object, **__: object) -> object:
        """The row that was asked for."""
        return self


def test_a_prober_whose_good_news_was_not_committed_tells_it_again_at_once() -> None:
    """Else the connection would stand for two minutes more, until the probe counts as dead."""
    breaker = Breaker("psp", Health())
    writes: Any = Writes()
    assert asyncio.run(breaker.allows(writes, Standing("open", 1, AT), NOW, 4, 0)) == 1
    breaker.health.answers = 1
    probing = Standing("half_open", 1, AT + timedelta(seconds=120))
    for attempt in range(2):
        assert asyncio.run(breaker.allows(writes, probing, NOW, 4, 0)) == 4, attempt
    assert allowed(breaker, Standing("closed", 0, AT)) == 4
    assert not breaker.probing


def allowed(breaker: Breaker, standing: Standing) -> int:
    """How many dispatches may begin, of four; nothing may be written for it."""
    nobody_writes: Any = None
    return asyncio.run(breaker.allows(nobody_writes, standing, NOW, 4, 0))
