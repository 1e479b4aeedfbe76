"""Every e-invoice at hand is read whole, and says what its twin or the official test set says."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from nostro.formats.carried import lost
from nostro.formats.catalogue import recognise, tell
from nostro.formats.einvoice import check_schema, convert, validate
from nostro.formats.einvoice.cii import read_cii
from nostro.formats.einvoice.converting import _in_order
from nostro.formats.einvoice.fatturapa import write_fatturapa
from nostro.formats.einvoice.rules import _CII, _UBL, _processor
from nostro.formats.einvoice.stylesheets import lean, package_folder
from nostro.formats.einvoice.ubl import read_ubl
from nostro.formats.reading import Beginning
from nostro.formats.writing import Order
from nostro.formats.writing import written as converted
from nostro.model.failures import FormatRefused
from nostro.model.invoices import Invoice
from nostro.model.statements import Reject
from tests.unit.test_einvoice_containers import signed
from tests.unit.test_einvoice_rules import findings_in

FAMILIES = {"ubl", "cii", "fatturapa", "facturx", "p7m"}
NO_INVOICES = ("xsd", "unit_ubl", "gobl_cii/en16931")
"""Schemas, sets of rule tests (fragments of invoices), and JSON."""
VEFA = "{http://difi.no/xsd/vefa/validator/1.0}"


def folder(shared: Path) -> Path:
    return shared / "data" / "einvoice"


def invoice_files(shared: Path) -> list[Path]:
    base = folder(shared)
    return [
        path
        for path in sorted(base.rglob("*"))
        if path.is_file() and not any(part in str(path.relative_to(base)) for part in NO_INVOICES)
    ]


def read(path: Path) -> list[Invoice | Reject]:
    told = [one for document in tell(lambda: iter([path.read_bytes()])) for one in document.items]
    assert all(isinstance(one, Invoice | Reject) for one in told)
    return [one for one in told if isinstance(one, Invoice | Reject)]


def invoices(shared: Path) -> Iterator[tuple[Path, Invoice]]:
    for path in invoice_files(shared):
        for one in read(path):
            assert isinstance(one, Invoice), (path, one)
            yield path, one


def failed(told: Invoice) -> set[str]:
    return {check.name for check in told.checks if not check.ok}


def test_every_file_is_read_without_a_reject(shared: Path) -> None:
    told = list(invoices(shared))
    assert len(invoice_files(shared)) == 184
    assert len(told) == 187  # three files of FatturaPA hold two invoices each
    for path, one in told:
        assert one.number, path
        assert one.issue_date, path
        assert one.totals.payable is not None, path
        assert one.seller.name, path
        assert "readable" not in failed(one), path


def test_files_of_other_families_are_not_taken_and_ours_are(shared: Path) -> None:
    ours = set(invoice_files(shared))
    for part in ("bank", "einvoice"):
        for path in sorted((shared / "data" / part).rglob("*")):
            if not path.is_file():
                continue
            found = recognise(Beginning(path.read_bytes()[:65_536], path.name))
            assert (found is not None and found.name in FAMILIES) == (path in ours), path


def test_invoices_that_do_not_add_up_are_read_and_say_so(shared: Path) -> None:
    """Sums only: how lines come to their amounts is told too, and often not by quantity times price."""
    broken = {path.name: failed(one) - {"line"} for path, one in invoices(shared) if failed(one) - {"line"}}
    assert broken == {
        # A made-up invoice whose name says that it is wrong: amounts ten times too large, beside their sums.
        "not_validating_full_invoice_based_onTest_EeISI_300_CENfullmodel.ubl.xml": {"BR-CO-10", "BR-CO-15"},
        # The total is told without the tax of a split payment or without what is withheld.
        "IT05979361218_005.xml": {"total"},
        "IT05979361218_014.xml": {"total"},
        # The official examples sum two lines of 25.00 to 27.00.
        "IT01234567890_FPR02.xml": {"SdI 00422"},
        "IT01234567890_FPR03.xml": {"SdI 00422"},
    }


# twins: the same invoice in both syntaxes


NAMED_ONCE = frozenset({"process", "profile", "seller.trading_name", "buyer.trading_name", "references[1].name"})
"""The UBL twins of the corpus name Peppol as process and profile, repeat names, and can't name a project."""


def twins(shared: Path) -> Iterator[tuple[Path, Path]]:
    base = folder(shared)
    for path in sorted((base / "xrechnung" / "standard").glob("*_ubl.xml")):
        yield path, path.with_name(path.name.replace("_ubl", "_uncefact"))
    for path in sorted((base / "xml_rechnung" / "UBL").glob("*.ubl.xml")):
        yield path, base / "xml_rechnung" / "CII" / path.name.replace(".ubl.", ".cii.")


