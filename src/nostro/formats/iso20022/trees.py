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
    """Builds trees in the parser's own calls."""

    def __init__(self, scissors: Scissors, encoding: str | None) -> None:
        self.out: list[Cut] = []
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        start, end, text = _handlers(self.parser, scissors, self.out)
        self.parser.StartElementHandler = start
        self.parser.EndElementHandler = end
        self.parser.CharacterDataHandler = text
        self.parser.StartDoctypeDeclHandler = _refuse

    def feed(self, piece: bytes, decode: Callable[[bytes], bytes], *, final: bool = False) -> Iterator[Cut]:
        """What is complete with these bytes."""
        broken: BrokenXml | None = None
        try:
            self.parser.Parse(decode(piece), final)
        except expat.ExpatError as error:
            broken = BrokenXml(expat.ErrorString(error.code), error.lineno)
        except UnicodeDecodeError:
            broken = BrokenXml("bytes that are not in the encoding it says", self.parser.CurrentLineNumber)
        except BrokenXml as error:
            broken = error
        yield from self.out
        self.out.clear()
        if broken is not None:
            raise broken


def _refuse(*_: object) -> None:
    raise FormatRefused("The XML declares a document type: no bank file does, and it could smuggle entities in.")


def _local(tag: str) -> str:
    """The name without its prefix, remembered: a document says the same few names again and again."""
    if len(_NAMES) >= _NAMES_KEPT:
        _NAMES.clear()
    name = _NAMES[tag] = tag.rpartition(":")[2]
    return name


def _handlers(  # noqa: C901, PLR0915 - closures over one state: attributes would cost a third more an element
    parser: expat.XMLParserType, scissors: Scissors, out: list[Cut]
) -> tuple[Callable[..., None], Callable[[str], None], Callable[[str], None]]:
    """The three calls, as closures: they run for every element of a gigabyte."""
    is_message, containers, announced, apart = scissors
    above: list[dict[str, Any] | None] = []  # what the elements around the innermost one hold so far
    lines: list[int] = []
    children: dict[str, Any] | None = None  # what the innermost one holds
    text = currency = ""
    depth = message = entry = held = (
        0  # where we, the message and an announced element are; elements since the last cut
    )
    inside = 1  # right below the innermost container: what is there is cut out

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, children, text, currency, held
        above.append(children)
        children, text = None, ""
        currency = attributes.get("Ccy", "") if attributes else ""
        depth += 1
        held += 1
        name = _NAMES.get(tag) or _local(tag)
        if depth == inside or name in apart:
            lines.append(parser.CurrentLineNumber)
            begin(name, attributes)
        if depth > DEPTH:
            raise BrokenXml(f"nested deeper than {DEPTH} elements", parser.CurrentLineNumber)
        if held > HELD_ELEMENTS:
            raise BrokenXml(f"more than {HELD_ELEMENTS} elements without an entry among them", parser.CurrentLineNumber)

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal message, entry, inside
        if not message:
            message, inside = depth if is_message(name) else 0, depth + 1
        elif name in containers and depth == message + 1:
            inside = depth + 1
        elif name in announced and depth == inside:
            entry = depth
        else:
            return
        spaces = tuple(value for key, value in attributes.items() if key.startswith("xmlns"))
        out.append(Cut(name, lines[-1], depth, None, spaces))

    def end(tag: str) -> None:
        nonlocal depth, children, text, held, message, inside
        told: Any = children
        if told is None:
            told = text.strip()
            if currency:
                told = Told(told)
                told.currency = currency
        text = ""
        children = above.pop()
        name = _NAMES.get(tag) or _local(tag)
        if depth <= inside or name in apart:
            around = (above[entry] if len(above) > entry else children) if depth > entry > 0 else None
            out.append(Cut(name, lines.pop(), depth, told, (), around))
            held = 0
            if depth < inside:
                inside, message = depth, 0 if depth == message else message
        elif children is None:
            children = {name: told}
        elif name in children:
            known = children[name]
            if type(known) is list:
                known.append(told)
            else:
                children[name] = [known, told]
        else:
            children[name] = told
        depth -= 1

    def characters(data: str) -> None:
        nonlocal text
        text += data
        if len(text) > TEXT_CHARACTERS:
            raise BrokenXml(f"a text of more than {TEXT_CHARACTERS} characters", parser.CurrentLineNumber)

    return start, end, characters
