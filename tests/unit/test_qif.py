"""QIF: dates without a declared order, amounts without a currency, and what else the format leaves out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.qif import Declared, read_qif
from nostro.formats.reading import Item
from nostro.formats.tables.formats import read_table
from nostro.formats.tables.profile import Columns, Profile
from nostro.model.failures import FormatRefused
from nostro.model.statements import StatementHead
from tests.statement_texts import end, entries, failed, head, read, rejects


def qif(*days: str, declared: Declared | None = None) -> list[Item]:
    lines = ["!Type:Bank"]
    for day in days:
        lines += [f"D{day}", "T-1,125.50", "PSupplier 017", "MRent", "N1001", "LHouse:Rent", "^"]
    return list(read_qif([("\n".join(lines) + "\n").encode()], declared))


def test_an_entry_is_told_with_payee_memo_cheque_and_category() -> None:
    items = qif("8/31'26")
    (entry,) = entries(items)
    assert (entry.amount.value, entry.direction, entry.booking_date) == (
        Decimal("1125.50"), "debit", date(2026, 8, 31),
    )  # fmt: skip
    assert entry.counterparty is not None
    assert (entry.counterparty.name, entry.remittance) == ("Supplier 017", ("Rent",))
    assert entry.references.others == {"ChqNb": "1001", "category": "House:Rent"}
    assert list(failed(items)) == ["currency"]


def test_one_date_proves_the_order_of_those_before_it_too() -> None:
    assert [entry.booking_date for entry in entries(qif("2/8/2026", "31/8/2026"))] == [
        date(2026, 8, 2), date(2026, 8, 31),
    ]  # fmt: skip
    assert [entry.booking_date for entry in entries(qif("8/2/2026", "8/31/2026"))] == [
        date(2026, 8, 2), date(2026, 8, 31),
    ]  # fmt: skip


def test_an_order_that_nothing_proves_is_a_reject_with_its_remedy_and_amount() -> None:
    items = qif("2/8/2026", "3/8/2026")
    assert entries(items) == []
    assert all("date_order" in reject.why and reject.amount for reject in rejects(items))
    assert end(items).rejected == 2


def test_what_is_the_same_in_both_orders_or_begins_with_the_year_is_read() -> None:
    assert len(entries(qif("8/8/2026", "2026-08-31"))) == 2
    assert [entry.booking_date for entry in entries(qif("20260802"))] == [date(2026, 8, 2)]


def test_days_may_be_padded_with_blanks() -> None:
    assert [entry.booking_date for entry in entries(qif("8/ 2/26", "8/31'26"))] == [
        date(2026, 8, 2), date(2026, 8, 31),
    ]  # fmt: skip


def test_dots_prove_that_the_day_stands_first() -> None:
    assert [entry.booking_date for entry in entries(qif("02.08.2026"))] == [date(2026, 8, 2)]


def test_a_declaration_completes_the_file() -> None:
    declared = Declared("dmy", "EUR", "BE68539007547034")
    items = qif("2/8/2026", declared=declared)
    assert entries(items)[0].booking_date == date(2026, 8, 2)
    assert (head(items).currency, entries(items)[0].amount.currency, failed(items)) == ("EUR", "EUR", {})


def test_a_profile_declares_it_too() -> None:
    profile = Profile(columns=Columns(booking_date="D", amount="T"), date_order="dmy", currency="EUR")
    items = list(read_table([b"!Type:Bank\nD2/8/2026\nT5.00\n^\n"], profile))
    assert (entries(items)[0].booking_date, entries(items)[0].amount.currency) == (date(2026, 8, 2), "EUR")


@pytest.mark.parametrize("told, currency, read", [("1.234", "", 0), ("1,234", "USD", 0), ("1.234", "KWD", 1)])
def test_an_amount_that_may_have_thousands_is_rejected(told: str, currency: str, read: int) -> None:
    file = f"!Type:Bank\nD2026-08-31\nT{told}\nPSupplier 017\n^\n"
    items = list(read_qif([file.encode()], Declared(currency=currency)))
    assert (len(entries(items)), len(rejects(items))) == (read, 1 - read)


def test_the_parts_of_an_entry_are_its_details() -> None:
    items = read(read_qif, "!Type:CCard", "D2026-08-31", "T-10.00", "SFood", "EMilk", "$-4.00", "SHouse", "$-6.00", "^")
    (entry,) = entries(items)
    assert [(detail.additional, detail.amount and detail.amount.value) for detail in entry.details] == [
        ("Food", Decimal("4.00")), ("House", Decimal("6.00")),
    ]  # fmt: skip


def test_accounts_are_told_each_by_itself_and_lists_are_no_entries() -> None:
    items = read(
        read_qif, "!Account", "NSavings", "TBank", "^", "!Type:Bank", "D2026-08-31", "T1.00", "^",
        "!Account", "NCurrent", "TBank", "^", "!Type:Bank", "D2026-08-31", "T2.00", "^", "!Type:Cat", "NFood", "^",
    )  # fmt: skip
    assert [item.bank_account.other for item in items if isinstance(item, StatementHead)][:2] == ["Savings", "Current"]
    assert [entry.amount.value for entry in entries(items)] == [Decimal("1.00"), Decimal("2.00")]


@pytest.mark.parametrize("lines", [("D2026-08-31", "Tabc"), ("D2026-02-31", "T1.00"), ("T1.00",), ("D2026-08-31",)])
def test_what_cannot_be_read_is_located(lines: tuple[str, ...]) -> None:
    items = read(read_qif, "!Type:Bank", *lines, "^", "D2026-08-31", "T1.00", "^")
    assert [(reject.line, reject.where) for reject in rejects(items)] == [(2, "statement[1]/entry[1]")]
    assert len(entries(items)) == 1


def test_an_entry_without_its_end_is_kept_and_told() -> None:
    items = read(read_qif, "!Type:Bank", "D2026-08-31", "T1.00", "PSupplier 017")
    assert len(entries(items)) == 1
    assert "closing" in failed(items)


def test_an_entry_without_its_end_has_the_amount_whose_line_is_whole() -> None:
    items = read(read_qif, "!Type:Bank", "D2026-08-31", "T1.25")
    assert ([str(entry.amount.value) for entry in entries(items)], rejects(items)) == (["1.25"], [])
    assert "closing" in failed(items)


@pytest.mark.parametrize(
    "told", ["D2026-08-31\nT1.2", "T1.25\nD2026-08-3", "T1.25\nD31/08/20", "D2026-08-31\nT-10.00\nSFood\n$-1"]
)
def test_of_an_amount_or_day_in_which_the_file_ends_nothing_is_told(told: str) -> None:
    items = list(read_qif([f"!Type:Bank\n{told}".encode()]))
    assert [detail.amount for entry in entries(items) for detail in entry.details] == ([None] if "$" in told else [])
    assert bool(rejects(items)) is ("$" not in told)


def test_what_is_something_else_is_refused() -> None:
    with pytest.raises(FormatRefused):
        read(read_qif, "hello")


@pytest.mark.parametrize("word", ["NONREF", "N/A", "000", "NotProvided"])
def test_a_placeholder_is_no_reference(word: str) -> None:
    (entry,) = entries(list(read_qif([f"!Type:Bank\nD8/31'26\nT-1.00\nN{word}\n^\n".encode()])))
    assert entry.references.others == {}


@pytest.mark.parametrize("label", ["Opening Balance", "OPENING BALANCE", "Saldo inicial"])
def test_the_balance_that_an_account_begins_with_is_no_movement(label: str) -> None:
    lines = ["!Type:Bank", "D13/8/2026", "T1,000.00", "CX", f"P{label}", "L[Checking]", "^"]
    lines += ["D31/8/2026", "T-10.00", "PSupplier 017", "MOpening Balance of the year", "^"]
    items = read(read_qif, *lines)
    assert [str(entry.signed.value) for entry in entries(items)] == ["-10.00"]
    (opening,) = end(items).balances
    assert (opening.code, opening.amount.value, opening.on) == ("OPBD", Decimal("1000.00"), date(2026, 8, 13))
