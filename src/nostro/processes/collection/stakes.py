"""What is at stake when a person acts upon a collection, whatever its version: he sees it, and his rights bear it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from nostro.model.facts import CollectionPaidOut
from nostro.model.facts.house import Target
from nostro.model.money import Money
from nostro.model.payments import Incoming, Payment
from nostro.processes.collection.v1.effects import plain_step
from nostro.processes.collection.v1.evolve import disposable
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.collection.v3.evolve import came_back
from nostro.processes.collection.v3.state import CollectionStateV3
from nostro.processes.kit.decision import State


def moves(data: State, target: Target) -> Sequence[Money]:
    """What is over and can go where a person says, or what was told of money that never came in here."""
    assert isinstance(data, CollectionState)
    if data.strangers and not data.incoming:
        return _by_currency(_told(data).values())
    free: list[Incoming] = disposable(data, target)
    if target.kind == "refund" and isinstance(data, CollectionStateV3):
        free += came_back(data)
    return _by_currency(Money(minor=one.over, currency=one.amount.currency) for one in free)


def worth(data: State, step: str) -> Money | None:
    """What a match in the ERP is about: what the credit pays of the item, or the refund takes back of it."""
    assert isinstance(data, CollectionState)
    return next((amount for name, amount in _matched(data) if name == step), None)


def _matched(data: CollectionState) -> Iterator[tuple[str, Money]]:
    for one in data.incoming:
        currency = one.amount.currency
        yield f"reconcile-{plain_step(one.source)}", Money(minor=one.applied, currency=currency)
        for refund in one.refunds if isinstance(one, Payment) else ():
            yield f"match-{refund.refund_id}", Money(minor=refund.share.applied, currency=currency)


def _told(data: CollectionState) -> dict[str, Money]:
    """A dispute or refund that was told of several times is one."""
    named = [(getattr(one, "dispute_id", "") or getattr(one, "refund_id", ""), one) for one in data.news]
    return {
        name or one.natural_key(): one.gross if isinstance(one, CollectionPaidOut) else one.amount
        for name, one in named
    }


def _by_currency(amounts: Iterable[Money]) -> Sequence[Money]:
    sums: dict[str, int] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, 0) + abs(amount.minor)
    return tuple(Money(minor=minor, currency=currency) for currency, minor in sums.items())
