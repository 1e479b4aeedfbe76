"""Cheque issue files: as each bank's profile wants them, complete and never cut."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from nostro.formats.positive_pay import CSV, FIXED, Cheque, Column, write_positive_pay
from nostro.formats.positive_pay.profiles import IssueProfile
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.parties import BankAccount


def cheque(**fields: Any) -> Cheque:  # noqa: ANN401 - any field of a cheque
    told: dict[str, Any] = {
        "bank_account": BankAccount(other="1234567890", clearing_id="091000019"),
        "number": "4711",
        "amount": Amount(value=Decimal("1250.50"), currency="USD"),
        "issued_on": date(2026, 8, 31),
        "payee": "SUPPLIER 017, INC",
    }
    return Cheque.model_validate(told | fields)


def written(*cheques: Cheque, profile: IssueProfile = CSV) -> list[str]:
    return b"".join(write_positive_pay(cheques, profile)).decode("ascii").splitlines()


def test_a_csv_file_has_a_heading_and_a_line_a_cheque() -> None:
    assert written(cheque(), cheque(number="4712", void=True)) == [
        "Account Number,Check Number,Amount,Issue Date,Payee,Issue/Void",
        '1234567890,4711,1250.50,08/31/2026,"SUPPLIER 017, INC",I',
        '1234567890,4712,1250.50,08/31/2026,"SUPPLIER 017, INC",V',
    ]


def test_a_file_of_fixed_width_ends_with_count_and_total() -> None:
    assert written(cheque(), cheque(number="4712"), profile=FIXED) == [
        "1234567890000000471100000012505020260831I" + "SUPPLIER 017, INC".ljust(39),
        "1234567890000000471200000012505020260831I" + "SUPPLIER 017, INC".ljust(39),
        "99999999990000000002000000250100" + " " * 48,
    ]


def test_a_bank_s_own_columns_are_data() -> None:
    columns = (Column(told="routing"), Column(told="fixed", text="CHK"), Column(told="issued", date="%y%j"))
    profile = CSV.model_copy(update={"columns": columns, "separator": "|", "heading": False, "line_end": "\n"})
    assert written(cheque(), profile=profile) == ["091000019|CHK|26243"]


@pytest.mark.parametrize(
    "fields,words",
    [
        ({"number": "47A"}, "has digits only"),
        ({"number": "12345678901"}, "at most 10"),
        ({"amount": Amount(value=Decimal(1), currency="EUR")}, "is in USD"),
        ({"amount": Amount(value=Decimal("0.001"), currency="USD")}, "two decimals"),
        ({"amount": Amount(value=Decimal(0), currency="USD")}, "more than nothing"),
        ({"payee": "P" * 40}, "at most 39"),
        ({"payee": "Café"}, "printable ASCII"),
        ({"bank_account": BankAccount()}, "is needed"),
    ],
)
def test_what_a_bank_would_refuse_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(FormatRefused, match=words) as refused:
        written(cheque(**fields), profile=FIXED)
    assert refused.value.remedy


def test_a_cheque_is_issued_once_and_may_be_void_later() -> None:
    with pytest.raises(FormatRefused, match="once for each account"):
        written(cheque(), cheque(number="04711"))
    assert len(written(cheque(), cheque(void=True))) == 3


def test_a_file_holds_at_least_one_cheque_and_no_more_than_the_bank_takes() -> None:
    with pytest.raises(FormatRefused, match="at least one"):
        written()
    with pytest.raises(FormatRefused, match="at most 1"):
        written(cheque(), cheque(number="2"), profile=CSV.model_copy(update={"most": 1}))
