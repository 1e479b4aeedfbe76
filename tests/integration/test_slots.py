"""A connection in several slots: shared out among workers, with one rate, one concurrency and one prober in all."""

from __future__ import annotations

import asyncio
import selectors
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from nostro.egress.connections import OpenConnection
from nostro.egress.line import Line, Pace
from nostro.engine.claims import Claims, Taken
from nostro.ingress.limits import Limit, Limits, Way
from nostro.model.calls import HttpReply, HttpRequest, Message
from nostro.model.clock import Now
from nostro.model.ids import Subject
from nostro.store.database import Database
from tests.dispatch_world import Worker, World, installed
from tests.toy_partner import URL, ToyConfig, connector, operation

AT = datetime(2026, 8, 31, 6, tzinfo=UTC)
WAITING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def database_knows(database: Database, now: Now, *workers: str) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "insert into worker select w, %s, %s, '{}' from unnest(%s::text[]) w",
            (now.machine, now.machine, list(workers)),
        )


class Virtual(asyncio.SelectorEventLoop):
    """An event loop on virtual time: where it would wait, time goes on instead."""

    def __init__(self) -> None:
        self.at = 0.0
        super().__init__(Skipping(self))

    def time(self) -> float:
        return self.at


class Skipping(selectors.SelectSelector):
    def __init__(self, loop: Virtual) -> None:
        super().__init__()
        self.loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.loop.at += timeout or 0.0
        return super().select(0)


@dataclass
class Heard:
    """A partner that notes when each call came, and takes its time."""

    loop: Virtual
    at: list[float] = field(default_factory=list)

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        assert request.url
        self.at.append(self.loop.time())
        await asyncio.sleep(min(0.01, timeout_seconds))
        return HttpReply(200, {}, b"{}")


async def clock() -> Now:
    return Now(AT, AT)


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_the_rate_holds_over_all_slots_and_what_is_polled_beside_them(slots: int) -> None:
    rate, seconds = 40, 20
    loop = Virtual()
    heard = Heard(loop)
    shared = OpenConnection(
        "toy", connector(operation("look_up")), ToyConfig(), URL, slots=slots, calls_per_second=rate, concurrency=8
    )
    lines = [Line(shared, heard, clock, pace=Pace(shared.slot_rate(slots))) for _ in range(slots)]
    beside = [Line(shared, heard, clock) for _ in range(2)]  # polls and the pin
    for line in beside:
        line.offers = lambda _: min((line.pace for line in lines), key=lambda pace: pace.free_at)

    async def busy(line: Line) -> None:
        while loop.time() < seconds:
            assert line.may(Now(AT, AT))
            await line.ask(Message("find", {"keys": []}))

    async def all_at_once() -> None:
        await asyncio.gather(*(busy(line) for line in (*lines, *beside) for _ in range(shared.slot_concurrency(slots))))

    loop.run_until_complete(all_at_once())
    loop.close()
    by_second = Counter(int(at) for at in heard.at)
    assert max(by_second.values()) <= 2 * rate, "at most a second's worth at once after a rest"
    steady = [by_second[second] for second in range(2, seconds - 1)]
    assert all(abs(count - rate) <= slots for count in steady), steady


@pytest.mark.asyncio
async def test_workers_hold_disjoint_slots_whose_parts_add_up(database: Database) -> None:
    world = World(database, operation("look_up"), slots=4)
    one, two = Worker(world, "one"), Worker(world, "two")
    await database_knows(database, world.now, "one", "two")
    for _ in range(2):
        await one.slots.step(world.now)
        await two.slots.step(world.now)
    mine, yours = (worker.slots.held("psp", world.now) for worker in (one, two))
    assert (len(mine), len(yours)) == (2, 2)
    assert {slot.number for slot in (*mine, *yours)} == {0, 1, 2, 3}
    mine_first, yours_first = (worker.slots.first_free("psp", world.now) for worker in (one, two))
    assert mine_first is one.slots.pace(mine[0]), "polls take turns with the commands of a slot"
    assert yours_first is two.slots.pace(yours[0])
    await asyncio.gather(*(one.slots.pace(mine[0]).turn() for _ in range(2)))
    assert one.slots.first_free("psp", world.now) is one.slots.pace(mine[1])
    assert world.connection.slot_concurrency(4) * 4 == world.connection.concurrency
    assert world.connection.slot_rate(4) * 4 == world.connection.connector.manifest.calls_per_second
    for n in range(30):
        await world.want(f"po_{n}")
    for _ in range(40):
        await asyncio.gather(one.step(), two.step())
        await world.absorb()
    assert sorted(kind for _, kind in world.settled) == ["done"] * 30
    assert set(world.partner.catch_up().values()) == {1}
    by_slot = await world.all("select count(distinct shard % 4) from command_closed")
    assert by_slot == [(4,)], "every slot had its part"


