"""The XML in a PDF/A-3 invoice: Factur-X, ZUGFeRD 1 and 2, XRechnung and Order-X's sister files; and embedding it.

ISO 32000 embedded files; Factur-X 1.0.x, "Hybrid document"; ZUGFeRD 1 and 2.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

from nostro.formats.einvoice.cii import ROOTS as CII_ROOTS
from nostro.formats.einvoice.cii import cii_invoices
from nostro.formats.einvoice.document import cut_off, parsed
from nostro.formats.einvoice.ubl import ROOTS as UBL_ROOTS
from nostro.formats.einvoice.ubl import ubl_invoices
from nostro.formats.text import gathered
from nostro.formats.xml import local
from nostro.model.failures import FormatRefused
from nostro.model.invoices import Invoice
from nostro.model.statements import Reject, Source

PDF_BYTES = 134_217_728
_FILES, _DEPTH = 1_000, 16
_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "zugferd_invoice.xml", "ferd-invoice.xml")
"""What the standards call the file, in the order in which they are believed; then any other XML that is an invoice."""
_PROFILES = {"minimum": "minimum", "basicwl": "basicwl", "basic": "basic", "extended": "extended"}


def read_pdf(chunks: Iterable[bytes]) -> Iterator[Invoice | Reject]:
    """The invoice inside a PDF; another one beside it is a reject. Raises `FormatRefused` when there is none."""
    believed: list[Invoice | Reject] = []
    for name, content in _candidates(gathered(chunks, PDF_BYTES, "PDF")):
        try:
            told = list(_invoices(name, content))
        except FormatRefused:
            continue
        if not believed:
            believed = told
            yield from told
        else:
            yield from (_another(name, one) for one in told if not _same(one, believed))
    if not believed:
        raise FormatRefused("The PDF holds no electronic invoice: no embedded XML that is one.")


def _same(told: Invoice | Reject, believed: list[Invoice | Reject]) -> bool:
    """Whether it is one of those again, as when a PDF holds the same invoice in two syntaxes."""
    if isinstance(told, Reject):
        return False
    invoices = [one for one in believed if isinstance(one, Invoice)]
    return any(
        (one.number, one.type_code, one.totals.payable) == (told.number, told.type_code, told.totals.payable)
        for one in invoices
    )


def _another(name: str, told: Invoice | Reject) -> Reject:
    if isinstance(told, Reject):
        return told
    why = f"the PDF holds another invoice than the one that was read: number {told.number or '(none)'}"
    return Reject(where=name, why=why, amount=told.totals.payable)


def embedded_invoice(pdf: bytes) -> bytes:
    """The XML of the invoice inside a PDF, as it stands there. Raises `FormatRefused` when there is none."""
    for name, content in _candidates(pdf):
        try:
            next(iter(_invoices(name, content)), None)
        except FormatRefused:
            continue
        return content
    raise FormatRefused("The PDF holds no electronic invoice: no embedded XML that is one.")


def _invoices(name: str, content: bytes) -> Iterator[Invoice | Reject]:
    document = parsed([content])
    root, whole = document.root, document.broken is None
    kind = local(root) if root is not None else ""
    if kind not in (*CII_ROOTS, *UBL_ROOTS):
        raise FormatRefused("This is no invoice.")
    for told in cii_invoices(root, whole=whole) if kind in CII_ROOTS else ubl_invoices(root, whole=whole):
        yield _inside(name, document.with_flaws(told))
    if not whole:
        yield cut_off(document, f"{name}:/{kind}")


def _inside(name: str, told: Invoice | Reject) -> Invoice | Reject:
    if isinstance(told, Reject):
        return told.model_copy(update={"where": f"{name}:{told.where}"})
    source = Source(where=f"{name}:{told.source.where}", line=told.source.line)
    return told.model_copy(update={"source": source, "format": f"{told.format} in PDF"})


def _candidates(content: bytes) -> list[tuple[str, bytes]]:
    """The embedded XML files, the best known name first."""
    try:
        found = list(dict.fromkeys(_embedded(content)))
    except FormatRefused:
        raise
    except Exception:  # noqa: BLE001 - what a broken PDF makes the library raise is any of a dozen kinds
        raise FormatRefused("The PDF can't be opened.") from None
    ranks = {name: rank for rank, name in enumerate(_NAMES)}
    return sorted(found, key=lambda one: ranks.get(one[0].lower(), len(ranks)))


def _embedded(content: bytes) -> Iterator[tuple[str, bytes]]:
    for specification in _specifications(content):
        yield from _file(specification)


def _specifications(content: bytes) -> list[Any]:
    """The files that a PDF holds. Raises `FormatRefused` for one that can't be opened without a password."""
    import pypdf  # noqa: PLC0415 - takes a third of a second, which only who reads a PDF should wait

    reader = pypdf.PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise FormatRefused("The PDF is encrypted.", "Give the file without its password.")
    catalog = reader.root_object
    names = _resolved(_resolved(catalog.get("/Names", {})).get("/EmbeddedFiles", {}))
    specifications = [*_leaves(names, 0), *_resolved(catalog.get("/AF", []))]
    return [_resolved(one) for one in specifications[:_FILES]]


