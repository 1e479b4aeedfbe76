"""A connection over which nothing can leave costs looks, and no commits: each would be flushed for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nostro.egress.breaker import FAILURES
from nostro.model.ids import Subject
from nostro.store.database import Database
from tests.dispatch_world import START, Worker, World, installed
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
STEPS = 20
"""Two seconds of a dispatcher that finds nothing."""
OPEN = f"insert into breaker values ('psp', 'open', 1, timestamptz '{START}' + interval '99 y', '{START}')"


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def commits(worker: Worker) -> float:
    """How many a step costs once the first ones have seen how it stands."""
    for _ in range(3):
        await worker.dispatcher.step(worker.world.now)
    before = worker.mortal.points
    for _ in range(STEPS):
        await worker.dispatcher.step(worker.world.now)
    return (worker.mortal.points - before) / 2 / STEPS


@pytest.mark.parametrize(
    "against, over",
    [
        (OPEN, "delete from breaker"),
        ("update deployment set quarantine = 'a restore'", "update deployment set quarantine = ''"),
        (f"insert into stop values ('psp', 'another Odoo', 0, 'C-1', '{START}')", "delete from stop"),
    ],
)
async def test_while_nothing_may_leave_and_afterwards_it_leaves(database: Database, against: str, over: str) -> None:
    world = World(database, operation("look_up"))
    await world.want("po_1")
    await world.run(against)
    worker = Worker(world, "one")
    await worker.slots.step(world.now)
    assert await commits(worker) == 0
    await world.run(over)
    await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"]


async def test_also_while_the_breaker_that_a_worker_has_opened_cools(database: Database) -> None:
    world = World(database, operation("look_up"))
    world.partner.fault = lambda _: "unsent"
    worker = Worker(world, "one")
    for n in range(FAILURES + 3):
        await world.want(f"po_{n}")
    await worker.settle()
    assert await world.all("select state from breaker") == [("open",)]
    assert await commits(worker) == 0
    world.partner.fault = lambda _: ""
    for _ in range(4):
        world.later(60)
        await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"] * (FAILURES + 3)


async def test_after_a_failure_that_opens_no_breaker(database: Database) -> None:
    world = World(database, operation("look_up"))
    worker = Worker(world, "one")
    await worker.slots.step(world.now)
    worker.dispatcher._breaker.health.failures = FAILURES - 1
    assert await commits(worker) == 0


async def test_while_only_another_slot_s_commands_wait(database: Database) -> None:
    world = World(database, operation("look_up"), slots=2)
    await world.run(f"insert into worker select w, '{START}', '{START}', '{{}}' from unnest('{{one,two}}'::text[]) w")
    one, two = Worker(world, "one"), Worker(world, "two")
    for worker in (one, two):
        await worker.slots.step(world.now)
    [other] = two.slots.held("psp", world.now)
    names = [f"po_{n}" for n in range(99)]
    await world.want(next(name for name in names if Subject("payout", name).shard % 2 == other.number))
    assert await commits(one) == 0
    await two.settle()
    assert [kind for _, kind in world.settled] == ["done"]


async def test_while_a_person_holds_an_older_command_of_the_subject(database: Database) -> None:
    world = World(database, operation("look_up"))
    await world.want("po_1", status="handed_over")
    await world.want("po_1", "after it")
    worker = Worker(world, "one")
    await worker.slots.step(world.now)
    assert await commits(worker) == 0
    await world.run("update command_open set status = 'ready'")
    await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"] * 2
