"""Real statements and payments in other formats: what does not come back has been said, and nothing ends in a crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.reading import Item
from nostro.formats.writing import Order, written
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageHead
from nostro.model.statements import Entry, Reject, StatementHead
from tests.unit.test_conversions import comparable, is_named

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)


def documents(shared: Path) -> list[tuple[Path, list[Item]]]:
    """Small files that are read, each with its items."""
    found: list[tuple[Path, list[Item]]] = []
    for path in sorted((shared / "data" / "bank").rglob("*")):
        if not path.is_file() or path.stat().st_size > 200_000:
            continue
        try:
            found += [(path, list(told.items)) for told in tell(partial(whole, path), path.name) if told.format]
        except FormatRefused:
            continue
    return found


def whole(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()


def unsaid(ours: list[Item], content: bytes, said: list[str]) -> list[str]:
    (told,) = tell(lambda: iter((content,)))
    again = list(told.items)
    found = [f"reject {item.why}" for item in again if isinstance(item, Reject)]
    for kind in (Entry, Instruction):
        one, other = comparable(ours, kind), comparable(again, kind)
        if len(one) != len(other) or kind is Instruction:
            continue
        for before, after in zip(one, other, strict=True):
            found += [
                path
                for path, text in before.items()
                if "".join(after.get(path, "").split()) != "".join(text.split())
                and not any(is_named(path, sentence) for sentence in said)
            ]
    return found


@pytest.mark.parametrize("name", ["camt.053", "camt.054", "mt940", "csv"])
def test_statements_of_banks_become_other_statements(shared: Path, name: str) -> None:
    outcome: Counter[str] = Counter()
    for path, items in documents(shared):
        if not any(isinstance(item, StatementHead) for item in items):
            continue
        said: list[str] = []
        try:
            content = b"".join(written(name, items, Order(NOW, said.append)))
        except FormatRefused as refused:
            outcome[f"refused: {refused.sentence[:60]}"] += 1
            continue
        outcome["written"] += 1
        missing = [one for one in unsaid(items, content, said) if not is_repeated(one)]
        assert missing == [], (path, said[:3])
    assert outcome["written"] >= {"camt.053": 69, "camt.054": 161, "mt940": 42, "csv": 150}[name], outcome


def is_repeated(path: str) -> bool:
    """A single detail that says what its entry says is not told twice."""
    return path.startswith("details[1].")


@pytest.mark.parametrize("name", ["pain.001.001.03", "pain.001.001.09", "mt101"])
def test_payments_become_other_payments_or_are_refused_with_a_reason(shared: Path, name: str) -> None:
    outcome: Counter[str] = Counter()
    for _, items in documents(shared):
        if not any(isinstance(item, MessageHead) and item.kind == "payment_initiation" for item in items):
            continue
        try:
            list(written(name, items, Order(NOW, lambda _: None, "iso" if name.startswith("pain") else "")))
        except FormatRefused as refused:
            outcome[f"refused: {refused.sentence[:60]}"] += 1
        else:
            outcome["written"] += 1
    assert outcome["written"]
