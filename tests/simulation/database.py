"""The real PostgreSQL without waiting: each statement is answered before anything else goes on.

So nothing hangs on how fast the server is. A worker has its own handle; where a database transaction begins and ends
are the instants at which its worker may die, sleep or lose the connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, LiteralString, Protocol, Self, cast

import psycopg
from psycopg import AsyncCursor, sql
from psycopg.rows import namedtuple_row

from nostro.store.database import Database, Row, Statement, Transaction, translated

OPEN: ContextVar[int] = ContextVar("OPEN", default=0)
"""How many database transactions the running task has open."""
_OPTIONS = "-c timezone=UTC -c synchronous_commit=off -c lock_timeout=5s -c statement_timeout=20s"


class Gate(Protocol):
    """Where a worker passes; it may raise what stands for a crash or a lost connection."""

    async def at(self, point: str) -> None:
        """An instant between two steps."""


class _Cursor:
    """A cursor whose answers are there already."""

    def __init__(self, cursor: psycopg.Cursor[Row]) -> None:
        self._cursor = cursor
        self.rowcount = cursor.rowcount

    async def fetchall(self) -> list[Row]:
        return self._cursor.fetchall()

    async def fetchone(self) -> Row | None:
        return self._cursor.fetchone()


class _Connection:
    """As much of an asynchronous connection as the house uses."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    async def execute(self, query: Any, parameters: Any = None, *, prepare: bool | None = None) -> _Cursor:  # noqa: ANN401 - as psycopg has it
        return _Cursor(self._connection.execute(query, parameters, prepare=prepare))


class SimulatedTransaction(Transaction):
    """A database transaction on a connection that blocks."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        super().__init__(cast("Any", _Connection(connection)))
        self._direct = connection
        self.ran: set[str] = set()

    async def _execute(self, statement: Statement, parameters: Mapping[str, object]) -> AsyncCursor[Row]:
        self.ran.add(statement.name)
        return await super()._execute(statement, parameters)

    async def copy(self, table: str, columns: Sequence[str], rows: Any) -> int:  # noqa: ANN401 - any iterable of rows
        """As `Transaction.copy`."""
        into = sql.SQL("copy {} ({}) from stdin").format(
            sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(column) for column in columns)
        )
        count = 0
        with self._direct.cursor() as cursor, cursor.copy(into) as copying:
            for row in rows:
                copying.write_row(row)
                count += 1
        return count


@dataclass(slots=True)
class Connections:
    """Connections to one database, opened when all others are in use, and kept."""

    url: str
    _free: list[psycopg.Connection[Row]] = field(default_factory=list)

    @contextmanager
    def one(self) -> Iterator[psycopg.Connection[Row]]:
        """A connection in a database transaction of its own; rolled back on any exception."""
        connection = self._free.pop() if self._free else self._opened()
        try:
            with connection.transaction():
                yield connection
        finally:
            self._free.append(connection)

    def _opened(self) -> psycopg.Connection[Row]:
        return psycopg.connect(self.url, autocommit=True, row_factory=namedtuple_row, options=_OPTIONS)

    def close(self) -> None:
        """Closes all of them."""
        while self._free:
            self._free.pop().close()


class SimulatedDatabase(Database):
    """One worker's way to the database."""

    def __init__(self, connections: Connections, gate: Gate) -> None:
        self.url = connections.url
        self._connections = connections
        self._gate = gate

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        pass

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """As `Database.transaction`; nothing else of the world moves while it is open."""
        with translated():
            await self._gate.at("begin")
            OPEN.set(OPEN.get() + 1)
            try:
                with self._connections.one() as connection:
                    tx = SimulatedTransaction(connection)
                    yield tx
                    await self._gate.at("commit")
            finally:
                OPEN.set(OPEN.get() - 1)
            await self._gate.at("started" if "start_call" in tx.ran else "committed")


class Freely:
    """A gate that lets everything pass: for whoever looks at the database from outside."""

    async def at(self, point: str) -> None:
        """Nothing happens."""


def rows(connections: Connections, statement: Statement, parameters: Mapping[str, object]) -> list[Row]:
    """All rows of a statement, asked from outside the house."""
    with connections.one() as connection:
        return connection.execute(cast("LiteralString", statement.text), parameters, prepare=True).fetchall()


_TABLES = """
select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
and not c.relispartition and c.relname <> 'migration' order by c.relname"""


def empty(connections: Connections) -> None:
    """Takes everything out that the run before has left; only tables that hold something are touched."""
    with connections.one() as connection:
        names = [name for (name,) in connection.execute(_TABLES).fetchall()]
        asked = " union all ".join(f"select '{name}' as name where exists (select from {name})" for name in names)
        used = [name for (name,) in connection.execute(cast("LiteralString", asked)).fetchall()]
        if used:
            connection.execute(
                sql.SQL("truncate {} restart identity").format(sql.SQL(", ").join(sql.Identifier(n) for n in used))
            )
