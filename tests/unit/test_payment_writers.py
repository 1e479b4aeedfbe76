"""What we write is valid, adds up and says what was instructed; a payment that would break its profile stops it all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from nostro.formats.iso20022.message import read_messages
from nostro.formats.iso20022.write import (
    CAMT055,
    CAMT056,
    CAMT060,
    PAIN001,
    PAIN002,
    PAIN008,
    Assignment,
    Initiation,
    Wanted,
    packaged_schema,
    schema_check,
    validated,
    write_camt055,
    write_camt056,
    write_camt060,
    write_pain001,
    write_pain002,
    write_pain008,
)
from nostro.formats.profiles import ProfileRefused, profile
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Mandate, MessageEnd, MessageHead, OriginalMessage, PaymentStatus, Reason
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import Check, Exchange, References, ReturnInformation
from tests.unit.test_profiles import HYBRID, LINES, payment, supplier

LETTER = Initiation(
    message_id="M-1", created_at=datetime(2026, 11, 28, 10, tzinfo=UTC), initiating_party=Party(name="House")
)
MANDATE = Mandate(mandate_id="MA-1", signed_on=date(2020, 1, 31), sequence="RCUR", creditor_id="DE98ZZZ09999999999")
BETWEEN = Assignment(
    message_id="A-1", created_at=datetime(2026, 11, 28, 10, tzinfo=UTC), assigner=Party(name="House"),
    assignee=Party(ids={"BIC": "COBADEFFXXX"}), case_id="C-1",
)  # fmt: skip


def collection(**changes: object) -> Instruction:
    told = payment(method="direct_debit", mandate=MANDATE, local_instrument="CORE")
    sides = {"debtor": told.creditor, "creditor": told.debtor}
    accounts = {"debtor_account": told.creditor_account, "creditor_account": told.debtor_account}
    return told.model_copy(update={**sides, **accounts, **changes})


def shared_schema(shared: Path, version: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(shared / "data" / "bank" / "iso20022" / "xsd" / f"{version}.xsd"))


def payments(content: Iterator[bytes]) -> list[Instruction]:
    return [item for item in read_messages(content) if isinstance(item, Instruction)]


def checks(content: Sequence[bytes]) -> list[Check]:
    return [check for item in read_messages(content) if isinstance(item, MessageEnd) for check in item.checks]


@pytest.mark.parametrize("version", PAIN001)
@pytest.mark.parametrize("rules", ["sepa", "dk", "sps", "cbpr", "iso"])
def test_an_initiation_is_valid_in_every_version_and_profile(version: str, rules: str) -> None:
    run = [payment(), payment(references=References(end_to_end="E-2", structured="RF18539007547034"), remittance=())]
    content = list(write_pain001(run, LETTER, profile(rules), version))
    assert packaged_schema(version) is not None
    assert schema_check(content, packaged_schema(version)) == Check(name="schema", ok=True)
    assert list(validated(content, version)) == content


@pytest.mark.parametrize("version", PAIN001)
def test_everything_that_an_initiation_can_carry_is_valid_and_comes_back(version: str) -> None:
    told = payment(
        group="RUN-7", priority="HIGH", category_purpose="SUPP", purpose="GDDS", local_instrument="XYZ",
        service_level="URGP", charge_bearer="SHAR", batch_booking=False, agents=(BankAccount(bic="CHASUS33"),),
        ultimate_debtor=Party(name="Group"), ultimate_creditor=Party(name="Factor"),
        exchange=Exchange(rate=Decimal("1.1")), instructions=("HOLD at desk",),
        creditor=Party(name="Supplier 017", address=HYBRID, ids={"LEI": "5493001KJTIIGC8Y1R12", "CUST": "77"}),
        creditor_account=BankAccount(other="77-1", bic="CITIUS33", clearing_id="021000089"),
        amount=Amount(value=Decimal("5.00"), currency="USD"),
    )  # fmt: skip
    rules = profile("iso").model_copy(update={"hybrid": True})
    content = list(write_pain001([told], LETTER, rules, version))
    assert schema_check(content, packaged_schema(version)).ok
    (back,) = payments(iter(content))
    expected = told.model_copy(update={"source": back.source, "references": back.references})
    assert back == expected
    assert back.references.end_to_end == told.references.end_to_end


def test_payments_stand_in_groups_that_share_what_is_alike_and_every_count_and_sum_holds() -> None:
    run = [
        payment(), payment(execution_date=date(2026, 12, 1)), payment(),
        payment(debtor_account=BankAccount(iban="FR1420041010050500013M02606")),
    ]  # fmt: skip
    content = list(write_pain001(run, LETTER))
    assert b"".join(content).count(b"<PmtInf>") == 3
    assert {(check.name, check.ok) for check in checks(content)} == {("NbOfTxs", True), ("CtrlSum", True)}
    names = [one.group for one in payments(iter(content))]
    assert names == ["M-1-1", "M-1-1", "M-1-2", "M-1-3"]


def test_two_groups_of_one_name_get_two_names() -> None:
    run = [payment(group="RUN-7"), payment(group="RUN-7", execution_date=date(2026, 12, 1))]
    assert [one.group for one in payments(write_pain001(run, LETTER))] == ["RUN-7", "RUN-7-2"]


def test_text_is_escaped_and_written_in_the_schemes_letters() -> None:
    odd = payment(creditor=Party(name="<Müller> & 'Co'"), remittance=("a < b & c",))
    content = b"".join(write_pain001([odd], LETTER, profile("iso")))
    assert "<Nm>&lt;Müller&gt; &amp; 'Co'</Nm>".encode() in content
    (told,) = payments(write_pain001([odd], LETTER, profile("sepa")))
    assert told.creditor == Party(name="(Muller) + 'Co'")


@pytest.mark.parametrize("version", PAIN008)
def test_collections_are_valid_and_come_back_with_their_mandates(version: str) -> None:
    amended = MANDATE.model_copy(update={"amended_from": "MA-0"})
    moved = {"original_debtor_account": "FR1420041010050500013M02606"}
    run = [collection(group="C-1"), collection(group="C-1", mandate=amended), collection(group="C-1", others=moved)]
    content = list(write_pain008(run, LETTER, profile("sepa"), version))
    assert schema_check(content, packaged_schema(version)) == Check(name="schema", ok=True)
    back = payments(iter(content))
    assert [one.mandate for one in back] == [MANDATE, amended, MANDATE]
    assert back[2].others == moved
    assert [check.ok for check in checks(content)] == [True, True]


def test_nothing_is_written_where_a_payment_would_break_its_profile() -> None:
    with pytest.raises(ProfileRefused) as refused:
        write_pain001([payment(), supplier(LINES)], LETTER)
    assert [(one.payment, one.rule) for one in refused.value.findings] == [(1, "address.unstructured")]
    with pytest.raises(ProfileRefused, match="direct_debit only"):
        write_pain008([payment()], LETTER)
    with pytest.raises(FormatRefused, match="no payment"):
        write_pain001([], LETTER)
    with pytest.raises(FormatRefused, match="message id"):
        write_pain001([payment()], LETTER.model_copy(update={"message_id": "M" * 36}))
    with pytest.raises(FormatRefused, match="not written"):
        write_pain001([payment()], LETTER, version="pain.001.001.02")


def test_what_breaks_its_schema_is_located_and_never_quoted() -> None:
    content = [piece.replace(b"<MsgId>M-1</MsgId>", b"") for piece in write_pain001([payment()], LETTER)]
    check = schema_check(content, packaged_schema("pain.001.001.09"))
    assert not check.ok
    assert check.detail.startswith("after 0 valid payments: Element 'CreDtTm': This element is not expected")
    with pytest.raises(FormatRefused, match="breaks the schema"):
        list(validated(content, "pain.001.001.09"))
    run = [payment()] * 3
    long = b"".join(write_pain001(run, LETTER)).replace(b"Supplier 017", b"S" * 141).replace(b"S" * 141, b"Supplier", 2)
    check = schema_check([long], packaged_schema("pain.001.001.09"))
    assert check.detail == (
        "after 2 valid payments: Element 'Nm': The value has a length of '141'; this exceeds the allowed maximum "
        "length of '140' (PmtInf[1]/CdtTrfTxInf[3], line 2)"
    )


def test_a_swiss_file_is_valid_by_six_groups_own_schema(shared: Path) -> None:
    swiss = BankAccount(iban="CH9300762011623852957", bic="RAIFCH22")
    theirs = BankAccount(iban="CH4431999123000889012")
    francs = Amount(value=Decimal("12.30"), currency="CHF")
    reference = References(end_to_end="E-1", structured="210000000003139471430009017")
    run = [
        payment(debtor_account=swiss),
        payment(debtor_account=swiss, amount=francs, references=reference, remittance=(), creditor_account=theirs),
    ]
    content = list(write_pain001(run, LETTER, profile("sps"), "pain.001.001.09"))
    assert schema_check(content, shared_schema(shared, "flavours/pain.001.001.09.ch.03")) == Check(
        name="schema", ok=True
    )


def test_a_version_without_a_packaged_schema_is_said_to_be_unvalidated() -> None:
    check = schema_check([b"<x/>"], packaged_schema("pain.002.001.10"))
    assert check.ok
    assert "no package carries" in check.detail


def test_a_status_report_is_valid_and_comes_back(shared: Path) -> None:
    original = OriginalMessage(message_id="M-1", name="pain.001.001.09", count=2)
    told = [
        PaymentStatus(level="message", status="PART", source=payment().source, counts={"RJCT": 1}),
        PaymentStatus(level="group", status="PART", group="RUN-7", source=payment().source),
        PaymentStatus(
            level="transaction", status="RJCT", group="RUN-7", references=References(end_to_end="E-1"),
            reasons=(Reason(code="AC04", text="closed"),), amount=payment().amount, source=payment().source,
            creditor=Party(name="Supplier 017"), creditor_account=payment().creditor_account,
            execution_date=date(2026, 11, 30), accepted_at=datetime(2026, 11, 28, 10, tzinfo=UTC),
        ),
    ]  # fmt: skip
    for version in PAIN002:
        content = list(write_pain002(told, LETTER, original, version))
        assert schema_check(content, shared_schema(shared, version)) == Check(name="schema", ok=True)
        back = [item for item in read_messages(content) if isinstance(item, PaymentStatus)]
        assert [(one.level, one.status, one.group, one.reasons) for one in back] == [
            (one.level, one.status, one.group, one.reasons) for one in told
        ]
        assert (back[2].amount, back[2].creditor, back[2].accepted_at) == (
            told[2].amount, told[2].creditor, told[2].accepted_at,
        )  # fmt: skip


def test_an_early_report_refuses_a_status_that_it_does_not_know() -> None:
    original = OriginalMessage(message_id="M-1", name="pain.001.001.09")
    verified = [PaymentStatus(level="message", status="RVMC", source=payment().source)]
    with pytest.raises(FormatRefused, match="RVMC"):
        write_pain002(verified, LETTER, original, "pain.002.001.03")
    assert b"RVMC" in b"".join(write_pain002(verified, LETTER, original))
    with pytest.raises(FormatRefused, match="names its group"):
        write_pain002([PaymentStatus(level="group", status="RJCT", source=payment().source)], LETTER, original)


def taken_back(**changes: object) -> Instruction:
    original = References(end_to_end="E-1", message="M-0")
    told = payment(group="RUN-7", references=original, returned=ReturnInformation(code="DUPL", text="twice"))
    return told.model_copy(
        update={"others": {"original_name": "pain.001.001.09"}, "settlement_date": date(2026, 11, 30), **changes}
    )


def test_cancellations_are_valid_and_come_back(shared: Path) -> None:
    for version, write in ((CAMT055, write_camt055), (CAMT056, write_camt056)):
        content = list(write([taken_back(), taken_back()], BETWEEN))
        assert schema_check(content, shared_schema(shared, version)) == Check(name="schema", ok=True)
        first, _ = payments(iter(content))
        assert (first.references.end_to_end, first.references.message, first.amount) == ("E-1", "M-0", payment().amount)
        assert first.returned is not None
        assert (first.returned.code, first.returned.text) == ("DUPL", "twice")
        assert all(check.ok for check in checks(content))


def test_a_whole_group_is_taken_back_with_one_word(shared: Path) -> None:
    whole = taken_back(references=References(message="M-0"))
    content = list(write_camt055([whole], BETWEEN))
    assert schema_check(content, shared_schema(shared, CAMT055)).ok
    (told,) = payments(iter(content))
    assert (told.group, told.others["group_cancellation"]) == ("RUN-7", "true")


@pytest.mark.parametrize(
    "changes, missing", [
        ({"returned": None}, "no reason"), ({"group": ""}, "the group"), ({"references": References()}, "the message"),
    ],
)  # fmt: skip
def test_a_cancellation_without_what_it_is_about_is_refused(changes: dict[str, object], missing: str) -> None:
    with pytest.raises(FormatRefused, match=missing):
        write_camt055([taken_back(**changes)], BETWEEN)


def test_a_request_for_statements_is_valid_and_comes_back(shared: Path) -> None:
    wanted = Wanted(
        request_id="Q-1", message="camt.053.001.08", bank_account=BankAccount(iban="DE89370400440532013000"),
        owner=Party(name="House"), from_date=date(2026, 11, 1), to_date=date(2026, 11, 30),
    )  # fmt: skip
    content = list(write_camt060([wanted], LETTER))
    assert schema_check(content, shared_schema(shared, CAMT060)) == Check(name="schema", ok=True)
    head, told, _ = read_messages(content)
    assert isinstance(head, MessageHead)
    assert head.kind == "reporting_request"
    assert isinstance(told, Instruction)
    assert told.debtor_account == wanted.bank_account
    assert (told.others["requested_message"], told.others["to_date"]) == ("camt.053.001.08", "2026-11-30")
    with pytest.raises(FormatRefused, match="before the first"):
        write_camt060([wanted.model_copy(update={"to_date": date(2026, 10, 1)})], LETTER)
