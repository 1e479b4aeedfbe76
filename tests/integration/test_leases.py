"""Leases of shards and slots: taken and renewed in time, whatever becomes of one attempt or of the clock."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from nostro.connectors.kit.reading import Item, ReceiptView
from nostro.engine import slots, tenure
from nostro.engine.slots import Slots
from nostro.engine.tenure import Tenure
from nostro.ingress import leases, reading
from nostro.ingress.leases import Leases
from nostro.model.clock import Now
from nostro.model.failures import DatabaseUnavailable
from nostro.model.ids import SHARDS
from nostro.runtime.workers import name_of
from nostro.store.database import Database
from nostro.store.entropy import SystemEntropy
from tests.dispatch_world import START, Killed, Mortal, World, installed
from tests.integration.intake_house import begun, read
from tests.integration.synthetic import House
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
NOW = Now(START, START)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


def later(seconds: float) -> Now:
    return Now(START + timedelta(seconds=seconds), START + timedelta(seconds=seconds))


def holders(database: Database, worker: str = "one") -> dict[str, Any]:
    """A worker's shards and slots over a database that can be away."""
    flickering: Any = Mortal(database)
    world = World(database, operation("look_up"), slots=2)
    connections = {world.connection.id: world.connection}
    return {
        "database": flickering,
        "tenure": Tenure(flickering, worker, {"payout": 1}),
        "slots": Slots(flickering, worker, connections),
    }


async def attempt(step: Any, now: Now) -> None:  # noqa: ANN401 - either's
    with suppress(Killed):
        await step(now)


async def test_slots_are_made_though_the_first_attempt_failed(database: Database) -> None:
    one = holders(database)
    one["database"].dead = True
    await attempt(one["slots"].step, NOW)
    one["database"].dead = False
    await attempt(one["slots"].step, later(5))
    assert len(one["slots"].held("psp", later(5))) == 2, "else nothing ever leaves over this connection"


@pytest.mark.parametrize("kind", ["tenure", "slots"])
async def test_a_renewal_that_failed_is_tried_again_at_once(database: Database, kind: str) -> None:
    one = holders(database)
    holder = one[kind]
    await holder.step(NOW)
    one["database"].dead = True
    await attempt(holder.step, later(3.5))
    one["database"].dead = False
    await attempt(holder.step, later(4.5))
    kept = holder.held(later(11)) if kind == "tenure" else holder.held("psp", later(11))
    assert len(kept) == (SHARDS if kind == "tenure" else 2), "it holds them beyond its first lease"


@pytest.mark.parametrize("kind", ["tenure", "slots"])
async def test_a_clock_that_is_set_back_leaves_no_lease_that_lasts_for_an_hour(database: Database, kind: str) -> None:
    one = holders(database)
    await one[kind].step(NOW)
    back = later(-3600)
    await one[kind].step(back)
    leases = "shard" if kind == "tenure" else "lease where kind = 'slot'"
    async with database.transaction() as tx:
        [row] = await (await tx.execute(f"select max(until) as until from {leases}".encode())).fetchall()
    lease = tenure.LEASE if kind == "tenure" else slots.LEASE
    assert row.until == back.machine + lease, "should it die now, others have them soon"


async def test_two_workers_send_over_the_slots_of_the_shards_that_they_decide(database: Database) -> None:
    world = World(database, operation("look_up"), slots=2)
    connections = {world.connection.id: world.connection}
    workers = {name: (Tenure(database, name, {}), Slots(database, name, connections)) for name in ("two", "one")}
    for seconds in (0, 4, 8):
        for shards, sends in workers.values():
            await shards.step(later(seconds))
            await sends.step(later(seconds))
    for shards, sends in workers.values():
        assert len(shards.shards) == SHARDS / 2
        assert {shard % 2 for shard in shards.shards} == {slot.number for slot in sends.held("psp", later(8))}


@pytest.mark.parametrize("kind", ["tenure", "slots"])
async def test_what_a_dead_worker_held_is_anothers_though_the_clock_was_set_back(database: Database, kind: str) -> None:
    dead, heir = holders(database), holders(database, "two")
    for each in ("tenure", "slots"):
        await dead[each].step(NOW)
    back = later(-3600)
    await heir["tenure"].step(back)
    await heir[kind].step(back)
    kept = heir[kind].held(back) if kind == "tenure" else heir[kind].held("psp", back)
    assert len(kept) == (SHARDS if kind == "tenure" else 2), "else nobody works on them for an hour"


async def test_two_processes_of_one_number_on_hosts_of_one_name_do_not_share_a_feed(database: Database) -> None:
    """As containers that share their host's network are."""
    one, two = [Leases(database, name_of(SystemEntropy())) for _ in range(2)]
    assert one.worker.endswith(f"-{os.getpid()}")
    assert await one.take("psp", "events", NOW)
    assert await two.take("psp", "events", later(1)) is None
    await two.release(later(2))
    assert await one.take("psp", "events", later(3)), "nor does one's end let go of what the other holds"
    assert await two.take("psp", "events", later(5)) is None


async def test_a_feed_that_a_dead_worker_polled_is_anothers_though_the_clock_was_set_back(database: Database) -> None:
    dead, heir = Leases(database, "one"), Leases(database, "two")
    assert await dead.take("psp", "events", NOW)
    assert await heir.take("psp", "events", later(1)) is None
    assert await heir.take("psp", "events", later(-3600))


