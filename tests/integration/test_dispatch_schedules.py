"""Whatever dies or sleeps, whenever, and whatever the partner does: one effect a key, in order, and one outcome."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Literal

import pytest
import pytest_asyncio

from nostro.connectors.kit.manifest import Absence
from nostro.model.failures import FailureKind
from nostro.store.database import Database
from tests.dispatch_world import Mortal, Worker, World, installed
from tests.toy_partner import Fault, operation

pytestmark = pytest.mark.asyncio
Way = Literal["look_up", "their_key"]
FAULTS: Sequence[Fault] = (
    "",
    "",
    "",
    "",
    "busy",
    "unsent",
    "cut_before",
    "cut_after",
    "cut_late",
    "broken",
    "nonsense",
)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


@pytest.mark.parametrize("way", ["look_up", "their_key"])
@pytest.mark.parametrize("block", range(5))
async def test_every_schedule_of_deaths_sleeps_and_faults_ends_in_one_effect_a_key(
    database: Database, way: Way, block: int
) -> None:
    for seed in range(block * 6, block * 6 + 6):
        await live(World(database, operation(way, batch=1 + seed % 3), way == "their_key", slots=1 + seed % 2), seed)


async def live(world: World, seed: int) -> None:
    """Two places for workers, in which one dies, sleeps or is replaced at any time; then quiet until all is done.

    In some lives dispatches don't hold their members yet, as beside the last release, or do so from the middle on.
    """
    await world.run(f"update deployment set members_in_dispatch = {seed // 3 % 3 == 0}")
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    wanted = [await world.want(f"s{seed}_{n // 2}", f"step{n % 2}") for n in range(8)]
    world.partner.fault = lambda _: chance.choice(FAULTS)
    workers: list[Worker] = []
    sleepers: list[Worker] = []

    def hire() -> Worker:
        fate = chance.randrange(3)
        at = chance.randrange(3, 40)
        mortal = Mortal(world.database, dies_at=at if fate == 0 else 0, sleeps_at=at if fate == 1 else 0)
        return Worker(world, f"w{seed}-{chance.random()}", mortal)

    workers = [hire(), hire()]
    for turn in range(60):
        if turn == 30 and seed // 3 % 3 == 1:
            await world.run("update deployment set members_in_dispatch = true")
        place = chance.randrange(2)
        await workers[place].poke()
        await world.absorb()
        if workers[place].mortal.dead or workers[place].mortal.asleep or chance.random() < 0.05:
            sleepers.append(workers[place])
            workers[place] = hire()
        if chance.random() < 0.5:
            world.later(chance.choice([1, 3, 11, 40]))
    world.partner.fault = lambda _: ""
    last = Worker(world, f"last{seed}")
    old = [*sleepers, *workers]
    for _ in range(200):
        for worker in old:
            worker.mortal.awake.set()
            await worker.dispatcher._moment()
        await last.settle()
        if not await world.all("select 1 from command_open limit 1"):
            break
        world.later(5)
    for worker in (*old, last):
        await worker.dispatcher.stop(0)
        await asyncio.gather(*[worker.stepping] if worker.stepping else [])
    check(world, seed, wanted)
    await world.run("truncate command_open, dispatch, dispatch_member, lease, breaker, arrival")


def check(world: World, seed: int, wanted: Sequence[str]) -> None:
    assert world.partner.catch_up() == dict.fromkeys(wanted, 1), seed
    assert sorted(key for key, _ in world.settled) == sorted(wanted), seed
    assert {kind for _, kind in world.settled} <= {"done", "adopted"}, seed
    for first, second in zip(wanted[::2], wanted[1::2], strict=True):
        assert world.partner.order.index(first) < world.partner.order.index(second), seed


async def test_a_reply_is_kept_although_what_follows_from_it_is_refused(database: Database) -> None:
    """It is committed with the dispatch's end. Without it a person would have to find out what was done."""
    world = World(database, operation("person"))
    await world.want("po_1")
    worker = Worker(world, "one")
    await world.run("alter table arrival add constraint refused check (type <> 'command.settled')")
    await worker.settle()
    assert await world.all("select n, reply_receipt is not null from attempt_call") == [(1, True)]
    assert await world.all("select count(*) from arrival") == [(0,)]
    await world.run("alter table arrival drop constraint refused")
    world.later(6)
    await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"]
    assert world.partner.effects.total() == 1


async def test_a_reply_is_kept_although_what_follows_from_it_can_not_be_told(database: Database) -> None:
    """They answer with half a character, which JSON may hold and no outcome can."""
    world = World(database, operation("person"))
    connection, wire = world.connection, world.connection.connector.wire
    assert wire is not None
    wire = replace(wire, understand=lambda *_: (None, FailureKind.INVALID, "half \ud83d"))
    world.connection = replace(connection, connector=replace(connection.connector, wire=wire))
    world.partner.fault = lambda _: "refused"
    await world.want("po_1")
    await Worker(world, "one").settle()
    assert await world.all("select n, reply_receipt is not null from attempt_call") == [(1, True)]
    assert world.settled == []


async def test_a_reply_is_kept_although_its_connector_can_make_nothing_of_it(database: Database) -> None:
    """Once that is mended it has its outcome: nobody has to find out what was done."""
    world = World(database, operation("person"))
    whole = world.connection
    operations = {world.does.name: replace(world.does, absence=no_absence)}
    manifest = replace(whole.connector.manifest, operations=operations)
    world.connection = replace(whole, connector=replace(whole.connector, manifest=manifest))
    await world.want("po_1")
    worker = Worker(world, "one")
    await worker.settle()
    await worker.dispatcher.stop(0)
    assert await world.all("select n, reply_receipt is not null from attempt_call") == [(1, True)]
    world.connection = whole
    world.later(20)
    await Worker(world, "two").settle()
    assert [kind for _, kind in world.settled] == ["done"]
    assert world.partner.effects.total() == 1


def no_absence(_: object) -> Absence:
    raise RuntimeError
