"""A worker that began before a landscape was published leaves no slot of a connection that it knows to nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import pytest
import pytest_asyncio

from nostro.engine.slots import Slots
from nostro.engine.tenure import Tenure
from nostro.store.database import Database
from tests.dispatch_world import World, installed
from tests.toy_partner import operation

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]


@dataclass
class Workers:
    """By name, each with the landscape with which it began."""

    world: World
    slots: dict[str, Slots] = field(default_factory=dict)
    tenure: dict[str, Tenure] = field(default_factory=dict)

    def begin(self, name: str, connections: Sequence[str]) -> None:
        known = {one: replace(self.world.connection, id=one) for one in connections}
        self.slots[name] = Slots(self.world.database, name, known)
        self.tenure[name] = Tenure(self.world.database, name, {}, serves=self.slots[name].served())

    async def end(self, name: str) -> None:
        await self.slots.pop(name).release(self.world.now)
        await self.tenure.pop(name).release(self.world.now)

    async def live(self, seconds: int = 30) -> None:
        for _ in range(seconds):
            for name, slots in self.slots.items():
                await self.tenure[name].step(self.world.now)
                await slots.step(self.world.now)
            self.world.later(1)

    def held(self, name: str) -> list[str]:
        slots = self.slots[name]
        return [slot.connection for one in slots.served() for slot in slots.held(one, self.world.now)]

    def all_held(self) -> list[str]:
        return sorted(one for name in self.slots for one in self.held(name))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("new", [("bank-fr",), ("bank-fr", "bank-nl"), ("a", "b", "z")])
async def test_every_slot_is_held_while_one_worker_knows_connections_that_the_other_does_not(
    database: Database, new: tuple[str, ...], slots: int
) -> None:
    workers, before = Workers(World(database, operation("look_up"), slots=slots)), ("odoo", "stripe")
    for name in ("one", "two"):
        workers.begin(name, before)
    await workers.live()
    assert workers.all_held() == sorted(slots * before)
    assert len(workers.held("one")) == slots
    await workers.end("two")
    await workers.live()
    workers.begin("three", (*before, *new))
    await workers.live(60)
    assert workers.all_held() == sorted(slots * (*before, *new))
    assert len(workers.held("one")) == slots, "and what both know is shared evenly"
    await workers.end("one")
    workers.begin("four", (*before, *new))
    await workers.live(60)
    assert workers.all_held() == sorted(slots * (*before, *new))
    assert abs(len(workers.held("three")) - len(workers.held("four"))) <= 1
