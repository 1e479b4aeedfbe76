"""The real PostgreSQL without waiting: each statement is answered before anything else goes on.

So nothing hangs on how fast the server is. A worker has its own handle; where a database transaction begins and ends
are the instants at which its worker may die, sleep or lose the connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, cast

from psycopg import AsyncCursor, sql

from nostro.store.database import Database, Row, Statement, Together, Transaction, translated
from tests.simulation.wire import Wire

OPEN: ContextVar[int] = ContextVar("OPEN", default=0)
"""How many database transactions the running task has open."""


class Gate(Protocol):
    """Where a worker passes; it may raise what stands for a crash or a lost connection."""

    async def at(self, point: str) -> None:
        """An instant between two steps."""


class SimulatedTransaction(Transaction):
    """A database transaction on a connection that blocks."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(cast("Any", wire))
        self._wire = wire
        self.ran: set[str] = set()

    async def send(self, statement: Statement, parameters: Mapping[str, object]) -> AsyncCursor[Row]:
        """As `Transaction.send`."""
        self.ran.add(statement.name)
        return await super().send(statement, parameters)

    @asynccontextmanager
    async def together(self) -> AsyncIterator[Together]:
        """One after the other: each is answered at once."""
        yield Together(self.send)

    async def copy(self, table: str, columns: Sequence[str], rows: Any) -> int:  # noqa: ANN401 - any iterable of rows
        """As `Transaction.copy`."""
        into = sql.SQL("copy {} ({}) from stdin").format(
            sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(column) for column in columns)
        )
        count = 0
        self._wire.flush(begin=True)
        with self._wire.direct.cursor() as cursor, cursor.copy(into) as copying:
            for row in rows:
                copying.write_row(row)
                count += 1
        self._wire.wrote = self._wire.wrote or count > 0
        return count


@dataclass(slots=True)
class Connections:
    """The wires to one database, opened when all others are in use, and kept."""

    url: str
    _wires: list[Wire] = field(default_factory=list)
    written: int = 0
    """How many database transactions changed something."""
    _used: int = 0

    @contextmanager
    def one(self) -> Iterator[Wire]:
        """A wire with a database transaction of its own; rolled back on any exception."""
        wire = self._wire(self._used)
        self._used += 1
        try:
            with wire.database_transaction():
                yield wire
        finally:
            self._used -= 1
            if self._used:
                wire.flush()  # whoever has the outer one open looks for it

    def ask(self, query: Any, parameters: Any = None) -> list[Row]:  # noqa: ANN401 - as psycopg has it
        """All rows of a statement, asked from outside the house."""
        assert not self._used, "somebody has a database transaction open"
        wire = self._wire(0)
        if isinstance(query, bytes):
            return wire.run(query, parameters).rows()
        wire.flush()
        return wire.direct.execute(query, parameters).fetchall()

    def _wire(self, number: int) -> Wire:
        if number == len(self._wires):
            self._wires.append(Wire(self.url))
        return self._wires[number]

    def close(self) -> None:
        """Closes all of them."""
        while self._wires:
            wire = self._wires.pop()
            wire.flush()
            wire.direct.close()


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
                with self._connections.one() as wire:
                    tx = SimulatedTransaction(wire)
                    yield tx
                    await self._gate.at("commit")
                    self._connections.written += wire.wrote
            finally:
                OPEN.set(OPEN.get() - 1)
            await self._gate.at("started" if "start_call" in tx.ran else "committed")

    async def look(self, statement: Statement, **parameters: object) -> list[Row]:
        """As `Database.look`."""
        async with self.transaction() as tx:
            return await tx.rows(statement, **parameters)


class Freely:
    """A gate that lets everything pass: for whoever looks at the database from outside."""

    async def at(self, point: str) -> None:
        """Nothing happens."""


def rows(connections: Connections, statement: Statement, parameters: Mapping[str, object]) -> list[Row]:
    """All rows of a statement, asked from outside the house."""
    return connections.ask(statement.text, parameters)


_TABLES = """
select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
and c.relname <> 'migration' order by c.relname"""


def empty(connections: Connections) -> None:
    """Takes everything out that the run before has left; only tables that hold something are touched."""
    names = [name for (name,) in connections.ask(_TABLES)]
    asked = " union all ".join(f"select '{name}' as name where exists (select from {name})" for name in names)
    used = [name for (name,) in connections.ask(asked)]
    if used:
        emptied = sql.SQL(", ").join(sql.Identifier(name) for name in used)
        with connections.one() as wire:
            wire.flush(begin=True)
            wire.direct.execute(sql.SQL("truncate {} restart identity").format(emptied))
