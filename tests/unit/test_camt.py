from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from nostro.formats.iso20022.camt import DETAILS_KEPT, read_camt
from nostro.model.failures import FormatRefused
from nostro.model.statements import Check, Entry, Reject, StatementEnd, StatementHead

ROOT = Path(__file__).parents[2]
HEAD = "<Id>S1</Id><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>"
NTRY = "<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>{more}</Ntry>"


def entry(amount: str = "12.34", direction: str = "CRDT", more: str = "") -> str:
    return NTRY.format(amount=amount, direction=direction, more=more)


def document(
    *inside: str, head: str = HEAD, namespace: str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
) -> bytes:
    told = f"<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr><Stmt>{head}{''.join(inside)}</Stmt></BkToCstmrStmt>"
    return f"<Document xmlns='{namespace}'>\n{told}</Document>".encode()


def balance(code: str, amount: str, direction: str = "CRDT") -> str:
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    day = "<Dt><Dt>2026-08-31</Dt></Dt>"
    return f"<Bal>{kind}<Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{day}</Bal>"


def one_entry(content: bytes) -> Entry:
    (found,) = [item for item in read_camt([content]) if isinstance(item, Entry)]
    return found


def rejects(content: bytes) -> list[Reject]:
    return [item for item in read_camt([content]) if isinstance(item, Reject)]


def failed(content: bytes) -> list[Check]:
    ends = [item for item in read_camt([content]) if isinstance(item, StatementEnd)]
    return [check for end in ends for check in end.checks if not check.ok]


def test_the_head_comes_first_with_the_balances_that_stand_before_the_entries() -> None:
    content = document(balance("OPBD", "10.00", "DBIT"), entry(), balance("CLBD", "2.34"))
    head, _, end = read_camt([content])
    assert isinstance(head, StatementHead)
    assert isinstance(end, StatementEnd)
    assert (head.format, head.kind, head.currency) == ("camt.053.001.08", "statement", "EUR")
    assert head.opening is not None
    assert head.opening.amount.value == Decimal("-10.00")
    assert head.closing is None
    assert [one.code for one in end.balances] == ["OPBD", "CLBD"]
    assert end.checks == (Check(name="balance", ok=True),)


def test_a_wrong_closing_balance_is_told_and_everything_is_kept() -> None:
    content = document(balance("OPBD", "10.00"), balance("CLBD", "30.00"), entry())
    assert [check.detail for check in failed(content)] == ["the entries lead to 22.34, told is 30.00"]
    assert one_entry(content).amount.value == Decimal("12.34")


@pytest.mark.parametrize(
    "balances, holds",
    [
        ("OPBD 100 ITBD 112.34", True), ("ITBD 100 ITBD 112.34", True), ("ITBD 100 CLBD 112.34", True),
        ("OPBD 100 ITBD 999", False), ("ITBD 100 ITBD 999", False), ("ITBD 999 CLBD 112.34", False),
    ],
)  # fmt: skip
def test_a_page_leads_from_its_first_interim_balance_to_its_last(balances: str, holds: bool) -> None:  # noqa: FBT001 - the verdict
    codes = balances.split()
    told = "".join(balance(code, amount) for code, amount in zip(codes[::2], codes[1::2], strict=True))
    assert [check.name for check in failed(document(told + entry()))] == ([] if holds else ["balance"])


def test_control_totals_are_held_against_what_is_there() -> None:
    totals = "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries><Sum>99</Sum></TtlNtries></TxsSummry>"
    assert [check.name for check in failed(document(totals, entry()))] == ["TtlNtries/NbOfNtries", "TtlNtries/Sum"]


def test_a_batch_whose_details_make_another_sum_is_located() -> None:
    details = "<TxDtls><Amt Ccy='EUR'>5.00</Amt></TxDtls>" * 2
    content = document(entry("12.00", more=f"<NtryDtls><Btch><NbOfTxs>3</NbOfTxs></Btch>{details}</NtryDtls>"))
    found = failed(content)
    assert [check.name for check in found] == ["batch/NbOfTxs", "batch"]
    assert found[1].detail == "/Document/BkToCstmrStmt/Stmt[1]/Ntry[1], line 2: the details make 10.00, the entry 12.00"


@pytest.mark.parametrize("amount, names", [("12.00", []), ("5.00", ["batch/NbOfTxs", "batch"])])
def test_a_batch_may_be_told_as_one_detail_of_its_whole_amount(amount: str, names: list[str]) -> None:
    details = f"<NtryDtls><Btch><NbOfTxs>3</NbOfTxs></Btch><TxDtls><Amt Ccy='EUR'>{amount}</Amt></TxDtls></NtryDtls>"
    assert [check.name for check in failed(document(entry("12.00", more=details)))] == names


