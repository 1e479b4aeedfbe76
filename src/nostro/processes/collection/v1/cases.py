"""What a person has to look at, as a function of the state: cases open and close with their ground."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nostro.model.money import Money
from nostro.model.payments import Credit, Dispute, Incoming, Payment, Refund, Return
from nostro.processes.collection.v1.effects import Scene, erp_value
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.kit.decision import CaseOpening
from nostro.processes.kit.following import Overdue, booking_cases

OVERDUE: Overdue = {
    "booking": ("booking_late", "What was asked for this item is not booked yet; it may wait for a release."),
    "in_transit": ("not_paid_out", "The PSP holds this money longer than it should."),
    "refund_open": ("refund_without_credit_note", "Money was refunded and no credit note takes the invoice back."),
    "disputed": ("evidence_overdue", "The time for evidence has passed and the dispute is not decided."),
    "settling": ("not_paid_out", "The PSP holds this money longer than it should."),
    "unapplied": ("unapplied_aged", "This money still belongs to no open item."),
}

_GROUNDS = """paid_twice overpaid withdrawn_with_money other_currency unknown_payer unapplied_money inquiry chargeback
chargeback_lost chargeback_reversed refund_failed returned_payment booking_failed booking_unknown booked_differently
not_posted ambiguous_match no_provider_account fx_unknown too_many_payments reopened_in_erp unknown_charge
fact_corrected"""
REASONS = frozenset(_GROUNDS.split()) | {reason for reason, _ in OVERDUE.values()}


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    return {case.reason: case for case in (*over(scene), *others(scene))}


def others(scene: Scene) -> Iterator[CaseOpening]:
    """All grounds but money that is over: the parts that the state has anything for."""
    yield from withdrawn_with_money(scene)
    data = scene.data
    failed = [r for p in data.payments for r in p.refunds if r.failed]
    if failed:
        yield refund_failed(failed[-1])
    back = [(c, r) for c in data.credits for r in c.returns if r.share.applied]
    if back and data.outstanding > 0:
        yield returned(scene, *back[-1])
    yield from reopened(scene)
    for payment in data.payments:
        for dispute in payment.disputes:
            if case := disputed(scene, payment, dispute):
                yield case
    yield from of_bookings(scene)


def withdrawn_with_money(scene: Scene) -> Iterator[CaseOpening]:
    """The item is void, and something has cleared it."""
    data = scene.data
    if data.withdrawn and data.cleared > 0:
        sentence = f"{data.number} was withdrawn ({data.withdrawn}) though money had cleared it."
        yield CaseOpening("withdrawn_with_money", sentence, Money(minor=data.cleared, currency=data.currency))


def reopened(scene: Scene) -> Iterator[CaseOpening]:
    """Somebody has undone in the ERP what cleared the item."""
    data = scene.data
    if data.reopened and data.residual:
        sentence = f"The ERP shows {data.residual} of {data.number} as open although we know it as paid."
        yield CaseOpening("reopened_in_erp", sentence, data.residual)


def of_bookings(scene: Scene) -> Iterator[CaseOpening]:
    """What could not be booked, and what was not taken in."""
    yield from _booking(scene)
    data = scene.data
    if data.refused or data.strangers or data.corrected:
        yield from _limits(scene)


def over(scene: Scene) -> Iterator[CaseOpening]:
    """Money that is over, a ground for each reason."""
    data = scene.data
    if not (data.payments or data.credits):
        return
    spare = [one for one in data.spare if not (isinstance(one, Payment) and scene.awaits_provider(one))]
    tolerance = scene.rules.limit("overpayment_tolerance_minor", scene.entity.id, 0) if spare else 0
    for reason, some in spare_by_reason(data, spare).items():
        amount = _sum(some)
        if amount and (amount.minor > tolerance or reason not in ("overpaid", "paid_twice")):
            yield CaseOpening(reason, f"{what_is_over(data, reason, amount)}{_ADVICE.get(reason, '')}", amount)
    if spare and data.candidates:
        sentence = f"{_sum(spare)} could pay {', '.join(data.candidates)}. Say which."
        yield CaseOpening("ambiguous_match", sentence, _sum(spare), data.candidates)


OVER = {
    "unapplied_money": "A card payment of {amount} leads to no open item.",
    "unknown_payer": "A bank credit of {amount} leads to no open item.",
    "withdrawn_with_money": "{amount} came in for {number}, which was withdrawn.",
    "other_currency": "{amount} came in for {number}, which is in another currency.",
    "paid_twice": "{number} was paid already when {amount} came in.",
    "overpaid": "{amount} more came in than {number} asks for.",
}
"""Reason -> what is said of money that is over."""
_ADVICE = {
    "unapplied_money": " Match it or give it back.",
    "unknown_payer": " Match it.",
    "paid_twice": " Give it back, or match it with another item.",
    "overpaid": " Give it back, or match it with another item.",
}


def what_is_over(data: CollectionState, reason: str, amount: Money) -> str:
    """What has happened, without what is to be done."""
    return OVER[reason].format(amount=amount, number=data.number or "it")


def spare_by_reason(data: CollectionState, spare: Iterable[Incoming]) -> dict[str, list[Incoming]]:
    """What is over, by the reason of the case that it is."""
    reasons: dict[str, list[Incoming]] = {}
    for one in spare:
        if data.kind == "unapplied":
            reason = "unapplied_money" if one.connection else "unknown_payer"
        elif data.withdrawn or data.total is None:
            reason = "withdrawn_with_money"
        elif one.amount.currency != data.currency:
            reason = "other_currency"
        else:
            reason = "overpaid" if one.applied else "paid_twice"
        reasons.setdefault(reason, []).append(one)
    return reasons


def refund_failed(refund: Refund) -> CaseOpening:
    """A refund came back to the PSP."""
    sentence = f"Refund {refund.refund_id} of {refund.amount} failed: the payer does not have the money."
    return CaseOpening("refund_failed", sentence, refund.amount)


def returned(scene: Scene, credit: Credit, back: Return) -> CaseOpening:
    """What had paid the item went back to its payer."""
    what = f"{back.amount} that had paid {scene.data.number} and was {credit.finality.on(back.returned_on)}"
    return CaseOpening("returned_payment", f"{what} went back: {back.reason or 'returned'}.", back.amount)


def disputed(scene: Scene, payment: Payment, dispute: Dispute) -> CaseOpening | None:
    """Where a dispute stands; None: nobody has to look at it any more."""
    what = f"{dispute.amount} of {scene.data.number or 'a payment'} ({dispute.reason or 'no reason given'})"
    what += f", {payment.finality.on(dispute.disputed_on)}"
    due = f" Evidence is due at {dispute.evidence_due_at}." if dispute.evidence_due_at else ""
    if not dispute.decided:
        reason = "chargeback" if dispute.opened else "inquiry"
        return CaseOpening(reason, f"The card holder disputes {what}.{due}", dispute.amount)
    if dispute.cost and scene.data.outstanding > 0:
        return CaseOpening("chargeback_lost", f"Lost: {what}. The invoice is open again.", dispute.amount)
    if dispute.lost and dispute.reinstated:
        return CaseOpening("chargeback_reversed", f"Lost, then given back: {what}.", dispute.amount)
    return None


def _booking(scene: Scene) -> Iterator[CaseOpening]:
    steps = scene.data.steps
    yield from booking_cases(steps, quiet="annotate-")
    if differing := [f"{name}: {end.otherwise}" for name, end in sorted(steps.ends.items()) if end.otherwise]:
        yield CaseOpening("booked_differently", f"The ERP has it otherwise than asked. {'; '.join(differing)}.")
    for payment in scene.data.incoming:
        settled = not isinstance(payment, Payment) or payment.charge_line
        if payment.applied and settled and not payment.registered and not (row := scene.posting(payment)).posts:
            yield CaseOpening("not_posted", f"The posting policy ({row.row}) keeps {payment.amount} out of the books.")
        if payment.connection and scene.provider(payment) is None:
            sentence = f"{scene.entity.id} has no account at {payment.connection}: nothing can be booked."
            yield CaseOpening("no_provider_account", sentence, payment.amount)
        if isinstance(payment, Payment) and _rate_unknown(scene, payment):
            sentence = f"{payment.amount} was settled in {scene.entity.currency}; the difference can't be worked out."
            yield CaseOpening("fx_unknown", sentence, payment.amount)


def _rate_unknown(scene: Scene, payment: Payment) -> bool:
    """Settled, registered, and yet the FX difference can't be booked: the ERP named no value, or only a part clears."""
    if payment.amount.currency == scene.entity.currency or not (payment.charge_line and payment.registered):
        return False
    line, whole = payment.charge_line, payment.applied == payment.amount.minor
    return erp_value(scene, payment) is None or not whole or line.gross.currency != scene.entity.currency


def _limits(scene: Scene) -> Iterator[CaseOpening]:
    data = scene.data
    if data.refused:
        yield CaseOpening("too_many_payments", f"{data.refused} payments above the limit of one item are not taken in.")
    if data.strangers:
        yield CaseOpening("unknown_charge", f"News came about {', '.join(data.strangers)}, unknown to this item.")
    if data.corrected:
        yield CaseOpening("fact_corrected", f"A fact of this item was corrected: {data.corrected}")


def _sum(some: list[Incoming]) -> Money:
    """What is over of payments in the currency of the first."""
    currency = some[0].amount.currency
    return Money(minor=sum(one.over for one in some if one.amount.currency == currency), currency=currency)
