"""Shows the parser a document, but for the elements that are like others which it was shown before."""

from __future__ import annotations

import codecs
import re
from xml.parsers import expat

from nostro.formats.iso20022.alike import LONGEST, Alike
from nostro.formats.iso20022.listening import Cut, Reached
from nostro.formats.iso20022.places import Place, Role, Root
from nostro.formats.xml import BrokenXml

_TRIES = 64
"""So many more elements may fit no pattern than do, before none is tried any more in this document."""
_ENDS = 32
"""So many end tags of elements that have others like them are looked for."""
_LONGEST_MARK_BYTES = 4_194_304
"""A tag or comment may be so long: with each piece the parser goes through it once more from its beginning."""
_NO_CHARACTERS = ("\ufffe", "\uffff")
"""What Python decodes and XML forbids."""


class Feeder:
    """One document in UTF-8. An element is held until it is complete or long."""

    def __init__(self, parser: expat.XMLParserType, root: Root, reached: Reached, out: list[Cut]) -> None:
        self._parser, self._root, self._reached, self._out = parser, root, reached, out
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._given_up = False
        self._text, self._shown_bytes, self._saved = "", 0, _TRIES
        self._behind: Place | None = None
        self._ends = _any_of(root.ends)

    def feed(self, raw: bytes, final: bool = False) -> None:  # noqa: FBT001, FBT002 - as expat's own `Parse`
        """As the parser's `Parse`, whatever it raises too; and `BrokenXml` for a tag or comment that does not end."""
        if not self._given_up:
            raw = self._take(raw, final=final)
        self._parse(raw, final=final)

    def _parse(self, raw: bytes, *, final: bool = False) -> None:
        self._parser.Parse(raw, final)
        self._shown_bytes += len(raw)
        if self._shown_bytes - self._parser.CurrentByteIndex > _LONGEST_MARK_BYTES:
            raise BrokenXml(f"a tag or comment of more than {_LONGEST_MARK_BYTES} bytes", self._reached.line)

    def _take(self, raw: bytes, *, final: bool) -> bytes:
        """What is left to the parser."""
        try:
            told = self._decoder.decode(raw, final)
        except UnicodeDecodeError as error:
            self._given_up = True
            return self._text.encode() + bytes(error.object)
        self._text += told
        self._given_up = self._saved < 0 or any(one in told for one in _NO_CHARACTERS)
        if self._given_up:
            return self._text.encode() + self._decoder.getstate()[0]
        self._walk(final=final)
        return b""

    def _walk(self, *, final: bool) -> None:
        text, at = self._text, 0
        while at < len(text):
            behind = self._behind
            if behind is not None and (after := self._pass_by(behind.alike or Alike(), text, at)):
                at = after
                continue
            end = self._end(text, at)
            if end < 0 and not final and behind is not None and len(text) - at < LONGEST:
                break
            end = len(text) if end < 0 else end
            self._show(text[at:end])
            if behind is not None and behind is self._behind and end - at < LONGEST:
                self._meet(behind, text[at:end])
            at = end
        self._text = text[at:]

    def _pass_by(self, alike: Alike, text: str, at: int) -> int:
        """Where the element ends that stands here, if it is like another one; 0 otherwise."""
        fitting = alike.fitting(text, at)
        if fitting is None:
            return 0
        pattern, found = fitting
        reached = self._reached
        self._out += pattern.cuts(found, reached.line)
        reached.line += pattern.lines
        reached.passed += pattern.lines
        self._saved += 1
        return found.end()

    def _end(self, text: str, at: int) -> int:
        """Where the next element ends that may have others like it, or -1."""
        behind = self._behind
        if behind is not None and behind.role == Role.ANNOUNCED:
            tag = f"</{self._reached.tag}>"
            if (end := text.find(tag, at, at + LONGEST)) >= 0:
                return end + len(tag)
        found = self._ends.search(text, at)
        return found.end() if found else -1

    def _show(self, text: str) -> None:
        raw, reached = text.encode(), self._reached
        self._parse(raw)
        tag = f"</{reached.tag}>"
        if reached.tag and tag not in self._root.ends and len(self._root.ends) < _ENDS:
            self._root.ends = (*self._root.ends, tag)
            self._ends = _any_of(self._root.ends)
        # Within a comment, say, the same letters are no end.
        ended_here = text.endswith(tag) and reached.byte + len(tag.encode()) == self._shown_bytes
        self._behind = reached.place if ended_here else None

    def _meet(self, place: Place, text: str) -> None:
        self._saved -= 1
        place.alike = place.alike or Alike()
        place.alike.meet(text, place)


def _any_of(ends: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, ends)) or r"(?!)")
