"""Facts into state. Sees facts only: no rules, so that the state can be rebuilt from the log alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from nostro.model.base import Value
from nostro.model.facts import (
    CollectionCredited,
    CollectionCreditNoted,
    CollectionPaidOut,
    CollectionPaymentMoved,
    CollectionReturned,
    CommandReleased,
    CommandSettled,
    DeadlineFellDue,
    DisputeReported,
    Fact,
    FactBody,
    FactCorrected,
    InvoicePosted,
    InvoiceWithdrawn,
    MatchConfirmed,
    MoneyUnapplied,
    PaymentAttempted,
    PaymentCaptured,
    PaymentRegistered,
    RefundReported,
)
from nostro.model.money import Money, plain
from nostro.processes.collection.v1.state import (
    PAYMENTS_LIMIT,
    Assignment,
    CollectionState,
    Credit,
    CreditNote,
    Dispute,
    Incoming,
    Line,
    Payment,
    Recall,
    Refund,
    Registered,
    Return,
    Share,
)
from nostro.processes.kit.decision import State

V = TypeVar("V", bound=Value)

PROVIDER_DEADLINE = "odoo_provider"
_NOT_STANDING = frozenset({"draft", "canceled", "cancelled", "rejected"})


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact. A fact that says nothing to the state leaves it."""
    assert isinstance(data, CollectionState)
    step = _STEPS.get(type(fact.body))
    return step(data, fact.body, fact) if step else data


def _posted(data: CollectionState, body: InvoicePosted, _: Fact) -> CollectionState:
    seen = data.model_copy(
        update={
            "kind": body.kind,
            "connection": body.connection,
            "database": body.database,
            "move_id": body.move_id,
            "number": body.number,
            "partner_id": body.partner_id,
            "total": body.total,
            "residual": body.residual,
            "reverses": body.reverses_move,
            "withdrawn": "",
        }
    )
    paid = body.total.minor - body.residual.minor
    rose = data.total == body.total and data.residual is not None and data.residual < body.residual
    return seen.model_copy(
        update={"elsewhere": max(0, paid - seen.cleared), "reopened": paid < seen.cleared and (rose or data.reopened)}
    )


def _withdrawn(data: CollectionState, body: InvoiceWithdrawn, _: Fact) -> CollectionState:
    told = {"connection": body.connection, "database": body.database, "move_id": body.move_id, "number": body.number}
    return data.model_copy(update={**told, "kind": data.kind or "invoice", "withdrawn": body.why})


def _registered(data: CollectionState, body: PaymentRegistered, _: Fact) -> CollectionState:
    if not body.provider_reference or body.state in _NOT_STANDING:
        return data
    told = Registered(
        payment=str(body.payment_id),
        provider_reference=body.provider_reference,
        amount=body.amount,
        company=plain(body.company_amount.value) if body.company_amount else "",
    )
    payment = data.payment(body.provider_reference, body.provider_reference)
    if payment is None:
        return _await_capture(data, told)
    if payment.registered:
        return data
    adopted = _adopt(payment, told)
    elsewhere = max(0, data.elsewhere - max(0, adopted.applied - payment.applied))
    return _with(data.model_copy(update={"elsewhere": elsewhere}), adopted)


def _await_capture(data: CollectionState, told: Registered) -> CollectionState:
    if any(known.payment == told.payment for known in data.expected) or len(data.expected) >= PAYMENTS_LIMIT:
        return data
    elsewhere = data.elsewhere - (told.amount.minor if told.amount.currency == data.currency else 0)
    return data.model_copy(update={"expected": (*data.expected, told), "elsewhere": max(0, elsewhere)})


def _adopt(payment: Payment, told: Registered) -> Payment:
    """What the ERP holds of it counts as applied, but not what was moved or went back meanwhile."""
    free = payment.amount.minor - payment.moved - sum(share.over for share in payment.shares)
    least = sum(share.applied for share in payment.shares)
    same = told.amount.currency == payment.amount.currency
    applied = max(least, min(told.amount.minor, free)) if same else payment.applied
    return payment.model_copy(update={"registered": told.payment, "company": told.company, "applied": applied})


