"""`nostro parse`: one JSON object a line, rejects with their place, exit codes."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from shlex import quote
from subprocess import DEVNULL, PIPE, run
from typing import Any
from zipfile import ZipFile

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


def test_a_pattern_that_no_shell_expanded_names_its_files(tmp_path: Path) -> None:
    for name in ("b.xml", "a.xml", "c.txt", "[d].xml"):
        (tmp_path / name).write_text(STATEMENT % "", encoding="utf-8")
    code, told, _ = typed(str(tmp_path / "?.xml"))
    assert (code, [Path(one["source"]["file"]).name for one in told]) == (0, ["a.xml", "b.xml"])
    code, told, _ = typed(str(tmp_path / "[d].xml"))
    assert (code, len(told)) == (0, 1)
    code, told, errors = typed(str(tmp_path / "*.sta"))
    assert (code, told) == (2, [])
    assert "*.sta" in errors


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
        "source": {"where": "/Document/BkToCstmrStmt/Stmt[1]/Bal[1]", "line": 4},
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


WIDE = {"COLUMNS": "200"}
"""A terminal in which no cell is folded."""
TOLD = """:20:S1
:25:DE89370400440532013000
:28C:244/1
:60F:C260828EUR1000,
:61:2608310831C125,NTRFNONREF
:61:2608310831D62,5NTRFNONREF
:61:2608310831D0,5NTRFNONREF
:61:2608310831EC7,NTRFNONREF
:62F:C260831EUR1062,
-
"""


def test_the_summary_has_what_a_portal_shows_of_a_day() -> None:
    done = CliRunner().invoke(build("parse"), ["parse", "-", "--summary"], input=TOLD, env=WIDE)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert rows[0][1:] == ["4", "1000.00 EUR", "125.00 EUR (1)", "63.00 EUR (2)", "62.00 EUR", "1062.00 EUR"]
    days = "2026-08-28", "", "", "", "2026-08-31"
    assert rows[1] == ["statement S1, number 244, page 1, 2026-08-28 to 2026-08-31", "", *days]
    assert [row[0] for row in rows[2:4]] == ["DE89370400440532013000", "1 future: in no sum"]


def test_the_summary_of_an_invoice_has_what_is_to_be_paid() -> None:
    invoice = Path(__file__).parents[1] / "golden" / "formats" / "written" / "invoice.ubl"
    done = CliRunner().invoke(build("parse"), ["parse", str(invoice), "--summary"], env=WIDE)
    [row] = [line for line in done.stdout.splitlines() if "│     1 │" in line]
    assert row.split("│")[-3].strip() == "108.00 EUR"


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_every_kind_has_a_json_schema(kind: str) -> None:
    done = CliRunner().invoke(build("parse"), ["parse", "--schema", kind])
    assert json.loads(done.stdout)["type"] == "object"


def test_an_instant_may_be_told_without_a_zone_and_the_schema_takes_it() -> None:
    done = CliRunner().invoke(build("parse"), ["parse", "--schema", "statement"])
    said, none = json.loads(done.stdout)["properties"]["created_at"]["anyOf"]
    assert (none["type"], "format" in said) == ("null", False)
    for told in ("2026-08-31T18:30:00", "2026-08-31T18:30:00.123456Z", "2026-08-31T18:30:00+02:00"):
        assert re.search(said["pattern"], told)
    assert not re.search(said["pattern"], "2026-08-31 18:30")
    aware = CliRunner().invoke(build("parse"), ["parse", "--schema", "cash_position"])
    assert json.loads(aware.stdout)["properties"]["as_of"]["format"] == "date-time"


def test_an_unknown_kind_is_answered_with_those_that_there_are() -> None:
    code, _, errors = typed("--schema", "nothing")
    assert code == 2
    assert "statement" in errors


def test_a_missing_file_is_named_once() -> None:
    code, told, errors = typed("nothing.xml")
    assert (code, told) == (2, [])
    assert errors.splitlines() == ["nothing.xml: It can't be read: No such file or directory."]


def test_an_empty_file_is_said_to_be_empty_and_standard_input_is_called_so() -> None:
    _, _, errors = typed("-")
    assert errors.splitlines()[0] == "standard input: This is no file that Nostro knows: it is empty."


ENVELOPED = """<Envelope xmlns="urn:swift:xsd:envelope"><AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"/>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.105.001.02"/></Envelope>"""
UBL_1 = "<Invoice xmlns='urn:sfti:documents:BasicInvoice:1:0'><ID>1</ID><IssueDate>2026-08-31</IssueDate></Invoice>"


@pytest.mark.parametrize(
    "text, says",
    [
        (ENVELOPED, "the ISO 20022 message camt.105.001.02"),
        (UBL_1, "XML that begins with Invoice of urn:sfti:documents:BasicInvoice:1:0"),
        ("<a xmlns:x='http://www.w3.org/2001/x' xmlns='urn:a:1'/>", "XML that begins with a of urn:a:1"),
        ("<html><body/></html>", "XML that begins with html"),
        ("{1:F01BANKBEBBAXXX0017000017}{2:I199DEUTDEFFXXXXN}{4:\n:20:X\n:79:A\n-}", "the SWIFT message MT199"),
    ],
)
def test_what_is_not_read_is_named_where_it_says_what_it_is(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "file").write_text(text)
    code, told, errors = typed(str(tmp_path / "file"))
    assert (code, told) == (2, [])
    assert errors.splitlines()[0].endswith(f"file: This is no file that Nostro knows: it is {says}.")


def test_the_remedy_for_unknown_files_is_told_once_however_many_there_are(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    _, _, errors = typed(str(tmp_path))
    assert errors.count("no file that Nostro knows") == 3
    assert errors.count("docs/look-up/formats.md") == 1


def test_a_folder_without_files_is_said_to_have_none_and_hidden_files_are_not_meant(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").write_bytes(b"\x00\x00")
    code, told, errors = typed(str(tmp_path))
    assert (code, told, errors) == (0, [], f"There is no file in {tmp_path}.\n")


def test_a_container_with_a_password_says_so(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "a.zip", "w") as container:
        container.writestr("a.xml", STATEMENT % COFFEE)
    whole = bytearray((tmp_path / "a.zip").read_bytes())
    whole[whole.rindex(b"PK\x01\x02") + 8] |= 1  # the bit of the central directory that says "encrypted"
    code, told, errors = typed("-", given=bytes(whole))
    assert (code, told) == (2, [])
    assert "protected by a password. Unpack it" in errors


@pytest.mark.parametrize("words", [("parse",), ("parse", "--summary"), ("--help",)])
def test_a_full_disk_under_the_output_is_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "a.xml").write_text(STATEMENT % (COFFEE * 2), encoding="utf-8")
    files = [str(tmp_path / "a.xml")] if "parse" in words else []
    with Path("/dev/full").open("wb") as full:
        done = run([sys.executable, "-m", "nostro.runtime.cli", *words, *files], stdout=full, stderr=PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"The output can't be written: No space left on device.")
    assert b"Traceback" not in done.stderr


def test_a_closed_output_and_a_reader_that_has_left_are_borne(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(STATEMENT % (COFFEE * 2_000), encoding="utf-8")
    for ending in (">&-", "| head -c 1"):
        typed_in = f"{quote(sys.executable)} -m nostro.runtime.cli parse a.xml {ending}"
        done = run(["/bin/sh", "-c", typed_in], cwd=tmp_path, stdout=DEVNULL, stderr=PIPE, check=False)
        assert done.stderr == b""


def test_a_file_whose_name_is_no_text_is_read(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/M\xe4rz.xml")).write_text(STATEMENT % COFFEE, encoding="utf-8")
    code, [told], _ = typed(str(tmp_path))
    assert (code, told["source"]["file"]) == (0, f"{tmp_path}/M\N{REPLACEMENT CHARACTER}rz.xml")


@pytest.mark.parametrize("words", ["parse -", "validate -", "convert - --to csv"])
def test_a_closed_input_is_a_file_that_cannot_be_read(words: str) -> None:
    typed_in = f"{quote(sys.executable)} -m nostro.runtime.cli {words} <&-"
    done = run(["/bin/sh", "-c", typed_in], stdout=DEVNULL, stderr=PIPE, check=False)
    assert (done.returncode, b"It can't be read: it is closed." in done.stderr) == (2, True)


def test_a_proposed_profile_says_of_which_file_it_is(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(
            "Date,Label,Amount\n2026-08-31,Coffee,2.50\n2026-08-30,Tea,3.50\n", encoding="utf-8"
        )
    _, _, errors = typed(str(tmp_path), "--rejects")
    first, second = (errors.index(f"# {tmp_path / name}\n") for name in ("one.csv", "two.csv"))
    assert first < errors.index("columns:") < second
