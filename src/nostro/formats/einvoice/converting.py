"""One syntax into another through the model, saying aloud what could not be carried."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from nostro.formats.carried import lost
from nostro.formats.einvoice.cii import read_cii, write_cii
from nostro.formats.einvoice.fatturapa import read_fatturapa, write_fatturapa
from nostro.formats.einvoice.sub_lines import Syntax, kept
from nostro.formats.einvoice.ubl import read_ubl, write_ubl
from nostro.formats.reading import Reader
from nostro.model.invoices import InvoiceContent

__all__ = ["Converted", "Syntax", "convert"]


class Converted(NamedTuple):
    """The invoice in another syntax. `not_carried`: fields of the model, and places of the original that it lacks."""

    content: bytes
    not_carried: tuple[str, ...]


class _Way(NamedTuple):
    write: Callable[[InvoiceContent], bytes]
    read: Reader


_MANY = "preceding_invoice"
_LINE = re.compile(r"lines\[(\d+)\]")
_WAYS: Mapping[Syntax, _Way] = {
    "ubl": _Way(write_ubl, read_ubl),
    "cii": _Way(write_cii, read_cii),
    "fatturapa": _Way(write_fatturapa, read_fatturapa),
}


def convert(invoice: InvoiceContent, to: Syntax, told: InvoiceContent | None = None) -> Converted:
    """The invoice in another syntax. Raises `FormatRefused` with field, rule and remedy for what it may not say.

    `told`: what the original says, where the invoice was fitted to the syntax.

    What was written is read again, and whatever differs then is told: nothing is lost by an oversight of ours.
    """
    way = _WAYS[to]
    content = way.write(_fitting(invoice, to))
    again = next(iter(way.read([content])))
    read = _in_order(again) if isinstance(again, InvoiceContent) else None
    original = told or invoice
    places = kept(original, to)
    left = set(range(len(original.lines))).difference(places)
    carried = original.model_copy(update={"lines": tuple(original.lines[place] for place in places)})
    left_out = (f"lines[{place + 1}]" for place in sorted(left))
    differing = (_numbered(one.field, places) for one in lost(_in_order(carried), read))
    return Converted(content, (*left_out, *differing, *invoice.not_read))


def _numbered(field: str, places: list[int]) -> str:
    """A field of a line under the number that its line has in the original."""
    said = _LINE.match(field)
    return f"lines[{places[int(said[1]) - 1] + 1}]{field[said.end() :]}" if said else field


def _fitting(invoice: InvoiceContent, to: Syntax) -> InvoiceContent:
    """EN 16931 takes one order, contract... where FatturaPA takes many; UBL takes one identifier of the buyer."""
    if to != "fatturapa":
        first = {one.kind: one for one in reversed(invoice.references)}
        kept = tuple(one for one in invoice.references if one.kind == _MANY or first[one.kind] is one)
        invoice = invoice.model_copy(update={"references": kept})
    if to != "ubl" or len(invoice.buyer.ids) <= 1:
        return invoice
    return invoice.model_copy(update={"buyer": invoice.buyer.model_copy(update={"ids": invoice.buyer.ids[:1]})})


def _in_order(invoice: InvoiceContent) -> InvoiceContent:
    """References and attachments stand in the order of their syntax: what they say does not hang on it."""
    references = tuple(sorted(invoice.references, key=lambda one: (one.kind, one.number)))
    return invoice.model_copy(update={"references": references})
