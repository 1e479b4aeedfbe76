"""`nostro validate` as people use it: archives, envelopes, folders, and how many findings there are."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from tests.unit.test_convert_validate import FIELDS, PAYMENT, typed

GOOD = PAYMENT % FIELDS
BROKEN = GOOD.replace("<PmtMtd>TRF", "<PmtMtd>XXX")
ENVELOPE = "<Envelope>%s</Envelope>"


def packed(folder: Path, how: str, content: str) -> Path:
    path = folder / f"payments.{how}"
    if how == "zip":
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("other.xml", GOOD.replace("M1", "M2"))
            made.writestr("payments.xml", content)
    else:
        path.write_bytes(gzip.compress(content.encode()) if how == "gz" else content.encode())
    return path


@pytest.mark.parametrize("how", ["xml", "gz", "zip"])
def test_what_is_packed_is_held_against_its_schema_as_what_is_not(tmp_path: Path, how: str) -> None:
    assert typed("validate", str(packed(tmp_path, how, GOOD))).exit_code == 0
    done = typed("validate", str(packed(tmp_path, how, BROKEN)), "--json")
    [found] = map(json.loads, done.stdout.splitlines())
    assert (done.exit_code, found["rule"], found["where"]) == (1, "schema", "PmtInf[1]/CdtTrfTxInf[1]")


def test_an_envelope_is_no_break_of_the_schema_of_what_is_in_it(tmp_path: Path) -> None:
    assert typed("validate", str(packed(tmp_path, "xml", ENVELOPE % GOOD))).exit_code == 0
    done = typed("validate", str(packed(tmp_path, "xml", ENVELOPE % BROKEN)), "--json")
    [found] = map(json.loads, done.stdout.splitlines())
    assert (done.exit_code, found["rule"], found["line"]) == (1, "schema", 4)


def test_a_national_flavour_is_not_held_against_a_schema_that_is_not_its_own(tmp_path: Path) -> None:
    flavour = GOOD.replace("urn:iso:std:iso:20022:tech:xsd:pain.001.001.09", "http://bank/pain.001.001.09.ch.03.xsd")
    done = typed("validate", str(packed(tmp_path, "xml", flavour)), "--json")
    [found] = map(json.loads, done.stdout.splitlines())
    assert (done.exit_code, found["severity"], "not held against a schema" in found["sentence"]) == (0, "warning", True)
    assert "beside 1 warning" in typed("validate", str(tmp_path)).stderr


def test_letters_that_only_a_new_file_would_replace_are_told(tmp_path: Path) -> None:
    said = GOOD.replace("Supplier 017", "Müller 017")
    assert said != GOOD
    done = typed("validate", str(packed(tmp_path, "xml", said)), "--profile", "sepa", "--json")
    [found] = [one for one in map(json.loads, done.stdout.splitlines()) if one["rule"] == "sepa: letters"]
    assert (found["severity"], found["where"].split()[-1]) == ("warning", "creditor.name")
    done = typed("validate", str(packed(tmp_path, "xml", GOOD)), "--profile", "sepa", "--json")
    assert "letters" not in done.stdout


def test_a_summary_counts_by_file_and_rule_and_keeps_the_exit_code(tmp_path: Path) -> None:
    packed(tmp_path, "xml", GOOD)
    packed(tmp_path, "gz", BROKEN.replace("<NbOfTxs>1", "<NbOfTxs>2"))
    done = typed("validate", str(tmp_path), "--summary", "--json")
    counted = {Path(one["file"]).name: one for one in map(json.loads, done.stdout.splitlines())}
    assert done.exit_code == 1
    assert (counted["payments.xml"]["errors"], counted["payments.xml"]["rules"]) == (0, {})
    assert counted["payments.gz"]["rules"] == {"NbOfTxs": 2, "schema": 1}
    told = typed("validate", str(tmp_path), "--summary")
    assert "2 files, 1 of them with errors: 3 errors, 0 warnings." in told.stderr
    assert "NbOfTxs 2, schema 1" in told.stdout


def test_every_finding_has_a_remedy(shared: Path) -> None:
    done = typed("validate", str(shared / "data" / "bank" / "mt940"), str(shared / "data" / "bank" / "ofx"), "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) > 50
    assert [one for one in found if not one["remedy"]] == []


def test_a_table_that_nobody_explained_is_answered_with_the_option_that_explains_it(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("01/02/2026;5,00;a\n03/04/2026;6,00;b\n")
    done = typed("validate", str(table))
    assert (done.exit_code, "--table" in done.stdout, "nostro parse" in done.stdout) == (2, True, True)
