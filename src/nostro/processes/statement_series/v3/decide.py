"""The same cases of a chain of pages; what was told again is told of every statement, not of the newest alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from nostro.model.facts import Fact, StatementListed
from nostro.model.series import breaks, repetitions
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State
from nostro.processes.statement_series.v1.decide import Scene, awaited, begun, decided, is_late, merged, unsound
from nostro.processes.statement_series.v2.decide import MACHINE as MACHINE_V2
from nostro.processes.statement_series.v2.decide import compared
from nostro.processes.statement_series.v3.state import SeriesStateV3

MACHINE = replace(MACHINE_V2, version=3)
_SHOWN = 3
"""Of a month that is exported anew not every statement is named."""


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """Where the series stands, or what its statement lists, and what is new for a person."""
    assert isinstance(data, SeriesStateV3)
    assert isinstance(instance.data, SeriesStateV3)
    if isinstance(fact.body, StatementListed):
        return compared(instance.data, data)
    entity = rules.entity(instance.entity)
    before, after = (Scene(entity.bank_account(one.account), entity.zone, rules, one) for one in (instance.data, data))
    late = is_late(instance.state, after.due, fact)
    was = merged(cases(before, instance.data, late=instance.state == "late"))
    return decided(after, fact, was, merged(cases(after, data, late=late)), late=late)


def cases(scene: Scene, data: SeriesStateV3, *, late: bool) -> Iterator[CaseOpening]:
    """What a person has to look at; some of it may be of one reason."""
    if not data.links or data.links[-1].ended:
        yield from awaited(scene, late=late)
    yield from begun(scene, data.links[0].since if data.links else None)
    yield from (CaseOpening(found.reason, found.sentence) for found in breaks(data.links, more=not late))
    again = defaultdict[str, list[str]](list)
    for found in (one for link in data.links for one in repetitions(link)):
        again[found.reason].append(found.sentence)
    for reason, told in again.items():
        more = f" So it is with {len(told) - _SHOWN} more." if len(told) > _SHOWN else ""
        yield CaseOpening(reason, " ".join(told[-_SHOWN:]) + more)
    for link in data.links:
        if link.news or link is data.links[-1]:
            yield from unsound(link, link.flaws)