def test_an_amount_that_a_program_worked_out_in_floats_is_kept_with_all_its_digits() -> None:
    (told,) = [item for item in read_camt([document(entry("12.100000000000001"))]) if isinstance(item, Entry)]
    assert told.amount.value == Decimal("12.100000000000001")


@pytest.mark.parametrize(
    "broken, why",
    [
        (entry(amount="12,34"), "the amount is no decimal number"),
        (entry(amount="-12.34"), "the amount is negative, though its direction is told apart"),
        (entry(amount="NaN"), "the amount is no decimal number"),
        (entry(amount="1E5"), "the amount is no decimal number"),
        (entry(amount=""), "there is no amount"),
        (entry(direction="BOTH"), "the direction is neither CRDT nor DBIT"),
        (entry().replace("EUR", "XYZ"), "the amount's currency is not in ISO 4217"),
        (entry(more="<BookgDt><Dt>31.08.2026</Dt></BookgDt>"), "a date is not in ISO 8601"),
        ("<Ntry/>", "there is no amount"),
    ],
)
def test_an_entry_that_cannot_be_read_is_located_and_the_rest_is_kept(broken: str, why: str) -> None:
    content = document(entry("1.00"), broken, entry("2.00"))
    found = [item for item in read_camt([content]) if isinstance(item, Entry | Reject)]
    assert [type(item) for item in found] == [Entry, Reject, Entry]
    reject = found[1]
    assert isinstance(reject, Reject)
    assert (reject.where, reject.why) == ("/Document/BkToCstmrStmt/Stmt[1]/Ntry[2]", why)
    assert reject.line == 2


def test_a_reject_holds_no_content_of_the_entry() -> None:
    (reject,) = rejects(document(entry(amount="secret name", more="<AddtlNtryInf>secret name</AddtlNtryInf>")))
    assert "secret" not in str(reject)


def test_a_reject_keeps_the_amount_where_that_can_be_read() -> None:
    (reject,) = rejects(document(entry(direction="?")))
    assert reject.amount is not None
    assert reject.amount.value == Decimal("12.34")


def test_the_account_s_currency_stands_for_an_amount_without_one() -> None:
    assert one_entry(document(entry().replace(" Ccy='EUR'", ""))).amount.currency == "EUR"


@pytest.mark.parametrize(
    "said, state",
    [("BOOK", "booked"), ("PDNG", "pending"), ("INFO", "information"), ("FUTR", "future"), ("NEW!", "pending")],
)
def test_an_unknown_state_is_pending_whether_told_as_text_or_code(said: str, state: str) -> None:
    assert one_entry(document(entry().replace("BOOK", said))).state == state
    assert one_entry(document(entry().replace("<Cd>BOOK</Cd>", said))).state == state


def test_the_counterparty_follows_the_direction_in_both_shapes_of_parties() -> None:
    shapes = ("<Nm>{}</Nm>", "<Pty><Nm>{}</Nm></Pty>", "<Agt><FinInstnId><Nm>{}</Nm></FinInstnId></Agt>")
    for shape in shapes:
        parties = f"<Dbtr>{shape.format('Payer')}</Dbtr><Cdtr>{shape.format('Payee')}</Cdtr>"
        more = f"<NtryDtls><TxDtls><RltdPties>{parties}</RltdPties></TxDtls></NtryDtls>"
        for direction, name in (("CRDT", "Payer"), ("DBIT", "Payee")):
            party = one_entry(document(entry(direction=direction, more=more))).counterparty
            assert party is not None
            assert party.name == name


def test_the_counterparty_of_a_reversal_is_never_our_own_account() -> None:
    own, other = "DE89370400440532013000", "FR7630006000011234567890189"
    accounts = "".join(f"<{s}Acct><Id><IBAN>{n}</IBAN></Id></{s}Acct>" for s, n in (("Dbtr", other), ("Cdtr", own)))
    more = f"<RvslInd>true</RvslInd><NtryDtls><TxDtls><RltdPties>{accounts}</RltdPties></TxDtls></NtryDtls>"
    found = one_entry(document(entry(direction="DBIT", more=more)))
    assert found.reversal
    assert found.counterparty_account is not None
    assert found.counterparty_account.iban == other