def _captured(data: CollectionState, body: PaymentCaptured, _: Fact) -> CollectionState:
    ids = {body.payment_id, body.charge_id}
    told = next((known for known in data.expected if known.provider_reference in ids), None)
    rest = data.model_copy(update={"expected": tuple(known for known in data.expected if known is not told)})
    payment = Payment(
        source=body.charge_id,
        connection=body.connection,
        payment_id=body.payment_id,
        method=body.method,
        received_on=body.captured_on,
        amount=body.amount,
        applied=rest.room(body.amount),
    )
    return _with(rest.model_copy(update={"kind": rest.kind or "unapplied"}), _adopt(payment, told) if told else payment)


def _attempted(data: CollectionState, body: PaymentAttempted, _: Fact) -> CollectionState:
    return data.model_copy(update={"attempt": body.state})


def _refunded(data: CollectionState, body: RefundReported, _: Fact) -> CollectionState:
    payment = data.payment(body.charge_id, body.payment_id)
    if payment is None:
        return _stranger(data, body.charge_id or body.payment_id)
    new = Refund(refund_id=body.refund_id, amount=body.amount, refunded_on=body.refunded_on)
    known = next((r for r in payment.refunds if r.refund_id == body.refund_id), new)
    update: dict[str, object] = {"failed": known.failed or body.state in ("failed", "cancelled")}
    if body.state == "succeeded" and not known.succeeded:
        share = payment.take_back(body.amount.minor)
        data, update["share"] = _recall(data, payment, share, (body.refund_id, body.refunded_on, "refunded"))
        update["succeeded"] = True
    payment = data.payment(payment.source) or payment
    refunds = _put(payment.refunds, known, known.model_copy(update=update))
    return _pair(_with(data, payment.model_copy(update={"refunds": refunds})))


def _disputed(data: CollectionState, body: DisputeReported, fact: Fact) -> CollectionState:
    payment = data.payment(body.charge_id, body.payment_id)
    if payment is None:
        return _stranger(data, body.charge_id or body.payment_id)
    new = Dispute(dispute_id=body.dispute_id, amount=body.amount, disputed_on=body.disputed_on)
    known = next((d for d in payment.disputes if d.dispute_id == body.dispute_id), new)
    told = _told(known, body, fact.occurred_at.date())
    if told.withdrawn and not known.withdrawn:
        told = told.model_copy(update={"share": payment.take_back(body.amount.minor)})
    if told.lost and told.withdrawn and told.share.moved:
        data, share = _recall(data, payment, told.share, (body.dispute_id, told.closed_on or body.disputed_on, "lost"))
        told = told.model_copy(update={"share": share})
    payment = data.payment(payment.source) or payment
    return _with(data, payment.model_copy(update={"disputes": _put(payment.disputes, known, told)}))


def _told(known: Dispute, body: DisputeReported, day: date) -> Dispute:
    withdrawn = known.withdrawn or body.funds in ("withdrawn", "reinstated")
    return known.model_copy(
        update={
            "reason": body.reason or known.reason,
            "evidence_due_at": max(known.evidence_due_at, body.evidence_due_at),
            "opened": known.opened or withdrawn or body.state in ("open", "lost"),
            "withdrawn": withdrawn,
            "reinstated": known.reinstated or body.funds == "reinstated",
            "won": known.won or body.state == "won",
            "lost": known.lost or body.state == "lost",
            "closed_on": known.closed_on or (day if body.state in ("won", "lost") else None),
            "reinstated_on": known.reinstated_on or (day if body.funds == "reinstated" else None),
        }
    )


