"""Every format that can be read, in the order in which they are asked whether a file is theirs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from nostro.formats.bacs.reports import BACS_REPORTS
from nostro.formats.bacs.standard_18 import BACS_18
from nostro.formats.containers import documents, refusing
from nostro.formats.einvoice.formats import EINVOICES
from nostro.formats.iso20022.formats import ISO20022
from nostro.formats.lockbox.read import LOCKBOX
from nostro.formats.nacha.formats import NACHA
from nostro.formats.national import NATIONAL
from nostro.formats.qr_bill.read import QR_BILL
from nostro.formats.rates.formats import RATES
from nostro.formats.reading import BEGINNING_BYTES, Beginning, Format, Item, Unread
from nostro.formats.swift_mt.formats import SWIFT_MT
from nostro.formats.tables.formats import TABLE
from nostro.model.failures import FormatRefused

FORMATS: Sequence[Format] = (
    *EINVOICES,
    *ISO20022,
    *SWIFT_MT,
    *NACHA,
    *LOCKBOX,
    *BACS_18,
    *BACS_REPORTS,
    *QR_BILL,
    *RATES,
    *NATIONAL,
)
"""The most particular ones first: what anything could be (CSV) comes last."""
UNKNOWN = "This is no file that Nostro knows."
REMEDY = "docs/look-up/formats.md lists those that it knows; what the columns of a table mean, a profile says."
_MESSAGE = "urn:iso:std:iso:20022:tech:xsd:"
_NO_TYPE = (
    "http://www.w3.org/",
    "urn:swift:xsd:envelope",
    "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader",
    f"{_MESSAGE}head.",
)
"""Namespaces that do not say what a document is: those of XML itself, and of envelopes with their heads."""
_SWIFT = re.compile(r"\{1:[^{}]{0,40}\}\s*\{2:[IO](\d{3})")
_SPACE = re.compile(r"[\w:/.#-]{1,100}", re.ASCII)
_IS = "This is no file that Nostro knows: it is {}."
_EMPTY = _IS.format("empty")


class Told(NamedTuple):
    """A document of a file: its place in an archive (empty without one), its format, and what it tells."""

    member: str
    format: Format | None
    items: Iterator[Item]
    refusal: str = UNKNOWN
    """Where there is no format: what is said of it."""
    again: Callable[[], Iterable[bytes]] = tuple
    """Its bytes, unpacked, once more."""


def tell(
    chunks: Callable[[], Iterator[bytes]],
    name: str = "",
    declared: Format | None = None,
    table: Format | None = None,
) -> Iterator[Told]:
    """The documents of a file. `format` is None for one that no format recognises, unless one is `declared`.

    `table`: what is read as a table that is no statement. Raises `FormatRefused` for a container that can't be opened.
    """
    for document in documents(chunks):
        try:
            peeked = _peeked(document.chunks)
        except FormatRefused as refused:
            if not document.where:
                raise
            yield Told(document.where, None, iter(()), str(refused))
            continue
        found = declared or recognise(Beginning(peeked.beginning, document.where or name))
        if table is not None and (found is None or found.name == TABLE.name):
            found = table
        refusal = str(peeked.broken) if peeked.broken else _refusal(Beginning(peeked.beginning))
        yield Told(document.where, found, found.read(peeked.whole) if found else iter(()), refusal, document.again)


def unread(told: Told) -> Iterable[Unread]:
    """What stands in a document and none of its items tells; its bytes are read once more."""
    return told.format.unread(told.again()) if told.format and told.format.unread else ()


def recognise(beginning: Beginning) -> Format | None:
    """The first format whose file this is."""
    return next((known for known in FORMATS if known.recognises(beginning)), None)


def _refusal(beginning: Beginning) -> str:
    """What is said of a file that is none: where it says what it is, that too, for its family may be known."""
    if not beginning.raw:
        return _EMPTY
    if found := _SWIFT.match(beginning.text.lstrip("\ufeff \r\n\x01")):
        return _IS.format(f"the SWIFT message MT{found[1]}")
    if not beginning.elements:
        return UNKNOWN
    spaces = [one for one in beginning.namespaces if _SPACE.fullmatch(one) and not one.startswith(_NO_TYPE)]
    for space in spaces:
        if space.startswith(_MESSAGE):
            return _IS.format(f"the ISO 20022 message {space.removeprefix(_MESSAGE)}")
    of = f" of {spaces[0]}" if spaces else ""
    return _IS.format(f"XML that begins with {beginning.elements[0][:100]}{of}")


class _Peeked(NamedTuple):
    """The first bytes, all of them, and why they break off so early, where they do: whoever reads them is told too."""

    beginning: bytes
    whole: Iterator[bytes]
    broken: FormatRefused | None


def _peeked(chunks: Iterable[bytes]) -> _Peeked:
    """Raises `FormatRefused` where nothing can be had."""
    given, held, broken = iter(chunks), b"", None
    try:
        for chunk in given:
            held += chunk
            if len(held) >= BEGINNING_BYTES:
                break
    except FormatRefused as refused:
        if not held:
            raise
        given, broken = refusing(refused), refused
    return _Peeked(held[:BEGINNING_BYTES], chain((held,), given), broken)
