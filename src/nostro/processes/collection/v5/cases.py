"""The third version's grounds, each of them: of one reason they are one case. Of money on its way back they say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nostro.model.money import Money
from nostro.processes.collection.v1.cases import (
    OVER,
    disputed,
    of_bookings,
    over,
    refund_failed,
    reopened,
    returned,
    spare_by_reason,
    what_is_over,
    withdrawn_with_money,
)
from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v2.decide import more as more_v2
from nostro.processes.collection.v2.decide import valued
from nostro.processes.collection.v3.decide import ADVISED, advised, loss
from nostro.processes.collection.v3.decide import more as more_v3
from nostro.processes.collection.v5.effects import wanted
from nostro.processes.collection.v5.state import CollectionStateV5
from nostro.processes.kit.decision import CaseOpening

_SHOWN = 20
"""Of more grounds of one reason not every one is named."""


def cases(scene: Scene) -> dict[str, CaseOpening]:
    """The open grounds, by reason."""
    return valued(scene, merged(grounds(scene)), wanted)


def merged(grounds: Iterable[CaseOpening]) -> dict[str, CaseOpening]:
    """One case a reason, with all that is to be said, and the sum of what it is about."""
    found: dict[str, list[CaseOpening]] = {}
    for case in grounds:
        found.setdefault(case.reason, []).append(case)
    return {reason: some[0] if len(some) == 1 else _one(some) for reason, some in found.items()}


def _one(some: Sequence[CaseOpening]) -> CaseOpening:
    more = f" So it is with {len(some) - _SHOWN} more." if len(some) > _SHOWN else ""
    candidates = dict.fromkeys(candidate for case in some for candidate in case.candidates)
    sentence = " ".join(case.sentence for case in some[-_SHOWN:]) + more
    return CaseOpening(some[0].reason, sentence, _sum([case.amount for case in some]), tuple(candidates))


def _sum(amounts: Sequence[Money | None]) -> Money | None:
    """None where one of them is not known, and of several currencies."""
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts) or len({amount.currency for amount in known}) != 1:
        return None
    return Money(minor=sum(amount.minor for amount in known), currency=known[0].currency)


def grounds(scene: Scene) -> Iterator[CaseOpening]:
    """All of them, one by one."""
    yield from _over(scene)
    yield from withdrawn_with_money(scene)
    yield from reopened(scene)
    yield from of_bookings(scene)
    yield from _gone(scene)
    yield from more_v2(scene)
    yield from more_v3(scene)


def _over(scene: Scene) -> Iterator[CaseOpening]:
    for case in over(scene):
        if case.reason in OVER:
            yield _on_its_way(scene, advised(scene, case) if case.reason in ADVISED else case)
        elif scene.data.movable:
            yield case


def _on_its_way(scene: Scene, case: CaseOpening) -> CaseOpening:
    """What is to be done with money that is over depends on whether somebody has asked already to give it back."""
    data, told = scene.data, case.amount
    assert isinstance(data, CollectionStateV5)
    there = spare_by_reason(data, data.spare).get(case.reason, [])
    back = [one for one in there if data.on_its_way_back(one)]
    if not back or told is None:
        return case
    minor = sum(one.over for one in back if one.amount.currency == told.currency)
    if minor == told.minor:
        return replace(case, sentence=f"{what_is_over(data, case.reason, told)} It is on its way back to the payer.")
    part = Money(minor=minor, currency=told.currency)
    return replace(case, sentence=f"{case.sentence} Of it {part} is on its way back to the payer.")


def _gone(scene: Scene) -> Iterator[CaseOpening]:
    """Each dispute and return; of a payment the newest refund that failed: it may have been asked for again."""
    data = scene.data
    for payment in data.payments:
        if failed := [refund for refund in payment.refunds if refund.failed]:
            yield refund_failed(failed[-1])
        for dispute in payment.disputes:
            case = disputed(scene, payment, dispute)
            if case is not None:
                yield loss(scene, case, [dispute.dispute_id]) if case.reason == "chargeback_lost" else case
    for credit in data.credits if data.outstanding > 0 else ():
        yield from (returned(scene, credit, back) for back in credit.returns if back.share.applied)
