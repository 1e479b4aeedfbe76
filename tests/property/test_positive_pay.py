"""What is written of a cheque can be read from the file as it was, whichever the profile; so can what totals say."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nostro.formats.positive_pay import CSV, FIXED, Cheque, write_positive_pay
from nostro.model.money import Amount
from nostro.model.parties import BankAccount

PAYEES = (
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=39)
    .map(lambda said: " ".join(said.split()))
    .filter(bool)
)
CHEQUES = st.builds(
    lambda account, number, cents, on, payee: Cheque(
        bank_account=BankAccount(other=str(account)),
        number=str(number),
        amount=Amount(value=Decimal(cents).scaleb(-2), currency="USD"),
        issued_on=on,
        payee=payee,
    ),
    *(st.integers(1, 10**10 - 1), st.integers(1, 10**10 - 1), st.integers(1, 10**9)),
    *(st.dates(date(2000, 1, 1), date(2099, 12, 31)), PAYEES),
)
SEVERAL = st.lists(CHEQUES, min_size=1, max_size=8, unique_by=lambda one: (one.bank_account.other, one.number))


@given(SEVERAL)
def test_a_csv_file_says_what_was_written(cheques: list[Cheque]) -> None:
    _, *rows = csv.reader(b"".join(write_positive_pay(cheques, CSV)).decode().splitlines())
    for row, cheque in zip(rows, cheques, strict=True):
        assert row[:3] == [cheque.bank_account.other, cheque.number, f"{cheque.amount.value:.2f}"]
        assert row[3:] == [f"{cheque.issued_on:%m/%d/%Y}", cheque.payee, "I"]


@given(SEVERAL)
def test_a_file_of_fixed_width_says_what_was_written(cheques: list[Cheque]) -> None:
    *lines, trailer = b"".join(write_positive_pay(cheques, FIXED)).decode().split("\r\n")[:-1]
    for line, cheque in zip(lines, cheques, strict=True):
        assert len(line) == 80
        assert (int(line[:10]), int(line[10:20])) == (int(cheque.bank_account.other), int(cheque.number))
        assert Decimal(line[20:32]).scaleb(-2) == cheque.amount.value
        assert line[41:].rstrip() == cheque.payee
    assert int(trailer[10:20]) == len(cheques)
    assert Decimal(trailer[20:32]).scaleb(-2) == sum(cheque.amount.value for cheque in cheques)
