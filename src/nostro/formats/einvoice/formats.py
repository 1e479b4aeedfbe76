"""Electronic invoices in the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from nostro.formats.einvoice.cii import ROOTS as CII_ROOTS
from nostro.formats.einvoice.cii import read_cii
from nostro.formats.einvoice.fatturapa import ROOTS as FATTURAPA_ROOTS
from nostro.formats.einvoice.fatturapa import read_fatturapa
from nostro.formats.einvoice.pdf import read_pdf
from nostro.formats.einvoice.signed import is_signed, read_signed
from nostro.formats.einvoice.ubl import ROOTS as UBL_ROOTS
from nostro.formats.einvoice.ubl import read_ubl
from nostro.formats.reading import Beginning, Format

_ENVELOPES = frozenset({"StandardBusinessDocument", "Envelope"})
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_UBL_1 = ("urn:oasis:names:tc:ubl:", "urn:sfti:")
"""UBL 1.0, and the Svefaktura that is made of it: other elements by the same names."""
_FIRST = 40
"""An invoice in an envelope begins within so many elements."""
_PDF_WITHIN = 1_024


def _begins_with(beginning: Beginning, names: Sequence[str]) -> bool:
    elements = beginning.elements
    if not elements:
        return False
    return elements[0] in names or (elements[0] in _ENVELOPES and any(name in names for name in elements[:_FIRST]))


def _is_ubl(beginning: Beginning) -> bool:
    """A root called `Invoice` is UBL's only with its namespace, or with what each UBL invoice begins with."""
    if not _begins_with(beginning, UBL_ROOTS):
        return False
    names = beginning.namespaces
    if any(name.startswith(_UBL) for name in names):
        return True
    return not any(name.startswith(_UBL_1) for name in names) and {"ID", "IssueDate"} <= set(
        beginning.elements[:_FIRST]
    )


def _is_pdf(beginning: Beginning) -> bool:
    return b"%PDF-" in beginning.raw[:_PDF_WITHIN]


EINVOICES: Sequence[Format] = (
    Format("ubl", "UBL 2.1 invoices and credit notes", _is_ubl, read_ubl),
    Format("cii", "UN/CEFACT Cross Industry Invoices", lambda seen: _begins_with(seen, CII_ROOTS), read_cii),
    Format("fatturapa", "FatturaPA", lambda seen: _begins_with(seen, FATTURAPA_ROOTS), read_fatturapa),
    Format("facturx", "Factur-X and ZUGFeRD: invoices in PDF/A-3", _is_pdf, read_pdf),
    Format("p7m", "Signed invoices (CAdES)", lambda seen: is_signed(seen.raw), read_signed),
)
