"""The forever-loops around the `step(now)` functions: three lines each, and what to do when a step fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from nostro.model.clock import Now
from nostro.model.failures import DatabaseRestored, DatabaseUnavailable, Failure, LostRace
from nostro.runtime.clock import Clock

logger = structlog.get_logger("nostro.loops")
BACK_OFF_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Loop:
    """A step, and how long to rest when it found nothing to do."""

    name: str
    step: Callable[[Now], Awaitable[int]]
    idle_seconds: float


@dataclass(slots=True)
class Loops:
    """Runs loops until `stop` is set. A step that fails is told and tried again: no failure ends a loop.

    `revive` is called when the database is gone, and may start it again.
    """

    clock: Clock
    stop: asyncio.Event
    revive: Callable[[], None] = lambda: None
    _restored: DatabaseRestored | None = None

    async def run(self, loops: Sequence[Loop]) -> None:
        """Returns when all loops have ended. Raises `DatabaseRestored` when they had to."""
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(self._forever(loop), name=loop.name)
        if self._restored is not None:
            raise self._restored

    async def _forever(self, loop: Loop) -> None:
        while not self.stop.is_set():
            if not await self._once(loop):
                await self._rest(loop.idle_seconds)

    async def _once(self, loop: Loop) -> int:
        try:
            return await loop.step(await self.clock.now())
        except DatabaseRestored as failure:
            logger.exception("database_restored", loop=loop.name, sentence=failure.sentence)
            self._restored = failure
            self.stop.set()
        except DatabaseUnavailable as failure:
            logger.warning("database_unavailable", loop=loop.name, sentence=failure.sentence)
            await self._revive()
        except LostRace as lost:  # expected: whoever was first does it, and the next step looks again
            logger.info("race_lost", loop=loop.name, sentence=lost.sentence)
        except Failure as failure:
            logger.warning("step_failed", loop=loop.name, failure=type(failure).__name__, sentence=failure.sentence)
        except Exception:  # a loop must not end: the failure is told and the step tried again
            logger.exception("step_failed", loop=loop.name)
        await self._rest(BACK_OFF_SECONDS)
        return 0

    async def _revive(self) -> None:
        """One that fails is tried again after the next step that finds no database."""
        try:
            await asyncio.to_thread(self.revive)
        except Failure as failure:
            logger.warning("revival_failed", sentence=failure.sentence)
        except Exception:  # no failure ends a loop
            logger.exception("revival_failed")

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)
