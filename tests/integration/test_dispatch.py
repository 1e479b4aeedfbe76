"""Dispatch on a real database: what leaves, in whose turn and order; what is held back, and what a death leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import psycopg
import pytest
import pytest_asyncio

from nostro.egress.drive import RETRIES
from nostro.egress.journal import FencedWrites, Journal
from nostro.model.calls import HttpRequest
from nostro.model.failures import LostRace, Quarantined, StatementRefused
from nostro.store.arrivals import LANES
from nostro.store.database import Database, Transaction
from tests.dispatch_world import KEYS, START, Mortal, Worker, World, installed, of_line
from tests.integration.synthetic import House as DecidingHouse
from tests.integration.synthetic import as_fact, line, payout
from tests.toy_partner import Fault, operation

pytestmark = pytest.mark.asyncio
DISPATCH = (
    "insert into dispatch (shard, id, connection, operation, slot, status, run_at, began_at) values"
    f" (3, '\\x0d', 'psp', 'annotate_payment', 0, 'open', '{START}', '{START}')"
)
WAITING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def test_a_command_leaves_and_its_outcome_comes_back_addressed_to_its_subject(database: Database) -> None:
    world = World(database, operation("look_up"))
    await world.want("po_1")
    worker = Worker(world, "one")
    while not await world.all("select 1 from arrival"):
        await worker.step()
    [row] = await world.all(
        "select process, subject, type, origin, actor, cause_position, lane, receipt is not null from arrival"
    )
    assert row == ("payout", "po_1", "command.settled", "psp", "psp", 1, 1, True)
    await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"]
    assert await world.all("select outcome, dispatch is not null from command_closed") == [("done", True)]
    assert await world.all("select kind, status, signed from receipt") == [("reply", 200, False)]
    assert await world.all("select count(*) from dispatch") == [(0,)], "the journal stays, the dispatch has ended"
    assert await world.all("select n, reply_receipt is not null from attempt_call") == [(1, True)]


async def test_commands_that_wait_for_a_person_do_not_leave(database: Database) -> None:
    world = World(database, operation("look_up"))
    for status in ("would_do", "proposed", "handed_over"):
        await world.want(status, status=status)
    await Worker(world, "one").settle()
    assert world.partner.calls == []


async def test_nothing_leaves_in_quarantine(database: Database) -> None:
    world = World(database, operation("look_up"))
    await world.want("po_1")
    await world.run("update deployment set quarantine = 'behind its anchor'")
    worker = Worker(world, "one")
    await worker.settle()
    assert world.partner.calls == []
    await world.run("update deployment set quarantine = ''")
    await worker.settle()
    assert [kind for _, kind in world.settled] == ["done"]


async def test_what_is_under_way_when_a_quarantine_begins_does_not_leave_either(
    database: Database, database_url: str
) -> None:
    world = World(database, operation("look_up"))
    await world.want("po_1")

    def quarantined(request: HttpRequest) -> Fault:
        with psycopg.connect(database_url) as connection:
            connection.execute("update deployment set quarantine = 'behind its anchor'")
        return "" if request.body else "nonsense"

    world.partner.fault = quarantined
    await Worker(world, "one").settle()
    assert world.partner.calls == ["/find"]
    assert world.partner.effects == {}


@pytest.mark.parametrize(
    "forbids",
    [
        "update deployment set quarantine = 'behind its anchor'",
        f"insert into stop values ('psp', 'another Odoo', 0, 'C-1', '{START}')",
    ],
)
async def test_a_quarantine_that_begins_while_a_start_waits_for_its_slot_holds_the_act_back(
    database: Database, database_url: str, forbids: str
) -> None:
    """The fence waits with what it saw before: only what is asked behind it knows better."""
    world = World(database, operation("look_up"))
    worker = Worker(world, "one")
    await worker.slots.step(world.now)
    [slot] = worker.slots.held("psp", world.now)
    journal = Journal(FencedWrites(database, slot), KEYS)
    await world.run(DISPATCH)
    with psycopg.connect(database_url) as other:
        other.execute("select from lease where kind = 'slot' for update")
        starting = asyncio.ensure_future(journal.start(3, b"\x0d", 1, b"c" * 32, world.now))
        while not await world.all(WAITING):  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.01)
        await world.run(forbids)
    with pytest.raises(Quarantined):
        await starting
    assert await world.all("select count(*) from attempt_call") == [(0,)]


@pytest.mark.parametrize("meanwhile", ["", "update dispatch set status = 'closed'"])
async def test_a_journal_goes_on_where_it_was_read_and_never_beside_another(database: Database, meanwhile: str) -> None:
    """Two landscapes with other numbers of slots lead two workers to one dispatch; a month's end is no way around."""
    world = World(database, operation("look_up"), slots=2)
    worker = Worker(world, "one")
    await worker.slots.step(world.now)
    one, two = [Journal(FencedWrites(database, slot), KEYS) for slot in worker.slots.held("psp", world.now)]
    await world.run(DISPATCH)
    if meanwhile:
        await world.run(meanwhile)
    else:
        await one.start(3, b"\x0d", 1, b"c" * 32, world.now)
    world.later(86_400)
    with pytest.raises(StatementRefused):
        await two.start(3, b"\x0d", 1, b"c" * 32, world.now)


