"""Requests and reports whose XSD no package carries hold what the standard lets them, or are not written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.iso20022.write import Wanted, write_camt055, write_camt056, write_camt060, write_pain002
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, OriginalMessage, PaymentStatus, Reason
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import References, ReturnInformation, Source
from tests.unit.test_payment_writers import BETWEEN, LETTER

ORIGINAL = OriginalMessage(message_id="M-1", name="pain.001.001.09")


def asked_back(**changed: object) -> Instruction:
    told = Instruction(
        method="credit_transfer", amount=Amount(value=Decimal("12.50"), currency="EUR"), group="G-1",
        references=References(message="M-1", end_to_end="E-1"), others={"original_name": "pain.001.001.09"},
        returned=ReturnInformation(code="DUPL"), source=Source(where="run[1]"),
    )  # fmt: skip
    return told.model_copy(update=changed)


def references(**told: object) -> References:
    return References.model_validate({"message": "M-1", "end_to_end": "E-1", **told})


@pytest.mark.parametrize("write", [write_camt055, write_camt056])
@pytest.mark.parametrize(
    "changed, sentence",
    [
        ({"amount": Amount(value=Decimal("1.5"), currency="JPY")}, r"TxInf\[2\]/\w+Amt: .* more digits than JPY has"),
        ({"amount": Amount(value=Decimal("1.2345"), currency="KWD")}, r"TxInf\[2\]/\w+Amt: .* more digits than KWD"),
        ({"amount": Amount(value=Decimal(1), currency="XXX")}, r"TxInf\[2\]/\w+Amt: .* no currency"),
        ({"references": references(end_to_end="E" * 36)}, r"TxInf\[2\]/OrgnlEndToEndId: .* 36 signs, 35 are taken"),
        ({"references": references(end_to_end=" E-1")}, r"TxInf\[2\]/OrgnlEndToEndId: .* blank"),
        ({"references": references(others={"UETR": "none"})}, r"TxInf\[2\]/OrgnlUETR: .* not the form"),
        ({"references": references(end_to_end="E\x01-1")}, r"TxInf\[2\]/OrgnlEndToEndId: .* no place for"),
        ({"references": references(message="M\x1f1")}, r"OrgnlMsgId: .* no place for"),
        ({"references": references(message="M" * 36)}, r"OrgnlMsgId: .* 36 signs"),
        ({"returned": ReturnInformation(code="TOO-LONG")}, r"TxInf\[2\]/Cd: .* 8 signs, 4 are taken"),
    ],
)
def test_a_request_that_a_bank_could_not_take_is_not_written(
    write: Callable[..., Iterator[bytes]], changed: dict[str, object], sentence: str
) -> None:
    run = [asked_back(), asked_back(**changed)]
    assert b"".join(write([run[0]], BETWEEN)).count(b"<TxInf>") == 1
    with pytest.raises(FormatRefused, match=sentence):
        b"".join(write(run, BETWEEN))


@pytest.mark.parametrize("side", [{"assignee": Party(ids={"BIC": "NOBIC"})}, {"assigner": Party(name="N" * 141)}])
def test_whoever_asks_and_is_asked_has_a_name_or_bic_that_is_one(side: dict[str, Party]) -> None:
    with pytest.raises(FormatRefused):
        b"".join(write_camt055([asked_back()], BETWEEN.model_copy(update=side)))


def payment_status(**changed: object) -> PaymentStatus:
    told = PaymentStatus(
        level="transaction", status="RJCT", group="G-1", references=References(end_to_end="E-1"),
        source=Source(where="TxInfAndSts[1]"),
    )  # fmt: skip
    return told.model_copy(update=changed)


@pytest.mark.parametrize(
    "changed, sentence",
    [
        ({"reasons": (Reason(code="TOO-LONG"),)}, r"TxInfAndSts\[1\]/Cd: .* 8 signs"),
        ({"references": References(end_to_end="E" * 36)}, r"TxInfAndSts\[1\]/OrgnlEndToEndId: .* 36 signs"),
        ({"amount": Amount(value=Decimal(-1), currency="EUR")}, r"TxInfAndSts\[1\]/InstdAmt: .* below zero"),
        ({"debtor": Party(name="N" * 141)}, r"TxInfAndSts\[1\]/Nm: .* 141 signs"),
        ({"level": "group", "counts": {"RJCT": -1}}, r"DtldNbOfTxs: .* not the form"),
    ],
)
def test_a_report_that_nobody_could_read_is_not_written(changed: dict[str, object], sentence: str) -> None:
    with pytest.raises(FormatRefused, match=sentence):
        b"".join(write_pain002([payment_status(**changed)], LETTER, ORIGINAL))


def test_a_report_tells_a_payment_as_it_came_even_where_that_is_why_it_was_refused() -> None:
    wrong = {"creditor_account": BankAccount(iban="DE88370400440532013000"), "reasons": (Reason(code="AC01"),)}
    finer = {"amount": Amount(value=Decimal("1.5"), currency="JPY"), "reasons": (Reason(code="AM12"),)}
    content = b"".join(write_pain002([payment_status(**wrong), payment_status(**finer)], LETTER, ORIGINAL))
    assert b"<IBAN>DE88370400440532013000</IBAN>" in content
    assert b'<InstdAmt Ccy="JPY">1.5</InstdAmt>' in content


def test_a_group_has_one_status() -> None:
    twice = [payment_status(level="group"), payment_status(level="group", status="ACSC")]
    with pytest.raises(FormatRefused, match="has a status already"):
        b"".join(write_pain002(twice, LETTER, ORIGINAL))


def test_statements_are_asked_for_by_an_iban_that_is_one() -> None:
    wanted = Wanted(
        request_id="R-1", message="camt.053.001.08", bank_account=BankAccount(iban="DE88370400440532013000"),
        owner=Party(name="House"), from_date=date(2026, 11, 1), to_date=date(2026, 11, 2),
    )  # fmt: skip
    with pytest.raises(FormatRefused, match=r"RptgReq\[1\]/IBAN: .* wrong check digits"):
        b"".join(write_camt060([wanted], LETTER))
