"""`nostro trace`.

The whole story behind any reference, in order, with who said what, what was decided and under which rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nostro.model.canonical import parse
from nostro.model.facts import CommandSettled
from nostro.model.ids import Subject
from nostro.model.outcomes import OutcomeKind
from nostro.model.references import NORMALISE, Reference
from nostro.projections.calls import Called, calls_of
from nostro.store.database import Database, Row, Statements, Transaction
from nostro.store.keys import Keys
from nostro.store.receipts import event_receipt

SQL = Statements("trace")
SUBJECTS = 20
FACTS = 2000
_CORRELATION = re.compile(r"NOS[A-Z2-7]{16}")
PERSONAL = ("iban", "email", "partner")
"""What names a person: it leads to what is sealed under the person's keys, until they are destroyed."""


@dataclass(frozen=True, slots=True)
class Told:
    """A fact in the story.

    `says` is its clear body; `sealed`: it has confidential fields, which a trace never shows.
    """

    at: datetime
    shard: int
    position: int
    subject: str
    entity: str
    type: str
    says: dict[str, object]
    sealed: bool
    origin: str
    receipt: str
    item: int
    before: str
    after: str
    rule: str
    bundle: str
    actor: str
    on_behalf_of: str
    reason: str


@dataclass(frozen=True, slots=True)
class Wished:
    """A command in the story, and how it ended (or where it waits). `position`: of the fact that asked for it."""

    at: datetime
    key: str
    correlation: str
    connection: str
    operation: str
    outcome: str
    ids: dict[str, object]
    note: str
    closed_at: datetime | None
    shard: int
    position: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A case in the story. `position`: of the fact that opened it."""

    at: datetime
    id: str
    reason: str
    sentence: str
    closed_at: datetime | None
    closed_by: str
    shard: int
    position: int


@dataclass(frozen=True, slots=True)
class Story:
    """Everything known about a reference, the oldest first. Times are UTC. `cut_off`: there is more than is told."""

    subjects: tuple[str, ...]
    facts: tuple[Told, ...]
    commands: tuple[Wished, ...]
    cases: tuple[Asked, ...]
    calls: tuple[Called, ...] = ()
    cut_off: bool = False


async def trace(database: Database, keys: Keys, text: str, scopes: Sequence[str]) -> Story:
    """The story of whatever `text` names.

    An invoice number, an end-to-end, PSP, event, correlation, case or receipt id, an IBAN.

    `scopes` are the entities, connections and bank accounts within which references are unique.
    """
    async with database.transaction() as tx:
        subjects = await subjects_named(tx, keys, text.strip(), scopes)
        if not subjects:
            return Story((), (), (), ())
        facts = await _facts(tx, subjects)
        commands = [row for s in subjects for row in await tx.rows(SQL.commands_of, **_place(s))]
        cases = [row for s in subjects for row in await tx.rows(SQL.cases_of, **_place(s))]
        calls = await calls_of(tx, commands, _handed_over(facts))
    return Story(
        tuple(str(subject) for subject in subjects),
        tuple(_told(row) for row in facts),
        tuple(_wished(row) for row in commands),
        tuple(_asked(row) for row in cases),
        tuple(calls),
        cut_off=len(subjects) == SUBJECTS or len(facts) == FACTS,
    )


async def subjects_named(tx: Transaction, keys: Keys, text: str, scopes: Sequence[str]) -> list[Subject]:
    """The subjects that a text leads to, at most 20; `process/subject` names one itself."""
    asked = sorted({(*keys.reference(reference), reference.kind) for reference in _readings(text, scopes)})
    rows = await tx.rows(
        SQL.subjects_by_reference,
        shards=[shard for shard, _, _ in asked],
        kinds=[kind for _, _, kind in asked],
        digests=[digest for _, digest, _ in asked],
        limit=SUBJECTS,
    )
    parties = [keys.index(kind, Reference.to(kind, text).indexed) for kind in PERSONAL]
    rows += await tx.rows(SQL.subjects_by_party, parties=parties, limit=SUBJECTS)
    named = text.upper()
    rows += await tx.rows(SQL.subjects_by_case, text=named)
    if _CORRELATION.fullmatch(named):
        rows += await tx.rows(SQL.subjects_by_correlation, text=named)
    rows += await tx.rows(SQL.subjects_by_id, text=text, limit=SUBJECTS)
    events = [event_receipt(scope, text) for scope in scopes]
    rows += await tx.rows(SQL.subjects_by_receipt, receipts=events, limit=SUBJECTS)
    return sorted({Subject(row.process, row.subject) for row in rows})[:SUBJECTS]


def _readings(text: str, scopes: Sequence[str]) -> Iterable[Reference]:
    """The text as a reference of every kind, in every scope."""
    return (Reference.to(kind, text, scope) for kind in NORMALISE for scope in ("", *scopes))


async def _facts(tx: Transaction, subjects: Sequence[Subject]) -> list[Row]:
    own = await tx.rows(
        SQL.facts_of_subjects,
        shards=[s.shard for s in subjects],
        processes=[s.process for s in subjects],
        subjects=[s.id for s in subjects],
        limit=FACTS,
    )
    return await tx.rows(
        SQL.facts_around, shards=[row.shard for row in own], positions=[row.position for row in own], limit=FACTS
    )


def _place(subject: Subject) -> dict[str, object]:
    return {"shard": subject.shard, "process": subject.process, "subject": subject.id}


def _told(row: Row) -> Told:
    return Told(
        at=row.decided_at,
        shard=row.shard,
        position=row.position,
        subject=f"{row.process}/{row.subject}",
        entity=row.entity,
        type=row.type,
        says=parse(row.body),
        sealed=row.sealed,
        origin=row.origin,
        receipt=row.receipt or "",
        item=row.item,
        before=row.state_before,
        after=row.state_after,
        rule=row.rule,
        bundle=row.bundle,
        actor=row.actor,
        on_behalf_of=row.on_behalf_of,
        reason=row.reason,
    )


def _handed_over(facts: Sequence[Row]) -> set[str]:
    """Keys of commands of which nobody could say whether they were done."""
    ends: list[Any] = [parse(row.body) for row in facts if row.type == CommandSettled.fact_type]
    return {end["key"] for end in ends if end["outcome"]["kind"] == OutcomeKind.HANDED_OVER}


def _asked(row: Row) -> Asked:
    told = (row.opened_at, row.id, row.reason, row.sentence, row.closed_at, row.closed_by or "")
    return Asked(*told, row.shard, row.position)


def _wished(row: Row) -> Wished:
    return Wished(
        at=row.since,
        key=row.key_text,
        correlation=row.correlation,
        connection=row.connection,
        operation=row.operation,
        outcome=row.outcome,
        ids=parse(row.ids) if row.ids else {},
        note=row.note,
        closed_at=row.closed_at,
        shard=row.shard,
        position=row.position,
    )
