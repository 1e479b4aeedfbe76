"""XML cut into pieces, from bytes in chunks: no entities, document types or network, bounded depth and memory.

The parser (expat) calls us for every element, of which a gigabyte has a hundred million: a piece is nothing but the
texts that it tells, each with its path, and what a place means is known from the first time that one was met.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from nostro.formats.iso20022.feeding import Feeder
from nostro.formats.iso20022.listening import Cut, Reached, listen
from nostro.formats.iso20022.places import Scissors, root_of
from nostro.formats.xml import BrokenXml, trimmed
from nostro.model.failures import FormatRefused

HELD_TEXTS = 200_000
"""So many texts may belong to one piece: far more than any entry without its details has."""
_SLICE_BYTES = 65_536
_VERSION = re.compile(r"(?:pain|pacs|camt|remt|admi)\.\d{3}\.\d{3}\.\d{2}")
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._:-]*)["']""")
_OWN_ENCODINGS = frozenset({"utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "ascii"})
"""What expat decodes by itself (as Python calls them), besides UTF-8."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(slots=True)
class Lead:
    """The beginnings of what leads to a message, and of the message itself."""

    begun: list[Cut] = field(default_factory=list)

    def take(self, cut: Cut) -> None:
        """An element begins."""
        self.begun[cut.depth - 1 :] = [cut]

    def leave(self, cut: Cut) -> None:
        """An element is complete."""
        del self.begun[cut.depth - 1 :]

    @property
    def where(self) -> str:
        """The path of names."""
        return "/" + "/".join(cut.path for cut in self.begun)

    def version(self, name: str, otherwise: str = "") -> str:
        """`camt.053.001.08`, as the nearest attribute says it, `otherwise`, or just `camt.053` where nothing does."""
        told = [otherwise, *(value for cut in self.begun for value in cut.attributes)]
        found = [version[0] for said in reversed(told) if (version := _VERSION.search(said))]
        return next((version for version in found if version.startswith(name)), name)


def cuts(chunks: Iterable[bytes], scissors: Scissors) -> Iterator[Cut]:
    """Beginnings and complete elements, in the document's order, as soon as their bytes are there.

    What something was cut out of tells what it told `so_far`, ahead of it.

    Raises `FormatRefused` for no bytes and for a document type declaration, `BrokenXml` where the XML breaks or is cut,
    and where one piece holds more than memory may.
    """
    walk: _Walk | None = None
    for chunk in trimmed(chunks):
        for start in range(0, len(chunk), _SLICE_BYTES):
            piece = chunk[start : start + _SLICE_BYTES]
            walk = walk or _Walk(piece, scissors)
            yield from walk.feed(piece)
    if walk is None:
        raise FormatRefused("The file is empty.")
    yield from walk.feed(b"", final=True)


class _Walk:
    """The parser, and what its calls have cut out so far."""

    def __init__(self, beginning: bytes, scissors: Scissors) -> None:
        encoding, self._decode = _encoding(beginning)
        self._parser = expat.ParserCreate(encoding)
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse
        self._out: list[Cut] = []
        self._reached = Reached()
        root = root_of(scissors)
        self._held, self._tell = listen(self._parser, root, self._out, self._reached)
        plain = encoding == "utf-8" and self._decode is bytes
        self._parse = Feeder(self._parser, root, self._reached, self._out).feed if plain else self._parser.Parse

    def feed(self, piece: bytes, *, final: bool = False) -> Iterator[Cut]:
        """What is complete with these bytes."""
        broken = ""
        try:
            self._parse(self._decode(piece), final)
        except expat.ExpatError as error:
            broken = expat.ErrorString(error.code)
        except UnicodeDecodeError:
            broken = "bytes that are not in the encoding it says"
        except BrokenXml as error:
            broken = error.why
        if self._held() > HELD_TEXTS:
            broken = f"more than {HELD_TEXTS} texts without an entry among them"
        if broken:
            self._tell()
        yield from self._out
        self._out.clear()
        if broken:
            raise BrokenXml(broken, self._parser.CurrentLineNumber + self._reached.passed)


def _encoding(beginning: bytes) -> tuple[str | None, Callable[[bytes], bytes]]:
    """What the parser is told, and what is done to the bytes before.

    .NET writes "UTF-16" into documents that are then saved as UTF-8: what bytes are counts more than what they say.
    """
    found = _ENCODING.match(beginning)
    if found is None:
        return (None if b"\x00" in beginning[:4] or beginning[:2] in _UTF16 else "utf-8"), bytes
    try:
        said = codecs.lookup(found[1].decode("ascii")).name
    except LookupError:
        raise FormatRefused("The XML says an encoding that nobody knows.") from None
    if said == "utf-8" or said.startswith(("utf-16", "utf-32")):
        return "utf-8", bytes
    if said in _OWN_ENCODINGS:
        return said, bytes
    decoder = codecs.getincrementaldecoder(said)()
    return "utf-8", lambda piece: decoder.decode(piece).encode()


def _refuse(*_: object) -> None:
    raise FormatRefused("The XML declares a document type: no bank file does, and it could smuggle entities in.")
