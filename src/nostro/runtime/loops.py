"""The forever-loops around the `step(now)` functions: three lines each, and what to do when a step fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from nostro.model.clock import Now
from nostro.model.failures import DatabaseRestored, DatabaseUnavailable, Failure, LostRace
from nostro.runtime.clock import Clock
from nostro.store.nudges import Nudges
from nostro.store.waiting import cancels

logger = structlog.get_logger("nostro.loops")
BACK_OFF_SECONDS = 1.0
GRACE_SECONDS = 4.0
"""So long a worker that is asked to end waits for steps under way: operators' tools kill after ten."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A step, and how long to rest when it found nothing to do.

    `follows`: loops whose work makes work for this one. When one of them did something, here or in another process, its
    rest ends: so an instance that is alone passes from stage to stage without waiting for the next look. `elsewhere`:
    whether what it did since this was asked before may be work for another process.
    """

    name: str
    step: Callable[[Now], Awaitable[int]]
    idle_seconds: float
    follows: Sequence[str] = ()
    elsewhere: Callable[[], bool] = lambda: True

    def is_woken_by(self, name: str) -> bool:
        """Whether the work of a loop (`dispatch odoo-de`), or of its kind (`dispatch`), ends this one's rest."""
        return name in self.follows or name.partition(" ")[0] in self.follows


@dataclass(slots=True)
class Loops:
    """Runs loops until `stop` is set. A step that fails is told and tried again: no failure ends a loop.

    `revive` is called when the database is gone, and may start it again. `nudges`: how other processes hear of work.
    """

    clock: Clock
    stop: asyncio.Event
    revive: Callable[[], None] = lambda: None
    nudges: Nudges | None = None
    _restored: DatabaseRestored | None = None
    _bells: dict[str, asyncio.Event] = field(default_factory=dict)

    async def run(self, loops: Sequence[Loop]) -> None:
        """Returns when all loops have ended; one that is in a long step is cut short, which is safe as a crash is.

        Raises `DatabaseRestored` when they had to end.
        """
        self._bells = {loop.name: asyncio.Event() for loop in loops}
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._forever(loop, self._woken(loops, loop.name)), name=loop.name) for loop in loops
            ]
            nudged = group.create_task(self._nudged(loops), name="nudges")
            await self.stop.wait()
            nudged.cancel()
            for bell in self._bells.values():
                bell.set()
            _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS) if tasks else ((), ())
            for task in late:
                logger.info("loop_cut_short", loop=task.get_name())
                task.cancel()
        if self._restored is not None:
            raise self._restored

    def _woken(self, loops: Sequence[Loop], name: str) -> list[asyncio.Event]:
        return [self._bells[loop.name] for loop in loops if loop.is_woken_by(name)]

    async def _nudged(self, loops: Sequence[Loop]) -> None:
        def heard(work: str) -> None:
            for bell in self._woken(loops, work):
                bell.set()

        if self.nudges is not None:
            await self.nudges.run(heard)

    async def _forever(self, loop: Loop, woken: Sequence[asyncio.Event]) -> None:
        bell = self._bells[loop.name]
        while not self.stop.is_set():
            bell.clear()  # before the step: what happens while it looks is looked for again
            if await self._once(loop):
                for other in woken:
                    other.set()
                if woken and self.nudges is not None and loop.elsewhere():
                    self.nudges.tell(loop.name)
            elif not self.stop.is_set():
                await _passes(loop.idle_seconds, bell)

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
        except asyncio.CancelledError as stray:
            if cancels():
                raise
            logger.warning("step_failed", loop=loop.name, exc_info=stray)  # of something that it waited for
        except Exception:  # a loop must not end: the failure is told and the step tried again
            logger.exception("step_failed", loop=loop.name)
        await _passes(BACK_OFF_SECONDS, self.stop)
        return 0

    async def _revive(self) -> None:
        """One that fails is tried again after the next step that finds no database."""
        try:
            await asyncio.to_thread(self.revive)
        except Failure as failure:
            logger.warning("revival_failed", sentence=failure.sentence)
        except Exception:  # no failure ends a loop
            logger.exception("revival_failed")


async def _passes(seconds: float, unless: asyncio.Event) -> None:
    """That time, or less when what could happen meanwhile does."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await unless.wait()
