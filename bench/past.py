"""A past for a house, made in bulk: facts of instances that are over, and instances that wait for a reply.

Rows stand where the engine would have put them (same shards, keys and months), so that their number costs what it would
cost. They carry no chain of leaves: it is not what is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from bench.report import Note

STRETCH = 100_000
_TEXTS = (Path(__file__).with_suffix(".sql")).read_text(encoding="utf-8").split("-- name: ")[1:]
STATEMENTS = {text.split("\n", 1)[0]: text.split("\n", 1)[1] for text in _TEXTS}


def past(url: str, facts: int, at: datetime, bundle: bytes, told: Callable[[int], None]) -> None:
    """So many facts of instances that are over."""
    _filled(url, "facts", facts, {"at": at, "bundle": bundle}, told)


def waiting(url: str, instances: int, at: datetime, bundle: bytes, told: Callable[[int], None]) -> None:
    """So many instances that wait for a reply for a month yet."""
    _filled(url, "waiting", instances, {"at": at, "bundle": bundle, "due_at": at + timedelta(days=30)}, told)


def progress(note: Note, what: str, total: int) -> Callable[[int], None]:
    """Says every million how far it is."""

    def told(count: int) -> None:
        if count == total or count % 1_000_000 == 0:
            note(f"  {count} of {total} {what}")

    return told


def _filled(url: str, statement: str, count: int, parameters: dict[str, object], told: Callable[[int], None]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for first in range(0, count, STRETCH):
            last = min(count, first + STRETCH) - 1
            connection.execute(STATEMENTS[statement].encode(), {**parameters, "first": first, "last": last})
            told(last + 1)
        connection.execute("analyze")