async def test_of_an_ordering_key_only_the_oldest_open_command_leaves(database: Database) -> None:
    world = World(database, operation("look_up", batch=10))
    first, second = await world.want("po_1", "a"), await world.want("po_1", "b")
    other = await world.want("po_2", "a")
    await Worker(world, "one").settle()
    assert sorted(world.partner.order[:2]) == sorted([first, other])
    assert world.partner.order[2:] == [second]


async def test_an_unknown_outcome_blocks_its_own_key_and_nothing_else(database: Database) -> None:
    world = World(database, operation("person"))
    first, second = await world.want("po_1", "a"), await world.want("po_1", "b")
    other = await world.want("po_2", "a")
    world.partner.fault = lambda request: "cut_before" if first.encode() in request.body else ""
    await Worker(world, "one").settle()
    assert dict(world.settled) == {first: "handed_over", other: "done"}
    assert await world.all("select correlation, status from command_open order by position") == [
        (first, "handed_over"),
        (second, "ready"),
    ]


async def test_commands_of_many_subjects_that_work_on_one_thing_take_turns_over_all_slots(database: Database) -> None:
    world = World(database, operation("look_up"), slots=8)
    wanted = [await world.want(f"po_{n}", intent=of_line(1), lane=LANES[n % 3]) for n in range(12)]
    alone = [await world.want(f"own_{n}") for n in range(12)]
    workers = [Worker(world, "one"), Worker(world, "two")]
    together = 0
    while len(world.settled) < len(wanted) + len(alone):
        for worker in workers:
            await worker.step()
        [(under_way,)] = await world.all(
            "select count(*) from command_open where ordering_key = 'line/1' and status = 'dispatched'"
        )
        together = max(together, under_way)
        world.later(1)
        await world.absorb()
    for worker in workers:
        await worker.dispatcher.stop()
    assert together == 1
    assert {kind for _, kind in world.settled} == {"done"}
    assert world.partner.effects.total() == len(wanted) + len(alone)


async def test_an_unknown_outcome_holds_up_all_who_work_on_that_thing_and_nobody_else(database: Database) -> None:
    world = World(database, operation("person"), slots=4)
    first = await world.want("po_1", intent=of_line(1))
    world.later(1)
    second, after = await world.want("po_2", intent=of_line(1)), await world.want("po_2", "b")
    other, proposed = await world.want("po_3", intent=of_line(2)), await world.want("po_4", status="proposed")
    beside = await world.want("po_5", intent=of_line(2))
    world.partner.fault = lambda request: "cut_before" if first.encode() in request.body else ""
    await Worker(world, "one").settle()
    assert dict(world.settled) == {first: "handed_over", other: "done", beside: "done"}
    open_ones = dict(await world.all("select correlation, status from command_open"))
    assert open_ones == {first: "handed_over", second: "ready", after: "ready", proposed: "proposed"}


