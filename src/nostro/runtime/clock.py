"""Clocks: one for machines, one for business; both are the database's in production."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nostro.model.clock import Now
from nostro.model.failures import LandscapeRefused, OutOfService
from nostro.store.database import Database, Statements

SQL = Statements("engine")
EVERY_SECONDS = 10.0
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


async def machine_now() -> Now:
    """This machine's own time on both clocks: for who asks outside without a house."""
    at = datetime.now(UTC)
    return Now(at, at)


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
