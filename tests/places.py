"""Folders for what tests write: in memory where there is room.

A database of a test is a few hundred files that are made, flushed to the disk and removed again: in memory that takes a
fiftieth of the time. No test here cuts the power; a process that is killed leaves its files in memory as on a disk.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - whoever uses it makes a folder of a name that nobody can guess, or owns
ROOM_BYTES = 4_000_000_000


def quick_folder() -> Path:
    """Where temporary folders go. Programs have to run there: PostgreSQL's may be copied beside its data."""
    if MEMORY.is_dir():
        told = os.statvfs(MEMORY)
        if told.f_bavail * told.f_frsize > ROOM_BYTES and not told.f_flag & os.ST_NOEXEC:
            return MEMORY
    return Path(tempfile.gettempdir())


def at_work_in(folder: Path) -> list[str]:
    """The processes that work in a folder: servers, and those that make a database."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(process.name)
    return found
