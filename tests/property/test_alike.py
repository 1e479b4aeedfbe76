"""What is read without a parser, because it is like what the parser read before, is what the parser would have told."""

from __future__ import annotations

import itertools

import pytest

from bench.files import camt053
from nostro.formats.iso20022 import feeding
from nostro.formats.iso20022.camt import read_camt
from nostro.formats.shown import ShownEntry, json_of
from nostro.model.statements import Entry, Reject
from tests.fuzz.run import ours
from tests.fuzz.twice import ODD, PLAIN, differ, varied

ENTRIES = 8
PLACE = b"Invoice INV/2026/000005 part 2"
STATEMENT = b"".join(camt053(ENTRIES))
HEAD, _, REST = STATEMENT.partition(b"<Ntry>")
ONE, END = b"<Ntry>" + REST[: REST.index(b"</Ntry>")] + b"</Ntry>", STATEMENT[STATEMENT.index(b"</Stmt>") :]
PRETTY = ONE.replace(b"><", b">\r\n  <") + b"\r\n"
PREFIXED = ONE.replace(b"</", b"</n:").replace(b"<", b"<n:").replace(b"<n:/n:", b"</n:")
TRANSACTION = ONE[ONE.index(b"<TxDtls>") : ONE.rindex(b"</NtryDtls>")]
ENTRIES_WITH = {
    "a comment around some": ONE * 4 + b"<!-- " + ONE * 3 + b" -->" + ONE,
    "a CDATA section around some": ONE * 4 + b"<AddtlStmtInf><![CDATA[" + ONE * 3 + b"]]></AddtlStmtInf>" + ONE,
    "an instruction around one": ONE * 3 + b"<?x " + ONE + b"?>" + ONE * 3,
    "lines of Windows": PRETTY * 8,
    "lines of old Macs": PRETTY.replace(b"\n", b"") * 8,
    "lines of Unix": PRETTY.replace(b"\r", b"\n") * 8,
    "prefixes": PREFIXED * 8,
    "text in between": b"stray".join([ONE] * 8),
    "attributes": ONE.replace(b"<Ntry>", b'<Ntry a="&lt;x">') * 8,
    "an empty one after each": (ONE + b"<Ntry/>") * 8,
    "an empty text": ONE.replace(b"SHAR", b"") * 4 + ONE * 4,
    "entries in them": ONE.replace(b"<BookgDt>", b"<Ntry><A>1</A></Ntry><BookgDt>") * 8,
    "so many transactions that one is long": b"<Ntry><NtryDtls>" + TRANSACTION * 60 + b"</NtryDtls></Ntry>",
    "letters beyond ASCII": ONE.replace(b"Main", "Mäin€\U0001f600".encode()) * 8,
    "an entity that is none": ONE * 4 + ONE.replace(b"Main", b"&foo;") + ONE * 3,
    "a broken tag": ONE * 4 + ONE.replace(b"</Refs>", b"</Refs") + ONE * 3,
    "elements in a text": ONE.replace(b"SHAR", b"a<c>d</c>b") * 8,
    "two statements of them": ONE * 4 + b"</Stmt><Stmt><Id>2</Id>" + ONE * 5,
    "an attribute twice": ONE * 4 + ONE.replace(b'Ccy="EUR"', b'Ccy="EUR" Ccy="EUR"') * 3,
    "a blank in an end tag": ONE.replace(b"</Ntry>", b"</Ntry >") * 8,
    "a document type among them": ONE * 4 + b"<!DOCTYPE x>" + ONE * 4,
}


@pytest.mark.parametrize("odd", [*ODD, *PLAIN])
def test_an_odd_text_is_read_as_the_parser_reads_it(odd: bytes) -> None:
    assert PLACE in STATEMENT
    for text in (odd, odd + b"z", b"z" + odd + b"z"):
        assert not differ(STATEMENT.replace(PLACE, text))


@pytest.mark.parametrize("piece_bytes", [65_536, 97])
@pytest.mark.parametrize("entries", ENTRIES_WITH.values(), ids=ENTRIES_WITH.keys())
def test_entries_are_read_as_the_parser_reads_them_whatever_is_around(entries: bytes, piece_bytes: int) -> None:
    assert not differ(HEAD + entries + END, piece_bytes)


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "windows-1252", "UTF-16"])
def test_other_encodings_are_read_as_the_parser_reads_them(encoding: str) -> None:
    told = (HEAD + ONE * 8 + END).decode().replace("UTF-8", encoding).replace("Main", "Mäin")
    assert not differ(told.encode(encoding))


def test_ours_are_told_alike_by_both_ways_whole_and_varied() -> None:
    for path, seed in itertools.product((path for path in ours() if path.suffix == ".xml"), range(3)):
        raw = path.read_bytes()
        assert not differ(raw), path
        assert not differ(varied(raw, seed)), (path, seed)


def test_most_of_what_is_alike_is_not_shown_to_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    show = feeding.Feeder._show

    def noted(feeder: feeding.Feeder, text: str) -> None:
        shown.append(text)
        show(feeder, text)

    monkeypatch.setattr(feeding.Feeder, "_show", noted)
    raw = b"".join(camt053(100))
    entries = [item for item in read_camt([raw]) if isinstance(item, Entry)]
    assert len(entries) == 100
    again = [item for item in read_camt([raw]) if isinstance(item, Entry)]
    assert entries == again
    assert sum(map(len, shown)) < len(raw) * 1.3


def test_a_statement_that_is_cut_in_what_would_be_passed_by_says_so() -> None:
    raw = b"".join(camt053(ENTRIES))
    *_, last = read_camt([raw[: raw.rindex(b"</RmtInf>")]])
    assert isinstance(last, Reject)


def test_what_is_shown_of_an_entry_is_what_its_model_takes() -> None:
    for entry in (item for item in read_camt([STATEMENT]) if isinstance(item, Entry)):
        shown = ShownEntry.of(entry, "1", "file")
        assert ShownEntry.model_validate_json(json_of(shown)) == shown
