"""A connection to PostgreSQL for one thread that waits: every statement is answered before anything else goes on.

The house's statements with the house's adapters, prepared as in production, without what the driver needs to let
others go on meanwhile: that cost more than PostgreSQL itself. And without ways to the server that can be saved:
`begin` travels with the first statement that writes or locks, `commit` with the first one after it. Until then each
statement has a snapshot of its own, as it has under READ COMMITTED anyway.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import psycopg
from psycopg import abc, pq
from psycopg._copy_base import format_row_text
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InFailedSqlTransaction, error_from_result
from psycopg.rows import namedtuple_row

from nostro.store.database import ADAPTERS, Row

OPTIONS = (
    "-c timezone=UTC -c synchronous_commit=off -c lock_timeout=5s -c statement_timeout=20s"
    " -c plan_cache_mode=force_generic_plan"
)
_NAME = re.compile(rb"%\((\w+)\)s")
_WRITES = re.compile(rb"\b(?:insert into|update|delete from) (?!of\b|set\b|skip\b)(\w+)")
_NEEDS_BEGIN = re.compile(rb"\b(insert into|update|delete from|for share|set|lock|nextval)\b|_lock\(")
_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.COPY_IN)


class Answer:
    """What a statement came to. Its rows are there already, or when those it was sent with have been answered too."""

    __slots__ = ("_prepared", "_result", "_transformer", "rowcount")
    _result: pq.abc.PGresult
    rowcount: int

    def __init__(self, transformer: abc.Transformer, prepared: _Prepared) -> None:
        self._transformer = transformer
        self._prepared = prepared

    def take(self, result: pq.abc.PGresult) -> None:
        """This is it."""
        self._result = result
        self.rowcount = -1 if result.command_tuples is None else result.command_tuples

    def rows(self) -> list[Row]:
        """All of them, as named tuples."""
        self._transformer.set_pgresult(self._result, format=pq.Format.BINARY)
        rows: list[Row] = self._transformer.load_rows(0, self._result.ntuples, self._prepared.row_of(self._result))
        return rows

    async def fetchall(self) -> list[Row]:
        """As a cursor has it."""
        return self.rows()

    async def fetchone(self) -> Row | None:
        """As a cursor has it."""
        rows = self.rows()
        return rows[0] if rows else None


class Wire:
    """One connection. Database transactions don't overlap on it."""

    def __init__(self, url: str) -> None:
        self.direct: psycopg.Connection[Row] = psycopg.connect(
            url, autocommit=True, row_factory=namedtuple_row, options=OPTIONS, context=ADAPTERS
        )
        self.direct.prepare_threshold = (
            None  # it would forget all prepared statements whenever something is rolled back
        )
        self.wrote: set[str] = set()
        """The tables that the database transaction which is open, or was last, changed."""
        self._transformer = Transformer.from_context(self.direct)
        self._prepared: dict[tuple[bytes, Sequence[int]], _Prepared] = {}
        self._open = self._begun = self._failed = self._owes_commit = False

    async def execute(self, query: Any, parameters: Any = None, **how: Any) -> Any:  # noqa: ANN401 - as psycopg has it
        """As an asynchronous connection does it."""
        self.flush(begin=self._open)
        return _Waiting(self.direct.execute(query, parameters, **how))

    def run(self, query: bytes, parameters: Mapping[str, object]) -> Answer:
        """A named statement, behind what is still to be said. Raises psycopg's errors."""
        return self.together([self.prepare(query, parameters)])[0]

    def prepare(self, query: bytes, parameters: Mapping[str, object]) -> _Call:
        """A named statement, ready to be sent. Raises psycopg's errors."""
        if self._failed:
            raise InFailedSqlTransaction("it failed before")
        form = _understood(query)
        values: Any = self._transformer.dump_sequence([parameters[name] for name in form.names], form.formats)
        types = tuple(self._transformer.types or ())
        prepared = self._prepared.get((form.text, types))
        if prepared is None:
            self.flush(begin=self._open and form.needs_begin)
            prepared = self._prepare(form.text, types)
        return _Call(form, prepared.name, values, self._transformer.formats or [], Answer(self._transformer, prepared))

    def together(self, calls: Sequence[_Call]) -> list[Answer]:
        """Statements that don't need each other's answers, in one go. Raises psycopg's errors."""
        words = self._words(begin=self._open and any(call.form.needs_begin for call in calls))
        if not words and len(calls) == 1:
            [call] = calls
            results = [self.direct.pgconn.exec_prepared(call.name, call.values, call.formats, pq.Format.BINARY)]
        elif calls:
            results = self._pipelined(words, calls)[len(words) :]
        else:
            results = []
        for call, result in zip(calls, results, strict=True):
            self._check(result)
            call.answer.take(result)
            if call.answer.rowcount or len(call.form.writes) > 1:  # the count is of one of them
                self.wrote.update(call.form.writes)
        return [call.answer for call in calls]

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Streams rows into a table; how many. Raises psycopg's errors."""
        server, count, told = self.direct.pgconn, 0, bytearray()
        into = f"copy {table} ({', '.join(columns)}) from stdin".encode()
        for row in rows:
            format_row_text(row, self._transformer, told)
            count += 1
        self._check(server.exec_(b"; ".join([*self._words(begin=True), into])))
        server.put_copy_data(told)
        server.put_copy_end()
        while (result := server.get_result()) is not None:
            self._check(result)
        if count:
            self.wrote.add(table)
        return count

    @contextmanager
    def database_transaction(self) -> Iterator[None]:
        """A database transaction; rolled back on any exception."""
        self._open, self._begun, self._failed, self.wrote = True, False, False, set()
        try:
            yield
        except BaseException:  # a crash too rolls back
            self._open, self._failed = False, False
            if self._begun:
                self._say([b"rollback"])
            raise
        self._open, self._owes_commit = False, self._begun

    def flush(self, *, begin: bool = False) -> None:
        """Says what is still to be said."""
        self._say(self._words(begin=begin))

    def _words(self, *, begin: bool) -> list[bytes]:
        ends, begins = self._owes_commit, begin and not self._begun
        self._owes_commit, self._begun = False, self._begun or begins
        if ends and begins:
            return [b"commit and chain"]
        return [b"commit"] * ends + [b"begin"] * begins

    def _say(self, words: Sequence[bytes]) -> None:
        for word in words:
            self._check(self.direct.pgconn.exec_(word))

    def _prepare(self, text: bytes, types: tuple[int, ...]) -> _Prepared:
        prepared = _Prepared(f"statement_{len(self._prepared)}".encode())
        self._check(self.direct.pgconn.prepare(prepared.name, text, types))
        self._prepared[text, types] = prepared
        return prepared

    def _pipelined(self, words: Sequence[bytes], calls: Sequence[_Call]) -> list[pq.abc.PGresult]:
        """All their results. Raises what the first that failed says: those behind it say that one before them did."""
        server = self.direct.pgconn
        server.enter_pipeline_mode()
        for word in words:
            server.send_query_params(word, None)
        for call in calls:
            server.send_query_prepared(call.name, call.values, call.formats, pq.Format.BINARY)
        server.pipeline_sync()
        results = []
        while (result := server.get_result()) is None or result.status != pq.ExecStatus.PIPELINE_SYNC:
            results += [result] if result is not None else []
        server.exit_pipeline_mode()
        for result in results:
            self._check(result)
        return results

    def _check(self, result: pq.abc.PGresult) -> None:
        if result.status not in _GOOD:
            self._failed = self._open
            raise error_from_result(result, "utf-8")


