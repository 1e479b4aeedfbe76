"""What is asked of the log notices an order that is broken; the seeds never break it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from nostro.model.canonical import canonical
from nostro.model.ids import short_digest
from nostro.processes.kit.process import STALE
from nostro.routing.route import told_name
from tests.simulation.guarantees import (
    APPENDED,
    FACTS,
    PARKED,
    READ_IN_ALL,
    TOLD,
    appended,
    beside,
    order_of_calls,
    order_of_news,
    told_and_gone,
)

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


@pytest.mark.parametrize("items, parked, flaws", [((1,), 2, 0), ((1, 1), 2, 0), ((1,), 0, 1), ((1, 2, 3), 0, 1)])
def test_of_each_item_that_counts_as_read_a_fact_is_there(items: tuple[int, ...], parked: int, flaws: int) -> None:
    """Two items were read in receipt 01."""
    waiting = [[canonical({"receipt": "01", "item": parked})]] if parked else []
    answers = {
        READ_IN_ALL: [[canonical({"receipt": "01", "reading": n, "read": n})] for n in (2, 1)],
        APPENDED: [("01", item) for item in items],
        PARKED: waiting,
    }
    assert len(list(appended(SimpleNamespace(ask=answers.__getitem__)))) == flaws  # type: ignore[arg-type]  # its one method


def test_a_fact_that_was_told_stands_in_the_log_or_is_parked() -> None:
    told = [told_name(f"payout.reported:po_{n}")[1] for n in (1, 2, 3)]
    answers: dict[str, list[Any]] = {
        TOLD: [(key, "01") for key in (*told, short_digest("receipt", b"1"))],
        FACTS: [("payout.reported", "po_1")],
        PARKED: [[canonical({"type": "payout.reported", "natural_key": "po_2"})]],
        "select id from receipt": [[b"1"]],
    }
    [flaw] = told_and_gone(SimpleNamespace(ask=answers.__getitem__))  # type: ignore[arg-type]  # its one method
    assert flaw == "4: receipt 01 told a fact that stands nowhere"


@pytest.mark.parametrize(
    "told, flaws", [({"provider_reference": "pi_1"}, 1), ({"provider_reference": "pi_2"}, 0), ({}, 0)]
)
def test_what_the_erp_has_registered_itself_is_not_asked_for(told: dict[str, str], flaws: int) -> None:
    one: Any = SimpleNamespace(subject="odoo/1", body=canonical({"provider_reference": "pi_1"}), told=canonical(told))
    assert len(list(beside([one]))) == flaws


def test_calls_for_one_thing_leave_one_after_the_other() -> None:
    assert list(order_of_calls([call(1, 0, 2), call(2, 2, 3), call(1, 2, 9, subject="odoo/2")])) == []
    assert len(list(order_of_calls([call(1, 0, 2), call(2, 1, 3)]))) == 1
    assert len(list(order_of_calls([call(2, 0, 1), call(1, 2, 3)]))) == 1
    assert len(list(order_of_calls([call(1, 0, 2, line=7), call(2, 1, 3, subject="odoo/2", line=7)]))) == 1
