"""What is asked of the log notices an order that is broken; the seeds never break it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from nostro.processes.kit.process import STALE
from tests.simulation.guarantees import order_of_calls, order_of_news

AT = datetime(2026, 8, 31, 6, tzinfo=UTC)


def step(order: str, rule: str, after: str = "open", stream: str = "charge/1") -> Any:  # noqa: ANN401 - a step's parts
    """News of one stream."""
    row = SimpleNamespace(
        process="collection", subject="odoo/1", type="payment.captured", rule=rule, sender_order="",
        state_before="open", state_after=after,
    )  # fmt: skip
    return SimpleNamespace(row=row, fact=SimpleNamespace(body=SimpleNamespace(stream=stream, order=order)))


def test_older_news_changes_nothing_and_newer_news_is_believed() -> None:
    assert list(order_of_news([step("1", "paid"), step("3", "paid"), step("2", STALE), step("4", "paid")])) == []
    assert list(order_of_news([step("2", "paid"), step("1", "paid", stream="charge/2")])) == []


@pytest.mark.parametrize("second", [step("1", "paid"), step("1", STALE, after="paid"), step("3", STALE)])
def test_older_news_that_is_believed_and_newer_news_that_is_not(second: Any) -> None:  # noqa: ANN401 - a step's parts
    assert len(list(order_of_news([step("2", "paid"), second]))) == 1


def call(position: int, began: int, closed: int, *, subject: str = "odoo/1", line: int | None = None) -> Any:  # noqa: ANN401 - a row's parts
    """A command whose call began and ended so many minutes after the opening."""
    told = "{}" if line is None else f'{{"statement_line":{line}}}'
    return SimpleNamespace(
        process="collection", subject=subject, connection="odoo", body=told.encode(), position=position,
        dispatch=bytes([position]), began=AT + timedelta(minutes=began), closed_at=AT + timedelta(minutes=closed),
    )  # fmt: skip


def test_calls_for_one_thing_leave_one_after_the_other() -> None:
    assert list(order_of_calls([call(1, 0, 2), call(2, 2, 3), call(1, 2, 9, subject="odoo/2")])) == []
    assert len(list(order_of_calls([call(1, 0, 2), call(2, 1, 3)]))) == 1
    assert len(list(order_of_calls([call(2, 0, 1), call(1, 2, 3)]))) == 1
    assert len(list(order_of_calls([call(1, 0, 2, line=7), call(2, 1, 3, subject="odoo/2", line=7)]))) == 1