class _Waiting:
    """A cursor of the driver whose answers are there already."""

    def __init__(self, cursor: psycopg.Cursor[Row]) -> None:
        self._cursor = cursor
        self.rowcount = cursor.rowcount

    async def fetchall(self) -> list[Row]:
        return self._cursor.fetchall()

    async def fetchone(self) -> Row | None:
        return self._cursor.fetchone()


class _Form(NamedTuple):
    """A named statement as PostgreSQL takes it.

    `names`: its parameters, in the order of their numbers; `writes`: the tables that it may change.
    """

    text: bytes
    names: tuple[str, ...]
    formats: tuple[PyFormat, ...]
    writes: frozenset[str]
    needs_begin: bool


@cache
def _understood(query: bytes) -> _Form:
    names = tuple(dict.fromkeys(name.decode() for name in _NAME.findall(query)))
    numbers = {name.encode(): f"${number}".encode() for number, name in enumerate(names, 1)}
    text = _NAME.sub(lambda found: numbers[found[1]], query).replace(b"%%", b"%")
    writes = frozenset(table.decode() for table in _WRITES.findall(query))
    return _Form(text, names, (PyFormat.AUTO,) * len(names), writes, bool(_NEEDS_BEGIN.search(query)))


class _Call(NamedTuple):
    """A statement with its parameters, and where its answer goes."""

    form: _Form
    name: bytes
    values: Any
    formats: Sequence[pq.Format]
    answer: Answer


@dataclass(slots=True)
class _Prepared:
    """A statement that the server knows by name, and how its rows are made."""

    name: bytes
    row: Callable[[Sequence[Any]], Row] | None = None

    def row_of(self, result: pq.abc.PGresult) -> Callable[[Sequence[Any]], Row]:
        if self.row is None:
            names = " ".join((result.fname(n) or b"_").decode() for n in range(result.nfields))
            self.row = _named(names)
        return self.row


def _named(columns: str) -> Callable[[Sequence[Any]], Row]:
    make: Any = namedtuple  # noqa: PYI024 - the columns are known now and not before
    row: Callable[[Sequence[Any]], Row] = make("Row", columns, rename=True)._make
    return row
