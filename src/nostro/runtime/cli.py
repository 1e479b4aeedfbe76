"""`nostro`, the console script. Light, so that Ctrl-C is quiet while everything else is still being imported."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130


class Interrupt:
    """Ctrl-C, and whether it has come: a library that is being imported may tell of it by an error of its own."""

    came = False

    def __call__(self, _: int, __: FrameType | None) -> NoReturn:
        """The signal's handler."""
        self.came = True
        raise KeyboardInterrupt


def main() -> None:
    """Runs the command that was typed and ends the process with its exit code."""
    interrupt = Interrupt()
    try:
        signal.signal(signal.SIGINT, interrupt)
        from nostro.runtime.cli_app import run  # noqa: PLC0415 - what takes long is imported where Ctrl-C is caught

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:  # what commands write is caught where they end: this is a page of help, onto a full disk
        sys.exit(f"The output can't be written: {error.strerror}.")
    except Exception:  # whatever it was that Ctrl-C cut short
        if not interrupt.came:
            raise
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
