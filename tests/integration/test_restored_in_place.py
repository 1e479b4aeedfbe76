"""A dump that is put back into the running database breaks no connection: nothing leaves after it all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio

from nostro.engine.checkpoints import Checkpoints
from nostro.model.failures import DatabaseRestored
from nostro.store.audit import Anchor
from nostro.store.database import Database
from tests.dispatch_world import Worker, World, installed
from tests.integration.test_audit import SEAL
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
MOVES_ON = "update shard set position = position + 1, head = sha256(head) where shard = 7"
PUT_BACK = "delete from checkpoint where number > 1"
"""What a dump from the time of the first checkpoint takes away that matters here."""


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def nowhere(_: Anchor, __: datetime) -> None:
    """Nobody else keeps it: what the process has seen is enough."""


async def sealed_twice(world: World, database: Database) -> Checkpoints:
    checkpoints = Checkpoints(database, SEAL, nowhere)
    for _ in range(2):
        await world.run(MOVES_ON)
        world.later(5)
        assert await checkpoints.step(world.now) == 1
    return checkpoints


async def test_no_call_begins_by_whoever_saw_what_is_not_there_any_more(database: Database) -> None:
    world = World(database, operation("look_up"))
    worker = Worker(world, "one")
    await worker.slots.step(world.now)
    await sealed_twice(world, database)
    key = await world.want("po_1")
    await world.run(PUT_BACK)
    await worker.settle()
    assert (world.settled, world.partner.effects[key]) == ([], 0)


async def test_with_the_next_checkpoint_it_is_noticed_and_the_process_ends(database: Database) -> None:
    world = World(database, operation("look_up"))
    checkpoints = await sealed_twice(world, database)
    await world.run(PUT_BACK)
    world.later(5)
    with pytest.raises(DatabaseRestored):
        await checkpoints.step(world.now)
    [(why,)] = await world.all("select quarantine from deployment")
    assert "checkpoint 2" in str(why)
    assert await world.all("select max(number) from checkpoint") == [(1,)], "nothing is sealed on what was put back"


async def test_a_log_that_others_have_sealed_meanwhile_is_the_same_log(database: Database) -> None:
    world = World(database, operation("look_up"))
    one = await sealed_twice(world, database)
    other = Checkpoints(database, SEAL, nowhere)
    await world.run(MOVES_ON)
    world.later(5)
    assert await other.step(world.now) == 1
    assert await one.step(world.now) == 0
    key = await world.want("po_1")
    await Worker(world, "one").settle()
    assert world.settled == [(key, "done")]
