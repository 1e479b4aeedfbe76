"""Deadlines: what has passed arrives as a fact at its subject.

Many that fall due at once take places on their lane as if they came one after the other: what comes in meanwhile is
decided in between, and not behind all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from nostro.engine.tenure import Tenure
from nostro.model.canonical import canonical, instant_text
from nostro.model.clock import Now
from nostro.model.facts import DeadlineFellDue, Fact
from nostro.model.ids import Subject
from nostro.store.arrivals import Arrival, Blob, arrival_for, put
from nostro.store.database import Database, Row, Statements

SQL = Statements("engine")
BATCH = 1000
APART = timedelta(microseconds=600)


@dataclass(slots=True)
class Deadlines:
    """The `step(now)` that lets deadlines fall due on the held shards, on business time."""

    database: Database
    tenure: Tenure
    _next: dict[int, datetime] = field(default_factory=dict)

    async def step(self, now: Now) -> int:
        """How many fell due; at most 1,000 a step."""
        shards = self.tenure.held(now)
        if not shards:
            return 0
        async with self.database.transaction() as tx:
            rows = await tx.rows(SQL.fall_due, shards=shards, now=now.business, limit=BATCH)
            return await put(tx, [_arrival(row, now, self._place(row.lane, now)) for row in rows])

    def _place(self, lane: int, now: Now) -> datetime:
        """The next place on a lane."""
        place = max(now.business, self._next.get(lane, now.business))
        self._next[lane] = place + APART
        return place


def _arrival(row: Row, now: Now, at: datetime) -> Arrival:
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
    return arrival_for(fact, Blob(canonical(body)), subject, row.lane, at)
