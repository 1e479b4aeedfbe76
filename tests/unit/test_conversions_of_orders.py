"""Several messages and kinds of payments in one file: each is paid once, and by nothing that it is not."""

from __future__ import annotations

import re

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction
from nostro.model.parties import BankAccount
from nostro.model.statements import References
from tests.unit.test_conversions import DAY, HEAD, NOW, converted, message
from tests.unit.test_payment_writers import collection
from tests.unit.test_profiles import payment

SENT_FROM = BankAccount(iban="DE89370400440532013000")


def orders(*names: str) -> list[Item]:
    """Messages of one file, each with a payment."""
    heads = [HEAD.model_copy(update={"message_id": name, "others": {}, "envelope": None}) for name in names]
    return [
        item
        for number, head in enumerate(heads)
        for item in message(head, payment(references=References(end_to_end=f"E-{number}")))
    ]


@pytest.mark.parametrize("name", ["pain.001", "mt101"])
def test_several_messages_of_a_file_become_one_and_each_payment_is_there_once(name: str) -> None:
    content, said = converted(name, orders("M-1", "M-2", "M-3"))
    (told,) = tell(lambda: iter((content,)))
    paid = [item for item in told.items if isinstance(item, Instruction)]
    assert [one.references.end_to_end or one.references.instruction for one in paid] == ["E-0", "E-1", "E-2"]
    assert any("message_id was changed" in one for one in said)


@pytest.mark.parametrize("name", ["pain.001", "mt101", "bacs-18", "positive-pay"])
def test_a_message_that_came_twice_is_not_paid_twice(name: str) -> None:
    with pytest.raises(FormatRefused, match="paid twice"):
        converted(name, orders("M-1", "M-2", "M-1"))


def test_payments_of_several_days_and_payers_become_several_mt101() -> None:
    other = BankAccount(iban="FR1420041010050500013M02606")
    days = [payment(execution_date=day, debtor_account=account, references=References(end_to_end=f"E{number}"))
            for number, (day, account) in enumerate([(DAY, other), (NOW.date(), other), (DAY, other), (DAY, SENT_FROM)])
            ]  # fmt: skip
    content, _ = converted("mt101", message(HEAD.model_copy(update={"envelope": None}), *days))
    assert re.findall(rb":20:(.*)\r", content) == [b"M-1", b"M-1-2", b"M-1-3"]
    (told,) = tell(lambda: iter((content,)))
    paid = [item for item in told.items if isinstance(item, Instruction)]
    assert {(one.references.instruction, one.execution_date, one.debtor_account) for one in paid} == {
        (one.references.end_to_end, one.execution_date, one.debtor_account) for one in days
    }


@pytest.mark.parametrize("one", [collection(), payment(method="cheque")])
def test_an_mt101_neither_collects_nor_pays_by_cheque(one: Instruction) -> None:
    with pytest.raises(FormatRefused, match="asks a bank to pay"):
        converted("mt101", message(HEAD, one))
