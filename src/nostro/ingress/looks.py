"""Looks into folders, a task each: one that lasts goes on while later steps look into the other folders."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any

FOLDERS_AT_ONCE = 4
"""Looked at beside each other: a file that is read holds a connection to the database."""
Look = asyncio.Task[int]


@dataclass(slots=True)
class Looks:
    """Those under way, by connection. Each ends with how many files it took in."""

    _under_way: dict[str, Look] = field(default_factory=dict)

    def __contains__(self, connection: str) -> bool:
        return connection in self._under_way

    @property
    def full(self) -> bool:
        """Whether no other may begin now."""
        return len(self._under_way) >= FOLDERS_AT_ONCE

    def begin(self, connection: str, look: Coroutine[Any, Any, int]) -> Look:
        """One that isn't under way begins."""
        assert connection not in self._under_way
        self._under_way[connection] = begun = asyncio.create_task(look, name=f"folder {connection}")
        return begun

    async def one(self, seconds: float) -> int:
        """Waits until one ends, but not longer. As `ended`."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return self.ended()

    async def all_of(self, looks: Collection[Look], seconds: float) -> int:
        """Waits until these have ended, but not longer. As `ended`."""
        if left := [look for look in looks if not look.done()]:
            await asyncio.wait(left, timeout=seconds)
        return self.ended()

    def ended(self) -> int:
        """How many files those took in that have ended since. Raises what the first of them raised that failed."""
        ended = [connection for connection, look in self._under_way.items() if look.done()]
        looks = [self._under_way.pop(connection) for connection in ended]
        failed = [look for look in looks if look.cancelled() or look.exception() is not None]
        return sum(look.result() for look in failed or looks)

    async def stop(self) -> None:
        """Ends all of them, as a crash would. What they raise is theirs."""
        looks = list(self._under_way.values())
        self._under_way.clear()
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)
