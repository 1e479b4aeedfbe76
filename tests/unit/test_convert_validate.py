"""`nostro convert` and `nostro validate`: other formats, and what is wrong with a file."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nostro.formats.writing import WRITERS
from nostro.runtime.cli_app import build
from tests.golden.pairs import FOLDER
from tests.unit.test_einvoice_rules import CII, UBL
from tests.unit.test_parse import COFFEE, STATEMENT

MT940 = """:20:STARTUMS
:25:37040044/0532013000
:28C:00244/001
:60F:C260830EUR100,00
:61:2608310831C2,50NTRFE-1//SV-1
:86:166?00GUTSCHRIFT?20INV/2026/00012?32CUSTOMER 017
:62F:C260831EUR102,50
-
"""
PAYMENT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn><GrpHdr>
<MsgId>M1</MsgId>
<CreDtTm>2026-11-27T10:00:00Z</CreDtTm><NbOfTxs>1</NbOfTxs><CtrlSum>10.00</CtrlSum>
<InitgPty><Nm>Company 1</Nm></InitgPty></GrpHdr><PmtInf><PmtInfId>P1</PmtInfId><PmtMtd>TRF</PmtMtd>
<NbOfTxs>1</NbOfTxs><CtrlSum>10.00</CtrlSum>
<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf><ReqdExctnDt><Dt>2026-11-30</Dt></ReqdExctnDt><Dbtr>
<Nm>Company 1</Nm></Dbtr>
<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>COBADEFFXXX</BICFI>
</FinInstnId>
</DbtrAgt><ChrgBr>SLEV</ChrgBr>
<CdtTrfTxInf><PmtId><EndToEndId>E-1</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">10.00
</InstdAmt></Amt><Cdtr><Nm>Supplier 017</Nm>%s</Cdtr><CdtrAcct><Id><IBAN>FR1420041010050500013M02606</IBAN></Id>
</CdtrAcct></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>"""
LINES = "<PstlAdr><AdrLine>Rue Une 1</AdrLine><AdrLine>75001 Paris</AdrLine></PstlAdr>"
FIELDS = "<PstlAdr><TwnNm>Paris</TwnNm><Ctry>FR</Ctry></PstlAdr>"


def typed(command: str, *words: str) -> Result:
    return CliRunner().invoke(build(command), [command, *words])


@pytest.fixture
def statement(tmp_path: Path) -> Path:
    file = tmp_path / "statement.sta"
    file.write_text(MT940, encoding="ascii")
    return file


def test_a_statement_of_swift_becomes_camt_and_comes_back(statement: Path, tmp_path: Path) -> None:
    camt, again = tmp_path / "statement.xml", tmp_path / "again.sta"
    assert typed("convert", str(statement), "--to", "camt.053", "--out", str(camt)).exit_code == 0
    back = typed("convert", str(camt), "--to", "mt940", "--out", str(again))
    assert back.exit_code == 1
    assert "bank_transaction_code was cut: 4 signs are missing" in back.stderr
    told = [json.loads(typed("parse", str(file)).stdout) for file in (statement, camt, again)]
    for one in told:
        assert (one["opening"]["amount"]["value"], one["closing"]["amount"]["value"]) == ("100.00", "102.50")
        [entry] = one["entries"]
        assert (entry["amount"]["value"], entry["direction"], entry["booking_date"]) == ("2.50", "credit", "2026-08-31")
        assert entry["references"]["account_servicer"] == "SV-1"
        assert "INV/2026/00012" in entry["remittance"]


def test_standard_input_is_read_as_often_as_a_file_is() -> None:
    run = CliRunner()
    done = run.invoke(build("convert"), ["convert", "-", "--to", "camt.053"], input=MT940)
    assert (done.exit_code, done.stdout.count("<Ntry>"), "<Cd>CLBD</Cd>" in done.stdout) == (0, 1, True)
    bad = run.invoke(build("validate"), ["validate", "-"], input=(PAYMENT % FIELDS).replace("<NbOfTxs>1", "<NbOfTxs>2"))
    assert (bad.exit_code, "NbOfTxs" in bad.stdout) == (1, True)
    assert run.invoke(build("validate"), ["validate", "-"], input=PAYMENT % FIELDS).exit_code == 0


@pytest.mark.parametrize("to", ["camt.053", "camt.054", "csv"])
def test_that_the_source_may_lack_entries_is_said(statement: Path, to: str) -> None:
    """It breaks off between two lines, so that nothing of it is broken, and nothing that was read is lost."""
    whole = typed("convert", str(statement), "--to", to)
    assert "entries may be missing" not in whole.stderr
    statement.write_text(MT940.partition(":62F:")[0], encoding="ascii")
    cut = typed("convert", str(statement), "--to", to)
    assert (cut.exit_code, "2.50" in cut.stdout) == (1, True)
    assert "MT940[1], line 1: no closing balance is told (closing): entries may be missing" in cut.stderr
    statement.write_text(MT940.replace("102,50", "107,50"), encoding="ascii")
    told = typed("convert", str(statement), "--to", to)
    assert "the entries lead to 102.50, told is 107.50" in told.stderr


