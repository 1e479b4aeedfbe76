"""The schema while others read it: a dump or a report keeps nobody from starting, and months are made beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from psycopg import sql

from nostro.model.clock import Now
from nostro.model.failures import OutOfService
from nostro.runtime.workers import Partitions
from nostro.store import migrate as module
from nostro.store.database import Database, Statement
from nostro.store.entropy import SeededEntropy
from nostro.store.install import install
from nostro.store.keys import Keys
from nostro.store.migrate import LOCK, MONTHLY, migrate, partition
from tests.databases import LIVED_IN

SOON_SECONDS = 20
LATER = datetime(2031, 1, 1, tzinfo=UTC)
INSERT = Statement("insert", b"insert into posting values (1, 1, 1, '2026-08-01', '', '', '', 'EUR', 1, '', '')")
CATALOGUE = {
    "itself": """
        select relkind, relpersistence, reloptions, relacl, relowner, reltablespace, relam, relreplident, relchecks,
            relrowsecurity, relhastriggers, relispartition, reltoastrelid <> 0
        from pg_class where oid = %(name)s::regclass""",
    "parent": "select inhparent::regclass::text, inhseqno from pg_inherits where inhrelid = %(name)s::regclass",
    "columns": """
        select attname, attnum, format_type(atttypid, atttypmod), attcollation, attnotnull, attstorage, attcompression,
            attislocal, attinhcount, attidentity, attgenerated, attstattarget, attacl, attoptions,
            pg_get_expr(adbin, adrelid)
        from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = %(name)s::regclass and attnum > 0 order by attnum""",
    "rules": """
        select conname, contype, convalidated, conislocal, coninhcount, connoinherit, conparentid <> 0,
            pg_get_constraintdef(oid)
        from pg_constraint where conrelid = %(name)s::regclass order by conname""",
    "indexes": """
        select pg_get_indexdef(indexrelid), inhparent::regclass::text, indisprimary, indisunique, indisvalid,
            indisready, indisreplident, reloptions
        from pg_index join pg_class on pg_class.oid = indexrelid left join pg_inherits on inhrelid = indexrelid
        where indrelid = %(name)s::regclass order by 1""",
}
KEYS = Keys({1: bytes(32)}, SeededEntropy(7))
AT = datetime.combine(LIVED_IN, time(9), UTC)
EACH_TABLE = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
WAITING = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@contextmanager
def dumped(url: str) -> Iterator[None]:
    """All tables are held as `pg_dump` holds them, until the block ends."""
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute(EACH_TABLE).fetchall():
            connection.execute(sql.SQL("lock table {} in access share mode").format(sql.Identifier(table)))
        yield


@pytest.fixture(autouse=True)
def _tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    monkeypatch.setattr(module, "QUEUE_SECONDS", 2)


@pytest.mark.asyncio
async def test_a_start_has_nothing_to_change_while_a_dump_is_made(database_url: str) -> None:
    with dumped(database_url):
        assert await asyncio.wait_for(migrate(database_url), SOON_SECONDS) == []
        async with Database(database_url, size=1) as database:
            found = await asyncio.wait_for(install(database, KEYS, "test", SeededEntropy(7), AT), SOON_SECONDS)
    assert found.environment == "test"


@pytest.mark.asyncio
async def test_a_start_does_not_wait_for_another_without_bound(database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        with pytest.raises(OutOfService, match="Another process"):
            await asyncio.wait_for(migrate(database_url), SOON_SECONDS)


@pytest.mark.asyncio
async def test_who_starts_while_another_makes_the_months_waits_for_them(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Door and workers begin at once in a new database, on a machine so busy that the first of them takes long."""
    make = module._make

    async def slow(connection: Any, *place: Any) -> None:  # noqa: ANN401 - as what it stands for
        await connection.execute("select pg_sleep(0.1)")
        await make(connection, *place)

    monkeypatch.setattr(module, "_make", slow)
    monkeypatch.setattr(module, "QUEUE_SECONDS", SOON_SECONDS)
    async with Database(database_url, size=3) as database:
        starts = [install(database, KEYS, "test", SeededEntropy(7), LATER) for _ in range(3)]
        found = await asyncio.wait_for(asyncio.gather(*starts), SOON_SECONDS)
    assert len({one.id for one in found}) == 1


