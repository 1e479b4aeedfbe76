"""Facts into state. Sees facts only: no rules, so that the state can be rebuilt from the log alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from nostro.model.base import Kept, confidential_fields
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
    LookupAnswered,
    MatchConfirmed,
    MoneyUnapplied,
    PaymentCaptured,
    PaymentNews,
    PaymentRegistered,
    RefundReported,
)
from nostro.model.facts.house import Target
from nostro.model.money import Money, plain
from nostro.model.payments import Credit, Dispute, Incoming, Line, Payment, Refund, Return, Share
from nostro.processes.collection.routing import correlates
from nostro.processes.collection.v1.state import (
    NEWS_LIMIT,
    PAYMENTS_LIMIT,
    Assignment,
    CollectionState,
    CreditNote,
    Lead,
    News,
    Recall,
    Registered,
)
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but, same

V = TypeVar("V", bound=Kept)

PROVIDER_DEADLINE = "odoo_provider"
NOT_STANDING = frozenset({"draft", "canceled", "cancelled", "rejected"})


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact. A fact that says nothing to the state leaves it."""
    assert isinstance(data, CollectionState)
    if data.item:
        return _heard(data, fact)
    step = _STEPS.get(type(fact.body))
    after = step(data, fact.body, fact) if step else data
    return _heard(after, fact) if after.kind == "unapplied" else after


def _heard(data: CollectionState, fact: Fact) -> CollectionState:
    """What is told of money without an item is kept as it will be passed on, and what may lead to the item is asked."""
    body = fact.body
    if isinstance(body, MoneyUnapplied):
        kept: News = CollectionCredited(subject="", **same(body, "movement amount booked_on statement_line"))
    elif isinstance(body, News):
        day = {"told_on": body.told_on or fact.occurred_at.date()} if isinstance(body, PaymentNews) else {}
        kept = but(body, **dict.fromkeys(confidential_fields(type(body))), **day)
    else:
        return data
    if len(data.news) >= NEWS_LIMIT:
        return but(data, refused=data.refused + 1)
    leads = () if data.item else _leads(data, fact)
    return but(data, news=(*data.news, kept), leads=tuple(dict.fromkeys((*data.leads, *leads))))


def _leads(data: CollectionState, fact: Fact) -> tuple[Lead, ...]:
    """Money asks for its item; news of a charge that was never told here ask for whoever knows the charge."""
    told = tuple((r.kind, r.value, r.scope) for r in correlates(fact))
    if not data.incoming:
        return tuple(lead for lead in told if lead[0] == "psp")
    asks = isinstance(fact.body, PaymentCaptured | PaymentRegistered | MoneyUnapplied)
    return tuple(lead for lead in told if asks and lead[0] != "psp")


def _answered(data: CollectionState, body: LookupAnswered, _: Fact) -> CollectionState:
    """The item that a reference led to late has the money. Led to several, or decided upon: it is a person's."""
    first = next(iter(body.targets), None)
    found = tuple(dict.fromkeys((*data.candidates, *(target.subject for target in body.targets))))
    numbers = [lead for lead in data.leads if lead[0] == "invoice_number"] if first else []
    others = tuple(lead for lead in numbers if first and first.kind == lead[0] and first.value != lead[1])
    asked = but(data, leads=others, candidates=found)
    if others or len(found) != 1 or data.assignments or data.refused:
        return asked
    return but(asked, item=found[0], candidates=(), payments=(), credits=(), expected=(), strangers=())


def _posted(data: CollectionState, body: InvoicePosted, _: Fact) -> CollectionState:
    names = "kind connection database move_id number partner_id total residual"
    seen = but(data, reverses=body.reverses_move, withdrawn="", **same(body, names))
    paid = body.total.minor - body.residual.minor
    rose = data.total == body.total and data.residual is not None and data.residual < body.residual
    return but(seen, elsewhere=max(0, paid - seen.cleared), reopened=paid < seen.cleared and (rose or data.reopened))


