"""What we write as NACHA is what an operator takes, and what would be refused there is refused here."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from nostro.formats.nacha.read import read_nacha
from nostro.formats.nacha.write import NachaBatch, NachaFile, write_nacha
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.remittance import Document
from nostro.model.statements import References, Source

FILE = NachaFile(
    destination="091000019",
    origin="1231380104",
    created_at=datetime(2026, 8, 31, 10, 5),  # noqa: DTZ001 - a NACHA file says no zone
    destination_name="BANK OF THE TRIAL",
    origin_name="COMPANY 017",
)


def dollars(value: str) -> Amount:
    return Amount(value=Decimal(value), currency="USD")


def payment(**fields: Any) -> Instruction:  # noqa: ANN401 - any field of a payment
    told: dict[str, Any] = {
        "amount": dollars("1250.50"),
        "creditor": Party(name="SUPPLIER 017"),
        "creditor_account": BankAccount(other="987654321", clearing_id="021000021"),
        "references": References(end_to_end="INV-0042"),
        "source": Source(where="test"),
    }
    return Instruction.model_validate(told | fields)


def collection(**fields: Any) -> Instruction:  # noqa: ANN401 - any field of a payment
    account = BankAccount(other="123456789", clearing_id="091000019")
    told: dict[str, Any] = {
        "method": "direct_debit", "amount": dollars("1.99"), "debtor": Party(name="CUSTOMER 007"),
        "debtor_account": account, "creditor": None, "creditor_account": None,
    }  # fmt: skip
    return payment(**(told | fields))


def batch(*payments: Instruction, **fields: Any) -> NachaBatch:  # noqa: ANN401 - any field of a batch
    told: dict[str, Any] = {
        "entry_class": "CCD",
        "company_name": "COMPANY 017",
        "company_id": "1231380104",
        "description": "PAYABLES",
        "effective": date(2026, 9, 2),
        "odfi": "09100001",
        "payments": payments,
    }
    return NachaBatch.model_validate(told | fields)


def written(*batches: NachaBatch, file: NachaFile = FILE) -> list[str]:
    return b"".join(write_nacha(file, batches)).decode("ascii").splitlines()


def test_a_file_of_two_payments_is_written_to_the_letter() -> None:
    blank = " " * 39
    assert written(batch(payment(), collection(remittance=("INVOICE 4711",)))) == [
        "101 09100001912313801042608311005A094101BANK OF THE TRIAL      COMPANY 017                    ",
        "5200COMPANY 017                         1231380104CCDPAYABLES        260902   1091000010000001",
        "622021000021987654321        0000125050INV-0042       SUPPLIER 017            0091000010000001",
        "627091000019123456789        0000000199INV-0042       CUSTOMER 007            1091000010000002",
        "705INVOICE 4711                                                                    00010000002",
        "820000000300112000030000000001990000001250501231380104                         091000010000001",
        "9000001000001000000030011200003000000000199000000125050" + blank,
        *["9" * 94] * 3,
    ]


def test_files_are_padded_to_blocks_of_ten() -> None:
    for count in range(1, 12):
        lines = written(batch(*[payment()] * count))
        assert len(lines) % 10 == 0
        assert {len(line) for line in lines} == {94}
        assert sum(line == "9" * 94 for line in lines) < 10


def test_the_service_class_says_what_the_batch_holds() -> None:
    found = [
        written(batch(*payments))[1][:4] for payments in ((payment(),), (collection(),), (payment(), collection()))
    ]
    assert found == ["5220", "5225", "5200"]


def test_what_is_written_passes_its_own_reader_s_checks() -> None:
    prenote = payment(method="prenote", amount=dollars("0"))
    settled = (Document(number="INV-1", type="IV", on=date(2026, 8, 1), remitted=dollars("10.00")),)
    content = write_nacha(
        FILE,
        [
            batch(payment(), prenote, entry_class="PPD"),
            batch(payment(documents=settled * 9), entry_class="CTX"),
        ],
    )
    items = list(read_nacha(content))
    ends = [item for item in items if isinstance(item, MessageEnd)]
    assert all(check.ok for end in ends for check in end.checks)
    told = [item for item in items if isinstance(item, Instruction)]
    assert [one.method for one in told] == ["credit_transfer", "prenote", "credit_transfer"]
    assert told[2].documents == settled * 9


@pytest.mark.parametrize(
    "fields,words",
    [
        ({"amount": Amount(value=Decimal(1), currency="EUR")}, "payment 1: the amount is in USD"),
        ({"amount": dollars("0.001")}, "two decimals"),
        ({"amount": dollars("100000000.00")}, "ten digits"),
        ({"amount": dollars("0")}, "is zero in prenotes"),
        ({"amount": None}, "the amount"),
        ({"creditor": None}, "the receiver needs a name"),
        ({"creditor": Party(name="")}, "the name is needed"),
        ({"creditor": Party(name="S" * 23)}, "the name has at most 22 characters"),
        ({"creditor": Party(name="SUPPLIER Ä")}, "the name takes printable ASCII only"),
        ({"creditor_account": BankAccount(other="1", clearing_id="021000020")}, "check digit"),
        ({"creditor_account": BankAccount(other="", clearing_id="021000021")}, "the account number is needed"),
        ({"creditor_account": BankAccount(other="1" * 18, clearing_id="021000021")}, "at most 17"),
        ({"references": References(end_to_end="N" * 16)}, "the identification has at most 15"),
        ({"remittance": ("R" * 81,)}, "takes 1 addenda of 80 characters in CCD"),
        ({"others": {"transaction_code": "21"}}, "the transaction code does not fit"),
        ({"others": {"transaction_code": "27"}}, "the transaction code does not fit"),
        ({"method": "cheque"}, "the transaction code does not fit"),
        ({"documents": (Document(number="A*B"),)}, "parts X12 elements"),
    ],
)
def test_a_payment_that_an_operator_would_refuse_is_refused_with_its_place(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(FormatRefused, match=words) as refused:
        written(batch(payment(**fields)))
    assert refused.value.remedy


@pytest.mark.parametrize(
    "fields",
    [
        *({"odfi": "0910"}, {"company_name": ""}, {"company_id": "1" * 11}, {"description": "MORE THAN TEN"}),
        *({"payments": ()}, {"discretionary": "D" * 21}, {"descriptive_date": "31 AUG 26"}),
    ],
)
def test_a_batch_that_an_operator_would_refuse_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatRefused):
        written(batch(payment(), **fields))


@pytest.mark.parametrize(
    "fields", [{"destination": "091000018"}, {"mark": "a"}, {"origin": ""}, {"reference": "R" * 9}]
)
def test_a_file_that_an_operator_would_refuse_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FormatRefused):
        written(batch(payment()), file=FILE.model_copy(update=fields))


def test_a_file_without_batches_is_not_written() -> None:
    with pytest.raises(FormatRefused, match="at least one batch"):
        written()


def test_a_savings_account_is_written_as_such() -> None:
    assert written(batch(payment(others={"transaction_code": "32"})))[2][:3] == "632"


def test_a_file_without_line_ends_is_one_run_of_records() -> None:
    content = b"".join(write_nacha(FILE.model_copy(update={"line_end": ""}), [batch(payment())]))
    assert len(content) == 940
    assert sum(isinstance(item, Instruction) for item in read_nacha([content])) == 1
