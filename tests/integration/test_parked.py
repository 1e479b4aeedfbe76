"""What is parked goes on with the step after the news that leads it on; and much of it is no work each second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from nostro.engine import parked
from nostro.engine.parked import Rejoin
from nostro.model.facts import Fact
from nostro.model.ids import Subject
from nostro.routing.references import Claim, give_back, register_all
from nostro.store.database import Database, Transaction
from tests.integration.synthetic import PROCESS, House, as_fact, line, payout

pytestmark = pytest.mark.asyncio
PARKED = 3 * parked.ROUND
COUNT = "select count(*) from parked"


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """A house with lines of payouts that nobody knows."""
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        await house.tell([as_told(n) for n in range(PARKED)])
        yield house


def as_told(n: int) -> Fact:
    """A line of the n-th payout."""
    return as_fact(line(f"po_{n}", f"l_{n}"))


async def read(house: House) -> int:
    """How many references of something parked were read so far."""
    await house.all("select pg_stat_force_next_flush()")
    table = "pg_stat_user_tables where relname = 'parked_reference'"
    [[rows]] = await house.all(f"select seq_tup_read + idx_tup_fetch from {table}")
    assert isinstance(rows, int)
    return rows


async def test_a_step_looks_at_a_part_of_what_is_parked_however_much_it_is(house: House) -> None:
    async with house.database.transaction() as tx:
        await tx.execute(
            "insert into reference (shard, kind, digest, process, subject, subject_shard, by, since)"
            " select n % 64, 'psp', decode(md5(n::text), 'hex'), 'payout', 'other/' || n, n % 64, '', 'epoch'"
            " from generate_series(1, 20000) n"
        )
        await tx.execute("analyze parked, parked_reference, reference")
    before = await read(house)
    assert await house.rejoin.step(house.now) == 0
    assert await read(house) - before <= parked.ROUND


async def test_news_leads_on_what_waits_for_it_with_the_next_step_wherever_it_stands(house: House) -> None:
    await house.tell([as_fact(payout(f"po_{n}")) for n in range(0, PARKED, 100)])
    while await house.decider.step(house.now):
        pass
    assert await house.rejoin.step(house.now) == len(range(0, PARKED, 100))
    assert await house.all("select count(*) from woken") == [(0,)]


async def test_what_missed_its_news_while_both_were_committed_is_found_within_a_round(house: House) -> None:
    await house.tell([as_fact(payout("po_7")), as_fact(payout(f"po_{PARKED - 1}"))])
    while await house.decider.step(house.now):
        pass
    await house.all("delete from woken returning 1")
    assert sum([await house.rejoin.step(house.now) for _ in range(PARKED // parked.ROUND + 1)]) == 2
    assert await house.all(COUNT) == [(PARKED - 2,)]


async def test_a_reference_that_was_given_back_leads_nobody_on(house: House) -> None:
    subject, by = Subject("payout", "po_7"), b"fact"
    [reference] = PROCESS.registers(as_fact(payout("po_7")))
    async with house.database.transaction() as tx:
        await register_all(tx, house.keys, [Claim(reference, subject, by)], house.now.business)
        await tx.execute("update reference set claim = true")
    async with house.database.transaction() as tx:
        await give_back(tx, [(subject, by)])
    assert await house.rejoin.step(house.now) == 0
    assert await house.all(COUNT) == [(PARKED,)]
    assert await house.all("select count(*) from woken") == [(0,)]


def to_both(n: int) -> list[Claim]:
    """The reference of the n-th payout, for two subjects."""
    [reference] = PROCESS.registers(as_fact(payout(f"po_{n}")))
    return [Claim(reference, Subject("payout", f"{half}/{n}"), b"fact") for half in ("one", "other")]


async def test_what_stands_between_two_subjects_is_no_work_each_second_and_holds_nobody_up(house: House) -> None:
    [(natural_key,)] = await house.all(
        "select convert_from(arrival, 'UTF8')::json ->> 'natural_key' from parked order by shard desc, id desc limit 1"
    )
    last = int(str(natural_key).rsplit("_")[-1])
    async with house.database.transaction() as tx:
        claims = [claim for n in range(PARKED) if n != last for claim in to_both(n)]
        await register_all(tx, house.keys, claims, house.now.business)
    await house.tell([as_fact(payout(f"po_{last}"))])
    while await house.decider.step(house.now):
        pass
    assert sum([await house.rejoin.step(house.now) for _ in range(PARKED // parked.ROUND + 1)]) == 1
    assert await house.all(COUNT) == [(PARKED - 1,)]
    assert await house.all("select count(*) from woken") == [(0,)]


async def test_what_another_reference_leads_elsewhere_at_this_moment_waits_on(house: House) -> None:
    class Slow(Rejoin):
        async def _look_round(self, tx: Transaction) -> tuple[list[Any], tuple[int, bytes]]:
            looked = await super()._look_round(tx)
            async with house.database.transaction() as other:
                await register_all(other, house.keys, to_both(7)[1:], house.now.business)
            return looked

    async with house.database.transaction() as tx:
        await register_all(tx, house.keys, to_both(7)[:1], house.now.business)
    assert await Slow(house.database, house.keys, house.processes).step(house.now) == 0
    assert await house.rejoin.step(house.now) == 0
    assert await house.all(COUNT) == [(PARKED,)]
    assert await house.all("select count(*) from woken") == [(0,)]
