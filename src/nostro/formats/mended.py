"""Bytes as banks really send them become UTF-8 that an XML parser takes; what was mended is told, never hidden.

What the bytes are counts more than what they say: .NET writes "UTF-16" into documents that are saved as UTF-8, editors
save UTF-16 that says UTF-8, and some programs say UTF-8 or "ANSI" and write Windows' own code page. One wrong byte must
not cost all entries behind it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nostro.formats.xml import trimmed

_SLICE_BYTES = 65_536
_SAID = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([^"'>]{1,40})["']""")
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}
_UNICODE = ("utf-8", "utf-16", "utf-32", "utf-7")
"""Who says one of these, and begins with no mark of another, has written UTF-8."""
_ALLOWED = bytes({*range(0x20, 0x100), *b"\t\r"})
"""Beside ends of lines, which are counted by the way."""
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_BARE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)")
_ASIDE = re.compile(rb"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)", re.DOTALL)
"""Comments and processing instructions: there an ampersand is right as it is."""
_AGAIN = re.compile(rb"<\?xml\s")
_RAW = b"<![CDATA["
_BEGUN = re.compile(rb"[<&][^<&>;]{0,11}\Z")
"""What may be the beginning of something that the next slice goes on with."""
_STAND_IN = "\ufffd".encode()


class Slice(NamedTuple):
    """Bytes in UTF-8. `begins`: a document of its own begins with them."""

    content: bytes
    begins: bool


def mended(chunks: Iterable[bytes], flaws: list[str]) -> Iterator[Slice]:
    """The document, or several one after the other. `flaws` gets a sentence for each kind of thing that was mended."""
    mender: _Mender | None = None
    for chunk in trimmed(chunks):
        for start in range(0, len(chunk), _SLICE_BYTES):
            piece = chunk[start : start + _SLICE_BYTES]
            mender = mender or _Mender(piece, flaws)
            yield from mender.take(piece)
    if mender is not None:
        yield from mender.take(b"", final=True)


class _Mender:
    def __init__(self, beginning: bytes, flaws: list[str]) -> None:
        self._flaws, self._told = flaws, set[str]()
        self._line, self._held, self._begins, self._raw, self._strange = 1, b"", True, False, b""
        self._codec = self._codec_of(beginning)
        self._decoder = codecs.getincrementaldecoder(self._codec)()

    def _codec_of(self, beginning: bytes) -> str:
        if found := _MARKS.get(beginning[:2]):
            return found
        said = _SAID.match(beginning)
        if said is None:
            return "utf-8"
        try:
            name = codecs.lookup(said[1].decode("ascii")).name
            "".encode(name)  # raises for what Python knows that is no encoding of text
        except (LookupError, UnicodeDecodeError):
            self._tell("encoding", "it says an encoding that nobody knows, and is read as UTF-8")
            self._strange = said[1]
            return "utf-8"
        return "utf-8" if name.startswith(_UNICODE) else name

    def take(self, piece: bytes, *, final: bool = False) -> Iterator[Slice]:
        """What can be told with these bytes."""
        told = self._held + self._decoded(piece, final=final).encode("utf-8", "surrogatepass")
        self._held = b""
        if self._strange:
            # A parser that is told the encoding still minds how this one is spelt.
            told, self._strange = told.replace(self._strange, b"UTF-8", 1), b""
        if not final and (open_end := _BEGUN.search(told, max(0, len(told) - 12))):
            told, self._held = told[: open_end.start()], told[open_end.start() :]
        # One sign is looked for many times as fast as several, and most pieces hold neither of these two.
        self._raw = self._raw or (b"[" in told and _RAW in told)
        ends = told.translate(None, _ALLOWED)
        told = self._parsable(told, ends)
        if not self._raw and b"?" in told:
            while again := _AGAIN.search(told, int(self._begins)):
                yield from self._slice(told[: again.start()])
                told, self._begins = told[again.start() :], True
        yield from self._slice(told)
        self._line += ends.count(b"\n")

    def _slice(self, told: bytes) -> Iterator[Slice]:
        if told:
            yield Slice(told, self._begins)
            self._begins = False

    def _decoded(self, piece: bytes, *, final: bool) -> str:
        state = self._decoder.getstate()
        try:
            return self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            line = piece[: max(0, error.start - len(state[0]))].count(b"\n")
            utf8 = self._codec == "utf-8"
            what = "what is not UTF-8 is read as Windows-1252" if utf8 else f"bytes that are not in {self._codec}"
            self._tell("encoding", what, line)
            self._decoder = codecs.getincrementaldecoder(self._codec)(_WINDOWS if utf8 else "replace")
            self._decoder.setstate(state)
            return self._decoder.decode(piece, final)

    def _parsable(self, told: bytes, ends: bytes) -> bytes:
        """`ends`: those of its lines, and what XML forbids."""
        if ends.strip(b"\n") or (b"\xef" in told and b"\xef\xbf" in told):
            told = self._replaced(_FORBIDDEN, _STAND_IN, told, "characters that XML forbids are replaced")
        if b"&" in told and not self._raw and _BARE.search(told):
            sentence = "an ampersand that begins no entity is taken for itself"
            hidden = _ASIDE.sub(lambda aside: aside[0].replace(b"&", b"+"), told)
            told = self._replaced(_BARE, b"&amp;", hidden, sentence)
        return told

    def _replaced(self, pattern: re.Pattern[bytes], by: bytes, told: bytes, sentence: str) -> bytes:
        first = pattern.search(told)
        if first is None:
            return told
        self._tell(sentence, sentence, told.count(b"\n", 0, first.start()))
        return pattern.sub(by, told)

    def _tell(self, kind: str, sentence: str, further: int = 0) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self._flaws.append(f"from line {self._line + further} on: {sentence}")


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    wrong = error.object[error.start : error.end]
    return "".join(bytes([one]).decode("cp1252", "replace") for one in wrong), error.end


_WINDOWS = "nostro.windows"
codecs.register_error(_WINDOWS, _as_windows)
