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
from nostro.formats.profiles import left_out, profile
from nostro.formats.validating import Asked, flaws
from nostro.model.failures import FormatRefused
from nostro.model.messages import OriginalMessage, PaymentStatus, Reason
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.remittance import Adjustment, Document
from nostro.model.statements import References, ReturnInformation
from tests.unit.test_payment_writers import BETWEEN, LETTER, MANDATE, collection, payments, shared_schema, taken_back
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
        ({"creditor": TOO_MANY_LINES}, "PstlAdr: what would be written holds AdrLine"),
    ],
)  # fmt: skip
def test_a_report_holds_what_its_message_takes(changes: dict[str, object], sentence: str) -> None:
    for version in PAIN002:
        with pytest.raises(FormatRefused, match=sentence):
            list(write_pain002([reported(**changes)], LETTER, ANSWERED, version))


def test_a_cancellation_is_asked_of_somebody() -> None:
    with pytest.raises(FormatRefused, match="Assgnmt: what would be written holds Id Assgnr CreDtTm which"):
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


def test_an_early_collection_knows_fewer_sequences() -> None:
    again = collection(mandate=MANDATE.model_copy(update={"sequence": "RPRE"}))
    with pytest.raises(FormatRefused, match="doesn't know the sequence RPRE"):
        list(write_pain008([again], LETTER, profile("iso"), "pain.008.001.02"))
    content = list(write_pain008([again], LETTER, profile("iso"), "pain.008.001.08"))
    assert schema_check(content, packaged_schema("pain.008.001.08")).ok


@pytest.mark.parametrize(
    "sender, sentence", [
        (Party(), "Nobody is named"), (Party(name="N" * 71), "71 signs, 70 are taken"),
        (Party(name="N", ids={"LEI": "1"}), "LEI"),
        (Party(name="N", address=Address(town="T" * 36)), "36 signs"),
        (Party(name="N\u8a9e"), "signs that are not taken"),
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


RICH = Party(
    name="House", country="DE", address=Address(town="Paris", country="FR"),
    ids={"CUST": "77", "TXID": "78", "LEI": "5493001KJTIIGC8Y1R12"},
)  # fmt: skip
OURS = BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX", clearing_id="37040044")
TRACED = References(end_to_end="E-1", others={"UETR": "eb6305c9-1f7f-49de-aed0-16487c27b42d"})


def test_a_scheme_is_not_told_what_its_messages_have_no_element_for() -> None:
    """DK's schema of pain.001 and pain.008 (DFUE agreement, annex 3), which has the EPC's rules in it."""
    told = payment(
        debtor=RICH, ultimate_debtor=RICH, debtor_account=OURS, references=TRACED,
        remittance=(), creditor=RICH.model_copy(update={"name": "Supplier 017"}),
    )  # fmt: skip
    told = told.model_copy(update={"references": TRACED.model_copy(update={"structured": "OWN-1"})})
    letter = LETTER.model_copy(update={"initiating_party": RICH})
    for name in ("sepa", "dk"):
        content = b"".join(write_pain001([told], letter, profile(name)))
        assert not any(one in content for one in (b"CtryOfRes", b"ClrSysMmbId", b"UETR", b"TXID"))
        head, _, rest = content.partition(b"<PmtInf>")
        assert b"PstlAdr" not in head
        assert rest.count(b"<PstlAdr>") == 2
        assert b"<CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>OWN-1</Ref>" in rest
    everything = b"".join(write_pain001([told], letter, profile("iso")))
    assert all(one in everything for one in (b"CtryOfRes", b"ClrSysMmbId", b"UETR", b"TXID"))
    assert everything.count(b"<PstlAdr>") == 4
    assert b"<CdtrRefInf><Ref>OWN-1</Ref>" in everything


def test_a_collection_by_the_rulebook_tells_of_its_collector_and_of_a_moved_account_what_it_takes() -> None:
    moved = {"original_debtor_agent": "SMNDA"}
    told = collection(creditor=RICH, priority="HIGH", others=moved, creditor_account=OURS)
    content = b"".join(write_pain008([told], LETTER, profile("dk")))
    assert schema_check([content], packaged_schema("pain.008.001.08")).ok
    collector = content[content.index(b"<Cdtr>") : content.index(b"</Cdtr>")]
    assert b"<Id>" not in collector
    assert b"InstrPrty" not in content
    assert b"<OrgnlDbtrAcct><Id><Othr><Id>SMNDA</Id></Othr></Id></OrgnlDbtrAcct></AmdmntInfDtls>" in content
    plain = b"".join(write_pain008([told], LETTER, profile("iso")))
    assert b"<OrgnlDbtrAgt><FinInstnId><Othr><Id>SMNDA</Id></Othr></FinInstnId></OrgnlDbtrAgt>" in plain
    assert b"<InstrPrty>HIGH</InstrPrty>" in plain


def test_a_rich_swiss_payment_is_valid_by_six_groups_own_schema(shared: Path) -> None:
    told = payment(
        debtor=RICH, ultimate_debtor=RICH, creditor=RICH.model_copy(update={"name": "Supplier 017"}), purpose="GDDS",
        debtor_account=BankAccount(other="77-1", scheme="BBAN", bic="RAIFCH22"), category_purpose="SUPP",
        creditor_account=BankAccount(other="78-1", scheme="BBAN"), agents=(BankAccount(bic="COBADEFFXXX"),),
        documents=(Document(number="1", type="CINV", due=FIVE),), instructions=("HOLD at the desk", "PHOB"),
    )  # fmt: skip
    letter = LETTER.model_copy(update={"initiating_party": RICH})
    content = list(write_pain001([told], letter, profile("sps")))
    assert b"BBAN" not in b"".join(content)
    assert schema_check(content, shared_schema(shared, "flavours/pain.001.001.09.ch.03")).ok


@pytest.mark.parametrize("version", PAIN001)
def test_instructions_are_written_in_the_schemes_letters(version: str) -> None:
    told = payment(
        instructions=("H\u00e4lt",), creditor_account=BankAccount(other="7", bic="BNPAFRPPXXX"), charge_bearer="SHAR"
    )
    content = b"".join(write_pain001([told], LETTER, profile("cbpr"), version))
    assert b"<InstrInf>Halt</InstrInf>" in content


def test_a_finished_file_that_tells_what_its_scheme_has_no_element_for_is_warned_of() -> None:
    told = payment(
        debtor=RICH, ultimate_creditor=RICH, debtor_account=OURS, references=TRACED,
        creditor_account=BankAccount(other="7", scheme="BBAN", bic="BNPAFRPPXXX"),
    )  # fmt: skip
    content = list(write_pain001([told], LETTER, profile("iso")))

    def warned(name: str) -> set[str]:
        found = flaws(lambda: iter(content), "a.xml", Asked(rules=profile(name)))
        return {one.where.split()[-1] for one in found if one.severity == "warning" and one.rule.endswith("left_out")}

    assert warned("iso") == set()
    both = {"debtor.country", "debtor.ids", "ultimate_creditor.country", "ultimate_creditor.ids"}
    assert warned("sps") == both | {"creditor_account.scheme"}
    own = {"ultimate_creditor.address", "debtor_account.clearing_id", "references.others.UETR"}
    assert warned("sepa") == both | own
    collected = list(left_out(collection(creditor=RICH, priority="HIGH"), profile("sepa")))
    assert {one.field for one in collected} == {"creditor.country", "creditor.ids", "priority"}
