"""The rivals' sweeps: each at its best of stated threads, processes, tasks and queues."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from bench.cpu import cpu_seconds
from bench.place import Place
from bench.report import Note, Parameters
from nostro.model.failures import OutOfService

Shape = dict[str, Any]
DBOS: list[Shape] = [
    {"mode": "threads", "under_way": 20, "processes": 2},
    {"mode": "threads", "under_way": 10, "processes": 1},
    {"mode": "threads", "under_way": 40, "processes": 1},
    {"mode": "async", "under_way": 50, "processes": 1},
    {"mode": "async", "under_way": 50, "processes": 2},
    {"mode": "queue", "under_way": 40, "processes": 1},
]
PROCRASTINATE: list[Shape] = [
    {"under_way": 500, "concurrency": 10, "processes": 2, "delete_jobs": "successful"},
    {"under_way": 500, "concurrency": 20, "processes": 1, "delete_jobs": None},
    {"under_way": 500, "concurrency": 20, "processes": 1, "delete_jobs": "successful"},
    {"under_way": 500, "concurrency": 50, "processes": 1, "delete_jobs": "successful"},
    {"under_way": 500, "concurrency": 20, "processes": 2, "delete_jobs": None},
]
SWEEPS = {"dbos": DBOS, "procrastinate": PROCRASTINATE}
"""The first of each was the best in most of our runs; `--rivals one` takes it alone."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a rival reached in one shape."""

    rate: float
    cpu_ms: float


@dataclass(slots=True)
class Rivals:
    """The best of each, and everything that was tried."""

    best: dict[str, Found] = field(default_factory=dict)
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def demand_rivals() -> None:
    """Raises `OutOfService` when the extra isn't installed."""
    missing = [name for name in SWEEPS if find_spec(name) is None]
    if missing:
        raise OutOfService(
            f"The rivals aren't installed ({', '.join(missing)}).",
            "`make bench-install` brings them; `--rivals none` measures our side alone.",
        )


def measure_rivals(here: Place, parameters: Parameters, note: Note) -> Rivals:
    """All sweeps."""
    rivals = Rivals()
    for name, sweep in SWEEPS.items():
        tried = {"all": sweep, "one": sweep[:1], "none": []}[parameters.rivals]
        for shape in tried:
            note(f"{name}: {_named(shape)}")
            found = _measured(here, name, shape, parameters)
            note(f"  {found.rate:.0f}/s, {found.cpu_ms:.2f} ms of processor an instance")
            rivals.told.setdefault(name, []).append(
                {**shape, "instances_per_second": round(found.rate, 2), "cpu_ms_per_instance": round(found.cpu_ms, 2)}
            )
            if name not in rivals.best or found.rate > rivals.best[name].rate:
                rivals.best[name] = found
    return rivals


def _measured(here: Place, name: str, shape: Shape, parameters: Parameters) -> Found:
    url = here.database(name)
    order = {"url": url, "warm": parameters.warm_seconds + 3, "seconds": parameters.seconds, **shape}
    children = []
    for n in range(shape["processes"]):
        children.append(here.child(f"bench.rivals.{name}_chain", {**order, "process": f"p{n}", "makes_schema": n == 0}))
        children[-1].answer()  # it is ready: two that make their schema at once would race
    time.sleep(order["warm"])
    numbers = [child.process.pid for child in children]
    before = here.cpu_seconds() + sum(cpu_seconds(number) for number in numbers)
    time.sleep(0.9 * parameters.seconds)
    spent = here.cpu_seconds() + sum(cpu_seconds(number) for number in numbers) - before
    answers = [child.answer() for child in children]
    for child in children:
        here.dismiss(child)
    here.drop(url)
    instances = sum(answer["instances"] for answer in answers)
    return Found(instances / parameters.seconds, 1000 * spent / max(1, 0.9 * instances))


def _named(shape: Shape) -> str:
    return ", ".join(f"{name} {value}" for name, value in shape.items())
