"""What the parser calls for every element, of which a gigabyte has a hundred million.

A piece is nothing but the texts that it tells, each with its path, and what a place means is known from the first time
that one was met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from xml.parsers import expat

from nostro.formats.iso20022.places import Place, Role
from nostro.formats.iso20022.told import MARK, Told, shape_of

AROUND = 2_000
"""So many texts are told of what something was cut out of, before that is complete."""
TEXT_CHARACTERS = 20_000
"""So much of one text is kept."""
_REPEATED, _COPIED, _GROUP = Role.REPEATED, Role.COPIED, Role.GROUP
_SIBLINGS = (Role.APART, Role.ANNOUNCED)
"""What is there many times, one after the other."""


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
class Reached:
    """The end of an element that may have others like it: its place, its tag, the end tag's first byte and its line.

    `passed`: how many lines the parser was not shown.
    """

    place: Place | None = None
    tag: str = ""
    byte: int = 0
    line: int = 1
    passed: int = 0

    def end(self, place: Place, tag: str, parser: expat.XMLParserType) -> None:
        """The parser is at the end of an element that is cut out."""
        if place.role in _SIBLINGS:
            self.place, self.tag, self.byte = place, tag, parser.CurrentByteIndex
            self.line = parser.CurrentLineNumber + self.passed


Listening = tuple[Callable[[], int], Callable[[], None]]
"""What counts the texts that wait to be cut, and what tells the last."""


def listen(parser: expat.XMLParserType, within: Place, out: list[Cut], reached: Reached) -> Listening:  # noqa: C901 - its calls share names
    """Lets the parser cut what is in a place into `out`."""
    place, text, known = within, "", 0
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

    def end(tag: str) -> None:
        nonlocal place, text
        if text and (said := text.strip()):
            paths.append(place.path)
            values.append(said)
        if place.role > _REPEATED:
            complete(tag)
        place, text = place.up, ""

    def begin(attributes: dict[str, str]) -> None:
        nonlocal paths, values, known
        if place.role <= _GROUP:
            tell_so_far(place.up)
        opened.append((line := parser.CurrentLineNumber + reached.passed, paths, values, known))
        paths, values, known = [], [], 0
        if place.role >= _COPIED:
            out.append(Cut(place.within, line, place.depth, None, _told_by(attributes)))

    def tell_so_far(within: Place) -> None:
        nonlocal known
        if known < len(values) and known < AROUND:
            known = len(values)
            out.append(Cut("", 0, within.piece.depth, _told(paths[:AROUND], values), so_far=True))

    def complete(tag: str) -> None:
        nonlocal paths, values, known
        inside, told = paths, _told(paths, values)
        line, paths, values, known = opened.pop()
        if place.role == _COPIED:
            paths += (place.mark, *(_below(place.within, path) for path in inside))
            values += ("", *told.values)
            tell_so_far(place.up)
        out.append(Cut(place.within, line, place.depth, told))
        reached.end(place, tag, parser)

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
