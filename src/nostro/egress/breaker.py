"""A connection's breaker: after failures in a row nothing is begun for a while, then one prober tries.

Its row is read by all workers and changes on transitions only; failures are counted in memory. It lives on business
time, as all waiting for the other side does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from nostro.egress.line import Health
from nostro.model.clock import Now
from nostro.store.database import Row, Statements, Transaction

SQL = Statements("dispatch")
FAILURES = 5
COOL_SECONDS = 15
COOL_LIMIT_SECONDS = 600
PROBE = timedelta(seconds=120)
"""A prober that says nothing for so long has died: another one may try."""
logger = structlog.get_logger("nostro.breaker")


@dataclass(slots=True)
class Breaker:
    """As one worker sees it. `health` is shared by the connection's lines."""

    connection: str
    health: Health
    probing: bool = False

    @property
    def rests(self) -> bool:
        """Whether nothing has been seen that could move it."""
        return not (self.probing or self.health.failures >= FAILURES or self.health.unauthorised)

    async def allows(self, tx: Transaction, row: Row, now: Now, places: int, running: int) -> int:
        """How many dispatches may be begun, of the free `places`. `row`: as the fence told how the breaker stands."""
        if row.state in (None, "closed"):
            return await self._closed(tx, now, places)
        if row.state == "half_open" and self.probing:
            return await self._probing(tx, row, now, places, running)
        self.probing = False
        self.health.forget()  # what failed meanwhile, or brought it about, says nothing about the time after a probe
        if row.until > now.business:
            return 0
        return await self._probe(tx, row, now, places)

    async def _closed(self, tx: Transaction, now: Now, places: int) -> int:
        self.probing = False
        if not self.health.unauthorised and self.health.failures < FAILURES:
            return places
        await self._open(tx, 0, now)
        return 0

    async def _probing(self, tx: Transaction, row: Row, now: Now, places: int, running: int) -> int:
        if self.health.unauthorised or self.health.failures:
            await self._open(tx, row.failures, now)
            return 0
        if self.health.answers:
            await tx.run(SQL.close_breaker, connection=self.connection, at=now.business)
            logger.info("breaker_closed", connection=self.connection)
            return places  # it goes on probing until the row says so: what this is part of may not be committed
        return 0 if running else min(1, places)

    async def _probe(self, tx: Transaction, row: Row, now: Now, places: int) -> int:
        until = now.business + PROBE
        moved = {"connection": self.connection, "seen": row.until, "until": until, "at": now.business}
        if not places or await tx.row(SQL.probe, **moved) is None:
            return 0
        self.probing = True
        return 1

    async def _open(self, tx: Transaction, failures: int, now: Now) -> None:
        cool = min(COOL_LIMIT_SECONDS, COOL_SECONDS * 2 ** min(failures, 10))
        until = now.business + timedelta(seconds=cool)
        await tx.run(SQL.open_breaker, connection=self.connection, failures=failures + 1, until=until, at=now.business)
        logger.warning("breaker_opened", connection=self.connection, seconds=cool)
        self.probing = False
        self.health.forget()
