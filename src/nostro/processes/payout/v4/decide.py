"""The third version's decisions; what the provider kept is booked, and what is missing told, of a failed payout too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from nostro.model.entities import LegalEntity
from nostro.model.facts import Fact
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State, Wanted
from nostro.processes.kit.machine import NEW, Row, Waiting, edges_of
from nostro.processes.payout.v1.decide import Sight, decided
from nostro.processes.payout.v1.decide import standing as standing_v1
from nostro.processes.payout.v1.machine import OVERDUE, ROWS
from nostro.processes.payout.v1.state import PayoutState
from nostro.processes.payout.v2.decide import cases as cases_v2
from nostro.processes.payout.v3.decide import MACHINE as MACHINE_V3
from nostro.processes.payout.v3.decide import arrival_due
from nostro.processes.payout.v4.state import PayoutStateV4

_BEFORE = ("collecting", "booking", "expecting", "closed")
_LACKING: tuple[Row, ...] = (
    ((NEW, *_BEFORE), ("payout.reported", "payout.reissued"), ("lacking",)),
    (("failed", "reissued"), ("payout.reported", "payout.line_reported"), ("lacking",)),
    (("lacking",), ("payout.reported", "payout.line_reported", "deadline.fell_due"), ("failed", "reissued")),
    (("lacking",), ("payout.reissued",), ("reissued",)),
    (("lacking",), ("payout.credited", "command.settled", "command.released", "fact.corrected", "case.closed"), ()),
)
MACHINE = replace(
    MACHINE_V3,
    version=4,
    states={
        **MACHINE_V3.states,
        "lacking": Waiting("lacking", timedelta(days=3), "it failed, and its lines or its report are awaited"),
    },
    edges=edges_of((*ROWS, *_LACKING)),
)
_INCOMPLETE, _SENTENCE = OVERDUE["collecting"]
_LATE = {state: case for state, case in OVERDUE.items() if state != "collecting"}


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, cases and postings, and where the payout stands now."""
    return decided(instance, data, fact, rules, SIGHT)


def standing(data: PayoutState, *, asked: bool) -> str:
    """The process state: what has to happen next."""
    assert isinstance(data, PayoutStateV4)
    to = standing_v1(data, asked=asked)
    return "lacking" if to in ("failed", "reissued") and data.lacks and not data.waited else to


def cases(data: PayoutState, entity: LegalEntity, wanted: Sequence[Wanted]) -> dict[str, CaseOpening]:
    """The open grounds, by reason. What is missing is missing until it comes, wherever the payout stands meanwhile."""
    assert isinstance(data, PayoutStateV4)
    found = cases_v2(data, entity, wanted)
    if data.waited and data.lacks:
        found[_INCOMPLETE] = CaseOpening(_INCOMPLETE, _SENTENCE, data.payout.amount)
    return found


SIGHT = Sight(cases, arrival_due, standing, MACHINE, _LATE)
