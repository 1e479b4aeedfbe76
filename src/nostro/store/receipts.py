"""Receipts: the bytes that arrived, kept before anything is understood and before the sender gets its 2xx.

Each is sealed under a data key of its own that stands wrapped in its row; up to 256 KB inline, else in parts of 1 MB.
The row is written last, and everything commits at once: who sees a receipt sees all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from nostro.model.failures import FormatRefused, LostRace, SealBroken
from nostro.model.ids import shard_of, short_digest
from nostro.store.arrivals import lane_number
from nostro.store.database import Statements, Transaction
from nostro.store.keys import DataKey, Keys

SQL = Statements("receipts")
TOLD = Statements("routing")
INLINE_BYTES = 256 * 1024
PART_BYTES = 1024 * 1024
Chunks = Callable[[], AsyncGenerator[bytes, None]]
"""Bytes from their beginning, as often as they are asked for. Whoever makes them waits for files; here nobody does."""


@dataclass(frozen=True, slots=True)
class Received:
    """What is known of something that came in, besides its bytes.

    `event_id` is the sender's; without one the bytes themselves are the identity (files). `content` is what must not
    differ between two deliveries of one event (default: the bytes). `received_at` is business time. `lane` None: it is
    kept, but not read (replies).
    """

    connection: str
    kind: str
    received_at: datetime
    signed: bool
    name: str = ""
    event_id: str = ""
    content: bytes | None = None
    status: int | None = None
    correlation: str = ""
    lane: str | None = "standard"

    @property
    def month(self) -> date:
        """The partition."""
        return self.received_at.date().replace(day=1)


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """`new` is false for a re-delivery.

    `told_differently`: the event is known with another content; this one is kept beside the first, under an id of its
    own.
    """

    id: bytes
    new: bool
    told_differently: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt's row. Its bytes are opened by `part` or `load`."""

    shard: int
    id: bytes
    month: date
    connection: str
    kind: str
    name: str
    event_id: str
    digest: bytes
    size: int
    parts: int
    sealed: bytes | None
    wrapped: bytes | None
    master: int
    signed: bool
    status: int | None
    correlation: str
    received_at: datetime

    @property
    def erased(self) -> bool:
        """Whether its data key was destroyed."""
        return self.wrapped is None

    @property
    def told_differently(self) -> bool:
        """Whether another receipt of the same event came first, with another content."""
        return bool(self.event_id) and self.id != event_receipt(self.connection, self.event_id)

    @property
    def pieces(self) -> range:
        """The numbers that `part` takes."""
        return range(1, self.parts + 1) if self.parts else range(1)


def event_receipt(connection: str, event_id: str) -> bytes:
    """The id of the receipt that first told an event."""
    return short_digest("event", connection, event_id)


async def keep(tx: Transaction, keys: Keys, received: Received, body: bytes) -> KeptReceipt:
    """Keeps bytes that are in memory. A re-delivery keeps nothing and says so."""
    return await keep_stream(tx, keys, received, lambda: _whole(body))


async def keep_stream(tx: Transaction, keys: Keys, received: Received, chunks: Chunks) -> KeptReceipt:
    """Keeps bytes that are read twice, chunk by chunk: once for their digest, once to seal them.

    Raises `LostRace` when they changed in between. Who keeps several in one database transaction keeps them in the
    order of their ids, so that two can't deadlock.
    """
    digest, size = await _measure(keys, chunks)
    receipt_id, content = _named(keys, received, digest)
    told = await _tell(tx, receipt_id, content, received)
    differs = told is not None and told != content
    if differs:
        receipt_id = short_digest("event", received.connection, received.event_id, content)
        told = await _tell(tx, receipt_id, content, received)
    if told is None:
        await append(tx, keys, receipt_id, received, chunks, (digest, size))
    return KeptReceipt(receipt_id, told is None, differs)


async def keep_all(tx: Transaction, keys: Keys, batch: Sequence[tuple[Received, bytes]]) -> list[KeptReceipt]:
    """As `keep`, for many small ones at once, in one statement. What isn't new is looked at one by one."""
    digests = [keys.fingerprint(body) for _, body in batch]
    named = [_named(keys, received, digest) for (received, _), digest in zip(batch, digests, strict=True)]
    first: dict[bytes, int] = {}
    for n, (receipt_id, _) in enumerate(named):
        first.setdefault(receipt_id, n)
    told = sorted((shard_of(name), short_digest("receipt", name), n) for name, n in first.items())
    rows = [(*one, named[one[2]], digests[one[2]], *batch[one[2]]) for one in told]
    unknown = {row.id for row in await tx.rows(SQL.keep_together, **_columns(keys, rows), master=keys.master)}
    return [
        KeptReceipt(receipt_id, new=True)
        if receipt_id in unknown and first[receipt_id] == n
        else await keep(tx, keys, received, body)
        for n, ((receipt_id, _), (received, body)) in enumerate(zip(named, batch, strict=True))
    ]


