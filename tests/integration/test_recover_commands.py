"""What an opened recovery takes back, and what it leaves to the outcome that the restored log holds already."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nostro.store.database import Database
from tests.dispatch_world import Worker, World, installed
from tests.integration.test_recover import opened
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
BLOCKED = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as ready:
        yield ready


@pytest.mark.parametrize("outcome", ["failed", "handed_over"])
async def test_whose_outcome_is_not_decided_yet_begins_no_second_dialogue(database: Database, outcome: str) -> None:
    """The restored log knows how it ended. Two dialogues of one key would both send once absence is proven."""
    world = World(database, operation("look_up"))
    key = await world.want("po_1")
    [(body,)] = await world.all("select encode(body, 'hex') from command_open")
    world.partner.fault = lambda request: "refused" if request.url.endswith("/do") else ""
    if outcome == "handed_over":
        await world.run("update command_open set body = ''")  # no release can read it
    one = Worker(world, "one")
    while not await world.all("select 1 from arrival"):
        await one.step()
    await one.dispatcher.stop(0)
    world.partner.fault = lambda _: ""
    world.partner.calls.clear()
    await world.run(f"update command_open set body = '\\x{body}'")
    await opened(world)
    two = Worker(world, "two")
    for _ in range(5):
        await two.step()
    await world.absorb()
    assert world.settled == [(key, outcome)]
    asked = len(world.partner.calls)
    await world.run("update command_open set status = 'ready', dispatch = null, actor = 'ben'")
    await two.settle()
    world.later(200)
    await two.settle()
    sent = outcome == "handed_over"
    assert world.partner.effects[key] == world.partner.calls.count("/do") == sent
    assert world.settled[1:] == [(key, "done")] * sent
    assert (asked, await world.all("select 1 from dispatch")) == (0, [])


async def test_what_nobody_has_ended_is_looked_up_whatever_its_neighbour_came_to(database: Database) -> None:
    """Each in a dispatch of its own: one has ended and waits to be decided, one was cut, one had not begun."""
    world = World(database, operation("look_up"))
    ended, cut = await world.want("po_1"), await world.want("po_2")
    cuts = {"keys": [cut]}
    world.partner.fault = lambda request: (
        "cut_before" if json.loads(request.body) == cuts and "do" in request.url else ""
    )
    one = Worker(world, "one")
    while await world.all("select status from dispatch") != [("waiting",)]:
        await one.step()
    await one.dispatcher.stop(0)
    ready = await world.want("po_3")
    world.partner.fault = lambda _: ""
    world.partner.effects.update([cut, ready])  # in the life that is lost
    await opened(world)
    assert await world.all("select correlation, status from command_open order by subject") == [
        (ended, "dispatched"),
        (cut, "ready"),
        (ready, "ready"),
    ]
    await Worker(world, "two").settle()
    assert sorted(world.settled) == sorted([(ended, "done"), (cut, "adopted"), (ready, "adopted")])
    assert world.partner.effects == {ended: 1, cut: 1, ready: 1}
    assert await world.all("select 1 from command_open") == []


async def test_leases_are_fenced_in_the_order_in_which_slots_are_renewed(database: Database) -> None:
    """Else a recovery, and an end or a renewal beside it, could wait for each other."""
    world = World(database, operation("look_up"), slots=3)
    await Worker(world, "one").slots.step(world.now)
    again = "with gone as (delete from lease where kind = 'slot' and slot = 0 returning *) insert into lease table gone"
    await world.run(again)  # it stands last in its table
    async with database.transaction() as first:
        await first.execute("select from lease where kind = 'slot' and slot = 0 for update")
        opening = asyncio.create_task(opened(world))
        while not await world.all(BLOCKED):  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.01)
        free = await world.all("select slot from lease where kind = 'slot' order by slot for update skip locked")
    await opening
    assert free == [(1,), (2,)], "who waits for the first one holds none behind it"
