"""A file in a watched folder: what tells that it changed, its bytes, and where it goes once it is kept.

A file's name may be bytes that are no text: people are shown it with signs in their place (`shown`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

from nostro.model.failures import Failure

TAKEN = "taken"
PART_BYTES = 1_048_576
FILES_AT_ONCE = 100
FAILED = "//"
"""Divides how far what was put away has been read again from where the first that failed is; no file with its day has
it in its name.
"""
NAME_BYTES = 200
_MOVING = re.compile(r"^\.nostro-moving-[0-9a-f]{16}-(?=.)", re.DOTALL)


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
    """The name that a file was delivered under, as text that any output takes, with U+FFFD for bytes that are none."""
    return os.fsencode(_named(name)).decode(errors="replace")


def _named(name: str) -> str:
    return _MOVING.sub("", name)


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


def is_moving(name: str) -> bool:
    """Whether a file bears the name that `put_away` gives it for a moment, and that it keeps when that breaks off."""
    return _MOVING.match(name) is not None


def put_away(path: Path, sight: Sight, at: datetime) -> bool:
    """Moves a kept file to `taken/<date>/`, never over another one. False when the folder can't be written to.

    A file that was replaced since stays: it is another one. A move that hangs carries off whatever has the name when it
    goes through, be it the next file, which nobody has read. So it goes to a hidden name beside it first, which is its
    own, and from there only if it is the file that was kept. What isn't gets its name back. Where it can't, and after a
    crash in between, it is taken in from under the hidden one.
    """
    folder = path.parent / TAKEN / f"{at:%Y-%m-%d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if Sight.of(path.stat()) == sight:
            own = path if is_moving(path.name) else path.rename(_hidden(path))
            _put_in(folder, own, path, sight)
        return True
    except OSError:
        return False


def _hidden(path: Path) -> Path:
    """A name that nobody else gives a file. No longer than names may be: of a very long one its end."""
    name = os.fsdecode(os.fsencode(path.name)[-NAME_BYTES:])
    return path.with_name(f".nostro-moving-{os.urandom(8).hex()}-{name}")


def _put_in(folder: Path, own: Path, path: Path, sight: Sight) -> None:
    """From the hidden name to where it belongs. Raises `OSError` when that can't be written to."""
    with own.open("rb") as file:  # opened, since a network mount may remember of a name what was so before
        found = Sight.of(os.fstat(file.fileno()))
    if found == sight:
        try:
            _archive(own, folder / _named(path.name))
        except OSError:
            _give_back(own, path)
            raise
    elif found.mark != sight.mark:  # else some mounts number files anew: it is read again, and then moved
        _give_back(own, path)


def _give_back(own: Path, path: Path) -> None:
    """The name that it was delivered under, unless another file has it by now or the mount has no second names."""
    if own != path:
        with suppress(OSError):
            os.link(own, path)
            own.unlink()


def _archive(own: Path, target: Path) -> None:
    free = _reserved(target)
    try:
        own.rename(free)
    except OSError:
        if own.exists():
            free.unlink()
        raise


def _reserved(target: Path) -> Path:
    """A name that is free, and taken from now on by an empty file, over which the other one is moved."""
    for number in count(1):
        free = target if number == 1 else target.with_name(f"{target.stem}.{number}{target.suffix}")
        with suppress(FileExistsError):
            free.touch(exist_ok=False)
            return free
    raise AssertionError


def first_again(at: datetime) -> str:
    """Behind which name in `taken/` a folder is read again from an instant on: the day before, whatever the zone."""
    return f"{at.astimezone(UTC) - timedelta(days=1):%Y-%m-%d}"


def one_by_one(until: datetime, count: int) -> Iterator[datetime]:
    """Instants behind each other, the last of them `until`: what one look takes is read in its order."""
    return (until - n * timedelta(microseconds=1) for n in reversed(range(count)))


def goes_on_from(place: str, rewind_to: datetime | None) -> str:
    """Where a folder is read again from: `place`, or what a recovery wants if that is earlier."""
    if rewind_to is None:
        return place
    after, _, failed = place.partition(FAILED)
    return min(first_again(rewind_to), failed or after or first_again(rewind_to))


def put_away_behind(taken: Path, after: str) -> list[str]:
    """Files in `taken/` as `date/name`, a few more than are taken at once: those behind `after` (`marked`) in the order
    in which they were taken, by the day and the time of the file. Where it is gone, its whole day is.
    """
    days = sorted(day.name for day in os.scandir(taken) if day.is_dir()) if taken.is_dir() else []
    found: list[str] = []
    for day in days:
        if day >= after.partition("/")[0] and len(found) <= FILES_AT_ONCE:
            files = [
                (file.stat().st_mtime_ns, marked(file.name), file.name)
                for file in os.scandir(taken / day)
                if file.is_file()
            ]
            names = [f"{day}/{name}" for _, _, name in sorted(files)]
            place = [marked(name) for name in names].index(after) + 1 if after in map(marked, names) else 0
            found += names[place:]
    return found
