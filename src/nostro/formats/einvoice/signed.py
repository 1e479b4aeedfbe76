"""Invoices inside signatures: CAdES (.p7m), DER, BER or base64, once or several times around each other.

RFC 5652 (CMS), ETSI EN 319 122. The signature itself is not verified here: whoever relies on it asks a trust service.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator

from nostro.formats.einvoice.cii import ROOTS as CII_ROOTS
from nostro.formats.einvoice.cii import cii_invoices
from nostro.formats.einvoice.document import read_invoices
from nostro.formats.einvoice.fatturapa import ROOTS as FATTURAPA_ROOTS
from nostro.formats.einvoice.fatturapa import fatturapa_invoices
from nostro.formats.einvoice.ubl import ubl_invoices
from nostro.formats.text import gathered
from nostro.formats.xml import Element, local
from nostro.model.failures import FormatRefused
from nostro.model.invoices import Invoice
from nostro.model.statements import Reject

SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
"""The object identifier 1.2.840.113549.1.7.2, with which signed data begins."""
_DATA = bytes.fromhex("06092a864886f70d010701")
"""1.2.840.113549.1.7.1: what follows is the content."""
_EXPLICIT, _OCTETS, _IN_PIECES, _END, _LONG = b"\xa0", 0x04, 0x24, 0x00, 0x80
_BEGINNING = 64
_BYTES = 134_217_728
_AROUND = 5
_ARMOUR = re.compile(rb"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")
_PADDING = re.compile(rb"[=\s]+")
_CAN_NOT_OPEN = "The signature can't be opened: it is cut off or no CAdES."


def unarmoured(content: bytes) -> bytes:
    """The bytes themselves, where they come as base64, with or without PEM lines around them."""
    bare = _ARMOUR.sub(b"", content).strip()
    if content[:1] == b"\x30" or not _BASE64.fullmatch(bare):
        return content
    letters = _PADDING.sub(b"", bare)
    return b64decode(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")


def is_signed(beginning: bytes) -> bool:
    """Whether these first bytes are those of signed data."""
    plain = unarmoured(beginning)
    return plain[:1] == b"\x30" and SIGNED_DATA in plain[:_BEGINNING]


def content_of(signed: bytes) -> bytes:
    """What is signed, through every signature around it. Raises `FormatRefused`."""
    for _ in range(_AROUND):
        if not is_signed(signed):
            return signed
        signed = _inner(unarmoured(signed))
    raise FormatRefused(f"More than {_AROUND} signatures are around each other.")


def _inner(signed: bytes) -> bytes:
    """The octets that are signed (RFC 5652, 5.2): whatever is broken or cut behind them says nothing to us."""
    at = signed.find(_DATA) + len(_DATA)
    if at < len(_DATA):
        raise FormatRefused(_CAN_NOT_OPEN)
    if signed[at : at + 1] != _EXPLICIT:
        raise FormatRefused("The signature stands apart from what it signs: there is no invoice in it.")
    content = b"".join(_octets(signed, _opened(signed, at)[0]))
    if not content:
        raise FormatRefused(_CAN_NOT_OPEN)
    return content


def _octets(signed: bytes, at: int) -> Iterator[bytes]:
    """An octet string (X.690, 8.7): whole, or in pieces of a told length or until an end is told."""
    ends: list[int | None] = []
    while at < len(signed):
        tag, (start, length) = signed[at], _opened(signed, at)
        if tag == _IN_PIECES:
            ends.append(None if length is None else start + length)
            at = start
        elif tag == _OCTETS and length is not None:
            yield signed[start : start + length]
            at = start + length
        elif tag == _END and ends and ends[-1] is None:
            ends.pop()
            at = start
        else:
            return
        while ends and ends[-1] is not None and at >= ends[-1]:
            ends.pop()
        if not ends:
            return


def _opened(signed: bytes, at: int) -> tuple[int, int | None]:
    """Where the contents of an element begin, and their length: None where it is not told (X.690, 8.1.3)."""
    told = signed[at + 1] if at + 1 < len(signed) else 0
    if told < _LONG:
        return at + 2, told
    start = at + 2 + told - _LONG
    return start, int.from_bytes(signed[at + 2 : start]) if told > _LONG else None


def read_signed(chunks: Iterable[bytes]) -> Iterator[Invoice | Reject]:
    """The invoices inside a signature. Raises `FormatRefused` when there are none."""
    yield from read_invoices([content_of(gathered(chunks, _BYTES, "file"))], _invoices)


def _invoices(root: Element | None, *, whole: bool) -> Iterator[Invoice | Reject]:
    kind = local(root) if root is not None else ""
    if kind in FATTURAPA_ROOTS:
        return fatturapa_invoices(root, whole=whole, signed="CAdES")
    if kind in CII_ROOTS:
        return cii_invoices(root, whole=whole)
    return ubl_invoices(root, whole=whole)
