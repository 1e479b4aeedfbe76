from __future__ import annotations

from datetime import date

import pytest

from nostro.model.canonical import canonical, parse
from nostro.model.intents import AnnotatePayment, BookJournalEntry, BookStatementLine, EntryLine, Intent, RefundPayment
from nostro.model.money import Money
from nostro.projections.choices import amount_of

DAY = date(2026, 8, 31)


def entry(*balances: str) -> BookJournalEntry:
    lines = tuple(EntryLine(account=1, balance=Money.of(balance, "JPY"), label="x") for balance in balances)
    return BookJournalEntry(entity="DE", journal=1, booked_on=DAY, label="x", lines=lines)


@pytest.mark.parametrize(
    "intent, amount",
    [
        (RefundPayment(entity="DE", connection="p", payment_id="x", amount=Money.of("12.34", "EUR")), "12.34 EUR"),
        (
            BookStatementLine(entity="DE", journal=1, amount=Money.of("-12.34", "EUR"), booked_on=DAY, reference="x"),
            "12.34 EUR",
        ),
        (entry("100", "20", "-120"), "120 JPY"),
        (entry(), "None"),
        (AnnotatePayment(entity="DE", connection="p", payment_id="x", invoice_number="i"), "None"),
    ],
)
def test_a_limit_is_held_against_what_an_intent_moves_whatever_its_sign(intent: Intent, amount: str) -> None:
    assert str(amount_of(parse(canonical(intent)))) == amount
