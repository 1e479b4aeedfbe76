"""What is written is valid and reads as it was; however bytes are cut or damaged, the reader says where it stopped."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nostro.formats.catalogue import tell
from nostro.formats.iso20022.message import read_messages
from nostro.formats.iso20022.message_parts import MessageItem
from nostro.formats.iso20022.write import (
    PAIN001,
    PAIN008,
    Initiation,
    packaged_schema,
    schema_check,
    write_pain001,
    write_pain008,
)
from nostro.formats.profiles import profile
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Mandate, MessageEnd, PaymentStatus
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import References, Reject, Source
from tests.unit.test_enveloped import within
from tests.unit.test_payment_messages import group, initiation, payment

LETTER = Initiation(
    message_id="M-1", created_at=datetime(2026, 11, 28, tzinfo=UTC), initiating_party=Party(name="House")
)
WHOLE = initiation(group(*(payment(number, f"{number}.00") for number in range(1, 5)), total="10.00"))
ITEMS = list(read_messages([WHOLE]))
IBANS = ("DE89370400440532013000", "FR1420041010050500013M02606", "NL91ABNA0417164300")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789?:().,'+ -"

words = st.text(LETTERS, min_size=1, max_size=30).map(lambda text: " ".join(text.split())).filter(bool)
ids = st.text("ABCDEFGHIJ0123456789-", min_size=1, max_size=35).filter(really_told)
days = st.dates(date(2026, 11, 30), date(2027, 1, 31))
amounts = st.decimals(Decimal("0.01"), Decimal("99999999.99"), places=2).map(
    lambda told: Amount(value=told, currency="EUR")
)
addresses = st.builds(
    Address, street=words, building=st.just("4"), postcode=st.just("75001"), town=words, country=st.just("FR")
)
parties = st.builds(Party, name=words, address=st.none() | addresses)
accounts = st.builds(BankAccount, iban=st.sampled_from(IBANS), bic=st.sampled_from(["", "COBADEFFXXX"]))
mandates = st.builds(
    Mandate, mandate_id=ids, signed_on=days, sequence=st.sampled_from(["FRST", "RCUR", "OOFF"]),
    creditor_id=st.just("DE98ZZZ09999999999"), amended_from=st.just("") | ids,
)  # fmt: skip


def instructions(method: str) -> st.SearchStrategy[Instruction]:
    return st.builds(
        Instruction,
        method=st.just(method),
        amount=amounts,
        references=st.builds(References, end_to_end=ids, instruction=st.just("") | ids),
        execution_date=days,
        debtor=parties,
        debtor_account=accounts,
        creditor=parties,
        creditor_account=accounts,
        ultimate_debtor=st.none() | st.builds(Party, name=words),
        charge_bearer=st.just("SLEV"),
        service_level=st.just("SEPA"),
        local_instrument=st.sampled_from(["CORE", "B2B"]) if method == "direct_debit" else st.just(""),
        purpose=st.sampled_from(["", "SALA", "GDDS"]),
        batch_booking=st.sampled_from([None, True, False]),
        mandate=mandates if method == "direct_debit" else st.none(),
        remittance=st.lists(words, max_size=1).map(tuple),
        source=st.just(Source(where="")),
    )


def said(told: Instruction) -> Instruction:
    """A payment without what its file adds: where it stands, and its group's name."""
    references = told.references.model_copy(update={"payment_information": "", "mandate": ""})
    return told.model_copy(update={"source": Source(where=""), "group": "", "references": references})


@given(st.lists(instructions("credit_transfer"), min_size=1, max_size=6), st.sampled_from(PAIN001))
def test_credit_transfers_are_valid_and_read_as_they_were(run: list[Instruction], version: str) -> None:
    content = list(write_pain001(run, LETTER, profile("sepa"), version))
    assert schema_check(content, packaged_schema(version)).ok
    agree(content, run)


@given(st.lists(instructions("direct_debit"), min_size=1, max_size=6), st.sampled_from(PAIN008))
def test_direct_debits_are_valid_and_read_as_they_were(run: list[Instruction], version: str) -> None:
    content = list(write_pain008(run, LETTER, profile("sepa"), version))
    assert schema_check(content, packaged_schema(version)).ok
    agree(content, run)


def agree(content: list[bytes], run: list[Instruction]) -> None:
    items = list(read_messages(content))
    told = sorted(repr(said(item)) for item in items if isinstance(item, Instruction))
    assert told == sorted(repr(said(one)) for one in run)
    (end,) = [item for item in items if isinstance(item, MessageEnd)]
    assert all(check.ok for check in end.checks)
    assert end.totals == {"EUR": sum((one.amount.value for one in run if one.amount), Decimal(0))}


def pieces(content: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(content), *(cut % len(content) for cut in cuts)})
    yield from (content[start:end] for start, end in itertools.pairwise(places))


LONG = b" " * 700
"""More than is looked at before an XML document is begun."""
INVESTIGATION = b"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.026.001.07"><UblToApply><Assgnmt><Id>A-1</Id>
</Assgnmt><Undrlyg><Initn><OrgnlEndToEndId>E-1</OrgnlEndToEndId></Initn></Undrlyg><Justfn><MssngOrIncrrctInf><MssngInf>
<Cd>MS01</Cd></MssngInf></MssngOrIncrrctInf></Justfn></UblToApply></Document>""".replace(
    b"<Justfn>", LONG + b"<Justfn>"
)
STATUSES = b"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr>
<MsgId>R-1</MsgId></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>M-1</OrgnlMsgId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>
<OrgnlPmtInfId>P-1</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts><TxInfAndSts><OrgnlEndToEndId>E-1</OrgnlEndToEndId>
<TxSts>RJCT</TxSts></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>""".replace(
    b"<TxInfAndSts>", LONG + b"<TxInfAndSts>"
)


@given(st.sampled_from([WHOLE, INVESTIGATION, STATUSES]), st.lists(st.integers(min_value=0), max_size=20))
def test_where_the_chunks_are_cut_changes_nothing(content: bytes, cuts: list[int]) -> None:
    assert list(read_messages(pieces(content, cuts))) == list(read_messages([content]))


@given(st.lists(st.integers(min_value=0), max_size=20))
def test_where_the_chunks_of_an_envelope_are_cut_changes_nothing(cuts: list[int]) -> None:
    content = within(WHOLE)
    (told,) = tell(lambda: pieces(content, cuts))
    assert [item for item in told.items if isinstance(item, Instruction)] == [
        item.model_copy(update={"source": item.source.model_copy(update={"line": (item.source.line or 0) + 2})})
        for item in ITEMS
        if isinstance(item, Instruction)
    ]


def read(content: bytes) -> list[MessageItem] | None:
    try:
        return list(read_messages([content]))
    except FormatRefused:
        return None


@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_message_gives_a_prefix_of_its_payments_and_one_located_reject(end: int) -> None:
    items = read(WHOLE[:end])
    if items is None:
        return
    told = [item for item in items if isinstance(item, Instruction)]
    assert told == [item for item in ITEMS if isinstance(item, Instruction)][: len(told)]
    assert [isinstance(item, Reject) for item in items].count(True) == 1
    assert isinstance(items[-1], Reject)


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=8))
def test_damage_is_no_crash_and_no_silent_loss(at: int, noise: bytes) -> None:
    items = read(WHOLE[:at] + noise + WHOLE[at + len(noise) :])
    for end in (item for item in items or () if isinstance(item, MessageEnd)):
        told = sum(isinstance(item, Instruction | PaymentStatus) for item in items or ())
        assert end.items == told
