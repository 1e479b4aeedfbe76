"""`nostro parse`: one JSON object a line, rejects with their place, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nostro.formats.kinds import SCHEMAS
from nostro.runtime.cli_app import build

STATEMENT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr>
<MsgId>M1</MsgId><CreDtTm>2026-08-31T18:00:00</CreDtTm></GrpHdr><Stmt><Id>S-244</Id><ElctrncSeqNb>244</ElctrncSeqNb>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-08-31</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">105.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-08-31</Dt></Dt></Bal>%s</Stmt></BkToCstmrStmt></Document>"""
COFFEE = """<Ntry><Amt Ccy="EUR">2.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-08-31</Dt></BookgDt><NtryDtls><TxDtls><Refs><EndToEndId>E-1</EndToEndId></Refs><RltdPties><Dbtr><Pty>
<Nm>Customer 017</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>CH9300762011623852957</IBAN></Id></DbtrAcct></RltdPties>
<RmtInf><Ustrd>INV/2026/00012</Ustrd><Ustrd>thanks</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""


def typed(*words: str, given: bytes = b"") -> tuple[int, list[dict[str, Any]], str]:
    done = CliRunner().invoke(build("parse"), ["parse", *words], input=given)
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_a_statement_is_one_object_with_its_entries_and_checks(tmp_path: Path) -> None:
    file = tmp_path / "statement.xml"
    file.write_text(STATEMENT % (COFFEE * 2), encoding="utf-8")
    code, [told], errors = typed(str(file))
    assert (code, errors) == (0, "")
    SCHEMAS["statement"].model_validate(told)
    assert (told["kind"], told["statement_id"], told["format"]) == ("statement", "S-244", "camt.053.001.08")
    assert told["bank_account"]["iban"] == "DE89370400440532013000"
    assert told["opening"] == {
        "code": "OPBD",
        "amount": {"value": "100.00", "currency": "EUR"},
        "date": "2026-08-31",
    }
    assert told["closing"]["amount"]["value"] == "105.00"
    first, second = told["entries"]
    assert first["amount"] == {"value": "2.50", "currency": "EUR"}
    assert (first["direction"], first["status"], first["booking_date"]) == ("credit", "booked", "2026-08-31")
    assert first["references"]["end_to_end"] == "E-1"
    assert first["counterparty"]["bank_account"]["iban"] == "CH9300762011623852957"
    assert first["remittance"] == "INV/2026/00012 thanks"
    assert first["source"]["file"] == str(file)
    assert first["entry_id"] != second["entry_id"]
    assert [check["ok"] for check in told["checks"]] == [True]


def test_a_re_export_tells_the_same_ids(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(STATEMENT % (COFFEE * 2), encoding="utf-8")
    again = (STATEMENT % (COFFEE * 2)).replace("S-244", "S-again")
    (tmp_path / "b.xml").write_text(again, encoding="utf-8")
    _, told, _ = typed(str(tmp_path))
    assert len(told) == 2
    one, other = ([entry["entry_id"] for entry in each["entries"]] for each in told)
    assert one == other


def test_what_cannot_be_read_is_told_with_its_place_and_the_rest_is_kept() -> None:
    broken = COFFEE.replace("2.50", "2,50")
    code, [told], errors = typed("-", given=(STATEMENT % (COFFEE + broken)).encode())
    assert (code, len(told["entries"]), told["rejected"]) == (1, 1, 1)
    assert "Stmt[1]/Ntry[2]" in errors
    code, [told, reject], errors = typed("-", "--rejects", given=(STATEMENT % (COFFEE + broken)).encode())
    assert (code, errors) == (1, "")
    assert (reject["kind"], reject["source"]["where"]) == ("reject", "/Document/BkToCstmrStmt/Stmt[1]/Ntry[2]")
    SCHEMAS["reject"].model_validate(reject)


def test_a_document_that_is_cut_off_says_so() -> None:
    whole = (STATEMENT % (COFFEE * 2)).encode()
    code, [told], errors = typed("-", given=whole[: whole.rindex(b"<Ntry>") + 20])
    assert (code, len(told["entries"])) == (1, 1)
    assert [(check["name"], check["ok"]) for check in told["checks"]] == [("whole", False)]
    assert "breaks off" in errors


@pytest.mark.parametrize("given", [b"", b"hello", b"\x00\x01\x02", b"<html/>"])
def test_what_is_no_file_that_we_know_ends_with_two(given: bytes) -> None:
    code, told, errors = typed("-", given=given)
    assert (code, told) == (2, [])
    assert "no file that Nostro knows" in errors


def test_the_summary_is_a_table_to_hold_against_the_banks_portal(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(STATEMENT % (COFFEE * 2), encoding="utf-8")
    done = CliRunner().invoke(build("parse"), ["parse", str(tmp_path / "a.xml"), "--summary"])
    assert done.exit_code == 0
    for told in ("S-244", "100.00 EUR", "5.00 EUR", "105.00 EUR"):
        assert told in done.stdout


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_every_kind_has_a_json_schema(kind: str) -> None:
    done = CliRunner().invoke(build("parse"), ["parse", "--schema", kind])
    assert json.loads(done.stdout)["type"] == "object"


def test_an_unknown_kind_is_answered_with_those_that_there_are() -> None:
    code, _, errors = typed("--schema", "nothing")
    assert code == 2
    assert "statement" in errors
