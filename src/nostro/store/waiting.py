"""Waiting that ends, where Python's own doesn't: for a thread that hangs, and for a task that was asked to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


def cancels() -> int:
    """How often this task was asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def heed(before: int) -> None:
    """Ends a task that was asked to end since it had been so often. Before Python 3.12 `asyncio.wait_for`, with which
    the driver's pool waits, forgets it when the wait ends at the same moment (python/cpython#86296): what has no other
    end would go on for ever.
    """
    if cancels() > before:
        raise asyncio.CancelledError


@contextmanager
def heeding() -> Iterator[Callable[[], None]]:
    """A block that may swallow that its task was asked to end: it ends, whatever the block fails with instead.

    Given to the block: what it calls where it may have swallowed that without a failure.
    """
    before = cancels()
    try:
        yield lambda: heed(before)
    except Exception as failure:  # whatever it failed with: who was asked to end ends
        if cancels() > before:
            raise asyncio.CancelledError from failure
        raise


class Unwaited(Executor):
    """A thread a call, for which no process waits when it ends, as it would for a pool's: for calls that may hang.

    Nobody can end such a thread; whoever gives its call up has to bound how many there are.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def submit(self, fn: Callable[..., T], /, *given: Any, **named: Any) -> Future[T]:  # noqa: ANN401 - its signature
        """Begins at once. Raises `RuntimeError` when the system has no thread left."""
        future = Future[T]()
        future.set_running_or_notify_cancel()  # whoever gives it up doesn't cancel it
        Thread(target=_run, args=(future, lambda: fn(*given, **named)), name=self._name, daemon=True).start()
        return future


def _run(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as failure:  # noqa: BLE001 - whoever asked hears of it
        future.set_exception(failure)
