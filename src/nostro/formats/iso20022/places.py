"""Where elements stand in documents of one kind, and where such documents are cut: both worked out once for a place."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

from nostro.formats.iso20022.told import CURRENCY, MARK
from nostro.formats.xml import BrokenXml

DEPTH = 64
PLACES_KEPT = 20_000
INSIDE, REPEATED, APART, PIECE, ANNOUNCED, CONTAINER, MESSAGE, BEFORE = range(8)
"""Roles of a place. Those up to `ANNOUNCED` belong to a piece or are one; from there on their beginnings are told."""


class Scissors(NamedTuple):
    """How a document is cut.

    Whatever leads to a message is told, and its beginnings are; so are the beginnings of `containers`, the message's
    children whose own children are pieces, and of `announced` ones among those. Whatever else is right below a message
    or a container is a piece, and so are those `apart`, wherever in a piece they stand. `repeated` elements are those
    that are read one by one.
    """

    message: Callable[[str], bool]
    containers: frozenset[str]
    announced: frozenset[str]
    apart: frozenset[str]
    repeated: frozenset[str]

    def role(self, above: int, name: str) -> int:
        """What an element is, right below one of another role."""
        if above == BEFORE:
            return MESSAGE if self.message(name) else BEFORE
        if above == MESSAGE:
            return CONTAINER if name in self.containers else PIECE
        if above == CONTAINER:
            return ANNOUNCED if name in self.announced else PIECE
        if name in self.apart:
            return APART
        return REPEATED if name in self.repeated else INSIDE


class Place(dict[str, "Place"]):
    """Where an element stands, and by their tags the places right below it, which come into being as they are met.

    `path` begins below the piece that the place is in.
    """

    __slots__ = ("currency", "depth", "mark", "name", "path", "role", "root", "up")

    def __init__(self, up: Place | None, name: str, role: int) -> None:
        super().__init__()
        self.name, self.role = name, role
        # One without children is false, as an empty dictionary is.
        self.up: Place = self if up is None else up
        self.root: Root = cast("Root", self) if up is None else up.root
        self.depth: int = 0 if up is None else up.depth + 1
        self.path: str = "" if role >= APART else f"{self.up.path}/{name}" if self.up.path else name
        self.currency, self.mark = self.path + CURRENCY, self.path + MARK

    def __missing__(self, tag: str) -> Place:
        """Raises `BrokenXml` for what is nested too deep."""
        if self.depth >= DEPTH:
            raise BrokenXml(f"nested deeper than {DEPTH} elements", 0)
        name = tag.rpartition(":")[2]
        place = Place(self, name, self.root.scissors.role(self.role, name))
        if self.root.kept < PLACES_KEPT:
            self.root.kept += 1
            self[tag] = place
        return place


class Root(Place):
    """Above all documents of one kind. `kept`: how many places are remembered below it."""

    __slots__ = ("kept", "scissors")

    def __init__(self, scissors: Scissors) -> None:
        super().__init__(None, "", BEFORE)
        self.scissors, self.kept = scissors, 0


_roots: dict[Scissors, Root] = {}


def root_of(scissors: Scissors) -> Root:
    """The root of the documents that are cut so: places stay known from one to the next, until they are too many."""
    root = _roots.get(scissors)
    if root is None or root.kept >= PLACES_KEPT:
        root = _roots[scissors] = Root(scissors)
    return root
