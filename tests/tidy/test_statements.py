"""Each SQL statement has a name, says in a sentence what it is for, and is asked for by somebody."""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src/nostro"
SQL = SOURCE / "store/sql"
NAMED = re.compile(r"^-- name: (\w+)\n(.*)$", re.MULTILINE)
"""A statement's name, and the line behind it."""
HELD = re.compile(r"^([A-Z_]+) = Statements\(\"(\w+)\"\)", re.MULTILINE)
"""Python holds the statements of a file in a constant,"""
TAKEN = re.compile(r"^from (nostro[\w.]*) import (?:\()?([^()]+?)\)?$", re.MULTILINE)
"""or takes another module's,"""
ASKED = re.compile(r"\b([A-Z_]+)\.(\w+)")
"""and asks it for them by name."""


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


def asked() -> set[tuple[str, str]]:
    """Each statement that some module asks for, with its file: two files may have one of a name."""
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
    held = {path: dict(HELD.findall(text)) for path, text in texts.items()}
    found = set[tuple[str, str]]()
    for path, text in texts.items():
        files = dict(held[path])
        for module, names in TAKEN.findall(text):
            there = held.get(SOURCE.parent / f"{module.replace('.', '/')}.py", {})
            files |= {name: there[name] for name in re.findall(r"\w+", names) if name in there}
        found |= {(files[constant], name) for constant, name in ASKED.findall(text) if constant in files}
    return found


def test_every_statement_is_asked_for_by_its_name() -> None:
    there = asked()
    assert [f"{file}: {name}" for file, name, _ in named() if (file, name) not in there] == []


def test_no_statement_is_asked_for_that_is_in_no_file() -> None:
    assert asked() - {(file, name) for file, name, _ in named()} == set()
    assert len(asked()) > 100