def differences(one: Path, other: Path) -> set[str]:
    (first,), (second,) = read_ubl([one.read_bytes()]), read_cii([other.read_bytes()])
    assert isinstance(first, Invoice)
    assert isinstance(second, Invoice)
    there = {one.field for one in lost(_in_order(first), _in_order(second))}
    return there | {one.field for one in lost(_in_order(second), _in_order(first))}


def test_twins_say_the_same_totals_and_lines(shared: Path) -> None:
    compared = 0
    for one, other in twins(shared):
        if one.name.startswith("not_validating"):  # its twins are different invoices: the amounts differ tenfold
            continue
        compared += 1
        left = {
            name
            for name in differences(one, other) - NAMED_ONCE
            # CII repeats a gross price that is the net one; UBL's twins leave it out, and the seller's own number.
            if not name.endswith("price.gross") and name != "seller.ids"
        }
        assert left <= DIFFERENT.get(one.name, set()), one
    assert compared == 30


DIFFERENT = {
    # UBL must have an order before it can name a sales order: the files write `Dummywert`, which CII needs not.
    **{f"01.{number}a-INVOICE_ubl.xml": {"references"} for number in ("02", "08", "09", "10", "11", "12", "13")},
    "02.01a-INVOICE_ubl.xml": {"totals.rounding"},  # nothing, told in CII only
    "EN16931_Elektron.ubl.xml": {"attachments[1].uri", "attachments[2].uri"},  # CII links to what it embeds
}


# GOBL: the JSON from which a library made the CII


def gobl(shared: Path) -> Iterator[tuple[dict[str, Any], Invoice]]:
    base = folder(shared) / "gobl_cii"
    for path in sorted((base / "en16931").glob("*.json")):
        (told,) = read_cii([(base / "out" / f"{path.stem}.xml").read_bytes()])
        assert isinstance(told, Invoice)
        yield json.loads(path.read_text(encoding="utf-8"))["doc"], told


def test_what_was_made_from_json_says_what_the_json_says(shared: Path) -> None:
    compared = 0
    for truth, told in gobl(shared):
        compared += 1
        code = "-".join(part for part in (truth.get("series"), truth["code"]) if part)
        assert told.number == code
        assert told.issue_date is not None
        assert told.issue_date.isoformat() == truth["issue_date"]
        assert told.currency == truth["currency"]
        assert told.type_code == truth["tax"]["ext"]["untdid-document-type"]
        # Who sells on behalf of somebody else is the supplier there, and the tax representative in EN 16931.
        assert told.seller.name == truth.get("ordering", {}).get("seller", truth["supplier"])["name"]
        assert told.buyer.name == truth["customer"]["name"]
        assert [line.name for line in told.lines] == [line["item"]["name"] for line in truth["lines"]]
        totals = truth["totals"]
        for name, theirs in (("with_tax", "total_with_tax"), ("without_tax", "total"), ("tax", "tax")):
            ours = getattr(told.totals, name)
            # Prices with tax in them are netted line by line there, two cents off the document's own total.
            slack = Decimal("0.02") if "tax_included" in totals else Decimal(0)
            assert ours is None or abs(ours.value - Decimal(totals.get(theirs, "0"))) <= slack, (code, name)
    assert compared == 10


# the official rules


def rule_tests(shared: Path) -> Iterator[tuple[str, str, bool, bytes]]:
    """File, rule, whether it must break, and the fragment of an invoice."""
    for path in sorted((folder(shared) / "en16931" / "unit_ubl").rglob("*.xml")):
        for test in etree.parse(path).getroot().iter(f"{VEFA}test"):
            asserted = test.find(f"{VEFA}assert")
            invoice = next(child for child in test if child.tag != f"{VEFA}assert" and isinstance(child.tag, str))
            for one in asserted if asserted is not None else ():
                kind = etree.QName(one).localname
                if kind in ("success", "error", "warning"):
                    yield path.name, (one.text or "").strip(), kind != "success", etree.tostring(invoice)


def test_the_official_test_set_is_judged_as_its_authors_do(shared: Path) -> None:
    compared = 0
    for name, rule, breaks, content in rule_tests(shared):
        compared += 1
        assert (rule in {finding.rule for finding in validate(content)}) == breaks, (name, rule)
    assert compared == 689


@pytest.mark.timeout(300)
@pytest.mark.parametrize("rules,syntax", [(_UBL, "UBL"), (_CII, "CII")])
def test_lean_rules_find_what_the_official_ones_find(shared: Path, rules: str, syntax: str) -> None:
    path = f"{package_folder()}/{rules}"
    compiler = _processor().new_xslt30_processor()
    official = compiler.compile_stylesheet(stylesheet_file=path)
    ours = compiler.compile_stylesheet(stylesheet_text=lean(path))
    found = 0
    for file, invoice in invoices(shared):
        if not invoice.format.startswith(syntax) or file.suffix.lower() == ".pdf":
            continue
        text = etree.tostring(etree.parse(file).getroot(), encoding="unicode")
        document = _processor().parse_xml(xml_text=text)
        theirs = findings_in(official.transform_to_string(xdm_node=document))
        assert findings_in(ours.transform_to_string(xdm_node=document)) == theirs, file
        found += len(theirs)
    assert found > 50