def test_references_charges_exchange_and_return_reason_of_a_transaction_are_told_of_its_entry() -> None:
    refs = "<Refs><EndToEndId>E1</EndToEndId><UETR>u-1</UETR><Prtry><Tp>X</Tp><Ref>9</Ref></Prtry></Refs>"
    exchange = "<CcyXchg><SrcCcy>USD</SrcCcy><TrgtCcy>EUR</TrgtCcy><XchgRate>1.08</XchgRate></CcyXchg>"
    amounts = f"<AmtDtls><InstdAmt><Amt Ccy='USD'>13.33</Amt></InstdAmt><TxAmt>{exchange}</TxAmt></AmtDtls>"
    charges = "<Chrgs><Rcrd><Amt Ccy='EUR'>0.70</Amt><ChrgInclInd>false</ChrgInclInd></Rcrd></Chrgs>"
    text = "<RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf>"
    back = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
    found = one_entry(
        document(entry(more=f"<NtryDtls><TxDtls>{refs}{amounts}{charges}{text}{back}</TxDtls></NtryDtls>"))
    )
    assert (found.references.end_to_end, found.references.structured) == ("E1", "RF18539007547034")
    assert found.references.others == {"UETR": "u-1", "X": "9"}
    assert found.exchange is not None
    assert (found.exchange.rate, found.exchange.source_currency) == (Decimal("1.08"), "USD")
    assert found.exchange.instructed is not None
    assert found.exchange.instructed.value == Decimal("13.33")
    assert [(charge.amount.value, charge.included) for charge in found.charges] == [(Decimal("0.70"), False)]
    assert found.returned is not None
    assert found.returned.code == "AC04"


@pytest.mark.parametrize(
    "said, expected",
    [
        ("2026-08-31T08:00:00Z", datetime(2026, 8, 31, 8, tzinfo=UTC)),
        ("2026-08-31T10:27:07.213294607Z", datetime(2026, 8, 31, 10, 27, 7, 213294, tzinfo=UTC)),
        ("2026-08-31T24:00:00", datetime(2026, 9, 1)),  # noqa: DTZ001 - the bank said no zone
    ],
)
def test_times_are_taken_as_banks_write_them(said: str, expected: datetime) -> None:
    head = next(iter(read_camt([document(head=f"{HEAD}<CreDtTm>{said}</CreDtTm>")])))
    assert isinstance(head, StatementHead)
    assert head.created_at == expected


def test_a_booking_day_is_the_bank_s_own_day_whatever_its_zone() -> None:
    more = "<BookgDt><DtTm>2026-09-01T00:30:00+02:00</DtTm></BookgDt><ValDt><Dt>2026-09-01</Dt></ValDt>"
    assert one_entry(document(entry(more=more))).booking_date == date(2026, 9, 1)


@pytest.mark.parametrize(
    "content",
    [
        document(entry()),
        document(entry(), namespace="urn:some-bank:own"),
        document(entry()).replace(b" xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'", b""),
        b"\xef\xbb\xbf" + document(entry()),
        b"\n  " + b"<?xml version='1.0'?>" + document(entry()),
        b"<?xml version='1.0' encoding='ISO-8859-1'?>" + document(entry(more="<AddtlNtryInf>\xe9</AddtlNtryInf>")),
        b"<?xml version='1.0' encoding='utf-16'?>" + document(entry(more="<AddtlNtryInf>é</AddtlNtryInf>")),
        document(entry()).decode().encode("utf-16"),
        document(entry()) + b"\r\n\x1a\x00\x00",
        document(entry()).replace(b"<", b"<b:").replace(b"<b:/", b"</b:"),
        b"<Envelope><AppHdr><BizMsgIdr>1</BizMsgIdr></AppHdr>" + document(entry()) + b"</Envelope>",
    ],
    ids=[
        "plain",
        "own-namespace",
        "no-namespace",
        "bom",
        "blanks",
        "latin-1",
        "says-utf-16",
        "utf-16",
        "padded",
        "undeclared-prefix",
        "envelope",
    ],
)
def test_whatever_banks_do_to_the_bytes_the_same_entry_is_read(content: bytes) -> None:
    assert rejects(b"<Document><BkToCstmrStmt><Stmt></Stmt>") != [], "a broken file before must not spoil the next one"
    assert one_entry(content).amount.value == Decimal("12.34")
    assert rejects(content) == []


def test_xml_that_is_cut_after_some_entries_gives_them_and_says_where_it_ends() -> None:
    content = document(entry("1.00"), entry("2.00"), entry("3.00"))
    items = list(read_camt([content[: content.index(b">3.00<")]]))
    assert [item.amount.value for item in items if isinstance(item, Entry)] == [Decimal("1.00"), Decimal("2.00")]
    assert isinstance(items[-1], Reject)
    assert items[-1].where == "/Document/BkToCstmrStmt/Stmt[1]/Ntry[3]"
    assert not any(isinstance(item, StatementEnd) for item in items)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  \n ",
        b":20:940S160916\n:25:PL25106000760000888888888888",
        b"<html><body/></html>",
        b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.002.001.03'><CstmrPmtStsRpt/></Document>",
        document(entry())[:60],
        b"<!DOCTYPE Document [<!ENTITY a 'aaaa'>]>" + document(entry(more="<AddtlNtryInf>&a;</AddtlNtryInf>")),
    ],
    ids=["nothing", "blanks", "mt940", "html", "pain.002", "cut-before-anything", "document-type"],
)
def test_what_is_no_camt_is_refused_with_one_sentence(content: bytes) -> None:
    with pytest.raises(FormatRefused) as refused:
        list(read_camt([content]))
    assert refused.value.sentence.endswith(".")


