"""A file that lacks the end that its format has is left to its writer; whatever may be whole is taken."""

from __future__ import annotations

import io
import zipfile

import pytest

from nostro.ingress.cut import TAIL_BYTES, seems_cut

XML = '<?xml version="1.0"?>\n<!-- camt -->\n<Document xmlns="urn:x"><A>ä</A></Document>\n'
BARE = (
    b":20:ST1\r\n:25:DE0200000000\r\n:28C:1/1\r\n:60F:C260831EUR10,\r\n:61:2608310831C5,NTRFX\r\n:86:-}\r\n"
    b":62F:C260831EUR15,\r\n-\r\n"
)
SWIFT = b"{1:F01BANKDEFFXXXX0000000000}{2:I940BANKDEFFXXXXN}{4:\r\n" + BARE[:-3] + b"-}"


def cut(content: bytes) -> bool:
    return seems_cut(io.BytesIO(content), len(content))


def packed(*members: tuple[str, bytes], comment: bytes = b"") -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
        archive.comment = comment
    return kept.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_xml_ends_with_its_roots_end_tag_in_whatever_encoding(encoding: str) -> None:
    whole = XML.encode(encoding)
    assert not cut(whole)
    end = len("</Document>\n") * (2 if "16" in encoding else 1)
    assert all(cut(whole[:length]) for length in range(4, len(whole) - end))


def test_wide_xml_longer_than_what_is_looked_at_is_judged_by_its_end() -> None:
    text = "<Document>" + "<A>1</A>" * 20_000 + "</Document>"
    assert not cut(text.encode("utf-16"))
    assert cut(text[:-3].encode("utf-16"))
    assert cut(text.encode("utf-16")[:-1])


@pytest.mark.parametrize("comment", [b"", b"as agreed", b"x" * 65_535], ids=len)
def test_a_zip_ends_with_its_directory(comment: bytes) -> None:
    whole = packed(("a.xml", b"<A/>" * 50_000), ("b.zip", packed(("c.xml", b"<C/>"))), comment=comment)
    assert not cut(whole)
    step = max(1, len(whole) // 50)
    assert all(cut(whole[:length]) for length in range(4, len(whole), step))
    assert cut(whole[:-1])


def test_a_zip_in_a_zip_is_not_its_end() -> None:
    inner = packed(("c.xml", b"<C/>"))
    whole = packed(("b.zip", inner))
    inside = whole.index(inner) + len(inner)
    assert all(cut(whole[:length]) for length in range(4, len(whole)) if length != inside)


@pytest.mark.parametrize("whole", [SWIFT, BARE], ids=["in blocks", "bare"])
def test_a_swift_statement_ends_with_its_closing_balance_or_its_block(whole: bytes) -> None:
    assert not cut(whole)
    assert not cut(whole * 2)
    begins = whole.index(b":60F:") + 5
    ends = whole.index(b":62F:") + len(b":62F:C260831EUR15")
    assert all(cut(whole[:length]) for length in range(begins, ends))
    assert all(cut(whole + whole[:length]) for length in range(begins, ends))


def test_a_statement_longer_than_what_is_looked_at_is_judged_by_its_end() -> None:
    entry = b":61:2608310831C5,NTRFX\r\n"
    start, end = BARE.split(entry)
    long = start + entry * (3 * TAIL_BYTES // len(entry))
    assert cut(long)
    assert not cut(long + end)


@pytest.mark.parametrize(
    "content",
    [
        b'{"payout": "po_1"}',
        b"01,BANK,US,260831,0000,1,80,1,2/",
        b":20:X\r\n:25:Y\r\n:28C:1\r\n:34F:EURC0,\r\n:13D:2608311200+0200\r\n:61:",
        b"a;b\n1;2\n",
        b"\xff\xfea\x00",
    ],
)
def test_of_what_has_no_end_of_its_own_nobody_can_know(content: bytes) -> None:
    assert not cut(content)


def test_an_empty_file_is_waited_for() -> None:
    assert cut(b"")
