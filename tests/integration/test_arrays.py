"""Lists come back from PostgreSQL as they were sent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from nostro.model.failures import StatementRefused
from nostro.store.database import Database, Statement

pytestmark = pytest.mark.asyncio
TEXTS = ["", "NULL", 'a "quoted" one', "back\\slash", "{,}", "Zürich \N{SNOWMAN}", " edges ", None, "line\nbreak"]
LISTS: list[tuple[str, list[Any]]] = [
    ("text[]", TEXTS),
    ("bytea[]", [b"", None, b"\x00\\x\xff", b"plain"]),
    ("bytea[]", [b"\x00" * 16, b"\xff" * 16, b"as long as those"]),
    ("bytea[]", [b"", b""]),
    ("bytea[]", [None, b"k" * 16, None]),
    ("bigint[]", [1, -2, None, 2**62]),
    ("smallint[]", [0, -1]),
    ("boolean[]", [True, None, False]),
    ("date[]", [date(2026, 2, 28), None]),
    ("timestamptz[]", [datetime(2026, 8, 31, 6, 0, 0, 5, tzinfo=UTC), None]),
    ("text[]", []),
    ("bytea[]", []),
    ("integer[]", [None, None]),
]


@pytest.mark.parametrize("kind,given", LISTS)
async def test_a_list_comes_back_as_it_was_sent(database_url: str, kind: str, given: list[Any]) -> None:
    statement = Statement("lists", f"select %(given)s::{kind} as given".encode())
    async with Database(database_url, size=1) as database, database.transaction() as tx:
        row = await tx.row(statement, given=given)
    assert row is not None
    assert row.given == given


async def test_a_text_that_postgresql_cannot_hold_is_refused(database_url: str) -> None:
    statement = Statement("lists", b"select %(given)s::text[] as given")
    async with Database(database_url, size=1) as database:
        with pytest.raises(StatementRefused):
            async with database.transaction() as tx:
                await tx.row(statement, given=["fine", "cut\0off"])


async def test_numbers_of_any_size_share_one_prepared_statement(database_url: str) -> None:
    statement = Statement("lists", b"select %(given)s::bigint[] as given")
    async with Database(database_url, size=1) as database, database.transaction() as tx:
        for number in (1, 70_000, 2**40):
            await tx.row(statement, given=[number])
        cursor = await tx.execute("select count(*) as count from pg_prepared_statements where statement ~ 'bigint'")
        found = await cursor.fetchone()
    assert found is not None
    assert found.count == 1
