"""Calls to file systems that may never answer, as a network mount's: each is bounded, in a thread of its own.

A call that has no answer in time is left to its thread, which nobody can end; until it ends its path isn't asked again.
So what hangs costs a thread or a few, and none of those that readers, name resolution and everything else share.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from nostro.store.waiting import Unwaited

ANSWER_SECONDS = 30.0
"""For one answer, not for all of a file or folder: what is slow goes on as long as it goes on."""
MOST = 4
"""When so many paths of a connection have no answer its folder hangs as a whole: there are no more threads for it."""
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(slots=True)
class Mount:
    """What one connection's folder lies on."""

    _asked: dict[Path, float] = field(default_factory=dict)
    """Paths that have not answered yet, since when by the loop's time."""

    @property
    def unanswered(self) -> int:
        """How many paths have not answered."""
        return len(self._asked)

    def why_not(self, path: Path) -> TimeoutError | None:
        """Why this path isn't asked now: it, or too many others, have not answered yet."""
        asked = self._asked.copy()
        since = asked.get(path, min(asked.values()) if len(asked) >= MOST else None)
        if since is None:
            return None
        seconds = asyncio.get_running_loop().time() - since
        return TimeoutError(errno.ETIMEDOUT, f"no answer for {seconds:.0f} s")

    async def ask(self, path: Path, call: Callable[[*Ts], T], *given: *Ts) -> T:
        """What the call returns or raises. Raises `TimeoutError`, an `OSError`, when there is no answer in time."""
        if refusal := self.why_not(path):
            raise refusal
        loop = asyncio.get_running_loop()
        self._asked[path] = loop.time()
        try:
            answer = loop.run_in_executor(_THREADS, self._answer, path, call, given)
        except RuntimeError:  # there is no thread for it
            del self._asked[path]
            raise
        try:
            if not answer.done():
                await asyncio.wait((answer,), timeout=ANSWER_SECONDS)
            if answer.done():
                return answer.result()
        finally:
            answer.cancel()
        raise self.why_not(path) or TimeoutError(errno.ETIMEDOUT, "the answer came too late")

    def _answer(self, path: Path, call: Callable[[*Ts], T], given: tuple[*Ts]) -> T:
        """In the thread."""
        try:
            return call(*given)
        finally:
            del self._asked[path]

    async def each(self, path: Path, pieces: Iterator[T]) -> AsyncGenerator[T, None]:
        """The pieces, of which none is None, each as `ask`ed for."""
        while (piece := await self.ask(path, _next, pieces)) is not None:
            yield piece


def _next(pieces: Iterator[T]) -> T | None:
    return next(pieces, None)


_THREADS = Unwaited("folder")
