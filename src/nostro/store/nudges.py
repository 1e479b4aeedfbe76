"""Nudges: what one process has done makes work for another, which needn't wait for its next look then.

They only wake. Whoever misses one finds the work by looking, as behind a pooler that passes no notifications on. A
notifying commit takes a lock of the whole cluster, so they are gathered and sent on their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import structlog
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from nostro.store.database import HERE, Database, Statements
from nostro.store.migrate import release

SQL = Statements("engine")
GATHERED_SECONDS = 0.005
AGAIN_SECONDS = 5.0
"""So long after it failed it tells and listens again."""
logger = structlog.get_logger("nostro.nudges")


@dataclass(slots=True)
class Nudges:
    """Of one process, which says who it is. `alone`: whether there is nobody to tell."""

    database: Database
    process: str
    alone: Callable[[], bool]
    _told: set[str] = field(default_factory=set)
    _some: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, work: str) -> None:
        """Others hear of it soon."""
        if not self.alone():
            self._told.add(work)
            self._some.set()

    async def say(self, work: Iterable[str]) -> None:
        """Others hear of it now."""
        await self.database.look(SQL.nudge, told=[f"{self.process} {one}" for one in sorted(work)])

    async def run(self, heard: Callable[[str], None]) -> None:
        """Tells, and calls `heard` with what others tell; until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_again_and_again(self._tell), name="telling")
            group.create_task(_again_and_again(partial(self._listen, heard)), name="listening")

    async def _tell(self) -> None:
        await self._some.wait()
        self._some.clear()
        told, self._told = self._told, set()
        await self.say(told)
        await asyncio.sleep(GATHERED_SECONDS)

    async def _listen(self, heard: Callable[[str], None]) -> None:
        """Until the connection is lost."""
        told = make_conninfo(self.database.url, application_name=release(), **HERE)
        async with await AsyncConnection.connect(told, autocommit=True) as connection:
            await connection.execute("listen nostro")
            async for note in connection.notifies():
                process, _, work = note.payload.partition(" ")
                if process != self.process:
                    heard(work)


async def _again_and_again(turn: Callable[[], Awaitable[None]]) -> None:
    """Until it is cancelled: who only wakes must not end those who work, whatever he fails with."""
    while True:
        try:
            await turn()
        except Exception as failure:  # noqa: BLE001 - as said: a standby's refusal, a machine without threads, a defect
            logger.warning("nudges_failed", failure=type(failure).__name__, sentence=str(failure))
            await asyncio.sleep(AGAIN_SECONDS)
