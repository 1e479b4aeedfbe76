"""The page from which one learns `Act`, `Ask` and `Wait`: its example by hand, call by call."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nostro.connectors.kit.manifest import Order
from nostro.model.calls import Act, Ask, Reply, Wait
from nostro.model.failures import FailureKind
from nostro.model.ids import correlation_id
from nostro.model.intents import RefundPayment
from nostro.model.money import Money
from nostro.model.outcomes import Outcome, OutcomeKind
from tests.conformance.moneyback.config import Config
from tests.conformance.moneyback.exchange import pay_back
from tests.shell_world import START

KEY = "collection/DE/1/refund/0/0"
WANTED = RefundPayment(entity="DE", connection="psp", payment_id="pay_1", amount=Money.of("40.05", "EUR"))
LATER = START + timedelta(seconds=120)
UNKNOWN = Reply(None, START, FailureKind.AMBIGUOUS)
DOWN = Reply(None, LATER, FailureKind.UNAVAILABLE, absence_proven_at=START)
NO_SUCH_PAGE = Reply(None, LATER, FailureKind.NOT_FOUND, absence_proven_at=START)
FORBIDDEN = Reply(None, LATER, FailureKind.UNAUTHORISED, absence_proven_at=START)
TOO_EARLY = Reply([], START, absence_proven_at=LATER)
ABSENT = Reply([], LATER, absence_proven_at=LATER)
NEVER = Reply([], LATER)
NOTHING = Reply([], START, absence_proven_at=START)
THERE = Reply([{"id": "po_1"}], START, absence_proven_at=LATER)
PAID = Reply({"id": "po_1"}, START)
SAID_NO = Reply(None, START, FailureKind.REFUSED, "No such recipient.")


def played(*replies: Reply | None) -> tuple[list[type], Outcome | None]:
    """The kinds of calls that the page's example yields, and how it ends."""
    exchange = pay_back(Order(WANTED, KEY, correlation_id(KEY)), Config())
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
        ([THERE], [Ask], OutcomeKind.ADOPTED),
        ([NOTHING, PAID], [Ask, Act], OutcomeKind.DONE),
        ([NOTHING, SAID_NO], [Ask, Act], OutcomeKind.FAILED),
        ([NOTHING, UNKNOWN, THERE], [Ask, Act, Ask], OutcomeKind.ADOPTED),
        ([NOTHING, UNKNOWN, TOO_EARLY, None, ABSENT, PAID], [Ask, Act, Ask, Wait, Ask, Act], OutcomeKind.DONE),
        ([NOTHING, UNKNOWN, DOWN, None, THERE], [Ask, Act, Ask, Wait, Ask], OutcomeKind.ADOPTED),
        ([NOTHING, UNKNOWN, FORBIDDEN], [Ask, Act, Ask], OutcomeKind.HANDED_OVER),
        ([NOTHING, UNKNOWN, NO_SUCH_PAGE], [Ask, Act, Ask], OutcomeKind.HANDED_OVER),
        ([NOTHING, UNKNOWN, NEVER], [Ask, Act, Ask], OutcomeKind.HANDED_OVER),
        ([NO_SUCH_PAGE], [Ask], OutcomeKind.HANDED_OVER),
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
    assert not NO_SUCH_PAGE.absence_proven
    assert ABSENT.absence_proven
