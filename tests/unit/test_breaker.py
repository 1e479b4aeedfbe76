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


def allowed(breaker: Breaker, standing: Standing) -> int:
    """How many dispatches may begin, of four; nothing may be written for it."""
    nobody_writes: Any = None
    return asyncio.run(breaker.allows(nobody_writes, standing, NOW, 4, 0))