def _withdrawn(data: CollectionState, body: InvoiceWithdrawn, _: Fact) -> CollectionState:
    """What is gone there can't tell its number any more: we know it."""
    told = same(body, "connection database move_id")
    number = body.number or data.number
    return but(data, kind=data.kind or "invoice", withdrawn=body.why, number=number, **told)


def _registered(data: CollectionState, body: PaymentRegistered, _: Fact) -> CollectionState:
    if not body.provider_reference or body.state in NOT_STANDING or data.kind == "unapplied":
        return data
    company = plain(body.company_amount.value) if body.company_amount else ""
    told = Registered(payment=str(body.payment_id), company=company, **same(body, "provider_reference amount"))
    payment = data.payment(body.provider_reference, body.provider_reference)
    if payment is None:
        return _await_capture(data, told)
    if payment.registered:
        return data
    adopted = _adopt(payment, told)
    return _with(but(data, elsewhere=max(0, data.elsewhere - max(0, adopted.applied - payment.applied))), adopted)


def _await_capture(data: CollectionState, told: Registered) -> CollectionState:
    if any(known.payment == told.payment for known in data.expected) or len(data.expected) >= PAYMENTS_LIMIT:
        return data
    elsewhere = data.elsewhere - (told.amount.minor if told.amount.currency == data.currency else 0)
    return but(data, expected=(*data.expected, told), elsewhere=max(0, elsewhere))


def _adopt(payment: Payment, told: Registered) -> Payment:
    """What the ERP holds of it counts as applied, but not what was moved or went back meanwhile."""
    free = payment.amount.minor - payment.moved - sum(share.over for share in payment.shares)
    least = sum(share.applied for share in payment.shares)
    alike = told.amount.currency == payment.amount.currency
    applied = max(least, min(told.amount.minor, free)) if alike else payment.applied
    return but(payment, registered=told.payment, company=told.company, applied=applied)


def _captured(data: CollectionState, body: PaymentCaptured, _: Fact) -> CollectionState:
    ids = {body.payment_id, body.charge_id}
    told = next((known for known in data.expected if known.provider_reference in ids), None)
    rest = but(data, expected=tuple(known for known in data.expected if known is not told))
    names = same(body, "connection payment_id method amount")
    payment = Payment(source=body.charge_id, received_on=body.captured_on, applied=rest.room(body.amount), **names)
    return _with(but(rest, kind=rest.kind or "unapplied"), _adopt(payment, told) if told else payment)


def _refunded(data: CollectionState, body: RefundReported, _: Fact) -> CollectionState:
    payment = data.payment(body.charge_id, body.payment_id)
    if payment is None:
        return _stranger(data, body.charge_id or body.payment_id)
    new = Refund(**same(body, "refund_id amount refunded_on"))
    known = next((r for r in payment.refunds if r.refund_id == body.refund_id), new)
    told = but(known, failed=known.failed or body.state in ("failed", "cancelled"))
    if body.state == "succeeded" and not known.succeeded:
        back = (body.refund_id, body.refunded_on, "refunded")
        data, share = _recall(data, payment, payment.take_back(body.amount.minor), back)
        told = but(told, succeeded=True, share=share)
    payment = data.payment(payment.source) or payment
    return _pair(_with(data, but(payment, refunds=_put(payment.refunds, known, told))))


def _disputed(data: CollectionState, body: DisputeReported, fact: Fact) -> CollectionState:
    payment = data.payment(body.charge_id, body.payment_id)
    if payment is None:
        return _stranger(data, body.charge_id or body.payment_id)
    new = Dispute(**same(body, "dispute_id amount disputed_on"))
    known = next((d for d in payment.disputes if d.dispute_id == body.dispute_id), new)
    told = _told(known, body, body.told_on or fact.occurred_at.date())
    if told.withdrawn and not known.withdrawn:
        told = but(told, share=payment.take_back(body.amount.minor))
    if told.lost and told.withdrawn and told.share.moved:
        data, share = _recall(data, payment, told.share, (body.dispute_id, told.closed_on or body.disputed_on, "lost"))
        told = but(told, share=share)
    payment = data.payment(payment.source) or payment
    return _with(data, but(payment, disputes=_put(payment.disputes, known, told)))


