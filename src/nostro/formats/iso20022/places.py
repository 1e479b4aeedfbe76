"""Where elements stand in documents of one kind, and where such documents are cut: both worked out once for a place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from nostro.formats.iso20022.told import CURRENCY, MARK
from nostro.formats.xml import BrokenXml

if TYPE_CHECKING:  # patterns are made of places
    from nostro.formats.iso20022.alike import Alike

DEPTH = 64
PLACES_KEPT = 20_000


class Role:
    """What a place is.

    `INSIDE` belongs to what it is in, and so does `REPEATED`, which is read one by one. All others are cut out: `APART`
    is part of a piece, `COPIED` belongs to what it is in all the same. From `COPIED` on the beginnings are told too.
    """

    INSIDE, REPEATED, APART, PIECE, COPIED, ANNOUNCED, GROUP, MESSAGE, BEFORE = range(9)


ONE_BY_ONE = frozenset({
    "AdjstmntAmtAndRsn", "Chrgs", "ChrgsInf", "CxlRsn", "CxlRsnInf", "CxlStsRsnInf", "IncrrctInf", "InstrForCdtrAgt",
    "InstrForDbtrAgt", "InstrForNxtAgt", "ModStsRsnInf", "MssngInf", "NbOfTxsPerCxlSts", "NbOfTxsPerSts", "Othr",
    "OthrId", "Prtry", "PrtryId", "Rcrd", "RfrdDocInf", "RgltryRptg", "RtrRsnInf", "RvslRsnInf", "Strd", "StsRsnInf",
})  # fmt: skip
"""Elements that may be there several times, of which each is read by itself."""
Scissors = Callable[["Place", str], int]
"""How documents of one kind are cut: the role of an element, right below a place."""


class Place(dict[str, "Place"]):
    """Where an element stands, and by their tags the places right below it, which come into being as they are met.

    `within` begins below the piece that the place is in; `path` below the one that it is in or is. `alike`: how those
    are read that differ in nothing but their texts.
    """

    __slots__ = ("alike", "currency", "depth", "mark", "name", "path", "role", "root", "up", "within")

    def __init__(self, up: Place | None, name: str, role: int) -> None:
        super().__init__()
        self.name, self.role = name, role
        self.alike: Alike | None = None
        # One without children is false, as an empty dictionary is.
        self.up: Place = self if up is None else up
        self.root: Root = cast("Root", self) if up is None else up.root
        self.depth: int = 0 if up is None else up.depth + 1
        self.within = f"{up.path}/{name}" if up is not None and up.path else name
        self.path: str = "" if role > Role.REPEATED else self.within
        self.currency, self.mark = self.path + CURRENCY, self.within + MARK

    def __missing__(self, tag: str) -> Place:
        """Raises `BrokenXml` for what is nested too deep."""
        if self.depth >= DEPTH:
            raise BrokenXml(f"nested deeper than {DEPTH} elements", 0)
        name = tag.rpartition(":")[2]
        place = Place(self, name, self.root.scissors(self, name))
        if self.root.room(1):
            self[tag] = place
        return place

    @property
    def piece(self) -> Place:
        """What is cut out that the place is in, or is."""
        return self if self.role > Role.REPEATED else self.up.piece


class Root(Place):
    """Above all documents of one kind.

    `kept`: how many places are remembered below it; `ends`: end tags of elements that have others like them.
    """

    __slots__ = ("ends", "kept", "scissors")

    def __init__(self, scissors: Scissors) -> None:
        super().__init__(None, "", Role.BEFORE)
        self.scissors, self.kept = scissors, 0
        self.ends: tuple[str, ...] = ()

    def room(self, weight: int) -> bool:
        """Takes room for what is remembered, if there is any."""
        if self.kept >= PLACES_KEPT:
            return False
        self.kept += weight
        return True


_roots: dict[Scissors, Root] = {}


def root_of(scissors: Scissors) -> Root:
    """The root of the documents that are cut so: places stay known from one to the next, until they are too many."""
    root = _roots.get(scissors)
    if root is None or root.kept >= PLACES_KEPT:
        root = _roots[scissors] = Root(scissors)
    return root