async def test_what_waits_for_a_person_holds_up_its_own_subject_only(database: Database) -> None:
    world = World(database, operation("look_up"), slots=4)
    await world.want("po_1", status="proposed")
    waiting = await world.want("po_1", "b", intent=of_line(1))
    world.later(1)
    other = await world.want("po_2", intent=of_line(1))
    await Worker(world, "one").settle()
    assert dict(world.settled) == {other: "done"}, "the older one can't leave, so the younger one doesn't wait for it"
    assert (waiting, "ready") in await world.all("select correlation, status from command_open")


async def test_a_batch_holds_commands_of_one_operation_and_entity(database: Database) -> None:
    world = World(database, operation("look_up", batch=3))
    for n in range(4):
        await world.want(f"po_{n}")
    await world.want("po_9", entity="CH")
    await Worker(world, "one").settle()
    assert sorted(len(set(body)) for body in world.partner.bodies if body) == [1, 1, 3]


async def test_bulk_does_not_starve_critical_and_critical_does_not_starve_bulk(database: Database) -> None:
    world = World(database, operation("person"))
    for n in range(60):
        await world.want(f"bulk_{n}", lane="bulk")
    for n in range(60):
        await world.want(f"critical_{n}", lane="critical")
    await Worker(world, "one").settle()
    subjects = {row[0]: row[1] for row in await world.all("select correlation, subject from command_closed")}
    lanes = [subjects[key].split("_")[0] for key in world.partner.order]
    assert lanes[:40].count("critical") >= 30
    assert lanes[:40].count("bulk") >= 1


async def test_a_released_command_that_may_have_been_done_begins_with_its_look_up(database: Database) -> None:
    world = World(database, operation("look_up"))
    key = await world.want("po_1")
    world.partner.fault = lambda request: "busy" if request.url.endswith("/do") else ""
    worker = Worker(world, "one")
    for _ in range(RETRIES + 3):
        await worker.settle()
        world.later(600)
    assert world.settled == [(key, "handed_over")]
    world.partner.fault = lambda _: ""
    world.partner.calls.clear()
    await world.run("update command_open set status = 'ready', dispatch = null, actor = 'ana'")
    world.later(60)
    await worker.settle()
    assert "/do" not in world.partner.calls
    world.later(200)
    await worker.settle()
    assert world.settled[1:] == [(key, "done")]
    assert await world.all("select count(*) from dispatch") == [(0,)]


async def test_while_a_recovery_is_open_every_command_begins_with_its_look_up(database: Database) -> None:
    world = World(database, operation("look_up"))
    key = await world.want("po_1")
    world.partner.effects[key] = 1
    await world.want("po_2")
    await world.run("update deployment set epoch = 2")
    worker = Worker(world, "one")
    await worker.settle()
    assert "/do" not in world.partner.calls
    world.later(200)
    await worker.settle()
    assert sorted(kind for _, kind in world.settled) == ["adopted", "done"]


async def test_a_dead_workers_dispatch_moves_once_its_lease_and_its_calls_deadline_have_passed(
    database: Database,
) -> None:
    world = World(database, operation("their_key"), takes_keys=True)
    await world.want("po_1")
    dead = Worker(world, "one", Mortal(database, dies_after="effect"))
    while not dead.mortal.dead:
        await dead.step()
    assert world.partner.effects.total() == 1, "it died with its effect done and its reply unheard"
    await world.run(f"update attempt_call set deadline = '{START + timedelta(seconds=60)}'")
    heir = Worker(world, "two")
    for _ in range(6):
        await heir.settle()
        world.later(9)
        assert await world.all("select status from dispatch") == [("open",)]
    world.later(9)
    await heir.settle()
    assert [kind for _, kind in world.settled] == ["done"]
    assert world.partner.effects.total() == 1


async def test_a_zombie_that_wakes_after_its_lease_sends_nothing_and_writes_nothing(database: Database) -> None:
    world = World(database, operation("person"))
    await world.want("po_1")
    zombie = Worker(world, "one", Mortal(database, sleeps_at=6))
    while zombie.mortal.points < 6:
        await zombie.step()
    heir = Worker(world, "two")
    for _ in range(4):
        world.later(5)
        await heir.settle()
    assert [kind for _, kind in world.settled] == ["handed_over"]
    zombie.mortal.awake.set()
    while zombie.dispatcher.running:
        await zombie.step()
    assert world.partner.calls == []
    assert [kind for _, kind in world.settled] == ["handed_over"]
    assert await world.all("select count(*) from attempt_call where reply_receipt is not null") == [(0,)]


