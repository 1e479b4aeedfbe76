"""What a database transaction promises whoever opens one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress

import pytest
import pytest_asyncio
from psycopg import AsyncConnection, Error, sql
from psycopg.errors import SerializationFailure
from psycopg_pool import PoolTimeout

from nostro.model.failures import DatabaseUnavailable, LostRace, StatementRefused
from nostro.store import database as module
from nostro.store.database import Database, Statement, Transaction

pytestmark = pytest.mark.asyncio
NOTE = Statement("note", b"insert into worker values ('one', now(), now(), '')")
FAILING = Statement("failing", b"select 1 / 0")
COUNT = Statement("count", b"select count(*) as count from worker")


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, size=2) as opened:
        yield opened


async def noted_though_it_fails(database: Database, fails: Callable[[Transaction], Awaitable[None]]) -> None:
    async with database.transaction() as tx:
        assert await tx.run(NOTE) == 1
        with suppress(Error):
            await fails(tx)


async def alone(tx: Transaction) -> None:
    await tx.run(FAILING)


async def with_others(tx: Transaction) -> None:
    async with tx.together() as sent:
        await sent.run(FAILING)


@pytest.mark.parametrize("fails", [alone, with_others])
async def test_the_commit_of_a_database_transaction_that_has_failed_is_refused(
    database: Database, fails: Callable[[Transaction], Awaitable[None]]
) -> None:
    """PostgreSQL would answer it with a rollback and without an error: whoever swallowed the first one hears of it."""
    with pytest.raises(StatementRefused, match="had failed"):
        await noted_though_it_fails(database, fails)
    [row] = await database.look(COUNT)
    assert row.count == 0


@pytest.mark.parametrize("lost", [module.RACES - 1, module.RACES])
async def test_what_loses_a_race_is_begun_anew_and_told_when_it_loses_each_one(database: Database, lost: int) -> None:
    attempts = []

    async def work(tx: Transaction) -> int:
        attempts.append(await tx.run(NOTE))
        if len(attempts) <= lost:
            raise SerializationFailure
        return len(attempts)

    if lost < module.RACES:
        assert await database.done(work) == module.RACES
    else:
        with pytest.raises(LostRace):
            await database.done(work)
    [row] = await database.look(COUNT)
    assert (len(attempts), row.count) == (module.RACES, int(lost < module.RACES))


async def test_a_full_disk_is_told_from_a_database_that_is_away(database: Database) -> None:
    full = Statement("full", b"do $$ begin raise 'no room' using errcode = 'disk_full'; end $$")
    with pytest.raises(DatabaseUnavailable, match="disk is full"):
        async with database.transaction() as tx:
            await tx.run(full)


async def noted(database: Database) -> int:
    async with database.transaction() as tx:
        return await tx.run(NOTE)


async def test_a_database_that_only_reads_is_out_of_service_and_is_written_to_again_once_it_may_be(
    database_url: str,
) -> None:
    """A standby, or a server that its keeper has locked: no defect of a loop's, and no webhook's. A session that began
    so stays so: another one is opened for it.
    """
    lock = sql.SQL("alter database {} set default_transaction_read_only = {}")
    async with await AsyncConnection.connect(database_url, autocommit=True) as keeper:
        name = sql.Identifier(keeper.info.dbname)
        await keeper.execute(lock.format(name, sql.SQL("on")))
        async with Database(database_url, size=1) as opened:
            for _ in range(2):
                with pytest.raises(DatabaseUnavailable, match="takes no writes"):
                    await noted(opened)
                assert await opened.look(COUNT)
            await keeper.execute(lock.format(name, sql.SQL("off")))
            with pytest.raises(DatabaseUnavailable):  # of the session that looked
                await noted(opened)
            assert await noted(opened) == 1


async def stopped_within(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.run(NOTE)
        await asyncio.sleep(1)
        await tx.run(COUNT)


async def test_who_stops_within_a_database_transaction_loses_its_locks_and_hears_of_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a process that was stopped, or a machine that is gone, holds its shards for ever: others pass locks by."""
    monkeypatch.setitem(module.THERE, "idle_in_transaction_session_timeout", "200ms")
    async with Database(database_url, size=2) as stopping, Database(database_url, size=2) as other:
        with pytest.raises(DatabaseUnavailable):
            await stopped_within(stopping)
        async with other.transaction() as tx:
            assert await tx.run(NOTE) == 1


