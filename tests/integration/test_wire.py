"""Statements that are sent at once: what fails, is cut off or is large among them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from nostro.model.failures import DatabaseUnavailable, LostRace, StatementRefused
from nostro.store import database as module
from nostro.store.database import Database, Statement
from tests.crash.proxy import proxied

pytestmark = pytest.mark.asyncio
NOTE = Statement("note", b"insert into worker select id, now(), now(), '' from unnest(%(ids)s::text[]) as n (id)")
NOTED = Statement("noted", b"select id from worker order by id")
DEMAND = Statement("demand", b"select 1 / count(*) as one from worker where id = %(id)s")
ECHO = Statement("echo", b"select %(body)s::bytea as body")
DEATH = Statement("death", b"select pg_terminate_backend(pg_backend_pid())")
PAUSE = Statement("pause", b"select pg_sleep(%(seconds)s)")
MEGABYTES = 30


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """With one connection, so that each test meets what the last one left of it."""
    async with Database(database_url, size=1) as opened:
        yield opened


async def ahead(database: Database, *told: tuple[Statement, dict[str, object]]) -> None:
    async with database.transaction() as tx:
        for statement, parameters in told:
            await tx.ahead(statement, **parameters)


async def noted(database: Database) -> list[str]:
    return [row.id for row in await database.look(NOTED)]


async def noted_in_the_end(database: Database) -> list[str]:
    while True:
        with suppress(DatabaseUnavailable):
            return await noted(database)


@pytest.mark.parametrize("rest_seconds", [0, 3])
async def test_a_connection_that_takes_everything_and_says_nothing_more_is_given_up(
    database_url: str, monkeypatch: pytest.MonkeyPatch, rest_seconds: int
) -> None:
    """Else a worker's loop hangs for ever, while its leases are renewed beside it."""
    monkeypatch.setattr(module, "ON_THE_WAY_SECONDS", 0.5)
    monkeypatch.setitem(module.HERE, "connect_timeout", 2)
    told = conninfo_to_dict(database_url)
    socket = Path(str(told["host"])) / f".s.PGSQL.{told.get('port', 5432)}"
    async with asyncio.timeout(30), proxied(socket) as proxy:
        there = make_conninfo(database_url, host="127.0.0.1", port=proxy.port)
        async with Database(there, size=1, answer_seconds=0.5) as database:
            assert await noted(database) == []
            monkeypatch.setattr(module, "FRESH_SECONDS", 0.0 if rest_seconds else 60.0)
            proxy.silent = True
            with pytest.raises(DatabaseUnavailable):
                await noted(database)
            await asyncio.sleep(rest_seconds)  # the pool has begun to connect anew, which is not answered either
            proxy.silent = False
            assert await noted_in_the_end(database) == []


async def test_a_statement_that_takes_too_long_is_ended_there_too(database_url: str) -> None:
    async with Database(database_url, size=1, answer_seconds=0.5) as database:
        with pytest.raises(DatabaseUnavailable, match="too long"):
            await database.look(PAUSE, seconds=20)
        assert await noted(database) == []


async def test_what_has_no_name_is_given_up_as_well_when_nothing_answers_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ON_THE_WAY_SECONDS", -19.5)
    async with asyncio.timeout(15), Database(database_url, size=1, answer_seconds=20) as database:
        with pytest.raises(DatabaseUnavailable, match="can't be reached"):
            async with database.transaction() as tx:
                await tx.execute("select pg_sleep(60)")
        assert await noted_in_the_end(database) == []


async def test_what_goes_ahead_is_done_before_what_comes_next_and_by_the_commit_at_the_latest(
    database: Database,
) -> None:
    async with database.transaction() as tx:
        await tx.ahead(NOTE, ids=["a"])
        assert [row.id for row in await tx.rows(NOTED)] == ["a"]
        await tx.ahead(NOTE, ids=["b"])
        await tx.execute("select")
        await tx.ahead(NOTE, ids=["c"])
    assert await noted(database) == ["a", "b", "c"]


async def test_behind_a_demand_that_does_not_hold_nothing_is_done(database: Database) -> None:
    with pytest.raises(LostRace):
        await ahead(database, (NOTE, {"ids": ["a"]}), (DEMAND, {"id": "nobody"}), (NOTE, {"ids": ["b"]}))
    assert await noted(database) == []


async def test_what_was_to_be_prepared_behind_a_failure_is_prepared_when_it_is_sent_again(database: Database) -> None:
    with pytest.raises(StatementRefused):
        await ahead(database, (NOTE, {"ids": ["a", "a"]}), (NOTED, {}), (DEMAND, {"id": "a"}))
    async with database.transaction() as tx:
        async with tx.together() as sent:
            await sent.run(NOTE, ids=["a"])
            told = await sent.run(NOTED)
            await sent.run(DEMAND, id="a")
        assert [row.id for row in told.rows()] == ["a"]


async def test_more_than_any_buffer_holds_goes_both_ways_at_once(database: Database) -> None:
    bodies = [bytes([n]) * 1_000_000 for n in range(MEGABYTES)]
    async with database.transaction() as tx:
        async with tx.together() as sent:
            answers = [await sent.run(ECHO, body=body) for body in bodies]
        assert [answer.row().body for answer in answers] == bodies


async def test_a_connection_that_dies_among_statements_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        await ahead(database, (NOTE, {"ids": ["a"]}), (DEATH, {}))
    assert await noted(database) == []


async def test_whoever_is_cancelled_while_he_waits_leaves_no_answer_to_the_next_one(database: Database) -> None:
    async def wait() -> None:
        async with database.transaction() as tx:
            await tx.ahead(NOTE, ids=["a"])
            await tx.run(PAUSE, seconds=0.3)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0.5)
    assert await noted(database) == []


async def test_more_kinds_of_statements_than_a_connection_remembers_are_prepared_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nostro.store.wire.STATEMENTS_LIMIT", 3)
    for n in range(9):
        assert await database.look(Statement("one", f"select {n} as n".encode()))
    [row] = await database.look(Statement("kept", b"select count(*) as count from pg_prepared_statements"))
    assert row.count <= 4
