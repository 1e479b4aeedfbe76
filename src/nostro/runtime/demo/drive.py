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
        asked_again = self.server.world.now + LONGEST
        while (now := self.server.world.now) < until:
            wait, due = await self.waits(), self.server.world.next_due()
            asked_again = min(asked_again, _rounded(wait)) if wait else asked_again
            stop = min(until, max(now + GRAIN, min(asked_again, due or until)))
            self.server.world.advance(stop)
            if await self.server.settle() or stop >= min(asked_again, until):
                await self._answer()
                asked_again = stop + LONGEST
            self.told(stop)

    async def _answer(self) -> None:
        """Twice at least: a file is taken when it has held still over two looks."""
        await self.react()
        while await self.react() or await self.server.settle():
            pass


def _rounded(wait: datetime) -> datetime:
    return wait + (datetime.min.replace(tzinfo=UTC) - wait) % ROUND
