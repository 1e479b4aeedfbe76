"""Payments that are not right are not written: no currency, wrong check digits, days that two digits can't tell."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.nacha.write import is_of_a_bank
from nostro.formats.writing import Order, written
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import References, Source
from tests.unit.test_conversions import NOW
from tests.unit.test_long_documents import ROUTED, TOLD

OURS = BankAccount(iban="BE68539007547034", bic="KREDBEBB")
THEIRS = BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX")


def amount(value: str, currency: str = "EUR") -> Amount:
    return Amount(value=Decimal(value), currency=currency)


def payment(**changed: object) -> Instruction:
    told = Instruction(
        method="credit_transfer", amount=amount("12.50"), execution_date=date(2026, 12, 1), debtor=Party(name="House"),
        debtor_account=OURS, creditor=Party(name="Supplier 017"), creditor_account=THEIRS,
        references=References(end_to_end="E-1"), source=Source(where="run[1]"),
    )  # fmt: skip
    return told.model_copy(update=changed)


def routed(currency: str, **changed: object) -> Instruction:
    sides = {"debtor_account": ROUTED[currency], "creditor_account": ROUTED[currency]}
    return payment(amount=amount("12.50", currency), **sides).model_copy(update=changed)


def converted(to: str, told: Instruction, profile: str = "") -> bytes:
    head = MessageHead(kind="payment_initiation", message_id="RUN-7", source=Source(where="run"))
    items = [head, told, MessageEnd(items=1, rejected=0)]
    return b"".join(written(to, items, Order(NOW, lambda _: None, profile, TOLD)))


@pytest.mark.parametrize(
    "to, told, sentence",
    [
        ("pain.001", payment(amount=amount("5", "XXX")), "amount has no currency"),
        ("mt101", payment(amount=amount("5", "XXX")), "amount has no currency"),
        ("pain.001", payment(amount=amount("100.50", "JPY")), "more digits than JPY has"),
        ("pain.001", payment(amount=amount("1.2345", "KWD")), "more digits than KWD has"),
        ("pain.001", payment(amount=amount("5", "XAU")), "is in XAU, which has no smallest unit"),
        ("mt101", payment(amount=amount("5", "XAU")), "is in XAU, which has no smallest unit"),
        ("pain.001", payment(references=References(end_to_end=" ")), "begins or ends with a blank"),
        (
            "pain.001",
            payment(references=References(structured="210000000003139471430009018")),
            "QR reference's check digit is wrong",
        ),
        ("mt101", payment(creditor_account=BankAccount(iban="DE88370400440532013000")), "IBAN's check digits"),
        ("nacha", routed("USD", creditor_account=BankAccount(other="1", clearing_id="0" * 9)), "routing number"),
        ("nacha", routed("USD", execution_date=date(1999, 12, 31)), "from 2000 to 2099"),
        ("nacha", routed("USD", execution_date=date(2100, 1, 1)), "from 2000 to 2099"),
        ("bacs-18", routed("GBP", execution_date=date(1999, 12, 31)), "from 2000 to 2099"),
        (
            "positive-pay",
            routed("USD", method="cheque", creditor=Party(name=" "), others={"cheque_number": "101"}),
            "payee is needed",
        ),
    ],
)
def test_a_payment_that_is_not_right_is_refused_with_a_remedy(to: str, told: Instruction, sentence: str) -> None:
    with pytest.raises(FormatRefused, match=sentence) as refused:
        converted(to, told, "iso" if to == "pain.001" else "")
    assert refused.value.remedy


@pytest.mark.parametrize("to", ["pain.001", "mt101", "nacha", "bacs-18", "positive-pay"])
def test_a_payment_that_is_right_is_written(to: str) -> None:
    currency = {"nacha": "USD", "positive-pay": "USD", "bacs-18": "GBP"}.get(to, "")
    told = routed(currency) if currency else payment()
    cheque = {"method": "cheque", "others": {"cheque_number": "101"}} if to == "positive-pay" else {}
    assert converted(to, told.model_copy(update=cheque))


@pytest.mark.parametrize("number", ["000000000", "990000000", "130000006", "021000022", "02100002"])
def test_nine_digits_of_no_bank_are_no_routing_number(number: str) -> None:
    assert not is_of_a_bank(number)
    assert is_of_a_bank("021000021")


def test_an_amount_is_finer_than_its_currency_only_by_digits_that_say_something() -> None:
    finer = [amount("0.5", "JPY"), amount("1.2345", "KWD"), amount("0.001"), amount("1", "XXX")]
    exact = [amount("5.0", "JPY"), amount("1.234", "KWD"), amount("1E+3"), amount("0.000"), amount("1" * 40 + ".5")]
    assert all(one.is_finer for one in finer)
    assert not any(one.is_finer for one in exact)


def test_a_file_whose_total_does_not_fit_in_is_refused_though_each_batch_fits() -> None:
    head = MessageHead(kind="payment_initiation", message_id="RUN-7", source=Source(where="run"))
    most = routed("USD", amount=amount("99999999.99", "USD"), others={"transaction_code": "22"})
    days = (date(2026, 12, 1), date(2026, 12, 2))
    run = [most.model_copy(update={"execution_date": day}) for day in days for _ in range(60)]
    with pytest.raises(FormatRefused, match="total of credits has more than 12 digits"):
        b"".join(written("nacha", [head, *run], Order(NOW, lambda _: None, told=TOLD)))
