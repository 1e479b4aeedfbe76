"""Standard 18: to the letter as written, and read with its totals and contra records checked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from nostro.formats.bacs import Standard18, read_standard_18, write_standard_18
from nostro.formats.bacs.standard_18 import Standard18Item
from nostro.formats.catalogue import recognise
from nostro.formats.reading import Beginning
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Mandate, MessageEnd, MessageHead
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import References, Reject, Source

OWN = (Party(name="COMPANY 017"), BankAccount(other="12345678", clearing_id="209208"))
OTHER = (Party(name="SUPPLIER 042"), BankAccount(other="87654321", clearing_id="112233"))


def pounds(value: str) -> Amount:
    return Amount(value=Decimal(value), currency="GBP")


def payment(**fields: Any) -> Instruction:  # noqa: ANN401 - any field of a payment
    told: dict[str, Any] = {
        "amount": pounds("1250.50"),
        "debtor": OWN[0],
        "debtor_account": OWN[1],
        "creditor": OTHER[0],
        "creditor_account": OTHER[1],
        "references": References(end_to_end="INV-0042"),
        "source": Source(where="test"),
    }
    return Instruction.model_validate(told | fields)


def collection(**fields: Any) -> Instruction:  # noqa: ANN401 - any field of a payment
    told: dict[str, Any] = {
        "method": "direct_debit",
        "amount": pounds("1.99"),
        "debtor": OTHER[0],
        "debtor_account": OTHER[1],
        "creditor": OWN[0],
        "creditor_account": OWN[1],
        "mandate": Mandate(sequence="FRST"),
    }
    return payment(**(told | fields))


def submission(*payments: Instruction, **fields: Any) -> Standard18:  # noqa: ANN401 - any field of a file
    told: dict[str, Any] = {
        "serial": "000077",
        "user": "123456",
        "created_on": date(2026, 8, 31),
        "processing_day": date(2026, 9, 1),
        "payments": payments,
    }
    return Standard18.model_validate(told | fields)


def written(*payments: Instruction, **fields: Any) -> list[str]:  # noqa: ANN401 - any field of a file
    return b"".join(write_standard_18(submission(*payments, **fields))).decode("ascii").splitlines()


def read(lines: list[str]) -> list[Standard18Item]:
    return list(read_standard_18(["\n".join(lines).encode()]))


def test_a_file_is_written_to_the_letter() -> None:
    assert written(payment(), collection()) == [
        f"VOL1000077{'':31}123456{'':32}1",
        f"HDR1A123456S  112345600007700010001{'':6} 26243 26244 000000{'':20}",
        f"HDR2F0200000100{'':35}00{'':28}",
        f"UHL1 26244999999    000000001 DAILY  001{'':40}",
        "1122338765432109920920812345678    00000125050COMPANY 017       INV-0042          SUPPLIER 042      ",
        "1122338765432100120920812345678    00000000199COMPANY 017       INV-0042          SUPPLIER 042      ",
        "2092081234567801720920812345678    00000125050COMPANY 017       CONTRA            COMPANY 017       ",
        "2092081234567809920920812345678    00000000199COMPANY 017       CONTRA            COMPANY 017       ",
        f"EOF1A123456S  112345600007700010001{'':6} 26243 26244 000000{'':20}",
        f"EOF2F0200000100{'':35}00{'':28}",
        f"UTL10000000125249000000012524900000020000002{'':8}0000000{'':21}",
    ]


def test_labels_have_80_and_records_100_characters_or_106_on_several_days() -> None:
    one = written(payment())
    several = written(payment(), payment(execution_date=date(2026, 9, 2)))
    assert {len(line) for line in one} == {80, 100}
    assert {len(line) for line in several} == {80, 106}
    assert several[3][28:37] == "4 MULTI  "
    assert [line[100:] for line in several[4:8]] == [" 26244", " 26245", " 26244", " 26245"]


def test_what_is_written_is_read_with_its_totals() -> None:
    head, paid, collected, end = read(written(payment(), collection()))
    assert isinstance(head, MessageHead)
    assert (head.message_id, head.created_on) == ("123456-000077-001", date(2026, 8, 31))
    assert isinstance(paid, Instruction)
    assert (paid.method, paid.amount, paid.execution_date) == ("credit_transfer", pounds("1250.50"), date(2026, 9, 1))
    assert (paid.creditor, paid.creditor_account) == OTHER
    assert (paid.debtor, paid.debtor_account) == OWN
    assert isinstance(collected, Instruction)
    assert (collected.method, collected.debtor, collected.creditor) == ("direct_debit", OTHER[0], OWN[0])
    assert collected.mandate is not None
    assert (collected.mandate.sequence, collected.mandate.mandate_id) == ("FRST", "INV-0042")
    assert isinstance(end, MessageEnd)
    assert (end.items, end.totals) == (2, {"GBP": Decimal("1252.49")})
    assert all(check.ok for check in end.checks)


def test_totals_and_contras_that_do_not_hold_are_told() -> None:
    lines = written(payment(), collection())
    for place, names in ((4, ["credits", "credit_count", "debits/contra", "credits/contra"]), (6, ["debits"])):
        end = read([*lines[:place], *lines[place + 1 :]])[-1]
        assert isinstance(end, MessageEnd)
        assert set(names) & {check.name for check in end.checks if not check.ok}


def test_an_instruction_is_set_up_with_no_amount() -> None:
    setting_up = collection(method="", amount=pounds("0"), others={"transaction_code": "0N"}, mandate=None)
    lines = written(setting_up)
    assert lines[4][15:17] == "0N"
    assert lines[-1][52:59] == "0000001"
    told = read(lines)[1]
    assert isinstance(told, Instruction)
    assert (told.method, told.others["transaction_code"]) == ("", "0N")


def test_a_record_that_cannot_be_read_is_located() -> None:
    lines = written(payment(), collection())
    lines[4] = lines[4][:15] + "XX" + lines[4][17:]
    (reject,) = (item for item in read(lines) if isinstance(item, Reject))
    assert (reject.where, reject.line) == ("file[1]", 5)


def test_a_cut_file_says_so() -> None:
    lines = written(payment())
    assert isinstance(read(lines[:-1])[-1], Reject)
    with pytest.raises(FormatRefused):
        read(lines[:3])


@pytest.mark.parametrize(
    "fields,words",
    [
        ({"amount": Amount(value=Decimal(1), currency="EUR")}, "is in GBP"),
        ({"amount": pounds("0.001")}, "two decimals"),
        ({"amount": pounds("0")}, "is zero for instructions"),
        ({"creditor": Party(name="A NAME LONGER THAN 18")}, "at most 18"),
        ({"creditor": Party(name="")}, "the name is needed"),
        ({"creditor": Party(name="SUPPLIER Ä")}, "takes A-Z"),
        ({"creditor_account": BankAccount(other="1234567", clearing_id="112233")}, "a number of eight"),
        ({"references": References(end_to_end="R" * 19)}, "at most 18"),
        ({"others": {"transaction_code": "17"}}, "does not fit"),
    ],
)
def test_a_payment_that_bacs_would_refuse_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(FormatRefused, match=words) as refused:
        written(payment(**fields))
    assert refused.value.remedy


@pytest.mark.parametrize("fields", [{"serial": "77"}, {"user": "12345"}, {"payments": ()}])
def test_a_file_that_bacs_would_refuse_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatRefused):
        written(payment(), **fields)


def test_files_are_recognised_by_their_labels() -> None:
    found = recognise(Beginning("\n".join(written(payment())).encode()))
    assert found is not None
    assert found.name == "bacs_standard_18"
    assert recognise(Beginning(b"VOL1000077\nHELLO\n")) is None
