"""An event loop without real time: it never waits, it moves its own clock to whatever comes next."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class Stuck(RuntimeError):
    """Nothing is ready and nothing ever will be."""


class _Never(selectors.SelectSelector):
    """Looks at no socket. `moved` hears of the time that would have passed."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: Callable[[float], None] = lambda _: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("every task waits for something that nobody will do")
        self.moved(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs what is ready in the order in which it became ready; threads' work is done at once, in this thread."""

    def __init__(self) -> None:
        self._virtual = 0.0
        never = _Never()
        super().__init__(never)
        never.moved = self._move

    def time(self) -> float:
        """Seconds since the beginning, none of them real."""
        return self._virtual

    def _move(self, seconds: float) -> None:
        self._virtual += max(0.0, seconds)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]  # noqa: ANN401 - as asyncio has it
        """At once: a reader's thread would be a second scheduler."""
        del executor
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - the caller gets what the function raised
            future.set_exception(error)
        return future
