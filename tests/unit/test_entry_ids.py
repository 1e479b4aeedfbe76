"""What an entry is known by does not depend on how its amount is spelt."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nostro.formats.identity import EntryIds
from nostro.model.money import Amount
from nostro.model.statements import Entry, Source


def known_by(value: str, currency: str) -> str:
    amount = Amount(value=Decimal(value), currency=currency)
    entry = Entry(amount=amount, direction="credit", state="booked", source=Source(where="1"))
    return EntryIds("DE89370400440532013000").next(entry)


@pytest.mark.parametrize(
    "told, currency, written",
    [("10", "EUR", "10.00"), ("10.5", "EUR", "10.50"), ("10.5000", "EUR", "10.50"), ("1000.00", "JPY", "1000"),
     ("12.50", "KWD", "12.500"), ("1.2340", "EUR", "1.234")],
)  # fmt: skip
def test_an_amount_is_the_same_in_every_spelling(told: str, currency: str, written: str) -> None:
    assert known_by(told, currency) == known_by(written, currency)


def test_ids_of_amounts_that_are_written_with_their_currency_s_digits_are_for_good() -> None:
    assert known_by("10.00", "EUR") == "ac037fe5f96822b6a741d05568dc545e"
    assert known_by("10.01", "EUR") != known_by("10.001", "EUR") != known_by("10.00", "EUR")
