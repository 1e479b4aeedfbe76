"""Sealed bytes or a data key that were changed where they are stored stop what needs them, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nostro.engine.parked import Rejoin
from nostro.model.failures import SealBroken
from nostro.store.arrivals import bound_to
from nostro.store.blobs import seal_all
from nostro.store.database import Database
from nostro.store.entropy import SeededEntropy
from nostro.store.keys import SUCCESSORS, DataKey, KeyName, Keys
from tests.dispatch_world import KEYS, START, Worker, World, installed
from tests.integration.synthetic import PROCESS, House, as_fact, line, payout
from tests.movements import report
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
NAME = KeyName("DE", "books", None, "2026-08")
CHANGED = "update data_key set wrapped = '\\x00' || substring(wrapped from 2)"


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        yield house


async def _key(database: Database, keys: Keys) -> str:
    """A data key's id, as PostgreSQL writes it."""
    made = await keys.ensure(database, [NAME], START)
    keys.forget()
    return f"'\\x{made[NAME].id.hex()}'"


async def test_a_fact_whose_data_key_was_changed_stops_its_subject_and_nothing_else(house: House) -> None:
    key = await _key(house.database, house.keys)
    await house.all(f"{CHANGED} returning 1")
    await house.tell([as_fact(payout("po_1")), as_fact(payout("po_2"))])
    await house.all(f"update arrival set data_key = {key}, sealed_body = '\\x01' where subject = 'po_1' returning 1")
    await house.settle()
    assert await house.all("select subject from fact where process = 'payout'") == [("po_2",)]
    assert await house.all("select subject, reason from exception_case") == [("po_1", "poisoned")]


async def test_a_subject_whose_data_key_was_changed_is_set_aside_as_it_is(house: House) -> None:
    key = await _key(house.database, house.keys)
    await house.tell([as_fact(payout("po_1")), as_fact(payout("po_2"))])
    await house.settle()
    await house.all(f"{CHANGED} returning 1")
    await house.all(f"update subject set data_key = {key}, sealed_body = '\\x01' where subject = 'po_1' returning 1")
    await house.tell([as_fact(line("po_1", "txn_1")), as_fact(line("po_2", "txn_2"))])
    await house.settle()
    assert await house.all("select subject from fact where type = 'payout.line_reported'") == [("po_2",)]
    assert await house.all("select sealed_body from subject where subject = 'po_1'") == [(b"\x01",)]
    assert await house.all("select subject, reason from exception_case") == [("po_1", "poisoned")]


async def test_what_is_new_gets_the_next_data_key_where_the_present_one_was_changed(house: House) -> None:
    told = [as_fact(report(text=f"payment {n}", ordinal=n)) for n in range(3)]
    (first,) = await seal_all(house.database, house.keys, told[:1], START)
    house.keys.forget()
    await house.all(f"{CHANGED} returning 1")
    blobs = await seal_all(house.database, house.keys, told[1:], START)
    house.keys.forget()
    (again,) = await seal_all(house.database, house.keys, told[1:2], START)
    assert {blob.data_key for blob in blobs} == {again.data_key} != {first.data_key}
    async with house.database.transaction() as tx:
        known = await house.keys.load(tx, [first.data_key or b"", again.data_key or b""])
    for one, blob in zip(told[1:], blobs, strict=True):
        key, bound = known[blob.data_key or b""], bound_to(one.key)
        assert key is not None
        assert b"payment" in house.keys.open(key, blob.sealed or b"", bound)
    changed = known[first.data_key or b""]
    with pytest.raises(SealBroken):
        house.keys.open(changed or DataKey(b"", b""), first.sealed or b"", bound_to(told[0].key))


async def test_a_name_whose_data_keys_are_all_changed_seals_nothing_more(house: House) -> None:
    for _ in range(SUCCESSORS + 1):
        await _key(house.database, house.keys)
        await house.all(f"{CHANGED} where get_byte(wrapped, 0) <> 0 returning 1")
    with pytest.raises(SealBroken, match="in a row"):
        await house.keys.ensure(house.database, [NAME], START)


async def test_a_parked_fact_whose_sealed_part_was_changed_holds_nobody_else_up(house: House) -> None:
    key = await _key(house.database, house.keys)
    await house.tell([as_fact(line("po_8", "bad")), as_fact(line("po_9", "good"))])
    changed = f"update parked set data_key = {key}, sealed_body = '\\x00112233445566778899aabbccddeeff0011'"
    await house.all(f"{changed} where convert_from(arrival, 'UTF8') like '%psp/bad%' returning 1")
    house.rejoin = Rejoin(house.database, house.keys, {"payout": PROCESS})
    house.later(seconds=90)
    await house.tenure.step(house.now)
    await house.settle()
    assert await house.all("select subject from fact where process = 'payout'") == [("nobody's",)]
    assert await house.all("select subject, reason from exception_case") == [
        ("orphan/payout.line_reported:psp/bad", "poisoned")
    ]


async def test_a_command_whose_data_key_was_changed_is_handed_over_and_stops_nothing_else(database_url: str) -> None:
    async with installed(database_url) as database:
        world = World(database, operation("look_up"))
        broken, whole = await world.want("po_1"), await world.want("po_2")
        key = await _key(database, Keys({1: b"k" * 32}, SeededEntropy(5)))
        await world.run(CHANGED)
        await world.run(f"update command_open set data_key = {key}, sealed_body = '\\x01' where subject = 'po_1'")
        await Worker(world, "one").settle()
        assert dict(world.settled) == {broken: "handed_over", whole: "done"}
        KEYS.forget()
