"""The page from which one learns `Act`, `Ask` and `Wait`: its example is run as it stands there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nostro.connectors.kit.dialogue import asked
from nostro.model import calls, outcomes
from nostro.model.calls import Act, Ask, Exchange, Reply, Wait
from nostro.model.failures import FailureKind
from nostro.model.outcomes import Outcome, OutcomeKind
from tests.shell_world import START
from tests.toy_partner import order

PAGE = Path(__file__).parents[2] / "docs" / "learn" / "act-ask-wait.md"
LATER = START + timedelta(seconds=120)
UNKNOWN = Reply(None, START, FailureKind.AMBIGUOUS)
DOWN = Reply(None, LATER, FailureKind.UNAVAILABLE, absence_proven_at=START)
FORBIDDEN = Reply(None, LATER, FailureKind.UNAUTHORISED, absence_proven_at=START)
TOO_EARLY = Reply([], START, absence_proven_at=LATER)
ABSENT = Reply([], LATER, absence_proven_at=LATER)
NEVER = Reply([], LATER)
THERE = Reply([{"id": "po_1"}], START, absence_proven_at=LATER)
PAID = Reply({"id": "po_1"}, START)
SAID_NO = Reply(None, START, FailureKind.REFUSED, "No such recipient.")


def played(*replies: Reply | None) -> tuple[list[type], Outcome | None]:
    """The kinds of calls that the page's example yields, and how it ends."""
    example = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    words: dict[str, Any] = {**vars(calls), **vars(outcomes), "asked": asked}
    words["body_of"] = lambda intent: {"payment": intent.payment_id}
    exec(compile(f"from __future__ import annotations\n{example}", str(PAGE), "exec"), words)  # noqa: S102 - our own page
    pay_out: Callable[..., Exchange[Outcome]] = words["pay_out"]
    exchange = pay_out(order("po_1"), None)
    kinds: list[type] = [type(next(exchange))]
    outcome = None
    for reply in replies:
        try:
            call = exchange.send(reply)  # type: ignore[arg-type]  # None after a Wait
        except StopIteration as end:
            outcome = end.value
        else:
            kinds.append(type(call))
    return kinds, outcome


@pytest.mark.parametrize(
    "replies, kinds, end",
    [
        ([PAID], [Act], OutcomeKind.DONE),
        ([SAID_NO], [Act], OutcomeKind.FAILED),
        ([UNKNOWN, THERE], [Act, Ask], OutcomeKind.ADOPTED),
        ([UNKNOWN, TOO_EARLY, None, ABSENT, PAID], [Act, Ask, Wait, Ask, Act], OutcomeKind.DONE),
        ([UNKNOWN, DOWN, None, THERE], [Act, Ask, Wait, Ask], OutcomeKind.ADOPTED),
        ([UNKNOWN, FORBIDDEN], [Act, Ask], OutcomeKind.HANDED_OVER),
        ([UNKNOWN, NEVER], [Act, Ask], OutcomeKind.HANDED_OVER),
    ],
)
def test_the_pages_example_acts_once_and_again_only_after_an_answer_that_proves_absence(
    replies: list[Reply | None], kinds: list[type], end: OutcomeKind
) -> None:
    told, outcome = played(*replies)
    assert told == kinds
    assert outcome is not None
    assert outcome.kind is end


def test_a_question_without_an_answer_proves_no_absence() -> None:
    assert not DOWN.absence_proven
    assert ABSENT.absence_proven
