"""The fifth version's grounds; of refunds of one payment that failed each is told that was not tried again since."""

from __future__ import annotations

from collections.abc import Iterator

from nostro.model.money import Money
from nostro.model.payments import Payment, Refund
from nostro.processes.collection.v1.cases import refund_failed
from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v2.decide import valued
from nostro.processes.collection.v5.cases import grounds as grounds_v5
from nostro.processes.collection.v5.cases import merged
from nostro.processes.collection.v6.effects import wanted
from nostro.processes.collection.v6.state import CollectionStateV6
from nostro.processes.kit.decision import CaseOpening

_FAILED, _TWICE = "refund_failed", "went_back_twice"


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    return valued(scene, merged(_grounds(scene)), wanted)


def _grounds(scene: Scene) -> Iterator[CaseOpening]:
    data = scene.data
    assert isinstance(data, CollectionStateV6)
    yield from (case for case in grounds_v5(scene) if case.reason not in (_FAILED, _TWICE))
    for payment in data.payments:
        yield from map(refund_failed, _failed(data, payment))
        if payment.over < 0:
            yield _twice(payment)


def _twice(payment: Payment) -> CaseOpening:
    lost = Money(minor=-payment.over, currency=payment.amount.currency)
    if any(refund.live for refund in payment.refunds) or not any(refund.failed for refund in payment.refunds):
        what = f"{lost} more went back of {payment.source} than it had brought: refunded, and lost to a dispute."
        return CaseOpening(_TWICE, f"{what} Book it.", lost)
    what = f"{lost} of {payment.source} was lost to a dispute and is not booked: a refund of it has failed since."
    return CaseOpening(_TWICE, f"{what} Open the invoice again by as much.", lost)


def _failed(data: CollectionStateV6, payment: Payment) -> list[Refund]:
    """The newest; and of those before it what a payer can lack besides, and what was not asked for again since."""
    failed = [refund for refund in payment.refunds if refund.failed]
    ours = [refund for refund in failed if refund.refund_id in data.made(payment.source)]
    left = payment.amount.minor - sum(refund.amount.minor for refund in payment.refunds if refund.live)
    told: list[Refund] = []
    for refund in reversed(failed):
        if told and (refund.amount.minor > left or refund in ours[:-1]):
            continue
        left -= refund.amount.minor
        told.insert(0, refund)
    return told
