"""`nostro`, the console script. Light, so that Ctrl-C is quiet while everything else is still being imported."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> None:
    """Runs the command that was typed and ends the process with its exit code."""
    try:
        from nostro.runtime.cli_app import run  # noqa: PLC0415 - what takes long is imported where Ctrl-C is caught

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:  # what commands write is caught where they end: this is a page of help, onto a full disk
        sys.exit(f"The output can't be written: {error.strerror}.")


if __name__ == "__main__":
    main()