def test_nesting_without_end_stops_the_reading() -> None:
    (reject,) = rejects(document(entry(more="<SplmtryData>" * 100 + "</SplmtryData>" * 100)))
    assert reject.why.endswith("nested deeper than 64 elements")


def test_texts_that_never_become_an_entry_stop_the_reading() -> None:
    (reject,) = rejects(document(entry(more="<SplmtryData>" + "<X>1</X>" * 250_000 + "</SplmtryData>")))
    assert "texts without an entry among them" in reject.why


@pytest.mark.parametrize("mark", ["<!--{}-->", "<SplmtryData a='{}'/>", "<{}/>"], ids=["comment", "attribute", "name"])
def test_a_tag_or_comment_that_does_not_end_stops_the_reading(mark: str) -> None:
    content = document(entry(), mark.format("x" * 5_000_000), entry())
    pieces = [content[at : at + 65_536] for at in range(0, len(content), 65_536)]
    items = list(read_camt(pieces))
    (reject,) = [item for item in items if isinstance(item, Reject)]
    assert reject.why.endswith("a tag or comment of more than 4194304 bytes")
    assert len([item for item in items if isinstance(item, Entry)]) == 1


def test_a_text_may_be_as_long_as_it_likes() -> None:
    content = document(entry(more="<AddtlNtryInf>" + "x" * 5_000_000 + "</AddtlNtryInf>"), entry())
    pieces = [content[at : at + 65_536] for at in range(0, len(content), 65_536)]
    assert len([item for item in read_camt(pieces) if isinstance(item, Entry)]) == 2


STREAM = """
import resource, sys
from tests.unit.test_camt import document, entry
from nostro.formats.iso20022.camt import read_camt
from nostro.model.statements import Entry
detail = "<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs><Amt Ccy='EUR'>1.00</Amt></TxDtls>".encode()
before, after = document("@").split(b"@")
head, tail = entry("20000.00", more="<NtryDtls>@</NtryDtls>").encode().split(b"@")
def chunks():
    yield before
    yield from ((entry("1.00") * 250).encode() for _ in range(80))
    yield head
    yield from (detail * 250 for _ in range(80))
    yield tail + after
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
totals = [item.details_total for item in read_camt(chunks()) if isinstance(item, Entry)]
print(len(totals), totals[-1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start)
"""


@pytest.mark.slow
def test_memory_stays_flat_however_many_entries_and_details_stream_by() -> None:
    told = subprocess.run([sys.executable, "-c", STREAM], check=True, capture_output=True, text=True, cwd=ROOT)
    entries, details, grown_kilobytes = (int(word) for word in told.stdout.split())
    assert (entries, details) == (20_001, 20_000)
    assert grown_kilobytes < 9_000  # 3,500 as it is, 20,000 when elements are not freed


def test_details_beyond_the_limit_are_counted_and_summed_but_not_kept() -> None:
    details = "<TxDtls><Amt Ccy='EUR'>1.00</Amt></TxDtls>" * (DETAILS_KEPT + 5)
    content = document(entry(f"{DETAILS_KEPT + 5}.00", more=f"<NtryDtls>{details}</NtryDtls>"))
    found = one_entry(content)
    assert (found.details_total, len(found.details)) == (DETAILS_KEPT + 5, DETAILS_KEPT)
    assert failed(content) == []


def test_line_numbers_are_right_beyond_sixty_five_thousand() -> None:
    (reject,) = rejects(document("\n" * 70_000, entry(direction="?")))
    assert reject.line == 70_002


def test_a_batch_may_lack_the_charges_that_its_entry_tells_and_codes_count_in_any_case() -> None:
    parts = "".join(f"<TxDtls><Amt Ccy='EUR'>{part}</Amt></TxDtls>" for part in ("6.00", "7.34"))
    charge = "<Chrgs><Rcrd><Amt Ccy='EUR'>{charge}</Amt></Rcrd></Chrgs>"
    for amount, names in (("1.00", []), ("1.01", ["batch"])):
        more = charge.format(charge=amount) + f"<NtryDtls>{parts}</NtryDtls>"
        assert [check.name for check in failed(document(entry(more=more)))] == names
    told = balance("OPBD", "10.00", direction="Dbit"), balance("CLBD", "2.34"), entry()
    assert failed(document(*told)) == []
