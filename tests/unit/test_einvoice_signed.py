"""Invoices inside signatures (CAdES), whole, in pieces, armoured and broken."""

from __future__ import annotations

from base64 import b64encode, encodebytes
from collections.abc import Callable

import pytest
from asn1crypto import cms  # type: ignore[import-untyped]  # it has no stubs

from nostro.formats.catalogue import recognise
from nostro.formats.einvoice.cii import write_cii
from nostro.formats.einvoice.fatturapa import write_fatturapa
from nostro.formats.einvoice.signed import read_signed
from nostro.formats.einvoice.ubl import write_ubl
from nostro.formats.reading import Beginning
from nostro.model.failures import FormatRefused
from nostro.model.invoices import Invoice
from nostro.model.statements import Reject
from tests.unit.einvoices import ITALIAN, RICH


def signed(content: bytes) -> bytes:
    inner = {"content_type": "data", "content": content}
    data = cms.SignedData({"version": "v1", "digest_algorithms": [], "encap_content_info": inner, "signer_infos": []})
    made = cms.ContentInfo({"content_type": "signed_data", "content": data})
    return bytes(made.dump())


def in_pieces(content: bytes) -> bytes:
    """BER of indefinite length with the content in pieces, as signers that stream write it."""
    pieces = b"".join(b"\x04\x81" + bytes([len(piece)]) + piece for piece in _cut(content, 200))
    octets = b"\x24\x80" + pieces + b"\x00\x00"
    data = bytes.fromhex("06092a864886f70d010701")
    inner = b"\x30\x80" + data + b"\xa0\x80" + octets + b"\x00\x00" + b"\x00\x00"
    body = b"\x30\x80\x02\x01\x01\x31\x00" + inner + b"\x31\x00\x00\x00"
    return b"\x30\x80" + bytes.fromhex("06092a864886f70d010702") + b"\xa0\x80" + body + b"\x00\x00\x00\x00"


def as_version_3(content: bytes) -> bytes:
    """As signers do who name their certificate by its key."""
    return in_pieces(content).replace(b"\x02\x01\x01", b"\x02\x01\x03", 1)


def apart() -> bytes:
    """A signature beside what it signs."""
    return bytes.fromhex("308006092a864886f70d010702a08030800201013100308006092a864886f70d0107010000")


def _cut(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@pytest.mark.parametrize(
    "around",
    [
        signed,
        in_pieces,
        lambda content: signed(signed(content)),
        lambda content: b64encode(signed(content)),
        lambda content: encodebytes(signed(content)),
        lambda content: b"-----BEGIN PKCS7-----\n" + encodebytes(signed(content)) + b"-----END PKCS7-----\n",
    ],
    ids=["der", "ber", "twice", "base64", "base64-lines", "pem"],
)
def test_an_invoice_inside_a_signature_is_read(around: Callable[[bytes], bytes]) -> None:
    content = around(write_fatturapa(ITALIAN))
    found = recognise(Beginning(content))
    assert found is not None
    assert found.name == "p7m"
    (told,) = read_signed([content])
    assert isinstance(told, Invoice)
    assert (told.number, told.format) == ("FPR 17/26", "FatturaPA FPR12 CAdES")


def test_invoices_of_other_syntaxes_are_signed_too() -> None:
    for content in (write_ubl(RICH), write_cii(RICH)):
        (told,) = read_signed([signed(content)])
        assert isinstance(told, Invoice)
        assert told.number == "INV-2026-017"


@pytest.mark.parametrize(
    "content", [signed(b"hello"), signed(b"<a/>"), signed(write_fatturapa(ITALIAN))[:50], apart(), b"0"]
)
def test_a_signature_without_an_invoice_is_refused(content: bytes) -> None:
    with pytest.raises(FormatRefused):
        list(read_signed([content]))


def test_a_signed_invoice_that_is_cut_off_is_a_located_reject() -> None:
    told = list(read_signed([signed(write_fatturapa(ITALIAN))[:-200]]))
    assert [type(one) for one in told] == [Reject]


@pytest.mark.parametrize("around", [signed, in_pieces, as_version_3], ids=["der", "ber", "version 3"])
def test_what_is_broken_behind_the_signed_content_does_no_harm(around: Callable[[bytes], bytes]) -> None:
    content = around(write_fatturapa(ITALIAN)).rstrip(b"\x00")
    (told,) = read_signed([content + b"\xa0\x80\x30\x82\x09"])
    assert isinstance(told, Invoice)
    assert told.number == "FPR 17/26"
