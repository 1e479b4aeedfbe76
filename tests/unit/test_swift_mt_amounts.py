"""Amounts of field 61 that banks group, wrap or leave open: read whole or rejected, never in part."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nostro.model.statements import Entry, Reject
from tests.unit.test_swift_mt_statement import HEAD, failed, head, only, read, statement


@pytest.mark.parametrize(
    "told",
    ["1'020,50NTRFNONREF", "1\u2019020,50NTRFNONREF", "1 020,50NTRFNONREF", "1020\n,50NTRFNONREF",
     "1020,\n50NTRFNONREF", "10\n20,50NTRFNONREF", "1'020,50 NTRFNONREF"],
)  # fmt: skip
def test_thousands_that_are_set_apart_and_lines_that_break_within_an_amount_are_read_whole(told: str) -> None:
    entry = only(statement(f":61:2608310831D{told}", closing="920,50-"))
    assert (entry.amount.value, entry.direction, entry.bank_transaction_code) == (Decimal("1020.50"), "debit", "NTRF")


@pytest.mark.parametrize("told", ["1'020", "1 020", "5 123ABC", "12,5 0", "1020\n123 Main Street"])
def test_what_stands_behind_an_amount_and_may_be_a_part_of_it_rejects_the_line(told: str) -> None:
    (reject,) = [item for item in statement(f":61:2608310831C{told}", ":86:text") if isinstance(item, Reject)]
    assert (reject.why, reject.amount) == ("what stands behind the amount may be a part of it", None)


def test_a_reference_without_a_type_stands_behind_two_decimals() -> None:
    entry = only(statement(":61:2608310831C12,50   12345", "777 Main Street", closing="112,50"))
    assert (entry.amount.value, entry.references.instruction, entry.additional) == (
        Decimal("12.50"), "12345", "777 Main Street",
    )  # fmt: skip


def test_entries_are_in_the_currency_of_the_balances_whatever_stands_behind_the_number_of_the_account() -> None:
    told = HEAD.replace("DE89370400440532013000", "123456USD")
    items = read(f"{told}:61:2608310831C1,00NTRFA\n:61:2608310831C1,00NTRFB\n:62F:C260831EUR102,00\n")
    assert {item.amount.currency for item in items if isinstance(item, Entry)} == {"EUR"}
    assert (head(items).currency, head(items).bank_account.currency) == ("EUR", "EUR")
    said = "line 4: the balance is in EUR, though USD stands behind the account's number"
    assert failed(items) == [("currency", said)]
    items = read(f"{HEAD}:61:2608310831C1,00NTRFA\n:62F:C260831USD101,00\n")
    assert (only(items).amount.currency, head(items).currency) == ("EUR", "EUR")