def test_that_a_report_ends_without_its_trailers_is_said(tmp_path: Path) -> None:
    """What is read of it is an account with its trailer; the accounts behind it are gone."""
    report = tmp_path / "report.bai"
    top = "01,BANK,HOUSE,260831,1830,F17,80,,2/\n02,HOUSE,021000021,1,260831,2359,USD,2/\n"
    account = "03,1,USD,010,1000,,/\n16,195,12500,,,,/\n49,13500,3/\n"
    whole = "98,13500,1,5/\n99,13500,1,7/\n"
    report.write_text(top + account + whole, encoding="ascii")
    assert "entries may be missing" not in typed("convert", str(report), "--to", "csv").stderr
    report.write_text(top + account, encoding="ascii")
    assert (
        "without its trailers (98, 99) (file): entries may be missing"
        in typed("convert", str(report), "--to", "csv").stderr
    )


def test_a_table_is_asked_for_its_profile_with_the_option_that_takes_it(tmp_path: Path) -> None:
    """`convert --profile` is the bank's."""
    table, own = tmp_path / "export.csv", tmp_path / "own.yaml"
    table.write_text("Date,Amount\n2026-08-31,12.00\n", encoding="ascii")
    asked = typed("convert", str(table), "--to", "camt.054", "--with", "account=0532013000")
    assert (asked.exit_code, "name it with --table FILE" in asked.stderr) == (2, True)
    assert "--profile" not in asked.stderr
    assert "name it with --profile FILE" in typed("parse", str(table)).stderr
    own.write_text(f"{asked.stderr.partition('columns:')[1]}{asked.stderr.partition('columns:')[2]}currency: EUR\n")
    done = typed("convert", str(table), "--to", "camt.054", "--with", "account=0532013000", "--table", str(own))
    assert "12.00" in done.stdout


def test_what_is_refused_half_way_leaves_nothing_behind(statement: Path, tmp_path: Path) -> None:
    statement.write_text(MT940.replace(":62F:C260831EUR102,50", ":62F:C260831EUR102,00"), encoding="ascii")
    place = tmp_path / "out"
    place.mkdir()
    refused = typed("convert", str(statement), "--to", "mt940", "--out", str(place / "again.sta"))
    assert (refused.exit_code, list(place.iterdir())) == (2, [])
    assert "62F" in refused.stderr
    assert typed("convert", str(statement), "--to", "mt940").stdout == ""


def test_what_cannot_be_carried_is_said_and_the_exit_code_is_one(tmp_path: Path) -> None:
    file = tmp_path / "statement.xml"
    file.write_text(STATEMENT % (COFFEE + COFFEE.replace("2.50", "2,50")), encoding="utf-8")
    done = typed("convert", str(file), "--to", "csv")
    assert done.exit_code == 1
    assert "it is not in the result" in done.stderr
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.parametrize("to", sorted(set(WRITERS) - {"camt.052", "camt.053", "camt.054", "csv", "mt940"}))
def test_a_statement_is_no_payment_and_no_invoice(statement: Path, to: str) -> None:
    done = typed("convert", str(statement), "--to", to)
    assert (done.exit_code, done.stdout) == (2, "")


def test_an_unknown_format_is_answered_with_those_that_there_are(statement: Path) -> None:
    done = typed("convert", str(statement), "--to", "nothing")
    assert done.exit_code == 2
    assert "camt.053" in done.stderr


def test_a_payment_file_is_written_in_another_version(tmp_path: Path) -> None:
    file = tmp_path / "payments.xml"
    file.write_text(PAYMENT % FIELDS, encoding="utf-8")
    done = typed("convert", str(file), "--to", "pain.001.001.03", "--profile", "sepa")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "pain.001.001.03" in done.stdout
    assert "<EndToEndId>E-1</EndToEndId>" in done.stdout


def test_an_address_in_lines_is_refused_from_the_day_on_which_its_scheme_refuses_it(tmp_path: Path) -> None:
    file = tmp_path / "payments.xml"
    file.write_text(PAYMENT % LINES, encoding="utf-8")
    before = typed("validate", str(file), "--profile", "sepa", "--on", "2026-11-13")
    after = typed("validate", str(file), "--profile", "sepa", "--on", "2026-11-16", "--json")
    assert before.exit_code == 0
    assert after.exit_code == 1
    found = [json.loads(line) for line in after.stdout.splitlines()]
    assert any("creditor.address" in one["where"] and one["remedy"] for one in found)
    assert all("Rue Une" not in one["sentence"] for one in found)


