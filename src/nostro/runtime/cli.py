"""`nostro`, the console script. Light, so that Ctrl-C is quiet while everything else is still being imported."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
LASTING = frozenset({"up", "serve", "worker"})
"""The commands that run until somebody ends them: SIGTERM is how, also while they start."""


class Terminated(KeyboardInterrupt):
    """SIGTERM. It ends whatever Ctrl-C ends, in the same way."""


class Interrupt:
    """Ctrl-C or SIGTERM, and whether one has come: a library that is being imported may tell of it by its own error."""

    came = 0

    def __call__(self, number: int, _: FrameType | None) -> NoReturn:
        """The signals' handler."""
        self.came = number
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    def code(self) -> int:
        """How the command that was typed ends, cut so early that nothing of it has begun."""
        return 0 if self.came == signal.SIGTERM and LASTING.intersection(sys.argv[1:2]) else INTERRUPTED


def main() -> None:
    """Runs the command that was typed and ends the process with its exit code."""
    interrupt = Interrupt()
    try:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, interrupt)
        from nostro.runtime.cli_app import run  # noqa: PLC0415 - what takes long is imported where Ctrl-C is caught

        run()
    except KeyboardInterrupt:
        sys.exit(interrupt.code())
    except OSError as error:  # what commands write is caught where they end: this is a page of help, onto a full disk
        sys.exit(f"The output can't be written: {error.strerror}.")
    except (SystemExit, Exception):  # whatever it was that was cut short: while it reads options, typer ends by itself
        if not interrupt.came:
            raise
        sys.exit(interrupt.code())


if __name__ == "__main__":
    main()