def _told(known: Dispute, body: DisputeReported, day: date) -> Dispute:
    """What was ever true of a dispute stays so: the order of its news does not matter."""
    withdrawn = known.withdrawn or body.funds != "kept"
    closed, back = body.state in ("won", "lost"), body.funds == "reinstated"
    return but(
        known,
        reason=body.reason or known.reason,
        evidence_due_at=max(known.evidence_due_at, body.evidence_due_at),
        opened=known.opened or withdrawn or body.state in ("open", "lost"),
        withdrawn=withdrawn,
        reinstated=known.reinstated or back,
        won=known.won or body.state == "won",
        lost=known.lost or body.state == "lost",
        closed_on=known.closed_on or (day if closed else None),
        reinstated_on=known.reinstated_on or (day if back else None),
    )


def _paid_out(data: CollectionState, body: CollectionPaidOut, fact: Fact) -> CollectionState:
    payment = data.payment(body.charge_id)
    if payment is None:
        return _stranger(data, body.charge_id)
    line = Line(
        settled_on=body.told_on or fact.occurred_at.date(), **same(body, "line_id kind source_id gross presentment")
    )
    return _with(data, but(payment, lines=(*payment.lines, line)))


def _credited(data: CollectionState, body: CollectionCredited, _: Fact) -> CollectionState:
    foreign = body.by == "person" and body.amount.currency != data.currency
    applied = body.amount.minor if foreign else data.room(body.amount)
    told = same(body, "amount statement_line")
    return _with(data, Credit(source=body.movement, received_on=body.booked_on, applied=applied, **told))


def _unapplied(data: CollectionState, body: MoneyUnapplied, _: Fact) -> CollectionState:
    credit = Credit(source=body.movement, received_on=body.booked_on, **same(body, "amount statement_line"))
    return _with(but(data, kind=data.kind or "unapplied"), credit)


def _payment_moved(data: CollectionState, body: CollectionPaymentMoved, _: Fact) -> CollectionState:
    told = same(body, "amount connection payment_id method")
    applied = data.room(body.amount)
    return _with(data, Credit(source=body.charge_id, received_on=body.captured_on, applied=applied, **told))


def _returned(data: CollectionState, body: CollectionReturned, _: Fact) -> CollectionState:
    credit = data.credit(body.original_movement)
    if credit is None:
        return _stranger(data, body.original_movement)
    back = (body.movement, body.booked_on, body.reason)
    data, share = _recall(data, credit, credit.take_back(body.amount.minor), back)
    told = Return(returned_on=body.booked_on, share=share, **same(body, "movement reason amount"))
    credit = data.credit(credit.source) or credit
    return _with(data, but(credit, returns=(*credit.returns, told)))


def _recall(
    data: CollectionState, one: Incoming, share: Share, what: tuple[str, date, str]
) -> tuple[CollectionState, Share]:
    """Money that was moved and has to go back: its new items give it up, and it goes back as what is over."""
    rest, recalls = share.moved, list(data.recalls)
    told: dict[str, Any] = dict(zip(("movement", "returned_on", "reason"), what, strict=True))
    for given in data.assignments:
        minor = min(rest, data.still_moved(given)) if given.source == one.source else 0
        if minor > 0:
            rest -= minor
            amount = Money(minor=minor, currency=one.amount.currency)
            recalls.append(Recall(amount=amount, **same(given, "name subject"), **told))
    kept = _with(data, but(one, moved=one.moved - share.moved + rest))
    return but(kept, recalls=tuple(recalls)), Share(over=share.over + share.moved, applied=share.applied)


def _credit_noted(data: CollectionState, body: CollectionCreditNoted, _: Fact) -> CollectionState:
    return _pair(but(data, credit_notes=(*data.credit_notes, CreditNote(**same(body, "move_id amount")))))


