"""Clocks: one for machines, one for business; both are the database's in production."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from nostro.model.clock import Now
from nostro.store.database import Database, Statements

SQL = Statements("engine")
EVERY_SECONDS = 10.0


@dataclass(slots=True)
class Clock:
    """The database's clock, carried on between readings by this machine's monotonic one, so that leases have one clock.

    `business`, where given, tells business time instead: the demo's world.
    """

    database: Database
    business: Callable[[], datetime] | None = None
    _read_at: float = field(default=-1e9)
    _told: datetime = field(default=datetime(2000, 1, 1, tzinfo=UTC))

    async def now(self) -> Now:
        """The present instant; asks the database every ten seconds."""
        if time.monotonic() - self._read_at > EVERY_SECONDS:
            async with self.database.transaction() as tx:
                row = await tx.row(SQL.database_clock)
            self._told, self._read_at = (row.at.astimezone(UTC) if row else self._told), time.monotonic()
        machine = self._told + timedelta(seconds=time.monotonic() - self._read_at)
        return Now(self.business() if self.business else machine, machine)
