"""Brings a database to this release's schema: numbered SQL files, each once, under an advisory lock.

A file's first line says whether it runs before or after the new code; the last release works on the schema either
way. Partitions
are made for the months around a date by `partition`, which the `partitions` loop calls as time goes on.
"""

from __future__ import annotations

from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable

from psycopg import AsyncConnection, OperationalError, sql

from nostro.model.failures import DatabaseUnavailable

LOCK = 0x6E6F7374726F  # "nostro"
MONTHLY = ("receipt", "receipt_part", "fact", "posting", "command_closed", "attempt_call")
SEEN_PARTITIONS = 16


def migrations() -> list[Traversable]:
    """The files in their order."""
    folder = resources.files("nostro.store") / "migrations"
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)


async def migrate(url: str) -> list[str]:
    """Applies what is missing and returns the names of the files that were applied.

    Raises `DatabaseUnavailable` when PostgreSQL is gone: then nothing was applied.
    """
    try:
        return await _migrate(url)
    except OperationalError as error:
        message = "PostgreSQL can't be reached."
        raise DatabaseUnavailable(message, "Check the database URL and that it is running.") from error


async def _migrate(url: str) -> list[str]:
    async with await AsyncConnection.connect(url) as connection:
        await connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        await connection.execute("create table if not exists migration (name text primary key)")
        known = {row[0] for row in await (await connection.execute("select name from migration")).fetchall()}
        missing = [file for file in migrations() if file.name not in known]
        for file in missing:
            await connection.execute(sql.SQL(file.read_text()))
            await connection.execute("insert into migration (name) values (%s)", (file.name,))
        await _partition_seen(connection)
        return [file.name for file in missing]


async def partition(connection: AsyncConnection[tuple[object, ...]], around: date, months: int = 3) -> None:
    """Makes the monthly partitions from one month before `around` to `months` after it, where they are missing.

    Under the lock: `if not exists` alone lets two that make the same partition at once fail.
    """
    await connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
    for offset in range(-1, months + 1):
        first, following = _month(around, offset), _month(around, offset + 1)
        for table in MONTHLY:
            await connection.execute(
                sql.SQL("create table if not exists {} partition of {} for values from ({}) to ({})").format(
                    sql.Identifier(f"{table}_{first:%Y_%m}"),
                    sql.Identifier(table),
                    first.isoformat(),
                    following.isoformat(),
                )
            )


def _month(around: date, offset: int) -> date:
    index = around.year * 12 + around.month - 1 + offset
    return date(index // 12, index % 12 + 1, 1)


async def _partition_seen(connection: AsyncConnection[tuple[object, ...]]) -> None:
    for remainder in range(SEEN_PARTITIONS):
        await connection.execute(
            sql.SQL(
                "create table if not exists {} partition of seen for values with (modulus {}, remainder {})"
            ).format(sql.Identifier(f"seen_{remainder:02}"), SEEN_PARTITIONS, remainder)
        )
