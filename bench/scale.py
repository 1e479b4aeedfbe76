"""`scale`: one, two, four workers; and what an instance costs as history grows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.engine import PACKAGES, Measured, Shape, saturated
from bench.place import Place
from bench.report import Note, Parameters, Report, surroundings

FIRST_HISTORY = 100_000
SETTLING = 6
"""So many times as long is warmed up beside a history: the first change of a page after a checkpoint puts it whole into
the WAL (`full_page_writes`), and each key that is claimed is in a page of its own. Of a house at work few are such.
"""


async def scale(here: Place, parameters: Parameters, note: Note) -> Report:
    """Processor time an instance is the cost: on a busy machine it is told from noise, the clock isn't."""
    report = Report("scale", "six-step instances/s", context=surroundings(parameters, PACKAGES))
    workers: dict[str, Any] = {}
    found: list[Measured] = []
    for number in (1, 2, 4):
        note(f"{number} workers")
        found.append(await saturated(here, Shape(number, under_way=parameters.under_way), parameters))
        workers[str(number)] = _told(found[-1])
        note(f"  {found[-1].rate:.0f}/s, {found[-1].cpu_ms:.2f} ms of processor an instance")
    report.ours = max(one.rate for one in found)
    report.baselines = {"one worker": found[0].rate}
    costs: dict[str, Any] = {}
    sizes = sorted({size for size in (FIRST_HISTORY, 10 * FIRST_HISTORY, parameters.facts) if size <= parameters.facts})
    settled = replace(parameters, warm_seconds=SETTLING * parameters.warm_seconds)
    measured = []
    for size in sizes:
        note(f"one worker after {size} facts of history")
        measured.append(
            await saturated(here, Shape(1, under_way=parameters.under_way), settled, history=size, note=note)
        )
        costs[str(size)] = _told(measured[-1])
        note(f"  {measured[-1].cpu_ms:.2f} ms of processor an instance")
    if len(measured) > 1:
        growth = max(one.cpu_ms for one in measured) / min(one.cpu_ms for one in measured)
        report.limit(f"cost an instance, {sizes[0]} to {sizes[-1]} facts: most to least", growth, 1.2)
    report.context |= {"workers": workers, "history": costs}
    return report


def _told(found: Measured) -> dict[str, Any]:
    return {"instances_per_second": round(found.rate, 1), "cpu_ms_per_instance": round(found.cpu_ms, 3)}
