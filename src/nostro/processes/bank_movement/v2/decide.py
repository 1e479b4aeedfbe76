"""The first version's decisions, except about an entry that is told again with another booking date."""

from __future__ import annotations

from dataclasses import replace

from nostro.model.facts import EntryReported, Fact
from nostro.processes.bank_movement.v1.cases import cases
from nostro.processes.bank_movement.v1.decide import Sight, decided
from nostro.processes.bank_movement.v1.identity import NEAR_DAYS, NUMBERED, Verdict, another_payment, or_restated
from nostro.processes.bank_movement.v1.identity import judge as judge_v1
from nostro.processes.bank_movement.v1.machine import MACHINE as MACHINE_V1
from nostro.processes.bank_movement.v1.state import MovementState, Report
from nostro.processes.kit.decision import Decision, Instance, Rules, State

MACHINE = replace(MACHINE_V1, version=2)


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and what is awaited next."""
    return decided(instance, data, fact, rules, _SIGHT)


def judge(data: MovementState, body: EntryReported) -> Verdict:
    """Whether the report tells of this movement. Whose it is not for good, the first version knows.

    A bank gives a reference to one entry. The same money under it on another day may be that entry, moved: a person
    decides, since either day stands in a statement.
    """
    verdict = judge_v1(data, body)
    return Verdict.CONTRARY if verdict is Verdict.OTHER and _moved(data, body) else verdict


def _moved(data: MovementState, body: EntryReported) -> bool:
    if (data.account, data.amount, data.direction) != (body.account, body.amount, body.direction):
        return False
    return any(_on_another_day(known, body) for known in data.reports) and not another_payment(data, body)


def _on_another_day(known: Report, body: EntryReported) -> bool:
    """Within some days, since numbers begin anew; in the same document only where that lists the entry anew."""
    if not (known.booked and body.booked and known.booking_date and body.booking_date):
        return False
    named = known.servicer_reference == body.servicer_reference and len(body.servicer_reference) >= NUMBERED
    listed_anew = known.statement_id != body.statement_id or (known.rank, known.place) == (body.rank, body.place)
    return named and listed_anew and 0 < abs((known.booking_date - body.booking_date).days) <= NEAR_DAYS


_SIGHT = Sight(or_restated(judge), cases)
