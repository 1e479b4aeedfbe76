"""Moves a world of the sandbox on, from one thing that is due to the next, and lets whoever lives in it react."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nostro.sandbox.server import Server

GRAIN = timedelta(seconds=1)
LONGEST = timedelta(minutes=15)
ROUND = timedelta(seconds=30)
"""Waits of whoever lives in the world end together, on the half minute: nobody outside can tell the difference."""
LATE_EFFECTS = timedelta(minutes=5)
"""What a cut left to happen later (120 s) has happened by then."""

React = Callable[[], Awaitable[int]]
"""Do what can be done now; returns how much it was, and is asked again until it was nothing."""


@dataclass(frozen=True, slots=True)
class Drive:
    """One world on its way. `waits` says when whoever lives in it wants to be asked next; `told` hears the time."""

    server: Server
    react: React
    waits: Callable[[], Awaitable[datetime | None]]
    told: Callable[[datetime], object]

    async def to(self, until: datetime) -> None:
        """Live until then. Whatever is due on the way happens at its own time and is answered before time goes on."""
        await self._answer()
        while self.server.world.now < until:
            now = self.server.world.now
            wait, due = await self.waits(), self.server.world.next_due()
            stops = [now + LONGEST, *((_rounded(wait),) if wait else ()), *((due,) if due else ())]
            stop = max(now + GRAIN, min(stops))
            self.server.world.advance(min(stop, until))
            await self._answer()
            self.told(self.server.world.now)

    async def _answer(self) -> None:
        await self.server.settle()
        while await self.react():
            await self.server.settle()


def _rounded(wait: datetime) -> datetime:
    return wait + (datetime.min.replace(tzinfo=UTC) - wait) % ROUND
