"""What comes at the same time is committed together, and nobody suffers for a neighbour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from nostro.ingress.together import Together
from nostro.model.failures import DatabaseUnavailable, StatementRefused
from nostro.store import receipts
from nostro.store.database import Database
from nostro.store.entropy import SeededEntropy
from nostro.store.install import install
from nostro.store.keys import Keys
from nostro.store.receipts import KeptReceipt, Received

pytestmark = pytest.mark.asyncio
AT = datetime(2026, 8, 31, 8, tzinfo=UTC)
KEYS = Keys({1: b"k" * 32}, SeededEntropy(3))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, size=4) as opened:
        await install(opened, KEYS, "test", SeededEntropy(4), AT)
        yield opened


def event(event_id: str) -> Received:
    return Received("psp", "webhook", AT, signed=True, event_id=event_id)


async def number(database: Database, query: str) -> int:
    async with database.transaction() as tx:
        rows = await (await tx.execute(query.encode())).fetchall()
    return int(rows[0][0])


async def test_many_at_once_are_kept_in_few_commits_and_each_can_be_read(database: Database) -> None:
    together = Together(database, KEYS)
    before = await number(database, "select count(distinct xmin::text) from receipt")
    kept = await asyncio.gather(*(together.keep(event(f"evt_{n}"), f"body {n}".encode()) for n in range(300)))
    assert before == 0
    assert all(one.new for one in kept)
    assert await number(database, "select count(distinct xmin::text) from receipt") < 30
    assert await number(database, "select count(*) from reading") == 300
    async with database.transaction() as tx:
        found = [await receipts.load(tx, KEYS, one.id) for one in kept]
    assert [body for _, body in found] == [f"body {n}".encode() for n in range(300)]


async def test_the_same_event_twice_in_one_group_is_one_receipt_and_another_content_is_kept_beside_it(
    database: Database,
) -> None:
    told = [(event("evt_1"), b"one"), (event("evt_1"), b"one"), (event("evt_1"), b"two"), (event("evt_2"), b"three")]
    async with database.transaction() as tx:
        first, again, other, second = await receipts.keep_all(tx, KEYS, told)
    assert (first.new, again, second.new) == (True, KeptReceipt(first.id, new=False), True)
    assert other.new
    assert other.told_differently
    assert await number(database, "select count(*) from receipt") == 3


async def test_what_the_database_refuses_fails_alone(database: Database) -> None:
    together = Together(database, KEYS)
    spoilt = replace(event("evt_spoilt"), connection="cut\0off")
    tasks = [asyncio.ensure_future(together.keep(event(f"evt_{n}"), b"fine")) for n in range(10)]
    tasks.append(asyncio.ensure_future(together.keep(spoilt, b"spoilt")))
    tasks += [asyncio.ensure_future(together.keep(event(f"evt_{n}"), b"fine")) for n in range(10, 20)]
    refused = tasks.pop(10)
    assert all(kept.new for kept in await asyncio.gather(*tasks))
    with pytest.raises(StatementRefused):
        await refused
    assert await number(database, "select count(*) from receipt") == 20


async def test_nobody_is_answered_before_the_commit(database: Database) -> None:
    """Every statement has succeeded and only the commit is refused: nothing is kept, and nobody may believe it."""
    async with database.transaction() as tx:
        await tx.execute(
            b"create function refused() returns trigger language plpgsql as "
            b"$$ begin raise exception 'not now' using errcode = 'check_violation'; end $$"
        )
        await tx.execute(
            b"create constraint trigger at_the_commit after insert on reading deferrable initially deferred "
            b"for each row execute function refused()"
        )
    together = Together(database, KEYS)
    told = await asyncio.gather(*(together.keep(event(f"evt_{n}"), b"fine") for n in range(3)), return_exceptions=True)
    assert [type(one) for one in told] == [StatementRefused] * 3
    assert await number(database, "select count(*) from receipt") == 0


async def test_who_hangs_up_leaves_the_others_their_answer(database: Database) -> None:
    together = Together(database, KEYS)
    tasks = [asyncio.ensure_future(together.keep(event(f"evt_{n}"), b"fine")) for n in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, KeptReceipt) for one in done] == [True, True, False, True, True]


async def test_who_is_not_answered_in_time_hears_so_and_those_behind_have_their_turn(database: Database) -> None:
    together = Together(database, KEYS)
    async with database.transaction() as tx:
        await tx.execute(b"lock table seen")
        late = await asyncio.gather(
            *(together.keep(event(f"evt_{n}"), b"late", seconds=0.2) for n in range(5)), return_exceptions=True
        )
        assert [type(one) for one in late] == [DatabaseUnavailable] * 5
        behind = asyncio.ensure_future(together.keep(event("evt_behind"), b"in time"))
        await asyncio.sleep(0)
    assert (await behind).new
    told_again = await together.keep(event("evt_0"), b"late")
    assert not told_again.new, "it was kept after all: who tells it again hears the same receipt"


async def test_a_group_holds_no_more_bytes_than_it_may(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.ingress.together.GROUP_BYTES", 1000)
    together = Together(database, KEYS)
    bodies = [bytes(300), bytes(300), bytes(300), bytes(300), bytes(5000), bytes(300)]
    kept = await asyncio.gather(*(together.keep(event(f"evt_{n}"), body) for n, body in enumerate(bodies)))
    assert all(one.new for one in kept)
    assert await number(database, "select count(distinct xmin::text) from receipt") == 4
