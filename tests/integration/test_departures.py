"""Commands that leave as soon as they are decided: when they do, what stands against it, and what a death leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
import pytest_asyncio

from nostro.egress.journal import SQL as DISPATCH
from nostro.engine.write import REUSED_KEY, SQL
from nostro.model.calls import HttpReply, HttpRequest
from nostro.store.database import COMMIT, Database, Statement
from nostro.store.wire import Call, Wire, understood
from tests.dispatch_world import Mortal, Worker, World, installed
from tests.integration.synthetic import PROCESS, as_fact, line, payout
from tests.integration.synthetic import House as DecidingHouse
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
DECIDED = "select status, dispatch is not null from command_open where step like 'annotate-%' order by position"
READY = ("ready", False)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def joined(database: Database, *, looked: bool = True) -> tuple[DecidingHouse, World, Worker]:
    """A worker that decides and sends, and two payouts. `looked`: its slot is known to have no backlog."""
    deciding = DecidingHouse(database)
    await deciding.begin()
    world = World(database, operation("look_up"), now=deciding.now)
    worker = Worker(world, "one", Mortal(database))
    deciding.decider.exits = {"psp": worker.dispatcher}
    await (worker.step() if looked else worker.slots.step(world.now))
    await deciding.tell([as_fact(payout("po_1")), as_fact(payout("po_2"))])
    await deciding.settle()
    return deciding, world, worker


def held(world: World) -> asyncio.Event:
    """The partner's calls wait for it: else what has left may be over before anybody looks."""
    hold = asyncio.Event()
    right = world.partner.send

    async def slow(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        await hold.wait()
        return await right(request, timeout_seconds)

    world.partner.send = slow  # type: ignore[method-assign]  # the same partner, that lets us wait
    return hold


async def decide(deciding: DecidingHouse, *lines: str) -> None:
    await deciding.tell([as_fact(line(payout_id, f"txn_{n}")) for n, payout_id in enumerate(lines)])
    await deciding.settle()


def registers_once(deciding: DecidingHouse) -> None:
    """Only a payout registers references: nothing follows from its lines but a state and a command."""
    told = PROCESS.registers
    deciding.processes["payout"] = replace(PROCESS, registers=lambda f: told(f) if f.type == "payout.reported" else [])


@pytest.mark.parametrize("apart", [False, True])
async def test_what_is_decided_leaves_without_a_claim(database: Database, *, apart: bool) -> None:
    """`apart`: beside the last release, which looks for members there."""
    deciding, world, worker = await joined(database)
    await world.run(f"update deployment set members_in_dispatch = {not apart}")
    hold = held(world)
    await decide(deciding, "po_1", "po_2")
    assert await world.all("select count(*) from dispatch_member") == [(2 if apart else 0,)]
    assert await world.all("select member_keys is null from dispatch") == [(apart,)] * 2
    hold.set()
    await worker.dispatcher.stop(grace_seconds=20)
    assert world.partner.effects.total() == 2
    assert await world.all("select n, reply_receipt is not null from attempt_call") == [(1, True)] * 2
    await deciding.settle()
    assert await world.all("select outcome, dispatch is not null from command_closed") == [("done", True)] * 2
    assert await world.all("select count(*) from command_open") == [(0,)]
    assert await world.all("select count(*) from dispatch_member") == [(0,)]


@pytest.mark.parametrize(
    "against",
    [
        "update deployment set quarantine = 'a restore'",
        "insert into stop values ('psp', 'another Odoo', 0, 'C-1', now())",
        "update deployment set epoch = 2",
        "insert into breaker (connection, state, failures, until, changed_at) values ('psp', 'open', 1, now(), now())",
        "update lease set token = token + 1 where kind = 'slot'",
        "update lease set holder = 'two' where kind = 'slot'",
    ],
)
async def test_what_a_claim_would_hold_back_waits_for_a_claim(database: Database, against: str) -> None:
    deciding, world, worker = await joined(database)
    await world.run(against)
    await decide(deciding, "po_1")
    assert await world.all(DECIDED) == [READY]
    assert await world.all("select count(*) from dispatch") == [(0,)]
    await worker.dispatcher.stop()
    assert world.partner.effects.total() == 0


async def test_a_command_waits_for_an_older_one_of_its_subject(database: Database) -> None:
    deciding, world, worker = await joined(database)
    hold = held(world)
    await world.want("po_1", status="proposed")
    await decide(deciding, "po_1", "po_2", "po_2")
    statuses = await world.all("select subject, status from command_open order by subject, position")
    assert [status for subject, status in statuses if subject == "po_1"] == ["proposed", "ready"]
    assert [status for subject, status in statuses if subject == "po_2"] == ["dispatched", "ready"]
    hold.set()
    await worker.dispatcher.stop()


async def test_nothing_departs_while_others_may_wait_for_a_turn(database: Database) -> None:
    deciding, world, worker = await joined(database, looked=False)
    await decide(deciding, "po_1")
    assert await world.all(DECIDED) == [READY]
    await worker.step()
    assert await world.all(DECIDED) == [("dispatched", True)]


async def test_more_than_there_is_room_for_is_claimed_in_turn(database: Database) -> None:
    deciding, world, worker = await joined(database)
    await deciding.tell([as_fact(payout(f"po_{n}")) for n in range(3, 9)])
    await deciding.settle()
    await decide(deciding, *(f"po_{n}" for n in range(1, 9)))
    assert worker.dispatcher.running == 4, "so many may be under way"
    assert [status for status, _ in await world.all(DECIDED)].count("ready") == 4
    await worker.settle()
    assert world.partner.effects.total() == 8


async def test_who_dies_between_decision_and_bytes_leaves_a_dispatch_that_goes_on(database: Database) -> None:
    deciding, world, worker = await joined(database)
    worker.mortal.dead = True
    await decide(deciding, "po_1")
    await worker.step()
    assert await world.all(DECIDED) == [("dispatched", True)]
    assert await world.all("select status, calls from dispatch") == [("open", 0)]
    world.later(11)
    await Worker(world, "two").settle()
    assert world.partner.effects.total() == 1
    assert [kind for _, kind in world.settled] == ["done"]


async def test_what_could_not_be_written_does_not_leave(database: Database) -> None:
    deciding, world, worker = await joined(database)
    await world.run(
        "create function lost() returns trigger language plpgsql as"
        " $$ begin raise exception using errcode = 'serialization_failure'; end $$;"
        " create constraint trigger at_commit after insert on command_open deferrable initially deferred"
        " for each row execute function lost()"
    )
    await decide(deciding, "po_1")
    assert worker.dispatcher.running == 0
    assert await world.all("select 1 from dispatch union all select 1 from command_open") == []
    await world.run("drop trigger at_commit on command_open")
    await deciding.settle()
    await worker.dispatcher.stop(grace_seconds=20)
    assert world.partner.effects.total() == 1


async def test_a_step_that_asks_nothing_goes_with_its_commit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision, the start of its call, and its end: three ways to the server and three commits."""
    sends: list[list[bytes]] = []
    send = Wire.send

    async def counted(wire: Wire, calls: Sequence[Call]) -> None:
        sends.append([call.text for call in calls])
        await send(wire, calls)

    deciding, _, worker = await joined(database)
    registers_once(deciding)
    monkeypatch.setattr(Wire, "send", counted)
    await decide(deciding, "po_1")
    await worker.dispatcher.stop(grace_seconds=20)
    await deciding.settle()
    for statement in (SQL.append, DISPATCH.start_call, DISPATCH.end_dispatch):
        sent = [texts for texts in sends if _text(statement) in texts]
        assert sent
        assert all(texts[-1] == _text(COMMIT) for texts in sent), statement.name


def _text(statement: Statement) -> bytes:
    return understood(statement.text).text


async def test_a_key_that_was_used_before_is_noticed_though_the_batch_would_go_with_its_commit(
    database: Database,
) -> None:
    deciding, world, worker = await joined(database)
    registers_once(deciding)
    await world.want("po_1", step="annotate-txn_0")
    await decide(deciding, "po_1")
    assert await world.all("select subject, reason from exception_case") == [("po_1", REUSED_KEY)]
    assert await world.all(DECIDED) == [READY], "the first one stands"
    await worker.settle()
    assert world.partner.effects.total() == 1


async def test_what_left_with_its_decision_is_no_work_for_other_workers(database: Database) -> None:
    deciding, world, worker = await joined(database)
    hold = held(world)
    deciding.decider.elsewhere()
    await decide(deciding, "po_1")
    assert not deciding.decider.elsewhere()
    hold.set()
    await worker.dispatcher.stop(grace_seconds=20)
    await deciding.settle()
    assert deciding.decider.elsewhere(), "an end may let others go"
    await world.run("insert into stop values ('psp', 'another Odoo', 0, 'C-1', now())")
    await decide(deciding, "po_1", "po_2")
    assert deciding.decider.elsewhere(), "it is ready, for whoever holds its slot"
    assert not deciding.decider.elsewhere(), "asked since"


@pytest.mark.parametrize("mine", [True, False])
async def test_outcomes_are_work_for_other_workers_that_decide_about_their_subjects(
    database: Database, *, mine: bool
) -> None:
    world = World(database, operation("look_up"))
    worker = Worker(world, "one")
    worker.dispatcher.house = replace(worker.dispatcher.house, decides=lambda _: mine)
    await world.want("po_1")
    assert not worker.dispatcher.elsewhere()
    await worker.settle()
    assert worker.dispatcher.elsewhere() is not mine
    assert not worker.dispatcher.elsewhere(), "asked since"