_Together = tuple[int, bytes, int, tuple[bytes, bytes], bytes, Received, bytes]
"""Shard, key, number, (receipt id, content), digest, what is known, bytes."""


def _columns(keys: Keys, rows: Sequence[_Together]) -> dict[str, list[Any]]:
    """The arrays of `keep_together`."""
    all_received = [row[5] for row in rows]
    sealed = [sealed_under_own_key(keys, name, body) for _, _, _, (name, _), _, _, body in rows]
    return {
        "shards": [row[0] for row in rows],
        "keys": [row[1] for row in rows],
        "contents": [row[3][1] for row in rows],
        "ids": [row[3][0] for row in rows],
        "digests": [row[4] for row in rows],
        "sizes": [len(row[6]) for row in rows],
        "sealed": [one for one, _ in sealed],
        "wrapped": [wrapped for _, wrapped in sealed],
        "days": [received.received_at.date() for received in all_received],
        "months": [received.month for received in all_received],
        "lanes": [None if received.lane is None else lane_number(received.lane) for received in all_received],
        "connections": [received.connection for received in all_received],
        "kinds": [received.kind for received in all_received],
        "names": [received.name for received in all_received],
        "event_ids": [received.event_id for received in all_received],
        "signed": [received.signed for received in all_received],
        "statuses": [received.status for received in all_received],
        "correlations": [received.correlation for received in all_received],
        "received_ats": [received.received_at for received in all_received],
    }


def sealed_under_own_key(keys: Keys, receipt_id: bytes, body: bytes) -> tuple[bytes, bytes]:
    """A small receipt's bytes as its row holds them, and its data key, wrapped."""
    key, wrapped = keys.wrap_for(receipt_id)
    return keys.seal(key, body, _bound_to(receipt_id, 0)), wrapped


def _named(keys: Keys, received: Received, digest: bytes) -> tuple[bytes, bytes]:
    """The id under which it is kept when it is new, and the content that must not differ."""
    content = (digest if received.content is None else keys.fingerprint(received.content))[:16]
    if received.event_id:
        return event_receipt(received.connection, received.event_id), content
    return short_digest("bytes", received.connection, digest), content


async def append(
    tx: Transaction, keys: Keys, receipt_id: bytes, received: Received, chunks: Chunks, measured: tuple[bytes, int]
) -> None:
    """Writes parts, reading and row under an id that the caller knows to be new. `measured`: digest and size."""
    key, wrapped = keys.wrap_for(receipt_id)
    place = {"shard": shard_of(receipt_id), "id": receipt_id, "month": received.month}
    hasher, count, sealed = keys.fingerprinting(), 0, None
    async with aclosing(_pieces(chunks, measured[1])) as pieces:
        async for piece in pieces:
            if measured[1] <= INLINE_BYTES:
                hasher.update(piece)
                sealed = keys.seal(key, piece, _bound_to(receipt_id, 0))
                continue
            count += 1
            await asyncio.to_thread(hasher.update, piece)
            part = await asyncio.to_thread(keys.seal, key, piece, _bound_to(receipt_id, count))
            await tx.run(SQL.add_part, **place, n=count, sealed=part)
    if hasher.digest() != measured[0]:
        message = "The bytes changed while they were kept."
        raise LostRace(message)
    if received.lane is not None:
        await tx.ahead(SQL.add_reading, **place, lane=lane_number(received.lane), received_at=received.received_at)
    await tx.ahead(
        SQL.add_receipt,
        **place,
        connection=received.connection,
        kind=received.kind,
        name=received.name,
        event_id=received.event_id,
        digest=measured[0],
        size=measured[1],
        parts=count,
        sealed=sealed,
        wrapped=wrapped,
        master=keys.master,
        signed=received.signed,
        status=received.status,
        correlation=received.correlation,
        received_at=received.received_at,
    )


async def append_small(tx: Transaction, keys: Keys, receipt_id: bytes, received: Received, body: bytes) -> None:
    """As `append`, for bytes in memory."""
    await append(tx, keys, receipt_id, received, lambda: _whole(body), (keys.fingerprint(body), len(body)))


async def find(tx: Transaction, receipt_id: bytes, month: date | None = None) -> Receipt | None:
    """The receipt with this id."""
    row = await tx.row(SQL.receipt_by_id, shard=shard_of(receipt_id), id=receipt_id, month=month)
    return None if row is None else Receipt(*row)


