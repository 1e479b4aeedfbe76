"""Invoices inside signatures: CAdES (.p7m), DER, BER or base64, once or several times around each other.

RFC 5652 (CMS), ETSI EN 319 122. The signature itself is not verified here: whoever relies on it asks a trust service.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator

from asn1crypto import cms, core  # type: ignore[import-untyped]  # it has no stubs

from nostro.formats.einvoice.cii import ROOTS as CII_ROOTS
from nostro.formats.einvoice.cii import cii_invoices
from nostro.formats.einvoice.document import Document, cut_off, parsed
from nostro.formats.einvoice.fatturapa import ROOTS as FATTURAPA_ROOTS
from nostro.formats.einvoice.fatturapa import fatturapa_invoices
from nostro.formats.einvoice.paths import where_of
from nostro.formats.einvoice.ubl import ubl_invoices
from nostro.formats.iso20022.tree import local
from nostro.model.failures import FormatRefused
from nostro.model.invoices import Invoice
from nostro.model.statements import Reject

SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
"""The object identifier 1.2.840.113549.1.7.2, with which signed data begins."""
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
    try:
        held = cms.ContentInfo.load(signed)["content"]["encap_content_info"]["content"]
        content = held.native if isinstance(held, core.OctetString) else held.parsed.native
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise FormatRefused(_CAN_NOT_OPEN) from None
    if not isinstance(content, bytes) or not content:
        raise FormatRefused("The signature stands apart from what it signs: there is no invoice in it.")
    return content


def read_signed(chunks: Iterable[bytes]) -> Iterator[Invoice | Reject]:
    """The invoices inside a signature. Raises `FormatRefused` when there are none."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) > _BYTES:
            raise FormatRefused(f"The file is larger than {_BYTES} bytes.")
    document = parsed([content_of(bytes(held))])
    yield from _invoices(document)
    if document.broken:
        yield cut_off(document, where_of(document.root) if document.root is not None else "")


def _invoices(document: Document) -> Iterator[Invoice | Reject]:
    root, whole = document.root, document.broken is None
    kind = local(root) if root is not None else ""
    if kind in FATTURAPA_ROOTS:
        return fatturapa_invoices(root, whole=whole, signed="CAdES")
    if kind in CII_ROOTS:
        return cii_invoices(root, whole=whole)
    return ubl_invoices(root, whole=whole)
