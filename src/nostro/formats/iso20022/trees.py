"""XML as a stream of trees, from bytes in chunks: no entities, document types or network, bounded depth and memory.

The parser (expat) calls us as it goes, and each element becomes plain at once: names to texts, or to what is below
them. Nothing is built first to be copied then, which was half of what reading a statement cost.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from xml.parsers import expat

from nostro.formats.iso20022.stream import BrokenXml, trimmed
from nostro.formats.iso20022.tree import Told, Tree
from nostro.model.failures import FormatRefused

DEPTH = 64
HELD_ELEMENTS = 200_000
"""So many elements may belong to one tree: far more than any entry without its details has."""
TEXT_CHARACTERS = 16_777_216
_SLICE_BYTES = 65_536
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._:-]*)["']""")
_OWN_ENCODINGS = frozenset({"utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "ascii"})
"""What expat decodes by itself (as Python calls them), besides UTF-8."""
_NAMES: dict[str, str] = {}
_NAMES_KEPT = 5_000


class Cut(NamedTuple):
    """Where an element begins (`tree` is None) or is complete.

    `namespaces`: those declared on it, at its beginning. `around`: what its announced ancestor holds so far.
    """

    name: str
    line: int
    depth: int
    tree: Tree | None = None
    namespaces: tuple[str, ...] = ()
    around: dict[str, Any] | None = None


class Scissors(NamedTuple):
    """How a document is cut.

    Whatever leads to the message is told, and its beginnings are; so are the beginnings of `containers`, the message's
    children whose own children are cut out, and of `announced` ones among those. `apart` are cut out wherever they are.
    """

    message: Callable[[str], bool]
    containers: frozenset[str]
    announced: frozenset[str]
    apart: frozenset[str]


def cuts(chunks: Iterable[bytes], scissors: Scissors) -> Iterator[Cut]:
    """Beginnings and complete elements, in the document's order, as soon as their bytes are there.

    Raises `FormatRefused` for no bytes and for a document type declaration, `BrokenXml` where the XML breaks or is cut,
    and where one element holds more than memory may.
    """
    builder: _Builder | None = None
    decode: Callable[[bytes], bytes] = bytes
    for chunk in trimmed(chunks):
        for start in range(0, len(chunk), _SLICE_BYTES):
            piece = chunk[start : start + _SLICE_BYTES]
            if builder is None:
                encoding, decode = _encoding(piece)
                builder = _Builder(scissors, encoding)
            yield from builder.feed(piece, decode)
    if builder is None:
        raise FormatRefused("The file is empty.")
    yield from builder.feed(b"", decode, final=True)


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


_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class _Builder:
    """Builds trees in the parser's own calls, which come for every element of a gigabyte.

    `_children`: what the innermost element holds so far, `_above`: what those around it hold. `_depth`, `_message` and
    `_entry`: where we, the message and the announced element are. `_inside`: right below the innermost container.
    """

    __slots__ = (
        "_above", "_apart", "_children", "_currency", "_depth", "_entry", "_held", "_inside", "_lines", "_message",
        "_out", "_parser", "_scissors", "_text",
    )  # fmt: skip

    def __init__(self, scissors: Scissors, encoding: str | None) -> None:
        self._scissors, self._apart = scissors, scissors.apart
        self._out: list[Cut] = []
        self._above: list[dict[str, Any] | None] = []
        self._lines: list[int] = []
        self._children: dict[str, Any] | None = None
        self._text = self._currency = ""
        self._depth = self._message = self._entry = self._held = 0
        self._inside = 1
        self._parser = expat.ParserCreate(encoding)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = _refuse

    def feed(self, piece: bytes, decode: Callable[[bytes], bytes], *, final: bool = False) -> Iterator[Cut]:
        """What is complete with these bytes."""
        broken: BrokenXml | None = None
        try:
            self._parser.Parse(decode(piece), final)
        except expat.ExpatError as error:
            broken = BrokenXml(expat.ErrorString(error.code), error.lineno)
        except UnicodeDecodeError:
            broken = BrokenXml("bytes that are not in the encoding it says", self._parser.CurrentLineNumber)
        except BrokenXml as error:
            broken = error
        yield from self._out
        self._out.clear()
        if broken is not None:
            raise broken

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._above.append(self._children)
        self._children, self._text = None, ""
        self._currency = attributes.get("Ccy", "") if attributes else ""
        self._depth = depth = self._depth + 1
        self._held = held = self._held + 1
        name = _NAMES.get(tag) or _local(tag)
        if depth == self._inside or name in self._apart:
            self._lines.append(self._parser.CurrentLineNumber)
            self._begin(name, attributes)
        if depth > DEPTH:
            raise self._too(f"nested deeper than {DEPTH} elements")
        if held > HELD_ELEMENTS:
            raise self._too(f"more than {HELD_ELEMENTS} elements without an entry among them")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        depth = self._depth
        if not self._message:
            self._message, self._inside = depth if self._scissors.message(name) else 0, depth + 1
        elif name in self._scissors.containers and depth == self._message + 1:
            self._inside = depth + 1
        elif name in self._scissors.announced and depth == self._inside:
            self._entry = depth
        else:
            return
        spaces = tuple(value for key, value in attributes.items() if key.startswith("xmlns"))
        self._out.append(Cut(name, self._lines[-1], depth, None, spaces))

    def _end(self, tag: str) -> None:
        told: Any = self._children
        if told is None:
            told = self._text.strip()
            if self._currency:
                told = Told(told)
                told.currency = self._currency
        self._text = ""
        self._children = children = self._above.pop()
        name = _NAMES.get(tag) or _local(tag)
        if self._depth <= self._inside or name in self._apart:
            self._cut(name, told)
        elif children is None:
            self._children = {name: told}
        elif name in children:
            known = children[name]
            if type(known) is list:
                known.append(told)
            else:
                children[name] = [known, told]
        else:
            children[name] = told
        self._depth -= 1

    def _cut(self, name: str, told: Tree) -> None:
        depth, entry, above, around = self._depth, self._entry, self._above, None
        if depth > entry > 0:
            around = above[entry] if len(above) > entry else self._children
        self._out.append(Cut(name, self._lines.pop(), depth, told, (), around))
        self._held = 0
        if depth < self._inside:
            self._inside = depth
            self._message = 0 if depth == self._message else self._message

    def _characters(self, data: str) -> None:
        self._text += data
        if len(self._text) > TEXT_CHARACTERS:
            raise self._too(f"a text of more than {TEXT_CHARACTERS} characters")

    def _too(self, why: str) -> BrokenXml:
        return BrokenXml(why, self._parser.CurrentLineNumber)


def _refuse(*_: object) -> None:
    raise FormatRefused("The XML declares a document type: no bank file does, and it could smuggle entities in.")


def _local(tag: str) -> str:
    """The name without its prefix, remembered: a document says the same few names again and again."""
    if len(_NAMES) >= _NAMES_KEPT:
        _NAMES.clear()
    name = _NAMES[tag] = tag.rpartition(":")[2]
    return name
