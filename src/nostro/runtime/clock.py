"""Clocks: one for machines, one for business; both are the database's in production."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nostro.model.clock import Now
from nostro.model.failures import LandscapeRefused, OutOfService
from nostro.store.database import Database, Statements
from nostro.store.keys import Keys

SQL = Statements("engine")
ERASURES = Statements("keys")
EVERY_SECONDS = 10.0
LOOK_SECONDS = 1.0
"""A look that takes longer says too little about the present."""
LOOKS = 3
"""So often it is looked at once; then the quickest look counts."""
WORLD_CLOCK = "NOSTRO_WORLD_CLOCK"
"""The environment variable that names a world's clock: a file that holds nothing but the instant, in ISO 8601.

For processes that live in a world of the sandbox, as the crash tests' do; whoever moves the world on renames a new file
over it. Only a landscape of environment `test` takes it.
"""


def world_clock(environment: str, variables: Mapping[str, str] = os.environ) -> Callable[[], datetime] | None:
    """What tells business time instead of the database, or None. Raises `LandscapeRefused` outside of `test`."""
    told = variables.get(WORLD_CLOCK, "")
    if not told:
        return None
    if environment != "test":
        raise LandscapeRefused(
            f"{WORLD_CLOCK} is set, and the business of environment {environment} happens in earnest.",
            f"Unset {WORLD_CLOCK}.",
        )
    file = Path(told)

    def read() -> datetime:
        try:
            return datetime.fromisoformat(file.read_text(encoding="ascii").strip()).astimezone(UTC)
        except (OSError, ValueError) as error:
            raise OutOfService(
                f"The world's clock {file} tells no time ({type(error).__name__}): its demo was ended, or begun anew.",
                f"Unset {WORLD_CLOCK}, or run the demo to its end.",
            ) from error

    return read


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's monotonic clock stands still while the machine is suspended, this one doesn't; elsewhere they are one."""


def uptime() -> float:
    """Seconds since the machine began, those in which it was suspended included."""
    return time.clock_gettime(_STEADY)


async def machine_now() -> Now:
    """This machine's own time on both clocks: for who asks outside without a house."""
    at = datetime.now(UTC)
    return Now(at, at)


@dataclass(slots=True)
class Clock:
    """The database's clock, carried on between readings by this machine's uptime, so that leases have one clock.

    `business`, where given, tells business time instead: the demo's world. `keys`, once set, hear of erasures with each
    look: no step begins with data keys that were destroyed longer than ten seconds ago.

    It never lags behind the database's clock, whatever holds up a look, and where the machine was suspended: else acts
    would be noted as begun earlier than they were, and count as absent too early. It leads by less than the look took.
    """

    database: Database
    business: Callable[[], datetime] | None = None
    keys: Keys | None = None
    _read_at: float = field(default=-1e9)
    _told: datetime = field(default=datetime(2000, 1, 1, tzinfo=UTC))
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def now(self) -> Now:
        """The present instant; asks the database every ten seconds."""
        if self._is_old():
            async with self._looking:  # all loops come at once, and one look serves them
                if self._is_old():
                    await self._look()
        machine = self._told + timedelta(seconds=uptime() - self._read_at)
        return Now(self.business() if self.business else machine, machine)

    def _is_old(self) -> bool:
        return uptime() - self._read_at > EVERY_SECONDS

    async def _look(self) -> None:
        looks: list[tuple[float, float, datetime]] = []
        while len(looks) < LOOKS and not (looks and looks[-1][0] <= LOOK_SECONDS):
            async with self.database.transaction() as tx:
                began = uptime()
                async with tx.together() as asked:
                    clock = await asked.run(SQL.database_clock)
                    erasures = await asked.run(ERASURES.erasures) if self.keys else None
                looks.append((uptime() - began, began, clock.rows()[0].at.astimezone(UTC)))
            if self.keys and erasures:
                self.keys.hear(erasures.rows()[0].count)
        _, self._read_at, self._told = min(looks)