@pytest.mark.parametrize("kind", ["tenure", "decider"])
async def test_shards_are_locked_in_their_order_so_that_renewing_and_deciding_never_deadlock(
    database_url: str, kind: str
) -> None:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.install()
        async with database.transaction() as tx:
            await tx.execute("update shard set head = head where shard = 0")  # it stands last in its table by now
        house.later(seconds=4)
        async with database.transaction() as first:
            await first.execute("select from shard where shard = 0 for update")
            step = asyncio.create_task(getattr(house, kind).step(house.now))
            await asyncio.sleep(1)
            free = await house.all("select shard from shard order by shard for update skip locked")
            assert len(free) == SHARDS - 1, "who waits for the first one holds none behind it"
        await step


async def test_who_gives_shards_back_to_one_that_joins_locks_none_before_its_turn(database_url: str) -> None:
    """Else a decision that holds the first ones and waits for one of these, and the renewal, wait for each other."""
    async with Database(database_url, size=4) as database:
        house = await with_another(database)
        async with database.transaction() as first:
            await first.execute("select from shard where shard = 0 for update")
            step = asyncio.create_task(house.tenure.step(house.now))
            await blocked(house)
            free = await house.all("select shard from shard order by shard for update skip locked")
            assert len(free) == SHARDS - 1, "who waits for the first one holds none behind it"
        assert await step == SHARDS / 2
        assert await house.all("select shard from shard where holder = '' order by shard") == [
            (number,) for number in range(1, SHARDS, 2)
        ]
        assert sorted(house.tenure.shards) == list(range(0, SHARDS, 2))


async def test_a_shard_that_the_decider_loses_while_leases_are_renewed_costs_no_renewal(database_url: str) -> None:
    async with Database(database_url, size=4) as database:
        house = await with_another(database)
        async with database.transaction() as first:
            await first.execute("select from shard where shard = 1 for update")
            step = asyncio.create_task(house.tenure.step(house.now))
            await blocked(house)
            house.tenure.lost([2, 3])
        await step
        assert sorted(house.tenure.shards) == [number for number in range(0, SHARDS, 2) if number != 2]


async def test_a_slot_that_a_drive_loses_while_leases_are_renewed_costs_no_renewal(database: Database) -> None:
    one, two = holders(database), holders(database, "two")
    await one["slots"].step(NOW)
    await two["tenure"].step(later(4))
    given = one["slots"].held("psp", later(4))[1]
    async with database.transaction() as first:
        await first.execute("select from lease where kind = 'slot' and slot = 0 for update")
        step = asyncio.create_task(one["slots"].step(later(4)))
        while not await waits_for_a_lock(database):  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.01)
        one["slots"].lost(given)
    await step
    assert [slot.number for slot in one["slots"].held("psp", later(11))] == [0]


async def test_who_refuses_shards_says_so_before_it_locks_them(database_url: str) -> None:
    """In the order of a step, which waits for its shards when it has said that its worker lives."""
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.install()
        async with database.transaction() as first:
            await first.execute("select from worker for update")
            refusing = asyncio.create_task(house.tenure.refuse({3: "It lacks something."}, house.now))
            await blocked(house)
            free = await house.all("select shard from shard order by shard for update skip locked")
            assert len(free) == SHARDS
        await refusing
        assert await house.all("select shard from shard where holder = ''") == [(3,)]


async def with_another(database: Database) -> House:
    """A house that holds all shards, of which half are another one's by now."""
    house = House(database)
    await house.install()
    house.later(seconds=4)
    at = house.now.machine
    async with database.transaction() as tx:
        await tx.execute("insert into worker values ('worker-2', %s, %s, '{}')", (at, at))
        again = "with gone as (delete from shard where shard = 0 returning *) insert into shard table gone"
        await tx.execute(again.encode())  # it stands last in its table by now
    return house


async def blocked(house: House) -> None:
    while not await waits_for_a_lock(house.database):  # noqa: ASYNC110 - the server sets no event
        await asyncio.sleep(0.01)


async def waits_for_a_lock(database: Database) -> bool:
    waiting = b"select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with database.transaction() as tx:
        return bool(await (await tx.execute(waiting)).fetchall())


async def test_what_lasts_longer_than_a_lease_stays_its_workers(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two workers would take a slow page or a large file from each other for ever, and nobody would end it."""
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.3))
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.install()
        one, two = Leases(database, "one"), Leases(database, "two")
        assert await one.take("psp", "events", house.now)
        async with one.kept("psp", "events", house.now):
            await asyncio.sleep(0.6)
            assert await two.take("psp", "events", now_of(house, 0.5)) is None
        assert await two.take("psp", "events", now_of(house, 5))


async def test_a_receipt_whose_reader_takes_longer_than_a_lease_is_not_begun_anew_by_another_worker(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await begun(database_url)

    def slowly(receipt: ReceiptView) -> Iterator[Item]:
        time.sleep(0.6)
        yield from read(receipt)

    house.connections["till"] = replace(house.connection, connector=replace(house.connection.connector, read=slowly))
    for module in (leases, reading):
        monkeypatch.setattr(module, "LEASE", timedelta(seconds=0.3))
    await house.take({"payout": "po_1"})
    step = asyncio.create_task(house.readings.step(house.now))
    await asyncio.sleep(0.5)
    assert await house.make_readings().step(now_of(house, 0.45)) == 0
    assert await step == 2, "an item and the end"
    assert await house.all("select count(*) from reading") == [(0,)]
    await house.database.__aexit__()


def now_of(house: House, seconds: float) -> Now:
    return Now(house.now.business, house.now.machine + timedelta(seconds=seconds))


async def test_a_renewal_ends_with_its_block_though_its_database_goes_away_at_that_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.03))
    begun = asyncio.Event()

    async def again(_: datetime) -> None:
        if begun.is_set():
            await asyncio.sleep(60)
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        raise DatabaseUnavailable("It went away.")

    async with asyncio.timeout(5), leases.renewed(again, NOW):
        await begun.wait()
