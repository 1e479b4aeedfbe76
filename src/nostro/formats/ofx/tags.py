"""The tags of OFX, streaming, whatever became of them: unclosed, empty, in SGML under an XML header or the reverse.

OFX 1.6 and 2.2, "OFX/SGML" and "XML structure". Elements have text, aggregates have elements; in SGML only aggregates
must be closed. No entity is resolved but the few that OFX names, and nothing is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import NamedTuple

from nostro.formats.text import pieces
from nostro.model.failures import FormatRefused

_TOKEN = re.compile(
    r"<!\[CDATA\[(?P<raw>.*?)\]\]>"
    r"|<!--.*?-->"
    r"|<\?.*?\?>"
    r"|<(?P<close>/?)(?P<name>[A-Za-z][\w.]{0,63})(?:\s[^<>]{0,400})?(?P<empty>/?)>",
    re.DOTALL,
)
_OPENED = re.compile(r"<(?:!(?:\[CDATA\[|--)?|\?|/?[A-Za-z][\w.]{0,63}(?:\s[^<>]{0,400})?/?)?\Z|<!\[CDATA\[|<!--|<\?")
"""A token that has begun, and ends in the next piece."""
_TEXT = 4_000
_WAITING = 1_048_576
_DOCTYPE = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class Tag(NamedTuple):
    """A tag with the text that follows it, up to the next one. `closing`: it ends what it names."""

    name: str
    closing: bool
    text: str
    line: int


def tags(chunks: Iterable[bytes]) -> Iterator[Tag]:
    """The tags in their order. Raises `FormatRefused` for a document type of its own, or for what never ends."""
    current, said, held, closing = "", "", "", False
    line = begun = 1
    for piece in pieces(chunks, b"<"):
        held += piece
        place = 0
        for found in _TOKEN.finditer(held):
            said = _joined(said, held[place : found.start()])
            line_here = line + held.count("\n", 0, found.start())
            place = found.end()
            if found["raw"] is not None:
                said = (said + found["raw"].replace("&", "&amp;"))[:_TEXT]
            elif found["name"]:
                if current:
                    yield Tag(current, closing, clean(said), begun)
                current, closing, said, begun = found["name"].upper(), bool(found["close"]), "", line_here
        rest = held[place:]
        opened = _OPENED.search(rest)
        keep = opened.start() if opened else len(rest)
        said = _joined(said, rest[:keep])
        line += held.count("\n", 0, place + keep)
        held = rest[keep:]
        if len(held) > _WAITING or _DOCTYPE.match(held):
            raise FormatRefused("The file declares a document type of its own, or a mark in it never ends.")
    if current:
        yield Tag(current, closing, clean(_joined(said, held)), begun)


def _joined(said: str, more: str) -> str:
    return (said + more)[:_TEXT]


def clean(said: str) -> str:
    """A value without blanks around, its lines joined, and `&amp;` and the like as letters."""
    return " ".join(unescape(said).split())
