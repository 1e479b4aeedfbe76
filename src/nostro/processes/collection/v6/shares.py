"""Whence the money of a payment went back, seen anew once other money that had gone back came back."""

from __future__ import annotations

from nostro.model.payments import Dispute, Payment, Refund, Share
from nostro.processes.collection.v6.state import CollectionStateV6
from nostro.processes.kit.following import but


def seen_anew(data: CollectionStateV6) -> CollectionStateV6:
    """What found nothing left when it was told takes what is there by now.

    What has taken some of what was applied stays as it is: that much of it may be booked.
    """
    payments = tuple(_undecided(_short(payment)) if payment.disputes else payment for payment in data.payments)
    return data if payments == data.payments else but(data, payments=payments)


def _undecided(payment: Payment) -> Payment:
    """A dispute that would have to be paid by another item, since all was refunded that it takes."""
    for one in payment.disputes:
        if one.live and not one.lost and one.share.moved and not one.share.applied:
            others = but(payment, disputes=tuple(other for other in payment.disputes if other is not one))
            payment = _with(payment, one, others.take_back(one.amount.minor))
    return payment


def _short(payment: Payment) -> Payment:
    """A refund or lost dispute that took more than there was over."""
    back: list[Refund | Dispute] = [dispute for dispute in payment.disputes if dispute.cost]
    back += [refund for refund in payment.refunds if refund.live]
    for one in back:
        room = payment.applied - sum(share.applied for share in payment.shares)
        minor = 0 if one.share.applied else min(-payment.over, room, one.share.over)
        if minor > 0:
            payment = _with(payment, one, Share(over=one.share.over - minor, applied=minor, moved=one.share.moved))
    return payment


def _with(payment: Payment, one: Refund | Dispute, share: Share) -> Payment:
    new = but(one, share=share)
    if isinstance(one, Refund):
        return but(payment, refunds=tuple(new if other is one else other for other in payment.refunds))
    return but(payment, disputes=tuple(new if other is one else other for other in payment.disputes))
