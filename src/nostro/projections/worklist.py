"""What waits for a person: cases and commands; and where money stands in transit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from nostro.model.canonical import parse
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.projections.amounts import commanded
from nostro.projections.choices import Choice, amounts, choices, named
from nostro.store.database import Database, Row, Statements, Transaction

SQL = Statements("trace")
LIMIT = 1000
CHOICES = 20
"""So many candidates of a case are looked up; the rest are told by their ids."""


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case for a person; `closed_at` is None while nobody has closed it.

    `about` is its subject and `choices` are its candidates as they stand now; `at_stake` the money that it is about
    where its decision named no `amount`.
    """

    id: str
    process: str
    subject: str
    entity: str
    reason: str
    sentence: str
    amount: Money | None
    opened_at: datetime
    candidates: tuple[str, ...] = ()
    closed_at: datetime | None = None
    closed_by: str = ""
    about: Choice | None = None
    choices: tuple[Choice, ...] = ()
    at_stake: Money | None = None

    @property
    def money(self) -> Money | None:
        """The money that it is about."""
        return self.at_stake if self.amount is None else self.amount


@dataclass(frozen=True, slots=True)
class WaitingCommand:
    """A command that waits for a person: would be done (*observe*), is proposed, or was handed over.

    `intent` is the clear part of what is wanted.
    """

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
    intent: dict[str, object]
    amount: Money | None = None


async def open_cases(database: Database, entity: str = "", *, closed: bool = False) -> list[OpenCase]:
    """The oldest 1,000, of one entity or of all; `closed` ones too, if asked for, behind the open ones."""
    async with database.transaction() as tx:
        rows = await tx.rows(SQL.open_cases, entity=entity, closed=closed, limit=LIMIT)
        return await _filled(tx, [_case(row) for row in rows])


async def case(database: Database, case_id: str) -> OpenCase | None:
    """One case, open or closed."""
    async with database.transaction() as tx:
        rows = await tx.rows(SQL.case_by_id, id=case_id.upper())
        return next(iter(await _filled(tx, [_case(row) for row in rows])), None)


async def waiting_commands(
    database: Database, entity: str = "", subject: Subject | None = None
) -> list[WaitingCommand]:
    """The oldest 1,000, of one entity or of all; of one subject or of all."""
    place = {"process": subject.process, "subject": subject.id} if subject else {"process": "", "subject": ""}
    async with database.transaction() as tx:
        rows = await tx.rows(SQL.waiting_commands, entity=entity, limit=LIMIT, **place)
    return [_command(row) for row in rows]


async def balances(database: Database) -> dict[str, list[Money]]:
    """The transit ledger's accounts that aren't at zero. All balances of a currency sum to zero."""
    found: dict[str, list[Money]] = {}
    async with database.transaction() as tx:
        for row in await tx.rows(SQL.balances):
            found.setdefault(row.account, []).append(Money(minor=int(row.minor), currency=row.currency))
    return found


@dataclass(frozen=True, slots=True)
class Part:
    """What a subject moved onto an account of the transit ledger and not off it. `position`: its newest posting."""

    process: str
    subject: str
    amount: Money
    position: int


async def parts(database: Database, account: str) -> list[Part]:
    """What an account's balances consist of; the first 1,000."""
    async with database.transaction() as tx:
        rows = await tx.rows(SQL.transit_parts, account=account, limit=LIMIT)
    return [Part(r.process, r.subject, Money(minor=int(r.minor), currency=r.currency), r.position) for r in rows]


async def state_counts(database: Database) -> dict[str, dict[str, int]]:
    """How many subjects of each process stand in which state."""
    counts: dict[str, dict[str, int]] = {}
    async with database.transaction() as tx:
        for row in await tx.rows(SQL.state_counts):
            counts.setdefault(row.process, {})[row.state] = row.count
    return counts


async def _filled(tx: Transaction, found: Sequence[OpenCase]) -> list[OpenCase]:
    """With what their decisions could not know."""
    seen = await choices(tx, [name for one in found for name in (_ground(one)[0], *_candidates(one))])
    blank = [_ground(one) for one in found if one.amount is None and one.closed_at is None]
    money = await amounts(tx, blank)
    return [
        replace(
            one,
            about=seen.get(_ground(one)[0]),
            choices=tuple(seen[name] for name in _candidates(one) if name in seen),
            at_stake=money.get(_ground(one)),
        )
        for one in found
    ]


def _candidates(one: OpenCase) -> list[Subject]:
    return [named(text, one.process) for text in one.candidates[:CHOICES]]


def _ground(one: OpenCase) -> tuple[Subject, str]:
    return Subject(one.process, one.subject), one.reason


def _case(row: Row) -> OpenCase:
    amount = None if row.minor is None else Money(minor=row.minor, currency=row.currency)
    return OpenCase(
        *(row.id, row.process, row.subject, row.entity, row.reason, row.sentence, amount, row.opened_at),
        candidates=tuple(str(candidate) for candidate in orjson.loads(row.candidates)),
        closed_at=row.closed_at,
        closed_by=row.closed_by or "",
    )


def _command(row: Row) -> WaitingCommand:
    *told, body, _, _ = row
    return WaitingCommand(*told, intent=parse(body), amount=commanded(row))  # type: ignore[misc]  # as many as columns
