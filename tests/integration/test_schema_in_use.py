"""The schema while others read it: a dump or a report keeps nobody from starting, and months are made beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time

import psycopg
import pytest
from psycopg import sql

from nostro.model.failures import OutOfService
from nostro.store import migrate as module
from nostro.store.database import Database
from nostro.store.entropy import SeededEntropy
from nostro.store.install import install
from nostro.store.keys import Keys
from nostro.store.migrate import LOCK, migrate
from tests.databases import LIVED_IN

pytestmark = pytest.mark.asyncio
SOON_SECONDS = 20
KEYS = Keys({1: bytes(32)}, SeededEntropy(7))
AT = datetime.combine(LIVED_IN, time(9), UTC)
EACH_TABLE = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"


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


async def test_a_start_has_nothing_to_change_while_a_dump_is_made(database_url: str) -> None:
    with dumped(database_url):
        assert await asyncio.wait_for(migrate(database_url), SOON_SECONDS) == []
        async with Database(database_url, size=1) as database:
            found = await asyncio.wait_for(install(database, KEYS, "test", SeededEntropy(7), AT), SOON_SECONDS)
    assert found.environment == "test"


async def test_a_start_does_not_wait_for_another_without_bound(database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        with pytest.raises(OutOfService, match="Another process"):
            await asyncio.wait_for(migrate(database_url), SOON_SECONDS)
