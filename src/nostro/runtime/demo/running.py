"""Nostro and a world of the sandbox, both running, on one business clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nostro.model.failures import OutOfService
from nostro.runtime.demo.drive import Drive
from nostro.runtime.demo.landscape import Grounds
from nostro.runtime.demo.summary import SQL
from nostro.runtime.house import House, open_house
from nostro.runtime.ports import listening
from nostro.runtime.workers import Guard, Worker, open_worker, unguarded
from nostro.sandbox.server import Server

AT_WORK = ("folders", "poll", "read", "route", "decide", "deadlines", "dispatch")
"""Beginnings of the names of loops that are asked only when something is due; the others mind leases and seals."""
CALLS_PER_SECOND = 1000.0
POLLED_SECONDS = 300
SECOND = timedelta(seconds=1)
CLOSING_STEP = timedelta(minutes=5)
CLOSING_STEPS = 24
"""Two hours after the end whatever was under way has ended, or something is wrong with it."""
Told = Callable[[datetime], object]


@dataclass(slots=True)
class Running:
    """Made by `running`."""

    server: Server
    worker: Worker
    grounds: Grounds
    _begun: bool = False

    @property
    def house(self) -> House:
        """The house that the worker works for."""
        return self.worker.house

    def drive(self, told: Told) -> Drive:
        """Moves both on."""
        return Drive(self.server, self._react, self._waits, told)

    async def close_books(self, told: Told) -> None:
        """Go on until nothing is under way, at most for two hours."""
        drive = self.drive(told)
        for _ in range(CLOSING_STEPS):
            async with self.house.database.transaction() as tx:
                row = await tx.row(SQL.under_way)
            if not (row and any(row)):
                break
            await drive.to(self.server.world.now + CLOSING_STEP)
        self._tell_time()

    async def stay_up(self) -> None:
        """Let time go on at its own pace, until cancelled."""
        drive = self.drive(lambda _now: None)
        while True:
            await asyncio.sleep(SECOND.total_seconds())
            await drive.to(self.server.world.now + SECOND)
            self._tell_time()

    def _tell_time(self) -> None:
        """For commands that a person types beside us; renamed into place, so that nobody reads half of it."""
        new = self.grounds.clock.with_suffix(".new")
        new.write_text(self.server.world.now.isoformat(), encoding="ascii")
        new.replace(self.grounds.clock)

    async def _react(self) -> int:
        """A step of every loop that finds something to do, side by side as in earnest.

        A dialogue that still goes on counts as work. At first, before any feed is known, all of them look, as soon as
        the worker has its shards and slots: without one it asks nobody.
        """
        now = await self.house.now()
        async with self.house.database.transaction() as tx:
            due = {row.loop for row in await tx.rows(SQL.due, now=now.business)}
        due |= {"folders"} if any(self.grounds.files.glob("*/*.*")) else set()
        due |= {f"dispatch {one.connection.id}" for one in self.worker.dispatchers if one.running}
        first, self._begun = not self._begun, True
        for loop in self.worker.loops if first else ():
            if not loop.name.startswith(AT_WORK):
                await loop.step(now)
        asking = [loop for loop in self.worker.loops if first or loop.name in due or not loop.name.startswith(AT_WORK)]
        done = await asyncio.gather(*(loop.step(now) for loop in asking))
        return sum(done) + sum(dispatcher.running for dispatcher in self.worker.dispatchers)

    async def _waits(self) -> datetime | None:
        async with self.house.database.transaction() as tx:
            row = await tx.row(SQL.next_wait, now=self.server.world.now)
        return row.at if row else None


@asynccontextmanager
async def running(server: Server, grounds: Grounds, guard: Guard = unguarded) -> AsyncIterator[Running]:
    """Start the sandbox, open the house whose landscape is written, and listen; nothing has happened yet."""
    try:
        await server.start()
    except OSError:
        raise OutOfService(f"Port {server.port} was taken meanwhile.", "Start again.") from None
    try:
        async with (
            open_house(grounds.landscape, grounds.state, business=lambda: server.world.now) as house,
            open_worker(_unpaced(house), settle=timedelta(0), guard=guard) as worker,
            listening(worker.door, grounds.door),
            listening(worker.health, grounds.health),
        ):
            yield Running(server, worker, grounds)
    finally:
        await server.stop()


def _unpaced(house: House) -> House:
    """Business time runs a thousand times faster than calls may follow each other in earnest.

    And nobody waits for the minute in which a poll finds what a webhook lost: most of the demo's work would be polls.
    """
    quick = {}
    for name, one in house.connections.items():
        manifest = one.connector.manifest
        feeds = {
            key: replace(feed, every_seconds=max(feed.every_seconds, POLLED_SECONDS))
            for key, feed in manifest.feeds.items()
        }
        connector = replace(one.connector, manifest=replace(manifest, feeds=feeds))
        quick[name] = replace(one, connector=connector, calls_per_second=CALLS_PER_SECOND)
    return replace(house, connections=quick)
