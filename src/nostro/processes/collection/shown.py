"""What a clerk sees of a collection in a list: what is open of it, and what money a case without amount is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nostro.model.facts import CollectionPaidOut, CollectionReturned, DisputeReported, RefundReported
from nostro.model.money import Money
from nostro.processes.collection.v1.state import CollectionState

NEWS = tuple(kind.fact_type for kind in (CollectionPaidOut, CollectionReturned, DisputeReported, RefundReported))
"""What may be told of money that an item doesn't hold."""
_OF = ("charge_id", "payment_id", "original_movement")


def open_of(data: CollectionState) -> Money | None:
    """What is still to be paid of an item; of money without one, what is over."""
    if data.kind == "unapplied":
        return _sum(_over(data))
    return Money(minor=data.outstanding, currency=data.currency) if data.total else None


def at_stake(data: CollectionState, reason: str, news: Iterable[Mapping[str, Any]] = ()) -> Money | None:
    """The money that a case is about whose decision named none; None where it is of several currencies.

    `news`: bodies of facts of the types `NEWS`, for `unknown_charge`.
    """
    if reason == "unknown_charge":
        told = {amount for body in news if (amount := _told_of(data.strangers, body))}
        return told.pop() if len(told) == 1 else None
    return _sum(_MONEY[reason](data)) if reason in _MONEY else None


def _held(data: CollectionState) -> Iterator[Money]:
    for one in data.payments:
        yield Money(minor=one.held, currency=one.amount.currency)


def _without_note(data: CollectionState) -> Iterator[Money]:
    back = sum(refund.share.applied for one in data.payments for refund in one.refunds if refund.live)
    yield Money(minor=back - sum(note.amount.minor for note in data.credit_notes), currency=data.currency)


def _disputed(data: CollectionState) -> Iterator[Money]:
    for one in data.payments:
        yield from (dispute.amount for dispute in one.disputes if not dispute.decided)


def _over(data: CollectionState) -> Iterator[Money]:
    for one in data.spare:
        yield Money(minor=one.over, currency=one.amount.currency)


_MONEY = {
    "not_paid_out": _held,
    "refund_without_credit_note": _without_note,
    "evidence_overdue": _disputed,
    "unapplied_aged": _over,
}


def _told_of(strangers: Iterable[str], body: Mapping[str, Any]) -> Money | None:
    """The same money may be told as a refund and as the line that settles it: without a sign they are one amount."""
    if not {body.get(name) for name in _OF}.intersection(strangers):
        return None
    money = Money.model_validate(body.get("amount") or body["gross"])
    return Money(minor=abs(money.minor), currency=money.currency)


def _sum(some: Iterable[Money]) -> Money | None:
    found = [money for money in some if money]
    if len({money.currency for money in found}) != 1:
        return None
    return Money(minor=sum(money.minor for money in found), currency=found[0].currency)
