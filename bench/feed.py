"""Begins instances as a reading does, keeps so many under way, and counts what the log holds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench.six_steps import FACTS_AN_INSTANCE, beginning
from bench.worker import MASTER, PROCESSES
from nostro.engine.activation import activate
from nostro.model.clock import Now
from nostro.model.failures import LostRace
from nostro.model.ids import SHARDS
from nostro.routing.route import Routable, route
from nostro.store.blobs import seal_all
from nostro.store.database import Database
from nostro.store.entropy import SystemEntropy
from nostro.store.install import install
from nostro.store.keys import Keys

BATCH = 100
LOOK_SECONDS = 0.05
OVER = """select count(*) from subject where shard = any(array(select generate_series(0, 63))::smallint[])
and process = 'payout' and subject between 'po_' and 'po`' and state = 'over'"""
__all__ = ["BATCH", "Feed", "Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """A measured stretch."""

    seconds: float
    instances: float
    facts: int

    @property
    def rate(self) -> float:
        """Instances a second, by their facts: each has seven, and in a short stretch few of many come to their end."""
        return self.facts / FACTS_AN_INSTANCE / self.seconds


@dataclass(slots=True)
class Feed:
    """On one database. `begun` so far."""

    database: Database
    keys: Keys = field(default_factory=lambda: Keys(MASTER, SystemEntropy()))
    begun: int = 0

    async def install(self) -> None:
        """Makes the database Nostro's own, and has a bundle come into force."""
        at = datetime.now(UTC)
        await install(self.database, self.keys, "test", SystemEntropy(), at)
        await activate(self.database, self.keys, b"{}", "bench", "to measure", Now(at, at))

    async def begin(self, count: int) -> None:
        """So many more instances, as one reading routes them."""
        at = datetime.now(UTC)
        facts = [beginning(f"po_{self.begun + n:09}", at) for n in range(count)]
        blobs = await seal_all(self.database, self.keys, facts, at)
        batch = [Routable(fact, blob) for fact, blob in zip(facts, blobs, strict=True)]
        while True:
            try:
                async with self.database.transaction() as tx:
                    await route(tx, self.keys, PROCESSES, batch, at)
            except LostRace:
                continue
            break
        self.begun += count

    async def facts(self) -> int:
        """How many facts of instances the log holds."""
        return int(await self.one("select sum(position) from shard") or 0) - SHARDS

    async def over(self) -> int:
        """How many instances have come to their end."""
        return int(await self.one(OVER))

    async def one(self, query: str) -> Any:  # noqa: ANN401 - whatever is asked for
        """The one value of a query."""
        async with self.database.transaction() as tx:
            row = await (await tx.execute(query.encode())).fetchone()
        return row[0] if row else None

    async def keep(self, under_way: int, seconds: float) -> Window:
        """Keeps so many instances under way for so long; what ended in that time."""
        began, over, facts = time.monotonic(), await self.over(), await self.facts()
        known = facts
        while time.monotonic() - began < seconds:
            missing = under_way - (self.begun - known // FACTS_AN_INSTANCE)
            if missing > 0:
                await self.begin(min(BATCH, missing))
            else:
                await asyncio.sleep(LOOK_SECONDS)
            known = await self.facts()
        ended, took = await self.over(), time.monotonic() - began
        return Window(took, ended - over, known - facts)

    async def pace(self, rate: float, seconds: float) -> float:
        """Begins `rate` instances a second for so long, whatever becomes of them; how many a second that were."""
        began, first = time.monotonic(), self.begun
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * rate) - (self.begun - first)
            if due > 0:
                await self.begin(min(due, BATCH))
            await asyncio.sleep(LOOK_SECONDS)
        return (self.begun - first) / passed

    async def drained(self, limit_seconds: float = 600.0) -> bool:
        """Waits until every instance is over."""
        began = time.monotonic()
        while time.monotonic() - began < limit_seconds:
            if await self.facts() == self.begun * FACTS_AN_INSTANCE and await self.over() == self.begun:
                return True
            await asyncio.sleep(0.1)
        return False

    async def alone(self) -> float:
        """Seconds that one instance takes while nothing else is under way."""
        began = time.monotonic()
        await self.begin(1)
        while await self.facts() < self.begun * FACTS_AN_INSTANCE:  # noqa: ASYNC110 - another process moves the log
            await asyncio.sleep(0.002)
        return time.monotonic() - began
