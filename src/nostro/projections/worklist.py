"""What waits for a person: cases and commands; and where money stands in transit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nostro.model.money import Money
from nostro.store.database import Database, Row, Statements

SQL = Statements("trace")
LIMIT = 1000


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case that nobody has closed."""

    id: str
    process: str
    subject: str
    entity: str
    reason: str
    sentence: str
    amount: Money | None
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingCommand:
    """A command that waits for a person: would be done (*observe*), is proposed, or was handed over."""

    key: str
    correlation: str
    entity: str
    connection: str
    operation: str
    status: str
    note: str
    since: datetime
    process: str
    subject: str


async def open_cases(database: Database, entity: str = "") -> list[OpenCase]:
    """The oldest 1,000, of one entity or of all."""
    async with database.transaction() as tx:
        return [_case(row) for row in await tx.rows(SQL.open_cases, entity=entity, limit=LIMIT)]


async def waiting_commands(database: Database, entity: str = "") -> list[WaitingCommand]:
    """The oldest 1,000, of one entity or of all."""
    async with database.transaction() as tx:
        return [WaitingCommand(*row) for row in await tx.rows(SQL.waiting_commands, entity=entity, limit=LIMIT)]


async def balances(database: Database) -> dict[str, list[Money]]:
    """The transit ledger's accounts that aren't at zero. All balances of a currency sum to zero."""
    found: dict[str, list[Money]] = {}
    async with database.transaction() as tx:
        for row in await tx.rows(SQL.balances):
            found.setdefault(row.account, []).append(Money(minor=int(row.minor), currency=row.currency))
    return found


async def state_counts(database: Database) -> dict[str, dict[str, int]]:
    """How many subjects of each process stand in which state."""
    counts: dict[str, dict[str, int]] = {}
    async with database.transaction() as tx:
        for row in await tx.rows(SQL.state_counts):
            counts.setdefault(row.process, {})[row.state] = row.count
    return counts


def _case(row: Row) -> OpenCase:
    amount = None if row.minor is None else Money(minor=row.minor, currency=row.currency)
    return OpenCase(row.id, row.process, row.subject, row.entity, row.reason, row.sentence, amount, row.opened_at)
