"""Receipts: what was acknowledged is there, once, sealed, and what was told differently is kept beside it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from nostro.model.failures import FormatRefused, LostRace, SealBroken
from nostro.store import receipts
from nostro.store.database import Database
from nostro.store.entropy import SeededEntropy
from nostro.store.install import install
from nostro.store.keys import Keys
from nostro.store.receipts import INLINE_BYTES, PART_BYTES, KeptReceipt, Received

pytestmark = pytest.mark.asyncio
AT = datetime(2026, 8, 31, 8, tzinfo=UTC)
KEYS = Keys({1: b"k" * 32}, SeededEntropy(3))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, size=4) as opened:
        await install(opened, KEYS, "test", SeededEntropy(4), AT)
        yield opened


def event(event_id: str = "evt_1", content: bytes | None = None) -> Received:
    return Received("psp", "webhook", AT, signed=True, event_id=event_id, content=content)


def file(name: str = "a.xml") -> Received:
    return Received("bank", "file", AT, signed=False, name=name)


async def keep(database: Database, received: Received, body: bytes) -> KeptReceipt:
    async with database.transaction() as tx:
        return await receipts.keep(tx, KEYS, received, body)


async def told(*chunks: bytes) -> AsyncGenerator[bytes, None]:
    for chunk in chunks:
        yield chunk


async def count(database: Database, table: str) -> int:
    async with database.transaction() as tx:
        rows = await (await tx.execute(f"select count(*) from {table}".encode())).fetchall()
    return int(rows[0][0])


async def test_an_event_told_again_is_the_same_receipt_and_waits_once_to_be_read(database: Database) -> None:
    first = await keep(database, event(content=b"object"), b'{"object":1,"pending_webhooks":2}')
    again = await keep(database, event(content=b"object"), b'{"object":1,"pending_webhooks":1}')
    assert first == KeptReceipt(first.id, new=True)
    assert again == KeptReceipt(first.id, new=False)
    assert (await count(database, "receipt"), await count(database, "reading")) == (1, 1)


async def test_an_event_told_with_another_content_is_kept_beside_the_first_and_says_so(database: Database) -> None:
    first = await keep(database, event(), b"one")
    other = await keep(database, event(), b"two")
    again = await keep(database, event(), b"two")
    assert (other.new, other.told_differently, again.new, again.id) == (True, True, False, other.id)
    async with database.transaction() as tx:
        kept = await receipts.find_all(tx, [first.id, other.id])
    assert {receipt.id: receipt.told_differently for receipt in kept.values()} == {first.id: False, other.id: True}


async def test_files_collapse_on_their_bytes_whatever_they_are_called(database: Database) -> None:
    first = await keep(database, file("a.xml"), b"<xml/>")
    again = await keep(database, file("b.xml"), b"<xml/>")
    assert (again.id, again.new) == (first.id, False)


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES, INLINE_BYTES + 1, PART_BYTES * 2, PART_BYTES * 2 + 5])
async def test_what_is_loaded_is_what_was_kept(database: Database, size: int) -> None:
    body = bytes(n % 251 for n in range(size))
    chunks = [body[n : n + 300_000] for n in range(0, size, 300_000)]
    async with database.transaction() as tx:
        kept = await receipts.keep_stream(tx, KEYS, file(), lambda: told(*chunks))
    async with database.transaction() as tx:
        receipt, loaded = await receipts.load(tx, KEYS, kept.id)
    assert (loaded, receipt.size) == (body, size)
    assert await count(database, "receipt_part") == (0 if size <= INLINE_BYTES else -(-size // PART_BYTES))


async def test_a_file_that_changes_while_it_is_kept_leaves_nothing_behind(database: Database) -> None:
    versions = iter([b"first", b"other"])
    with pytest.raises(LostRace):
        async with database.transaction() as tx:
            await receipts.keep_stream(tx, KEYS, file(), lambda: told(next(versions)))
    assert [await count(database, table) for table in ("receipt", "reading", "seen")] == [0, 0, 0]


async def test_nothing_of_a_receipt_stands_in_clear_and_a_moved_part_does_not_open(database: Database) -> None:
    body = b"DE89370400440532013000" * 30_000
    kept, other = await keep(database, event(), body), await keep(database, event("evt_2"), body)
    async with database.transaction() as tx:
        cursor = await tx.execute(b"select sealed from receipt_part")
        assert all(b"DE8937" not in row[0] for row in await cursor.fetchall())
        moving = (
            b"update receipt_part p set sealed = q.sealed from receipt_part q where p.receipt = %s and q.receipt = %s"
        )
        await tx.execute(moving, (kept.id, other.id))
    with pytest.raises(SealBroken):
        async with database.transaction() as tx:
            await receipts.load(tx, KEYS, kept.id)


async def test_a_receipt_without_its_last_part_is_not_loaded_as_a_shorter_one(database: Database) -> None:
    kept = await keep(database, event(), b"x" * (receipts.PART_BYTES + 1))
    async with database.transaction() as tx:
        await tx.execute(b"update receipt set parts = 1")
    with pytest.raises(SealBroken, match="not all that was kept"):
        async with database.transaction() as tx:
            await receipts.load(tx, KEYS, kept.id)


async def test_an_erased_receipt_says_that_it_was_erased(database: Database) -> None:
    kept = await keep(database, event(), b"a person")
    async with database.transaction() as tx:
        await tx.execute(b"update receipt set wrapped = null")
    with pytest.raises(FormatRefused, match="erased"):
        async with database.transaction() as tx:
            await receipts.load(tx, KEYS, kept.id)
