"""The tags of OFX, streaming, whatever became of them: unclosed, empty, in SGML under an XML header or the reverse.

OFX 1.6 and 2.2, "OFX/SGML" and "XML structure". Elements have text, aggregates have elements; in SGML only aggregates
must be closed. No entity is resolved but the few that OFX names, and nothing is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import unescape
from typing import NamedTuple

from nostro.formats.text import pieces
from nostro.model.failures import FormatRefused

_TAG = re.compile(r"<(/?)([A-Za-z][\w.]{0,63})(?:\s[^<>]{0,400})?/?>")
_ASIDE = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
"""What is no tag: how it begins, and how it ends."""
_TAG_LETTERS = 480
_TEXT = 4_000
_WAITING = 1_048_576


class Tag(NamedTuple):
    """A tag with the text that follows it, up to the next one. `closing`: it ends what it names."""

    name: str
    closing: bool
    text: str
    line: int


def tags(chunks: Iterable[bytes]) -> Iterator[Tag]:
    """The tags in their order. A document type is passed over. Raises `FormatRefused` for a mark that never ends."""
    cursor = _Cursor()
    for piece in pieces(chunks, b"<"):
        yield from cursor.take(piece)
    yield from cursor.finish()


@dataclass(slots=True)
class _Cursor:
    """Where the walk through the text is: the tag whose text is being gathered, and what is not understood yet."""

    held: str = ""
    place: int = 0
    line: int = 1
    name: str = ""
    closing: bool = False
    said: str = ""
    begun: int = 1

    def take(self, piece: str) -> Iterator[Tag]:
        """More text."""
        self.held, self.place = self.held[self.place :] + piece, 0
        while (start := self.held.find("<", self.place)) >= 0:
            self._say(start)
            if not self._may_begin(start + 1):
                self._say(start + 1)
                continue
            opened = next((mark for mark in _ASIDE if self.held.startswith(mark, start)), "")
            if opened:
                ends = self.held.find(_ASIDE[opened], start + len(opened))
                if ends < 0:
                    break
                self._pass_over(opened, ends)
            elif found := _TAG.match(self.held, start):
                yield from self._give()
                self.name, self.closing, self.begun = found[2].upper(), bool(found[1]), self.line
                self._move(found.end())
            elif self._may_go_on(start):
                break
            else:
                self._say(start + 1)
        else:
            self._say(len(self.held))
        if len(self.held) - self.place > _WAITING:
            raise FormatRefused("A mark in the file never ends.")

    def finish(self) -> Iterator[Tag]:
        """The file is read to its end."""
        self._say(len(self.held))
        if self.name and not self.closing and clean(self.said):
            # All that is whole ends with a tag that closes something: of a value at the very end some may be missing.
            self.said = ""
        yield from self._give()

    def _pass_over(self, opened: str, ends: int) -> None:
        """Comments and instructions say nothing; CDATA says what it holds."""
        if opened == "<![CDATA[":
            held = self.held[self.place + len(opened) : ends].replace("&", "&amp;")
            self.said = (self.said + held)[:_TEXT]
        self._move(ends + len(_ASIDE[opened]))

    def _may_begin(self, place: int) -> bool:
        """Whether a mark can go on like this; what can't is text."""
        letter = self.held[place : place + 1]
        return not letter or letter.isalpha() or letter in "/!?"

    def _may_go_on(self, start: int) -> bool:
        """Whether what begins here may be a tag whose end is in the next piece."""
        rest = self.held[start + 1 : start + _TAG_LETTERS]
        return len(rest) < _TAG_LETTERS - 1 and ">" not in rest and "<" not in rest

    def _say(self, end: int) -> None:
        if len(self.said) < _TEXT:
            self.said = (self.said + self.held[self.place : end])[:_TEXT]
        self._move(end)

    def _move(self, end: int) -> None:
        self.line += self.held.count("\n", self.place, end)
        self.place = end

    def _give(self) -> Iterator[Tag]:
        if self.name:
            yield Tag(self.name, self.closing, clean(self.said), self.begun)
        self.said = ""


def clean(said: str) -> str:
    """A value without blanks around, its lines joined, and `&amp;` and the like as letters."""
    return " ".join(unescape(said).split())
