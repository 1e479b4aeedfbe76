"""A statement that is not right is not written as a camt: its place, the rule, and what to do about it are told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial

import pytest

from nostro.formats.writing import Order, written
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.statements import Balance, Entry, References, Source, StatementEnd, StatementHead
from tests.unit.test_conversions import NOW

DAY = date(2026, 11, 27)
ACCOUNT = BankAccount(iban="DE89370400440532013000")


def amount(value: str, currency: str = "EUR") -> Amount:
    return Amount(value=Decimal(value), currency=currency)


def entry(**changed: object) -> Entry:
    told = Entry(
        amount=amount("10.00"), direction="credit", state="booked", booking_date=DAY, source=Source(where="Ntry[1]")
    )
    return told.model_copy(update=changed)


def written_as(to: str, *entries: Entry, closing: Amount, account: BankAccount = ACCOUNT) -> tuple[str, list[str]]:
    opening = Balance(code="OPBD", amount=amount("100", closing.currency), on=DAY)
    balances = (opening, Balance(code="CLBD", amount=closing, on=DAY))
    source = Source(where="Stmt[1]")
    head = StatementHead(kind="statement", statement_id="S", bank_account=account, balances=balances, source=source)
    items = [head, *entries, StatementEnd(entries=len(entries), rejected=0, balances=balances)]
    said: list[str] = []
    content = b"".join(written(to, iter(items), Order(NOW, said.append, source=partial(iter, items))))
    return content.decode(), said


@pytest.mark.parametrize(
    "told, closing, sentence",
    [
        (entry(), amount("999.00"), r"Stmt\[1\], Bal: the entries lead to 110.00, told is 999.00"),
        (entry(state="pending"), amount("110.00"), r"Stmt\[1\], Bal: the entries lead to 100"),
        (entry(amount=amount("10.00", "USD")), amount("110.00"), r"Stmt\[1\], Bal: .* are in EUR, USD"),
        (entry(amount=amount("-10.00")), amount("90.00"), r"Ntry\[1\], Amt: the amount is below zero"),
        (entry(amount=amount("10.5", "JPY")), amount("110", "JPY"), r"Ntry\[1\], Amt: .* more digits than JPY has"),
        (entry(amount=amount("1.2345", "KWD")), amount("101", "KWD"), r"Ntry\[1\], Amt: .* more digits than KWD has"),
        (
            entry(amount=amount("10", "XAU")),
            amount("110", "XAU"),
            "Amt: the amount is in XAU, which has no smallest unit",
        ),
        (entry(amount=amount("10", "XXX")), amount("110"), r"Ntry\[1\], Amt: the amount has no currency"),
        (entry(amount=amount("1" * 19)), amount("110"), r"Ntry\[1\], Amt: the amount has more than 18 digits"),
    ],
)
def test_a_statement_that_is_not_right_is_refused_at_its_place(told: Entry, closing: Amount, sentence: str) -> None:
    with pytest.raises(FormatRefused, match=sentence) as refused:
        written_as("camt.053", told, closing=closing)
    assert refused.value.remedy


def test_amounts_with_as_many_digits_as_their_currency_has_are_written() -> None:
    assert (
        "10.125" in written_as("camt.053", entry(amount=amount("10.125", "KWD")), closing=amount("110.125", "KWD"))[0]
    )
    assert "10.000" in written_as("camt.053", entry(amount=amount("10.000")), closing=amount("110"))[0]


def test_a_notification_has_no_balances_that_could_misfit() -> None:
    assert written_as("camt.054", entry(), closing=amount("999.00"))[0].count("<Ntry>") == 1


def test_what_a_schema_has_another_form_for_claims_no_iban_bic_or_country() -> None:
    wrong = BankAccount(iban="DE88370400440532013000", bic="COBA")
    party = Party(name="Customer 042", address=Address(town="Bern", country="Schweiz"), ids={"BIC": "x", "LEI": "y"})
    told = entry(counterparty=party, counterparty_account=wrong, references=References(end_to_end="E"))
    ours = BankAccount(iban="BE69539007547034", bic="COBA")
    content, said = written_as("camt.053", told, closing=amount("110.00"), account=ours)
    assert "<Othr><Id>DE88370400440532013000</Id></Othr>" in content
    assert "<Othr><Id>BE69539007547034</Id></Othr>" in content
    assert content.count("<Othr><Id>COBA</Id></Othr>") == 2
    assert not any(tag in content for tag in ("<IBAN>", "<BICFI>", "<AnyBIC>", "<LEI>", "<Ctry>"))
    assert "counterparty_account.iban was not carried" in said[-1]
