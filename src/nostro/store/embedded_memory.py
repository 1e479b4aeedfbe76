"""How much memory an embedded PostgreSQL is made with."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

_LEAST_BUFFERS, _MOST_BUFFERS = 128 << 20, 4 << 30
_MEMBERSHIP, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def memory_for_buffers() -> int:
    """Bytes: a quarter of the memory that there is for this process, within bounds (PostgreSQL's manual, 19.4.1)."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    buffers = max(_LEAST_BUFFERS, min(memory // 4, _MOST_BUFFERS, *(limit // 4 for limit in _group_limits())))
    return buffers if _to_be_had(buffers + buffers // 4) else _LEAST_BUFFERS


def _group_limits() -> Iterator[int]:
    """Bytes that the control groups of this process may have, of either version; in a container its own is the root."""
    lines = _MEMBERSHIP.read_text(encoding="utf-8").splitlines() if _MEMBERSHIP.exists() else []
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if controllers not in ("", "memory"):
            continue
        root, limit = (_GROUPS / "memory", "memory.limit_in_bytes") if controllers else (_GROUPS, "memory.max")
        own = root / path.lstrip("/")
        for group in (own, *own.parents[: len(own.parts) - len(root.parts)]):
            with contextlib.suppress(OSError, ValueError):  # the file of the root, or no limit
                yield int((group / limit).read_text(encoding="utf-8"))


def _to_be_had(size: int) -> bool:
    """Whether so much may be mapped, as PostgreSQL maps its memory at once: `ulimit -v`, or overcommitment is off."""
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        return False
    return True
