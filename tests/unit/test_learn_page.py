"""The pages for authors of connectors show code that works: its exchanges are driven, with a reply that is lost.

`tests/conformance` plays the scenarios with the same files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nostro.connectors.kit.manifest import Operation, Order
from nostro.model.calls import Act, Reply, Wait
from nostro.model.failures import FailureKind
from nostro.model.ids import IdempotencyKey
from nostro.model.intents import RefundPayment
from nostro.model.money import Money
from nostro.model.outcomes import Outcome, OutcomeKind
from tests.conformance.moneyback.config import Config
from tests.conformance.moneyback.manifest import PAY_BACK
from tests.conformance.moneyback.ways import WITH_THE_KIT

ROOT = Path(__file__).parents[2]
PAGES = tuple(sorted((ROOT / "docs/learn").glob("*.md")))
AT = datetime(2026, 8, 31, 6, tzinfo=UTC)
KEY = IdempotencyKey("collection", "DE/1", "refund")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_stands_in_files_that_are_typed_and_played(page: Path) -> None:
    files = [path.read_text(encoding="utf-8") for path in (ROOT / "tests/conformance").rglob("*.py")]
    shown = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert shown
    assert [block for block in shown if not any(block in text for text in files)] == []


@pytest.mark.parametrize("doing", [PAY_BACK, WITH_THE_KIT], ids=["by hand", "with the kit"])
def test_an_exchange_of_the_page_looks_up_what_a_lost_reply_left_open(doing: Operation) -> None:
    intent = RefundPayment(entity="DE", connection="psp", payment_id="p", amount=Money.of("1.00", "EUR"))
    calls = list[type]()
    [outcome] = played(doing.exchange([Order(intent, KEY.text, KEY.correlation_id)], Config()), calls)
    assert outcome.kind is OutcomeKind.DONE
    assert calls.count(Act) == 2, "again only because it was proven not to be there"
    assert calls.index(Wait) > calls.index(Act)


def played(exchange: Any, calls: list[type]) -> Sequence[Outcome]:  # noqa: ANN401 - a generator of calls
    """Their first reply is lost, and the call with it; absence is proven after two minutes."""
    reply, at, there = None, AT, list[dict[str, str]]()
    while True:
        try:
            call = exchange.send(reply)
        except StopIteration as end:
            outcomes: Sequence[Outcome] = end.value
            return outcomes
        calls.append(type(call))
        if isinstance(call, Wait):
            at, reply = call.until, Reply(None, call.until)
        elif isinstance(call, Act):
            assert call.key == KEY.correlation_id
            lost = calls.count(Act) == 1
            there += [] if lost else [{"reference": call.key, "id": "po"}]
            reply = Reply(None, at, FailureKind.AMBIGUOUS) if lost else Reply({"id": "po"}, at)
        else:
            reply = Reply(list(there), at, absence_proven_at=AT + timedelta(seconds=120) if Act in calls else at)
