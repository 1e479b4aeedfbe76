"""Databases for simulations: one for each process that runs seeds, on an embedded server."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psycopg
from psycopg import sql

from nostro.store.embedded import EmbeddedServer
from nostro.store.migrate import migrate, partition
from tests.databases import SETTINGS, left_though_killed
from tests.places import quick_folder
from tests.simulation.database import Connections

MONTHS_FROM = date(2026, 8, 31)
_LEAVES = """
select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by c.relname"""


def server_folder() -> Path:
    """Where the server of `make simulate` lives: one a checkout."""
    place = hashlib.sha256(os.fsencode(Path(__file__).parent)).hexdigest()[:8]
    return quick_folder() / f"nostro-simulation-{os.geteuid()}-{place}"


@contextmanager
def simulation_server() -> Iterator[EmbeddedServer]:
    """The embedded server of `make simulate`; the processes that run seeds share it."""
    folder = server_folder()
    with EmbeddedServer(folder, settings=SETTINGS) as server, left_though_killed(folder):
        yield server


@contextmanager
def database(server: EmbeddedServer, name: str) -> Iterator[Connections]:
    """A new database with all tables, and no vacuum that would come at a time of its own."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        _drop(connection, name)
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    connections = Connections(server.url(name))
    try:
        asyncio.run(_furnish(server.url(name)))
        yield connections
    finally:
        connections.close()
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            _drop(connection, name)


async def _furnish(url: str) -> None:
    await migrate(url)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await partition(connection, MONTHS_FROM)
        leaves = await (await connection.execute(_LEAVES)).fetchall()
        for (name,) in leaves:
            still = sql.SQL("alter table {} set (autovacuum_enabled = false)")
            await connection.execute(still.format(sql.Identifier(str(name))))


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
