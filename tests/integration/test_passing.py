"""What is decided takes a place past commands that wait for one: whom it passes, and whom it doesn't."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio

from nostro.egress.journal import Slot
from nostro.engine.claims import ANYBODY, NOBODY, Claims, Waiting
from nostro.engine.endings import Ending
from nostro.engine.seats import PASSES, Seat
from nostro.model.clock import Now
from nostro.model.ids import Subject
from nostro.store.arrivals import LANES
from nostro.store.database import Database, Row, Together, Transaction
from nostro.store.wire import Answer
from tests.dispatch_world import Worker, World, installed
from tests.integration.synthetic import as_fact, line, payout
from tests.integration.test_departures import decide, held, joined
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
PLACES = 4


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def over(world: World, worker: Worker) -> None:
    """A call is over, whose outcome nobody decides."""
    name, task = worker.dispatcher._seats[0].running.popitem()
    task.cancel()
    await world.run(f"update dispatch set status = 'closed' where id = '\\x{name.hex()}'")


def over_and_decided(seat: Seat) -> Ending:
    async def nothing(_: Transaction) -> None:
        """It has no rows."""

    return Ending(seat.slot, nothing, (), committed=True)


async def departed(world: World) -> int:
    """How many commands of decisions left with them."""
    [(count,)] = await world.all("select count(*) from command_open where step like 'annotate-%' and status <> 'ready'")
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize(
    "waited, lane, passed",
    [
        (4, "standard", True),
        (6, "standard", False),
        (0, "critical", False),
        (59, "bulk", True),
        (61, "bulk", False),
    ],
)
async def test_who_has_waited_long_or_is_more_critical_is_not_passed(
    database: Database, waited: int, lane: str, *, passed: bool
) -> None:
    deciding, world, worker = await joined(database)
    hold = held(world)
    for n in range(PLACES + 2):
        await world.want(f"early_{n}", lane=lane)
    await world.run(f"update command_open set since = since - interval '{waited} s'")
    await worker.step()
    assert await world.all("select count(*) from command_open where status = 'ready'") == [(2,)]
    await over(world, worker)
    await decide(deciding, "po_1")
    assert await departed(world) == passed
    hold.set()
    await worker.dispatcher.stop(grace_seconds=20)


async def test_after_a_few_a_claim_has_a_place_and_nobody_waits_for_ever(database: Database) -> None:
    """Each call is followed by another one's decision at once; two others wait all the time."""
    deciding, world, worker = await joined(database)
    await deciding.tell([as_fact(payout(f"po_{n}")) for n in range(3, 40)])
    await deciding.settle()
    hold = held(world)
    for n in range(PLACES + 2):
        await world.want(f"early_{n}")
    await world.run("update command_open set since = since - interval '1 s'")
    await worker.step()
    begun = 0
    while await world.all("select 1 from command_open where subject like 'early%' and status = 'ready'"):
        await over(world, worker)
        begun += 1
        await deciding.tell([as_fact(line(f"po_{begun}", f"txn_{begun}"))])
        await deciding.settle()
        await worker.step()
        assert begun <= 2 * (PASSES + 1)
    assert await departed(world) >= PASSES
    hold.set()
    await worker.dispatcher.stop(grace_seconds=20)


async def test_what_departs_while_a_claim_asks_is_not_driven_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its dispatch is open without a call, as one is that somebody left who died."""
    deciding, world, worker = await joined(database)
    hold, [seat] = held(world), worker.dispatcher._seats.values()
    ask = Claims.ask

    async def asked(
        claims: Claims, sent: Together, slot: Slot, places: int, away: Sequence[bytes], now: Now
    ) -> tuple[Answer, Answer]:
        await decide(deciding, "po_2", "po_1")
        return await ask(claims, sent, slot, places, away, now)

    monkeypatch.setattr(Claims, "ask", asked)
    await world.want("early")
    seat.looked(world.now, Waiting(LANES.index("standard"), lately=True))
    with seat.ends(over_and_decided(seat)), seat.ends(over_and_decided(seat)):
        seat.running[b"over"] = seat.running[b"over too"] = asyncio.create_task(asyncio.sleep(60))
        await worker.step()
    seat.running.pop(b"over").cancel()
    seat.running.pop(b"over too")
    assert await departed(world) == 2
    drives = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("dispatch ")]
    assert len(drives) == len(set(drives)) == len(seat.running) == 3
    hold.set()
    await worker.dispatcher.stop(grace_seconds=20)


async def test_who_was_seen_waits_also_where_the_place_was_taken_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    deciding, world, worker = await joined(database)
    hold, [seat] = held(world), worker.dispatcher._seats.values()
    seat.most, look = 1, Claims.anything

    async def looked(claims: Claims, *names: Any) -> Row:  # noqa: ANN401 - as it is asked
        found = await look(claims, *names)
        await decide(deciding, "po_1")
        return found

    monkeypatch.setattr(Claims, "anything", looked)
    await world.want("early")
    await worker.step()
    assert await departed(world) == 1
    await over(world, worker)
    await deciding.tell([as_fact(line("po_2", "txn_1"))])
    await deciding.settle()
    assert await departed(world) == 1, "it is not its turn"
    hold.set()
    await worker.dispatcher.stop(grace_seconds=20)


@pytest.mark.parametrize("seen", [NOBODY, ANYBODY], ids=["by a look", "by a claim"])
@pytest.mark.parametrize(
    "against, over",
    [
        ("update deployment set quarantine = 'a restore'", "update deployment set quarantine = ''"),
        ("insert into breaker values ('psp', 'open', 1, now() + interval '99 y', now())", "delete from breaker"),
    ],
)
async def test_who_waits_while_nothing_may_leave_is_not_passed_when_it_may_again(
    database: Database, against: str, over: str, seen: Waiting
) -> None:
    deciding, world, worker = await joined(database)
    worker.dispatcher._seats[0].looked(world.now, seen)
    await world.want("early", lane="critical")
    await world.run(against)
    await worker.step()
    await world.run(over)
    await decide(deciding, "po_1")
    assert await departed(world) == 0
    await worker.dispatcher.stop()


async def test_where_nothing_may_leave_and_nobody_waits_a_look_is_enough(database: Database) -> None:
    _, world, worker = await joined(database)
    [seat] = worker.dispatcher._seats.values()
    seat.looked(world.now, ANYBODY)
    await world.run("update deployment set quarantine = 'a restore'")
    await worker.step()
    assert seat.waits == NOBODY.lane
    await worker.dispatcher.stop()


@pytest.mark.parametrize("spread, waits", [(False, LANES.index("critical")), (True, NOBODY.lane)])
async def test_whom_a_claim_has_not_read_waits_also_where_places_are_left(
    database: Database, *, spread: bool, waits: int
) -> None:
    """Of one shard few are read; that few came, each on a shard of its own, is no crowd."""
    world = World(database, operation("their_key"))
    names = [f"po_{n}" for n in range(400)]
    by_shard = {Subject("payout", name).shard: name for name in names}
    of_one = [name for name in names if Subject("payout", name).shard == 7]
    for name in [*by_shard.values()][: PLACES - 1] if spread else of_one[: PLACES - 1]:
        await world.want(name, lane="critical")
    worker, hold = Worker(world, "one"), held(world)
    await worker.step()
    [seat] = worker.dispatcher._seats.values()
    assert (seat.waits, seat.most) == (waits, PLACES)
    assert seat.takes(b"next", LANES.index("bulk"), world.now, fills=True) is spread
    seat.offered.clear()
    hold.set()
    await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"] * (PLACES - 1)
    assert seat.waits == NOBODY.lane
