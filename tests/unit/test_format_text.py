"""Text files of banks as lines: encodings, marks, line ends, in whatever pieces they come."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator

import pytest

from nostro.formats.containers import documents
from nostro.formats.text import LINE_BYTES, lines
from nostro.model.failures import FormatRefused


def pieces(raw: bytes, size: int) -> Iterator[bytes]:
    return (raw[start : start + size] for start in range(0, len(raw), size))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_lines_are_the_same_in_every_encoding_and_in_whatever_pieces_they_come(
    encoding: str, end: str, size: int
) -> None:
    raw = end.join(["first", "", "Müller & Söhne", "last"]).encode(encoding)
    assert list(lines(pieces(raw, size))) == [(1, "first"), (2, ""), (3, "Müller & Söhne"), (4, "last")]


def test_a_line_in_another_encoding_spoils_only_itself() -> None:
    assert [line for _, line in lines([b"M\xc3\xbcller\nM\xfcller\n\x81\n"])] == ["Müller", "Müller", "\x81"]


def test_a_stated_encoding_is_taken() -> None:
    assert list(lines([b"M\x81ller\n"], "cp850")) == [(1, "Müller")]


def test_ctrl_z_ends_a_file() -> None:
    assert list(lines([b"one\r\n\x1a"])) == [(1, "one")]


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(FormatRefused):
        list(lines(pieces(b"x" * (LINE_BYTES + 100_000), 65_536)))


def whole(raw: bytes) -> list[tuple[str, bytes]]:
    found = []
    for where, chunks, again in documents(lambda: pieces(raw, 7)):
        found.append((where, b"".join(chunks)))
        assert b"".join(again()) == found[-1][1]
    return found


def test_gzip_is_unpacked_also_in_several_members() -> None:
    raw = gzip.compress(b"one ") + gzip.compress(b"two")
    assert whole(raw) == [("", b"one two")]


@pytest.mark.parametrize("flaw", [slice(0, -9), slice(0, 12)])
def test_gzip_that_is_cut_is_refused(flaw: slice) -> None:
    with pytest.raises(FormatRefused, match="cut off"):
        whole(gzip.compress(b"statement" * 100)[flaw])


def test_the_members_of_a_zip_are_documents_but_a_workbook_is_one() -> None:
    def packed(*names: str) -> bytes:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as container:
            for name in names:
                container.writestr(name, name)
        return held.getvalue()

    assert whole(packed("a.xml", "b/c.sta")) == [("a.xml", b"a.xml"), ("b/c.sta", b"b/c.sta")]
    [(where, raw)] = whole(packed("[Content_Types].xml", "xl/workbook.xml"))
    assert where == ""
    assert raw.startswith(b"PK")
