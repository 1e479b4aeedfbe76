"""Databases for tests: one embedded server a checkout, shared by all test processes, and a fresh database a test.

A test that stops or kills PostgreSQL starts an `EmbeddedServer` of its own; this one belongs to everybody.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from nostro.store.embedded import EmbeddedServer
from nostro.store.migrate import migrate, partition
from tests.places import quick_folder

ROOT = Path(__file__).parents[1]
SETTINGS = {"shared_buffers": "64MB", "max_connections": "300", "checkpoint_timeout": "1h", "max_wal_size": "1GB"}
LIVED_IN = date(2026, 8, 31)
HEIR = """
import sys
if not sys.stdin.buffer.read():
    from pathlib import Path
    from nostro.store.embedded import EmbeddedServer
    with EmbeddedServer(Path(sys.argv[1])):
        pass
"""
_numbers = itertools.count()


@contextmanager
def running_server() -> Iterator[EmbeddedServer]:
    """The server that all test processes of this checkout share; it ends with the last of them, however that ends."""
    place = hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]
    folder = quick_folder() / f"nostro-tests-{os.geteuid()}-{place}"
    with EmbeddedServer(folder, settings=SETTINGS) as server, left_though_killed(folder):
        yield server


@contextmanager
def left_though_killed(folder: Path) -> Iterator[None]:
    """A process that outlives this one, should it be killed, takes the server's users' lock once more and leaves it."""
    heir = subprocess.Popen(
        [sys.executable, "-c", HEIR, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        heir.communicate(b"left in order")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedServer]:
    """The server of the tests, while any of them runs."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: EmbeddedServer) -> str:
    """The superuser's URL of the server's `postgres` database."""
    return postgres_server.url("postgres")


@pytest.fixture(scope="session")
def migrated_template(postgres_server: EmbeddedServer) -> str:
    """The name of a migrated database that is copied for each test; made once for each state of the migrations."""
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(8470)")  # one test process makes it, the others wait
        _drop_what_dead_runs_left(connection)
        name = f"template_{_digest_of_migrations()}"
        if name not in _databases(connection):
            half = f"half_{name}"
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(half)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(half)))
            _migrate(postgres_server.url(half))
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(half), sql.Identifier(name)))
    return name


@pytest.fixture
def database_url(postgres_server: EmbeddedServer, migrated_template: str) -> Iterator[str]:
    """A migrated database for this test alone; the superuser's URL."""
    with fresh_database(postgres_server, migrated_template) as url:
        yield url


@contextmanager
def fresh_database(server: EmbeddedServer, template: str) -> Iterator[str]:
    """A copy of the template while the block runs; the superuser's URL."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield server.url(name)
    finally:
        server.ensure_running()
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _databases(connection: psycopg.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT datname FROM pg_database ORDER BY datname")]


def _drop_what_dead_runs_left(connection: psycopg.Connection) -> None:
    for name in _databases(connection):
        if name.startswith("test_") and not _lives(int(name.split("_")[1])):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _digest_of_migrations() -> str:
    store = ROOT / "src/nostro/store"
    digest = hashlib.sha256(str(LIVED_IN).encode())
    for path in sorted([*store.rglob("*.sql"), *store.rglob("migrat*.py")]):
        digest.update(path.relative_to(store).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _migrate(url: str) -> None:
    asyncio.run(_made(url))


async def _made(url: str) -> None:
    """The months in which most tests live are there already: making partitions takes longer than many a test."""
    await migrate(url)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await partition(connection, LIVED_IN)