async def test_two_workers_share_the_slots(database: Database) -> None:
    world = World(database, operation("look_up"), slots=4)
    one, two = Worker(world, "one"), Worker(world, "two")
    await world.run(
        f"insert into worker (id, started_at, seen_at, versions) select x, '{START}', '{START}', '{{}}' "
        "from unnest(array['one', 'two']) x"
    )
    for worker in (one, two, one, two):
        await worker.step()
        world.later(2)
    assert [len(worker.slots.held("psp", world.now)) for worker in (one, two)] == [2, 2]


async def test_after_failures_in_a_row_the_breaker_opens_and_one_prober_closes_it(database: Database) -> None:
    world = World(database, operation("look_up"))
    for n in range(12):
        await world.want(f"po_{n}")
    world.partner.fault = lambda _: "unsent"
    worker, other = Worker(world, "one"), Worker(world, "two")
    await worker.settle()
    assert await world.all("select state, failures from breaker") == [("open", 1)]
    attempts = len(world.partner.calls)
    await other.settle()
    assert len(world.partner.calls) == attempts
    world.partner.fault = lambda _: ""
    world.later(16)
    await worker.slots.step(world.now)
    assert await worker.dispatcher._begin(worker.dispatcher._seats[0], world.now) == 1
    assert await world.all("select state from breaker") == [("half_open",)]
    for _ in range(6):
        await worker.settle()
        world.later(8)
    assert await world.all("select state from breaker") == [("closed",)]
    assert [kind for _, kind in world.settled] == ["done"] * 12


async def test_a_dispatch_that_cannot_be_read_is_handed_over_and_stops_nothing_else(database: Database) -> None:
    world = World(database, operation("look_up"))
    broken, whole = await world.want("po_1"), await world.want("po_2")
    await world.run("update command_open set body = '{}' where subject = 'po_1'")
    await Worker(world, "one").settle()
    assert dict(world.settled) == {broken: "handed_over", whole: "done"}


async def test_what_is_decided_leaves_and_its_outcome_is_decided_upon(database: Database) -> None:
    deciding = DecidingHouse(database)
    await deciding.begin()
    world = World(database, operation("look_up"))
    world.now = deciding.now
    await deciding.tell([as_fact(payout("po_1"))])
    await deciding.settle()
    await deciding.tell([as_fact(line("po_1", "txn_1"))])
    await deciding.settle()
    worker = Worker(world, "one")
    while not await world.all("select 1 from arrival"):
        await worker.step()
    await deciding.settle()
    assert world.partner.effects.total() == 1
    assert await world.all("select outcome from command_closed") == [("done",)]
    assert await world.all("select count(*) from command_open") == [(0,)]
    [fact] = await world.all(
        "select subject, actor, cause_position is not null from fact where type = 'command.settled'"
    )
    assert fact == ("po_1", "psp", True)


async def test_a_refused_write_fails_alone_and_a_lost_slot_writes_nothing(database: Database) -> None:
    world = World(database, operation("look_up"))
    worker = Worker(world, "one")
    await worker.slots.step(world.now)
    [slot] = worker.slots.held("psp", world.now)
    writes = FencedWrites(database, slot)

    async def note(tx: Transaction, *, name: str, state: str = "closed") -> None:
        row = (name, state, 0, START, START)
        await tx.execute(b"insert into breaker values (%s, %s, %s, %s, %s)", row)

    given = [("a", "closed"), ("b", "nonsense"), ("c", "closed")]
    ends = await asyncio.gather(
        *[writes.write(partial(note, name=n, state=s)) for n, s in given], return_exceptions=True
    )
    assert [type(end) for end in ends] == [type(None), StatementRefused, type(None)]
    world.later(11)
    await Worker(world, "two").slots.step(world.now)
    with pytest.raises(LostRace):
        await writes.write(partial(note, name="d"))
    assert await world.all("select connection from breaker order by connection") == [("a",), ("c",)]