def _paid_out(data: CollectionState, body: CollectionPaidOut, fact: Fact) -> CollectionState:
    payment = data.payment(body.charge_id)
    if payment is None:
        return _stranger(data, body.charge_id)
    line = Line(
        line_id=body.line_id,
        kind=body.kind,
        source_id=body.source_id,
        gross=body.gross,
        presentment=body.presentment,
        settled_on=fact.occurred_at.date(),
    )
    return _with(data, payment.model_copy(update={"lines": (*payment.lines, line)}))


def _credited(data: CollectionState, body: CollectionCredited, _: Fact) -> CollectionState:
    by_person = body.by == "person"
    foreign = by_person and body.amount.currency != data.currency
    credit = Credit(
        source=body.movement,
        amount=body.amount,
        received_on=body.booked_on,
        applied=body.amount.minor if foreign else data.room(body.amount),
        by_person=by_person,
        statement_line=body.statement_line,
    )
    return _with(data, credit)


def _unapplied(data: CollectionState, body: MoneyUnapplied, _: Fact) -> CollectionState:
    credit = Credit(
        source=body.movement, amount=body.amount, received_on=body.booked_on, statement_line=body.statement_line
    )
    return _with(data.model_copy(update={"kind": data.kind or "unapplied"}), credit)


def _payment_moved(data: CollectionState, body: CollectionPaymentMoved, _: Fact) -> CollectionState:
    credit = Credit(
        source=body.charge_id,
        amount=body.amount,
        received_on=body.captured_on,
        applied=data.room(body.amount),
        by_person=True,
        connection=body.connection,
        payment_id=body.payment_id,
        method=body.method,
        origin=body.origin,
    )
    return _with(data, credit)


def _returned(data: CollectionState, body: CollectionReturned, _: Fact) -> CollectionState:
    credit = data.credit(body.original_movement)
    if credit is None:
        return _stranger(data, body.original_movement)
    share = credit.take_back(body.amount.minor)
    data, share = _recall(data, credit, share, (body.movement, body.booked_on, body.reason))
    told = Return(
        movement=body.movement, amount=body.amount.minor, returned_on=body.booked_on, reason=body.reason, share=share
    )
    credit = data.credit(credit.source) or credit
    return _with(data, credit.model_copy(update={"returns": (*credit.returns, told)}))


def _recall(
    data: CollectionState, one: Incoming, share: Share, what: tuple[str, date, str]
) -> tuple[CollectionState, Share]:
    """Money that was moved and has to go back: its new items give it up, and it goes back as what is over."""
    movement, day, reason = what
    rest, recalls = share.moved, list(data.recalls)
    for given in data.assignments:
        minor = min(rest, data.still_moved(given)) if given.source == one.source else 0
        if minor > 0:
            rest -= minor
            amount = Money(minor=minor, currency=one.amount.currency)
            recalls.append(
                Recall(
                    movement=movement,
                    name=given.name,
                    subject=given.subject,
                    amount=amount,
                    returned_on=day,
                    reason=reason,
                )
            )
    called = share.moved - rest
    kept = _with(data, one.model_copy(update={"moved": one.moved - called}))
    back = Share(over=share.over + share.moved, applied=share.applied)
    return kept.model_copy(update={"recalls": tuple(recalls)}), back


def _credit_noted(data: CollectionState, body: CollectionCreditNoted, _: Fact) -> CollectionState:
    note = CreditNote(move_id=body.move_id, amount=body.amount)
    return _pair(data.model_copy(update={"credit_notes": (*data.credit_notes, note)}))


def _pair(data: CollectionState) -> CollectionState:
    """The first refund without a credit note gets the first note without a refund."""
    taken = {r.note for p in data.payments for r in p.refunds}
    note = next((note.move_id for note in data.credit_notes if note.move_id not in taken), 0)
    for payment in data.payments:
        for refund in payment.refunds:
            if note and refund.succeeded and refund.share.applied and not refund.note:
                paired = _put(payment.refunds, refund, refund.model_copy(update={"note": note}))
                return _with(data, payment.model_copy(update={"refunds": paired}))
    return data


