"""Ends of dispatches that wait for a decision: for how long, in whose way, and what becomes of one nobody hears of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from nostro.egress.journal import SQL, Slot
from nostro.engine.batch import SubjectRow
from nostro.engine.decide import TURNS, Decider
from nostro.engine.deciding import load_subjects
from nostro.engine.endings import Ending, Told
from nostro.engine.look import Found
from nostro.engine.slots import Slots
from nostro.model.canonical import canonical
from nostro.model.clock import Now
from nostro.model.failures import DatabaseUnavailable
from nostro.model.ids import Subject
from nostro.store.arrivals import Blob, arrival_for
from nostro.store.database import Database, Statement, Transaction
from nostro.store.wire import Answer
from tests.dispatch_world import Mortal, Worker, World, installed
from tests.integration.joined import SETTLED, Joined, comes, is_over, joined
from tests.integration.synthetic import House, as_fact, line, payout
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
NOBODYS = Slot("none", 0, 1, 0, "one")


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def nothing(_: Transaction) -> None:
    """An end that writes nothing."""


def ending(number: int, slot: Slot = NOBODYS, at: datetime | None = None) -> Ending:
    fact, subject = as_fact(line(f"po_e{number}", f"txn_e{number}")), Subject("payout", f"po_e{number}")
    arrival = arrival_for(fact, Blob(canonical(fact.body)), subject, 1, at or fact.occurred_at)
    return Ending(slot, nothing, [Told.of(fact, arrival)])


@pytest.mark.parametrize("lane", [0, 1])
async def test_many_ends_behind_a_backlog_wait_no_longer_than_one(
    database: Database, monkeypatch: pytest.MonkeyPatch, lane: int
) -> None:
    """Also behind one of a more critical lane than theirs."""
    house = House(database)
    await house.begin()
    await house.tell([as_fact(payout(f"po_{n}")) for n in range(200)])
    async with database.transaction() as tx:
        await tx.execute("update arrival set lane = %s", (lane,))
    house.decider.batch_limit = 4
    before, steps, taken, right = house.decider._steps, list[int](), list[Ending](), Decider._take_along

    def take(decider: Decider, waiting: Sequence[Ending], found: Found, held: Container[int]) -> list[Ending]:
        taken.extend(right(decider, waiting, found, held))
        return []

    monkeypatch.setattr(Decider, "_take_along", take)

    async def clock() -> Now:
        return house.now

    async def ends(number: int) -> bool:
        together = await house.decider.ends(ending(number, at=house.now.business + timedelta(seconds=1)), clock)
        steps.append(house.decider._steps - before)
        return together

    assert await asyncio.gather(*map(ends, range(20))) == [False] * 20
    assert not taken
    assert max(steps) <= TURNS + 1, "one more if one was under way"
    assert not house.decider._endings


async def test_an_end_does_not_wait_for_a_step_that_takes_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nostro.engine.decide.WAIT_SECONDS", 0.02)
    here = await joined(database)
    await here.decide("po_1")
    async with asyncio.timeout(5), here.deciding.decider._turn:
        await here.hear()
    assert await here.queue() == [SETTLED]
    assert await here.world.all("select reply_receipt is not null from attempt_call") == [(True,)]
    await is_over(here, commands=1)
    await here.deciding.settle()
    assert (await here.kinds())[-1] == SETTLED


def drives(here: Joined) -> list[str]:
    """The ends of drives that are counted from now on."""
    counted = list[str]()

    def count(name: str, _: float, **labels: str) -> None:
        if name == "drives":
            counted.append(labels["end"])

    dispatcher = here.worker.dispatcher
    dispatcher.house = replace(dispatcher.house, count=count)
    return counted


async def test_an_end_that_a_long_step_takes_along_waits_for_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(*given: Any) -> dict[Subject, SubjectRow]:  # noqa: ANN401 - whatever it is given
        await asyncio.sleep(0.2)
        return await load_subjects(*given)

    here = await joined(database)
    await here.decide("po_1", "po_2")
    monkeypatch.setattr("nostro.engine.decide.WAIT_SECONDS", 0.02)
    monkeypatch.setattr("nostro.engine.decide.load_subjects", slowly)
    counted = drives(here)
    async with here.deciding.decider._turn:
        here.replies.set()
        await comes(here.deciding.decider, 2)
    await here.hear()
    assert counted == ["ended"] * 2
    await is_over(here)


async def renewed(slots: Slots, _: World, now: Now) -> None:
    await slots.step(now)


async def shared_out(slots: Slots, _: World, now: Now) -> None:
    """Another worker is there, and should have one of them."""
    async with slots.database.transaction() as tx:
        await tx.execute("insert into worker values ('zero', %s, %s, '{}')", (now.machine, now.machine))
    await slots.step(now)


async def given_back(slots: Slots, _: World, now: Now) -> None:
    await slots.release(now)


async def divided_anew(slots: Slots, world: World, now: Now) -> None:
    """Another worker begins with another number of slots."""
    connection = replace(world.connection, slots=3)
    await Slots(slots.database, "two", {connection.id: connection}).step(now)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("what", [renewed, shared_out, given_back, divided_anew])
async def test_ends_of_several_slots_and_what_becomes_of_the_slots_never_wait_for_each_other(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    what: Any,  # noqa: ANN401 - one of four
    back: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    house = House(database, worker="one")
    await house.begin()
    world = World(database, operation("their_key"), slots=2, now=house.now)
    slots = Worker(world, "one").slots
    await slots.step(world.now)
    began, right = asyncio.Event(), Transaction.ahead

    async def slowly(tx: Transaction, statement: Statement, **given: object) -> Answer:
        answer = await right(tx, statement, **given)
        if statement == SQL.fence_slot and not began.is_set():
            await tx.answered()
            began.set()
            await asyncio.sleep(0.3)
        return answer

    monkeypatch.setattr(Transaction, "ahead", slowly)

    async def clock() -> Now:
        return house.now

    async def meanwhile() -> None:
        await began.wait()
        world.later(5)
        await what(slots, world, world.now)

    held = sorted(slots.held("psp", world.now), key=lambda slot: slot.number, reverse=back)
    ends = [ending(n, slot) for n, slot in enumerate(held)]
    async with house.decider._turn:
        told = [asyncio.create_task(house.decider.ends(one, clock)) for one in ends]
        await comes(house.decider, 2)
    await meanwhile()
    assert await asyncio.gather(*told) == [True, True]


async def test_an_end_that_was_committed_unheard_is_no_failure(database: Database) -> None:
    """Who writes for both is cut off while the answer to its commit is on its way."""
    here = await joined(database)
    await here.decide("po_1", "po_2")
    gate = Mortal(database, sleeps_at=2)
    here.deciding.decider.database = gate  # type: ignore[assignment]  # the same one, whose first commit answers late
    first, _ = here.worker.dispatcher._seats[0].running.values()
    with capture_logs() as logs:
        async with here.deciding.decider._turn:
            here.replies.set()
            await comes(here.deciding.decider, 2)
        while not gate.asleep:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)
        first.cancel()
        await here.hear()
    told = [log["event"] for log in logs if log["log_level"] != "info"]
    assert (told, [log["event"] for log in logs].count("slot_lost")) == ([], 1)
    assert await here.world.all("select outcome from command_closed") == [("done",)] * 2
    assert await here.world.all("select reply_receipt is not null from attempt_call") == [(True,)] * 2
    await is_over(here)


async def test_an_end_that_was_committed_counts_although_its_step_failed_afterwards(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await joined(database)
    await here.decide("po_1", "po_2")
    right = Decider._decide

    async def fails(*given: Any) -> int:  # noqa: ANN401 - whatever it is given
        await right(*given)
        raise DatabaseUnavailable("It went away.", "Wait.")

    monkeypatch.setattr(Decider, "_decide", fails)
    counted = drives(here)
    await here.hear()
    assert counted == ["ended"] * 2
    await is_over(here)


async def test_a_step_that_fails_as_nobody_foresaw_is_told_whoever_made_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop of the decider may never meet it; and what failed was not the dispatch's."""
    here = await joined(database)
    await here.decide("po_1")

    async def fails(*_: Any) -> int:  # noqa: ANN401 - whatever it is given
        raise KeyError

    monkeypatch.setattr(Decider, "_step", fails)
    with capture_logs() as logs:
        await here.hear()
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["ended_alone"]
    assert not here.worker.dispatcher._stumbles
    assert await here.queue() == [SETTLED]
    await is_over(here, commands=1)
