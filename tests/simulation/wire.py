"""A connection to PostgreSQL for one thread that waits: every statement is answered before anything else goes on.

The house's statements with the house's adapters, prepared as in production, without what the driver needs to let
others go on meanwhile: that cost more than PostgreSQL itself. And without ways to the server that can be saved:
`begin` travels with the first statement that writes or locks, `commit` with the first one after it. Until then each
statement has a snapshot of its own, as it has under READ COMMITTED anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import InFailedSqlTransaction, error_from_result
from psycopg.rows import namedtuple_row

from nostro.store.database import ADAPTERS, BY_INDEX, Row
from nostro.store.wire import Answer, Form, Prepared, understood

OPTIONS = (
    "-c timezone=UTC -c synchronous_commit=off -c lock_timeout=5s -c statement_timeout=20s"
    " -c plan_cache_mode=force_generic_plan"
) + "".join(f" -c {name}={value}" for name, value in BY_INDEX.items())
_WRITES = re.compile(rb"\b(?:insert into|update|delete from) (?!of\b|set\b|skip\b)(\w+)")
_NEEDS_BEGIN = re.compile(rb"\b(insert into|update|delete from|for share|set|lock|nextval)\b|_lock\(")
_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.COPY_IN)


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
        self._prepared: dict[tuple[bytes, Sequence[int]], Prepared] = {}
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
        form = understood(query)
        values: Any = self._transformer.dump_sequence([parameters[name] for name in form.names], form.formats)
        types = tuple(self._transformer.types or ())
        prepared = self._prepared.get((form.text, types))
        if prepared is None:
            self.flush(begin=self._open and _needs_begin(form.text))
            prepared = self._prepare(form.text, types)
        return _Call(form, prepared.name, values, self._transformer.formats or [], Answer(self._transformer, prepared))

    def together(self, calls: Sequence[_Call]) -> list[Answer]:
        """Statements that don't need each other's answers, in one go. Raises psycopg's errors."""
        words = self._words(begin=self._open and any(_needs_begin(call.form.text) for call in calls))
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
            if call.answer.rowcount or len(_writes(call.form.text)) > 1:  # the count is of one of them
                self.wrote.update(_writes(call.form.text))
        return [call.answer for call in calls]

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
        self._open, self._owes_commit = False, self._owes_commit or self._begun  # one that asks nothing leaves it owed

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

    def _prepare(self, text: bytes, types: tuple[int, ...]) -> Prepared:
        prepared = Prepared(f"statement_{len(self._prepared)}".encode())
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


@cache
def _writes(query: bytes) -> frozenset[str]:
    """The tables that it may change."""
    return frozenset(table.decode() for table in _WRITES.findall(query))


@cache
def _needs_begin(query: bytes) -> bool:
    return bool(_NEEDS_BEGIN.search(query))


class _Call(NamedTuple):
    """A statement with its parameters, and where its answer goes."""

    form: Form
    name: bytes
    values: Any
    formats: Sequence[pq.Format]
    answer: Answer
