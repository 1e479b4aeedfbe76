"""Who can't work under the bundle that was published last lets its slots go, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from nostro.model.calls import HttpReply, HttpRequest
from nostro.store.database import Database
from tests.dispatch_world import Worker, World
from tests.integration.synthetic import House
from tests.integration.test_modes import house_on, old_release
from tests.toy_partner import operation

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]


@dataclass
class Release:
    """A worker that decides and sends."""

    house: House
    worker: Worker

    def __post_init__(self) -> None:
        """It sends by the rules by which it decides."""
        dispatcher = self.worker.dispatcher
        dispatcher.house = replace(dispatcher.house, rules_of=self.house.decider.rules_of)

    @property
    def holds(self) -> list[int]:
        """The slots on which it may begin something."""
        return [slot.number for slot in self.worker.slots.held("psp", self.worker.world.now)]

    async def step(self) -> None:
        self.house.now = self.worker.world.now
        await self.house.tenure.step(self.house.now)
        await self.worker.step()
        while self.worker.dispatcher.running:
            await self.worker.dispatcher.step(self.house.now)


@dataclass
class Upgrade:
    """An older release and a newer one side by side on a connection of two slots."""

    world: World
    old: Release
    new: Release

    async def published(self, bundle: str) -> None:
        """Those are the newest rules."""
        new = f"'{bundle}', '{bundle}', '{self.world.now.business}', 'controller', max(number) + 1"
        await self.world.run(f"insert into bundle select {new} from bundle")

    async def goes_on(self, *releases: Release, seconds: int = 8) -> None:
        for _ in range(0, seconds, 4):
            self.world.later(4)
            for release in releases or (self.old, self.new):
                await release.step()
            await self.world.absorb()


async def upgrading(database: Database, does: str) -> Upgrade:
    old, new = house_on(database, old_release, "old"), house_on(database, worker="new")
    await old.begin()
    world = World(database, operation(does), slots=2, now=old.now)  # type: ignore[arg-type]  # one of them
    upgrade = Upgrade(world, *(Release(house, Worker(world, house.worker)) for house in (old, new)))
    await upgrade.goes_on()
    assert (len(upgrade.old.holds), len(upgrade.new.holds)) == (1, 1)
    return upgrade


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, size=4, by_index=True) as opened:
        yield opened


async def test_an_older_release_leaves_its_slots_to_a_newer_one_as_long_as_it_lacks_the_newest_rules(
    database: Database,
) -> None:
    upgrade = await upgrading(database, "look_up")
    await upgrade.published("newer")
    await upgrade.goes_on()
    assert (upgrade.old.holds, upgrade.new.holds) == ([], [0, 1])
    for n in range(8):
        await upgrade.world.want(f"po_{n}")
    await upgrade.goes_on()
    assert [kind for _, kind in upgrade.world.settled] == ["done"] * 8
    assert set(upgrade.world.partner.effects.values()) == {1}
    await upgrade.published("older")
    await upgrade.goes_on(seconds=12)
    assert (len(upgrade.old.holds), len(upgrade.new.holds)) == (1, 1), "it takes part again"


async def test_what_it_has_under_way_is_heard_to_its_end_before_its_slot_goes(database: Database) -> None:
    """Here, where nothing can be looked up, a person would else have to say whether it was done."""
    upgrade = await upgrading(database, "person")
    world, [slot] = upgrade.world, upgrade.old.holds
    right, answer = world.partner.send, asyncio.Event()

    async def slow(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        reply = await right(request, timeout_seconds)
        await answer.wait()
        return reply

    world.partner.send = slow  # type: ignore[method-assign]  # the same partner, that lets us wait
    for n in range(8):
        await world.want(f"po_{n}")
    while not world.partner.calls:
        await upgrade.old.worker.step()
    await upgrade.published("newer")
    world.later(4)
    for release in (upgrade.old, upgrade.new):
        await release.house.tenure.step(world.now)
        await release.worker.slots.step(world.now)
    assert (upgrade.old.holds, upgrade.new.holds) == ([], [1 - slot])
    begun = world.partner.effects.total()
    answer.set()
    await upgrade.goes_on(upgrade.old, seconds=4)
    assert [kind for _, kind in world.settled] == ["done"] * begun
    await upgrade.goes_on()
    assert upgrade.new.holds == [0, 1]
    assert [kind for _, kind in world.settled] == ["done"] * 8


async def test_what_it_can_not_end_is_dropped_and_goes_on_elsewhere(database: Database) -> None:
    """Its partner is silent for longer than a lease: who has the slot next looks up what was done."""
    upgrade = await upgrading(database, "look_up")
    world = upgrade.world
    right, silent = world.partner.send, asyncio.Event()

    async def hanging(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        reply = await right(request, timeout_seconds)
        await silent.wait()
        return reply

    upgrade.old.worker.send = hanging  # type: ignore[method-assign]  # over its line nothing is heard
    for n in range(8):
        await world.want(f"po_{n}")
    while not world.partner.calls:
        await upgrade.old.worker.step()
    await upgrade.published("newer")
    for _ in range(4):
        world.later(4)
        for release in (upgrade.new, upgrade.old):
            await release.house.tenure.step(world.now)
        await upgrade.old.worker.step()
    assert upgrade.old.worker.dispatcher.running == 0
    await upgrade.goes_on(upgrade.new, seconds=200)
    assert upgrade.new.holds == [0, 1]
    assert sorted(world.partner.effects.values()) == [1] * 8
    assert {kind for _, kind in world.settled} <= {"done", "adopted"}
    assert len(world.settled) == 8


async def test_where_nobody_can_work_under_them_slots_stay_so_that_polls_go_on(database: Database) -> None:
    upgrade = await upgrading(database, "look_up")
    await upgrade.published("newer")
    await upgrade.new.house.tenure.release(upgrade.world.now)
    await upgrade.new.worker.slots.release(upgrade.world.now)
    await upgrade.world.want("po_1")
    await upgrade.goes_on(upgrade.old)
    assert upgrade.old.holds == [0, 1]
    assert upgrade.old.worker.slots.first_free("psp", upgrade.world.now) is not None
    assert upgrade.world.partner.calls == []