def test_a_profile_is_held_against_payments_and_not_against_what_takes_them_back(tmp_path: Path) -> None:
    payments, cancellation = tmp_path / "payments.xml", tmp_path / "cancellation.xml"
    payments.write_text(PAYMENT % FIELDS, encoding="utf-8")
    typed("convert", str(payments), "--to", "camt.055", "--with", "reason=DUPL", "--out", str(cancellation))
    done = typed("validate", str(cancellation), "--profile", "sepa")
    assert (done.exit_code, done.stdout) == (0, "")


def test_sums_and_what_cannot_be_read_are_findings_with_place_and_remedy(tmp_path: Path) -> None:
    file = tmp_path / "statement.xml"
    file.write_text(STATEMENT % (COFFEE + COFFEE.replace("2.50", "2,50")), encoding="utf-8")
    done = typed("validate", str(file), "--json")
    found = {one["rule"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert done.exit_code == 1
    assert set(found) == {"balance", "readable"}
    assert found["readable"]["where"].endswith("Stmt[1]/Ntry[2]")
    assert all(one["remedy"] for one in found.values())


def test_a_file_that_nobody_knows_is_a_finding_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "hello.txt"
    file.write_text("hello", encoding="ascii")
    assert typed("validate", str(file)).exit_code == 2


def test_every_finding_has_a_remedy_and_a_broken_invoice_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(MT940.encode())[:-9])
    bare = FOLDER / "formats" / "read" / "ubl" / "before_en16931.xml"
    (tmp_path / "prefixes.xml").write_bytes(bare.read_bytes())
    (tmp_path / "short.xml").write_bytes(UBL[:-40])
    told = typed("validate", str(tmp_path), str(tmp_path / "nowhere"), "--json")
    found = [json.loads(line) for line in told.stdout.splitlines()]
    assert all(one["remedy"] for one in found)
    assert sum(one["file"].endswith("short.xml") for one in found) == 1
    broken = [one["sentence"] for one in found if one["file"].endswith("prefixes.xml") and one["rule"] == "readable"]
    assert [sentence.partition(":")[0] for sentence in broken] == ["No rule can be tried"]


def test_a_folder_is_converted_file_by_file(tmp_path: Path) -> None:
    done = typed("convert", str(tmp_path), "--to", "camt.053")
    assert (done.exit_code, "it is a folder" in done.stderr) == (2, True)


@pytest.mark.parametrize("words", [("--on", "tomorrow"), ("--profile", "nobody")])
def test_what_is_no_day_and_no_profile_is_refused(statement: Path, words: tuple[str, str]) -> None:
    assert typed("validate", str(statement), *words).exit_code == 2


@pytest.mark.parametrize(
    "words, meant",
    [
        (("convert", "-", "--to", "camt053"), "camt.053"),
        (("convert", "-", "--to", "MT-940"), "mt940"),
        (("convert", "-", "--to", "mt940", "--with", "reaso=x"), "reason"),
        (("validate", "-", "--profile", "sepaa"), "sepa"),
        (("parse", "--schema", "Statment"), "statement"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_near_one(words: tuple[str, ...], meant: str) -> None:
    told = typed(*words)
    assert told.exit_code == 2
    assert f"Did you mean {meant}? There are: " in told.stderr


def test_a_result_takes_its_place_whole_or_not_at_all(statement: Path, tmp_path: Path) -> None:
    place = tmp_path / "out"
    place.mkdir()
    (place / "before.xml").write_text("before")
    refused = typed("convert", str(statement), "--to", "camt.053", "--out", str(place / "none" / "taken.xml"))
    assert (refused.exit_code, "What was there before is whole." in refused.stderr) == (1, True)
    assert typed("convert", str(statement), "--to", "camt.053", "--out", str(place / "before.xml")).exit_code == 0
    assert (place / "before.xml").read_text().startswith("<?xml")
    assert sorted(path.name for path in place.iterdir()) == ["before.xml"]


def test_a_folder_without_files_is_not_called_right(tmp_path: Path) -> None:
    assert typed("validate", str(tmp_path)).stderr == f"There is no file in {tmp_path}.\n"


OWN = """extends: sepa
title: House bank
hybrid: true
batch_bookings: [true]
payments_per_file: 2
largest_file: 20
cut_off: 14:30
time_zone: Europe/Berlin
file_name: "CT-{day}-{message_id}.xml"
"""


@pytest.fixture
def payments(tmp_path: Path) -> Path:
    file = tmp_path / "payments.xml"
    file.write_text((PAYMENT % FIELDS).replace("2026-11-30", "2099-11-30"), encoding="utf-8")
    return file


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "house-bank.yaml"
    file.write_text(OWN)
    return file


def test_a_banks_own_profile_names_the_file_and_never_takes_the_place_of_another(
    payments: Path, own: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    order = ("convert", str(payments), "--to", "pain.001", "--profile", str(own), "--out", str(folder))
    done = typed(*order)
    assert (done.exit_code, done.stderr) == (0, "")
    [made] = folder.iterdir()
    assert re.fullmatch(r"CT-\d{8}-M1\.xml", made.name)
    again = typed(*order)
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    "told, rule", [
        (OWN, "cut_off"), (OWN.replace("[true]", "[false]"), "batch_booking"),
        (OWN.replace("file: 20", "file: 9.99"), "largest_file"),
        (OWN.replace("file: 2\n", "file: 0\n"), "payments_per_file"),
    ],
)  # fmt: skip
def test_what_breaks_a_banks_own_profile_is_found_and_refused_whatever_is_written(
    payments: Path, own: Path, told: str, rule: str
) -> None:
    own.write_text(told)
    day = "2026-11-02" if rule == "cut_off" else "2099-11-30"
    text = (PAYMENT % FIELDS).replace("2026-11-30", day).replace("<PmtTpInf>", "<BtchBookg>true</BtchBookg><PmtTpInf>")
    payments.write_text(text)
    found = typed("validate", str(payments), "--profile", str(own), "--json")
    assert found.exit_code == 1
    assert [json.loads(line)["rule"] for line in found.stdout.splitlines() if "house-bank" in line] == [
        f"house-bank: {rule}"
    ]
    for to in ("pain.001", "mt101", "bacs-18"):
        refused = typed(
            "convert",
            str(payments),
            "--to",
            to,
            "--profile",
            str(own),
            "--with",
            "serial=ABC123",
            "--with",
            "user=123456",
        )
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "payment 1" in refused.stderr


@pytest.mark.parametrize("profile", ["sepa", "cbpr"])
def test_an_mt101_that_a_profile_let_pass_keeps_that_profile(payments: Path, profile: str, tmp_path: Path) -> None:
    text = (PAYMENT % FIELDS).replace(
        "<Cdtr>", "<CdtrAgt><FinInstnId><BICFI>PSSTFRPPXXX</BICFI></FinInstnId></CdtrAgt><Cdtr>"
    )  # fmt: skip
    if profile == "cbpr":
        text = text.replace("<Cd>SEPA</Cd>", "<Cd>NURG</Cd>").replace("SLEV", "SHAR")
    payments.write_text(text)
    order = tmp_path / "order.fin"
    done = typed("convert", str(payments), "--to", "mt101", "--profile", profile, "--out", str(order))
    assert "refuse" not in done.stderr
    found = typed("validate", str(order), "--profile", profile)
    assert (found.exit_code, found.stdout) == (0, "")


@pytest.mark.parametrize(
    "told, said", [
        ("extends: nothing", "There is no profile 'nothing'"), ("lengths: 7", "lengths"), ("- a", "holds no fields"),
        ("cut_off: 14:30", "time zone"), ("cut_off: noon", "14:30"), ("file_name: '{who}.xml'", "{message_id}"),
        ("file_name: '../{kind}'", "not a folder"), ("colour: red", "colour"), ("letters: '['", "letters"),
    ],
)  # fmt: skip
def test_a_profile_that_says_nonsense_is_refused_with_the_field(
    payments: Path, own: Path, told: str, said: str
) -> None:
    own.write_text(told)
    refused = typed("validate", str(payments), "--profile", str(own))
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr


def test_what_does_not_hold_in_a_qr_bill_is_told_with_a_remedy() -> None:
    """`checks` beside a bill are no use to whoever asks whether it is right."""
    bills = Path(__file__).parents[1] / "golden" / "formats" / "read" / "qr_bill"
    told = typed("validate", str(bills / "what_does_not_hold.txt"))
    assert told.exit_code == 1
    assert "error reference: the reference is no QRR reference" in told.stdout
    assert "ask the creditor for a right one" in told.stdout
    assert typed("validate", str(bills / "bill.txt")).exit_code == 0


def test_an_invoice_of_two_payment_terms_names_the_profile_that_takes_them(tmp_path: Path) -> None:
    terms = "<ram:SpecifiedTradePaymentTerms>"
    half = f"{terms}<ram:Description>Half at once</ram:Description></ram:SpecifiedTradePaymentTerms>"
    file = tmp_path / "invoice.xml"
    file.write_bytes(CII.replace(terms.encode(), f"{half}{terms}".encode(), 1))
    refused = typed("convert", str(file), "--to", "cii")
    assert (refused.exit_code, refused.stdout) == (2, "")
    named = re.search(r"--with (specification=\S+[a-z])", refused.stderr)
    assert named is not None
    done = typed("convert", str(file), "--to", "cii", "--with", named[1])
    assert (done.exit_code, done.stdout.count(terms)) == (0, 2)
