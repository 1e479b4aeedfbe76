"""`nostro`, the console script. Light, so that Ctrl-C is quiet while everything else is still being imported."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130
LASTING = frozenset({"up", "serve", "worker"})
"""The commands that run until somebody ends them: SIGTERM is how, also while they start."""
ENDING_SECONDS = 45
"""A command that lasts is gone so long after it was asked to end, whatever it waits for: cut as SIGKILL would."""
TELLING_SECONDS = 5
"""So much later it is gone although nobody takes what it has to say of that."""


class Terminated(KeyboardInterrupt):
    """SIGTERM. It ends whatever Ctrl-C ends, in the same way."""


class Interrupt:
    """Ctrl-C or SIGTERM, and whether one has come: a library that is being imported may tell of it by its own error."""

    came = 0
    over = False
    """The command has ended, however: whoever is impatient now would only cut who tells of that."""

    def __call__(self, number: int, _: FrameType | None) -> None:
        """The signals' handler."""
        self.came = number
        limit_the_end()
        if not self.over:
            self.demand_none()

    def demand_none(self) -> None:
        """Raises what a signal is told by if one has come: whoever was cut by it may have kept it to himself."""
        if self.came:
            raise Terminated if self.came == signal.SIGTERM else KeyboardInterrupt

    def code(self) -> int:
        """How the command that was typed ends, cut so early that nothing of it has begun."""
        return 0 if self.came == signal.SIGTERM and _lasts() else INTERRUPTED


def limit_the_end() -> None:
    """A process whose command lasts has been asked to end: from now on its end is bounded, and explains itself.

    Past the limit all threads' stacks (places only, no values) go to standard error and the process ends with 1; by
    SIGALRM where even that can't be written. Neither needs Python to get its turn.
    """
    if _lasts():
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # there is no standard error
            faulthandler.dump_traceback_later(ENDING_SECONDS, exit=True)
        signal.alarm(ENDING_SECONDS + TELLING_SECONDS)


def main() -> None:
    """Runs the command that was typed and ends the process with its exit code."""
    interrupt = Interrupt()
    try:
        _run(interrupt)
    except KeyboardInterrupt:  # one more, in the very moment in which the first was caught
        sys.exit(interrupt.code())


def _run(interrupt: Interrupt) -> None:
    try:
        try:
            signal.signal(signal.SIGINT, interrupt)
            signal.signal(signal.SIGTERM, interrupt)
            from nostro.runtime.cli_app import run  # noqa: PLC0415 - what takes long is imported where Ctrl-C is caught

            run()
        finally:
            interrupt.over = True
    except KeyboardInterrupt:
        sys.exit(interrupt.code())
    except OSError as error:  # what commands write is caught where they end: this is a page of help, onto a full disk
        sys.exit(f"The output can't be written: {error.strerror}.")
    except (SystemExit, Exception) as ended:  # whatever it was that was cut short: while it reads options, typer ends
        if interrupt.came:
            sys.exit(interrupt.code())
        if isinstance(ended, SystemExit) and _lasts():
            _leave(ended.code)
        raise


def _lasts() -> bool:
    return not LASTING.isdisjoint(sys.argv[1:2])


def _leave(code: object) -> None:
    """Ends the process without waiting for threads that are still in a call (a name that nobody resolves, a folder that
    hangs): what the command had to end has ended. Any other code than a number is told by Python.
    """
    if isinstance(code, int | None):
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code or 0)


if __name__ == "__main__":  # by `python -m`: under its own name, since others ask this very class whether a signal came
    from nostro.runtime.cli import main as begin

    begin()
