"""What was received beside what it means.

`NOSTRO_GOLDEN=write pytest tests/golden tests/real` writes the meanings anew; a person reads the difference.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nostro.connectors.kit.reading import HintItem, IgnoredItem, Item, ReadItem, RejectItem
from nostro.model.money import Amount

FOLDER = Path(__file__).parent


def meaning(items: Iterable[Item]) -> list[dict[str, Any]]:
    """Items as plain JSON, amounts as text."""
    return [_meaning(item) for item in items]


def hold_to(golden: Path, told: object) -> None:
    """Fails where what is told differs from the golden file; with `NOSTRO_GOLDEN=write` writes it instead."""
    text = json.dumps(told, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if os.environ.get("NOSTRO_GOLDEN") == "write":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)
    assert json.loads(text) == json.loads(golden.read_text())


def _meaning(item: Item) -> dict[str, Any]:
    amount = ", ".join(f"{told.value} {told.currency}" for told in _worth(item))
    match item:
        case ReadItem():
            facts = [{"type": fact.fact_type, "key": fact.natural_key(), **_plain(fact)} for fact in item.facts]
            told = {"entity": item.entity, "order": item.sender_order, "unknown_fields": item.unknown_fields}
            return {"read": facts, "amount": amount, "occurred_at": item.occurred_at.isoformat(), **told}
        case IgnoredItem():
            return {"ignored": item.kind, "amount": amount}
        case RejectItem():
            return {"rejected": item.why, "where": item.where}
        case HintItem():
            return {"hint": item.feed}


def _worth(item: Item) -> tuple[Amount, ...]:
    """What its sender says that it is worth; where he says it in what its facts are made of, what they say."""
    if isinstance(item, HintItem):
        return ()
    if item.amount is None:
        return item.worth if isinstance(item, ReadItem) else ()
    return (item.amount,)


def _plain(fact: Any) -> dict[str, Any]:  # noqa: ANN401 - any fact body
    plain: dict[str, Any] = fact.model_dump(mode="json", exclude_none=True)
    return {name: _money(value) for name, value in plain.items() if value != ""}


def _money(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict) and set(value) == {"minor", "currency"}:
        return f"{value['minor']} minor units of {value['currency']}"
    return value
