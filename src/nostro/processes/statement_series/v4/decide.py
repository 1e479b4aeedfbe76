"""The third version's decisions, under whatever rules: what was shown before them the state tells, not they."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nostro.model.facts import Fact, StatementListed
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State
from nostro.processes.kit.machine import edges_of
from nostro.processes.statement_series.v1.decide import Scene, decided, is_late, merged
from nostro.processes.statement_series.v1.machine import WATCHED
from nostro.processes.statement_series.v2.decide import compared
from nostro.processes.statement_series.v3.decide import MACHINE as MACHINE_V3
from nostro.processes.statement_series.v3.decide import cases
from nostro.processes.statement_series.v3.state import SeriesStateV3

MACHINE = replace(
    MACHINE_V3,
    version=4,
    edges={**MACHINE_V3.edges, **edges_of(((WATCHED, ("deadline.fell_due",), ("late", "kept")),))},
)
_MISSING = "statement_missing"
_SHOWN = CaseOpening(_MISSING, "")


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """Where the series stands, or what its statement lists, and what is new for a person."""
    return seen(instance, data, fact, rules, Scene)


def seen(instance: Instance, data: State, fact: Fact, rules: Rules, scene: type[Scene]) -> Decision:
    """The decision, with what a version sees around a series."""
    was = instance.data
    assert isinstance(data, SeriesStateV3)
    assert isinstance(was, SeriesStateV3)
    if isinstance(fact.body, StatementListed):
        return compared(was, data)
    entity, kept = rules.entity(instance.entity), instance.state == "kept"
    before = scene(None if kept else entity.bank_account(was.account), entity.zone, rules, was)
    after = scene(entity.bank_account(data.account), entity.zone, rules, data)
    late = after.awaited and is_late(instance.state, after.due, fact)
    known = _shown(instance.state, merged(cases(before, was, late=instance.state == "late")))
    return decided(after, fact, known, merged(cases(after, data, late=late)), late=late)


def _shown(state: str, found: Mapping[str, CaseOpening]) -> Mapping[str, CaseOpening]:
    """The cases that stood in a state, whatever the rules of now find in its data: a missing statement makes it."""
    if state in ("late", "broken"):
        return {_MISSING: _SHOWN, **found}
    return found if state == "kept" else {reason: case for reason, case in found.items() if reason != _MISSING}
