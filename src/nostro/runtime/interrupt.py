"""How a command hears Ctrl-C and SIGTERM while its event loop runs, and how the loop ends.

What a signal's handler raises in the loop's own code loses what the loop was just about to do: a task that waits for it
never goes on, not even to be cancelled, and the loop waits for that task at its end for ever. In a library it can leave
a lock behind that nobody gives back. So the command's task is cancelled, which everybody is made for; something is
raised only where the loop doesn't get its turn for a moment, at a prompt for example.
"""

from __future__ import annotations

import _thread
import asyncio
import logging
import signal
import sys
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, TypeVar, cast

import structlog

from nostro.runtime.cli import Interrupt, limit_the_end

T = TypeVar("T")
logger = structlog.get_logger("nostro.interrupt")
LATE_SECONDS = 30.0
"""A loop that still turns so long after a signal says what its tasks wait for, well before the process is cut."""
MOMENT_SECONDS = 0.25
"""A loop that hasn't had its turn for so long is held up by whatever the command does just then."""


class CommandInterrupt(Interrupt):
    """Of one command. One more signal while everything winds down cuts that too, and Python would complain of it."""

    _task: asyncio.Task[Any] | None = None
    _late: threading.Event | None = None
    """Of the signal that the loop has had no turn since: `look` sends it once more."""

    def __call__(self, number: int, _: FrameType | None) -> None:
        """The signals' handler."""
        late, self._late = self._late, None
        again, self.came = self.came and late is None, number
        if again:
            sys.unraisablehook = lambda _: None
            logging.getLogger("asyncio").disabled = True
        limit_the_end()
        task = self._task
        if late is not None:
            self._hold_up(task, late)
        elif task is None or (task.done() and again):  # once, it came too late: the command has ended
            self.demand_none()
        elif not task.done():
            self._cut(task, number)

    def run(self, command: Coroutine[Any, Any, T]) -> T:
        """As `asyncio.run`; but the task is known before the loop turns, and no thread is waited for."""
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            loop.set_default_executor(_Unwaited())
            self._task = task = loop.create_task(command)
            try:
                return loop.run_until_complete(task)
            except asyncio.CancelledError:
                self.demand_none()
                raise

    def _cut(self, task: asyncio.Task[Any], number: int) -> None:
        """Has the loop cancel the task at its next turn, and looks whether there is one."""
        turned = threading.Event()

        def turn() -> None:
            if not turned.is_set():
                turned.set()
                task.cancel()
                explain_when_late(task.get_loop())

        def look() -> None:
            time.sleep(MOMENT_SECONDS)
            if not turned.is_set():
                self._late = turned
                signal.pthread_kill(threading.main_thread().ident or 0, number)

        task.get_loop().call_soon_threadsafe(turn)
        _thread.start_new_thread(look, ())  # which needs none of the locks that the handler may have found taken

    def _hold_up(self, task: asyncio.Task[Any] | None, turned: threading.Event) -> None:
        """Raises where it is the command itself that holds the loop up."""
        if task is not None and not turned.is_set() and asyncio.current_task(task.get_loop()) is task:
            turned.set()
            self.demand_none()


def explain_when_late(loop: asyncio.AbstractEventLoop) -> None:
    """A signal was heard: unless the loop has ended by then, it is logged where each task waits (places, no values)."""

    def tell() -> None:
        logger.warning("ending_late", tasks={task.get_name(): _places(task) for task in asyncio.all_tasks(loop)})

    loop.call_later(LATE_SECONDS, tell)


def _places(task: asyncio.Task[Any]) -> list[str]:
    """From the task's own coroutine to what it waits for."""
    found, awaited = list[str](), cast("Any", task.get_coro())
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None)
        if frame is not None:
            found.append(f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno} {frame.f_code.co_name}")
        awaited = getattr(awaited, "cr_await", None)
    return found


class _Unwaited(ThreadPoolExecutor):
    """Threads that nobody waits for when the loop ends: whoever did was cut, and the call may go on for minutes."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - its signature
        """What has not begun doesn't begin any more."""
        super().shutdown(wait=False, cancel_futures=True)
