"""The log's rows and their leaf chain: one chain per shard, over the bytes as stored.

leaf = SHA-256(previous leaf | position | header | body | sealed body), each part with its length; the header is every
other column, as canonical bytes. The first leaf of a shard follows its genesis.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from operator import attrgetter
from typing import NamedTuple

from nostro.model.canonical import canonical_row


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
        return self._replace(leaf=leaf_of(previous, self))


COLUMNS = FactRow._fields
_HEADER = tuple(sorted(set(COLUMNS) - {"body", "sealed_body", "leaf", "position"}))
_header: Callable[[FactRow], tuple[object, ...]] = attrgetter(*_HEADER)


def genesis(deployment: bytes, shard: int) -> bytes:
    """The head of a shard before its first fact."""
    return hashlib.sha256(b"nostro/" + deployment + shard.to_bytes(2, "big")).digest()


def leaf_of(previous: bytes, row: FactRow) -> bytes:
    """The leaf of a row that follows `previous`."""
    hasher = hashlib.sha256(previous)
    header = canonical_row(_HEADER, _header(row))
    for part in (row.position.to_bytes(8, "big"), header, row.body, row.sealed_body or b""):
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.digest()
