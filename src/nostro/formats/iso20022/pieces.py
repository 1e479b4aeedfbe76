"""XML cut into pieces, from bytes in chunks: no entities, document types or network, bounded depth and memory.

The parser (expat) calls us for every element, of which a gigabyte has a hundred million: a piece is nothing but the
texts that it tells, each with its path, and what a place means is known from the first time that one was met.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

from nostro.formats.iso20022.places import Place, Role, Scissors, root_of
from nostro.formats.iso20022.told import MARK, Told, shape_of
from nostro.formats.xml import BrokenXml, trimmed
from nostro.model.failures import FormatRefused

HELD_TEXTS = 200_000
"""So many texts may belong to one piece: far more than any entry without its details has."""
AROUND = 2_000
"""So many texts are told of what something was cut out of, before that is complete."""
TEXT_CHARACTERS = 20_000
"""So much of one text is kept."""
_REPEATED, _COPIED, _GROUP = Role.REPEATED, Role.COPIED, Role.GROUP
_SLICE_BYTES = 65_536
_VERSION = re.compile(r"(?:pain|pacs|camt|remt|admi)\.\d{3}\.\d{3}\.\d{2}")
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._:-]*)["']""")
_OWN_ENCODINGS = frozenset({"utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "ascii"})
"""What expat decodes by itself (as Python calls them), besides UTF-8."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Cut(NamedTuple):
    """An element that begins (`told` is None), that is complete, or what the open one of a depth tells `so_far`.

    `path` begins below what it was cut out of. `attributes`: the values of those that it bears where it begins,
    namespaces last.
    """

    path: str
    line: int
    depth: int
    told: Told | None = None
    attributes: tuple[str, ...] = ()
    so_far: bool = False


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
        self._held, self._tell = _listen(self._parser, root_of(scissors), self._out)

    def feed(self, piece: bytes, *, final: bool = False) -> Iterator[Cut]:
        """What is complete with these bytes."""
        broken = ""
        try:
            self._parser.Parse(self._decode(piece), final)
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
            raise BrokenXml(broken, self._parser.CurrentLineNumber)


def _listen(parser: expat.XMLParserType, root: Place, out: list[Cut]) -> tuple[Callable[[], int], Callable[[], None]]:  # noqa: C901 - its calls share names
    """Lets the parser cut into `out`. Gives back what counts the texts that wait to be cut, and what tells the last."""
    place, text, known = root, "", 0
    paths, values, opened = list[str](), list[str](), list[tuple[int, list[str], list[str], int]]()

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal place, text
        place, text = place[tag], ""
        if place.role > _REPEATED:
            begin(attributes)
        elif place.role:
            paths.append(place.mark)
            values.append("")
        if attributes and "Ccy" in attributes:
            paths.append(place.currency)
            values.append(attributes["Ccy"])

    def characters(told: str) -> None:
        nonlocal text
        if len(text) < TEXT_CHARACTERS:
            text += told

    def end(_: str) -> None:
        nonlocal place, text
        if text and (said := text.strip()):
            paths.append(place.path)
            values.append(said)
        text = ""
        if place.role > _REPEATED:
            complete()
        place = place.up

    def begin(attributes: dict[str, str]) -> None:
        nonlocal paths, values, known
        if place.role <= _GROUP:
            tell_so_far(place.up)
        opened.append((line := parser.CurrentLineNumber, paths, values, known))
        paths, values, known = [], [], 0
        if place.role >= _COPIED:
            out.append(Cut(place.within, line, place.depth, None, _told_by(attributes)))

    def tell_so_far(within: Place) -> None:
        nonlocal known
        if known < len(values) and known < AROUND:
            known = len(values)
            out.append(Cut("", 0, within.piece.depth, _told(paths[:AROUND], values), so_far=True))

    def complete() -> None:
        nonlocal paths, values, known
        inside, told = paths, _told(paths, values)
        line, paths, values, known = opened.pop()
        if place.role == _COPIED:
            paths += (place.mark, *(_below(place.within, path) for path in inside))
            values += ("", *told.values)
            tell_so_far(place.up)
        out.append(Cut(place.within, line, place.depth, told))

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    return lambda: sum(len(held) for _, _, held, _ in opened) + len(values), lambda: tell_so_far(place)


def _told(paths: list[str], values: list[str]) -> Told:
    return Told(shape_of(tuple(paths)), values)


def _below(place: str, path: str) -> str:
    return f"{place}/{path}" if path and path[0] != MARK else place + path


def _told_by(attributes: dict[str, str]) -> tuple[str, ...]:
    if not attributes:
        return ()
    return tuple(attributes[name] for name in sorted(attributes, key=lambda name: name.startswith("xmlns")))


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