async def test_a_machine_that_is_gone_without_a_word_is_noticed_by_both_sides(database: Database) -> None:
    async with database.transaction() as tx:
        rows = await (await tx.execute("select name, reset_val from pg_settings where name like 'tcp%'")).fetchall()
        here = tx.connection.info.get_parameters()
    there = {row.name: int(row.reset_val) for row in rows}
    seconds = [
        there["tcp_keepalives_idle"] + there["tcp_keepalives_interval"] * there["tcp_keepalives_count"],
        int(here["keepalives_idle"]) + int(here["keepalives_interval"]) * int(here["keepalives_count"]),
        there["tcp_user_timeout"] / 1000,
        int(here["tcp_user_timeout"]) / 1000,
    ]
    assert seconds == [module.SILENT_SECONDS] * 4


async def test_a_pool_that_is_cancelled_while_it_connects_leaves_no_task_behind() -> None:
    """Its workers take a cancellation for a connection that failed, so that a loop would wait for them at its end."""

    async def open_it(port: int) -> None:
        async with Database(f"postgresql://somebody@127.0.0.1:{port}/nothing"):
            pass

    with socket.create_server(("127.0.0.1", 0)) as mute:
        opening = asyncio.create_task(open_it(mute.getsockname()[1]))
        await asyncio.sleep(0.5)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        left = [task for task in asyncio.all_tasks() if task.get_name().startswith("pool-")]
        assert left  # they are connecting still, and are cancelled once, as a loop does it at its end
        for task in left:
            task.cancel()
        _, still = await asyncio.wait(left, timeout=5)
        assert not still


async def turned(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def a_look(database: Database) -> None:
    await database.look(COUNT)


async def a_transaction(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.rows(COUNT)


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("work", [a_look, a_transaction])
async def test_who_is_cancelled_while_a_connection_comes_to_him_ends(
    database_url: str, work: Callable[[Database], Awaitable[None]], turns: int
) -> None:
    """So many turns of the loop after it was given back. Who goes on though he was cancelled would go on for ever."""

    async def for_ever(database: Database) -> None:
        await work(database)
        await asyncio.Event().wait()

    async with Database(database_url, size=1) as opened:
        async with opened.transaction() as tx:
            await tx.rows(COUNT)
            task = asyncio.create_task(for_ever(opened))
            await turned(20)
            assert opened._pool._waiting
        await turned(turns)
        task.cancel()
        await asyncio.wait((task,), timeout=5)
        assert task.cancelled()
        assert await asyncio.wait_for(opened.look(COUNT), 5), "and the connection is there for others"


async def lent(opened: Database, over: asyncio.Event) -> None:
    """As long as that; nothing is asked."""
    async with opened.transaction():
        await over.wait()


@pytest.mark.parametrize("turns", range(6))
async def test_who_is_cancelled_while_he_gives_a_connection_back_loses_it_to_nobody(
    database_url: str, turns: int
) -> None:
    """So many turns of the loop after another one has begun to wait for it."""
    async with Database(database_url, size=1) as opened:
        await opened.look(COUNT)
        for later in range(8):
            over = asyncio.Event()
            holder = asyncio.create_task(lent(opened, over))
            await turned(20)
            waiter = asyncio.create_task(opened.look(COUNT))
            await turned(turns)
            over.set()
            await turned(later)
            holder.cancel()
            assert await asyncio.wait_for(waiter, 3)


class Lost(AbstractAsyncContextManager[None]):
    """A connection that is waited for, and of which the wait ends just when somebody ends the waiter."""

    async def __aenter__(self) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        raise PoolTimeout

    async def __aexit__(self, *_: object) -> None:
        pass


async def test_who_is_asked_to_end_ends_though_the_database_goes_away_at_that_moment(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(database_url, size=1) as opened:
        monkeypatch.setattr(opened._pool, "connection", Lost)
        for asked in (opened.look(COUNT), lent(opened, asyncio.Event())):
            task = asyncio.create_task(asked)
            await turned(3)
            task.cancel()
            await asyncio.wait((task,), timeout=5)
            assert task.cancelled()
