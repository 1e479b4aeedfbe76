"""Which benchmark is meant, run on a server of its own, and kept as history."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.engine import engine
from bench.inflight import SETTINGS, inflight
from bench.ingest import ingest
from bench.parse import parse
from bench.place import Place, place
from bench.replay import replay
from bench.report import HISTORY, Note, Parameters, Report, keep
from bench.rivals.sweep import demand_rivals
from bench.scale import scale
from bench.write import write
from nostro.model.failures import Refused

Bench = Callable[[Place, Parameters, Note], Awaitable[Report]]
BENCHES: Mapping[str, Bench] = {
    "engine": engine,
    "ingest": ingest,
    "inflight": inflight,
    "replay": replay,
    "scale": scale,
}
FileBench = Callable[[Parameters, Note], Iterator[Report]]
FILE_BENCHES: Mapping[str, FileBench] = {"parse": parse, "write": write}
"""Those that need no database; each tells several objects."""
SETTINGS_OF: Mapping[str, Mapping[str, str]] = {"inflight": SETTINGS}
WITH_RIVALS = frozenset({"engine"})


def run(name: str, parameters: Parameters, note: Note, history: Path | None = HISTORY) -> list[dict[str, Any]]:
    """One benchmark. Raises `Refused` for a name that there isn't, `OutOfService` when its rivals aren't installed."""
    if name not in {**BENCHES, **FILE_BENCHES}:
        raise Refused(f"There is no benchmark {name}.", f"There are {', '.join([*BENCHES, *FILE_BENCHES])}.")
    if name in WITH_RIVALS and parameters.rivals != "none":
        demand_rivals()
    told = [report.told() for report in _reports(name, parameters, note)]
    if history is not None:
        note(f"kept as {keep(told[0] if len(told) == 1 else told, name, history)}")
    return told


def _reports(name: str, parameters: Parameters, note: Note) -> Iterator[Report]:
    if name in FILE_BENCHES:
        yield from FILE_BENCHES[name](parameters, note)
        return
    with place(SETTINGS_OF.get(name)) as here:
        report = asyncio.run(_awaited(BENCHES[name](here, parameters, note)))
        report.context["versions"]["postgresql"] = here.version()
        report.context["settings"]["postgresql"] |= SETTINGS_OF.get(name, {})
        yield report


async def _awaited(bench: Awaitable[Report]) -> Report:
    return await bench
