"""One document read in two ways, by the parser alone and with what passes it by: both say the same, to the line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from nostro.formats.iso20022 import alike, pieces
from nostro.formats.iso20022.camt import cut_so as statement_cut
from nostro.formats.iso20022.message_types import cut_so as message_cut
from nostro.formats.iso20022.places import Scissors
from nostro.formats.xml import BrokenXml
from nostro.model.failures import FormatRefused
from tests.fuzz.damage import DAMAGES

_REPEATED = tuple(
    re.compile(rb"<((?:[\w.-]+:)?(?:%b))>.*?</\1>\s*" % names, re.DOTALL)
    for names in (b"Ntry|CdtTrfTxInf|DrctDbtTxInf|TxInf|TxInfAndSts", b"TxDtls|CdtTrfTxInf|TxInf")
)
_TEXT = re.compile(rb"(?<=>)[^<>\s][^<>]*(?=</)")
PLAIN = (b"x", b"12.50", b"EUR", b"2026-08-31", "Müller & Söhne".replace("&", "+").encode(), b"a b", b"CRDT")
ODD = (
    b"a &amp; b", b"&#65;", b"&", b"&none;", b"<", b">", b"]]>", b"]]", b"<![CDATA[</Ntry><Ntry>]]>",
    b"<!-- </Ntry> -->", b"<?x </TxDtls>?>", b"<b/>", b"<b>1</b>", b" ", b"", b" a", b"a ", b"a\nb", b"a\r\nb", b"a\rb",
    b"\ta", b"\x01", b"\x7f", b"\x85", "\u00a0a".encode(), "a\u2028".encode(), "\ufffe".encode(), "\uffff".encode(),
    b"\xed\xa0\x80", b"\xff", b"\xc3", "\ue0000\ue000".encode(), "\U0001f600".encode(), b"y" * 9_998, b"y" * 30_000,
    b"a--b", b"</Ntry>",
)  # fmt: skip


class _ParserAlone:
    def __init__(self, parser: Any, *_: object) -> None:  # noqa: ANN401 - expat's parser has no public type
        self.feed = parser.Parse


@contextmanager
def _set(module: Any, name: str, value: object) -> Iterator[None]:  # noqa: ANN401 - a module
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def differ(raw: bytes, piece_bytes: int = 4_096) -> str:
    """What the two ways disagree on, or nothing. A pattern is made as soon as it can be."""
    for scissors in (statement_cut, message_cut):
        with _set(pieces, "Feeder", _ParserAlone):
            alone = _told(raw, scissors, piece_bytes)
        with _set(alike, "TIMES", 1):
            both = _told(raw, scissors, piece_bytes)
        if alone != both:
            place = next((at for at, pair in enumerate(zip(alone, both, strict=False)) if pair[0] != pair[1]), -1)
            return f"cut {place} of {len(alone)} and {len(both)}: {alone[place]} is {both[place]}"
    return ""


def _told(raw: bytes, scissors: Scissors, piece_bytes: int) -> list[Any]:
    chunks = (raw[start : start + piece_bytes] for start in range(0, len(raw), piece_bytes))
    found: list[Any] = []
    try:
        for cut in pieces.cuts(chunks, scissors):
            at = cut.told.shape.at if cut.told else {}
            texts = [(path, [cut.told.values[place] for place in places]) for path, places in at.items() if cut.told]
            found.append((cut.path, cut.line, cut.depth, cut.told is None, texts, cut.attributes, cut.so_far))
    except BrokenXml as broken:
        found.append((broken.why, broken.line))
    except FormatRefused as refused:
        found.append(str(refused))
    return found


def varied(raw: bytes, seed: int) -> bytes:
    """What is repeated is there more often, with other texts; then an odd one may be among them, or some damage."""
    chance = Random(seed)  # noqa: S311 - to be repeated, not to be secret
    varied = chance.choice(_REPEATED).sub(lambda found: b"".join(_other(found[0], chance) for _ in range(5)), raw)
    if chance.random() < 0.7 and (texts := list(_TEXT.finditer(varied))):
        odd = chance.choice(texts)
        varied = varied[: odd.start()] + chance.choice(ODD) + varied[odd.end() :]
    if chance.random() < 0.3:
        varied = chance.choice(list(DAMAGES.values()))(varied, chance)
    return varied


def _other(element: bytes, chance: Random) -> bytes:
    return _TEXT.sub(lambda found: chance.choice(PLAIN) if chance.random() < 0.2 else found[0], element)
