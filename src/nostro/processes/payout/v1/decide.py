"""What follows from a fact: each line is passed on to its collection at once; the rest by difference of states."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

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
from nostro.model.outcomes import OutcomeKind
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State
from nostro.processes.kit.following import a_day_later, acts, case_changes, new_postings, same
from nostro.processes.payout.v1.books import postings, wanted
from nostro.processes.payout.v1.machine import MACHINE, OVERDUE
from nostro.processes.payout.v1.state import UNKNOWN, PayoutState


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, cases and postings, and where the payout stands now."""
    before = instance.data
    assert isinstance(before, PayoutState)
    assert isinstance(data, PayoutState)
    entity = rules.entity(instance.entity)
    asking = wanted(data, entity)
    pending = data.steps.pending(asking)
    to = standing(data, asked=bool(pending))
    to = to if to in MACHINE.edges[instance.state, fact.type] else instance.state
    changed = case_changes(_cases(before, entity), _cases(data, entity))
    late = _is_overdue(instance.state, to, fact) and (to != "booking" or acts(rules, pending))
    overdue = (CaseOpening(*OVERDUE[to], data.amount),) if late else ()
    left = (OVERDUE[instance.state][0],) if instance.state in OVERDUE and instance.state != to else ()
    return Decision(
        to=to,
        rule=_rule(data),
        intents=data.steps.fresh(wanted(before, entity), asking),
        emits=_passed_on(fact.body),
        opens=(*changed.opens, *overdue),
        closes=(*changed.closes, *left),
        postings=new_postings(postings(before, entity.id), postings(data, entity.id)),
        due_at=_due(instance, data, fact, rules, to),
    )


def standing(data: PayoutState, *, asked: bool) -> str:
    """The process state: what has to happen next."""
    if data.reissued_by:
        return "reissued"
    if data.failed:
        return "failed"
    if asked:
        return "booking"
    known = data.complete or (data.underway and not data.automatic)
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


def _cases(data: PayoutState, entity: LegalEntity) -> dict[str, CaseOpening]:
    return {case.reason: case for case in (*_about_lines(data, entity), *_about_arrival(data), *_about_steps(data))}


def _about_lines(data: PayoutState, entity: LegalEntity) -> Iterator[CaseOpening]:
    name = data.payout_id
    if data.connection and entity.provider(data.connection) is None:
        yield CaseOpening("no_provider_account", f"{entity.id} has no account at {data.connection}.", data.amount)
    if (adjusted := data.totals.get("adjustment")) is not None:
        money = Money(minor=adjusted.gross, currency=data.currency)
        yield CaseOpening(
            "payout_adjustment", f"{name} holds adjustments of {money}, booked as fees. Check them.", money
        )
    unknown = sum(data.totals[kind].count for kind in UNKNOWN & set(data.totals))
    if unknown or data.strange:
        money = Money(minor=data.gross(UNKNOWN), currency=data.currency)
        sentence = f"{name} holds {unknown + data.strange} lines that nothing says how to book: {money}."
        yield CaseOpening("payout_line_unknown", sentence, money)
    if data.entries and data.currency != entity.currency:
        money = Money(minor=data.cost.total, currency=data.currency)
        sentence = (
            f"{name} is in {data.currency}, not in {entity.currency}: its cost of {money} is to be booked by hand."
        )
        yield CaseOpening("payout_currency_foreign", sentence, money)


def _about_arrival(data: PayoutState) -> Iterator[CaseOpening]:
    if data.amount is None:
        return
    if data.failed and not data.reissued_by:
        yield CaseOpening("payout_failed", f"Payout {data.payout_id} {data.reported}: the PSP keeps it.", data.amount)
    if data.underway and not data.automatic:
        sentence = f"Payout {data.payout_id} was made by hand: the PSP can't say what is in it. Reconcile by balance."
        yield CaseOpening("manual_payout", sentence, data.amount)
    came = {arrival.amount.currency for arrival in data.arrivals}
    if data.arrivals and (came != {data.currency} or data.arrived != data.amount.minor):
        told = " and ".join(str(arrival.amount) for arrival in data.arrivals)
        sentence = f"Payout {data.payout_id} says {data.amount}; the bank booked {told}."
        yield CaseOpening("payout_amount_differs", sentence, data.amount)


def _about_steps(data: PayoutState) -> Iterator[CaseOpening]:
    for reason, kind in (("booking_failed", OutcomeKind.FAILED), ("booking_unknown", OutcomeKind.HANDED_OVER)):
        if ends := data.steps.failures(kind):
            yield CaseOpening(reason, " ".join(f"{name}: {end.sentence or kind}" for name, end in ends))
    if data.corrected:
        yield CaseOpening("fact_corrected", f"A fact of this payout was corrected: {data.corrected}")


def _rule(data: PayoutState) -> str:
    if not data.automatic:
        return "manual payout: by balance"
    return f"{data.count} lines add up" if data.complete else f"{data.count} lines, not complete"


def _is_overdue(at: str, to: str, fact: Fact) -> bool:
    return isinstance(fact.body, DeadlineFellDue) and at == to and to in OVERDUE


def _due(instance: Instance, data: PayoutState, fact: Fact, rules: Rules, to: str) -> datetime | None:
    """A booking that waits for a person is looked at again; an arrival falls due by the PSP's day."""
    if to == instance.state == "booking" and isinstance(fact.body, DeadlineFellDue):
        return a_day_later(fact.body)
    news = instance.state != "expecting" or isinstance(fact.body, PayoutReported)
    return _arrival_due(data, rules.entity(instance.entity), rules) if to == "expecting" and news else None


def _arrival_due(data: PayoutState, entity: LegalEntity, rules: Rules) -> datetime | None:
    """The evening of some bank business days after the day that the PSP names."""
    if data.arrives_on is None:
        return None
    grace = rules.limit("payout_grace_days", entity.id, 2)
    day = rules.business_day(entity.calendar, data.arrives_on.isoformat(), grace)
    return rules.instant(entity.zone, day, "18:00")
