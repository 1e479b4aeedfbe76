"""Each SQL statement has a name, says in a sentence what it is for, and is asked for by somebody."""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src/nostro"
SQL = SOURCE / "store/sql"
NAMED = re.compile(r"^-- name: (\w+)\n(.*)$", re.MULTILINE)
"""A statement's name, and the line behind it."""
ASKED = re.compile(r"\b[A-Z]+\.(\w+)")
"""Python holds the statements of a file in a constant."""


def named() -> list[tuple[str, str, str]]:
    """Each statement: its file, its name, and the line behind the name."""
    return [
        (path.stem, name, behind)
        for path in sorted(SQL.glob("*.sql"))
        for name, behind in NAMED.findall(path.read_text(encoding="utf-8"))
    ]


def test_every_statement_says_what_it_is_for() -> None:
    assert [f"{file}: {name}" for file, name, behind in named() if not re.match(r"-- \S.*", behind)] == []
    assert len(named()) > 100


def test_every_statement_is_asked_for_by_its_name() -> None:
    asked = {name for path in SOURCE.rglob("*.py") for name in ASKED.findall(path.read_text(encoding="utf-8"))}
    assert [f"{file}: {name}" for file, name, _ in named() if name not in asked] == []
