"""What the second version knows more, and how it comes to know it."""

from __future__ import annotations

from nostro.model.facts import CommandSettled, Fact, InvoicePosted, PaymentRegistered
from nostro.model.payments import Payment
from nostro.processes.collection.v1.effects import plain_step
from nostro.processes.collection.v1.evolve import NOT_STANDING
from nostro.processes.collection.v1.evolve import evolve as evolve_v1
from nostro.processes.collection.v1.state import PAYMENTS_LIMIT, CollectionState, Registered
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but, same


class CollectionStateV2(CollectionState):
    """`twice`: payments that stand in the ERP beside the one that we know for the same charge."""

    twice: tuple[Registered, ...] = ()

    @property
    def booked(self) -> int:
        """What of `cleared` stands in the ERP by our doing, or was adopted there."""
        there = [one for one in self.incoming if one.amount.currency == self.currency]
        steps = {one.source: f"reconcile-{plain_step(one.source)}" for one in there}
        return sum(one.cleared for one in there if one.registered or self.steps.there(steps[one.source]))

    @property
    def given_up(self) -> int:
        """What had cleared the item and is more than it asks for since it was changed, less what was refunded of it."""
        if self.kind != "invoice" or self.withdrawn or self.total is None:
            return 0
        refunded = sum(r.share.applied for p in self.payments for r in p.refunds if r.live)
        return max(0, self.cleared - refunded - self.total.minor)


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact."""
    assert isinstance(data, CollectionStateV2)
    after = evolve_v1(data, fact)
    assert isinstance(after, CollectionStateV2)
    match fact.body:
        case InvoicePosted() as body:
            return _posted(data, after, body)
        case PaymentRegistered() as body if not data.item:
            return _registered(data, after, body)
        case CommandSettled():
            return _settled(data, after)
        case _:
            return after


def _posted(before: CollectionStateV2, after: CollectionStateV2, body: InvoicePosted) -> State:
    """What was matched there is not any more, be it that the item was drafted, changed and posted anew."""
    paid, (total, residual) = body.total.minor - body.residual.minor, (before.total, before.residual)
    fell = total is not None and residual is not None and paid < total.minor - residual.minor
    expected = after.cleared if fell or before.reopened else after.booked if before.withdrawn else 0
    return but(after, reopened=paid < min(expected, body.total.minor))


def _registered(before: CollectionStateV2, after: CollectionStateV2, body: PaymentRegistered) -> State:
    """The ERP's own provider may register a payment that we have registered already; a person cancels one of them."""
    ident = str(body.payment_id)
    rest = tuple(one for one in after.twice if one.payment != ident)
    if body.state in NOT_STANDING:
        return _cancelled(but(after, twice=rest), ident)
    payment = before.payment(body.provider_reference, body.provider_reference) if body.provider_reference else None
    if payment is None or not payment.registered.strip("0") or payment.registered == ident:
        return after
    told = Registered(payment=ident, **same(body, "provider_reference amount"))
    return but(after, twice=(*rest, told)[:PAYMENTS_LIMIT])


def _cancelled(data: CollectionStateV2, ident: str) -> State:
    """Where ours was cancelled, the other one stands for it."""
    payment = next((p for p in data.payments if p.registered == ident), None)
    other = next(
        (o for o in data.twice if payment and o.provider_reference in (payment.payment_id, payment.source)), None
    )
    return _with(data, payment, other) if payment and other else data


def _settled(before: CollectionStateV2, after: CollectionStateV2) -> State:
    """Our registration was under way when the ERP's own provider registered the same payment."""
    known = {payment.source: payment.registered for payment in before.payments}
    for payment in after.payments:
        was = known.get(payment.source, "")
        if was and was != payment.registered and payment.registered.strip("0"):
            told = Registered(
                payment=was, provider_reference=payment.payment_id or payment.source, amount=payment.amount
            )
            after = but(after, twice=(*after.twice, told)[:PAYMENTS_LIMIT])
    return after


def _with(data: CollectionStateV2, payment: Payment, other: Registered) -> State:
    stands = but(payment, registered=other.payment)
    payments = tuple(stands if one is payment else one for one in data.payments)
    return but(data, payments=payments, twice=tuple(one for one in data.twice if one is not other))
