"""What becomes of commands whose right is missing, and of all of them when the key itself is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nostro.store.database import Database
from tests.dispatch_world import Worker, World, installed
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def test_a_missing_right_hands_over_and_opens_the_breaker(database: Database) -> None:
    world = World(database, operation("look_up"))
    for n in range(3):
        await world.want(f"po_{n}")
    world.partner.fault = lambda _: "locked_out"
    await Worker(world, "one").settle()
    assert await world.all("select state from breaker") == [("open",)]
    assert {kind for _, kind in world.settled} == {"handed_over"}


async def test_a_refused_key_opens_the_breaker_hands_nothing_over_and_all_is_done_once_it_is_mended(
    database: Database,
) -> None:
    world = World(database, operation("look_up"))
    for n in range(3):
        await world.want(f"po_{n}")
    world.partner.fault = lambda _: "denied"
    worker = Worker(world, "one")
    for _ in range(40):
        await worker.settle()
        world.later(600)
    assert await world.all("select state from breaker") == [("open",)]
    assert world.settled == []
    world.partner.fault = lambda _: ""
    for _ in range(6):
        world.later(600)
        await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"] * 3
    assert world.partner.catch_up() == {key: 1 for key, _ in world.settled}
