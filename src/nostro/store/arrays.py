"""How lists go to PostgreSQL: each of our statements takes whole batches as arrays and says itself of which type.

So an array is sent without a type of its own (one prepared statement whatever the numbers' size), and in one pass: the
driver's own way asks an adapter for each member, which cost more than all decisions of a batch.
"""

from __future__ import annotations

import struct
from typing import Any

import orjson
import psycopg
from psycopg import pq
from psycopg.adapt import AdaptersMap, Dumper, PyFormat

_BYTEA = 17
_HEAD = struct.Struct("!iiIii")  # dimensions, whether there are nulls, element type, length, lower bound
_LENGTH = struct.Struct("!i")
_NULL = _LENGTH.pack(-1)


class ByteArrays(Dumper):
    """Lists of bytes, in PostgreSQL's binary form: nothing is spelt in hexadecimal digits."""

    format = pq.Format.BINARY

    def dump(self, obj: list[bytes | None]) -> bytes:
        """`array_send` in reverse (PostgreSQL: arrayfuncs.c)."""
        nulls = None in obj
        head = _HEAD.pack(1, int(nulls), _BYTEA, len(obj), 1)
        if not nulls and len(lengths := set(map(len, obj))) == 1:  # type: ignore[arg-type]  # there are no nulls
            each = _LENGTH.pack(lengths.pop())  # as keys and digests are: one pass without a step in Python for each
            return head + each + each.join(obj)  # type: ignore[arg-type]  # as above
        parts = [head]
        for member in obj:
            if member is None:
                parts.append(_NULL)
            else:
                parts += (_LENGTH.pack(len(member)), member)
        return b"".join(parts)


class Arrays(Dumper):
    """Lists of one type each, as array literals; lists of bytes go to `ByteArrays`."""

    def get_key(self, obj: list[Any], format: PyFormat) -> Any:  # noqa: A002, ANN401, ARG002 - psycopg's names and types
        """Bytes are another form."""
        return (list, bytes) if _kind(obj) is bytes else list

    def upgrade(self, obj: list[Any], format: PyFormat) -> Dumper:  # noqa: A002, ARG002 - psycopg's name
        """The same."""
        return ByteArrays(list) if _kind(obj) is bytes else self

    def dump(self, obj: list[Any]) -> bytes:
        """An array literal: the list as JSON, in braces. Raises `DataError` on what PostgreSQL's text can't hold."""
        told = orjson.dumps(obj)
        if b"\\" in told:  # a text with something to escape, which JSON does otherwise
            told = b"[" + ",".join(["null" if text is None else _quoted(text) for text in obj]).encode() + b"]"
        return b"{" + told[1:-1] + b"}"


def _kind(members: list[Any]) -> type:
    return next((type(member) for member in members if member is not None), type(None))


def _quoted(text: str) -> str:
    if "\0" in text:
        raise psycopg.DataError("PostgreSQL text can't contain a NUL.")
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def adapters() -> AdaptersMap:
    """The driver's, with our lists."""
    ours = AdaptersMap(psycopg.adapters)
    ours.register_dumper(list, Arrays)
    return ours
