"""The processes: an explicit list, held against the facts when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nostro.model.facts import FACT_TYPES, FactBody
from nostro.processes import bank_movement, collection, payout, receipt, statement_series
from nostro.processes.kit.machine import Machine
from nostro.processes.kit.process import Process

PROCESSES: tuple[Process, ...] = (
    collection.PROCESS,
    payout.PROCESS,
    bank_movement.PROCESS,
    statement_series.PROCESS,
    receipt.PROCESS,
)
HOUSE = "house"
"""Owns facts that the engine itself serves."""
ADDRESSED = ""
"""The owner of facts that the engine delivers to the subject that they concern."""


def by_name(processes: Sequence[Process] = PROCESSES) -> Mapping[str, Process]:
    """The processes by name."""
    return {process.name: process for process in processes}


def flaws(processes: Sequence[Process], fact_types: Sequence[type[FactBody]]) -> Iterator[str]:
    """Fact types whose owner does not exist or has no edge for them, and effects whose end nobody hears."""
    known = by_name(processes)
    if len(known) < len(processes):
        yield "two processes have one name"
    for kind in fact_types:
        if kind.owner in (HOUSE, ADDRESSED):
            continue
        if kind.owner not in known:
            yield f"{kind.fact_type} is owned by {kind.owner}, which does not exist"
        elif not _hears(known[kind.owner].versions[-1].machine, kind.fact_type):
            yield f"{kind.owner} owns {kind.fact_type} and has no edge for it"
    for process in processes:
        machine = process.versions[-1].machine
        if machine.effects and not _hears(machine, "command.settled"):
            yield f"{process.name} has effects and can't hear how they end"


def _hears(machine: Machine, fact_type: str) -> bool:
    return any(fact == fact_type for _, fact in machine.edges)


def _checked(processes: Sequence[Process]) -> None:
    found = list(flaws(processes, FACT_TYPES))
    if found:
        message = "; ".join(found)
        raise ValueError(message)


_checked(PROCESSES)