@pytest.mark.timeout(300)
def test_what_is_converted_keeps_its_schema_and_breaks_no_rule_that_the_original_keeps(shared: Path) -> None:
    made = 0
    for path, told in invoices(shared):
        if not told.format.startswith(("UBL", "CII")) or path.suffix.lower() == ".pdf":
            continue
        before = {finding.rule for finding in validate(path.read_bytes()) if finding.severity == "fatal"}
        for to in ("ubl", "cii"):
            try:
                content = convert(told, to).content
            except FormatRefused:
                assert path.name in UNWRITABLE, path
                continue
            made += 1
            assert check_schema(content) == [], path
            after = {finding.rule for finding in validate(content) if finding.severity == "fatal"}
            # UBL's rules know the schemes of electronic addresses that CII's don't ask for.
            assert after - before - {"BR-CL-25"} == set(), path
    assert made == 252


UNWRITABLE = {
    "factur-x-basicwl.xml",  # no lines
    "factur-x-minimum.xml",
    "sample-discount-price.xml",  # an accounting currency without its VAT total
    "UBLInvoice-multitankcard-line_adjust.xml",  # UBL before EN 16931: no prices, due dates or units
    "efff_BE0505890632_160421_Inv_16117778.xml",
    "not_validating_full_invoice_based_onTest_EeISI_300_CENfullmodel.ubl.xml",
}


def italian_schema(shared: Path) -> etree.XMLSchema:
    base = folder(shared) / "xsd" / "fatturapa"
    document = etree.parse(base / "Schema_del_file_xml_FatturaPA_v1.2.2.xsd")
    for imported in document.getroot().iter("{http://www.w3.org/2001/XMLSchema}import"):
        imported.set("schemaLocation", (base / "xmldsig-core-schema.xsd").as_uri())
    return etree.XMLSchema(document)


AT = datetime(2026, 11, 28, tzinfo=UTC)
ASKED = {
    "transmission": "1", "tax-regime": "RF01", "buyer-tax-id": "IT12345670017", "natura": "N4", "document-type": "TD01",
    "payment-means": "MP05", "terms": "30 days",
}  # fmt: skip


def test_invoices_cross_the_border_of_italy_or_are_refused_and_never_change_what_is_to_pay(shared: Path) -> None:
    schema, outcome = italian_schema(shared), Counter[str]()
    for path, told in invoices(shared):
        italian = told.format.startswith("FatturaPA")
        to = "ubl" if italian else "fatturapa"
        try:
            content = b"".join(converted(to, [told], Order(AT, lambda _: None, told=ASKED)))
        except FormatRefused:
            outcome[f"{to} refused"] += 1
            continue
        outcome[to] += 1
        [again] = [item for one in tell(partial(iter, (content,))) for item in one.items]
        assert isinstance(again, Invoice), path
        assert again.totals.payable == told.totals.payable, path
        if to == "fatturapa":
            schema.assertValid(etree.fromstring(content))
    assert outcome["ubl"] >= 13, outcome
    assert outcome["fatturapa"] >= 57, outcome


def test_fatturapa_is_written_as_its_schema_has_it(shared: Path) -> None:
    schema = italian_schema(shared)
    written, refused = 0, set()
    for path, told in invoices(shared):
        if not told.format.startswith("FatturaPA"):
            continue
        try:
            content = write_fatturapa(told)
        except FormatRefused:
            refused.add(path.name)
            continue
        written += 1
        schema.assertValid(etree.fromstring(content))
    assert written == 36
    assert refused == {
        "IT05979361218_001.xml",  # no country of the seller
        "IT05979361218_005.xml",  # sums, as above
        "IT05979361218_014.xml",
        "IT01234567890_FPR02.xml",
        "IT01234567890_FPR03.xml",
    }


# damage


def damaged(content: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(content)) for _ in range(2))
    end = min(end, start + 2_000)
    match chance.randrange(4):
        case 0:
            return content[:start]
        case 1:
            return content[:start] + content[end:]
        case 2:
            return content[:end] + content[start:end] + content[end:]
        case _:
            return content[:start] + chance.randbytes(end - start) + content[end:]


@pytest.mark.timeout(300)
def test_damaged_files_are_refused_rejected_or_read_and_never_crash(shared: Path) -> None:
    chance = random.Random(17)  # noqa: S311 - a seed, so that a failure comes again
    files = [path.read_bytes() for path in invoice_files(shared)]
    files += [b64encode(signed(files[0])), signed(files[-1])]
    for content in files:
        for _ in range(3):
            broken = damaged(content, chance)
            try:
                for document in tell(lambda given=broken: iter([given])):  # type: ignore[misc]  # bound at once
                    assert document.format is None or list(document.items)
            except FormatRefused:
                continue
