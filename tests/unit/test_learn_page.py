"""The page for authors of connectors tells code that works: its exchanges are driven, with a reply that is lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nostro.connectors.kit import dialogue
from nostro.connectors.kit.manifest import Operation, Order
from nostro.model.calls import Act, Ask, Reply, Wait
from nostro.model.failures import FailureKind
from nostro.model.ids import IdempotencyKey
from nostro.model.intents import AnnotatePayment
from nostro.model.outcomes import Outcome, OutcomeKind

PAGE = Path(__file__).parents[2] / "docs/learn/act-ask-wait.md"
AT = datetime(2026, 8, 31, 6, tzinfo=UTC)
KEY = IdempotencyKey("collection", "DE/1", "refund")


def told() -> tuple[str, str, str]:
    """The page's code: an exchange by hand, its declaration, the same exchange with the kit's loop."""
    by_hand, declared, with_kit = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return by_hand, declared, with_kit


def operation(exchange: str) -> Operation:
    """As the page declares it."""
    imports, _, declaration = told()[1].partition("\n\n")
    names: dict[str, Any] = vars(dialogue) | {"Config": object, "Sequence": Sequence, "body_of": lambda _: {}}
    exec(f"{imports}\n{exchange}\n{declaration}", names)  # noqa: S102 - our own page
    made = names["PAY_OUT"]
    assert isinstance(made, Operation)
    return made


@pytest.mark.parametrize("written", [0, 2], ids=["by hand", "with the kit"])
def test_an_exchange_of_the_page_looks_up_what_a_lost_reply_left_open(written: int) -> None:
    doing = operation(told()[written])
    intent = AnnotatePayment(entity="DE", connection="psp", payment_id="p", invoice_number="1")
    calls = list[type]()
    [outcome] = played(doing.exchange([Order(intent, KEY.text, KEY.correlation_id)], None), calls)
    assert outcome.kind is OutcomeKind.DONE
    assert calls.count(Act) == 2, "again only because it was proven not to be there"
    assert calls.index(Wait) > calls.index(Ask)


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