async def find_all(tx: Transaction, ids: Iterable[bytes]) -> dict[bytes, Receipt]:
    """Receipts by id, those that exist."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    shards = sorted({shard_of(receipt_id) for receipt_id in wanted})
    return {row.id: Receipt(*row) for row in await tx.rows(SQL.receipts_by_id, shards=shards, ids=wanted)}


async def part(tx: Transaction, keys: Keys, receipt: Receipt, number: int) -> bytes:
    """One of the receipt's `pieces`.

    Raises `FormatRefused` when the receipt was erased, `SealBroken` when the stored bytes were changed or are missing.
    """
    key = _key(keys, receipt)
    if number == 0 or not receipt.parts:
        return _open(keys, key, receipt, 0, receipt.sealed)
    row = await tx.row(SQL.receipt_part, shard=receipt.shard, id=receipt.id, n=number, month=receipt.month)
    return _open(keys, key, receipt, number, None if row is None else row.sealed)


async def load(tx: Transaction, keys: Keys, receipt_id: bytes, month: date | None = None) -> tuple[Receipt, bytes]:
    """A receipt and all its bytes: for small ones. Raises as `part`, and `SealBroken` where not all of it is there."""
    receipt = await find(tx, receipt_id, month)
    if receipt is None:
        message = f"Receipt {receipt_id.hex()} is not there."
        raise SealBroken(message)
    body = b"".join([await part(tx, keys, receipt, number) for number in receipt.pieces])
    demand_whole(receipt, keys.fingerprint(body))
    return receipt, body


def demand_whole(receipt: Receipt, digest: bytes) -> None:
    """Raises `SealBroken` when these, by their keyed digest, are not all the bytes that were kept.

    Each part is bound to its place, but how many there are stands in the row alone.
    """
    if digest != receipt.digest:
        message = f"The parts of receipt {receipt.id.hex()} are not all that was kept, or its row was changed."
        raise SealBroken(message)


def opened_inline(keys: Keys, receipt: Receipt) -> bytes:
    """The bytes of a receipt that has no parts, without asking the database. Raises as `part`."""
    return _open(keys, _key(keys, receipt), receipt, 0, receipt.sealed)


async def _tell(tx: Transaction, receipt_id: bytes, content: bytes, received: Received) -> bytes | None:
    """Notes the identity: None when it is new, else the content that it was first told with."""
    name = {"shards": [shard_of(receipt_id)], "keys": [short_digest("receipt", receipt_id)]}
    day = received.received_at.date()
    if await tx.row(TOLD.tell, **name, contents=[content], receipts=[receipt_id], days=[day]) is not None:
        return None
    row = await tx.row(TOLD.told, **name)
    if row is None:
        message = "An identity was forgotten while it was asked for."
        raise LostRace(message)
    return bytes(row.content)


async def _whole(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


async def _measure(keys: Keys, chunks: Chunks) -> tuple[bytes, int]:
    hasher, size = keys.fingerprinting(), 0
    async with aclosing(chunks()) as given:
        async for chunk in given:
            await asyncio.to_thread(hasher.update, chunk)
            size += len(chunk)
    return hasher.digest(), size


async def _pieces(chunks: Chunks, size: int) -> AsyncGenerator[bytes, None]:
    """The same bytes in pieces of `PART_BYTES`; small ones, and nothing at all, are one piece."""
    async with aclosing(chunks()) as given:
        if size <= INLINE_BYTES:
            yield b"".join([chunk async for chunk in given])
            return
        held = bytearray()
        async for chunk in given:
            held += chunk
            while len(held) >= PART_BYTES:
                yield bytes(held[:PART_BYTES])
                del held[:PART_BYTES]
        if held:
            yield bytes(held)


def _bound_to(receipt_id: bytes, number: int) -> bytes:
    return f"receipt:{receipt_id.hex()}:{number}".encode()


def _key(keys: Keys, receipt: Receipt) -> DataKey:
    if receipt.wrapped is None:
        message = f"Receipt {receipt.id.hex()} was erased."
        raise FormatRefused(message, "Its facts and its digest remain; its bytes don't come back.")
    return keys.unwrap(receipt.wrapped, receipt.id, receipt.master)


def _open(keys: Keys, key: DataKey, receipt: Receipt, number: int, sealed: bytes | None) -> bytes:
    try:
        return keys.open(key, sealed or b"", _bound_to(receipt.id, number))
    except SealBroken as error:
        message = f"Part {number} of receipt {receipt.id.hex()} is missing or was changed."
        raise SealBroken(message) from error


def lane_for(kind: str, size: int, wanted: str | None = "standard") -> str:
    """The lane on which a receipt waits to be read: acts of persons first, large files last, the rest as wanted."""
    if kind == "act":
        return "critical"
    return "bulk" if size > PART_BYTES else wanted or "standard"
