"""The item equation of one reading: items = read + duplicate + ignored + rejected, by count and by amount."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from nostro.connectors.kit.reading import HintItem, IgnoredItem, Item, ReadItem, RejectItem
from nostro.model.facts import ReceiptRead
from nostro.model.facts.house import RejectedItem, ToldDifferently
from nostro.model.money import plain

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

    def came(self, item: Item) -> None:
        """Counts an item as its reader gave it."""
        self.items += 1
        _sum(self.total, item)

    def add(self, number: int, item: Item, *, known: bool = False) -> None:
        """Counts an item. `known`: every fact in it was told before, by another receipt or earlier in this one."""
        match item:
            case ReadItem():
                self._count("duplicate" if known else "read", item)
                self.unknown_fields += item.unknown_fields
                self.entities.add(item.entity)
            case IgnoredItem():
                self._count("ignored", item)
                self.ignored_kinds[item.kind] += 1
            case HintItem():
                self._count("ignored", item)
                self.ignored_kinds[HINT] += 1
                self.hints.add(item.feed)
            case RejectItem():
                self._count("rejected", item)
                told = RejectedItem(item=number, where=item.where, why=item.why, amount=item.amount)
                self.rejects[LISTED - 1 :] = [told]

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
            amounts={
                fate: {currency: plain(total) for currency, total in sorted(totals.items())}
                for fate, totals in {"items": self.total, **self.amounts}.items()
                if totals
            },
            rejects=tuple(self.rejects),
            told_differently=tuple(self.differences),
            ignored_kinds=dict(self.ignored_kinds),
            unknown_fields=self.unknown_fields,
        )

    def _count(self, fate: Fate, item: Item) -> None:
        self.counts[fate] += 1
        _sum(self.amounts.setdefault(fate, {}), item)


def _sum(totals: dict[str, Decimal], item: Item) -> None:
    amount = None if isinstance(item, HintItem) else item.amount
    if amount is not None:
        totals[amount.currency] = totals.get(amount.currency, Decimal(0)) + amount.value


def admitted(item: Item, *, signed: bool, ignored: Collection[str], entities: Collection[str] | None) -> Item:
    """The item, or the reject that it is instead.

    An unsigned sender tells no facts, what is ignored is declared in the manifest, and a connection speaks only for
    entities that use it (None: for any).
    """
    match item:
        case ReadItem() if item.facts and not signed:
            return RejectItem("whole receipt", UNSIGNED, item.amount)
        case ReadItem() if entities is not None and item.entity not in entities:
            return RejectItem(f"entity {item.entity}", "The connection is not declared for this entity.", item.amount)
        case IgnoredItem() if item.kind not in ignored:
            return RejectItem(f"kind {item.kind}", "The manifest doesn't declare that this is ignored.", item.amount)
    return item
