"""A message as the text of another XML document: inside CDATA, or escaped (`&lt;Document&gt;`), as services do.

The text streams out of its envelope, so that a message of any size fits in memory. Lines keep their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import unescape
from itertools import chain

from nostro.formats.text import decoded

_CDATA = b"<![CDATA["
_CDATA_END = b"]]>"
_ESCAPED = re.compile(rb">\s*(?=&lt;[A-Za-z_?])")
_DECLARATION = re.compile(rb"\s*<\?xml[^>]*\?>")
_SAID = re.compile(rb"""^[^<]{0,8}<\?xml[^>]*encoding\s*=\s*["']([\w.:-]+)["']""")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9A-Fa-f]{1,6}|lt|gt|amp|quot|apos);")
_BEGINNING_BYTES = 8_192
_LINES = 100_000
_MESSAGES = 10_000
_ACCESS = b"\x1f"
"""SWIFT Alliance Access puts this, a length of six digits and a signature of 24 bytes before each message of a file."""
_LENGTH_ENDS = 7
_SIGNATURE_BYTES = 24
_PREFIX_BYTES = _LENGTH_ENDS + _SIGNATURE_BYTES


def documents_within(chunks: Iterable[bytes]) -> Iterator[Iterator[bytes]]:
    """The documents that stand as text in this one, each as its bytes in UTF-8 or in the envelope's encoding.

    A document that its reader left early is passed over.
    """
    text = _Text(_readable(chunks))
    for _ in range(_MESSAGES):
        if not text.seek():
            return
        inside = text.inside()
        yield inside
        for _piece in inside:
            pass


def unprefixed(beginning: bytes) -> bytes:
    """The beginning of a file without what SWIFT Alliance Access puts before its first message."""
    if not beginning.startswith(_ACCESS):
        return beginning
    return beginning[_PREFIX_BYTES if _length(beginning) else max(beginning.find(b"<"), 0) :]


def without_prefixes(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes as one XML document, without what SWIFT Alliance Access puts before each message of a file."""
    given = iter(chunks)
    first = next(given, b"")
    whole = chain((first,), given)
    if not first.startswith(_ACCESS):
        yield from whole
        return
    # An output file of Alliance Access is written message by message: it is small enough to be held.
    held = b"".join(whole)
    yield b"<Batch>"
    while held:
        length = _length(held)
        body = unprefixed(held)
        yield _DECLARATION.sub(b"", body[: length - _SIGNATURE_BYTES] if length else body, count=1)
        held = body[length - _SIGNATURE_BYTES :] if length else b""
    yield b"</Batch>"


def _length(prefixed: bytes) -> int:
    """How many bytes follow the length itself: signature and message; 0 where nobody says."""
    said = prefixed[1:_LENGTH_ENDS]
    return int(said) if prefixed.startswith(_ACCESS) and said.isdigit() and int(said) > _SIGNATURE_BYTES else 0


def shown_within(text: str) -> str:
    """The beginning of a document, with what it holds as text laid open."""
    return _ENTITY.sub(lambda found: unescape(found[0]), text.replace("<![CDATA[", " "))


def _readable(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes in an encoding that has ASCII's signs: UTF-16 becomes UTF-8."""
    given = iter(chunks)
    first = next(given, b"")
    if first[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<"):
        # An envelope in UTF-16 is small, as far as is known: it is held.
        whole = b"".join(chain((first,), given))
        yield decoded(whole).encode()
    else:
        yield first
        yield from given


@dataclass(slots=True)
class _Text:
    """The envelope's bytes, and how far they were read."""

    chunks: Iterator[bytes]
    held: bytes = b""
    lines: int = 0
    encoding: bytes = b""
    escaped: bool = False
    begun: bool = field(default=False)

    def seek(self) -> bool:
        """Go to where the next document begins; False where there is none."""
        while True:
            if not self.begun and (len(self.held) >= _BEGINNING_BYTES or not self._more()):
                self.begun = True
                said = _SAID.match(self.held)
                self.encoding = said[1] if said and not said[1].lower().startswith(b"utf-16") else b"UTF-8"
            if self.begun:
                at, escaped = self._found()
                if at >= 0:
                    self.escaped = escaped
                    self._pass(at)
                    return True
                self._pass(max(len(self.held) - len(_CDATA) - 64, 0))
                if not self._more():
                    return False

    def inside(self) -> Iterator[bytes]:
        """The document's bytes, with as many lines before it as there were."""
        declaration = b'<?xml version="1.0" encoding="%s"?>' % self.encoding
        yield declaration + b"\n" * min(self.lines, _LINES)
        first = True
        for piece in self._until(b"<" if self.escaped else _CDATA_END):
            opened = _opened(piece) if self.escaped else piece
            yield _DECLARATION.sub(b"", opened, count=1) if first else opened
            first = False

    def _found(self) -> tuple[int, bool]:
        cdata, escaped = self.held.find(_CDATA), _ESCAPED.search(self.held)
        if escaped and (cdata < 0 or escaped.end() < cdata):
            return escaped.end(), True
        return (cdata + len(_CDATA), False) if cdata >= 0 else (-1, False)

    def _until(self, mark: bytes) -> Iterator[bytes]:
        """The bytes up to a mark, in pieces that cut no entity and no XML declaration in two."""
        while True:
            at = self.held.find(mark)
            if at >= 0:
                yield self._pass(at)
                return
            kept = max(len(self.held) - len(mark) - 16, 0)
            if kept >= _BEGINNING_BYTES:
                cut = self.held.rfind(b"&", 0, kept) if self.escaped else kept
                yield self._pass(cut if cut > 0 else kept)
            if not self._more():
                yield self._pass(len(self.held))
                return

    def _pass(self, count: int) -> bytes:
        piece, self.held = self.held[:count], self.held[count:]
        self.lines += piece.count(b"\n")
        return piece

    def _more(self) -> bool:
        piece = next(self.chunks, b"")
        self.held += piece
        return bool(piece)


def _opened(piece: bytes) -> bytes:
    return _ENTITY_BYTES.sub(lambda found: unescape(found[0].decode()).encode(), piece)


_ENTITY_BYTES = re.compile(_ENTITY.pattern.encode())
