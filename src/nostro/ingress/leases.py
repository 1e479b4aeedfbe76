"""Leases of feeds and folders: one worker polls each, another takes over ten seconds after it has died."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nostro.model.clock import Now
from nostro.model.failures import Failure, LostRace
from nostro.store.database import Database, Statements, Transaction
from nostro.store.waiting import cancels, heed

SQL = Statements("ingress")
KIND = "feed"
LEASE = timedelta(seconds=10)


@asynccontextmanager
async def renewed(again: Callable[[datetime], Awaitable[None]], now: Now) -> AsyncIterator[None]:
    """Calls `again` with the machine time each third of a lease while the block works.

    Else what lasts longer than a lease would never end: two workers would take it from each other, again and again.
    However long it lasts, as a large file does: it is each of its steps that is bounded, by who takes it.
    """
    task = asyncio.create_task(_renew(again, now), name="lease")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


def is_recent(before: datetime | None, machine: datetime) -> bool:
    """Whether an instant is less than a third of a lease ago. It isn't where the clock was set back since."""
    return before is not None and timedelta() <= machine - before < LEASE / 3


async def _renew(again: Callable[[datetime], Awaitable[None]], now: Now) -> None:
    clock = asyncio.get_running_loop().time
    began, before = clock(), cancels()
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        with suppress(Failure):  # then the fence says no, where it matters
            await again(now.machine + timedelta(seconds=clock() - began))
        heed(before)


@dataclass(frozen=True, slots=True)
class Leased:
    """A feed that this worker holds, and where the feed stands. `rewind_to`: a recovery wants it read from there."""

    connection: str
    name: str
    token: int
    cursor: str
    run_at: datetime
    failures: int
    rewind_to: datetime | None = None
    stopped: bool = False


@dataclass(slots=True)
class Leases:
    """One worker's leases. They live on machine time, feeds on business time."""

    database: Database
    worker: str
    _asked: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When somebody else was found to poll a feed."""

    async def resting(self, connection: str, now: Now) -> frozenset[str]:
        """The connection's feeds that are not due yet: one look for all of them, and no lease is needed for it."""
        rows = await self.database.look(SQL.feeds_resting, connection=connection, now=now.business)
        return frozenset(row.name for row in rows)

    async def take(self, connection: str, name: str, now: Now) -> Leased | None:
        """The feed, if nobody else polls it. Asks again after a third of a lease when somebody does."""
        if is_recent(self._asked.get((connection, name)), now.machine):
            return None
        async with self.database.transaction() as tx:
            row = await tx.row(SQL.take_lease, **self._names(connection, name, now.machine))
            if row is None:
                self._asked[connection, name] = now.machine
                return None
            feed = await tx.row(SQL.feed, connection=connection, name=name)
            if feed is None:
                await tx.run(SQL.make_feed, connection=connection, name=name, at=now.business)
                feed = await tx.row(SQL.feed, connection=connection, name=name)
        assert feed is not None
        return Leased(
            connection, name, row.token, feed.cursor, feed.run_at, feed.failures, feed.rewind_to, feed.stopped
        )

    def kept(self, connection: str, name: str, now: Now) -> AbstractAsyncContextManager[None]:
        """The feed stays this worker's while the block works on it."""

        async def again(later: datetime) -> None:
            async with self.database.transaction() as tx:
                await tx.row(SQL.take_lease, **self._names(connection, name, later))

        return renewed(again, now)

    def _names(self, connection: str, name: str, at: datetime) -> dict[str, object]:
        named = {"kind": KIND, "name": f"{connection}/{name}", "holder": self.worker}
        return {**named, "machine": at, "until": at + LEASE, "beyond": at + 2 * LEASE}

    async def release(self, now: Now) -> None:
        """Gives everything back, so that nobody waits for leases to end."""
        async with self.database.transaction() as tx:
            await tx.run(SQL.release_leases, kind=KIND, holder=self.worker, now=now.machine)

    async def fence(self, tx: Transaction, leased: Leased) -> None:
        """Raises `LostRace` when somebody else holds the feed by now."""
        name = f"{leased.connection}/{leased.name}"
        if await tx.row(SQL.hold_lease, kind=KIND, name=name, token=leased.token, holder=self.worker) is None:
            message = f"Another worker polls {name} by now."
            raise LostRace(message)

    async def advance(self, tx: Transaction, leased: Leased, cursor: str, run_at: datetime, at: datetime) -> None:
        """The feed stands at `cursor` and is due again at `run_at`, if it is still ours. Raises `LostRace`."""
        await self.fence(tx, leased)
        names = {"connection": leased.connection, "name": leased.name}
        await tx.run(SQL.advance_feed, **names, cursor=cursor, run_at=run_at, seen=leased.run_at, at=at)

    async def delay(self, leased: Leased, run_at: datetime, note: str) -> None:
        """The feed failed and is due again at `run_at`, if it is still ours. `note`: for people. Raises `LostRace`."""
        names = {"connection": leased.connection, "name": leased.name}
        async with self.database.transaction() as tx:
            await self.fence(tx, leased)
            await tx.run(SQL.delay_feed, **names, run_at=run_at, note=note)
