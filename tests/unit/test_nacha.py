"""NACHA files as banks send them: golden pairs, and every oddity by name."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from nostro.formats.nacha.read import NachaItem, read_nacha
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.statements import Reject

HEAD = "101 091000019 2313801042608311005A094101BANK OF THE TRIAL      COMPANY 017            REF00001"
PADDING = "9" * 94


def company(entry_class: str, service: str = "200", *, settled: str = "   ", number: int = 1) -> str:
    who = f"{'COMPANY 017':16}{'OUR DATA':20}1231380104"
    return f"5{service}{who}{entry_class}{'PAYROLL':10}{'AUG 31'}260902{settled}109100001{number:07}"


def summed(count: int, hashed: int, debits: int, credits_: int, *, service: str = "200", number: int = 1) -> str:
    return f"8{service}{count:06}{hashed:010}{debits:012}{credits_:012}1231380104{'':25}09100001{number:07}"


PAYROLL = (
    company("PPD", settled="245"),
    f"622021000021{'987654321':17}0000125050{'EMPLOYEE-0042':15}{'EMPLOYEE 042':22}  0091000010000001",
    f"627021000021{'123456789':17}0000000199{'CUSTOMER-0007':15}{'CUSTOMER 007':22}S 1091000010000002",
    f"705{'INVOICE 4711 OF AUGUST':80}00010000002",
    summed(3, 4200004, 199, 125050),
)


def control(batches: int, lines: int, count: int, hashed: int, debits: int, credits_: int) -> str:
    told = f"9{batches:06}{-(-lines // 10):06}{count:08}{hashed:010}{debits:012}{credits_:012}"
    return told.ljust(94)


def file(*lines: str, end: str = "\n") -> bytes:
    return end.join(lines).encode("latin-1")


def payroll() -> bytes:
    return file(HEAD, *PAYROLL, control(1, 7, 3, 4200004, 199, 125050), *[PADDING] * 3)


def read(content: bytes) -> list[NachaItem]:
    return list(read_nacha([content]))


def payments(items: list[NachaItem]) -> list[Instruction]:
    return [item for item in items if isinstance(item, Instruction)]


def failed(items: list[NachaItem]) -> list[str]:
    return [check.name for item in items if isinstance(item, MessageEnd) for check in item.checks if not check.ok]


def rejects(items: list[NachaItem]) -> list[Reject]:
    return [item for item in items if isinstance(item, Reject)]


def test_a_payroll_is_a_message_with_its_payments_and_control_totals() -> None:
    head, credit, debit, end = read(payroll())
    assert isinstance(head, MessageHead)
    assert (head.kind, head.format, head.message_id) == (
        "payment_initiation",
        "NACHA PPD",
        "231380104-2608311005A-0000001",
    )
    assert head.created_at == datetime(2026, 8, 31, 10, 5)  # noqa: DTZ001 - a NACHA file says no zone
    assert head.initiating_party is not None
    assert (head.initiating_party.name, head.initiating_party.ids) == ("COMPANY 017", {"ACH": "1231380104"})
    assert head.others["discretionary"] == "OUR DATA"
    assert head.envelope is not None
    assert (head.envelope.sender, head.envelope.receiver) == ("231380104", "091000019")
    assert isinstance(credit, Instruction)
    assert (credit.method, credit.amount and credit.amount.value) == ("credit_transfer", Decimal("1250.50"))
    assert credit.creditor is not None
    assert credit.creditor.name == "EMPLOYEE 042"
    assert credit.creditor_account is not None
    assert (credit.creditor_account.other, credit.creditor_account.clearing_id) == ("987654321", "021000021")
    assert credit.debtor == head.initiating_party
    assert (credit.references.end_to_end, credit.references.transaction) == ("EMPLOYEE-0042", "091000010000001")
    assert (credit.execution_date, credit.settlement_date) == (date(2026, 9, 2), date(2026, 9, 2))
    assert (credit.local_instrument, credit.purpose, credit.group) == ("PPD", "PAYROLL", "0000001")
    assert (credit.source.where, credit.source.line) == ("batch[1]", 3)
    assert isinstance(debit, Instruction)
    assert (debit.method, debit.amount and debit.amount.value) == ("direct_debit", Decimal("1.99"))
    assert debit.debtor is not None
    assert debit.debtor.name == "CUSTOMER 007"
    assert debit.creditor == head.initiating_party
    assert debit.remittance == ("INVOICE 4711 OF AUGUST",)
    assert debit.others == {"transaction_code": "27", "discretionary": "S"}
    assert isinstance(end, MessageEnd)
    assert (end.items, end.rejected, end.totals) == (2, 0, {"USD": Decimal("1252.49")})
    assert [check.name for check in end.checks if check.ok] == [
        *("batch/count", "batch/hash", "batch/debits", "batch/credits"),
        *("file/batches", "file/count", "file/hash", "file/debits", "file/credits"),
    ]
    assert failed([end]) == []


def test_what_is_made_in_one_go_equals_what_pydantic_would_make() -> None:
    for item in payments(read(payroll())):
        assert Instruction.model_validate(item.model_dump()) == item
        assert Instruction.model_validate_json(item.model_dump_json()) == item


RETURNS = (
    company("WEB"),
    f"626091000019{'123456789':17}0000012354{'ORDER-000991':15}{'CUSTOMER 011':22}S 1021000020000001",
    f"799R01091000010000077      09100001{'NSF':44}021000020000001",
    f"621091000019{'867530999':17}0000004565{'ORDER-000992':15}{'CUSTOMER 012':22}  1021000020000002",
    f"799R0309100001000007826080109100001{'':44}021000020000002",
    summed(4, 18200002, 12354, 4565),
)


def test_returned_entries_say_why_and_which_payment_came_back() -> None:
    items = read(file(HEAD, *RETURNS, control(1, 8, 4, 18200002, 12354, 4565)))
    head = items[0]
    assert isinstance(head, MessageHead)
    assert head.kind == "payment_return"
    debit, credit = payments(items)
    assert debit.returned is not None
    assert (debit.returned.code, debit.returned.text) == ("R01", "NSF")
    assert debit.returned.original is not None
    assert debit.returned.original.transaction == "091000010000077"
    assert (debit.method, debit.debtor and debit.debtor.name) == ("direct_debit", "CUSTOMER 011")
    assert credit.returned is not None
    assert (credit.returned.code, credit.returned.text) == ("R03", "no such account")
    assert credit.others["date_of_death"] == "260801"
    assert (credit.method, credit.creditor and credit.creditor.name) == ("credit_transfer", "CUSTOMER 012")
    assert failed(items) == []


def one_entry(entry_class: str, entry: str, *addenda: str, code: str = "200") -> list[NachaItem]:
    """A file with one entry; its control totals are left open."""
    return read(file(HEAD, company(entry_class, code), entry, *addenda, summed(0, 0, 0, 0, service=code)))


def entry(
    code: str, amount: int = 100, known_as: str = "", name: str = "RECEIVER 003", addenda: int = 1, mark: str = "  "
) -> str:
    return f"6{code}021000021{'123456789':17}{amount:010}{known_as:15}{name:22}{mark}{addenda}091000010000001"


def test_a_dishonoured_return_names_the_return_that_it_answers() -> None:
    addendum = f"799R68091000010000077      09100001   02100002000000924501{'TOO LATE':21}091000010000001"
    (told,) = payments(one_entry("PPD", entry("26"), addendum))
    assert told.returned is not None
    assert (told.returned.code, told.returned.text) == ("R68", "TOO LATE")
    assert told.others["return_trace"] == "021000020000009"


def test_a_contested_return_names_both_before_it() -> None:
    addendum = "799R730910000100000772608010910000124202100002000000924401" + "09100001000031124568 091000010000001"
    (told,) = payments(one_entry("PPD", entry("26"), addendum))
    assert told.returned is not None
    assert (told.returned.code, told.returned.text) == ("R73", "the original return was in time")
    assert told.others["return_trace"] == "021000020000009"
    assert told.others["dishonoured_trace"] == "091000010000311"
    assert (told.others["return_reason"], told.others["dishonoured_reason"]) == ("01", "68")


def change(code: str, corrected: str, first: str = "   ") -> str:
    return f"798{code}091000010000077      02100002{corrected:29}{first}{'':12}091000010000001"


@pytest.mark.parametrize(
    "code,corrected,told",
    [
        ("C01", "1918171614", {"account": "1918171614"}),
        ("C02", "091000019", {"routing": "091000019"}),
        ("C03", "091000019   1918171614", {"routing": "091000019", "account": "1918171614"}),
        ("C04", "CUSTOMER 018", {"name": "CUSTOMER 018"}),
        ("C05", "32", {"transaction_code": "32"}),
        ("C06", "1918171614          32", {"account": "1918171614", "transaction_code": "32"}),
        ("C06", "19181716 14            32", {"account": "19181716 14", "transaction_code": "32"}),
        (
            "C07",
            "091000019191817161        32",
            {"routing": "091000019", "account": "191817161", "transaction_code": "32"},
        ),
        ("C09", "CUST-99", {"identification": "CUST-99"}),
    ],
)
def test_a_notification_of_change_says_what_to_correct(code: str, corrected: str, told: dict[str, str]) -> None:
    items = one_entry("COR", entry("21", 0, "OLD-ID"), change(code, corrected))
    head, notice = items[0], items[1]
    assert isinstance(head, MessageHead)
    assert head.kind == "mandate_change"
    assert isinstance(notice, PaymentStatus)
    assert (notice.status, notice.references.transaction) == (code, "091000010000077")
    assert {name: notice.others.get(f"corrected_{name}") for name in told} == told
    assert notice.reasons[0].code == code
    assert notice.reasons[0].text


def test_a_refused_notification_says_which_change_was_refused() -> None:
    notice = one_entry("COR", entry("21", 0), change("C61", "1918171614", "C01"))[1]
    assert isinstance(notice, PaymentStatus)
    assert (notice.status, notice.others["refused_code"], notice.others["corrected_account"]) == (
        *("C61", "C01", "1918171614"),
    )


def test_a_prenote_moves_no_money() -> None:
    credit, debit = (payments(one_entry("PPD", entry(code, 0, addenda=0)))[0] for code in ("23", "38"))
    assert (credit.method, debit.method) == ("prenote", "prenote")
    assert credit.creditor is not None
    assert debit.debtor is not None
    assert credit.creditor.name == debit.debtor.name == "RECEIVER 003"


def test_a_ctx_payment_lists_the_invoices_that_its_addenda_settle() -> None:
    text = "RMR*IV*INV-0001**100.00*110.00*10.00\\DTM*003*20260801\\RMR*IV*INV-0002**50.5\\TRN*1*TRACE-9\\"
    pieces = [text[start : start + 80] for start in range(0, len(text), 80)]
    addenda = [f"705{piece:80}{n:04}0000001" for n, piece in enumerate(pieces, start=1)]
    name = f"{len(pieces):04}{'SUPPLIER 017':16}  "
    (told,) = payments(one_entry("CTX", entry("22", 15050, "RUN-77", name), *addenda))
    assert told.creditor is not None
    assert told.creditor.name == "SUPPLIER 017"
    assert told.remittance == (text,)
    first, second = told.documents
    assert (first.number, first.type, first.on) == ("INV-0001", "IV", date(2026, 8, 1))
    assert [amount and amount.value for amount in (first.remitted, first.due, first.discount)] == [
        *(Decimal("100.00"), Decimal("110.00"), Decimal("10.00")),
    ]
    assert (second.number, second.remitted and second.remitted.value) == ("INV-0002", Decimal("50.5"))
    assert told.references.others == {"TRN": "TRACE-9"}


def test_a_tax_payment_says_which_taxes() -> None:
    addendum = "705TXP*123456789*94105*260630*1*1000000*2*234500\\".ljust(83) + "00010000001"
    (told,) = payments(one_entry("CCD", entry("22", 1234500), addendum))
    assert [(tax.number, tax.type, tax.on, tax.remitted and tax.remitted.value) for tax in told.documents] == [
        ("123456789", "94105/1", date(2026, 6, 30), Decimal("10000.00")),
        ("123456789", "94105/2", date(2026, 6, 30), Decimal("2345.00")),
    ]


@pytest.mark.parametrize(
    "entry_class,middle,known_as,name",
    [
        ("CIE", f"{'CUSTOMER 001':15}{'BILL-0815':22}", "BILL-0815", "CUSTOMER 001"),
        ("MTE", f"{'CUSTOMER 001':22}{'CARD-0815':15}", "CARD-0815", "CUSTOMER 001"),
        ("POP", f"{'123456789':9}{'AUSTTX'}{'CUSTOMER 001':22}", "123456789", "CUSTOMER 001"),
        ("ARC", f"{'00815':15}{'CUSTOMER 001':22}", "00815", "CUSTOMER 001"),
    ],
)
def test_entry_classes_keep_name_and_number_where_their_layout_has_them(
    entry_class: str, middle: str, known_as: str, name: str
) -> None:
    line = f"627021000021{'123456789':17}0000000100{middle}  0091000010000001"
    (told,) = payments(one_entry(entry_class, line))
    assert told.references.end_to_end == known_as
    assert told.debtor is not None
    assert told.debtor.name == name
    assert (told.method == "cheque") == (entry_class in {"POP", "ARC"})


def iat(kind: str, *fields: tuple[str, int]) -> str:
    return f"7{kind}{''.join(text.ljust(width) for text, width in fields)}".ljust(87) + "0000001"


IAT = (
    f"5220{'':16}FF3{'':15}DE1231380104IAT{'TRADE':10}USDEUR260902   1091000010000001",
    f"6220910000190008{'':13}0000100000{'DE89370400440532013000':35}{'':4}1091000010000001",
    iat("10", ("BUS", 3), ("000000000000090000", 18), ("928383-23938", 22), ("SUPPLIER 017", 35)),
    iat("11", ("COMPANY 017", 35), ("15 TRIAL STREET", 35)),
    iat("12", ("JACOBSTOWN*PA\\", 35), ("US*19305\\", 35)),
    iat("13", ("BANK OF THE TRIAL", 35), ("01091000019", 36), ("US", 3)),
    iat("14", ("BANK ABROAD", 35), ("02COBADEFFXXX", 36), ("DE", 3)),
    iat("15", ("9874654932", 15), ("21 FRONT STREET", 35)),
    iat("16", ("KOELN*NW\\", 35), ("DE*50667\\", 35)),
    iat("17", ("INVOICE 4711", 80), ("0001", 4)),
    iat("18", ("CORRESPONDENT BANK", 35), ("01456456456", 36), ("FR", 3)),
    summed(10, 9100001, 0, 100000, service="220"),
)


def test_an_iat_payment_tells_parties_with_addresses_banks_and_the_amount_abroad() -> None:
    items = read(file(HEAD, *IAT, control(1, 14, 10, 9100001, 0, 100000)))
    (told,) = payments(items)
    assert told.creditor is not None
    assert told.creditor.address is not None
    assert (told.creditor.name, told.creditor.address.town, told.creditor.address.postcode) == (
        *("SUPPLIER 017", "KOELN", "50667"),
    )
    assert told.creditor_account is not None
    assert (told.creditor_account.iban, told.creditor_account.bic) == ("DE89370400440532013000", "COBADEFFXXX")
    assert told.debtor is not None
    assert told.debtor.address is not None
    assert (told.debtor.name, told.debtor.address.street, told.debtor.address.country) == (
        *("COMPANY 017", "15 TRIAL STREET", "US"),
    )
    assert told.amount is not None
    assert (told.amount.value, told.amount.currency) == (Decimal("1000.00"), "USD")
    assert told.exchange is not None
    assert told.exchange.instructed is not None
    assert (told.exchange.instructed.value, told.exchange.instructed.currency) == (Decimal("900.00"), "EUR")
    assert [bank.name for bank in told.agents] == ["BANK OF THE TRIAL", "BANK ABROAD", "CORRESPONDENT BANK"]
    assert told.remittance == ("INVOICE 4711",)
    assert told.category_purpose == "BUS"
    assert failed(items) == []


def test_an_acknowledgement_names_the_payment_that_it_confirms() -> None:
    told = one_entry("ACK", entry("24", 0, "091000010000077", addenda=0))[1]
    assert isinstance(told, PaymentStatus)
    assert (told.status, told.references.transaction) == ("ACK", "091000010000077")


def test_an_accounting_advice_has_twelve_digits() -> None:
    line = "681021000021123456789      000000012345091000019ABCDE0BANK 002                0091000010012345"
    told = one_entry("ADV", line, code="280")[1]
    assert isinstance(told, PaymentStatus)
    assert told.amount is not None
    assert (told.status, told.amount.value) == ("81", Decimal("123.45"))
