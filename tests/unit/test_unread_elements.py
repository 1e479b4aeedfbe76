"""What stands in a statement and no field takes is told: by kind, how many there are, and where the first is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from pathlib import Path

import pytest

from nostro.formats.iso20022.camt import unread_of_camt
from tests.unit.test_convert_validate import typed

_PLACE = "/Document/BkToCstmrStmt/Stmt"
_DETAILS = f"{_PLACE}/Ntry/NtryDtls/TxDtls"


def _camt(entries: str, heads: str = "") -> str:
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M-1</MsgId>'
        f"<CreDtTm>2026-11-27T10:00:00Z</CreDtTm></GrpHdr><Stmt><Id>S-1</Id>{heads}<Acct><Id>"
        f"<IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>\n{entries}</Stmt></BkToCstmrStmt></Document>"
    )


def _entry(details: str, direction: str = "CRDT") -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>2026-11-27</Dt></BookgDt><NtryDtls><TxDtls>{details}</TxDtls></NtryDtls></Ntry>\n"
    )


_POSITION = re.compile(r"\[\d+\]")


def _found(file: Path, content: str) -> dict[str, tuple[int, str, int]]:
    """What is unread, by path: how many, and where the first is."""
    file.write_text(content, encoding="utf-8")
    told = [json.loads(line) for line in typed("validate", str(file), "--json").stdout.splitlines()]
    unread = [one for one in told if one["rule"] == "unread"]
    assert {one["severity"] for one in unread} <= {"warning"}
    return {_POSITION.sub("", one["where"]): (_times(one["sentence"]), one["where"], one["line"]) for one in unread}


def _times(sentence: str) -> int:
    return 1 + sum(int(word) for word in sentence.split() if word.isdecimal())


def _counts(file: Path, content: str) -> dict[str, int]:
    return {path: times for path, (times, *_) in _found(file, content).items()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "statement.xml"


def test_each_kind_is_told_once_with_its_number_and_its_first_place(file: Path) -> None:
    read, unread = "<Refs><EndToEndId>E-1</EndToEndId></Refs>", "<LclCode>7</LclCode>"
    content = _camt(_entry(read) + _entry(read + unread) * 40, "<OwnStmtInf>Anything</OwnStmtInf>")
    first = f"{_PLACE}[1]/Ntry[2]/NtryDtls/TxDtls/LclCode"
    assert _found(file, content) == {
        f"{_PLACE}/OwnStmtInf": (1, f"{_PLACE}[1]/OwnStmtInf", 1),
        f"{_DETAILS}/LclCode": (40, first, 3),
    }


def test_who_stands_on_our_side_is_unread_whatever_was_read_before(file: Path) -> None:
    sides = "<RltdPties><Dbtr><Nm>Customer 017</Nm></Dbtr><Cdtr><Nm>Company 1</Nm></Cdtr></RltdPties>"
    found = _found(file, _camt(_entry(sides, "DBIT") + _entry(sides) * 2))
    assert {path: count for path, (count, *_) in found.items()} == {
        f"{_DETAILS}/RltdPties/Dbtr/Nm": 1,
        f"{_DETAILS}/RltdPties/Cdtr/Nm": 2,
    }


def test_of_blocks_in_blocks_only_what_is_unread_is_told(file: Path) -> None:
    charges = (
        "<Chrgs><Rcrd><Amt Ccy='EUR'>0.10</Amt><CdtDbtInd>DBIT</CdtDbtInd><Tax><Rate>19</Rate></Tax></Rcrd>"
        "<Rcrd><Amt Ccy='EUR'>0.20</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs>"
    )
    assert set(_found(file, _camt(_entry(charges)))) == {f"{_DETAILS}/Chrgs/Rcrd/Tax/Rate"}


def test_kinds_are_told_up_to_a_bound(file: Path) -> None:
    many = "".join(f"<Own{number}>x</Own{number}>" for number in range(500))
    assert len(_found(file, _camt(_entry(many)))) == 100


def test_a_conversion_says_what_no_field_took(file: Path, tmp_path: Path) -> None:
    file.write_text(_camt(_entry("<LclCode>7</LclCode>") * 2), encoding="utf-8")
    done = typed("convert", str(file), "--to", "csv", "--out", str(tmp_path / "statement.csv"))
    assert done.exit_code == 1
    first = f"{_PLACE}[1]/Ntry[1]/NtryDtls/TxDtls/LclCode, line 2: "
    assert f"{first}No field takes this, nor 1 more of its kind. It is not in the result." in done.stderr


_OWN = "<LclCode>7</LclCode>"
_APP = "<AppHdr><Fr><FIId><FinInstnId><BICFI>BANKDEFF</BICFI></FinInstnId></FIId></Fr><Lcl>1</Lcl></AppHdr>"


def _pain(inside: str) -> str:
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn><GrpHdr><MsgId>M-1</MsgId>'
        f"<NbOfTxs>2</NbOfTxs></GrpHdr>{inside}</CstmrCdtTrfInitn></Document>"
    )


def _transfer(more: str = "", amount: str = "1.00") -> str:
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>E-1</EndToEndId></PmtId><Amt><InstdAmt Ccy='EUR'>{amount}</InstdAmt></Amt>"
        f"<Cdtr><Nm>Supplier 017</Nm></Cdtr>{more}</CdtTrfTxInf>"
    )


def test_of_payments_their_groups_and_the_message_what_is_unread_is_told(file: Path) -> None:
    payments = _transfer() + _transfer(_OWN) * 2
    groups = f"<PmtInf><PmtInfId>P</PmtInfId><Dbtr><Nm>Company 1</Nm></Dbtr>{_OWN}{payments}</PmtInf>"
    found = _found(file, _pain(groups * 2 + "<SplmtryData>x</SplmtryData>"))
    group = "/Document/CstmrCdtTrfInitn/PmtInf"
    assert found == {
        f"{group}/CdtTrfTxInf/LclCode": (4, f"{group}[1]/CdtTrfTxInf[2]/LclCode", 1),
        f"{group}/LclCode": (2, f"{group}[1]/LclCode", 1),
        "/Document/CstmrCdtTrfInitn/SplmtryData": (1, "/Document/CstmrCdtTrfInitn/SplmtryData", 1),
    }


def test_of_a_payment_that_is_rejected_nothing_is_told_beside(file: Path) -> None:
    assert _counts(file, _pain(f"<PmtInf>{_transfer(_OWN, amount='x') + _transfer()}</PmtInf>")) == {}


def test_headers_around_a_message_and_a_networks_own_elements_are_told_too(file: Path) -> None:
    own = f"<Net><Tech><Mark>1</Mark></Tech><Msg>{_APP}{{}}</Msg></Net>"
    expected = {"/Net/Tech/Mark": 1, "/Net/Msg/AppHdr/Lcl": 1}
    document = _pain(f"<PmtInf>{_transfer(_OWN)}</PmtInf>")
    payment = "/Net/Msg/Document/CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/LclCode"
    assert _counts(file, own.format(document)) == {**expected, payment: 1}
    entry = "/Net/Msg/Document/BkToCstmrStmt/Stmt/Ntry/NtryDtls/TxDtls/LclCode"
    assert _counts(file, own.format(_camt(_entry(_OWN)))) == {**expected, entry: 1}


@pytest.mark.parametrize("told_as", [lambda inside: f"<![CDATA[{inside}]]>", escape])
def test_messages_as_text_in_another_document_are_told_too(file: Path, told_as: Callable[[str], str]) -> None:
    documents = (_pain(f"<PmtInf>{_transfer(_OWN)}</PmtInf>"), _camt(_entry(_OWN)))
    bodies = "".join(f"<Body>{told_as(document)}</Body>" for document in documents)
    assert _counts(file, f"<Batch>{bodies}</Batch>") == {
        "/Document/CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/LclCode": 1,
        f"{_DETAILS}/LclCode": 1,
    }


def test_a_status_that_group_and_message_both_tell_is_unread_where_neither_reads_it(file: Path) -> None:
    content = (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10"><FIToFIPmtStsRpt><GrpHdr><MsgId>M</MsgId>'
        "</GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>O</OrgnlMsgId><OrgnlMsgNmId>pacs.008</OrgnlMsgNmId>"
        f"<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>{_OWN}</OrgnlGrpInfAndSts>"
        f"<TxInfAndSts><OrgnlEndToEndId>E</OrgnlEndToEndId><TxSts>RJCT</TxSts>{_OWN}</TxInfAndSts>"
        "</FIToFIPmtStsRpt></Document>"
    )
    report = "/Document/FIToFIPmtStsRpt"
    assert _counts(file, content) == {f"{report}/TxInfAndSts/LclCode": 1, f"{report}/OrgnlGrpInfAndSts/LclCode": 1}


def test_of_a_message_that_is_told_at_its_end_what_its_payments_read_of_it_is_read(file: Path) -> None:
    content = (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.026.001.07"><UblToApply><Assgnmt><Id>A</Id></Assgnmt>'
        "<Undrlyg><IntrBk><OrgnlTxId>T</OrgnlTxId><OrgnlIntrBkSttlmAmt Ccy='EUR'>1.00</OrgnlIntrBkSttlmAmt>"
        "</IntrBk></Undrlyg><Justfn><PssblDplctInstr>true</PssblDplctInstr></Justfn></UblToApply></Document>"
    )
    assert _counts(file, content) == {}


def test_pieces_that_differ_without_end_are_added_up_and_none_is_lost() -> None:
    entries = "".join(
        _entry(f"<Own{number % 90}>x</Own{number % 90}>" + "<A>1</A>" * (number // 90)) for number in range(12_000)
    )
    times = {found.path: found.times for found in unread_of_camt([_camt(entries).encode()])}
    assert times[f"{_DETAILS}/Own7"] == len([number for number in range(12_000) if number % 90 == 7])


def test_what_only_repeats_its_neighbour_is_not_told_and_what_differs_is(file: Path) -> None:
    """Nearly every bank says the amount of the transaction twice, and of a creditor reference that it is one."""
    details = (
        '<Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><AmtDtls>'
        '<TxAmt><Amt Ccy="EUR">1.00</Amt></TxAmt></AmtDtls>'
        "<RmtInf><Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>RF18539007547034</Ref></CdtrRefInf>"
        "</Strd></RmtInf>"
    )
    assert _counts(file, _camt(_entry(details))) == {}
    other = details.replace('<TxAmt><Amt Ccy="EUR">1.00', '<TxAmt><Amt Ccy="EUR">1.20').replace("SCOR", "RADM")
    assert _counts(file, _camt(_entry(details) + _entry(other))) == {
        f"{_DETAILS}/AmtDtls/TxAmt/Amt": 1,
        f"{_DETAILS}/RmtInf/Strd/CdtrRefInf/Tp/CdOrPrtry/Cd": 1,
    }
