"""What a benchmark is told, and what it answers: one object a run, kept as history."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import orjson

from bench.place import ROOT, SETTINGS

HISTORY = ROOT / "bench" / "history"
FLUSHES = 200
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a person may choose. The defaults are the claim's; smaller ones are for trying.

    `long_seconds`: of one more run, whose last minute is held against its first.
    """

    seconds: float = 20.0
    warm_seconds: float = 5.0
    long_seconds: float = 0.0
    instances: int = 1_000_000
    facts: int = 10_000_000
    workers: Sequence[int] = (1, 2)
    under_way: int = 4000
    rivals: Literal["all", "one", "none"] = "all"


@dataclass(slots=True)
class Report:
    """`baselines`: the rivals' figures; `limits`: what was promised, what was measured, and whether it holds."""

    bench: str
    unit: str
    ours: float = 0.0
    baselines: dict[str, float] = field(default_factory=dict)
    limits: dict[str, dict[str, Any]] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)

    def limit(self, name: str, measured: float, reach: float, *, at_least: bool = False) -> None:
        """Notes a promise. It fails nothing: whoever reads it judges."""
        holds = measured >= reach if at_least else measured <= reach
        sign = ">=" if at_least else "<="
        self.limits[name] = {"measured": round(measured, 3), "reach": f"{sign} {reach:g}", "holds": holds}

    def told(self) -> dict[str, Any]:
        """The object that a run prints."""
        return {
            "bench": self.bench,
            "unit": self.unit,
            "ours": round(self.ours, 2),
            "baselines": {name: round(value, 2) for name, value in self.baselines.items()},
            "ratios": {name: round(self.ours / value, 2) for name, value in self.baselines.items() if value},
            "limits": self.limits,
            "context": self.context,
        }


def surroundings(parameters: Parameters, packages: Sequence[str]) -> dict[str, Any]:
    """Where and with what it was measured. `fdatasync` in microseconds."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "fdatasync": round(fdatasync_microseconds(), 1),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": sys.version, **{name: _version(name) for name in packages}},
        "settings": {"postgresql": dict(SETTINGS), "parameters": _shown(parameters)},
        "commit": _commit(),
    }


def fdatasync_microseconds() -> float:
    """The median of how long this disk takes to promise a page."""
    times = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(FLUSHES):
            os.write(file.fileno(), b"x" * 8192)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return sorted(times)[FLUSHES // 2] * 1e6


def keep(told: Mapping[str, Any] | Sequence[Mapping[str, Any]], name: str, folder: Path = HISTORY) -> Path:
    """Adds a run to the history, so that figures can be compared over commits."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    file = folder / f"{name}-{stamp}.json"
    file.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    return file


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies (nearest rank); 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _shown(parameters: Parameters) -> dict[str, Any]:
    return {name: getattr(parameters, name) for name in parameters.__dataclass_fields__}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607 - the git on PATH is the one that made the commit
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()
