"""What follows from a fact: each line is passed on to its collection at once; the rest by difference of states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, time
from functools import partial
from typing import NamedTuple, Protocol

from nostro.model.bank_days import LocalRule
from nostro.model.entities import LegalEntity
from nostro.model.facts import (
    CollectionPaidOut,
    DeadlineFellDue,
    Fact,
    FactBody,
    PayoutLineReported,
    PayoutReissued,
    PayoutReported,
)
from nostro.model.money import Money
from nostro.processes.kit.decision import Calls, CaseOpening, Decision, Instance, Rules, State, Wanted
from nostro.processes.kit.following import (
    Overdue,
    a_day_later,
    acts,
    booking_cases,
    called_for,
    case_changes,
    left,
    new_postings,
    overdue,
    same,
)
from nostro.processes.kit.machine import Machine
from nostro.processes.payout.v1.books import postings, wanted
from nostro.processes.payout.v1.machine import MACHINE, OVERDUE
from nostro.processes.payout.v1.state import UNKNOWN, PayoutState

ARRIVES_BY = time(18)
"""When a bank has booked what it books on a day."""
Grounds = Callable[[PayoutState, LegalEntity, Sequence[Wanted]], Mapping[str, CaseOpening]]
"""The open cases of a state and of what it wants done, by reason."""
Arrival = Callable[[PayoutState, LegalEntity, Rules], datetime | None]
"""When the bank has to have booked it; None: not known."""


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, cases and postings, and where the payout stands now."""
    return decided(instance, data, fact, rules, _SIGHT)


def arrival_due(data: PayoutState, entity: LegalEntity, rules: Rules) -> datetime | None:
    """The evening of some bank business days after the day that the PSP names."""
    day, evening = data.payout.arrives_on, LocalRule(by=ARRIVES_BY, zone=entity.zone, calendar=entity.calendar)
    return rules.cut_off(evening, day, rules.limit("payout_grace_days", entity.id, 2)).at if day else None


def decided(instance: Instance, data: State, fact: Fact, rules: Rules, sight: Sight) -> Decision:
    """The decision, with what a version sees."""
    before = instance.data
    assert isinstance(before, PayoutState)
    assert isinstance(data, PayoutState)
    entity = rules.entity(instance.entity)
    known = called_for(instance, rules, lambda data, none: _calls(data, rules, entity, none, sight.grounds))
    after = _calls(data, rules, entity, known, sight.grounds) if data is not known.data else known
    pending = data.steps.pending(after.wanted)
    to = sight.stands(data, asked=bool(pending))
    to = to if to in sight.machine.edges[instance.state, fact.type] else instance.state
    changed = case_changes(known.cases, after.cases)
    patient = to == "booking" and not acts(rules, pending)
    late = () if patient else overdue(sight.late, instance.state, to, fact, data.payout.amount)
    return Decision(
        to=to,
        rule=_rule(data),
        intents=data.steps.fresh(known.wanted, after.wanted),
        emits=_passed_on(fact.body),
        opens=(*changed.opens, *late),
        closes=(*changed.closes, *left(sight.late, instance.state, to)),
        postings=new_postings(known.postings, after.postings),
        due_at=_due(instance, fact, to, partial(sight.arrival, data, entity, rules)),
        calls=after,
    )


def _calls(data: PayoutState, rules: Rules, entity: LegalEntity, before: Calls, grounds: Grounds) -> Calls:
    """All that the state calls for; its lines are passed on as they come, and not remembered."""
    asked = wanted(data, entity, before.wanted)
    return Calls(data, rules, asked, grounds(data, entity, asked), (), postings(data, entity.id))


def standing(data: PayoutState, *, asked: bool) -> str:
    """The process state: what has to happen next."""
    if data.reissued_by:
        return "reissued"
    if data.payout.failed:
        return "failed"
    if asked:
        return "booking"
    known = data.complete or (data.payout.underway and not data.payout.automatic)
    if not known:
        return "collecting"
    return "closed" if data.arrivals else "expecting"


