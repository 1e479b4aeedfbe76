"""Ends of dispatches that are written with what is decided of them: when, in which order, and what a death leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from nostro.engine.batch import SubjectRow
from nostro.engine.decide import TURNS
from nostro.engine.deciding import POISONED, load_subjects
from nostro.model.canonical import digest
from nostro.model.clock import Now
from nostro.model.facts import CaseClosed, CommandSettled, Fact
from nostro.model.ids import Subject
from nostro.model.intents import AnnotatePayment
from nostro.model.money import Money
from nostro.processes.kit.decision import Decision, Instance, Posting, Rules, State, Wanted
from nostro.processes.kit.process import Process
from nostro.store.database import Database, Row, Statement
from tests.dispatch_world import Killed, Mortal, Worker, installed
from tests.integration.joined import SETTLED, Joined, comes, is_over, join, joined
from tests.integration.synthetic import PROCESS, as_fact, line
from tests.integration.synthetic import House as DecidingHouse

pytestmark = pytest.mark.asyncio
ONE = Subject("payout", "po_1")
DEATHS = range(1, 20)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


def otherwise(first: Callable[[Fact], Decision | None]) -> Process:
    """A payout that decides by `first`, where that says anything."""
    [version] = PROCESS.versions

    def decide(before: Instance, state: State, fact: Fact, rules: Rules) -> Decision:
        return first(fact) or version.decide(before, state, fact, rules)

    return replace(PROCESS, versions=(replace(version, decide=decide),))


def throws(kind: str) -> Process:
    """A payout that throws at facts of a type."""

    def first(fact: Fact) -> None:
        if fact.type == kind:
            raise RuntimeError(fact.key)

    return otherwise(first)


async def test_an_outcome_is_decided_with_the_end_of_its_dispatch(database: Database) -> None:
    here = await joined(database)
    await here.decide("po_1", "po_2")
    await database_refuses_arrivals(here)
    await here.hear()
    assert await here.kinds() == ["payout.reported", "payout.line_reported", SETTLED]
    assert await here.world.all("select outcome from command_closed") == [("done",)] * 2
    assert await here.world.all("select reply_receipt is not null from attempt_call") == [(True,)] * 2
    await is_over(here)
    assert await here.deciding.decider.step(here.deciding.now) == 2, "whoever waits for decisions hears of them"
    assert await here.deciding.decider.step(here.deciding.now) == 0


async def database_refuses_arrivals(here: Joined) -> None:
    """From here on no outcome can be put on the queue."""
    await here.world.run(f"alter table arrival add constraint refused check (type <> '{SETTLED}')")


async def test_who_does_not_decide_about_a_subject_lets_its_outcome_arrive(database: Database) -> None:
    here = await joined(database)
    await here.decide("po_1")
    held = here.deciding.tenure.shards.pop(ONE.shard)
    await here.hear()
    assert await here.queue() == [SETTLED]
    await is_over(here, commands=1)
    here.deciding.tenure.shards[ONE.shard] = held
    await here.deciding.settle()
    assert (await here.kinds())[-1] == SETTLED


@pytest.mark.parametrize("lines", [3, 4 * TURNS])
async def test_what_waited_before_is_decided_before(database: Database, lines: int) -> None:
    """A few are decided before it, in steps that it asks for; behind many it waits as any other arrival does."""
    here = await joined(database)
    await here.decide("po_1")
    await here.deciding.tell([as_fact(line("po_1", f"txn_9{n}")) for n in range(lines)])
    here.deciding.decider.batch_limit = 2
    here.world.later(0.001)
    await here.hear()
    assert (SETTLED in await here.queue()) is (lines > 3)
    await here.deciding.settle()
    kinds = await here.kinds()
    assert kinds[2 : 2 + lines] == ["payout.line_reported"] * lines
    assert kinds[2 + lines] == SETTLED


FALLS_BEHIND = {
    "of a lower lane": "update arrival set lane = 2",
    "that comes after it": "update arrival set at = at + interval '1 minute'",
}


@pytest.mark.parametrize("what", FALLS_BEHIND)
async def test_an_outcome_waits_behind_nothing_that_is_behind_it(database: Database, what: str) -> None:
    here = await joined(database)
    await here.decide("po_1")
    await here.deciding.tell([as_fact(line("po_2", f"txn_9{n}")) for n in range(4 * TURNS)])
    await here.world.run(FALLS_BEHIND[what])
    here.deciding.decider.batch_limit = 2
    here.world.later(0.001)
    await database_refuses_arrivals(here)
    await here.hear()
    assert (await here.kinds())[-1] == SETTLED
    assert len(await here.queue()) > 2 * TURNS


async def test_what_arrives_while_a_step_looks_is_decided_before_an_outcome_that_came_later(database: Database) -> None:
    here = await joined(database)
    await here.decide("po_1")
    decider, looked = here.deciding.decider, database.look

    class Slow(Mortal):
        async def look(self, statement: Statement, **parameters: object) -> list[Row]:
            rows = await looked(statement, **parameters)
            if not here.replies.is_set():
                await here.deciding.tell([as_fact(line("po_1", "txn_9"))])
                here.world.later(0.001)
                here.replies.set()
                await comes(decider)
            return rows

    decider.database = Slow(database)  # type: ignore[assignment]  # the same database, that lets others go first
    await decider.step(here.deciding.now)
    await here.hear()
    assert (await here.kinds())[2:4] == ["payout.line_reported", SETTLED]


@pytest.mark.parametrize(
    "by",
    ["update lease set token = token + 1 where kind = 'slot'", "update lease set holder = 'two' where kind = 'slot'"],
)
async def test_an_end_over_a_slot_that_is_somebody_elses_is_written_by_nobody(database: Database, by: str) -> None:
    here = await joined(database)
    await here.decide("po_1")
    await here.world.run(by)
    await here.hear()
    assert await here.kinds() == ["payout.reported", "payout.line_reported"]
    assert await here.world.all("select status from dispatch") == [("open",)]
    assert await here.world.all("select status from command_open") == [("dispatched",)]
    assert await here.queue() == []


async def test_an_end_on_a_shard_that_is_somebody_elses_arrives_there(database: Database) -> None:
    here = await joined(database)
    await here.decide("po_1")
    await here.world.run("update shard set token = token + 1")
    await here.hear()
    assert await here.kinds() == ["payout.reported", "payout.line_reported"]
    assert await here.queue() == [SETTLED]


async def test_what_a_shard_needs_that_this_release_lacks_waits_on_its_queue(database: Database) -> None:
    here = await joined(database)
    await here.decide("po_1")
    here.deciding.decider._lacking = {digest({}): "It needs another release."}
    await here.hear()
    assert await here.queue() == [SETTLED]
    await is_over(here, commands=1)
    assert ONE.shard in here.deciding.tenure.refused


async def test_an_outcome_at_which_a_decision_throws_is_set_aside(database: Database) -> None:
    here = await joined(database)
    await here.decide("po_1", "po_2")
    here.deciding.processes["payout"] = throws(SETTLED)
    await database_refuses_arrivals(here)
    await here.hear()
    cases = await here.world.all("select subject, reason from exception_case order by subject")
    assert cases == [("po_1", POISONED), ("po_2", POISONED)]
    assert await here.world.all("select subject from parked order by subject") == [("po_1",), ("po_2",)]
    await is_over(here, commands=2)


async def test_an_outcome_that_the_database_refuses_stops_its_own_subject_only(database: Database) -> None:
    here = await joined(database)
    await here.decide("po_1", "po_2")
    moved = Posting("suspense/DE", "psp/DE/psp", Money.of(str(10**30), "EUR"))
    too_much = Decision("counting", rule="too much", postings=(moved,))
    here.deciding.processes["payout"] = otherwise(lambda fact: too_much if fact.type == SETTLED else None)
    await here.hear()
    await here.deciding.settle()
    assert await here.world.all("select count(*) from fact where type = 'command.settled'") == [(0,)]
    assert await here.world.all("select distinct reason from exception_case") == [(POISONED,)]
    await is_over(here, commands=2)


async def test_an_outcome_is_not_lost_when_its_subject_is_released_in_the_same_batch(database: Database) -> None:
    here = await joined(database)
    await here.decide("po_1")
    here.deciding.processes["payout"] = throws("payout.line_reported")
    await here.deciding.tell([as_fact(line("po_1", "txn_9"))])
    await here.deciding.settle()
    [(case,)] = await here.world.all("select id from exception_case")
    here.deciding.processes["payout"] = PROCESS
    here.deciding.later(milliseconds=1)
    await here.deciding.tell([as_fact(CaseClosed(act="act-1", case=str(case)), here.deciding.now.business)], [ONE])
    here.world.later(0.0005)
    await here.hear()
    assert await here.queue() == ["payout.line_reported", SETTLED]
    await here.deciding.settle()
    assert (await here.kinds())[2:5] == ["case.closed", "payout.line_reported", SETTLED]


async def test_what_follows_leaves_in_the_place_of_what_is_over(database: Database) -> None:
    """There is one place, and no claim."""
    here = await joined(database)
    [seat] = here.worker.dispatcher._seats.values()
    seat.most = 1
    wants_more(here)
    await here.decide("po_1")
    await here.hear()
    assert here.world.partner.effects.total() == 2
    assert (await here.kinds()).count(SETTLED) == 2
    await is_over(here)


async def test_nothing_begins_while_a_worker_stops(database: Database) -> None:
    """What is decided of a reply that comes in its grace is left to whoever has the slot next."""
    here = await joined(database)
    wants_more(here)
    await here.decide("po_1")
    stopping = asyncio.create_task(here.worker.dispatcher.stop(20))
    await asyncio.sleep(0)
    here.replies.set()
    await stopping
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("dispatch")] == []
    assert here.world.partner.effects.total() == 1
    assert (await here.kinds())[-1] == SETTLED
    assert await here.world.all("select count(*) from attempt_call") == [(1,)]
    await here.worker.step()
    await here.hear()
    assert here.world.partner.effects.total() == 2
    await is_over(here)


def wants_more(here: Joined) -> None:
    """What is over lets another command follow, once."""
    again = Wanted("annotate-again", AnnotatePayment(entity="DE", connection="psp", payment_id="p", invoice_number="1"))
    more = Decision("counting", rule="again", intents=(again,))
    here.deciding.processes["payout"] = otherwise(lambda fact: more if _step(fact) == "annotate-txn_0" else None)


def _step(fact: Fact) -> str:
    return fact.body.step if isinstance(fact.body, CommandSettled) else ""


async def test_a_step_that_had_to_wait_decides_nothing_by_its_old_clock(database: Database) -> None:
    here = await joined(database)
    await here.decide("po_1")
    decider, old = here.deciding.decider, here.deciding.now
    async with decider._turn:
        here.replies.set()
        await comes(decider)
        asked = asyncio.create_task(decider.step(old))
        await asyncio.sleep(0.01)
        here.world.later(5)
    assert await asked == 1, "it is told what was decided meanwhile"
    await here.hear()
    decided = await here.world.all(f"select decided_at from fact where type = '{SETTLED}'")
    assert decided == [(here.world.now.business,)]


async def test_nor_does_one_that_waited_for_a_step_which_had_begun_before(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await joined(database)
    await here.decide("po_1")
    decider, old, slowly = here.deciding.decider, here.deciding.now, asyncio.Event()
    await here.deciding.tell([as_fact(line("po_2", "txn_9"))])
    began = asyncio.Event()

    async def slow(*given: Any) -> dict[Subject, SubjectRow]:  # noqa: ANN401 - whatever it is given
        began.set()
        await slowly.wait()
        return await load_subjects(*given)

    monkeypatch.setattr("nostro.engine.decide.load_subjects", slow)
    first = asyncio.create_task(decider.step(old))
    await began.wait()
    asked = asyncio.create_task(decider.step(old))
    await asyncio.sleep(0.01)
    here.world.later(5)
    here.replies.set()
    await comes(decider)
    slowly.set()
    await asyncio.gather(first, asked)
    await here.hear()
    decided = await here.world.all(f"select decided_at from fact where type = '{SETTLED}' and subject = 'po_1'")
    assert decided == [(here.world.now.business,)]


async def test_who_is_cut_off_while_it_writes_for_others_leaves_their_ends_to_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await joined(database)
    await here.decide("po_1", "po_2")
    hangs = asyncio.Event()

    async def once(*given: Any) -> dict[Subject, SubjectRow]:  # noqa: ANN401 - whatever it is given
        if not hangs.is_set():
            hangs.set()
            await asyncio.sleep(60)
        return await load_subjects(*given)

    monkeypatch.setattr("nostro.engine.decide.load_subjects", once)
    first, _ = here.worker.dispatcher._seats[0].running.values()
    async with here.deciding.decider._turn:
        here.replies.set()
        await comes(here.deciding.decider, 2)
    await hangs.wait()
    assert not here.deciding.decider._endings, "the first writes for both"
    first.cancel()
    await here.hear()
    here.world.later(30)
    await here.worker.step()
    await here.hear()
    await here.deciding.settle()
    assert here.world.partner.catch_up().total() == 2
    assert await here.world.all("select outcome from command_closed") == [("done",)] * 2
    await is_over(here)


@pytest.mark.parametrize("dies_at", DEATHS)
async def test_wherever_a_worker_dies_around_an_end_there_is_one_effect_and_one_outcome(
    database: Database, dies_at: int
) -> None:
    gate = Mortal(database)
    here = await joined(database, gate=gate)
    decider = here.deciding.decider
    decider.database = gate  # type: ignore[assignment]  # one process, that dies as a whole
    gate.points, gate.dies_at = 0, dies_at
    try:
        await here.decide("po_1", "po_2")
        await here.hear()
    except Killed:
        pass
    here.replies.set()
    await here.worker.dispatcher.stop(0)
    heir, world = DecidingHouse(database, worker="two"), here.world
    for _ in range(20):
        world.later(30)
        heir.now = Now(world.now.business, world.now.machine)
        worker = Worker(world, "two")
        join(heir, worker)
        await heir.tenure.step(heir.now)
        for _ in range(5):
            await worker.step()
            await heir.settle()
        await worker.dispatcher.stop()
        if not await world.all("select 1 from command_open limit 1"):
            break
    assert gate.dead == (dies_at <= gate.points)
    assert world.partner.catch_up().total() == len(await world.all("select 1 from command_closed")) == 2
    settled = await world.all("select subject from fact where type = 'command.settled' order by subject")
    assert settled == [("po_1",), ("po_2",)]
    await is_over(here)
    assert await here.queue() == []
