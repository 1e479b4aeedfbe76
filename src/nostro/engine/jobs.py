"""Dispatches as the shell drives them: members with their intents opened, and the journal with its stored replies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC

from nostro.connectors.kit.manifest import Order
from nostro.egress.connections import OpenConnection
from nostro.egress.drive import Entry, Held, Stored
from nostro.egress.shell import Job
from nostro.egress.tracing import Place, of_command, roots
from nostro.engine.claims import Dispatch, Taken
from nostro.model.base import ERASED, confidential_fields
from nostro.model.canonical import parse
from nostro.model.failures import Failure
from nostro.model.intents import INTENTS_BY_OPERATION, Intent
from nostro.store import receipts
from nostro.store.database import Row, Statements, Transaction
from nostro.store.keys import DataKey, Keys

SQL = Statements("dispatch")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A dispatch, the rows of its members, and the job; or why it can't be driven.

    `bundle`: the one under which its calls may begin.
    """

    dispatch: Dispatch
    members: Sequence[Row]
    job: Job | Held
    bundle: bytes | None = None
    traces: Mapping[Place, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Rows:
    """A dispatch as its rows tell it."""

    dispatch: Dispatch
    members: Sequence[Row]
    calls: Sequence[Row]


async def load_jobs(tx: Transaction, keys: Keys, connection: OpenConnection, taken: Taken) -> list[Loaded]:
    """All of them; one that can't be read stops nothing but itself."""
    names = {"shards": [d.shard for d in taken.resumed], "dispatches": [d.id for d in taken.resumed]}
    members: dict[bytes, list[Row]] = defaultdict(list)
    calls: dict[bytes, list[Row]] = defaultdict(list)
    if taken.resumed:
        for row in await tx.rows(SQL.members, **names):
            members[row.dispatch].append(row)
        for row in await tx.rows(SQL.calls, **names):
            calls[row.dispatch].append(row)
    pairs = [*((d, members[d.id]) for d in taken.resumed), *taken.begun]
    known = await keys.load(tx, {row.data_key for _, rows in pairs for row in rows if row.data_key is not None})
    read = [_Rows(d, rows, calls[d.id]) for d, rows in pairs]
    return [Loaded(one.dispatch, one.members, await _job(tx, keys, known, connection, one)) for one in read]


async def traced(tx: Transaction, loaded: Sequence[Loaded]) -> list[Loaded]:
    """The same with the traces of their members; calls belong to the first member's."""
    places = [(row.shard, row.position) for one in loaded for row in one.members if row.position is not None]
    named = await roots(tx, places)
    return [_traced(one, named) for one in loaded]


def _traced(loaded: Loaded, named: Mapping[Place, bytes]) -> Loaded:
    first, job = loaded.members[0], loaded.job
    trace = named.get((first.shard, first.position))
    if trace is not None and isinstance(job, Job):
        job = replace(job, trace=(trace, of_command(first.key)))
    return replace(loaded, job=job, traces=named)


async def _job(
    tx: Transaction,
    keys: Keys,
    known: Mapping[bytes, DataKey | None],
    connection: OpenConnection,
    rows: _Rows,
) -> Job | Held:
    dispatch = rows.dispatch
    operation = connection.connector.manifest.operations.get(dispatch.operation)
    if operation is None:
        return Held(f"{connection.connector.name} can't {dispatch.operation} any more.")
    try:
        return Job(
            shard=dispatch.shard,
            id=dispatch.id,
            operation=operation,
            orders=[_order(keys, row, known) for row in rows.members],
            journal=[await _entry(tx, keys, row) for row in rows.calls],
            began_at=dispatch.began_at.astimezone(UTC),
            wanted_since=min(row.since for row in rows.members).astimezone(UTC),
            look_up_first=dispatch.look_up_first,
        )
    except (Failure, ValueError, KeyError, TypeError) as error:
        return Held(f"The dispatch can't be read ({type(error).__name__}).")


def _order(keys: Keys, row: Row, known: Mapping[bytes, DataKey | None]) -> Order:
    return Order(_intent(keys, row, known), row.key_text, row.correlation)


def _intent(keys: Keys, row: Row, known: Mapping[bytes, DataKey | None]) -> Intent:
    """The intent of a command. Confidential fields whose data key was destroyed are `Erased`."""
    kind = INTENTS_BY_OPERATION[row.operation]
    if row.sealed_body is None:
        return kind.model_validate_json(row.body)
    fields = parse(row.body)
    key = known[row.data_key]
    if key is None:
        fields |= dict.fromkeys(confidential_fields(kind), ERASED)
    else:
        fields |= parse(keys.open(key, row.sealed_body, f"command:{row.key_text}".encode()))
    return kind.model_validate(fields)


async def _entry(tx: Transaction, keys: Keys, row: Row) -> Entry:
    stored = None
    if row.reply_receipt is not None:
        receipt, body = await receipts.load(tx, keys, row.reply_receipt)
        stored = Stored(receipt.status or 0, body, receipt.received_at.astimezone(UTC))
    return Entry(row.n, row.call_digest, row.started_at.astimezone(UTC), stored)
