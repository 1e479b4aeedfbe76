"""The first version's decisions about the chain, and what a restated statement no longer lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nostro.model.facts import Fact, StatementListed
from nostro.model.facts.bank import ListedLine
from nostro.model.money import Money
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State
from nostro.processes.kit.following import case_changes
from nostro.processes.kit.machine import NEW, Terminal, edges_of
from nostro.processes.statement_series.v1.decide import decide as decide_v1
from nostro.processes.statement_series.v1.machine import MACHINE as MACHINE_V1
from nostro.processes.statement_series.v1.machine import ROWS
from nostro.processes.statement_series.v2.state import Lines, SeriesStateV2

LISTED = "listed"
MACHINE = replace(
    MACHINE_V1,
    version=2,
    states={**MACHINE_V1.states, LISTED: Terminal("what one statement lists; told again, it is compared")},
    edges=edges_of((*ROWS, ((NEW, LISTED), (StatementListed.fact_type,), (LISTED,)))),
    case_reasons=MACHINE_V1.case_reasons | {"no_longer_listed"},
)
_SHOWN = 20


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """Where the series stands, or what its statement lists, and what is new for a person."""
    if not isinstance(fact.body, StatementListed):
        return decide_v1(instance, data, fact, rules)
    assert isinstance(data, SeriesStateV2)
    assert isinstance(instance.data, SeriesStateV2)
    return compared(instance.data, data)


def compared(before: Lines, after: Lines) -> Decision:
    """What follows from another telling of a statement's lines."""
    changed = case_changes(_cases(before), _cases(after))
    return Decision(LISTED, f"{len(after.lines)} lines", opens=changed.opens, closes=changed.closes)


def _cases(data: Lines) -> dict[str, CaseOpening]:
    if not (gone := data.gone):
        return {}
    total = sum(line.amount.minor if line.direction == "credit" else -line.amount.minor for line in gone)
    new = f" New: {_told(data.new)}." if data.new else ""
    sentence = (
        f"Statement {data.statement} came again and no longer lists: {_told(gone)}.{new} What was booked of the former "
        "stands, unless an entry's own case (entry_restated) ends it."
    )
    amount = Money(minor=total, currency=gone[0].amount.currency)
    return {"no_longer_listed": CaseOpening("no_longer_listed", sentence, amount)}


def _told(lines: Sequence[ListedLine]) -> str:
    shown = [f"{line.direction} {line.amount}{_called(line)}" for line in lines[:_SHOWN]]
    more = [f"{len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return ", ".join([*shown, *more])


def _called(line: ListedLine) -> str:
    return f" ({line.servicer_reference})" if line.servicer_reference else ""
