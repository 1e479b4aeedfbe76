"""The item equation of one reading: items = read + duplicate + ignored + rejected, by count and by amount.

An item comes with the amount that its sender tells (its facts', where he tells none apart from them), and is accounted
for with what its facts say: two ways to one figure, per currency and direction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from nostro.connectors.kit.reading import HintItem, IgnoredItem, Item, ReadItem, RejectItem
from nostro.model.facts import ReceiptRead
from nostro.model.facts.house import RejectedItem, ToldDifferently
from nostro.model.money import Amount, plain

LISTED = 1000
"""So many rejects (the first ones, and the last) and differences are listed one by one; the counts hold them all."""
HINT = "hint"
UNSIGNED = "The sender doesn't sign: what it says may trigger a read, and is no fact."
Fate = Literal["read", "duplicate", "ignored", "rejected"]


@dataclass(slots=True)
class Tally:
    """What came in with a receipt so far, and what became of it: counted apart, so that the equation says something."""

    items: int = 0
    total: dict[str, Decimal] = field(default_factory=dict)
    counts: Counter[Fate] = field(default_factory=Counter)
    amounts: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    rejects: list[RejectedItem] = field(default_factory=list)
    differences: list[ToldDifferently] = field(default_factory=list)
    ignored_kinds: Counter[str] = field(default_factory=Counter)
    unknown_fields: int = 0
    hints: set[str] = field(default_factory=set)
    entities: set[str] = field(default_factory=set)
    _came: dict[int, tuple[Amount, ...]] = field(default_factory=dict)

    def came(self, item: Item) -> None:
        """Counts an item as its reader gave it."""
        self.items += 1
        self._came[self.items] = told = _told(item)
        _sum(self.total, told)

    def add(self, number: int, item: Item, *, known: bool = False) -> None:
        """Counts what became of the item of that number. `known`: every fact in it was told before, by another receipt
        or earlier in this one.
        """
        told = self._came.pop(number)
        match item:
            case ReadItem():
                self._count("duplicate" if known else "read", item.worth)
                self.unknown_fields += item.unknown_fields
                self.entities.add(item.entity)
            case IgnoredItem():
                self._count("ignored", told)
                self.ignored_kinds[item.kind] += 1
            case HintItem():
                self._count("ignored", told)
                self.ignored_kinds[HINT] += 1
                self.hints.add(item.feed)
            case RejectItem():
                self._count("rejected", told)
                amount = told[0] if len(told) == 1 else None
                reject = RejectedItem(item=number, where=item.where, why=item.why, amount=amount)
                self.rejects[LISTED - 1 :] = [reject]

    def differs(self, difference: ToldDifferently) -> None:
        """Notes an item that was told before with another content. It is counted by `add`."""
        if len(self.differences) < LISTED:
            self.differences.append(difference)

    def fact(self, receipt: bytes, digest: bytes, connection: str, reading: int) -> ReceiptRead:
        """The equation as the fact that ends a reading."""
        return ReceiptRead(
            receipt=receipt.hex(),
            digest=digest.hex(),
            connection=connection,
            reading=reading,
            items=self.items,
            read=self.counts["read"],
            duplicate=self.counts["duplicate"],
            ignored=self.counts["ignored"],
            rejected=self.counts["rejected"],
            amounts=self.told(),
            rejects=tuple(self.rejects),
            told_differently=tuple(self.differences),
            ignored_kinds=dict(self.ignored_kinds),
            unknown_fields=self.unknown_fields,
        )

    def told(self) -> dict[str, dict[str, str]]:
        """The equation by amount: what came in (`items`), then each fate, by currency and direction."""
        return {
            fate: {side: plain(total) for side, total in sorted(totals.items())}
            for fate, totals in {"items": self.total, **self.amounts}.items()
            if totals
        }

    def _count(self, fate: Fate, told: Iterable[Amount]) -> None:
        self.counts[fate] += 1
        _sum(self.amounts.setdefault(fate, {}), told)


def _told(item: Item) -> tuple[Amount, ...]:
    """What an item is worth by its sender's word."""
    if isinstance(item, HintItem):
        return ()
    if item.amount is None:
        return item.worth if isinstance(item, ReadItem) else ()
    return (item.amount,)


def _sum(totals: dict[str, Decimal], told: Iterable[Amount]) -> None:
    """Adds up by currency and direction, so that two errors of opposite signs don't hide each other."""
    for amount in told:
        side = f"{amount.currency} {'debit' if amount.value < 0 else 'credit'}"
        totals[side] = totals.get(side, Decimal(0)) + abs(amount.value)


def admitted(item: Item, *, signed: bool, ignored: Collection[str], entities: Collection[str] | None) -> Item:
    """The item, or the reject that it is instead.

    An unsigned sender tells no facts, what is ignored is declared in the manifest, and a connection speaks only for
    entities that use it (None: for any).
    """
    match item:
        case ReadItem() if item.facts and not signed:
            return RejectItem("whole receipt", UNSIGNED)
        case ReadItem() if entities is not None and item.entity not in entities:
            return RejectItem(f"entity {item.entity}", "The connection is not declared for this entity.")
        case IgnoredItem() if item.kind not in ignored:
            return RejectItem(f"kind {item.kind}", "The manifest doesn't declare that this is ignored.")
    return item
