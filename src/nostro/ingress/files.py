"""A file in a watched folder: what tells that it changed, its bytes, and where it goes once it is kept.

A file's name may be bytes that are no text: people are shown it with signs in their place (`shown`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from nostro.model.failures import Failure

TAKEN = "taken"
PART_BYTES = 1_048_576
FILES_AT_ONCE = 100


class Sight(NamedTuple):
    """What tells that a file changed. Size and time in nanoseconds, and which file the name means."""

    size: int
    modified: int
    inode: int

    @classmethod
    def of(cls, found: os.stat_result) -> Sight:
        """From what the file system says."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)

    @property
    def mark(self) -> str:
        """As the cursor of a folder that can't be written to remembers it."""
        return f"{self.size}:{self.modified}"


class StillWritten(Failure):
    """The file changed while it was read: nothing of it is kept, it is looked at again."""


def shown(name: str) -> str:
    """A file's name as text that any output takes, with U+FFFD for bytes that are none."""
    return os.fsencode(name).decode(errors="replace")


def marked(name: str) -> str:
    """A file's name as cursors remember it. Two are alike only where one spells out what is a byte in the other."""
    return os.fsencode(name).decode(errors="backslashreplace")


def parts_of(path: Path, sight: Sight) -> Iterator[bytes]:
    """The file's bytes in parts. Raises `StillWritten` when it isn't, to its end, the file that was seen."""
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            yield part
        if Sight.of(os.fstat(file.fileno())) != sight:
            message = "The file changed while it was read."
            raise StillWritten(message)


def put_away(path: Path, sight: Sight, at: datetime) -> bool:
    """Moves a kept file to `taken/<date>/`, never over another one. False when the folder can't be written to.

    A file that was replaced since stays: it is another one. Between this look and the move remain some microseconds.
    """
    folder = path.parent / TAKEN / f"{at:%Y-%m-%d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target, number = folder / path.name, 1
        while target.exists():
            number += 1
            target = folder / f"{path.stem}.{number}{path.suffix}"
        if Sight.of(path.stat()) == sight:
            path.rename(target)
        return True
    except OSError:
        return False


def first_again(at: datetime) -> str:
    """Behind which name in `taken/` a folder is read again from an instant on: the day before, whatever the zone."""
    return f"{at.astimezone(UTC) - timedelta(days=1):%Y-%m-%d}"


def put_away_behind(taken: Path, after: str) -> list[str]:
    """Files in `taken/` as `date/name`, those behind `after` (`marked`) in that order, a few more than are taken at
    once.
    """
    days = sorted(day.name for day in os.scandir(taken) if day.is_dir()) if taken.is_dir() else []
    found: list[str] = []
    for day in days:
        if day >= after.partition("/")[0] and len(found) <= FILES_AT_ONCE:
            names = (f"{day}/{file.name}" for file in os.scandir(taken / day) if file.is_file())
            found += sorted((name for name in names if marked(name) > after), key=marked)
    return found