def _passed_on(body: FactBody) -> tuple[FactBody, ...]:
    if not isinstance(body, PayoutLineReported):
        return ()
    match body.kind:
        case "charge" | "refund" | "refund_failure" | "dispute" | "dispute_reversal" as kind:
            names = same(body, "connection line_id payout_id gross fee presentment source_id")
            line = CollectionPaidOut(charge_id=body.charge_id or body.source_id, kind=kind, **names)
            return (line,)
        case "payout_failure":
            failed = f"{body.connection}/{body.source_id}"
            return (PayoutReissued(subject=failed, by=body.payout_id, amount=body.gross),)
        case _:
            return ()


def cases(data: PayoutState, entity: LegalEntity, _: Sequence[Wanted]) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    return {case.reason: case for case in (*_about_lines(data, entity), *_about_arrival(data), *_about_steps(data))}


class Standing(Protocol):
    """Where a payout stands, by its state and whether an entry is asked for."""

    def __call__(self, data: PayoutState, *, asked: bool) -> str:
        """The process state."""


class Sight(NamedTuple):
    """What a version sees: the grounds for cases, the day of arrival, and where a payout stands in its table.

    `late`: state -> the case that its deadline opens.
    """

    grounds: Grounds
    arrival: Arrival = arrival_due
    stands: Standing = standing
    machine: Machine = MACHINE
    late: Overdue = OVERDUE


_SIGHT = Sight(cases)


def _about_lines(data: PayoutState, entity: LegalEntity) -> Iterator[CaseOpening]:
    told, currency = data.payout, data.currency
    name, unknown = told.payout_id, sum(data.totals[kind].count for kind in UNKNOWN & set(data.totals)) + data.strange
    if told.connection and entity.provider(told.connection) is None:
        yield CaseOpening("no_provider_account", f"{entity.id} has no account at {told.connection}.", told.amount)
    if (adjusted := data.totals.get("adjustment")) is not None:
        money = Money(minor=adjusted.gross, currency=currency)
        sentence = f"{name} holds adjustments of {money}, booked as fees. Check them."
        yield CaseOpening("payout_adjustment", sentence, money)
    if unknown:
        money = Money(minor=data.gross(UNKNOWN), currency=currency)
        sentence = f"{name} holds {unknown} lines that nothing says how to book: {money}."
        yield CaseOpening("payout_line_unknown", sentence, money)
    if data.entries and currency != entity.currency:
        money = Money(minor=data.cost.total, currency=currency)
        sentence = f"{name} is in {currency}, not in {entity.currency}: its cost of {money} is to be booked by hand."
        yield CaseOpening("payout_currency_foreign", sentence, money)


def _about_arrival(data: PayoutState) -> Iterator[CaseOpening]:
    told = data.payout
    if told.amount is None:
        return
    if told.failed and not data.reissued_by:
        yield CaseOpening("payout_failed", f"Payout {told.payout_id} {told.stage}: the PSP keeps it.", told.amount)
    if told.underway and not told.automatic:
        sentence = f"Payout {told.payout_id} was made by hand: the PSP can't say what is in it. Reconcile by balance."
        yield CaseOpening("manual_payout", sentence, told.amount)
    came = {arrival.amount.currency for arrival in data.arrivals}
    if data.arrivals and (came != {data.currency} or data.arrived != told.amount.minor):
        booked = " and ".join(str(arrival.amount) for arrival in data.arrivals)
        sentence = f"Payout {told.payout_id} says {told.amount}; the bank booked {booked}."
        yield CaseOpening("payout_amount_differs", sentence, told.amount)


def _about_steps(data: PayoutState) -> Iterator[CaseOpening]:
    yield from booking_cases(data.steps)
    if data.corrected:
        yield CaseOpening("fact_corrected", f"A fact of this payout was corrected: {data.corrected}")


def _rule(data: PayoutState) -> str:
    if not data.payout.automatic:
        return "manual payout: by balance"
    return f"{data.count} lines add up" if data.complete else f"{data.count} lines, not complete"


def _due(instance: Instance, fact: Fact, to: str, arrival: Callable[[], datetime | None]) -> datetime | None:
    """A booking that waits for a person is looked at again; an arrival falls due by the PSP's day."""
    if to == instance.state == "booking" and isinstance(fact.body, DeadlineFellDue):
        return a_day_later(fact.body)
    news = instance.state != "expecting" or isinstance(fact.body, PayoutReported)
    return arrival() if to == "expecting" and news else None
