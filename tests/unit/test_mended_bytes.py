"""Files whose bytes are not what they say, or not quite XML: read whole, and what was mended is told beside them."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.mended import mended
from nostro.formats.reading import Item
from nostro.model.messages import MessageEnd
from nostro.model.statements import Entry, Reject, StatementEnd
from tests.unit.test_camt_told_whole import URN, camt

NAMED = "<AddtlNtryInf>Müller &amp; Söhne</AddtlNtryInf>"
STATE = "<Sts><Cd>BOOK</Cd></Sts>"


def document(said: str = NAMED, encoding: str = "UTF-8", entries: int = 3) -> str:
    """A statement whose first entry says something that its bytes make hard."""
    one = "\n<Ntry><Amt Ccy='EUR'>{}.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>{}{}</Ntry>"
    told = "".join(one.format(number, STATE, "" if number > 1 else said) for number in range(1, entries + 1))
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{camt(told)}\n'


def read(raw: bytes, size: int = 1_000_000) -> list[Item]:
    """Everything that is read, in chunks of a size."""

    def chunks() -> Iterator[bytes]:
        return (raw[at : at + size] for at in range(0, len(raw), size))

    return [item for told in tell(chunks, "file") for item in told.items]


def held(items: list[Item]) -> tuple[list[str], list[str], list[Reject]]:
    """What entries say, what of the bytes was mended, and rejects."""
    said = [item.additional for item in items if isinstance(item, Entry)]
    ends = [item for item in items if isinstance(item, StatementEnd)]
    mended = [check.detail for end in ends for check in end.checks if check.name == "bytes" and not check.ok]
    return said, mended, [item for item in items if isinstance(item, Reject)]


WHOLE = ["Müller & Söhne", "", ""]


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize(
    "raw, says",
    [
        (document().encode(), ""),
        (codecs.BOM_UTF8 + document().encode(), ""),
        (document().encode("cp1252"), "line 3 on: what is not UTF-8 is read as Windows-1252"),
        (document(encoding="ANSI").encode("cp1252"), "line 1 on: it says an encoding that nobody knows"),
        (document(encoding="rot13").encode(), "line 1 on: it says an encoding that nobody knows"),
        (document(encoding="UTF-16").encode(), ""),
        (document().encode("utf-16"), ""),
        (document().encode("utf-16-be"), ""),
        (document(encoding="iso-8859-15").encode("iso-8859-15"), ""),
        (document(NAMED.replace("&amp;", "&")).encode(), "line 3 on: an ampersand that begins no entity"),
    ],
)
def test_what_bytes_are_counts_more_than_what_they_say(raw: bytes, says: str, size: int) -> None:
    said, told, rejects = held(read(raw, size))
    assert (said, rejects) == (WHOLE, [])
    assert any(says in one for one in told) if says else told == []


def test_what_xml_forbids_costs_a_character_and_no_entry() -> None:
    said, told, rejects = held(read(document("<AddtlNtryInf>a\x00b\x1fc\uffff</AddtlNtryInf>").encode()))
    assert (said[0], len(said), rejects) == ("a\ufffdb\ufffdc\ufffd", 3, [])
    assert "line 3 on: characters that XML forbids" in told[0]


def test_within_cdata_an_ampersand_is_right_as_it_is() -> None:
    said, told, rejects = held(read(document("<AddtlNtryInf><![CDATA[A&B <?xml ?>]]></AddtlNtryInf>").encode(), 5))
    assert (said[0], told, rejects) == ("A&B <?xml ?>", [], [])


def test_in_comments_and_instructions_an_ampersand_is_right_as_it_is() -> None:
    aside = "<!-- House & Sons --><?style href='a?b&c'?>"
    said, told, rejects = held(read(document(f"{aside}<AddtlNtryInf>x</AddtlNtryInf>").encode()))
    assert (said[0], told, rejects) == ("x", [], [])
    said, told, rejects = held(read(document(f"{aside}<AddtlNtryInf>A&B</AddtlNtryInf>").encode()))
    assert (said[0], len(told), rejects) == ("A&B", 1, [])


@pytest.mark.parametrize("size", [3, 1_000_000])
def test_documents_one_after_the_other_are_all_read(size: int) -> None:
    one = document().encode()
    several = gzip.compress(one) + gzip.compress(one)
    for raw in (one + one, several):
        items = read(raw, size)
        assert held(items) == (WHOLE * 2, [], [])
        lines = [item.source.line for item in items if isinstance(item, Entry)]
        assert lines == [3, 4, 5, 8, 9, 10]


def test_a_message_about_payments_tells_it_too() -> None:
    text = (
        f"<Document xmlns='{URN}pain.002.001.10'><CstmrPmtStsRpt><GrpHdr><MsgId>R</MsgId></GrpHdr><OrgnlGrpInfAndSts>"
        "<OrgnlMsgId>A&B</OrgnlMsgId><GrpSts>ACSC</GrpSts></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>"
    )
    [end] = [item for item in read(text.encode()) if isinstance(item, MessageEnd)]
    assert [check.name for check in end.checks if not check.ok] == ["bytes"]


def test_no_entity_is_ever_looked_up() -> None:
    said, told, _ = held(read(document("<AddtlNtryInf>&xxe;</AddtlNtryInf>").encode()))
    assert said[0] == "&xxe;"
    assert len(told) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_slices_change_nothing(size: int) -> None:
    raw = document("<AddtlNtryInf>&lt;é&#233;&#xE9;€&A\x01&</AddtlNtryInf>").encode() * 2
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    whole, parts = list(mended([raw], [])), list(mended(pieces, []))
    assert b"".join(one.content for one in parts) == b"".join(one.content for one in whole)
    assert sum(one.begins for one in parts) == sum(one.begins for one in whole) == 2
