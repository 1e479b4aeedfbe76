"""The real PostgreSQL without waiting: each statement is answered before anything else goes on.

So nothing hangs on how fast the server is. A worker has its own handle; where a database transaction begins and ends
are the instants at which its worker may die, sleep or lose the connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, LiteralString, Protocol, Self, cast

from psycopg import AsyncCursor, sql

from nostro.store.database import Database, Row, Statement, Together, Transaction, translated
from nostro.store.wire import Answer
from tests.simulation.wire import Wire

OPEN: ContextVar[int] = ContextVar("OPEN", default=0)
"""How many database transactions the running task has open."""


TRUNCATED_EVERY = 25
"""The deleted rows of so many seeds take less of a statement's time than planning it anew."""


class Gate(Protocol):
    """Where a worker passes; it may raise what stands for a crash or a lost connection."""

    async def at(self, point: str) -> None:
        """An instant between two steps."""


class SimulatedTransaction(Transaction):
    """A database transaction on a connection that blocks."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(cast("Any", wire))
        self._wire = wire
        self._begun = True
        self.ran: set[str] = set()

    async def ahead(self, statement: Statement, **parameters: object) -> Answer:
        """As `Transaction.ahead`, though it doesn't wait for what comes next."""
        return self._answer(statement, parameters)

    async def rows(self, statement: Statement, **parameters: object) -> list[Row]:
        """As `Transaction.rows`."""
        return self._answer(statement, parameters).rows()

    async def row(self, statement: Statement, **parameters: object) -> Row | None:
        """As `Transaction.row`."""
        return self._answer(statement, parameters).row()

    async def run(self, statement: Statement, **parameters: object) -> int:
        """As `Transaction.run`."""
        return self._answer(statement, parameters).rowcount

    async def send(self, statement: Statement, parameters: Mapping[str, object]) -> Answer:
        """As `Transaction.send`."""
        return self._answer(statement, parameters)

    @asynccontextmanager
    async def together(self) -> AsyncIterator[Together]:
        """As `Transaction.together`."""

        def called(statement: Statement, parameters: Mapping[str, object]) -> Any:  # noqa: ANN401 - a call of this wire
            self.ran.add(statement.name)
            return self._wire.prepare(statement.text, parameters)

        sent = Together(called)
        yield sent
        self._wire.together(cast("Any", sent.calls))

    async def execute(self, query: LiteralString | bytes, parameters: Any = None) -> AsyncCursor[Row]:  # noqa: ANN401 - psycopg's
        """As `Transaction.execute`."""
        return cast("AsyncCursor[Row]", await self._wire.execute(query, parameters))

    def _answer(self, statement: Statement, parameters: Mapping[str, object]) -> Answer:
        self.ran.add(statement.name)
        return self._wire.run(statement.text, parameters)


@dataclass(slots=True)
class Connections:
    """The wires to one database, opened when all others are in use, and kept."""

    url: str
    _wires: list[Wire] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    """The tables that database transactions have changed since somebody took note."""
    used: set[str] = field(default_factory=set)
    """The tables that they have changed since all was emptied."""
    emptied: int = 0
    _lent: int = 0

    @contextmanager
    def one(self) -> Iterator[Wire]:
        """A wire with a database transaction of its own; rolled back on any exception."""
        wire = self._wire(self._lent)
        self._lent += 1
        try:
            with wire.database_transaction():
                yield wire
        finally:
            self._lent -= 1
            if self._lent:
                wire.flush()  # whoever has the outer one open looks for it

    def ask(self, query: Any, parameters: Any = None) -> list[Row]:  # noqa: ANN401 - as psycopg has it
        """All rows of a statement, asked from outside the house."""
        assert not self._lent, "somebody has a database transaction open"
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
                    self._connections.changed |= wire.wrote
                    self._connections.used |= wire.wrote
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


def empty(connections: Connections) -> None:
    """Takes everything out that the run before has left.

    Rows are deleted: what `truncate` leaves has to be planned for anew, statement by statement, which cost a third of
    PostgreSQL's time. Nothing of theirs is seen any more; but it is there, so that now and then it has to go for good.
    """
    connections.emptied += 1
    away = "truncate {}" if connections.emptied % TRUNCATED_EVERY == 0 else "delete from {}"
    with connections.one() as wire:
        wire.flush(begin=True)
        for name in sorted(connections.used):
            wire.direct.execute(sql.SQL(away).format(sql.Identifier(name)))
    connections.used.clear()
