"""The one opener of database transactions, and named statements from `.sql` files."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, LiteralString, Self, TypeVar

from psycopg import AsyncConnection, AsyncCursor, OperationalError, errors, pq
from psycopg.rows import namedtuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from nostro.model.failures import DatabaseRestored, DatabaseUnavailable, LostRace, OutOfService, StatementRefused
from nostro.store.address import unreachable
from nostro.store.arrays import adapters
from nostro.store.migrate import RUNBOOK, release
from nostro.store.waiting import heeding
from nostro.store.wire import Answer, Call, Parameters, Wire

_FINDS_PARTITION = "ExecFindPartition"
"""Where PostgreSQL's source reports that a row has no partition: the error's code is that of any check."""
WAIT_SECONDS = 5.0
"""So long somebody waits for a connection; then the database counts as gone, and may be started again."""
START_SECONDS = 30.0
"""So long somebody who begins waits for his first connection: PostgreSQL may be starting just then."""
RECONNECT_SECONDS = 2.0
"""So long one attempt to connect goes on. The pool's pauses double until then: short, it is back with the server."""
CLOSE_SECONDS = 3.0
"""So long the pool waits at its end for attempts to connect that are under way."""
FRESH_SECONDS = 1.0
"""A connection that was lent so recently is lent again unasked."""
SILENT_SECONDS = 10
"""A machine that is gone without a word, PostgreSQL's or ours, is noticed within this: its locks are free then."""
IDLE_SECONDS = 60
"""Whoever does nothing for so long in a database transaction (a process that was stopped) loses it, and its locks."""
RACES = 5
"""So often what a person asks for is begun, where others are first."""
T = TypeVar("T")
ON_THE_WAY_SECONDS = 5
"""So much later than PostgreSQL should have ended a statement, one that is not answered is given up here."""
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


Row = Any
"""A named tuple with the statement's columns."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A named statement; its comment in the file says what it is for."""

    name: str
    text: bytes


ALIVE = Statement("alive", b"select")
BEGIN = Statement("begin", b"begin")
COMMIT = Statement("commit", b"commit")


class Statements:
    """The statements of one file: `statements.claim_shards`. Raises `AttributeError` for a name that the file lacks."""

    def __init__(self, file: str) -> None:
        text = (resources.files("nostro.store") / "sql" / f"{file}.sql").read_text()
        parts = _NAME.split(text)[1:]
        assert len(set(parts[::2])) == len(parts[::2]), f"{file}.sql has two statements of one name"
        # As attributes of its own: a look costs nothing, and there are some for every statement that is sent.
        self.__dict__.update(
            {name: Statement(name, body.encode()) for name, body in zip(parts[::2], parts[1::2], strict=True)}
        )

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Statement: ...


class _Adapters:
    """What a connection is opened with."""

    adapters = adapters()
    connection = None


ADAPTERS = _Adapters()
_PROBE_SECONDS, _PROBES = 2, (SILENT_SECONDS - 4) // 2
THERE = {
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
    "tcp_keepalives_idle": 4,
    "tcp_keepalives_interval": _PROBE_SECONDS,
    "tcp_keepalives_count": _PROBES,
    "tcp_user_timeout": f"{SILENT_SECONDS}s",
}
"""What the server holds each session to."""
BY_INDEX = {"enable_seqscan": "off", "jit": "off"}
"""How the statements of a session are planned that reaches rows by their keys. A plan is kept for later: one that was
made while a queue was empty would read all of it, for each batch, when it is full. No compiling: PostgreSQL before 18
counts what is off as dear, and compiles what is dear.
"""
REMEMBERS = "This process ends: what it remembers is not in that database. Start it again."
HERE = {
    "keepalives_idle": 4,
    "keepalives_interval": _PROBE_SECONDS,
    "keepalives_count": _PROBES,
    "tcp_user_timeout": SILENT_SECONDS * 1000,
    "connect_timeout": SILENT_SECONDS,
}
"""How this side notices that the server's machine is gone; of it a Unix socket needs the last alone."""


class _Connection(AsyncConnection[Row]):
    """Knows when it was last lent, in seconds of this machine's clock, and how named statements are sent."""

    lent_at = 0.0
    wire: Wire


async def _check(connection: _Connection) -> None:
    """Asks a connection whether it still stands, unless it did a moment ago: asking costs as much as a statement."""
    before, connection.lent_at = connection.lent_at, time.monotonic()
    if connection.lent_at - before > FRESH_SECONDS:
        await connection.wire.send([connection.wire.call(ALIVE.text, {})])


async def _as_it_is(_: _Connection) -> None:
    """Given to the pool as what resets a connection, it has a task of the pool's own take each back. Before Python 3.12
    who is cancelled while he gives one back could lose it for ever: he waits for another's lock then.
    """