@pytest.mark.asyncio
async def test_a_slot_that_is_given_away_is_taken_at_the_next_look(database: Database) -> None:
    """However short ago the one that takes it renewed its leases: until then nothing leaves over that slot."""
    world = World(database, operation("look_up"), slots=2)
    one, two = Worker(world, "one"), Worker(world, "two")
    await one.slots.step(world.now)
    await database_knows(database, world.now, "one", "two")
    world.later(3)
    await two.slots.step(world.now)
    assert two.slots.held("psp", world.now) == []
    world.later(1)
    for worker in (one, two):
        await worker.slots.step(world.now)
    assert [len(worker.slots.held("psp", world.now)) for worker in (one, two)] == [1, 1]


@pytest.mark.asyncio
async def test_a_call_under_way_on_a_slot_that_is_given_away_is_heard_to_its_end(database: Database) -> None:
    """Cut off nobody would know whether it was done: here, where nothing can be looked up, a person would have to."""
    world = World(database, operation("person"), slots=2)
    one, two = Worker(world, "one"), Worker(world, "two")
    await one.slots.step(world.now)
    await database_knows(database, world.now, "one", "two")
    heard, hold = 0, asyncio.Event()
    right = world.partner.send

    async def slow(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        nonlocal heard
        heard += 1
        await hold.wait()
        return await right(request, timeout_seconds)

    world.partner.send = slow  # type: ignore[method-assign]  # the same partner, that lets us wait
    for n in range(4, 8):  # two of them on either slot
        await world.want(f"po_{n}")
    for _ in range(10):
        await one.step()
    assert heard == 4
    world.later(4)
    for worker in (one, two):
        await worker.step()
    [kept] = one.slots.held("psp", world.now)
    assert two.slots.held("psp", world.now) == [], "nothing begins on the other one, for anybody"
    hold.set()
    for _ in range(10):
        await one.step()
    world.later(1)
    for worker in (one, two):
        await worker.step()
        await world.absorb()
    assert [slot.number for slot in two.slots.held("psp", world.now)] == [1 - kept.number]
    world.later(30)
    for worker in (one, two):
        await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"] * 4


@pytest.mark.asyncio
async def test_a_slot_is_not_given_away_while_a_claim_fills_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the claim begins would come to nothing, or be cut off as soon as it has left."""
    world, take = World(database, operation("person"), slots=2), Claims.take
    one, claiming, waited = Worker(world, "one"), asyncio.Event(), asyncio.Event()
    await one.slots.step(world.now)
    _, surplus = one.slots.held("psp", world.now)
    await database_knows(database, world.now, "one", "two")
    world.later(4)

    async def slowly(*asked: Any, recovering: bool) -> Taken:  # noqa: ANN401 - as it is asked
        taken = await take(*asked, recovering=recovering)
        if taken.begun:
            claiming.set()
            await waited.wait()
        return taken

    monkeypatch.setattr(Claims, "take", slowly)
    await world.want(next(f"po_{n}" for n in range(9) if Subject("payout", f"po_{n}").shard % 2))
    claim = asyncio.create_task(one.dispatcher.step(world.now))
    await claiming.wait()
    gives = asyncio.create_task(one.slots.step(world.now))
    while not await world.all(WAITING):  # noqa: ASYNC110 - the server sets no event
        await asyncio.sleep(0.01)
    waited.set()
    await asyncio.gather(claim, gives)
    assert one.slots.has(surplus)
    while one.dispatcher.running:
        await one.dispatcher.step(world.now)
    await world.absorb()
    assert [kind for _, kind in world.settled] == ["done"]
    await one.slots.step(world.now)
    assert not one.slots.has(surplus)


@pytest.mark.asyncio
async def test_a_dead_workers_slots_move_and_its_part_is_driven_on(database: Database) -> None:
    world = World(database, operation("look_up"), slots=4)
    dead, heir = Worker(world, "dead"), Worker(world, "heir")
    await dead.slots.step(world.now)
    assert len(dead.slots.held("psp", world.now)) == 4
    assert heir.slots.first_free("psp", world.now) is None, "nor does it poll there"
    world.later(11)
    await heir.slots.step(world.now)
    assert len(heir.slots.held("psp", world.now)) == 4
    for n in range(8):
        await world.want(f"po_{n}")
    await heir.settle()
    assert len(world.settled) == 8


@dataclass
class Hanging:
    """A partner that answers when it is told to."""

    world: World
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.right, self.world.partner.send = self.world.partner.send, self.send  # type: ignore[method-assign]  # so

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        await self.go_on.wait()
        return await self.right(request, timeout_seconds)


async def with_other_slots(world: World, slots: int) -> tuple[Worker, Worker]:
    """A worker that holds slots, and one that begins with rules that know another number of them."""
    async with world.database.transaction() as tx:
        await tx.execute(
            "insert into worker select w, %s, 'infinity', '{}' from unnest(array['one', 'two']) w", (world.now.machine,)
        )
    before = Worker(world, "one")
    await before.slots.step(world.now)
    world.connection = replace(world.connection, slots=slots)
    return before, Worker(world, "two")


@pytest.mark.asyncio
@pytest.mark.parametrize("before, now", [(2, 3), (3, 2), (1, 4)])
async def test_workers_that_know_different_numbers_of_slots_divide_by_one(
    database: Database, before: int, now: int
) -> None:
    world = World(database, operation("look_up"), slots=before)
    one, two = await with_other_slots(world, now)
    partner = Hanging(world)
    for _ in range(3):
        world.later(4)
        await two.slots.step(world.now)
        await one.slots.step(world.now)
    held = [slot for worker in (one, two) for slot in worker.slots.held("psp", world.now)]
    assert sorted((slot.number, slot.of) for slot in held) == [(number, now) for number in range(now)]
    for n in range(30):
        await world.want(f"po_{n}")
    for _ in range(8):  # until no call's bytes can leave any more: then whoever may drives what stands open
        world.later(4)
        await asyncio.gather(one.step(), two.step())
    under_way = await world.all("select count(*) from dispatch where status = 'open'")
    assert [(one.dispatcher.running + two.dispatcher.running,)] == under_way, "of each dispatch one driver"
    partner.go_on.set()
    for _ in range(60):
        await asyncio.gather(one.step(), two.step())
        await world.absorb()
    assert sorted(kind for _, kind in world.settled) == ["done"] * 30
    assert set(world.partner.catch_up().values()) == {1}


@pytest.mark.asyncio
async def test_whoever_drives_when_the_number_of_slots_changes_writes_nothing_more(database: Database) -> None:
    world = World(database, operation("look_up"), slots=2)
    one, two = await with_other_slots(world, 3)
    await one.slots.step(world.now)
    partner = Hanging(world)
    for n in range(8):
        await world.want(f"po_{n}")
    while not one.dispatcher.running:
        await one.step()
    await two.slots.step(world.now)
    partner.go_on.set()
    while one.dispatcher.running:
        await one.dispatcher.step(world.now)  # before it takes slots by the new number
    assert await world.all("select count(*) from attempt_call where reply_receipt is not null") == [(0,)]
    assert await world.all("select count(*) from arrival") == [(0,)]
    for _ in range(60):
        world.later(4)
        await asyncio.gather(one.step(), two.step())
        await world.absorb()
    assert sorted(kind for _, kind in world.settled) == ["done"] * 8
    assert set(world.partner.catch_up().values()) == {1}


@pytest.mark.asyncio
async def test_commands_that_wait_for_a_partner_or_a_person_are_counted_until_they_leave(database: Database) -> None:
    world = World(database, operation("look_up"), slots=1)
    for lane in ("critical", "bulk", "bulk"):
        await world.want(f"{lane}_{world.now.business.second}", lane=lane)
        world.later(1)
    for status in ("proposed", "handed_over", "would_do"):
        await world.want(status, status=status)
    limits = Limits(database, Limit(commands=5), companies={"psp": frozenset({"DE"})})
    await limits.step(world.now)
    assert (limits.commands, limits.commands_in_all) == ({"psp": (5, 1)}, (6, 1))
    assert limits.why_not(Way.PUSHED, source="psp") == "Too many commands wait for psp."
    await Worker(world, "one").settle()
    world.later(60)
    await limits.step(world.now)
    assert limits.commands == {"psp": (2, 0)}, "what waits for a person stays"


@pytest.mark.asyncio
async def test_when_half_open_one_worker_probes_and_the_others_wait(database: Database) -> None:
    world = World(database, operation("look_up"), slots=4)
    one, two = Worker(world, "one"), Worker(world, "two")
    await database_knows(database, world.now, "one", "two")
    async with database.transaction() as tx:
        await tx.execute(
            "insert into breaker (connection, state, failures, until, changed_at) values ('psp', 'open', 1, %s, %s)",
            (world.now.business, world.now.business),
        )
    for worker in (one, two):
        await worker.slots.step(world.now)
    for n in range(40):
        await world.want(f"po_{n}")
    hold = asyncio.Event()
    heard: list[str] = []
    right = world.partner.send

    async def slow(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        heard.append(request.url)
        await hold.wait()
        return await right(request, timeout_seconds)

    world.partner.send = slow  # type: ignore[method-assign]  # the same partner, that lets us wait
    for _ in range(5):
        await asyncio.gather(one.step(), two.step())
    assert len(heard) == 1, "one dialogue probes, of all slots of all workers"
    hold.set()
    for _ in range(40):
        await asyncio.gather(one.step(), two.step())
        await world.absorb()
    assert len(world.settled) == 40
    assert await world.all("select state from breaker") == [("closed",)]


def test_a_slot_has_its_part_and_never_more_than_its_sockets() -> None:
    whole = OpenConnection(
        "toy", connector(operation("look_up")), ToyConfig(), URL, calls_per_second=10, concurrency=64
    )
    assert (whole.slot_rate(1), whole.slot_concurrency(1)) == (10, 8)
    assert (whole.slot_rate(16), whole.slot_concurrency(16)) == (10 / 16, 4)
