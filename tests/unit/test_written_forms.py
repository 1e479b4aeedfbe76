"""What messages hold of what is seldom told: valid, or refused before anything is written; and told without a word.

XSDs of pain.002, camt.055, 056 and 060 come with no package: where they are at hand, what is written is held against
them; what it may hold is asked for in any case.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from nostro.formats.iso20022.message import read_messages
from nostro.formats.iso20022.write import (
    PAIN001,
    PAIN002,
    PAIN008,
    Wanted,
    packaged_schema,
    schema_check,
    write_camt055,
    write_camt056,
    write_camt060,
    write_pain001,
    write_pain002,
    write_pain008,
)
from nostro.formats.profiles import profile
from nostro.formats.validating import flaws
from nostro.model.failures import FormatRefused
from nostro.model.messages import OriginalMessage, PaymentStatus, Reason
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.remittance import Adjustment, Document
from nostro.model.statements import References, ReturnInformation
from tests.unit.test_payment_writers import BETWEEN, LETTER, collection, payments, shared_schema, taken_back
from tests.unit.test_profiles import payment


def reported(**changes: object) -> PaymentStatus:
    told = PaymentStatus(
        level="transaction", status="RJCT", group="RUN-7", references=References(end_to_end="E-1"), source=HERE
    )
    return told.model_copy(update=changes)


HERE = payment().source
ANSWERED = OriginalMessage(message_id="M-1", name="pain.001.001.09")
TOO_MANY_LINES = Party(name="Supplier 017", address=Address(lines=tuple("12345678")))


@pytest.mark.parametrize("version", PAIN002)
def test_a_report_says_who_refuses_and_what_its_counts_sum_up_to(shared: Path, version: str) -> None:
    reasons = (Reason(code="AC04", originator="Bank 005"),)
    counts = {"counts": {"RJCT": 2}, "sums": {"RJCT": Decimal("24.68")}}
    told = [reported(level="message", group="", references=References(), **counts), reported(reasons=reasons)]
    content = list(write_pain002(told, LETTER, ANSWERED, version))
    assert schema_check(content, shared_schema(shared, version)).ok
    message, one = [item for item in read_messages(content) if isinstance(item, PaymentStatus)]
    assert (message.counts, message.sums) == (counts["counts"], counts["sums"])
    assert one.reasons == reasons


@pytest.mark.parametrize("told", [[], [reported(level="group", status="")]])
def test_a_report_of_nothing_is_not_written(told: list[PaymentStatus]) -> None:
    with pytest.raises(FormatRefused, match="no status to report"):
        write_pain002(told, LETTER, ANSWERED)


def test_an_early_report_counts_only_statuses_that_it_knows() -> None:
    counted = [reported(level="message", group="", references=References(), counts={"CANC": 1})]
    with pytest.raises(FormatRefused, match="doesn't know the status CANC"):
        write_pain002(counted, LETTER, ANSWERED, "pain.002.001.03")
    assert b"<DtldSts>CANC</DtldSts>" in b"".join(write_pain002(counted, LETTER, ANSWERED))


@pytest.mark.parametrize(
    "changes, sentence", [
        ({"amount": Amount(value=Decimal("1.123456"), currency="EUR")}, "more than 5 behind the point"),
        ({"debtor_account": BankAccount(other="1" * 35)}, "has 35 signs, 34 are taken"),
        ({"creditor": TOO_MANY_LINES}, "PstlAdr: what would be written AdrLine"),
    ],
)  # fmt: skip
def test_a_report_holds_what_its_message_takes(changes: dict[str, object], sentence: str) -> None:
    for version in PAIN002:
        with pytest.raises(FormatRefused, match=sentence):
            list(write_pain002([reported(**changes)], LETTER, ANSWERED, version))


def test_a_cancellation_is_asked_of_somebody() -> None:
    with pytest.raises(FormatRefused, match="Assgnmt: what would be written Id, Assgnr, CreDtTm don't stand so"):
        list(write_camt056([taken_back()], BETWEEN.model_copy(update={"assignee": Party()})))


def test_a_cancellation_names_who_opened_the_case_and_who_says_why() -> None:
    house = Party(name="House", address=Address(town="Paris", country="FR"), ids={"CUST": "77"})
    why = ReturnInformation(code="DUPL", originator="Desk 2")
    content = b"".join(write_camt055([taken_back(returned=why)], BETWEEN.model_copy(update={"assigner": house})))
    assert b"<Case><Id>C-1</Id><Cretr><Pty><Nm>House</Nm></Pty></Cretr></Case>" in content
    (again,) = payments(iter([content]))
    assert again.returned is not None
    assert again.returned.originator == "Desk 2"


def test_an_id_that_is_empty_is_not_written() -> None:
    odd = payment(creditor=Party(name="Supplier 017", ids={"CUST": ""}))
    content = list(write_pain001([odd], LETTER, profile("iso")))
    assert schema_check(content, packaged_schema("pain.001.001.09")).ok


def test_an_empty_line_is_not_written() -> None:
    content = list(write_pain001([payment(remittance=("", "INV-1"))], LETTER, profile("iso")))
    assert schema_check(content, packaged_schema("pain.001.001.09")).ok
    assert payments(iter(content))[0].remittance == ("INV-1",)


@pytest.mark.parametrize("version", PAIN001)
def test_a_bank_in_between_is_named_by_what_is_known_of_it(version: str) -> None:
    between = (BankAccount(owner="Bank 005", other="77-1"), BankAccount(clearing_id="021000089"))
    content = list(write_pain001([payment(agents=between)], LETTER, profile("iso"), version))
    assert schema_check(content, packaged_schema(version)).ok
    assert payments(iter(content))[0].agents == between


@pytest.mark.parametrize("version", PAIN001)
def test_types_of_documents_are_codes_of_their_list_or_own_words(version: str) -> None:
    documents = tuple(Document(number=kind, type=kind) for kind in ("CINV", "PUOR", "ABCD"))
    told = payment(documents=documents, remittance=())
    content = list(write_pain001([told], LETTER, profile("iso"), version))
    assert schema_check(content, packaged_schema(version)).ok
    assert payments(iter(content))[0].documents == documents


@pytest.mark.parametrize("version", PAIN008)
@pytest.mark.parametrize("agent, account", [("SMNDA", "SMNDA"), ("Bank 005", "DE1"), ("COBADEFFXXX", "AB 1")])
def test_what_an_amended_mandate_was_before_is_valid_whatever_it_was(version: str, agent: str, account: str) -> None:
    before = {"original_debtor_agent": agent, "original_debtor_account": account}
    content = list(write_pain008([collection(others=before)], LETTER, profile("iso"), version))
    assert schema_check(content, packaged_schema(version)).ok
    assert payments(iter(content))[0].others == before


@pytest.mark.parametrize(
    "sender, sentence", [
        (Party(), "Nobody is named"), (Party(name="N" * 71), "71 signs, 70 are taken"),
        (Party(name="N", ids={"LEI": "1"}), "LEI"), (Party(name="N\u8a9e"), "nothing to write instead"),
    ],
)  # fmt: skip
def test_who_sends_a_message_is_named_as_the_scheme_takes_it(sender: Party, sentence: str) -> None:
    with pytest.raises(FormatRefused, match=sentence):
        write_pain001([payment()], LETTER.model_copy(update={"initiating_party": sender}))


def test_a_control_sum_has_no_more_digits_than_the_standard_takes() -> None:
    large = payment(amount=Amount(value=Decimal("9999999999999999.99"), currency="EUR"))
    assert list(write_pain001([large], LETTER, profile("iso")))
    with pytest.raises(FormatRefused, match="control sum has more than 18 digits"):
        write_pain001([large] * 2, LETTER, profile("iso"))


def told_of(content: Iterator[bytes]) -> list[tuple[str, str]]:
    held = list(content)
    return [(found.rule, found.where) for found in flaws(lambda: iter(held), "own.xml")]


def test_what_we_write_ourselves_is_validated_without_a_word() -> None:
    moved = {"original_creditor_id": "DE98ZZZ09999999999", "original_debtor_agent": "SMNDA"}
    for version in PAIN008:
        assert told_of(write_pain008([collection(others=moved)], LETTER, profile("sepa"), version)) == []
    qr = payment(
        references=References(structured="210000000003139471430009017"), remittance=(),
        documents=(Document(number="1", adjustments=(Adjustment(amount=payment().amount or FIVE),) * 2),),
    )  # fmt: skip
    for version in PAIN001:
        assert told_of(write_pain001([qr], LETTER, profile("iso"), version)) == []
    wanted = Wanted(
        request_id="Q-1", message="camt.053.001.08", bank_account=BankAccount(iban="DE89370400440532013000"),
        owner=Party(name="House"), from_date=date(2026, 11, 1), to_date=date(2026, 11, 30),
    )  # fmt: skip
    assert told_of(write_camt060([wanted], LETTER)) == []
    assert told_of(write_camt055([taken_back()], BETWEEN)) == []
    assert told_of(write_camt056([taken_back()], BETWEEN)) == []


FIVE = Amount(value=Decimal("5.00"), currency="EUR")


@pytest.mark.parametrize(
    "written, told, where", [
        ("<Tp>ALLL</Tp>", "<Tp>CHNG</Tp>", "RptgPrd/Tp"),
        ("<Prtry>SEPA</Prtry>", "<Prtry>OWN</Prtry>", "CdtrSchmeId/Id/PrvtId/Othr/SchmeNm/Prtry"),
    ],
)  # fmt: skip
def test_another_word_in_their_place_is_told(written: str, told: str, where: str) -> None:
    wanted = Wanted(
        request_id="Q-1", message="camt.053.001.08", bank_account=BankAccount(iban="DE89370400440532013000"),
        owner=Party(name="House"), from_date=date(2026, 11, 1), to_date=date(2026, 11, 30),
    )  # fmt: skip
    content = b"".join(write_camt060([wanted], LETTER)) if "Tp" in written else b"".join(
        write_pain008([collection()], LETTER)
    )  # fmt: skip
    ((rule, found),) = told_of(iter([content.replace(written.encode(), told.encode())]))
    assert (rule, found.endswith(where)) == ("unread", True)