class Transaction:
    """An open database transaction. Each way to the server is spared that can be: what needs no answer of its own, as
    `begin` and often `commit` do, travels with what does.
    """

    def __init__(self, connection: _Connection) -> None:
        self.connection = connection
        self._begun = False
        self._ahead: list[Call] = []

    async def rows(self, statement: Statement, **parameters: object) -> list[Row]:
        """All rows that the statement returns."""
        return (await self.send(statement, parameters)).rows()

    async def row(self, statement: Statement, **parameters: object) -> Row | None:
        """The first row, or None."""
        return (await self.send(statement, parameters)).row()

    async def run(self, statement: Statement, **parameters: object) -> int:
        """Runs it and returns how many rows it touched."""
        return (await self.send(statement, parameters)).rowcount

    async def ahead(self, statement: Statement, **parameters: object) -> Answer:
        """Runs it before whatever comes next, the commit at the latest. If it fails, nothing behind it is done.

        Its answer is there when what came next has been answered, after the commit too.
        """
        self._ahead.append(self._called(statement, parameters))
        return self._ahead[-1].answer

    async def execute(self, query: LiteralString | bytes, parameters: Any = None) -> AsyncCursor[Row]:  # noqa: ANN401 - psycopg's
        """A statement without a name."""
        await self._send(())
        return await self.connection.wire.execute(query, parameters)

    @asynccontextmanager
    async def together(self) -> AsyncIterator[Together]:
        """Statements that don't need each other's answers: they are sent at the block's end, and answered then."""
        sent = Together(self._called)
        yield sent
        await self._send(sent.calls)

    async def answered(self) -> None:
        """Returns when what was to go ahead has been answered."""
        await self._send(())

    async def send(self, statement: Statement, parameters: Parameters) -> Answer:
        """Its answer, when it is there."""
        call = self._called(statement, parameters)
        await self._send([call])
        return call.answer

    async def commit(self) -> None:
        """What was done stays. Raises `StatementRefused` when a statement had failed, and was swallowed."""
        if self.connection.pgconn.transaction_status == pq.TransactionStatus.INERROR:
            raise StatementRefused("A statement of this database transaction had failed.")
        if self._begun or self._ahead:
            await self.send(COMMIT, {})  # which a connection that was lost meanwhile refuses

    def _called(self, statement: Statement, parameters: Parameters) -> Call:
        return self.connection.wire.call(statement.text, parameters)

    async def _send(self, calls: Sequence[Call]) -> None:
        ahead, self._ahead = self._ahead, []
        if not self._begun:
            self._begun, ahead = True, [self._called(BEGIN, {}), *ahead]
        if ahead or calls:
            await self.connection.wire.send([*ahead, *calls])


class Together:
    """Statements on their way. Their answers are there when the block has ended."""

    def __init__(self, called: Callable[[Statement, Parameters], Call]) -> None:
        self.calls: list[Call] = []
        self._called = called

    async def run(self, statement: Statement, **parameters: object) -> Answer:
        """Has it sent. Afterwards the answer knows its `rowcount`, and has its rows."""
        self.calls.append(self._called(statement, parameters))
        return self.calls[-1].answer