def _confirmed(data: CollectionState, body: MatchConfirmed, _: Fact) -> CollectionState:
    """A person disposes of what is over. Giving back is for card payments; the money stays until the PSP says so."""
    asked = {a.source for a in data.assignments if a.to == "refund"}
    refund = body.target.kind == "refund"
    for one in data.spare:
        if refund and (isinstance(one, Credit) or one.source in asked):
            continue
        assignment = Assignment(
            act=body.act,
            source=one.source,
            name=f"{one.source}~{1 + sum(a.source == one.source for a in data.assignments)}",
            to="refund" if refund else "move",
            subject=body.target.subject,
            amount=Money(minor=one.over, currency=one.amount.currency),
        )
        data = data.model_copy(update={"assignments": (*data.assignments, assignment)})
        data = data if refund else _with(data, one.model_copy(update={"moved": one.moved + one.over}))
    return data


def _settled(data: CollectionState, body: CommandSettled, _: Fact) -> CollectionState:
    settled = data.model_copy(update={"steps": data.steps.settled(body)})
    if not body.step.startswith("register-") or not body.outcome.there:
        return settled
    source = body.step.removeprefix("register-")
    told = {"registered": body.outcome.ids.get("payment", "0"), "company": body.outcome.notes.get("company_amount", "")}
    one = next((one for one in data.incoming if one.source == source), None)
    return _with(settled, one.model_copy(update=told)) if one else settled


def _released(data: CollectionState, body: CommandReleased, _: Fact) -> CollectionState:
    return data.model_copy(update={"steps": data.steps.released(body)})


def _fell_due(data: CollectionState, body: DeadlineFellDue, _: Fact) -> CollectionState:
    if body.name != PROVIDER_DEADLINE:
        return data
    payments = tuple(p.model_copy(update={"waited": True}) for p in data.payments)
    return data.model_copy(update={"payments": payments})


def _corrected(data: CollectionState, body: FactCorrected, _: Fact) -> CollectionState:
    return data.model_copy(update={"corrected": body.why})


def _stranger(data: CollectionState, ident: str) -> CollectionState:
    strangers = dict.fromkeys((*data.strangers, ident))
    return data.model_copy(update={"strangers": tuple(strangers)[:PAYMENTS_LIMIT]})


def _with(data: CollectionState, one: Incoming) -> CollectionState:
    """With a payment or credit in its place, or at the end of those that the limit admits."""
    if isinstance(one, Payment):
        payments = _put(data.payments, data.payment(one.source), one)
        return data.model_copy(update={"payments": payments} if len(payments) <= PAYMENTS_LIMIT else _refused(data))
    assert isinstance(one, Credit)
    credits_ = _put(data.credits, data.credit(one.source), one)
    return data.model_copy(update={"credits": credits_} if len(credits_) <= PAYMENTS_LIMIT else _refused(data))


def _refused(data: CollectionState) -> dict[str, object]:
    return {"refused": data.refused + 1}


def _put(those: tuple[V, ...], old: V | None, new: V) -> tuple[V, ...]:
    """`new` in the place of `old`, or at the end."""
    return tuple(new if one is old else one for one in those) if old in those else (*those, new)


_Step = Callable[[CollectionState, Any, Fact], CollectionState]
_STEPS: Mapping[type[FactBody], _Step] = {
    InvoicePosted: _posted,
    InvoiceWithdrawn: _withdrawn,
    PaymentRegistered: _registered,
    PaymentCaptured: _captured,
    PaymentAttempted: _attempted,
    RefundReported: _refunded,
    DisputeReported: _disputed,
    CollectionPaidOut: _paid_out,
    CollectionCredited: _credited,
    MoneyUnapplied: _unapplied,
    CollectionPaymentMoved: _payment_moved,
    CollectionReturned: _returned,
    CollectionCreditNoted: _credit_noted,
    MatchConfirmed: _confirmed,
    CommandSettled: _settled,
    CommandReleased: _released,
    DeadlineFellDue: _fell_due,
    FactCorrected: _corrected,
}
