"""XML cut into pieces, from bytes in chunks: no entities, document types or network, bounded depth and memory.

The parser (expat) calls us for every element, of which a gigabyte has a hundred million: a piece is nothing but the
texts that it tells, each with its path, and what a place means is known from the first time that one was met.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from nostro.formats.iso20022.feeding import Feeder
from nostro.formats.iso20022.listening import Cut, Reached, listen
from nostro.formats.iso20022.places import Scissors, root_of
from nostro.formats.mended import mended
from nostro.formats.xml import BrokenXml
from nostro.model.failures import FormatRefused

HELD_TEXTS = 200_000
"""So many texts may belong to one piece: far more than any entry without its details has."""
_VERSION = re.compile(r"(?:pain|pacs|camt|remt|admi)\.\d{3}\.\d{3}\.\d{2}")


@dataclass(slots=True)
class Lead:
    """The beginnings of what leads to a message, and of the message itself.

    `numbers`: which of its parent's elements of that name each of them is. `met`: how many there were, by depth.
    """

    begun: list[Cut] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    met: list[Counter[str]] = field(default_factory=list)

    def take(self, cut: Cut) -> None:
        """An element begins."""
        above = cut.depth - 1
        self.met[cut.depth :] = [Counter() for _ in range(len(self.met), cut.depth)]
        self.met[above][cut.path] += 1
        self.begun[above:], self.numbers[above:] = [cut], [self.met[above][cut.path]]

    def leave(self, cut: Cut) -> None:
        """An element is complete."""
        del self.begun[cut.depth - 1 :], self.numbers[cut.depth - 1 :]

    @property
    def where(self) -> str:
        """The XPath, of names without prefix; the first element of a name has no number, since more may never come."""
        return "".join(map(_step, self.begun, self.numbers))

    def place(self, cut: Cut) -> str:
        """Where an element stands that is complete, and leads to no message."""
        above = cut.depth - 1
        return "".join(map(_step, self.begun[:above], self.numbers)) + f"/{cut.path}"

    def version(self, name: str, otherwise: str = "") -> str:
        """`camt.053.001.08`, as the nearest attribute says it, `otherwise`, or just `camt.053` where nothing does."""
        told = [otherwise, *(value for cut in self.begun for value in cut.attributes)]
        found = [version[0] for said in reversed(told) if (version := _VERSION.search(said))]
        return next((version for version in found if version.startswith(name)), name)


def _step(cut: Cut, number: int) -> str:
    return f"/{cut.path}" if number == 1 else f"/{cut.path}[{number}]"


def cuts(chunks: Iterable[bytes], scissors: Scissors, flaws: list[str] | None = None) -> Iterator[Cut]:
    """Beginnings and complete elements, in the document's order, as soon as their bytes are there.

    What something was cut out of tells what it told `so_far`, ahead of it. `flaws`: what was mended in the bytes.

    Raises `FormatRefused` for no bytes and for a document type declaration, `BrokenXml` where the XML breaks or is cut,
    and where one piece holds more than memory may.
    """
    walk: _Walk | None = None
    for piece in mended(chunks, [] if flaws is None else flaws):
        if walk is not None and piece.begins:
            yield from walk.feed(b"", final=True)
        if walk is None or piece.begins:
            walk = _Walk(scissors, walk.lines if walk else 0)
        yield from walk.feed(piece.content)
    if walk is None:
        raise FormatRefused("The file is empty.")
    yield from walk.feed(b"", final=True)


class _Walk:
    """The parser, and what its calls have cut out so far. `above`: how many lines stand above the document."""

    def __init__(self, scissors: Scissors, above: int) -> None:
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse
        self._out: list[Cut] = []
        self._reached = Reached(line=above + 1, passed=above)
        root = root_of(scissors)
        self._held, self._tell = listen(self._parser, root, self._out, self._reached)
        self._feeder = Feeder(self._parser, root, self._reached, self._out)

    @property
    def lines(self) -> int:
        """How many lines have been passed."""
        return self._parser.CurrentLineNumber - 1 + self._reached.passed

    def feed(self, piece: bytes, *, final: bool = False) -> Iterator[Cut]:
        """What is complete with these bytes."""
        broken = ""
        try:
            self._feeder.feed(piece, final)
        except expat.ExpatError as error:
            broken = expat.ErrorString(error.code)
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


def _refuse(*_: object) -> None:
    raise FormatRefused("The XML declares a document type: no bank file does, and it could smuggle entities in.")