class Database:
    """A pool of connections to one database. Use as an async context manager.

    `guard`, once set, looks at each new connection first. What it says against the database is `refused`, and nobody
    gets the connection. `answer_seconds`: so long a statement may take, on both sides; then it counts as failed, and a
    connection that says nothing more as lost. `by_index`: tables are read by an index wherever one serves (`BY_INDEX`).
    """

    sealed: int = 0
    """The newest checkpoint that this process has seen in it: where it is not, an older state was put in its place."""

    def __init__(self, url: str, *, size: int = 8, answer_seconds: float | None = None, by_index: bool = False) -> None:
        self.url = url
        self._answer_seconds = answer_seconds
        there = THERE | ({"statement_timeout": f"{int(answer_seconds * 1000)}ms"} if answer_seconds else {})
        there |= BY_INDEX if by_index else {}
        self.guard: Callable[[Transaction], Awaitable[str]] | None = None
        self.refused = ""
        self._pool: AsyncConnectionPool[_Connection] = AsyncConnectionPool(
            url,
            connection_class=_Connection,
            min_size=1,
            max_size=size,
            open=False,
            kwargs={
                "row_factory": namedtuple_row,
                "options": " ".join(f"-c {name}={value}" for name, value in there.items()),
                **HERE,
                "context": ADAPTERS,
                "application_name": release(),
                "autocommit": True,  # `Transaction` says `begin` and `commit` itself
                "prepare_threshold": None,  # `Wire` prepares
            },
            check=_check,
            configure=self._look_first,
            reset=_as_it_is if sys.version_info < (3, 12) else None,
            timeout=WAIT_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
        )

    async def __aenter__(self) -> Self:
        try:
            with heeding() as heed:
                await self._pool.open(wait=True, timeout=START_SECONDS)
                heed()
        except PoolTimeout as error:
            raise unreachable(await self._refusal() or error) from error
        except BaseException:  # cancelled: the pool's workers hear nothing of that while they connect, and would go on
            await self._pool.close(CLOSE_SECONDS)
            raise
        return self

    async def _refusal(self) -> BaseException | None:
        """Why no connection comes, asked once more: the pool keeps that to its log."""
        try:
            async with asyncio.timeout(RECONNECT_SECONDS):  # a name may take longer to resolve than a connection
                await (await AsyncConnection.connect(self.url, connect_timeout=SILENT_SECONDS)).close()
        except OperationalError as error:
            return error
        except TimeoutError:
            return TimeoutError("there is no answer")
        return None

    async def __aexit__(self, *failure: object) -> None:
        await self._pool.close(CLOSE_SECONDS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """The only way to open a database transaction: commits at the end, rolls back on any exception.

        Raises `LostRace` when it lost against another one, `StatementRefused` when a value breaks the schema, and
        `DatabaseUnavailable` when PostgreSQL is gone: then what it did isn't committed, or isn't known to be.
        """
        with heeding() as heed, translated(lambda: self.refused):
            async with self._pool.connection() as connection:
                heed()
                tx = Transaction(connection)
                try:
                    yield tx
                    await tx.commit()
                except errors.ReadOnlySqlTransaction:
                    await connection.close()  # a session that began so stays so, whatever its server may do by now
                    raise

    async def done(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """What `work` returns, once its database transaction is committed; it is begun anew where another was first.

        Raises as `transaction`; `LostRace` when others were first each time.
        """
        for _ in range(RACES - 1):
            with suppress(LostRace):
                async with self.transaction() as tx:
                    return await work(tx)
        async with self.transaction() as tx:
            return await work(tx)

    async def look(self, statement: Statement, **parameters: object) -> list[Row]:
        """The rows of one statement that reads; it needs no `begin` and `commit`. Raises as `transaction`."""
        with heeding() as heed, translated(lambda: self.refused):
            async with self._pool.connection() as connection:
                heed()
                call = connection.wire.call(statement.text, parameters)
                await connection.wire.send([call])
                return call.answer.rows()

    async def _look_first(self, connection: _Connection) -> None:
        connection.wire = Wire(connection, self._answer_seconds and self._answer_seconds + ON_THE_WAY_SECONDS)
        if self.guard is None:
            return
        tx = Transaction(connection)
        self.refused = await self.guard(tx)
        await tx.commit()
        if self.refused:
            raise OperationalError(self.refused)


@contextmanager
def translated(refused: Callable[[], str] = str) -> Iterator[None]:
    """The driver's errors in the house's words. `refused`: why this process may use the database no more, if so."""
    try:
        yield
    except errors.DivisionByZero as error:
        raise LostRace("What a statement demanded doesn't hold any more.") from error
    except (errors.SerializationFailure, errors.DeadlockDetected) as error:
        message = "Another database transaction was first."
        raise LostRace(message) from error
    except (errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded) as error:
        if error.diag.source_function == _FINDS_PARTITION:  # no row's fault
            message = f"A month has no partition in the database yet: {error.diag.message_primary}."
            raise OutOfService(message, "Work goes on by itself once it is made.", runbook=RUNBOOK) from error
        message = f"The database refused a statement ({type(error).__name__})."
        raise StatementRefused(message) from error
    except errors.DiskFull as error:
        message = "The database's disk is full."
        raise DatabaseUnavailable(message, "Make room there; then work goes on by itself.") from error
    except errors.ReadOnlySqlTransaction as error:
        message = "PostgreSQL takes no writes: it is a standby, or was set to only read."
        raise DatabaseUnavailable(message, "Work goes on by itself once it takes them.") from error
    except errors.QueryCanceled as error:
        message = "PostgreSQL took too long over a statement."
        raise DatabaseUnavailable(message, "Work goes on by itself; else look what it waits for.") from error
    except (OperationalError, PoolTimeout, errors.IdleInTransactionSessionTimeout) as error:
        if refused():
            raise DatabaseRestored(refused(), REMEMBERS, runbook="quarantine") from error
        message = "PostgreSQL can't be reached."
        raise DatabaseUnavailable(message, "Work goes on by itself when it is back.") from error
