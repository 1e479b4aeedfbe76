"""Named statements on their way to PostgreSQL: those that are sent at once cost one write and one read.

The driver's own pipeline goes through the event loop for each statement that it sends, which costs as much as a way to
the server. Here libpq gathers them; adapters and connections are the driver's.
"""

from __future__ import annotations

import asyncio
import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, LiteralString, NamedTuple

from psycopg import AsyncConnection, AsyncCursor, OperationalError, abc, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result

Parameters = Mapping[str, object]
STATEMENTS_LIMIT = 1000
"""More than there are, with the types that their parameters have; beyond, all are prepared anew."""
_NAME = re.compile(rb"%\((\w+)\)s")
_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Form(NamedTuple):
    """A named statement as PostgreSQL takes it. `names`: its parameters, in the order of their numbers."""

    text: bytes
    names: tuple[str, ...]
    formats: tuple[PyFormat, ...]


@cache
def understood(query: bytes) -> Form:
    """A statement of a `.sql` file."""
    names = tuple(dict.fromkeys(name.decode() for name in _NAME.findall(query)))
    numbers = {name.encode(): f"${number}".encode() for number, name in enumerate(names, 1)}
    text = _NAME.sub(lambda found: numbers[found[1]], query).replace(b"%%", b"%")
    return Form(text, names, (PyFormat.AUTO,) * len(names))


@dataclass(slots=True)
class Prepared:
    """A statement that the server knows by name, and how its rows are made."""

    name: bytes
    row: Callable[[Sequence[Any]], Any] | None = None

    def row_of(self, result: pq.abc.PGresult) -> Callable[[Sequence[Any]], Any]:
        """Makes a named tuple of a row's values."""
        if self.row is None:
            self.row = _named(" ".join((result.fname(n) or b"_").decode() for n in range(result.nfields)))
        return self.row


@cache
def _named(columns: str) -> Callable[[Sequence[Any]], Any]:
    make: Any = namedtuple  # noqa: PYI024 - the columns are known now and not before
    return partial(tuple.__new__, make("Row", columns, rename=True))  # as its `_make`, which is a function in Python


class Answer:
    """What a statement came to. Its rows are there already, or when those it was sent with have been answered too."""

    __slots__ = ("_prepared", "_result", "_transformer", "rowcount")
    _result: pq.abc.PGresult
    rowcount: int

    def __init__(self, transformer: abc.Transformer, prepared: Prepared) -> None:
        self._transformer = transformer
        self._prepared = prepared

    def take(self, result: pq.abc.PGresult) -> None:
        """This is it."""
        self._result = result
        self.rowcount = -1 if result.command_tuples is None else result.command_tuples

    def rows(self) -> list[Any]:
        """All of them, as named tuples."""
        self._transformer.set_pgresult(self._result, format=pq.Format.BINARY)
        rows: list[Any] = self._transformer.load_rows(0, self._result.ntuples, self._prepared.row_of(self._result))
        return rows

    def row(self) -> Any:  # noqa: ANN401 - a named tuple, or None
        """The first, or None."""
        rows = self.rows()
        return rows[0] if rows else None


class Call(NamedTuple):
    """A statement with its parameters, and where its answer goes. `types`: those of its parameters."""

    text: bytes
    types: tuple[int, ...]
    values: Any
    formats: Sequence[pq.Format]
    prepared: Prepared
    answer: Answer


