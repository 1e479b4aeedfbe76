"""A mode that is lowered keeps back what was decided before and has not left, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import psycopg
import pytest
import pytest_asyncio

from nostro.engine import modes
from nostro.engine.activation import activate
from nostro.engine.claims import ENGINE
from nostro.engine.modes import Modes
from nostro.model.canonical import canonical
from nostro.model.facts import CommandReleased
from nostro.model.ids import Subject
from nostro.store.database import Database
from tests.dispatch_world import START
from tests.integration.synthetic import House, StillRules, as_fact, line, payout

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]
BEN = "ben"
STATUSES = "select status, count(*) from command_open group by 1 order by 1"
RECOVERED = """insert into recovery (epoch, since, kept, lost, opened_at, opened_by, opened_for, reason, closed_at)
    values (2, '{at}', 1, 2, '{at}', 'treasurer', '', 'restored', {closed})"""
BLOCKED = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


def reading(content: bytes) -> StillRules:
    """A bundle says its mode and nothing else."""
    allowed = next((mode for mode in ("observe", "propose") if mode in content.decode()), "act")
    return StillRules(allowed=allowed)  # type: ignore[arg-type]  # one of the three


def old_release(content: bytes) -> StillRules:
    """A release that can't work under what it doesn't know."""
    if b"newer" in content:
        raise ValueError(content)
    return reading(content)


def house_on(
    database: Database, rules_from: Callable[[bytes], StillRules] = reading, worker: str = "worker-1"
) -> House:
    house = House(database, worker=worker)
    house.decider.rules_from = rules_from
    return house


def modes_of(house: House) -> Modes:
    return Modes(house.database, house.tenure, house.decider.rules_of)


async def publish(house: House, **content: object) -> None:
    await activate(house.database, house.keys, canonical(content), "controller", "a rule changed", house.now)


async def run(house: House, statement: str) -> None:
    async with house.database.transaction() as tx:
        await tx.execute(statement.encode())


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, size=4, by_index=True) as opened:
        yield opened


@pytest_asyncio.fixture
async def house(database: Database) -> House:
    """Six commands are ready, two of them since a person has let them go."""
    house = house_on(database)
    await house.begin()
    await house.tell([as_fact(payout(f"po_{n}")) for n in range(6)])
    await house.tell([as_fact(line(f"po_{n}", f"line_{n}")) for n in range(6)])
    await house.settle()
    await run(house, f"update command_open set actor = '{BEN}' where subject in ('po_0', 'po_1')")
    return house


@pytest.mark.parametrize(
    "mode, stands, waits_for",
    [
        ("act", [("ready", 6)], set()),
        ("propose", [("proposed", 4), ("ready", 2)], {ENGINE}),
        ("observe", [("would_do", 6)], {ENGINE, BEN}),
    ],
)
async def test_what_is_ready_goes_to_a_person_where_the_rules_in_force_let_it_leave_no_more(
    house: House, mode: str, stands: list[tuple[str, int]], waits_for: set[str]
) -> None:
    minding = modes_of(house)
    await minding.step(house.now)
    await publish(house, mode=mode)
    assert await minding.step(house.now) == 0, "the rules come into force with the log of each shard"
    await house.settle()
    await minding.step(house.now)
    assert await house.all(STATUSES) == stands
    noted = await house.all("select distinct actor, note from command_open where note <> ''")
    why = f"It was to be sent; before it was, the rules came to {mode} it."
    assert sorted(noted) == [(actor, why) for actor in sorted(waits_for)]


async def test_raising_the_mode_again_lets_nothing_go(house: House) -> None:
    minding = modes_of(house)
    for mode in ("observe", "act"):
        await publish(house, mode=mode)
        await house.settle()
        await minding.step(house.now)
    assert await house.all(STATUSES) == [("would_do", 6)]


@pytest.mark.parametrize("began", [True, False])
async def test_what_a_call_was_begun_for_may_have_been_done_and_is_not_merely_proposed(
    house: House, *, began: bool
) -> None:
    await run(
        house,
        "insert into dispatch_member (shard, dispatch, n, command_shard, command_key)"
        " select shard, '\\x0d', 0, shard, key from command_open where subject = 'po_3'",
    )
    if began:
        await run(
            house,
            "insert into attempt_call (shard, dispatch, n, month, call_digest, started_at, deadline)"
            f" select shard, '\\x0d', 1, '2026-08-01', '', '{START}', '{START}' from dispatch_member",
        )
    await publish(house, mode="observe")
    await house.settle()
    await modes_of(house).step(house.now)
    assert await house.all("select subject from command_open where status = 'ready'") == [("po_3",)] * began


async def test_a_recovery_that_another_one_left_open_keeps_nothing_from_a_person(house: House) -> None:
    """The database was restored again meanwhile: only the second one is ever closed."""
    at = house.now.business
    await run(house, RECOVERED.format(at=at, closed="null"))
    await run(house, f"update deployment set epoch = 5; update command_open set since = '{at}'")
    await publish(house, mode="observe")
    await house.settle()
    await modes_of(house).step(house.now)
    assert await house.all(STATUSES) == [("would_do", 6)]


@pytest.mark.parametrize("mode, becomes", [("propose", "ready"), ("observe", "would_do")])
async def test_who_let_it_go_before_nothing_was_written_any_more_is_heard_too_late(
    house: House, mode: str, becomes: str
) -> None:
    """His word was kept while that was allowed, and is decided behind the new rules."""
    await run(house, "update command_open set status = 'would_do'")
    await publish(house, mode=mode)
    rows = await house.all("select key_text from command_open where subject = 'po_4'")
    told = as_fact(CommandReleased(act="ACT1", key=str(rows[0][0]), verdict="release"))
    await house.tell([replace(told, origin="people", actor=BEN)], [Subject("payout", "po_4")])
    await house.settle()
    await modes_of(house).step(house.now)
    assert await house.all("select status from command_open where subject = 'po_4'") == [(becomes,)]
    assert await house.all("select count(*) from approval") == [(becomes == "ready",)]


async def test_many_are_kept_back_a_part_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "BATCH", 4)
    await publish(house, mode="observe")
    await house.settle()
    minding = modes_of(house)
    assert [await minding.step(house.now) for _ in range(3)] == [4, 2, 0]


async def test_rules_that_were_in_force_for_a_moment_are_minded_too(house: House) -> None:
    """The bundle is the one that was minded; what the other one made ready is not."""
    minding = modes_of(house)
    await run(house, "update command_open set status = 'would_do'")
    await publish(house, mode="observe")
    await house.settle()
    await minding.step(house.now)
    await publish(house, mode="act")
    await house.tell([as_fact(line("po_1", "more"))])
    await house.settle()
    await publish(house, mode="observe")
    await house.settle()
    assert await minding.step(house.now) == 1
    assert await house.all(STATUSES) == [("would_do", 7)]


async def test_one_that_is_just_being_claimed_is_whoever_claims_its(house: House, database_url: str) -> None:
    await publish(house, mode="observe")
    await house.settle()
    with psycopg.connect(database_url) as claim:
        claim.execute("update command_open set status = 'dispatched', dispatch = '\\x0d' where subject = 'po_2'")
        minding = asyncio.ensure_future(modes_of(house).step(house.now))
        while not await house.all(BLOCKED):  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.01)
    assert await minding == 5
    assert await house.all(STATUSES) == [("dispatched", 1), ("would_do", 5)]


async def test_a_worker_whose_memory_is_older_than_the_log_keeps_nothing_back(house: House) -> None:
    zombie = modes_of(house)
    await publish(house, mode="observe")
    await house.settle()
    stale = {number: replace(shard) for number, shard in house.tenure.shards.items()}
    await publish(house, mode="act")
    await house.settle()
    house.tenure.shards = stale
    assert await zombie.step(house.now) == 0
    assert await house.all(STATUSES) == [("ready", 6)]


async def test_what_an_older_release_can_not_judge_is_kept_back_by_whoever_takes_its_shards(
    house: House, database: Database
) -> None:
    house.decider.rules_from = old_release
    await publish(house, mode="observe", newer=1)
    await house.settle()
    assert await modes_of(house).step(house.now) == 0
    assert house.tenure.held(house.now) == [], "it leaves them to others, though nothing arrives there"
    newer = house_on(database, worker="worker-2")
    newer.now = house.now
    await newer.tenure.step(newer.now)
    assert await modes_of(newer).step(newer.now) == 6


@pytest.mark.parametrize("why", ["a restore that nobody looked into yet", "a recovery", "a recovery that was closed"])
async def test_what_a_lost_life_may_have_done_is_not_merely_proposed(house: House, why: str) -> None:
    """Who refused it would believe that it was not done."""
    at = house.now.business
    if why.startswith("a restore"):
        await run(house, f"update deployment set quarantine = '{why}'")
    else:
        await run(house, RECOVERED.format(at=at, closed=f"'{at}'" if why.endswith("closed") else "null"))
        await run(house, f"update deployment set epoch = {3 if why.endswith('closed') else 2}")
    await publish(house, mode="observe")
    await house.settle()
    await modes_of(house).step(house.now)
    assert await house.all(STATUSES) == [("ready", 6)]
