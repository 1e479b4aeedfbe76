"""An XML document read whole into memory, within bounds, and what every invoice says when it has been read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nostro.formats.einvoice.arithmetic import checks_of
from nostro.formats.einvoice.discounts import with_discounts
from nostro.formats.einvoice.forms import BARE_AMOUNT
from nostro.formats.einvoice.mapping import Fields, Reading, Shape, read_parts
from nostro.formats.einvoice.paths import found, where_of
from nostro.formats.mended import mended
from nostro.formats.xml import AFTER_THE_END, BrokenXml, Element, events, line_of, local, text
from nostro.model.failures import FormatRefused
from nostro.model.invoices import Invoice, InvoiceContent
from nostro.model.money import EXPONENTS, Amount
from nostro.model.statements import Check, Reject, Source

Checked = Callable[[InvoiceContent], Iterable[Check]]
DOCUMENT_BYTES = 134_217_728
_HOLDERS = ("Invoice", "CreditNote", "CrossIndustryInvoice", "FatturaElettronicaBody")
_CURRENCIES = (
    "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/InvoiceCurrencyCode",
    "DatiGenerali/DatiGeneraliDocumento/Divisa",
)
_DUE = ("PayableAmount", "DuePayableAmount", "ImportoTotaleDocumento")
ELEMENTS = 2_000_000
"""More than an invoice of 40,000 lines has."""


class Invoices(Protocol):
    """The invoices in a document; of one that is not `whole`, the last is left to the caller's reject."""

    def __call__(self, root: Element | None, *, whole: bool) -> Iterator[Invoice | Reject]:
        """The invoices. Raises `FormatRefused` when there is none."""


@dataclass(slots=True)
class Document:
    """A document's root; where its XML breaks, why, and which elements were still open then.

    `flaws`: what was mended in its bytes. `followed`: the line where something follows it.
    """

    root: Element | None = None
    broken: BrokenXml | None = None
    unfinished: list[Element] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    followed: int | None = None

    def with_flaws(self, told: Invoice | Reject) -> Invoice | Reject:
        """What is read of it, with a check for each kind of thing that was mended."""
        if isinstance(told, Reject):
            return told
        flaws = (Check(name="bytes", ok=False, detail=flaw) for flaw in self.flaws)
        return told.model_copy(update={"checks": (*told.checks, *flaws)})


def parsed(chunks: Iterable[bytes]) -> Document:
    """The document. Raises `FormatRefused` for no XML at all, and beyond the bounds."""
    document, count = Document(), 0
    try:
        for kind, element in events(_first_of(chunks, document), huge_texts=True, encoding="utf-8"):
            count += kind == "start"
            if kind == "start":
                document.unfinished.append(element)
            else:
                document.unfinished.pop()
            if document.root is None:
                document.root = element
            if count > ELEMENTS:
                raise FormatRefused(f"The document holds more than {ELEMENTS} elements: that is no invoice.")
    except BrokenXml as broken:
        if broken.why == AFTER_THE_END and not document.unfinished:
            document.followed = broken.line
        else:
            document.broken = broken
    if document.root is None:
        why = f": {document.broken.why} (line {document.broken.line})" if document.broken else ""
        raise FormatRefused(f"This is no XML of an invoice{why}.")
    return document


def read_invoices(chunks: Iterable[bytes], invoices: Invoices) -> Iterator[Invoice | Reject]:
    """The invoices of a document, and a reject where its XML breaks. Raises `FormatRefused` when there is none."""
    document = parsed(chunks)
    yield from map(document.with_flaws, invoices(document.root, whole=document.broken is None))
    if document.broken:
        yield cut_off(document, where_of(document.root) if document.root is not None else "")
    if document.followed:
        yield Reject(where="", why="what follows the document is not read", line=document.followed)


def _first_of(chunks: Iterable[bytes], document: Document) -> Iterator[bytes]:
    """The document's bytes, mended, without another document that follows it."""
    line = 1
    for number, piece in enumerate(mended(_bounded(chunks), document.flaws)):
        if number and piece.begins:
            document.followed = line
            return
        yield piece.content
        line += piece.content.count(b"\n")


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > DOCUMENT_BYTES:
            raise FormatRefused(f"The document is larger than {DOCUMENT_BYTES} bytes.")
        yield chunk


def within(root: Element | None, names: Sequence[str], lacking: str) -> list[Element]:
    """The outermost elements of these names: the root, or those in an envelope around them.

    Raises `FormatRefused` with the sentence that is given when there is none.
    """
    if root is not None and local(root) in names:
        return [root]
    inside = list(root.iter(*(f"{{*}}{name}" for name in names))) if root is not None else []
    if not inside:
        raise FormatRefused(lacking)
    return [element for element in inside if not any(local(above) in names for above in element.iterancestors())]


def cut_off(document: Document, where: str) -> Reject:
    """What is said where the XML of an invoice breaks, with the amount due where it was told before."""
    broken = document.broken
    why = f"the XML breaks off or is broken here: {broken.why}" if broken else "the invoice is incomplete"
    due = _due_in(document.root, document.unfinished) if document.root is not None else None
    return Reject(where=where, why=why, line=broken.line if broken else None, amount=due)


def _due_in(root: Element, unfinished: list[Element]) -> Amount | None:
    """The amount due of the last invoice in what could be read; of an element that is cut, no digit counts."""
    holders = list(root.iter(*(f"{{*}}{name}" for name in _HOLDERS)))
    holder = holders[-1] if holders else root
    reading = Reading(currency_in(holder, "DocumentCurrencyCode", *_CURRENCIES))
    found_amounts = (one for one in holder.iter(*(f"{{*}}{name}" for name in _DUE)) if one not in unfinished)
    amounts = (reading.take(one, BARE_AMOUNT) for one in found_amounts)
    return next((told for told in amounts if isinstance(told, Amount)), None)


def invoice_of(reading: Reading, element: Element, shape: Shape, name: str) -> Invoice:
    """The invoice that an element tells by a table."""
    fields = read_parts(reading, element, shape.parts)
    return finished(reading, element, with_discounts({"currency": reading.currency, **fields}), name)


def finished(reading: Reading, element: Element, fields: Fields, name: str, checked: Checked = checks_of) -> Invoice:
    """An invoice with its place, its checks, and what of it was not understood."""
    said = fields.get("currency") or reading.currency
    if said not in EXPONENTS and reading.currency:
        reading.flaw(element, "the document's currency is not in ISO 4217; that of its amounts is taken")
        said = reading.currency
    fields["currency"] = said
    source = Source(where=reading.where(element), line=line_of(element))
    told = Invoice(**{**_kept(fields), "format": name, "source": source})
    checks = (*told.checks, *reading.flaws, *checked(told))
    return told.model_copy(update={"checks": checks, "not_read": tuple(reading.not_read(element))})


def _kept(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and name in InvoiceContent.model_fields}


def currency_in(element: Element, *paths: str) -> str:
    """The document's currency, where it says it; else the one that its amounts bear; empty when none is in ISO 4217."""
    said = (text(place).upper() for path in paths for place in found(element, path))
    borne = ((one.get("currencyID") or "").strip().upper() for one in element.iter("{*}*"))
    return next((code for code in (*said, *borne) if code in EXPONENTS), "")


NO_CURRENCY = "neither the invoice nor any of its amounts has a currency of ISO 4217"