@pytest.mark.asyncio
async def test_who_waited_for_another_sees_the_one_month_that_it_made(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers begin on the first of a month. So few changes come to the waiting one's cache of names too late."""
    monkeypatch.setattr(module, "QUEUE_SECONDS", SOON_SECONDS)
    async with (
        await psycopg.AsyncConnection.connect(database_url) as first,
        await psycopg.AsyncConnection.connect(database_url) as second,
        asyncio.timeout(SOON_SECONDS),
    ):
        assert await partition(first, LATER.date(), months=-1) == []
        waiting = asyncio.create_task(partition(second, LATER.date(), months=-1, queues=True))
        with psycopg.connect(database_url, autocommit=True) as third:
            while not third.execute(WAITING).fetchall():  # noqa: ASYNC110 - the server sets no event
                await asyncio.sleep(0.01)
        await first.commit()
        assert await waiting == []


@pytest.mark.asyncio
async def test_months_are_made_while_a_dump_is_made_and_nobody_waits(database_url: str) -> None:
    with dumped(database_url):
        async with Database(database_url, size=2) as database:
            partitions = Partitions(cast("Any", SimpleNamespace(database=database)))
            step = asyncio.create_task(partitions.step(Now(LATER, LATER)))
            await asyncio.sleep(0.3)
            await asyncio.wait_for(database.look(INSERT), 1)
            assert await asyncio.wait_for(step, SOON_SECONDS) == 1


@pytest.mark.asyncio
async def test_months_that_cannot_be_made_keep_nobody_waiting_and_are_made_later(database_url: str) -> None:
    """Whoever vacuums a table, or changes its schema, is waited for without keeping others from the table."""
    async with Database(database_url, size=2) as database:
        partitions = Partitions(cast("Any", SimpleNamespace(database=database)))
        with psycopg.connect(database_url) as other:
            other.execute("lock table posting in share update exclusive mode")
            step = asyncio.create_task(partitions.step(Now(LATER, LATER)))
            await asyncio.sleep(0.3)
            await asyncio.wait_for(database.look(INSERT), 1)
            with pytest.raises(OutOfService, match="posting_2031_01"):
                await asyncio.wait_for(step, SOON_SECONDS)
            with pytest.raises(OutOfService, match="of this month"):
                await asyncio.wait_for(install(database, KEYS, "test", SeededEntropy(7), LATER), SOON_SECONDS)
            a_month_ahead = AT + timedelta(days=60)
            await asyncio.wait_for(install(database, KEYS, "test", SeededEntropy(7), a_month_ahead), SOON_SECONDS)
        assert await partitions.step(Now(LATER, LATER)) == 1
        assert await partitions.step(Now(LATER, LATER)) == 0


@pytest.mark.parametrize("table", MONTHLY)
def test_a_month_that_is_attached_is_as_one_that_is_declared(database_url: str, table: str) -> None:
    """Those of the installation and later ones: columns, defaults, rules, keys, indexes, storage, rights."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        declare(connection, table, date(2019, 1, 1))
        wanted = described(connection, table, "2019_01")
        assert len(wanted["columns"]) >= 5
        assert described(connection, table, f"{LIVED_IN:%Y_%m}") == wanted
        connection.execute("alter default privileges grant select on tables to nostro_checkpoint")
        declare(connection, table, date(2019, 2, 1))
        asyncio.run(_partitioned(database_url, date(2019, 3, 1)))
        granted = described(connection, table, "2019_02")
        assert granted["itself"] != wanted["itself"]
        assert described(connection, table, "2019_03") == granted


def declare(connection: psycopg.Connection, table: str, first: date) -> None:
    """As it is done where nobody else is at work."""
    connection.execute(
        sql.SQL("create table {} partition of {} for values from ({}) to ({}) with ({})").format(
            sql.Identifier(f"{table}_{first:%Y_%m}"),
            sql.Identifier(table),
            first.isoformat(),
            first.replace(month=first.month + 1).isoformat(),
            sql.SQL("autovacuum_analyze_scale_factor = 1"),
        )
    )


async def _partitioned(url: str, around: date) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        assert await partition(connection, around, months=0) == []


def described(connection: psycopg.Connection, table: str, month: str) -> dict[str, list[str]]:
    """What the catalogue says of a month's partition, but for its name, its bounds and the numbers of its objects."""
    asked = {"name": f"{table}_{month}"}
    found = {what: connection.execute(query, asked).fetchall() for what, query in CATALOGUE.items()}
    return {what: [str(row).replace(month, "MONTH") for row in rows] for what, rows in found.items()}
