"""Days of money that is dated by when it was told: those on the clocks of the company, not UTC's."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, date, datetime

import pytest

from nostro.model.intents import BookJournalEntry, ReopenInvoice
from tests.open_items import ITEM, capture, dispute, foreign_sale, house, intent_of, invoice, line, paid_by_card, refund
from tests.stories import DAY, House, eur, fact, usd

LATE = datetime(2026, 8, 31, 22, 30, tzinfo=UTC)
"""Half past midnight in Berlin, on the first of the month."""
FIRST = date(2026, 9, 1)


def entry_of(told: House, step: str) -> BookJournalEntry:
    entry = intent_of(told, step)
    assert isinstance(entry, BookJournalEntry)
    return entry


@pytest.mark.parametrize("foreign", [False, True])
def test_a_dispute_that_ends_after_midnight_is_booked_on_the_day_that_the_clocks_in_the_company_show(
    foreign: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    told, worth = (foreign_sale(), usd("100.00")) if foreign else (house(), eur("100.00"))
    if not foreign:
        told.tell(fact(capture()), fact(line("charge", eur("100.00"))))
        told.answer_all()
    told.tell(fact(dispute("open", "withdrawn", worth)))
    if foreign:
        told.tell(fact(line("dispute", eur("-90.00"), source="dp_1", presentment=worth)))
    told.answer_all()
    won, lost = deepcopy(told), deepcopy(told)
    won.tell(fact(dispute("won", "reinstated", worth), at=LATE))
    if foreign:
        won.tell(fact(line("dispute_reversal", eur("91.00"), source="dp_1", presentment=worth)))
    assert entry_of(won, "reinstated-dp_1").booked_on == FIRST
    lost.tell(fact(dispute("lost", "withdrawn", worth), at=LATE))
    intent = intent_of(lost, "owed-dp_1" if foreign else "lost-dp_1")
    assert isinstance(intent, BookJournalEntry | ReopenInvoice)
    assert intent.booked_on == FIRST


def test_a_foreign_payment_settled_after_midnight_is_converted_on_the_day_in_the_company() -> None:
    told = House()
    told.tell(fact(invoice(usd("100.00")), order="1"), fact(capture(usd("100.00"))))
    told.answer_all()
    told.tell(fact(line("charge", eur("88.00"), presentment=usd("100.00")), at=LATE))
    assert entry_of(told, "convert-ch_1").booked_on == FIRST


def test_news_told_before_the_invoice_keep_the_day_in_the_company_when_they_are_passed_on() -> None:
    told = House()
    told.tell(fact(capture()), fact(dispute("open", "withdrawn")))
    told.tell(fact(dispute("won", "reinstated"), at=LATE))
    told.tell(fact(invoice(), order="1"))
    told.answer_all()
    told.answer_all()
    assert entry_of(told, "reinstated-dp_1").booked_on == FIRST


def test_a_refund_that_fails_weeks_later_is_booked_back_on_that_day() -> None:
    told = paid_by_card()
    told.tell(fact(refund("succeeded")))
    told.answer_all()
    assert entry_of(told, "refunded-re_1").booked_on == DAY
    told.tell(fact(refund("failed"), at=LATE))
    assert entry_of(told, "unrefunded-re_1").booked_on == FIRST


def test_an_inquiry_that_becomes_a_chargeback_is_booked_on_the_day_on_which_the_money_went() -> None:
    told = paid_by_card()
    told.tell(fact(dispute("inquiry", "kept")))
    told.answer_all()
    told.tell(fact(dispute("open", "withdrawn"), at=LATE))
    assert entry_of(told, "disputed-dp_1").booked_on == FIRST


@pytest.mark.parametrize(
    "method,said",
    [
        ("link", "provisional until 2026-12-29"),
        ("bacs_debit", "provisional for ever"),
        ("ideal", "final since 2026-08-31"),
    ],
)
def test_a_chargeback_says_until_when_the_scheme_lets_money_go_back(method: str, said: str) -> None:
    told = house()
    told.tell(fact(capture(method=method)), fact(dispute("open", "withdrawn")))
    assert said in told.cases[ITEM, "chargeback"].sentence
