"""The log's rows and their leaf chain: one chain per shard, over the bytes as stored.

leaf = SHA-256(previous leaf | position | header | body | sealed body), each part with its length; the header is every
other column, as canonical bytes. The first leaf of a shard follows its genesis.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from struct import Struct
from typing import Any, NamedTuple

import orjson

from nostro.model.canonical import instant_text
from nostro.store.arrivals import Arrival


class Made(NamedTuple):
    """What a decision made of an arrival, as its row of `fact` tells it. `month` and `decided_at` are business time."""

    position: int
    month: date
    version: int
    revision: int
    state_before: str
    state_after: str
    rule: str
    decided: bytes
    bundle: bytes
    decided_at: datetime


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

    @classmethod
    def of(cls, arrival: Arrival, made: Made, previous: bytes) -> FactRow:
        """The row of an arrival that was decided: what the queue held, what the decision made of it, and its leaf."""
        (
            shard, _, _, item, _, process, subject, entity, fact_type, type_version, natural_key, origin, receipt,
            cause_shard, cause_position, body, sealed_body, data_key, actor, on_behalf_of, reason, occurred_at,
            received_at, sender_order, _,
        ) = arrival  # fmt: skip
        position, month, version, revision, before, after, rule, digest, bundle, at = made
        columns = (
            shard, position, month, process, version, subject, revision, entity, fact_type, type_version, natural_key,
            origin, receipt, item, cause_shard, cause_position, body, sealed_body, data_key, before, after, rule,
            digest, bundle, actor, on_behalf_of, reason, occurred_at, received_at, at, sender_order,
        )  # fmt: skip
        return cls._make((*columns, _leaf(previous, columns)))


_PARTS = Struct(">QQQ")
_LENGTH = Struct(">Q")
_MAY_LACK = ("cause_position", "cause_shard", "data_key", "receipt")


def genesis(deployment: bytes, shard: int) -> bytes:
    """The head of a shard before its first fact."""
    return hashlib.sha256(b"nostro/" + deployment + shard.to_bytes(2, "big")).digest()


def leaf_of(previous: bytes, row: FactRow) -> bytes:
    """The leaf of a row that follows `previous`."""
    return _leaf(previous, row[:-1])


def _leaf(previous: bytes, columns: tuple[Any, ...]) -> bytes:
    position, header, body, sealed = parts_of(columns)
    told = (
        previous, _PARTS.pack(8, position, len(header)), header, _LENGTH.pack(len(body)), body,
        _LENGTH.pack(len(sealed)), sealed,
    )  # fmt: skip
    return hashlib.sha256(b"".join(told)).digest()


def parts_of(columns: tuple[Any, ...]) -> tuple[int, bytes, bytes, bytes]:
    """Of a row's columns but the leaf: position, header, body and sealed body.

    The header is the canonical bytes of an object of all columns but those that stand beside it.
    """
    (
        shard, position, month, process, version, subject, revision, entity, fact_type, type_version, natural_key,
        origin, receipt, item, cause_shard, cause_position, body, sealed_body, data_key, state_before, state_after,
        rule, decided, bundle, actor, on_behalf_of, reason, occurred_at, received_at, decided_at, sender_order,
    ) = columns  # fmt: skip  # at once: each column alone would be asked for by a call
    received = instant_text(received_at)
    occurred = received if occurred_at == received_at else instant_text(occurred_at)  # most are heard as they occur
    told = {
        "actor": actor, "bundle": bundle.hex(), "cause_position": cause_position, "cause_shard": cause_shard,
        "data_key": None if data_key is None else data_key.hex(), "decided": decided.hex(),
        "decided_at": instant_text(decided_at), "entity": entity, "item": item, "month": month.isoformat(),
        "natural_key": natural_key, "occurred_at": occurred, "on_behalf_of": on_behalf_of, "origin": origin,
        "process": process, "reason": reason, "receipt": None if receipt is None else receipt.hex(),
        "received_at": received, "revision": revision, "rule": rule, "sender_order": sender_order, "shard": shard,
        "state_after": state_after, "state_before": state_before, "subject": subject, "type": fact_type,
        "type_version": type_version, "version": version,
    }  # fmt: skip
    for name in _MAY_LACK:
        if told[name] is None:
            del told[name]
    return position, orjson.dumps(told), body, sealed_body or b""  # the names stand in order
