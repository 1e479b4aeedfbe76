"""The engine on a real PostgreSQL, with a synthetic process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from nostro.engine.look import Look
from nostro.engine.replay import Replay
from nostro.model.clock import Now
from nostro.model.facts import CaseClosed, Fact
from nostro.model.ids import Subject
from nostro.processes.kit.decision import Decision, Instance, Rules, State, Wanted
from nostro.store.database import Database
from nostro.store.log import FactRow, leaf_of
from tests.dispatch_world import Killed, Mortal, of_line
from tests.integration.synthetic import PROCESS, START, House, StillRules, as_fact, line, payout

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """A house with one worker."""
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        yield house


def employ(house: House, other: Callable[[Wanted], Wanted]) -> None:
    """The process, with other intents."""

    def decide(before: Instance, state: State, fact: Fact, rules: Rules) -> Decision:
        told = PROCESS.versions[0].decide(before, state, fact, rules)
        return replace(told, intents=tuple(map(other, told.intents)))

    house.processes["payout"] = replace(PROCESS, versions=(replace(PROCESS.versions[0], decide=decide),))


async def test_a_fact_is_decided_once_however_often_it_is_told(house: House) -> None:
    first = await house.tell([as_fact(payout("po_1")), as_fact(payout("po_1"))])
    again = await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    assert (first.delivered, first.duplicates, again.duplicates) == (1, [1], [0])
    assert await house.all("select count(*) from fact where process = 'payout'") == [(1,)]


async def test_the_same_natural_key_with_other_content_is_noticed_and_never_dropped(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    told = await house.tell([as_fact(payout("po_1", descriptor="changed"))])
    assert [n for n, _ in told.differences] == [0]
    assert told.duplicates == []


async def test_a_fact_that_comes_before_what_it_belongs_to_waits_and_then_goes_on(house: House) -> None:
    told = await house.tell([as_fact(line("po_1", "txn_1"))])
    await house.settle()
    assert told.parked == 1
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    assert await house.all("select subject, type from fact where process = 'payout' order by revision") == [
        ("po_1", "payout.reported"),
        ("po_1", "payout.line_reported"),
    ]
    assert await house.all("select count(*) from parked") == [(0,)]
    assert await house.all("select count(*) from parked_reference") == [(0,)]


async def test_a_fact_that_nobody_knows_is_an_orphan_after_its_deadline(house: House) -> None:
    await house.tell([as_fact(line("po_9", "txn_9"))])
    await house.settle()
    house.later(seconds=61)
    await house.tenure.step(house.now)
    await house.settle()
    assert await house.all("select subject from fact where process = 'payout'") == [("nobody's",)]


async def test_two_tellings_in_one_batch_find_the_same_subject(house: House) -> None:
    await house.tell([as_fact(payout("po_1")), as_fact(payout("po_1", state="pending"))])
    await house.settle()
    assert await house.all("select subject, revision from subject where process = 'payout'") == [("po_1", 2)]


async def test_what_came_first_is_decided_first(house: House) -> None:
    await house.tell([as_fact(payout("po_1", state="pending"))])
    house.later(seconds=1)
    await house.tell([as_fact(payout("po_1"), house.now.business)])
    await house.settle()
    told = await house.all("select occurred_at from fact where process = 'payout' order by revision")
    assert told == [(START,), (START + timedelta(seconds=1),)]


async def test_a_backlog_of_one_shard_is_taken_in_larger_and_larger_batches_and_in_its_order(house: House) -> None:
    """Of each shard little is read at first; where the others have nothing, soon as much as a batch may hold."""
    house.decider.batch_limit = 128
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    for n in range(100):
        await house.tell([as_fact(line("po_1", f"txn_{n:03}"))])
        house.later(milliseconds=1)
    batches = []
    while done := await house.decider.step(house.now):
        batches.append(done)
    assert batches == [5, 10, 20, 40, 25]
    told = await house.all("select natural_key from fact where subject = 'po_1' order by revision")
    keys = [str(key) for (key,) in told[1:]]
    assert keys == sorted(keys)
    assert len(told) == 101


async def test_a_subjects_row_that_is_ahead_of_its_log_is_not_written_over(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    async with house.database.transaction() as tx:
        await tx.execute(
            "create function ahead() returns trigger language plpgsql as"
            " $$ begin update subject set revision = 1000; return null; end $$;"
            " create trigger meanwhile after delete on arrival for each row execute function ahead()"
        )
    await house.tell([as_fact(line("po_1", "txn_1"))])
    assert await house.decider.step(house.now) == 0
    assert await house.all("select count(*) from fact where process = 'payout'") == [(1,)]


async def test_a_step_decided_again_with_another_content_is_a_case_and_the_first_one_stands(house: House) -> None:
    employ(house, lambda wanted: replace(wanted, step="annotate-once"))
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    await house.tell([as_fact(line("po_1", "txn_1"))])
    await house.settle()
    first = await house.all("select key, body from command_open")
    await house.tell([as_fact(line("po_1", "txn_2"))])
    await house.settle()
    assert await house.all("select key, body from command_open") == first
    assert await house.all("select reason from exception_case") == [("same_key_other_content",)]


async def test_what_two_subjects_want_of_one_thing_has_one_ordering_key_on_one_shard(house: House) -> None:
    employ(house, lambda wanted: replace(wanted, intent=of_line(1)))
    await house.tell([as_fact(payout(f"po_{n}")) for n in (1, 2)])
    await house.settle()
    await house.tell([as_fact(line(f"po_{n}", f"txn_{n}")) for n in (1, 2)])
    await house.settle()
    assert await house.all("select count(distinct subject) from command_open") == [(2,)]
    assert await house.all("select count(distinct (ordering_key, order_shard)) from command_open") == [(1,)]


async def test_positions_have_no_gaps_and_leaves_chain(house: House) -> None:
    await house.tell([as_fact(payout(f"po_{n}")) for n in range(40)])
    await house.settle()
    names = ", ".join(FactRow._fields)
    rows = [FactRow(*row) for row in await house.all(f"select {names} from fact order by shard, position")]  # type: ignore[arg-type]  # rows of the log
    heads = {shard: head for shard, head in await house.all("select shard, head from shard")}  # noqa: C416 - typed rows
    for shard in {row.shard for row in rows}:
        chain = [row for row in rows if row.shard == shard]
        assert [row.position for row in chain] == list(range(1, len(chain) + 1))
        assert all(leaf_of(a.leaf, b) == b.leaf for a, b in pairwise(chain))
        assert heads[shard] == chain[-1].leaf


async def test_a_decision_that_throws_parks_its_subject_and_nothing_else(house: House) -> None:
    await house.tell([as_fact(payout("po_1", descriptor="throw")), as_fact(payout("po_2"))])
    await house.settle()
    await house.tell([as_fact(line("po_2", "txn_2")), as_fact(payout("po_1", state="pending"))])
    await house.settle()
    assert await house.all("select subject from fact where process = 'payout' order by position") == [
        ("po_2",),
        ("po_2",),
    ]
    assert await house.all("select subject, reason from exception_case") == [("po_1", "poisoned")]
    assert await house.all("select count(*) from parked where kind = 'poison'") == [(2,)]


async def test_closing_a_poisoned_subjects_case_lets_it_try_again_in_order(house: House) -> None:
    await house.tell([as_fact(payout("po_1", descriptor="throw"))])
    await house.settle()
    [(case,)] = await house.all("select id from exception_case")
    closing = as_fact(CaseClosed(act="act-1", case=str(case)))
    await house.tell([closing], [Subject("payout", "po_1")])
    await house.settle()
    assert await house.all("select count(*) from exception_case where closed_at is null") == [(1,)], "it threw again"
    assert await house.all("select count(*) from parked where kind = 'poison'") == [(1,)]


async def test_an_intent_becomes_a_command_in_the_mode_of_its_connection(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    await house.tell([as_fact(line("po_1", "txn_1"))])
    await house.settle()
    house.rules = StillRules(allowed="observe")
    house.decider._rules.clear()
    await house.tell([as_fact(line("po_1", "txn_2"))])
    await house.settle()
    rows = await house.all("select step, status, connection from command_open order by step")
    assert rows == [("annotate-txn_1", "ready", "psp"), ("annotate-txn_2", "would_do", "psp")]
    assert await house.all("select debit, credit, currency, minor from posting order by position") == [
        ("suspense/DE", "psp/DE/psp", "EUR", 100),
        ("suspense/DE", "psp/DE/psp", "EUR", 100),
    ]


async def test_a_waiting_state_falls_due_on_business_time_and_only_once(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    house.now = Now(START + timedelta(hours=2), house.now.machine)
    await house.settle()
    await house.settle()
    assert await house.all("select state from subject where process = 'payout'") == [("over",)]
    assert await house.all("select reason from exception_case") == [("payout_late",)]
    assert await house.all("select count(*) from fact where type = 'deadline.fell_due'") == [(1,)]


async def test_a_look_up_is_answered_when_the_reference_appears_or_when_time_is_up(house: House) -> None:
    await house.tell([as_fact(payout("po_1")), as_fact(payout("po_2"))])
    await house.settle()
    lines = [line("po_1", "a", source="po_2"), line("po_1", "b", source="po_3"), line("po_1", "c", source="po_never")]
    await house.tell([as_fact(body) for body in lines])
    await house.settle()
    await house.tell([as_fact(payout("po_3"))])
    await house.settle()
    house.later(seconds=61)
    await house.tenure.step(house.now)
    await house.settle()
    keys = await house.all("select natural_key from fact where type = 'lookup.answered' order by position")
    assert [str(key).rsplit("/", 1)[1].rstrip("',)") for key in keys] == ["found", "found", "expired"]


async def test_two_workers_share_the_shards_and_a_dead_ones_move(database_url: str) -> None:
    async with Database(database_url, size=4) as one, Database(database_url, size=4) as two:
        first, second = House(one), House(two, worker="worker-2")
        await first.begin()
        await second.tenure.step(second.now)
        for house in (first, second, first, second):
            house.later(seconds=4)
            other = second if house is first else first
            other.now = house.now
            await house.tenure.step(house.now)
        assert len(first.tenure.shards) == len(second.tenure.shards) == 32
        second.later(seconds=11)
        await second.tenure.step(second.now)
        second.later(seconds=4)
        await second.tenure.step(second.now)
        assert len(second.tenure.shards) == 64


async def test_what_a_worker_gives_back_is_taken_at_the_next_look(database_url: str) -> None:
    """Its share when another one joined, and everything when it ends: nobody waits until it counts as dead."""
    async with Database(database_url, size=4) as one, Database(database_url, size=4) as two:
        first, second = House(one), House(two, worker="worker-2")
        await first.begin()
        second.later(seconds=3)
        await second.tenure.step(second.now)
        for seconds in (1, 1):
            second.later(seconds=seconds)
            first.now = second.now
            await first.tenure.step(first.now)
            await second.tenure.step(second.now)
        assert (len(first.tenure.shards), len(second.tenure.shards)) == (32, 32)
        await first.tenure.release(first.now)
        await second.tenure.step(second.now)
        assert len(second.tenure.shards) == 64


async def test_a_zombie_that_wakes_after_its_lease_writes_nothing(database_url: str) -> None:
    async with Database(database_url, size=4) as one, Database(database_url, size=4) as two:
        zombie, heir = House(one), House(two, worker="worker-2")
        await zombie.begin()
        heir.later(seconds=11)
        await heir.tenure.step(heir.now)
        await heir.tell([as_fact(payout("po_1"))])
        assert await zombie.decider.step(zombie.now) == 0
        assert await heir.settle() == 1
        assert await heir.all("select count(*) from fact where process = 'payout'") == [(1,)]


async def test_a_shard_that_is_given_back_while_a_lost_race_is_looked_into_counts_as_lost(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    shard = Subject("payout", "po_1").shard
    queue = (await Look().find(house.database, [shard], 500)).queue

    async def gives_back() -> None:
        house.tenure.lost([shard])

    lost, _ = await asyncio.gather(house.decider._check_tenure({a.shard for a in queue}), gives_back())
    assert lost
    assert shard not in house.tenure.shards


async def test_a_shard_that_a_commit_without_an_answer_moved_is_gone_on_with_at_once(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    shard = Subject("payout", "po_1").shard
    believed = house.tenure.shards[shard]
    await house.settle()
    house.tenure.shards[shard] = believed
    await house.tell([as_fact(payout("po_1", state="pending"))])
    assert await house.decider.step(house.now) == 0
    assert await house.decider.step(house.now) == 1
    assert await house.all("select count(*) from fact where process = 'payout'") == [(2,)]


async def test_a_first_bundle_whose_commit_was_not_answered_is_in_force(database_url: str) -> None:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.install()
        unanswered: Any = Mortal(database, dies_at=2)
        house.decider.database = unanswered
        with pytest.raises(Killed):
            await house.decider.step(house.now)
        house.decider.database = database
        await house.tell([as_fact(payout("po_1"))])
        await house.settle()
        assert await house.all("select count(*) from fact where process = 'payout'") == [(1,)]


async def test_a_shard_that_stands_further_back_than_its_holder_knows_counts_as_lost(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    shard = Subject("payout", "po_1").shard
    house.tenure.shards[shard] = replace(house.tenure.shards[shard], position=house.tenure.shards[shard].position + 1)
    assert await house.decider.step(house.now) == 0
    assert shard not in house.tenure.shards


async def test_arrivals_that_were_decided_since_they_were_asked_for_are_not_decided_again(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    queue = (await Look().find(house.database, [Subject("payout", "po_1").shard], 500)).queue
    await house.settle()
    assert await house.decider._decide(queue, house.now) == 0
    assert await house.all("select count(*) from fact where process = 'payout'") == [(1,)]


async def test_replaying_the_log_decides_everything_again_as_it_was_decided(house: House) -> None:
    await house.tell([as_fact(payout(f"po_{n}")) for n in range(20)])
    await house.settle()
    await house.tell([as_fact(line(f"po_{n}", f"txn_{n}", source="po_1")) for n in range(20)])
    await house.settle()
    house.later(hours=2)
    await house.tenure.step(house.now)
    await house.settle()
    replay = Replay(house.database, house.keys, house.processes, lambda _: house.rules)
    count, differences = await replay.run()
    [(facts,)] = await house.all("select count(*) from fact")
    assert (count, differences) == (facts, [])


async def test_replay_finds_what_was_decided_otherwise(house: House) -> None:
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    async with house.database.transaction() as tx:
        await tx.execute(b"update fact set decided = leaf where process = 'payout'")
    _, [difference] = await Replay(house.database, house.keys, house.processes, lambda _: house.rules).run()
    assert difference.subject == "payout/po_1"


async def test_facts_in_the_same_batch_as_an_activation_are_decided_under_it(database_url: str) -> None:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.install()
        await house.tell([as_fact(payout("po_1"))])
        await house.settle()
        assert await house.all("select count(*) from exception_case") == [(0,)]
        assert await house.all("select state from subject where process = 'payout'") == [("counting",)]


async def test_a_stored_state_that_nobody_understands_stops_its_subject_and_nothing_else(house: House) -> None:
    await house.tell([as_fact(payout("po_1")), as_fact(payout("po_2"))])
    await house.settle()
    await house.all("update subject set body = '{\"stranger\":1}' where subject = 'po_1' returning 1")
    await house.tell([as_fact(payout("po_1", state="pending")), as_fact(payout("po_2", state="pending"))])
    await house.settle()
    assert await house.all("select subject, reason from exception_case") == [("po_1", "poisoned")]
    assert await house.all("select count(*) from fact where subject = 'po_2'") == [(2,)]
    await house.all("update subject set body = (select body from subject where subject = 'po_2') returning 1")
    [(case,)] = await house.all("select id from exception_case")
    await house.tell([as_fact(CaseClosed(act="act-1", case=str(case)))], [Subject("payout", "po_1")])
    await house.settle()
    assert await house.all("select count(*) from fact where subject = 'po_1' and type = 'payout.reported'") == [(2,)]
    assert await house.all("select count(*) from parked") == [(0,)]
