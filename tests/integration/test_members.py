"""Where members are: in their dispatch, or apart from it as long as the last release may have to go on with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from nostro.egress.journal import SQL
from nostro.model.failures import LostRace
from nostro.model.ids import IdempotencyKey, Subject
from nostro.store.database import Database
from tests.dispatch_world import START, Worker, World, installed
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
DISPATCH = b"d"
SUBJECTS = [Subject("payout", f"po_{n}") for n in range(3)]
SHARDS = [subject.shard for subject in SUBJECTS]
KEYS = [IdempotencyKey("payout", subject.id, "annotate").bytes for subject in SUBJECTS]
LEFT = "select (select count(*) from dispatch_member) as members, count(*) from dispatch"


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


@pytest_asyncio.fixture(params=[False, True], ids=["apart", "in their dispatch"])
async def world(database: Database, request: pytest.FixtureRequest) -> World:
    """A dispatch of three members."""
    world = World(database, operation("look_up", batch=3))
    await world.run(f"update deployment set members_in_dispatch = {request.param}")
    async with database.transaction() as tx:
        await tx.run(
            SQL.add_dispatches,
            connection="psp",
            slot=0,
            business=START,
            shards=[0],
            ids=[DISPATCH],
            operations=["annotate_payment"],
            lanes=[1],
            look_up_first=[False],
            dispatches=[DISPATCH] * 3,
            ns=[2, 0, 1],
            command_shards=SHARDS,
            keys=KEYS,
        )
    apart = {False: [(3, 1)], True: [(0, 1)]}
    assert await world.all(LEFT) == apart[request.param]
    return world


async def ends(world: World, *left: int, status: str = "closed") -> None:
    async with world.database.transaction() as tx:
        to = {"left_shards": [SHARDS[n] for n in left], "left": [KEYS[n] for n in left]}
        await tx.ahead(SQL.end_dispatch, shard=0, id=DISPATCH, status=status, note="", **to)
    await forget(world, [n for n in range(3) if n not in left])


async def forget(world: World, members: Sequence[int]) -> None:
    async with world.database.transaction() as tx:
        await tx.run(SQL.forget_members, command_shards=[SHARDS[n] for n in members], keys=[KEYS[n] for n in members])


async def test_members_come_back_in_their_order(world: World) -> None:
    async with world.database.transaction() as tx:
        rows = await tx.rows(SQL.members, shards=[0], dispatches=[DISPATCH])
    assert [(row.dispatch, row.shard, row.key) for row in rows] == [(DISPATCH, SHARDS[n], KEYS[n]) for n in (1, 2, 0)]


async def test_a_dispatch_is_forgotten_with_its_members(world: World) -> None:
    await ends(world)
    assert await world.all(LEFT) == [(0, 0)]


@pytest.mark.parametrize("status", ["closed", "held"])
async def test_what_was_handed_over_remembers_that_it_may_have_been_done(world: World, status: str) -> None:
    await ends(world, 0, 1, status=status)
    assert await world.all("select n from dispatch_member order by n") == [(0,), (2,)]
    await forget(world, [0])
    assert await world.all(LEFT) == [(1, 1)]
    await forget(world, [1])
    assert await world.all(LEFT) == [(0, 0)]


async def test_what_goes_on_is_not_forgotten_with_what_its_commands_were_in_before(world: World) -> None:
    await forget(world, range(3))
    assert await world.all("select status from dispatch") == [("open",)]


async def test_one_that_has_ended_does_not_end_again(world: World) -> None:
    await ends(world, 0)
    for left in ((), (0,)):
        with pytest.raises(LostRace):
            await ends(world, *left)
    assert await world.all(LEFT) == [(1, 1)]


@pytest.mark.parametrize("apart", [True, False])
async def test_an_upgrade_that_is_finished_meanwhile_changes_nothing_for_what_is_under_way(
    database: Database, *, apart: bool
) -> None:
    """What was begun in one form goes on in it; what begins then has the other."""
    world = World(database, operation("look_up", batch=2))
    await world.run(f"update deployment set members_in_dispatch = {not apart}")
    wanted = [await world.want(f"po_{n}") for n in range(2)]
    world.partner.fault = lambda _: "busy"
    worker = Worker(world, "one")
    await worker.settle()
    assert await world.all(LEFT) == [(2 if apart else 0, 1)]
    await world.run("update deployment set members_in_dispatch = true")
    world.partner.fault = lambda _: ""
    world.later(60)
    await Worker(world, "two").settle()
    world.later(60)
    await worker.settle()
    assert world.settled == [(key, "done") for key in wanted]
    assert await world.all(LEFT) == [(0, 0)]


async def test_a_claim_looks_up_no_member_of_what_may_go_on(database: Database) -> None:
    """However many are due: it is asked with each claim. The lane of a dispatch stands with it."""
    await World(database, operation("look_up")).run(
        f"""insert into dispatch (shard, id, connection, operation, slot, status, run_at, began_at,
            member_shards, member_keys)
        select 0, sha256(n::text::bytea), 'psp', 'annotate_payment', 0, 'open', '{START}', '{START}',
            array[0], array[sha256('k')]
        from generate_series(1, 9) as n"""
    )
    asked = {"connection": "psp", "slots": 1, "slot": 0, "running": [], "business": START, "machine": START, "limit": 2}
    asked |= {"lanes": [0, 1, 2]}
    async with database.transaction() as tx:
        cursor = await tx.execute(b"explain (analyze, costs off, timing off) " + SQL.due_dispatches.text, asked)
        plan = [line for (line,) in await cursor.fetchall()]
        assert len(await tx.rows(SQL.due_dispatches, **asked)) == 2
    assert [line for line in plan if "command_open" in line or "dispatch_member" in line] == []
