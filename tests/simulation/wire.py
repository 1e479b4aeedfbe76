"""A connection to PostgreSQL for one thread that waits: every statement is answered before anything else goes on.

The house's statements with the house's adapters, prepared as in production, without what the driver needs to let
others go on meanwhile: that cost more than PostgreSQL itself. And without ways to the server that can be saved:
`begin` travels with the first statement that writes or locks, `commit` with the first one after it. Until then each
statement has a snapshot of its own, as it has under READ COMMITTED anyway.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import psycopg
from psycopg import abc, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InFailedSqlTransaction, error_from_result
from psycopg.rows import namedtuple_row

from nostro.store.database import ADAPTERS, Row

OPTIONS = (
    "-c timezone=UTC -c synchronous_commit=off -c lock_timeout=5s -c statement_timeout=20s"
    " -c plan_cache_mode=force_generic_plan"
)
_NAME = re.compile(rb"%\((\w+)\)s")
_WRITES = re.compile(rb"\b(insert into|update \w+|delete from)\b")
_NEEDS_BEGIN = re.compile(rb"\b(insert into|update|delete from|for share|set|lock|nextval)\b|_lock\(")
_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Answer:
    """What a statement came to; its rows are there already."""

    __slots__ = ("_prepared", "_result", "_transformer", "rowcount")

    def __init__(self, result: pq.abc.PGresult, transformer: abc.Transformer, prepared: _Prepared) -> None:
        self._result = result
        self._transformer = transformer
        self._prepared = prepared
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
        self.wrote = False
        """Whether the database transaction that is open, or was last, changed something."""
        self._transformer = Transformer.from_context(self.direct)
        self._prepared: dict[tuple[bytes, Sequence[int]], _Prepared] = {}
        self._open = self._begun = self._failed = self._owes_commit = False

    async def execute(self, query: Any, parameters: Any = None, **how: Any) -> Any:  # noqa: ANN401 - as psycopg has it
        """As an asynchronous connection does it."""
        if isinstance(query, bytes) and isinstance(parameters, Mapping):
            return self.run(query, parameters)
        self.flush(begin=self._open)
        return _Waiting(self.direct.execute(query, parameters, **how))

    def run(self, query: bytes, parameters: Mapping[str, object]) -> Answer:
        """A named statement, behind what is still to be said. Raises psycopg's errors."""
        if self._failed:
            raise InFailedSqlTransaction("it failed before")
        form = _understood(query)
        words = self._words(begin=self._open and form.needs_begin)
        given = [parameters[name] for name in form.names]
        values: Any = self._transformer.dump_sequence(given, form.formats)
        types, formats = tuple(self._transformer.types or ()), self._transformer.formats or []
        prepared = self._prepared.get((form.text, types))
        if prepared is None:
            self._say(words)
            prepared, words = self._prepare(form.text, types), []
        if words:
            result = self._together(words, prepared.name, values, formats)
        else:
            result = self.direct.pgconn.exec_prepared(prepared.name, values, formats, pq.Format.BINARY)
        self._check(result)
        answer = Answer(result, self._transformer, prepared)
        self.wrote = self.wrote or (form.writes and answer.rowcount != 0)
        return answer

    @contextmanager
    def database_transaction(self) -> Iterator[None]:
        """A database transaction; rolled back on any exception."""
        self._open, self._begun, self._failed, self.wrote = True, False, False, False
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

    def _together(
        self, words: Sequence[bytes], name: bytes, values: Sequence[Any], formats: Sequence[pq.Format]
    ) -> pq.abc.PGresult:
        """In one go. Only the last one's result is of interest, unless one before it failed."""
        server = self.direct.pgconn
        server.enter_pipeline_mode()
        for word in words:
            server.send_query_params(word, None)
        server.send_query_prepared(name, values, formats, pq.Format.BINARY)
        server.pipeline_sync()
        results = []
        while (result := server.get_result()) is None or result.status != pq.ExecStatus.PIPELINE_SYNC:
            results += [result] if result is not None else []
        server.exit_pipeline_mode()
        return next((result for result in results if result.status not in _GOOD), results[-1])

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
    """A named statement as PostgreSQL takes it. `names`: its parameters, in the order of their numbers."""

    text: bytes
    names: tuple[str, ...]
    formats: tuple[PyFormat, ...]
    writes: bool
    needs_begin: bool


@cache
def _understood(query: bytes) -> _Form:
    names = tuple(dict.fromkeys(name.decode() for name in _NAME.findall(query)))
    numbers = {name.encode(): f"${number}".encode() for number, name in enumerate(names, 1)}
    text = _NAME.sub(lambda found: numbers[found[1]], query).replace(b"%%", b"%")
    return _Form(
        text, names, (PyFormat.AUTO,) * len(names), bool(_WRITES.search(query)), bool(_NEEDS_BEGIN.search(query))
    )


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
