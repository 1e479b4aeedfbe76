"""Nudges: what one process has done makes work for another, which needn't wait for its next look then.

They only wake. Whoever misses one finds the work by looking, as behind a pooler that passes no notifications on. A
notifying commit takes a lock of the whole cluster, so they are gathered and sent on their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from psycopg import AsyncConnection, Error
from psycopg.conninfo import make_conninfo

from nostro.model.failures import Failure
from nostro.store.database import HERE, Database, Statements
from nostro.store.migrate import release

SQL = Statements("engine")
GATHERED_SECONDS = 0.005
AGAIN_SECONDS = 5.0
"""So long after its connection was lost it listens again."""


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
            group.create_task(self._telling(), name="telling")
            group.create_task(self._listening(heard), name="listening")

    async def _telling(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            told, self._told = self._told, set()
            try:
                await self.say(told)
            except Failure:
                await asyncio.sleep(AGAIN_SECONDS)
            await asyncio.sleep(GATHERED_SECONDS)

    async def _listening(self, heard: Callable[[str], None]) -> None:
        while True:
            try:
                told = make_conninfo(self.database.url, application_name=release(), **HERE)
                async with await AsyncConnection.connect(told, autocommit=True) as connection:
                    await connection.execute("listen nostro")
                    async for note in connection.notifies():
                        process, _, work = note.payload.partition(" ")
                        if process != self.process:
                            heard(work)
            except Error:
                await asyncio.sleep(AGAIN_SECONDS)
