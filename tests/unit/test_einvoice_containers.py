"""Invoices inside signatures and PDFs, and that each syntax is recognised by its content."""

from __future__ import annotations

import io
from base64 import b64encode, encodebytes
from collections.abc import Callable
from datetime import UTC, datetime

import pypdf
import pytest
from asn1crypto import cms  # type: ignore[import-untyped]  # it has no stubs

from nostro.formats.catalogue import recognise, tell
from nostro.formats.einvoice.cii import write_cii
from nostro.formats.einvoice.fatturapa import write_fatturapa
from nostro.formats.einvoice.pdf import files_in, read_pdf, write_facturx
from nostro.formats.einvoice.signed import read_signed
from nostro.formats.einvoice.ubl import write_ubl
from nostro.formats.reading import Beginning
from nostro.formats.writing import Order, written
from nostro.model.failures import FormatRefused
from nostro.model.invoices import (
    Invoice,
)
from nostro.model.statements import Reject
from tests.unit.einvoices import ITALIAN, RICH, eur

AT = datetime(2026, 11, 28, 10, tzinfo=UTC)

# signatures


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


@pytest.mark.parametrize("kept", range(60, 64))
def test_a_stray_padding_sign_is_no_crash(kept: int) -> None:
    content = b64encode(signed(write_fatturapa(ITALIAN)))
    assert recognise(Beginning(content[:kept] + b"=" + content[kept:400])) is not None


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


# PDF


def pdf(**files: bytes) -> bytes:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(width=100, height=100)
    for name, content in files.items():
        writer.add_attachment(name.replace("_", ".").replace("0", "-"), content)
    held = io.BytesIO()
    writer.write(held)
    return held.getvalue()


def test_an_invoice_inside_a_pdf_is_read_with_its_place() -> None:
    (told,) = read_pdf([pdf(factur0x_xml=write_cii(RICH), other_txt=b"x")])
    assert isinstance(told, Invoice)
    assert (told.number, told.format) == ("INV-2026-017", "CII in PDF")
    assert told.source.where == "factur-x.xml:/CrossIndustryInvoice"


def test_an_invoice_under_any_name_is_found_and_other_xml_is_passed_by() -> None:
    (told,) = read_pdf([pdf(a_xml=b"<a/>", invoice_xml=write_ubl(RICH))])
    assert isinstance(told, Invoice)
    assert told.source.where == "invoice.xml:/Invoice"


def with_one_file(name: str, content: bytes) -> bytes:
    """A PDF whose only file stands among its names and among its associated files, as the standard has it."""
    writer = pypdf.PdfWriter()
    writer.add_blank_page(width=100, height=100)
    writer.add_attachment("file", content)
    specification = writer.root_object["/Names"]["/EmbeddedFiles"]["/Names"][1]  # type: ignore[index]  # pypdf types no keys
    for key in ("/UF", "/F"):
        specification.get_object()[pypdf.generic.NameObject(key)] = pypdf.generic.TextStringObject(name)
    writer.root_object[pypdf.generic.NameObject("/AF")] = pypdf.generic.ArrayObject([specification])
    held = io.BytesIO()
    writer.write(held)
    return held.getvalue()


def test_a_name_that_ends_with_a_sign_of_its_end_is_a_name() -> None:
    (told,) = read_pdf([with_one_file("invoice.xml\x00", write_cii(RICH))])
    assert isinstance(told, Invoice)
    assert told.source.where == "invoice.xml:/CrossIndustryInvoice"


def test_what_is_wrong_with_a_file_of_a_pdf_is_told_once() -> None:
    (told,) = read_pdf([with_one_file("invoice.xml", b"<Invoice><ID>1</ID></Invoice>")])
    assert isinstance(told, Reject)
    strange = write_cii(RICH).replace(b"'UTF-8'", b"'UTF-8-W/O-BOM'")
    (told,) = read_pdf([with_one_file("invoice.xml", strange)])
    assert isinstance(told, Invoice)
    assert [check.name for check in told.checks if not check.ok] == ["bytes"]


def test_another_invoice_in_a_pdf_is_a_reject_with_its_amount() -> None:
    other = RICH.model_copy(update={"number": "INV-2026-018"})
    told, rejected = read_pdf([pdf(factur0x_xml=write_cii(RICH), invoice_xml=write_ubl(other))])
    assert isinstance(told, Invoice)
    assert isinstance(rejected, Reject)
    assert (told.number, rejected.where, rejected.amount) == (RICH.number, "invoice.xml", eur("90.00"))
    assert "INV-2026-018" in rejected.why


def test_the_same_invoice_in_two_syntaxes_is_one() -> None:
    (told,) = read_pdf([pdf(factur0x_xml=write_cii(RICH), invoice_xml=write_ubl(RICH))])
    assert isinstance(told, Invoice)


def locked(password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf(factur0x_xml=write_cii(RICH))))
    writer.encrypt(password, "of the owner", algorithm="RC4-128")
    held = io.BytesIO()
    writer.write(held)
    return held.getvalue()


def test_a_pdf_that_a_password_locks_is_refused_and_one_that_anybody_opens_is_read() -> None:
    (told,) = read_pdf([locked("")])
    assert isinstance(told, Invoice)
    with pytest.raises(FormatRefused, match="encrypted") as refused:
        list(read_pdf([locked("secret")]))
    assert "password" in refused.value.remedy
    with pytest.raises(FormatRefused, match="encrypted"):
        files_in(locked("secret"))


def test_files_that_a_new_invoice_takes_the_place_of_are_named() -> None:
    assert files_in(pdf(factur0x_xml=b"<a/>", hours_csv=b"day")) == ["factur-x.xml", "hours.csv"]
    said: list[str] = []
    order = Order(AT, said.append, pdf=pdf(hours_csv=b"day"))
    content = b"".join(written("facturx", [RICH], order))
    assert said == ["hours.csv, a file in the PDF, could not be carried."]
    assert files_in(content) == ["factur-x.xml"]


@pytest.mark.parametrize("content", [pdf(), pdf(a_xml=b"<a/>"), b"%PDF-1.7\nnothing", pdf(a_xml=b"<a/>")[:300]])
def test_a_pdf_without_an_invoice_is_refused(content: bytes) -> None:
    with pytest.raises(FormatRefused):
        list(read_pdf([content]))


def test_facturx_is_written_into_a_given_pdf() -> None:
    made = write_facturx(pdf(), write_cii(RICH))
    (told,) = read_pdf([made])
    assert isinstance(told, Invoice)
    assert told.number == RICH.number
    metadata = pypdf.PdfReader(io.BytesIO(made)).xmp_metadata
    assert metadata is not None
    assert b"urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#" in metadata.stream.get_data()


def test_a_broken_pdf_is_refused_with_a_remedy() -> None:
    with pytest.raises(FormatRefused, match="Give a PDF/A file"):
        write_facturx(b"no PDF", write_cii(RICH))


@pytest.mark.parametrize(
    "content,name",
    [
        (write_ubl(RICH), "ubl"),
        (write_cii(RICH), "cii"),
        (write_fatturapa(ITALIAN), "fatturapa"),
        (pdf(factur0x_xml=write_cii(RICH)), "facturx"),
    ],
)
def test_each_format_is_recognised_by_its_content(content: bytes, name: str) -> None:
    (told,) = tell(lambda: iter([content]))
    assert told.format is not None
    assert told.format.name == name
    assert all(isinstance(one, Invoice) for one in told.items)
