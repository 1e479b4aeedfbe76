"""CODA: golden statements written after the specification, and the oddities that banks have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.coda.read import read_coda
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.statements import StatementHead
from tests.statement_texts import end, entries, failed, head, placed, read, rejects

HEADER = placed(
    128, {1: "00000", 6: "310826", 12: "72505", 25: "FILE000001", 35: "HOUSE 001", 61: "KREDBEBB", 128: "2"}
)
OLD = placed(128, {
    1: "12", 3: "017", 6: "BE68539007547034", 40: "EUR", 43: "0", 44: "000000000100000", 59: "280826", 65: "HOUSE 001",
    91: "Current account", 126: "171",
})  # fmt: skip


def movement(number: str, amount: str, zones: dict[int, str] | None = None, detail: str = "0000") -> str:
    told = {1: "21", 3: number, 7: detail, 11: f"BANKREF{number}{detail}", 32: "0", 33: amount, 48: "310826",
            54: "00150000", 62: "0", 116: "310826", 122: "171", 125: "0", 126: "0", 128: "0"}  # fmt: skip
    return placed(128, told | (zones or {}))


def new(balance: str, sign: str = "0") -> str:
    return placed(
        128, {1: "8", 2: "017", 5: "BE68539007547034", 39: "EUR", 42: sign, 43: balance, 58: "310826", 128: "0"}
    )


def trailer(count: int, debit: str, credit: str, last: str = "2") -> str:
    return placed(128, {1: "9", 17: f"{count:06}", 23: debit.zfill(15), 38: credit.zfill(15), 128: last})


def statement(*movements: str, closing: str = "000000000112500", credit: str = "12500", debit: str = "0") -> list[Item]:
    return read(read_coda, HEADER, OLD, *movements, new(closing), trailer(len(movements) + 2, debit, credit))


def test_a_statement_is_told_with_its_account_balances_and_checks() -> None:
    items = statement(movement("0001", "000000000012500"))
    told = head(items)
    assert (told.statement_id, told.sequence, told.legal_sequence) == ("2026/171", 171, 17)
    assert (told.bank_account.iban, told.bank_account.bic, told.bank_account.owner) == (
        "BE68539007547034", "KREDBEBB", "HOUSE 001",
    )  # fmt: skip
    assert told.opening is not None
    assert (told.opening.amount.value, told.opening.on) == (Decimal("100.00"), date(2026, 8, 28))
    (entry,) = entries(items)
    assert (entry.amount.value, entry.direction, entry.references.account_servicer) == (
        Decimal("12.50"), "credit", "BANKREF00010000",
    )  # fmt: skip
    assert (entry.booking_date, entry.value_date) == (date(2026, 8, 31), date(2026, 8, 31))
    assert [balance.amount.value for balance in end(items).balances] == [Decimal("100.00"), Decimal("112.50")]
    assert failed(items) == {}


def test_a_structured_communication_is_the_reference_that_the_creditor_gave() -> None:
    items = statement(movement("0001", "000000000012500", {62: "1", 63: "101", 66: "090933755493"}))
    assert entries(items)[0].references.structured == "090933755493"
    assert entries(items)[0].remittance == ()


def test_an_iso_11649_reference_is_one_too() -> None:
    items = statement(movement("0001", "000000000012500", {62: "1", 63: "100", 66: "RF18539007547034"}))
    assert entries(items)[0].references.structured == "RF18539007547034"


def test_a_free_communication_runs_through_three_records() -> None:
    words = "INV/2026/00012 AND SOME WORDS THAT RUN ON UNTIL THE END OF THE FIRST ZONE"
    items = statement(
        movement("0001", "000000000012500", {63: words[:53], 126: "1"}),
        placed(128, {1: "22", 3: "00010000", 11: words[53:], 64: "E2E-17", 99: "BBRUBEBB", 122: "SUPP", 126: "1"}),
        placed(128, {1: "23", 3: "00010000", 11: "BE71096123456769", 45: "EUR", 48: "Customer 017", 83: "and a third"}),
    )
    (entry,) = entries(items)
    assert entry.remittance == (f"{words} and a third",)
    assert (entry.references.end_to_end, entry.references.others) == ("E2E-17", {"purpose": "SUPP"})
    assert entry.counterparty_account is not None
    assert (entry.counterparty_account.iban, entry.counterparty_account.bic) == ("BE71096123456769", "BBRUBEBB")
    assert entry.counterparty is not None
    assert entry.counterparty.name == "Customer 017"


def test_a_direct_debit_tells_creditor_mandate_and_why_it_came_back() -> None:
    whole = "310826" + "110" + "BE69ZZZ050D000000008".ljust(35) + "MANDATE-17".ljust(35) + "INV 12".ljust(62) + "2MS03"
    items = statement(
        movement("0001", "000000000012500", {62: "1", 63: "127" + whole[:50]}),
        placed(128, {1: "22", 3: "00010000", 11: whole[50:103], 113: "2", 114: "MS03"}),
        placed(128, {1: "23", 3: "00010000", 83: whole[103:146]}),
    )
    (entry,) = entries(items)
    assert (entry.references.mandate, entry.references.others["creditor_id"]) == ("MANDATE-17", "BE69ZZZ050D000000008")
    assert entry.remittance == ("INV 12",)
    assert entry.returned is not None
    assert (entry.returned.code, entry.returned.text) == ("MS03", "return")


def test_why_a_direct_debit_came_back_stands_in_its_own_words_too() -> None:
    whole = "310826" + "112" + "BE69ZZZ050D000000008".ljust(35) + "MANDATE-17".ljust(35) + "INV 12".ljust(62) + "3MD06"
    items = statement(
        movement("0001", "000000000012500", {62: "1", 63: "127" + whole[:50]}),
        placed(128, {1: "22", 3: "00010000", 11: whole[50:103]}),
        placed(128, {1: "23", 3: "00010000", 83: whole[103:146]}),
    )
    (entry,) = entries(items)
    assert entry.returned is not None
    assert (entry.returned.code, entry.returned.text) == ("MD06", "refund")
    paid = statement(movement("0001", "000000000012500", {62: "1", 63: "127" + whole[:50]}))
    assert entries(paid)[0].returned is None


def test_information_beyond_what_is_kept_of_a_movement_does_no_harm() -> None:
    told = placed(128, {1: "31", 3: "00010000", 40: "0", 41: "more"})
    items = statement(movement("0001", "000000000012500"), *[told] * 410)
    assert [str(entry.amount.value) for entry in entries(items)] == ["12.50"]


def test_a_name_that_the_movement_cuts_is_told_whole_where_the_information_has_it() -> None:
    long = "Stichting tot Behoud van Binnenvaart en Havens 017"
    cut = placed(128, {1: "23", 3: "00010000", 11: "BE71096123456769", 45: "EUR", 48: long[:35], 126: "0"})
    told = placed(128, {1: "31", 3: "00010000", 40: "1", 41: "001" + long})
    for name in (long, "Another 018"):
        first = cut.replace(long[:35], name[:35].ljust(35))
        entry = entries(statement(movement("0001", "000000000012500"), first, told))[0]
        assert entry.counterparty is not None
        assert entry.counterparty.name == name


def test_a_total_of_the_bank_is_one_entry_with_its_details() -> None:
    items = statement(
        movement("0001", "000000000012500", {54: "10150000", 125: "1"}),
        movement("0001", "000000000010000", {54: "50150000"}, "0001"),
        movement("0001", "000000000002500", {54: "50150000", 125: "1"}, "0002"),
    )
    (entry,) = entries(items)
    assert [detail.amount.value for detail in entry.details if detail.amount] == [Decimal(100) / 10, Decimal("2.50")]
    assert entry.details_total == 2
    assert failed(items) == {}


def test_of_totals_within_totals_the_last_level_counts() -> None:
    items = statement(
        movement("0001", "000000000012500", {54: "20150000", 125: "2"}),
        movement("0001", "000000000010000", {54: "90150000", 125: "1"}, "0001"),
        movement("0001", "000000000006000", {54: "60150000"}, "0002"),
        movement("0001", "000000000004000", {54: "60150000", 125: "1"}, "0003"),
        movement("0001", "000000000002500", {54: "60150000", 125: "2"}, "0004"),
    )
    assert entries(items)[0].details_total == 3
    assert failed(items) == {}


def test_details_that_do_not_make_their_total_are_told() -> None:
    items = statement(
        movement("0001", "000000000012500", {125: "1"}), movement("0001", "000000000002500", {125: "1"}, "0001")
    )
    assert list(failed(items)) == ["batch"]


def test_information_tells_the_other_side_s_address_and_the_bank_s_words() -> None:
    items = statement(
        movement("0001", "000000000012500", {128: "1"}),
        placed(128, {1: "31", 3: "00010001", 32: "00150000", 40: "1", 41: "001Customer 017", 126: "1"}),
        placed(128, {1: "32", 3: "00010001", 11: "Street 1", 46: "3500 Town", 128: "1"}),
        placed(128, {1: "31", 3: "00010002", 32: "00150000", 40: "0", 41: "Paid at the counter"}),
    )
    (entry,) = entries(items)
    assert entry.counterparty is not None
    assert entry.counterparty.address is not None
    assert entry.counterparty.address.lines == ("Street 1", "3500 Town")
    assert entry.additional == "Paid at the counter"


def test_a_national_account_number_stays_what_it_is() -> None:
    old = placed(
        128, {1: "10", 3: "017", 6: "539007547034", 19: "EUR0BE", 43: "1", 44: "000000000100000", 59: "280826"}
    )
    items = read(read_coda, HEADER, old, new("000000000100000", "1"), trailer(2, "0", "0"))
    assert (head(items).bank_account.other, head(items).bank_account.scheme) == ("539007547034", "BBAN")
    assert head(items).opening is not None
    assert [balance.amount.value for balance in end(items).balances] == [Decimal("-100.00"), Decimal("-100.00")]


def test_a_name_that_begins_inside_the_account_s_zone_is_whole() -> None:
    items = statement(
        movement("0001", "000000000012500"),
        placed(128, {1: "23", 3: "00010000", 11: "BE71096123456769 EURCustomer 017 with a long name"}),
    )
    (entry,) = entries(items)
    assert entry.counterparty is not None
    assert entry.counterparty.name == "Customer 017 with a long name"
    assert entry.counterparty_account is not None
    assert entry.counterparty_account.iban == "BE71096123456769"


def test_an_unreadable_amount_is_rejected_with_its_details_and_the_rest_is_kept() -> None:
    items = statement(
        movement("0001", "00000000001250X", {125: "1"}),
        movement("0001", "000000000002500", {}, "0001"),
        movement("0002", "000000000012500"),
    )
    assert [entry.references.account_servicer for entry in entries(items)] == ["BANKREF00020000"]
    assert [(reject.line, reject.where) for reject in rejects(items)] == [(3, "statement[1]/entry[1]")]
    assert end(items).rejected == 1


def test_a_day_that_no_calendar_has_does_not_lose_the_entry() -> None:
    items = statement(movement("0001", "000000000012500", {48: "310226"}))
    assert entries(items)[0].value_date is None
    assert "value date" in failed(items)["date"]


def test_control_totals_and_counts_that_do_not_hold_are_told() -> None:
    items = read(
        read_coda, HEADER, OLD, movement("0001", "000000000012500"), new("000000000100000"), trailer(9, "0", "1")
    )
    assert set(failed(items)) == {"records", "balance", "credit/Sum"}


def test_a_file_of_several_statements_tells_each() -> None:
    one = [HEADER, OLD, movement("0001", "000000000012500"), new("000000000112500"), trailer(3, "0", "12500", "1")]
    items = read(read_coda, *one, *one)
    assert [item.source.where for item in items if isinstance(item, StatementHead)] == ["statement[1]", "statement[2]"]
    assert len(entries(items)) == 2


def test_a_file_without_line_ends_is_read_too() -> None:
    lines = [HEADER, OLD, movement("0001", "000000000012500"), new("000000000112500"), trailer(3, "0", "12500")]
    assert len(entries(read_coda(["".join(lines).encode()]))) == 1


def test_a_cut_file_says_so_and_keeps_what_it_has() -> None:
    items = read(read_coda, HEADER, OLD, movement("0001", "000000000012500"))
    assert len(entries(items)) == 1
    assert "the file ends within this statement" in rejects(items)[0].why


def test_blanks_that_were_cut_off_at_the_ends_of_lines_do_no_harm() -> None:
    lines = [HEADER, OLD, movement("0001", "000000000012500"), new("000000000112500"), trailer(3, "0", "12500")]
    assert read(read_coda, *lines) == read(read_coda, *(line.rstrip() for line in lines))


def test_what_is_no_coda_is_refused() -> None:
    with pytest.raises(FormatRefused):
        read(read_coda, "hello")


def test_a_movement_before_its_statement_is_not_lost_silently() -> None:
    items = read(
        read_coda, movement("0001", "000000000012500"), HEADER, OLD, new("000000000100000"), trailer(2, "0", "0")
    )
    assert [(reject.line, reject.where) for reject in rejects(items)] == [(1, "file")]
