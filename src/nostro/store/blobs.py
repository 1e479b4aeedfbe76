"""Facts between memory and store: sealing their confidential fields, and opening them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from nostro.model.facts import Fact, FactBody, join, split
from nostro.model.facts.base import Position
from nostro.store.arrivals import Arrival, Blob, bound_to
from nostro.store.database import Database
from nostro.store.keys import DataKey, KeyName, Keys
from nostro.store.log import FactRow

RETENTION = "books"


def key_name(keys: Keys, fact: Fact) -> KeyName:
    """The data key for a fact: its person's, or its entity's of the month in which it arrived."""
    party = fact.body.party()
    if party is not None:
        return KeyName(fact.entity, RETENTION, keys.index(party.kind, party.indexed))
    return KeyName(fact.entity, RETENTION, None, f"{fact.received_at:%Y-%m}")


async def seal_all(database: Database, keys: Keys, facts: Sequence[Fact], at: datetime) -> list[Blob]:
    """The stored form of facts; makes data keys where they are missing, before anything is sealed with them."""
    parts = [split(fact.body) for fact in facts]
    names = {n: key_name(keys, fact) for n, fact in enumerate(facts) if parts[n][1] is not None}
    known = await keys.ensure(database, names.values(), at)
    return [
        _blob(keys, fact, part, known[names[n]] if n in names else None)
        for n, (fact, part) in enumerate(zip(facts, parts, strict=True))
    ]


def _blob(keys: Keys, fact: Fact, part: tuple[bytes, bytes | None], key: DataKey | None) -> Blob:
    clear, secret = part
    if secret is None or key is None:
        return Blob(clear)
    return Blob(clear, keys.seal(key, secret, bound_to(fact.key)), key.id)


def open_body(keys: Keys, row: Arrival | FactRow, known: Mapping[bytes, DataKey | None]) -> FactBody:
    """The body of an arrival or fact row. Confidential fields whose data key was destroyed are `Erased`."""
    if row.sealed_body is None or row.data_key is None:
        return join(row.type, row.type_version, row.body, None)
    key = known.get(row.data_key)
    if key is None:
        return join(row.type, row.type_version, row.body, None, erased=True)
    secret = keys.open(key, row.sealed_body, bound_to(f"{row.type}:{row.natural_key}"))
    return join(row.type, row.type_version, row.body, secret)


def open_fact(keys: Keys, row: Arrival | FactRow, known: Mapping[bytes, DataKey | None]) -> Fact:
    """The fact in an arrival or fact row."""
    cause = (
        None if row.cause_shard is None or row.cause_position is None else Position(row.cause_shard, row.cause_position)
    )
    return Fact(
        open_body(keys, row, known), row.entity, row.origin, row.actor, row.occurred_at, row.received_at, row.receipt,
        row.item, row.sender_order, row.on_behalf_of, row.reason, cause,
    )  # fmt: skip
