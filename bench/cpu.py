"""Processor time by process, from Linux' /proc: on a busy machine it tells more than the wall clock does."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process: int) -> float:
    """What a process and its children used so far, those that have ended included; 0 where there is no /proc."""
    parents = {number: stat for number in _numbers() if (stat := _stat(number)) is not None}
    wanted, found = {process}, 0.0
    while wanted:
        found += sum(parents[number][1] for number in wanted if number in parents)
        wanted = {number for number, (parent, _) in parents.items() if parent in wanted}
    return found


def peak_megabytes(process: int) -> float:
    """The most memory that a process ever held (VmHWM); 0 where there is no /proc."""
    try:
        text = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmHWM:")), 0.0)


def _numbers() -> Iterable[int]:
    return (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))


def _stat(number: int) -> tuple[int, float] | None:
    """Parent, and the seconds that it and its ended children used."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rsplit(")", 1)[1].split()
    return int(fields[1]), sum(int(fields[at]) for at in range(11, 15)) / TICKS
