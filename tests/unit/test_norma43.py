"""Norma 43: a golden statement written after the specification, and the oddities that banks have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.norma43 import bank_account, read_norma43
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.parties import same_account
from tests.statement_texts import end, entries, failed, head, placed, read, rejects

PLACE = {3: "2100", 7: "0418", 11: "0200051332"}
HEADER = placed(80, PLACE | {1: "11", 21: "260828", 27: "260831", 33: "2", 34: "00000000100000", 48: "978", 51: "3",
                             52: "HOUSE 001"})  # fmt: skip


def movement(amount: str = "00000000012500", sign: str = "2", zones: dict[int, str] | None = None) -> str:
    told = {1: "22", 7: "0418", 11: "260831", 17: "260830", 23: "04", 25: "161", 28: sign, 29: amount,
            43: "0000000017", 53: "INV202600012", 65: "CUSTOMER 017"}  # fmt: skip
    return placed(80, told | (zones or {}))


def closing(debits: tuple[str, str], credits_: tuple[str, str], balance: str) -> str:
    told = {1: "33", 21: debits[0], 26: debits[1], 40: credits_[0], 45: credits_[1], 59: "2", 60: balance, 74: "978"}
    return placed(80, PLACE | told)


END = closing(("00000", "0" * 14), ("00001", "00000000012500"), "00000000112500")


def file(*movements: str, last: str = END, count: int | None = None) -> list[Item]:
    lines = [HEADER, *movements, last]
    return read(read_norma43, *lines, placed(80, {1: "88", 3: "9" * 18, 21: f"{count or len(lines):06}"}))


def test_a_statement_is_told_with_its_account_balances_and_checks() -> None:
    items = file(movement(), placed(80, {1: "23", 3: "01", 5: "TRANSFER OF", 43: "CUSTOMER 017"}))
    told = head(items)
    assert told.bank_account.other == "21000418450200051332"
    assert same_account(told.bank_account.identification, "ES9121000418450200051332")
    assert (told.from_date, told.to_date, told.currency) == (date(2026, 8, 28), date(2026, 8, 31), "EUR")
    assert told.opening is not None
    assert told.opening.amount.value == Decimal("1000.00")
    (entry,) = entries(items)
    assert (entry.amount.value, entry.direction, entry.bank_transaction_code) == (Decimal("125.00"), "credit", "04161")
    assert (entry.booking_date, entry.value_date) == (date(2026, 8, 31), date(2026, 8, 30))
    assert entry.remittance == ("TRANSFER OF", "CUSTOMER 017")
    assert entry.references.others == {
        "document": "0000000017", "reference_1": "INV202600012", "reference_2": "CUSTOMER 017", "branch": "0418",
    }  # fmt: skip
    assert end(items).balances[-1].amount.value == Decimal("1125.00")
    assert failed(items) == {}


def test_the_currency_that_an_amount_came_from_is_told() -> None:
    (entry,) = entries(file(movement(), placed(80, {1: "24", 3: "01", 5: "840", 8: "00000000014000"})))
    assert entry.exchange is not None
    assert entry.exchange.instructed is not None
    assert (entry.exchange.instructed.value, entry.exchange.source_currency) == (Decimal("140.00"), "USD")


def test_what_comes_back_unpaid_says_so() -> None:
    (entry,) = entries(file(movement(zones={23: "14"})))
    assert entry.returned is not None


def test_totals_that_do_not_hold_are_told_and_nothing_is_refused() -> None:
    items = file(movement(), movement(sign="1"))
    assert set(failed(items)) == {"debit/NbOfNtries", "debit/Sum", "balance"}


@pytest.mark.parametrize("count, holds", [(3, True), (4, True), (9, False)])
def test_the_last_record_counts_those_before_it_or_itself_too(count: int, holds: object) -> None:
    assert ("records" not in failed(file(movement(), count=count))) == holds


def test_letters_of_other_encodings_are_read() -> None:
    lines = [HEADER, movement(), placed(80, {1: "23", 3: "01", 5: "COMISIÓN"}), END]
    for encoding in ("utf-8", "latin-1", "cp1252", "cp850"):
        assert entries(read(read_norma43, *lines, encoding=encoding))[0].remittance == ("COMISIÓN",)


@pytest.mark.parametrize(
    "word", ["ESPAÑA", "España", "MUÑOZ", "Álvaro", "JESÚS", "PEÑÍSCOLA", "Güell", "2º piso", "CAFÉ"]
)
def test_each_record_is_in_the_code_page_that_makes_spanish_of_it(word: str) -> None:
    for encoding in ("cp1252", "cp850"):
        lines = [HEADER, movement(), placed(80, {1: "23", 3: "01", 5: word}), END]
        assert entries(read(read_norma43, *lines, encoding=encoding))[0].remittance == (word,)


def test_a_record_that_leaves_its_code_page_open_is_in_that_of_the_last_one() -> None:
    open_one = placed(80, {1: "23", 3: "02", 5: "\u00e9"})  # é in Windows-1252, Ú in the page of DOS
    for encoding, letter in (("cp1252", "é"), ("cp850", "Ú")):
        sure = placed(80, {1: "23", 3: "01", 5: "ESPAÑA"}).encode(encoding)
        lines = [line.encode() for line in (HEADER, movement())]
        raw = b"\n".join([*lines, sure, open_one.encode("cp1252"), END.encode()])
        assert entries(list(read_norma43([raw])))[0].remittance == ("ESPAÑA", letter)


def test_an_unreadable_sign_is_rejected_with_its_amount_and_the_rest_is_kept() -> None:
    items = file(movement(sign="7"), movement())
    (reject,) = rejects(items)
    assert reject.amount is not None
    assert (reject.line, reject.amount.value) == (2, Decimal("125.00"))
    assert len(entries(items)) == 1


def test_a_file_of_several_accounts_tells_each() -> None:
    items = read(read_norma43, HEADER, movement(), END, HEADER, movement(), END, placed(80, {1: "88", 21: "000006"}))
    assert len(entries(items)) == 2
    assert failed(items) == {}


def test_a_cut_file_says_so_and_keeps_what_it_has() -> None:
    items = read(read_norma43, HEADER, movement())
    assert (len(entries(items)), len(rejects(items))) == (1, 1)


def test_an_account_without_digits_has_no_check_digits() -> None:
    assert bank_account("2100", "04A8", "0200051332").scheme == ""


def test_what_is_something_else_is_refused() -> None:
    with pytest.raises(FormatRefused):
        read(read_norma43, "hello")
