"""Facts that a newer release has told, beside a worker that doesn't know them: they wait for one that does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nostro.engine import parked
from nostro.engine.activation import activate
from nostro.model.ids import SHARDS
from nostro.store.database import Database
from tests.integration.synthetic import House, as_fact, line, payout

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]
DECIDED = "select subject, type from fact where process = 'payout' order by subject, revision"
CASES = "select count(*) from exception_case"
NEWER = "convert_to(replace(convert_from(arrival, 'utf8'), 'payout.line_reported', 'payout.foreseen'), 'utf8')"
KNOWN = "convert_to(replace(convert_from(arrival, 'utf8'), 'payout.foreseen', 'payout.line_reported'), 'utf8')"


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with Database(database_url, size=4, by_index=True) as database:
        house = House(database)
        await house.begin()
        yield house


async def change(house: House, statement: str) -> None:
    async with house.database.transaction() as tx:
        await tx.execute(statement.encode())


async def comes_back(house: House) -> None:
    """The worker asks for the shard again that it refused."""
    house.later(seconds=90)
    await house.tenure.step(house.now)
    await house.settle()


@pytest.mark.parametrize("newer, back", [
    ("type = 'payout.foreseen'", "type = 'payout.line_reported'"), ("type_version = 2", "type_version = 1"),
])  # fmt: skip
async def test_a_fact_that_a_release_does_not_know_is_left_to_a_newer_one_and_nobody_is_set_aside(
    house: House, newer: str, back: str
) -> None:
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    await house.tell([as_fact(line("po_1", "txn_1"))])
    await change(house, f"update arrival set {newer}")
    await house.tell([as_fact(payout("po_2"))])
    await house.decider.step(house.now)
    assert await house.all(DECIDED) == [("po_1", "payout.reported"), ("po_2", "payout.reported")]
    assert len(house.tenure.shards) == SHARDS - 1
    assert await house.all(CASES) == [(0,)]
    await change(house, f"update arrival set {back}")
    await comes_back(house)
    assert await house.all(DECIDED) == [
        ("po_1", "payout.reported"), ("po_1", "payout.line_reported"), ("po_2", "payout.reported"),
    ]  # fmt: skip
    assert await house.all(CASES) == [(0,)]


async def test_what_the_house_is_told_by_a_newer_release_waits_and_so_does_what_the_house_is_told_behind_it(
    house: House,
) -> None:
    await activate(house.database, house.keys, b'{"first":1}', "controller", "a rule changed", house.now)
    await change(house, "update arrival set type = 'bundle.foreseen' where shard = 7")
    house.later(seconds=1)
    second = await activate(house.database, house.keys, b'{"second":1}', "controller", "another one", house.now)
    await house.settle()
    under = "select encode(bundle, 'hex') from shard where shard {} 7 group by 1"
    assert await house.all(under.format("<>")) == [(second.digest,)]
    waiting = await house.all("select shard, type from arrival order by at")
    assert waiting == [(7, "bundle.foreseen"), (7, "bundle.activated")]
    assert 7 in house.tenure.refused
    assert await house.all(CASES) == [(0,)]
    await change(house, "update arrival set type = 'bundle.activated'")
    await comes_back(house)
    assert await house.all(under.format("=")) == [(second.digest,)]


async def test_what_is_parked_and_not_known_stays_when_its_time_is_over(house: House) -> None:
    await house.tell([as_fact(line("po_9", "txn_9"))])
    await change(house, f"update parked set arrival = {NEWER}")
    house.later(days=3)
    await house.tenure.step(house.now)
    await house.settle()
    assert await house.all("select kind from parked") == [("fact",)]
    assert await house.all(CASES) == [(0,)]
    await change(house, f"update parked set arrival = {KNOWN}")
    house.later(minutes=2)
    await house.tenure.step(house.now)
    await house.settle()
    assert await house.all("select count(*) from parked") == [(0,)]


async def test_what_is_left_to_a_newer_release_keeps_nothing_else_from_its_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked, "BATCH", 3)
    for n in range(4):
        await house.tell([as_fact(line(f"po_{n}", f"txn_{n}"))])
        house.later(seconds=1)
    await change(house, f"update parked set arrival = {NEWER}")
    await house.tell([as_fact(line("po_8", "txn_8"))])
    house.later(days=3)
    await house.tenure.step(house.now)
    await house.settle()
    house.later(seconds=1)
    await house.settle()
    assert await house.all("select count(*) from parked") == [(4,)]
    assert await house.all("select natural_key from fact where process = 'payout'") == [("psp/txn_8",)]
