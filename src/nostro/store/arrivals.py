"""Arrivals: facts on their way to the shard that decides them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from nostro.model.facts import Fact
from nostro.model.ids import Subject, short_digest
from nostro.model.unchanging import unchanging
from nostro.store.database import Statements, Transaction

SQL = Statements("routing")
LANES = ("critical", "standard", "bulk")


def lane_number(lane: str) -> int:
    """0 for critical, 1 for standard, 2 for bulk."""
    return LANES.index(lane)


class Arrival(NamedTuple):
    """A row of the queue: the columns of `arrival` in their order, and a tuple, since thousands pass in a second.

    `hops`: how many facts that subjects told each other led to it, one by the other.
    """

    shard: int
    lane: int
    at: datetime
    item: int
    key: bytes
    process: str
    subject: str
    entity: str
    type: str
    type_version: int
    natural_key: str
    origin: str
    receipt: bytes | None
    cause_shard: int | None
    cause_position: int | None
    body: bytes
    sealed_body: bytes | None
    data_key: bytes | None
    actor: str
    on_behalf_of: str
    reason: str
    occurred_at: datetime
    received_at: datetime
    sender_order: str
    hops: int = 0


COLUMNS = Arrival._fields


@unchanging(frozen=True, slots=True)
class Blob:
    """A fact's stored form: canonical clear bytes, and the confidential part under a data key."""

    clear: bytes
    sealed: bytes | None = None
    data_key: bytes | None = None


def bound_to(fact_key: str) -> bytes:
    """What a fact's sealed body is bound to: its type and natural key."""
    return f"fact:{fact_key}".encode()


def arrival_for(fact: Fact, blob: Blob, subject: Subject, lane: int, at: datetime) -> Arrival:
    """The queue's row for a fact that goes to a subject. `at` orders it on its lane (business time, UTC)."""
    body, cause = fact.body, fact.cause
    fact_type, natural_key = body.fact_type, body.natural_key()
    key = short_digest(f"{fact_type}:{natural_key}", str(subject))
    cause_shard, cause_position = (cause.shard, cause.number) if cause else (None, None)
    return Arrival(
        subject.shard, lane, at, fact.item, key, subject.process, subject.id, fact.entity, fact_type, body.version,
        natural_key, fact.origin, fact.receipt, cause_shard, cause_position, blob.clear, blob.sealed, blob.data_key,
        fact.actor, fact.on_behalf_of, fact.reason, fact.occurred_at, fact.received_at, fact.sender_order,
    )  # fmt: skip  # in their order, since naming each costs more than all the rest


async def put(tx: Transaction, arrivals: Sequence[Arrival]) -> int:
    """Appends to the queue. Callers make sure by `seen`, or by the row that they close, that it happens once."""
    if arrivals:
        await tx.run(SQL.put_arrivals, **_columns(arrivals))
    return len(arrivals)


async def put_ahead(tx: Transaction, arrivals: Sequence[Arrival]) -> None:
    """The same, on the way of whatever comes next."""
    if arrivals:
        await tx.ahead(SQL.put_arrivals, **_columns(arrivals))


def _columns(arrivals: Sequence[Arrival]) -> dict[str, list[object]]:
    return dict(zip(COLUMNS, map(list, zip(*arrivals, strict=True)), strict=True))