def _leaves(node: Any, depth: int) -> Iterator[Any]:  # noqa: ANN401 - the library's objects have no types
    """The values of a name tree."""
    if depth > _DEPTH:
        return
    yield from _resolved(node.get("/Names", []))[1::2]
    for kid in _resolved(node.get("/Kids", []))[:_FILES]:
        yield from _leaves(_resolved(kid), depth + 1)


def _file(specification: Any) -> Iterator[tuple[str, bytes]]:  # noqa: ANN401 - the library's objects have no types
    name = _name(specification)
    if not name.lower().endswith(".xml"):
        return
    holder = _resolved(specification.get("/EF", {}))
    stream = _resolved(holder.get("/F", holder.get("/UF")))
    if stream is not None:
        yield name, stream.get_data()


def _name(specification: Any) -> str:  # noqa: ANN401 - the library's objects have no types
    # Programs written in C may end a name with their own end.
    return str(_resolved(specification.get("/UF", specification.get("/F", "")))).rstrip("\x00 ")


def _resolved(value: Any) -> Any:  # noqa: ANN401 - the library's objects have no types
    return value.get_object() if hasattr(value, "get_object") else value


# writing


def files_in(pdf: bytes) -> list[str]:
    """The names of the files in a PDF, which a new invoice takes the place of. Raises `FormatRefused`."""
    try:
        return list(dict.fromkeys(_name(one) for one in _specifications(pdf)))
    except FormatRefused:
        raise
    except Exception:  # noqa: BLE001 - what a broken PDF makes the library raise is any of a dozen kinds
        raise FormatRefused("pdf: breaks ISO 32000.", "Give a PDF/A file.") from None


def write_facturx(pdf: bytes, xml: bytes) -> bytes:
    """A PDF/A-3 invoice: the given PDF with the CII invoice embedded, and the metadata that say so.

    The PDF itself has to be PDF/A already: this adds the file, not fonts or colours. Raises `FormatRefused`.
    """
    # It brings a PDF library, which only who writes a PDF should wait for; and it has no stubs.
    import facturx  # type: ignore[import-untyped]  # noqa: PLC0415 - see above

    try:
        made = facturx.generate_from_binary(pdf, xml, flavor="factur-x", level=_level(xml), check_xsd=True,
                                            check_schematron=False)  # fmt: skip
    except Exception:  # noqa: BLE001 - a broken PDF makes the library raise any of a dozen kinds
        raise FormatRefused(
            "pdf: breaks ISO 32000 or the XML breaks its schema. Give a PDF/A file and a CII invoice."
        ) from None
    return bytes(made)


_PROFILE = re.compile(rb"GuidelineSpecifiedDocumentContextParameter>\s*<[\w:]*ID[^>]*>([^<]*)<")


def _level(xml: bytes) -> str:
    """The profile of Factur-X that the invoice names: EN 16931 where it names none of the others."""
    said = _PROFILE.search(xml)
    words = re.split(r"[:#]", said[1].decode("utf-8", "replace").lower()) if said else []
    return next((_PROFILES[word] for word in words if word in _PROFILES), "en16931")
