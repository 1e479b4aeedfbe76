"""Deadlines: what has passed arrives as a fact at its subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from nostro.engine.tenure import Tenure
from nostro.model.canonical import canonical, instant_text
from nostro.model.clock import Now
from nostro.model.facts import DeadlineFellDue, Fact
from nostro.model.ids import Subject
from nostro.store.arrivals import Arrival, Blob, arrival_for, put
from nostro.store.database import Database, Row, Statements

SQL = Statements("engine")
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The `step(now)` that lets deadlines fall due on the held shards, on business time."""

    database: Database
    tenure: Tenure

    async def step(self, now: Now) -> int:
        """How many fell due; at most 1,000 a step."""
        shards = self.tenure.held(now)
        if not shards:
            return 0
        async with self.database.transaction() as tx:
            rows = await tx.rows(SQL.fall_due, shards=shards, now=now.business, limit=BATCH)
            return await put(tx, [_arrival(row, now) for row in rows])


def _arrival(row: Row, now: Now) -> Arrival:
    subject = Subject(row.process, row.subject)
    due_at = instant_text(row.due_at.astimezone(UTC))
    body = DeadlineFellDue(name=row.name, subject=str(subject), due_at=due_at, revision=row.revision)
    fact = Fact(
        body=body,
        entity=row.entity,
        origin="engine",
        actor="engine",
        occurred_at=row.due_at.astimezone(UTC),
        received_at=now.business,
    )
    return arrival_for(fact, Blob(canonical(body)), subject, row.lane, now.business)
