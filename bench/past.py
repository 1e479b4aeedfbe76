"""A past for a house, made in bulk: instances that are over with all that they left behind, and instances that wait.

Rows stand where the engine would have put them (same shards, keys and months), so that their number costs what it would
cost: of an instance that is over its facts, their natural keys and its commands' keys in `seen`, its closed commands,
its subject and its reference. They carry no chain of leaves: it is not what is measured. Indexes are built when all
rows stand, which takes a fraction of the time; afterwards the tables are vacuumed, as those of an old house are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.report import Note

STRETCH = 250_000
FACTS_AN_INSTANCE = 7
_TEXTS = (Path(__file__).with_suffix(".sql")).read_text(encoding="utf-8").split("-- name: ")[1:]
STATEMENTS = {text.split("\n", 1)[0]: text.split("\n", 1)[1] for text in _TEXTS}
OVER = ("facts", "keys", "commands", "subjects", "references")
OVER_TABLES = ("fact", "seen", "command_closed", "subject", "reference")
WAITING_TABLES = ("subject", "deadline", "command_open")


def past(url: str, facts: int, at: datetime, bundle: bytes, told: Callable[[int], None]) -> None:
    """So many facts of instances that are over."""
    with _filling(url, OVER_TABLES) as run:
        for first in range(0, facts, STRETCH):
            last = min(facts, first + STRETCH) - 1
            stretch = {"first": first, "last": last, "from": -(-first // FACTS_AN_INSTANCE)}
            for statement in OVER:
                run(statement, {"at": at, "bundle": bundle, "to": last // FACTS_AN_INSTANCE, **stretch})
            told(last + 1)


def waiting(url: str, instances: int, at: datetime, bundle: bytes, told: Callable[[int], None]) -> None:
    """So many instances that wait for a reply for a month yet."""
    with _filling(url, WAITING_TABLES) as run:
        for first in range(0, instances, STRETCH):
            last = min(instances, first + STRETCH) - 1
            due = {"due_at": at + timedelta(days=30), "first": first, "last": last}
            run("waiting", {"at": at, "bundle": bundle, **due})
            told(last + 1)


def progress(note: Note, what: str, total: int) -> Callable[[int], None]:
    """Says every million how far it is."""

    def told(count: int) -> None:
        if count == total or count % 1_000_000 == 0:
            note(f"  {count} of {total} {what}")

    return told


@contextmanager
def _filling(url: str, tables: Sequence[str]) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Runs named statements on tables whose indexes are built at the end."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set maintenance_work_mem = '512MB'")
        indexes = [row for table in tables for row in connection.execute(STATEMENTS["indexes"].encode(), {"t": table})]
        for _, drop, _ in reversed(indexes):
            connection.execute(drop)
        yield lambda statement, values: (connection.execute(STATEMENTS[statement].encode(), values), None)[1]
        for _, _, create in indexes:
            connection.execute(create)
        for table in tables:
            connection.execute(sql.SQL("vacuum (analyze) {}").format(sql.Identifier(table)))
        connection.execute("checkpoint")