class Wire:
    """One connection of the driver's, for one task at a time. `answer_seconds`: so long it waits for answers."""

    def __init__(self, connection: AsyncConnection[Any], answer_seconds: float | None = None) -> None:
        self._connection = connection
        self._answer_seconds = answer_seconds
        self._transformer = Transformer.from_context(connection)
        self._prepared: dict[tuple[bytes, tuple[int, ...]], Prepared] = {}
        self._count = 0

    def call(self, query: bytes, parameters: Parameters) -> Call:
        """A named statement, ready to be sent. Raises psycopg's errors."""
        form, transformer = understood(query), self._transformer
        values = transformer.dump_sequence([parameters[name] for name in form.names], form.formats)
        types = tuple(transformer.types or ())
        prepared = self._prepared.get((form.text, types))
        if prepared is None:
            self._count += 1
            prepared = Prepared(f"nostro_{self._count}".encode())
        answer = Answer(transformer, prepared)
        return Call(form.text, types, values, transformer.formats or [], prepared, answer)

    async def send(self, calls: Sequence[Call]) -> None:
        """Sends them in their order, and takes their answers. Raises psycopg's error of the first that fails: what is
        behind it isn't done. A connection that is cut off meanwhile, by whatever, or says nothing more, is closed.
        """
        try:
            async with asyncio.timeout(self._answer_seconds):
                new, results = await self._exchanged(calls)
        except TimeoutError as error:
            raise self._given_up() from error
        except BaseException:  # a cancelled wait too leaves answers on the line
            self._connection.pgconn.finish()
            raise
        given = iter(results)
        for number, call in enumerate(calls):
            if number in new:
                _checked(next(given))
                self._prepared[call.text, call.types] = call.prepared
            call.answer.take(_checked(next(given)))
        if len(self._prepared) > STATEMENTS_LIMIT:
            await self.execute("deallocate all")
            self._prepared.clear()

    async def execute(self, query: LiteralString | bytes, parameters: Any = None) -> AsyncCursor[Any]:  # noqa: ANN401 - psycopg's
        """A statement without a name, as the driver sends it; what says nothing more is closed. Raises as `send`."""
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await self._connection.execute(query, parameters)
        except TimeoutError as error:
            raise self._given_up() from error

    def _given_up(self) -> OperationalError:
        self._connection.pgconn.finish()
        return OperationalError("PostgreSQL says nothing more.")

    async def _exchanged(self, calls: Sequence[Call]) -> tuple[set[int], list[pq.abc.PGresult]]:
        """Which of them were prepared before they ran; and the results of all."""
        server, new = self._connection.pgconn, set()
        server.enter_pipeline_mode()
        for number, call in enumerate(calls):
            if (call.text, call.types) not in self._prepared:
                new.add(number)
                server.send_prepare(call.prepared.name, call.text, call.types)
            server.send_query_prepared(call.prepared.name, call.values, call.formats, pq.Format.BINARY)
        server.pipeline_sync()
        results = await _answered(server)
        server.exit_pipeline_mode()
        return new, results


def _checked(result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status not in _GOOD:
        raise error_from_result(result, "utf-8")
    return result


async def _answered(server: pq.abc.PGconn) -> list[pq.abc.PGresult]:
    """Whatever is to be sent, sent; and all results up to the end of the pipeline."""
    loop = asyncio.get_running_loop()
    descriptor = server.socket
    while server.flush():
        await _ready(loop, descriptor, writing=True)
        server.consume_input()
    results: list[pq.abc.PGresult] = []
    while True:
        while server.is_busy():
            await _ready(loop, descriptor)
            server.consume_input()
        result = server.get_result()
        if result is None:
            if server.status == pq.ConnStatus.BAD:
                raise OperationalError("The connection is lost.")
        elif result.status == pq.ExecStatus.PIPELINE_SYNC:
            return results
        else:
            results.append(result)


async def _ready(loop: asyncio.AbstractEventLoop, descriptor: int, *, writing: bool = False) -> None:
    """Until there is something to read; or room to write, where that is waited for too."""
    woken = asyncio.Event()
    loop.add_reader(descriptor, woken.set)
    if writing:
        loop.add_writer(descriptor, woken.set)
    try:
        await woken.wait()
    finally:
        with suppress(OSError):
            loop.remove_reader(descriptor)
            if writing:
                loop.remove_writer(descriptor)
