"""What Nostro did in the two days, read from its own database; and how it stands against the outside's books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nostro.ledger.accounts import STANDING, TRANSIT, kind_of
from nostro.model.canonical import parse
from nostro.model.money import Money
from nostro.projections.worklist import OpenCase, balances, open_cases, state_counts, waiting_commands
from nostro.store.database import Database, Statements

SQL = Statements("demo")
KEYED = frozenset(
    {"register_customer_payment", "book_statement_line", "book_journal_entry", "refund_payment", "annotate_payment"}
)
"""What leaves our key in the other side's books. Matching and unmatching leave none: they are seen by their result."""


@dataclass(frozen=True, slots=True)
class CameIn:
    """What a connection brought in one way: `webhook`, `file` or `poll`."""

    connection: str
    way: str
    receipts: int


@dataclass(frozen=True, slots=True)
class ReceiptItems:
    """What became of the items in all receipts: items = read + duplicate + ignored + rejected."""

    items: int = 0
    read: int = 0
    duplicate: int = 0
    ignored: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that the page tells of Nostro, as of a moment of business time."""

    as_of: datetime
    came_in: tuple[CameIn, ...]
    items: ReceiptItems
    states: Mapping[str, Mapping[str, int]]
    operations: Mapping[str, Mapping[str, int]]
    balances: Mapping[str, list[Money]]
    cases: tuple[OpenCase, ...]
    waiting: int
    effects_asked: int
    effects_done: int

    def age(self, case: OpenCase) -> timedelta:
        """How long a case is open."""
        return self.as_of - case.opened_at

    @property
    def in_transit(self) -> dict[str, list[Money]]:
        """Accounts on which money rests between systems."""
        return {name: told for name, told in self.balances.items() if kind_of(name) in {*TRANSIT, STANDING}}


async def summarise(database: Database, outside: Mapping[str, Any], as_of: datetime) -> Summary:
    """Gather it. `outside`: the books of the sandbox's systems by path."""
    async with database.transaction() as tx:
        came_in = [CameIn(row.connection, row.way, row.receipts) for row in await tx.rows(SQL.came_in)]
        readings = [parse(row.body) for row in await tx.rows(SQL.readings)]
        operations: dict[str, dict[str, int]] = {}
        for row in await tx.rows(SQL.asked):
            operations.setdefault(row.operation, {})[row.outcome] = row.commands
        left = {row.correlation: row.operation for row in await tx.rows(SQL.left)}
    keyed = {correlation for correlation, operation in left.items() if operation in KEYED}
    return Summary(
        as_of=as_of,
        came_in=tuple(came_in),
        items=ReceiptItems(*(sum(int(str(told[name])) for told in readings) for name in ReceiptItems.__slots__)),
        states=await state_counts(database),
        operations=operations,
        balances=await balances(database),
        cases=tuple(await open_cases(database)),
        waiting=len(await waiting_commands(database)),
        effects_asked=len(keyed),
        effects_done=sum(1 for key in keys_in(outside) if key in keyed),
    )


def keys_in(outside: Mapping[str, Any]) -> Iterator[str]:
    """Our key on each effect that stands in the outside's books, as often as it stands there."""
    return (key for key, _ in effects_in(outside))


def effects_in(outside: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The same, each with the id that the effect has there."""
    for books in outside.values():
        if books["kind"] == "odoo":
            own = [move for move in books["moves"] if not (move["origin_payment_id"] or move["statement_line_id"])]
            named = [(books["payments"], "memo"), (books["statement_lines"], "ref"), (own, "ref")]
            there = ((row, row[field]) for rows, field in named for row in rows if row[field])
            yield from ((str(text).split()[-1], str(row["id"])) for row, text in there)
        elif books["kind"] == "psp":
            things = (*books["payment_intents"], *books["refunds"])
            ours = (thing for thing in things if "nostro_key" in thing["metadata"])
            yield from ((thing["metadata"]["nostro_key"], thing["id"]) for thing in ours)
