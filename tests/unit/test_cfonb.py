"""CFONB 120, 160 and 240: golden files written after the specifications, and the oddities that banks have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.cfonb.amounts import signed
from nostro.formats.cfonb.operations import read_cfonb240
from nostro.formats.cfonb.orders import read_cfonb160
from nostro.formats.cfonb.rib import rib
from nostro.formats.cfonb.statement import is_cfonb120, read_cfonb120
from nostro.formats.reading import Beginning, Item
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead
from nostro.model.money import Amount
from nostro.model.parties import same_account
from tests.statement_texts import end, entries, failed, head, placed, read, rejects

PLACE = {3: "30006", 12: "00001", 17: "EUR2", 22: "12345678901"}


def old(amount: str = "0000000010000{") -> str:
    return placed(120, PLACE | {1: "01", 35: "280826", 91: amount})


def new(amount: str) -> str:
    return placed(120, PLACE | {1: "07", 35: "310826", 91: amount})


def movement(amount: str, zones: dict[int, str] | None = None) -> str:
    told = {1: "04", 33: "05", 35: "310826", 43: "310826", 49: "VIR CUSTOMER 017", 82: "0000017", 91: amount}
    return placed(120, PLACE | told | (zones or {}))


def further(qualifier: str, said: str) -> str:
    return placed(120, PLACE | {1: "05", 33: "05", 35: "310826", 46: qualifier, 49: said})


def statement(*lines: str, closing: str = "0000000011250{") -> list[Item]:
    return read(read_cfonb120, old(), *lines, new(closing))


def test_a_statement_is_told_with_its_account_balances_and_checks() -> None:
    items = statement(movement("0000000001250{", {105: "REF-17"}))
    told = head(items)
    assert told.bank_account.other == "30006000011234567890189"
    assert same_account(told.bank_account.identification, "FR7630006000011234567890189")
    assert told.opening is not None
    assert (told.opening.amount.value, told.opening.on) == (Decimal("1000.00"), date(2026, 8, 28))
    (entry,) = entries(items)
    assert (entry.amount.value, entry.direction) == (Decimal("125.00"), "credit")
    assert (entry.booking_date, entry.value_date) == (date(2026, 8, 31), date(2026, 8, 31))
    assert (entry.references.entry, entry.references.others) == ("REF-17", {"entry_number": "0000017"})
    assert (entry.bank_transaction_code, entry.remittance) == ("05", ("VIR CUSTOMER 017",))
    assert end(items).balances[-1].amount.value == Decimal("1125.00")
    assert failed(items) == {}


def without_currency(record: str) -> str:
    return f"{record[:16]}    {record[20:]}"


def test_balances_without_a_currency_are_in_the_movements() -> None:
    lines = (without_currency(old()), movement("0000000001250{"), without_currency(new("0000000011250{")))
    items = read(read_cfonb120, *lines)
    assert is_cfonb120(Beginning("\n".join(lines).encode()))
    assert (head(items).currency, failed(items)) == ("EUR", {})
    assert [one.amount.value for one in end(items).balances] == [Decimal("1000.00"), Decimal("1125.00")]


def test_without_any_currency_the_balances_are_said_not_to_be_known() -> None:
    items = read(read_cfonb120, without_currency(old()), without_currency(new("0000000010000{")))
    assert (head(items).currency, set(failed(items))) == ("", {"opening", "closing"})


@pytest.mark.parametrize(
    "said, value",
    [
        ("0000000001234E", "123.45"), ("0000000001234N", "-123.45"), ("0000000001234{", "123.40"),
        ("0000000001234}", "-123.40"), ("0000000001234é", "123.40"), ("0000000001234è", "-123.40"),
        ("00000000012345", "123.45"), ("0000000000000}", "0.00"),
    ],
)  # fmt: skip
def test_the_last_digit_carries_the_sign(said: str, value: str) -> None:
    assert str(signed(said, "2", "EUR").value) == value


def test_a_currency_without_decimals_is_told_in_its_own_units() -> None:
    place = PLACE | {17: "XPF0"}
    lines = [placed(120, place | {1: "01", 35: "280826", 91: "0000000010000{"}),
             placed(120, place | {1: "04", 35: "310826", 43: "310826", 91: "0000000001250{"}),
             placed(120, place | {1: "07", 35: "310826", 91: "0000000011250{"})]  # fmt: skip
    assert str(entries(read(read_cfonb120, *lines))[0].amount.value) == "12500"


def test_complements_tell_who_paid_why_and_with_which_references() -> None:
    items = statement(
        movement("0000000001250{"),
        further("NPY", "CUSTOMER 017"),
        further("IPY", "12345678900017".ljust(35) + "SIRET"),
        further("CPY", "FR7630006000011234567890189"),
        further("LCC", "INV/2026/00012"),
        further("LC2", "AND 13"),
        further("LCS", "RF18539007547034"),
        further("RCN", "E2E-17".ljust(35) + "SUPP"),
        further("REF", "BATCH-1".ljust(35) + "TX-1"),
        further("RUM", "MANDATE-1".ljust(35) + "RCUR"),
        further("NPO", "ULTIMATE 017"),
        further("XYZ", "SOMETHING"),
    )
    (entry,) = entries(items)
    assert entry.counterparty is not None
    assert (entry.counterparty.name, entry.counterparty.ids) == ("CUSTOMER 017", {"SIRET": "12345678900017"})
    assert entry.counterparty_account is not None
    assert entry.counterparty_account.iban == "FR7630006000011234567890189"
    assert entry.remittance == ("VIR CUSTOMER 017", "INV/2026/00012", "AND 13")
    refs = entry.references
    assert (refs.end_to_end, refs.structured, refs.mandate) == ("E2E-17", "RF18539007547034", "MANDATE-1")
    assert (refs.payment_information, refs.transaction) == ("BATCH-1", "TX-1")
    assert refs.others == {
        "purpose": "SUPP", "sequence": "RCUR", "ultimate_debtor": "ULTIMATE 017", "XYZ": "SOMETHING",
        "entry_number": "0000017",
    }  # fmt: skip


def test_of_a_debit_the_payee_is_the_other_side() -> None:
    items = statement(
        movement("0000000001250}"), further("NPY", "HOUSE 001"), further("NBE", "SUPPLIER 017"),
        closing="0000000008750{",
    )  # fmt: skip
    (entry,) = entries(items)
    assert entry.counterparty is not None
    assert (entry.direction, entry.counterparty.name) == ("debit", "SUPPLIER 017")
    assert failed(items) == {}


def test_the_original_amount_and_the_charges_are_told() -> None:
    items = statement(
        movement("0000000001250{"), further("MMO", "USD2" + "14000".zfill(14) + "0411200".ljust(13)),
        further("FEE", "EUR2" + "250".zfill(14)),
    )  # fmt: skip
    (entry,) = entries(items)
    assert entry.exchange is not None
    assert entry.exchange.instructed is not None
    assert (entry.exchange.instructed.value, entry.exchange.rate) == (Decimal("140.00"), Decimal("1.1200"))
    assert [charge.amount.value for charge in entry.charges] == [Decimal("2.50")]


def test_what_came_back_says_so() -> None:
    (entry,) = entries(statement(movement("0000000001250{", {41: "04"})))
    assert entry.returned is not None
    assert entry.returned.proprietary == "04"


def test_an_unreadable_amount_is_rejected_and_the_rest_is_kept() -> None:
    items = statement(movement("00000000012A0{"), movement("0000000001250{"))
    assert [entry.amount.value for entry in entries(items)] == [Decimal("125.00")]
    assert [(reject.line, reject.why) for reject in rejects(items)] == [(2, "the amount is not of digits")]


def test_a_new_statement_without_the_end_of_the_last_one_is_told() -> None:
    items = read(read_cfonb120, old(), movement("0000000001250{"), old(), new("0000000010000{"))
    ends = [item for item in items if hasattr(item, "totals")]
    assert len(ends) == 2
    assert len(rejects(items)) == 0


def test_a_cut_file_says_so_and_keeps_what_it_has() -> None:
    items = read(read_cfonb120, old(), movement("0000000001250{"))
    assert len(entries(items)) == 1
    assert "no new balance" in rejects(items)[0].why


def test_a_file_without_line_ends_is_read_too() -> None:
    whole = "".join([old(), movement("0000000001250{"), new("0000000011250{")]).encode()
    assert len(entries(read_cfonb120([whole[:50], whole[50:]]))) == 1


def test_the_key_of_an_account_is_worked_out_with_letters_too() -> None:
    assert rib("20041", "01005", "0500013M026").other == "20041010050500013M02606"
    assert rib("2004?", "01005", "0500013M026").scheme == ""


@pytest.mark.parametrize("reader", [read_cfonb120, read_cfonb160, read_cfonb240])
def test_what_is_something_else_is_refused(reader: object) -> None:
    assert callable(reader)
    with pytest.raises(FormatRefused):
        list(reader([b"hello\n"]))


# CFONB 240


def operation(zones: dict[int, str]) -> str:
    return placed(240, {1: "34", 3: "000002", 11: "310826", 17: "E", 22: "30006", 27: "00001", 32: "12345678901",
                        43: "SUPPLIER 017", 229: "000000012500"} | zones)  # fmt: skip


LIST = placed(240, {1: "31", 3: "000001", 11: "280826", 17: "E", 78: "20041", 83: "01005", 88: "0500013M026",
                    99: "HOUSE 001"})  # fmt: skip


def closing(total: str) -> str:
    return placed(240, {1: "39", 3: "000003", 11: "310826", 229: total})


def test_a_bill_is_a_debit_of_its_day_that_is_not_booked() -> None:
    bill = {9: "60", 67: "150926", 123: "BANK0017", 162: "1", 163: "INV17", 173: "OURS17", 183: "010826"}
    items = read(read_cfonb240, LIST, operation(bill), closing("000000012500"))
    (entry,) = entries(items)
    assert (entry.amount.value, entry.direction, entry.state) == (Decimal("125.00"), "debit", "future")
    assert (entry.value_date, entry.references.end_to_end) == (date(2026, 8, 31), "INV17")
    assert entry.references.others == {"due": "150926", "acceptance": "1", "drawee": "OURS17", "drawn_on": "010826"}
    assert (head(items).kind, head(items).bank_account.other) == ("notification", "20041010050500013M02606")
    assert (failed(items), end(items).totals) == ({}, {})


def test_a_transfer_in_a_list_informs_and_an_unknown_operation_is_rejected() -> None:
    items = read(
        read_cfonb240, LIST, operation({9: "20", 129: "INV/2026/00012"}), operation({9: "99"}), closing("0" * 12)
    )
    (entry,) = entries(items)
    assert (entry.direction, entry.state, entry.remittance) == ("credit", "information", ("INV/2026/00012",))
    (reject,) = rejects(items)
    assert reject.amount is not None
    assert (reject.amount.value, reject.line) == (Decimal("125.00"), 3)
    assert "file/Sum" in failed(items)


# CFONB 160


def sender(operation_code: str, zones: dict[int, str] | None = None) -> str:
    told = {1: "03", 3: operation_code, 13: "000017", 26: "31086", 31: "HOUSE 001", 55: "RUN0017", 81: "E", 87: "00001",
            92: "12345678901", 150: "30006"}  # fmt: skip
    return placed(160, told | (zones or {}))


def payment(operation_code: str, amount: str) -> str:
    return placed(160, {1: "06", 3: operation_code, 13: "000017", 19: "PAY-17", 31: "SUPPLIER 017", 87: "01005",
                        92: "0500013M026", 103: amount, 119: "INV/2026/00012", 150: "20041"})  # fmt: skip


def test_transfers_are_an_order_with_its_payments_and_total() -> None:
    words = placed(160, {1: "07", 3: "02", 119: "AND 13"})
    total = placed(160, {1: "08", 3: "02", 103: "0000000000012500"})
    items = list(read_cfonb160(["\n".join([sender("02"), payment("02", "0000000000012500"), words, total]).encode()]))
    told, instruction, ended = items
    assert isinstance(told, MessageHead)
    assert (told.kind, told.message_id, told.others["execution_day"]) == ("payment_initiation", "RUN0017", "31086")
    assert isinstance(instruction, Instruction)
    assert instruction.amount is not None
    assert (instruction.method, instruction.amount.value) == ("credit_transfer", Decimal("125.00"))
    assert (instruction.debtor_account and instruction.debtor_account.other) == "30006000011234567890189"
    assert (instruction.creditor and instruction.creditor.name) == "SUPPLIER 017"
    assert instruction.remittance == ("INV/2026/00012", "AND 13")
    assert isinstance(ended, MessageEnd)
    assert (ended.items, ended.totals, [check.ok for check in ended.checks]) == (1, {"EUR": Decimal("125.00")}, [True])


def test_direct_debits_are_collected_from_the_other_side() -> None:
    total = placed(160, {1: "08", 3: "08", 103: "0000000000099999"})
    items = list(read_cfonb160(["\n".join([sender("08"), payment("08", "0000000000012500"), total]).encode()]))
    _, instruction, ended = items
    assert isinstance(instruction, Instruction)
    assert instruction.method == "direct_debit"
    assert (instruction.debtor and instruction.debtor.name) == "SUPPLIER 017"
    assert (instruction.creditor and instruction.creditor.name) == "HOUSE 001"
    assert isinstance(ended, MessageEnd)
    assert [check.ok for check in ended.checks] == [False]


@pytest.mark.parametrize(
    "mark, currency, fails", [("E", "EUR", []), (" ", "EUR", []), ("F", "FRF", []), ("D", "EUR", ["currency"])]
)
def test_an_order_in_francs_is_not_one_in_euros(mark: str, currency: str, fails: list[str]) -> None:
    total = placed(160, {1: "08", 3: "02", 103: "0000000000012500"})
    lines = [sender("02", {81: mark}), payment("02", "0000000000012500"), total]
    _, instruction, ended = read_cfonb160(["\n".join(lines).encode()])
    assert isinstance(instruction, Instruction)
    assert instruction.amount == Amount(value=Decimal("125.00"), currency=currency)
    assert instruction.debtor_account is not None
    assert instruction.debtor_account.currency == currency
    assert isinstance(ended, MessageEnd)
    assert ended.totals == {currency: Decimal("125.00")}
    assert [check.name for check in ended.checks if not check.ok] == fails


def test_bills_have_zones_of_their_own() -> None:
    bill = placed(160, {1: "06", 3: "60", 5: "00000002", 21: "CUST017", 31: "CUSTOMER 017", 79: "0", 82: "20041",
                        87: "01005", 92: "0500013M026", 103: "000000012500", 119: "150926", 125: "010826",
                        151: "INV17"})  # fmt: skip
    first = sender("60", {5: "00000001", 25: "310826", 82: "30006", 87: "00001", 150: "DEPOSIT0017"})
    total = placed(160, {1: "08", 3: "60", 5: "00000003", 103: "000000012500"})
    told, instruction, ended = list(read_cfonb160([f"{first}\n{bill}\n{total}".encode()]))
    assert isinstance(instruction, Instruction)
    assert (instruction.local_instrument, instruction.execution_date) == ("LCR", date(2026, 9, 15))
    assert (instruction.debtor_account and instruction.debtor_account.other) == "20041010050500013M02606"
    assert (instruction.references.instruction, instruction.references.end_to_end) == ("INV17", "CUST017")
    assert isinstance(told, MessageHead)
    assert told.created_on == date(2026, 8, 31)
    assert isinstance(ended, MessageEnd)
    assert [check.ok for check in ended.checks] == [True]


def test_an_unreadable_payment_is_rejected_and_counted() -> None:
    total = placed(160, {1: "08", 3: "02", 103: "0000000000012500"})
    lines = [sender("02"), payment("02", "000000000001250X"), payment("02", "0000000000012500"), total]
    items = list(read_cfonb160(["\n".join(lines).encode()]))
    ended = items[-1]
    assert isinstance(ended, MessageEnd)
    assert (ended.items, ended.rejected) == (1, 1)
    assert rejects(items)[0].where == "order[1]/payment[1]"
