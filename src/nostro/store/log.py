"""The log's rows and their leaf chain: one chain per shard, over the bytes as stored.

leaf = SHA-256(previous leaf | position | header | body | sealed body), each part with its length; the header is every
other column, as canonical bytes. The first leaf of a shard follows its genesis.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from struct import Struct
from typing import NamedTuple

import orjson

from nostro.model.canonical import instant_text


class FactRow(NamedTuple):
    """A row of `fact`, in the columns' order, and a tuple, since thousands pass in a second."""

    shard: int
    position: int
    month: date
    process: str
    version: int
    subject: str
    revision: int
    entity: str
    type: str
    type_version: int
    natural_key: str
    origin: str
    receipt: bytes | None
    item: int
    cause_shard: int | None
    cause_position: int | None
    body: bytes
    sealed_body: bytes | None
    data_key: bytes | None
    state_before: str
    state_after: str
    rule: str
    decided: bytes
    bundle: bytes
    actor: str
    on_behalf_of: str
    reason: str
    occurred_at: datetime
    received_at: datetime
    decided_at: datetime
    sender_order: str
    leaf: bytes = b""

    def sealed_after(self, previous: bytes) -> FactRow:
        """The same row with its leaf."""
        return FactRow._make((*self[:-1], leaf_of(previous, self)))


COLUMNS = FactRow._fields
_PARTS = Struct(">QQQ")
_LENGTH = Struct(">Q")


def genesis(deployment: bytes, shard: int) -> bytes:
    """The head of a shard before its first fact."""
    return hashlib.sha256(b"nostro/" + deployment + shard.to_bytes(2, "big")).digest()


def leaf_of(previous: bytes, row: FactRow) -> bytes:
    """The leaf of a row that follows `previous`."""
    header, body, sealed = header_of(row), row.body, row.sealed_body or b""
    told = (
        previous, _PARTS.pack(8, row.position, len(header)), header, _LENGTH.pack(len(body)), body,
        _LENGTH.pack(len(sealed)), sealed,
    )  # fmt: skip
    return hashlib.sha256(b"".join(told)).digest()


def header_of(row: FactRow) -> bytes:
    """The canonical bytes of an object of all columns but those that stand beside it in the leaf."""
    told: dict[str, object] = {"actor": row.actor, "bundle": row.bundle.hex()}
    if row.cause_position is not None:
        told["cause_position"] = row.cause_position
    if row.cause_shard is not None:
        told["cause_shard"] = row.cause_shard
    if row.data_key is not None:
        told["data_key"] = row.data_key.hex()
    told |= {
        "decided": row.decided.hex(), "decided_at": instant_text(row.decided_at), "entity": row.entity,
        "item": row.item, "month": row.month.isoformat(), "natural_key": row.natural_key,
        "occurred_at": instant_text(row.occurred_at), "on_behalf_of": row.on_behalf_of, "origin": row.origin,
        "process": row.process, "reason": row.reason,
    }  # fmt: skip
    if row.receipt is not None:
        told["receipt"] = row.receipt.hex()
    told |= {
        "received_at": instant_text(row.received_at), "revision": row.revision, "rule": row.rule,
        "sender_order": row.sender_order, "shard": row.shard, "state_after": row.state_after,
        "state_before": row.state_before, "subject": row.subject, "type": row.type, "type_version": row.type_version,
        "version": row.version,
    }  # fmt: skip
    return orjson.dumps(told)  # the names stand in order
