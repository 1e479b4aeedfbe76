"""What stands in a statement and no field takes is told: by kind, how many there are, and where the first is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


def _found(file: Path, content: str) -> dict[str, tuple[int, str, int]]:
    file.write_text(content, encoding="utf-8")
    told = [json.loads(line) for line in typed("validate", str(file), "--json").stdout.splitlines()]
    unread = [one for one in told if one["rule"] == "unread"]
    assert {one["severity"] for one in unread} <= {"warning"}
    return {
        one["sentence"].split(" is ")[0]: (int(one["sentence"].split()[-3]), one["where"], one["line"])
        for one in unread
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "statement.xml"


def test_each_kind_is_told_once_with_its_number_and_its_first_place(file: Path) -> None:
    read, unread = "<Refs><EndToEndId>E-1</EndToEndId></Refs>", "<LclCode>7</LclCode>"
    content = _camt(_entry(read) + _entry(read + unread) * 40, "<AddtlStmtInf>Anything</AddtlStmtInf>")
    first = f"{_PLACE}[1]/Ntry[2]/NtryDtls/TxDtls/LclCode"
    assert _found(file, content) == {
        f"{_PLACE}/AddtlStmtInf": (1, f"{_PLACE}[1]/AddtlStmtInf", 1),
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
    first = f"{_PLACE}[1]/Ntry[1]/NtryDtls/TxDtls/LclCode, line 2: {_DETAILS}/LclCode"
    assert f"{first} is taken by no field: 2 of them; it is not in the result." in done.stderr