def _pair(data: CollectionState) -> CollectionState:
    """The first refund without a credit note gets the first note without a refund."""
    taken = {r.note for p in data.payments for r in p.refunds}
    note = next((note.move_id for note in data.credit_notes if note.move_id not in taken), 0)
    for payment in data.payments:
        for refund in payment.refunds:
            if note and refund.succeeded and refund.share.applied and not refund.note:
                return _with(data, but(payment, refunds=_put(payment.refunds, refund, but(refund, note=note))))
    return data


def _confirmed(data: CollectionState, body: MatchConfirmed, _: Fact) -> CollectionState:
    """A person disposes of what is over. Giving back is for card payments; the money stays until the PSP says so.

    News without money go to the item that he names.
    """
    if data.strangers and not data.incoming and body.target.process == "collection":
        return but(data, item=body.target.subject, candidates=(), strangers=())
    refund = body.target.kind == "refund"
    for one in disposable(data, body.target):
        assignment = Assignment(
            source=one.source,
            name=f"{one.source}~{1 + sum(a.source == one.source for a in data.assignments)}",
            to="refund" if refund else body.target.process,
            subject=body.target.subject,
            amount=Money(minor=one.over, currency=one.amount.currency),
        )
        data = but(data, assignments=(*data.assignments, assignment))
        data = data if refund else _with(data, but(one, moved=one.moved + one.over))
    return data


def disposable(data: CollectionState, target: Target) -> list[Incoming]:
    """Of what is over, what can go there. Any money can pay an open item; only bank money can be a payout."""
    if target.kind == "refund":
        asked = {given.source for given in data.assignments if given.to == "refund"}
        return [one for one in data.spare if isinstance(one, Payment) and one.source not in asked]
    to = target.process
    return [one for one in data.movable if to == "collection" or (to == "payout" and not one.connection)]


def _settled(data: CollectionState, body: CommandSettled, _: Fact) -> CollectionState:
    settled = but(data, steps=data.steps.settled(body))
    source = body.step.removeprefix("register-")
    one = next((one for one in data.incoming if one.source == source and source != body.step), None)
    if one is None or not body.outcome.there:
        return settled
    ids, notes = body.outcome.ids, body.outcome.notes
    return _with(settled, but(one, registered=ids.get("payment", "0"), company=notes.get("company_amount", "")))


def _released(data: CollectionState, body: CommandReleased, _: Fact) -> CollectionState:
    return but(data, steps=data.steps.released(body))


def _fell_due(data: CollectionState, body: DeadlineFellDue, _: Fact) -> CollectionState:
    waited = body.name == PROVIDER_DEADLINE
    return but(data, payments=tuple(but(p, waited=True) for p in data.payments)) if waited else data


def _corrected(data: CollectionState, body: FactCorrected, _: Fact) -> CollectionState:
    return but(data, corrected=body.why)


def _stranger(data: CollectionState, ident: str) -> CollectionState:
    """News of what is not known here. A subject that begins with it has nothing else, and asks who knows it."""
    return but(
        data, kind=data.kind or "unapplied", strangers=tuple(dict.fromkeys((*data.strangers, ident)))[:PAYMENTS_LIMIT]
    )


def _with(data: CollectionState, one: Incoming) -> CollectionState:
    """With a payment or credit in its place, or at the end of those that the limit admits."""
    if isinstance(one, Payment):
        kept: dict[str, Any] = {"payments": _put(data.payments, data.payment(one.source), one)}
    else:
        assert isinstance(one, Credit)
        kept = {"credits": _put(data.credits, data.credit(one.source), one)}
    return but(data, **kept) if len(*kept.values()) <= PAYMENTS_LIMIT else but(data, refused=data.refused + 1)


def _put(those: tuple[V, ...], old: V | None, new: V) -> tuple[V, ...]:
    """`new` in the place of `old`, or at the end."""
    return tuple(new if one is old else one for one in those) if old in those else (*those, new)


_Step = Callable[[CollectionState, Any, Fact], CollectionState]
_STEPS: Mapping[type[FactBody], _Step] = {
    InvoicePosted: _posted,
    InvoiceWithdrawn: _withdrawn,
    PaymentRegistered: _registered,
    PaymentCaptured: _captured,
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
    LookupAnswered: _answered,
    FactCorrected: _corrected,
}
