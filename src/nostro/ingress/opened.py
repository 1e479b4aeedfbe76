"""A receipt while it is being read: its reader runs in a thread and is asked for so many items at a time.

So a statement of 1 GB takes no more memory than a small one, and the loop goes on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from nostro.connectors.kit.reading import Item, ReadItem, RejectItem, why
from nostro.ingress.tally import Tally
from nostro.model.facts import Fact
from nostro.model.failures import Endless, Failure, OutOfService
from nostro.model.ids import Subject
from nostro.store.database import Row
from nostro.store.receipts import Receipt

BULK_ENTRIES = 1000
"""A receipt with more items than this brings its facts on the bulk lane."""
LEAST_LIMIT = 1000
ITEMS_A_BYTE = 10
"""More items than these a byte are in no receipt, packed or not: a reader that finds more comes to no end."""
WHOLE = "whole receipt"
BEHIND = "What stands behind it was not read."


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """An item and its place in its receipt, from 1."""

    opened: Opened
    number: int
    item: Item

    @property
    def weight(self) -> int:
        """How many facts are in it."""
        return len(self.item.facts) if isinstance(self.item, ReadItem) else 0

    @property
    def entity(self) -> str:
        """Whose facts they are."""
        return self.item.entity if isinstance(self.item, ReadItem) else ""

    def facts(self) -> list[Fact]:
        """The item's facts with their envelope."""
        item, receipt = self.item, self.opened.receipt
        if not isinstance(item, ReadItem):
            return []
        return [
            Fact(
                body=body,
                entity=item.entity,
                origin=receipt.connection,
                actor=item.actor or receipt.connection,
                occurred_at=item.occurred_at,
                received_at=receipt.received_at,
                receipt=receipt.id,
                item=self.number,
                sender_order=item.sender_order,
                on_behalf_of=item.on_behalf_of,
                reason=item.reason,
            )
            for body in item.facts
        ]

    def addressed_to(self) -> Subject | None:
        """The subject, for facts that no process owns."""
        address = self.item.addressed_to if isinstance(self.item, ReadItem) else None
        return None if address is None else Subject(*address)


@dataclass(slots=True, eq=False)
class Opened:
    """`claim` is the row of `reading`. `admit` turns an item that may not be taken as it is into a reject.

    `entity`: whose receipt it is, as far as its connection serves only one.

    `told` holds the start of each key that this reading has told, at about 60 bytes each: told a second time in the
    same receipt, it is a duplicate; told by an earlier reading of the receipt that was cut off, it isn't.
    `interruptions`: why the bytes couldn't be fetched, which is no fault of theirs.
    """

    claim: Row
    receipt: Receipt
    entity: str
    items: Iterator[Item]
    admit: Callable[[Item], Item]
    tally: Tally = field(default_factory=Tally)
    waiting: dict[int, Piece] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    interruptions: list[OutOfService] = field(default_factory=list)
    read: int = 0
    exhausted: bool = False

    @property
    def key(self) -> tuple[int, bytes, int]:
        """The row's primary key."""
        return self.claim.shard, self.claim.receipt, self.claim.number

    @property
    def ended(self) -> bool:
        """Whether every item is routed."""
        return self.exhausted and not self.waiting

    @property
    def bulk(self) -> bool:
        """Whether its facts travel on the bulk lane: known from the first look, for ever the same for a receipt."""
        return self.read > BULK_ENTRIES

    def about(self) -> str:
        """The entity that its facts concern, where it is one."""
        told = self.tally.entities
        return next(iter(told)) if len(told) == 1 else self.entity

    def settle(self, piece: Piece, *, known: bool = False) -> None:
        """Counts a piece that is routed, or rejected for good."""
        del self.waiting[piece.number]
        self.tally.add(piece.number, piece.item, known=known)

    async def look(self, wanted: int) -> list[Piece]:
        """The next pieces with about `wanted` facts, at most as many pieces; they stay until they are routed.

        Raises `OutOfService` when the bytes couldn't be fetched: then the receipt is read from its beginning later.
        """
        ahead = max(wanted, BULK_ENTRIES + 1 if not self.read else 0)
        if not self.exhausted and len(self.waiting) < ahead:
            asked = ahead - len(self.waiting)
            items = await asyncio.to_thread(self._pull, asked)
            self.exhausted = len(items) < asked or self.exhausted
            for item in items:
                self.read += 1
                self.tally.came(item)
                self.waiting[self.read] = Piece(self, self.read, self.admit(item))
        return self._first(wanted)

    def _first(self, wanted: int) -> list[Piece]:
        chosen, weight = list[Piece](), 0
        for piece in islice(self.waiting.values(), wanted):
            if weight >= wanted:
                break
            chosen.append(piece)
            weight += piece.weight
        return chosen

    def _pull(self, wanted: int) -> list[Item]:
        pulled: list[Item] = []
        try:
            for item in islice(self.items, wanted):
                self._bound(self.read + len(pulled))
                pulled.append(item)
        except Exception as error:  # noqa: BLE001 - whatever a reader throws rejects its receipt and stops nothing else
            self.exhausted = True
            before = self.read + len(pulled)
            where, rest = (f"after item {before}", f" {BEHIND}") if before else (WHOLE, "")
            pulled.append(RejectItem(where, why_thrown(error) + rest))
        if self.interruptions:
            raise self.interruptions[0]
        return pulled

    def _bound(self, items: int) -> None:
        if items >= max(LEAST_LIMIT, ITEMS_A_BYTE * self.receipt.size):
            raise Endless(f"Its reader finds ever more items in it: {items} so far.")


def why_thrown(error: Exception) -> str:
    """What a person is told. Only our own sentences are quoted: others may quote the receipt."""
    return error.sentence if isinstance(error, Failure) else why(error)
