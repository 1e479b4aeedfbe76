"""What stands in a document and no field takes: by its path, how often, and where first. Read apart from items.

There is no list of what is read: the readers are given texts that note which of them are looked at. What of a piece is
read may hang on what it says (of a payment that came in, who was paid is not), so each piece notes for itself; but
pieces that are built alike, of which the same texts were read, are worked out once and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, overload

from nostro.formats.iso20022.listening import Cut
from nostro.formats.iso20022.told import MARK, Shape, Told
from nostro.formats.reading import Unread
from nostro.formats.xml import BrokenXml
from nostro.model.statements import Reject

_KINDS = 100
"""So many kinds are told."""
_ALIKE = 10_000
"""So many pieces that differ are remembered before they are added up."""
_POSITION = re.compile(r"\[\d+\]")
_SAYS_NOTHING = re.compile(
    r".*/(?:GrpHdr/MsgId|AppHdr/CreDt|(?:CstmrDrctDbtInitn|CdtrPmtActvtnReq)/PmtInf/PmtMtd|AmdmntInd)"
)
"""A message's own name, of which every statement has another one; and what its neighbours say already."""
_SETTLED = "AmtDtls/TxAmt/"
_USUAL = {
    "CdtrRefInf/Tp/CdOrPrtry/Cd": "SCOR",  # ISO 11649, as its RF says
    "CdtrRefInf/Tp/CdOrPrtry/Prtry": "QRR",  # a Swiss QR reference, as its 27 digits say
    "CdtrSchmeId/Id/PrvtId/Othr/SchmeNm/Prtry": "SEPA",  # the only scheme of creditor ids (EPC130-08, AT-C002)
    "RptgPrd/Tp": "ALLL",  # everything of a period
}
"""What says nothing where it says just this."""


class Walk(Protocol):
    """The walk of a reader through a document."""

    def begin(self, cut: Cut) -> Iterable[object] | None:
        """An element begins."""

    def take(self, cut: Cut, told: Told) -> Iterable[object]:
        """An element is complete, or tells what it is to what is in it."""

    def place(self, cut: Cut) -> str:
        """Where an element that is complete stands."""

    def copied(self, cut: Cut) -> bool:
        """Whether an element that is complete is read as part of what it is in, too."""

    @property
    def waits(self) -> bool:
        """Whether what was taken is read later."""


def unread_of(cuts: Iterable[Cut], walk: Walk) -> Iterable[Unread]:
    """What the items of a walk do not tell, as far as the XML can be read."""
    watch = _Watch()
    with suppress(BrokenXml):
        for cut in cuts:
            if cut.told is None:
                _exhaust(walk.begin(cut) or ())
                continue
            told = watch.over(cut, cut.told)
            if cut.so_far:
                _exhaust(walk.take(cut, told))
                continue
            where, copied = walk.place(cut), walk.copied(cut)
            # Of an entry that can't be read, a reject says so.
            readable = not _exhaust(walk.take(cut, told))
            watch.complete(cut, told, where, copied=copied, readable=readable)
            if not walk.waits:
                watch.note()
    watch.note()
    return watch.add_up()


def _exhaust(items: Iterable[object]) -> bool:
    """Whether a reject is among the items."""
    return sum(isinstance(item, Reject) for item in items) > 0


def _repeated(shape: Shape) -> list[tuple[int, int | str]]:
    """Where texts stand that say nothing where they say the same as another one, or just this."""
    found: list[tuple[int, int | str]] = []
    for place, path in enumerate(shape.paths):
        if usual := next((said for end, said in _USUAL.items() if path.endswith(end)), ""):
            found.append((place, usual))
        elif path.startswith(_SETTLED) and (other := shape.first((path.removeprefix(_SETTLED),))) >= 0:
            found.append((place, other))
    return found


class _Texts(Sequence[str]):
    """Texts of a piece that note in `read`, by where they stand in it, which of them are looked at."""

    __slots__ = ("_first", "_texts", "read")

    def __init__(self, texts: Sequence[str], read: bytearray, first: int = 0) -> None:
        self._texts, self.read, self._first = texts, read, first

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> _Texts: ...
    def __getitem__(self, at: int | slice) -> str | _Texts:
        if isinstance(at, slice):
            return _Texts(self._texts[at], self.read, self._first + (at.start or 0))
        text = self._texts[at]
        self.read[self._first + at] = 1
        return text

    def __len__(self) -> int:
        return len(self._texts)


class _Piece(NamedTuple):
    """A piece that is complete. `reads`: what was read of it, and of what it told before that; `copies`: pieces in it.

    Where a copy stands is told from what it was copied into.
    """

    where: str
    line: int
    shape: Shape
    reads: Sequence[bytearray]
    copies: Sequence[_Piece] = ()

    def read(self) -> int:
        """Which of its texts were read, one byte each."""
        bits = 0
        for read in self.reads:
            bits |= int.from_bytes(read, "little")
        if self.copies:
            known = {path for copy in self.copies for path in copy.paths_read()}
            bits |= sum(1 << 8 * place for place, path in enumerate(self.shape.paths) if path in known)
        return bits

    def paths_read(self) -> Iterator[str]:
        """The paths of the texts that were read."""
        read = self.read()
        return (f"{self.where}/{path}" for place, path in enumerate(self.shape.paths) if read >> 8 * place & 1)


class _Alike(NamedTuple):
    """Where pieces stand, without positions, how they are built, and which of their texts were read."""

    base: str
    shape: Shape
    read: int


class _Met(NamedTuple):
    """How many pieces are alike, and where the first of them is."""

    times: int
    where: str
    line: int


@dataclass(slots=True)
class _Watch:
    """What was read: of open elements, by depth; of complete ones, until they are counted; what was met, added up."""

    opened: dict[int, list[bytearray]] = field(default_factory=dict)
    copies: list[tuple[int, _Piece]] = field(default_factory=list)
    pieces: list[_Piece] = field(default_factory=list)
    alike: dict[_Alike, _Met] = field(default_factory=dict)
    met: dict[str, Unread] = field(default_factory=dict)

    def over(self, cut: Cut, told: Told) -> Told:
        """A piece, about to be read: what an open one tells so far stands first in what it tells in the end."""
        read = bytearray(len(told.shape.paths))
        self.opened.setdefault(cut.depth, []).append(read)
        return Told(told.shape, _Texts(told.values, read))

    def complete(self, cut: Cut, told: Told, where: str, *, copied: bool, readable: bool) -> None:
        """A piece is complete."""
        reads = self.opened.pop(cut.depth)
        for place, said in told.planned(_repeated, _repeated, told.shape):
            if cut.told and cut.told.values[place] == (said if isinstance(said, str) else cut.told.values[said]):
                reads[-1][place] = 1
        if copied:
            self.copies.append((cut.depth, _Piece(cut.path, cut.line, told.shape, reads)))
            return
        copies: Sequence[_Piece] = ()
        if self.copies:
            copies = [copy for depth, copy in self.copies if depth > cut.depth]
            self.copies = [(depth, copy) for depth, copy in self.copies if depth <= cut.depth]
        if readable and told.shape.paths:
            self.pieces.append(_Piece(where, cut.line, told.shape, reads, copies))

    def note(self) -> None:
        """Whatever is complete will not be read again."""
        for piece in self.pieces:
            alike = _Alike(_POSITION.sub("", piece.where), piece.shape, piece.read())
            if met := self.alike.get(alike):
                self.alike[alike] = met._replace(times=met.times + 1)
            else:
                self.alike[alike] = _Met(1, piece.where, piece.line)
        self.pieces.clear()
        if len(self.alike) > _ALIKE:
            self.add_up()

    def add_up(self) -> Iterable[Unread]:
        """What was met and not read."""
        for (base, shape, read), met in self.alike.items():
            for place, path in enumerate(shape.paths):
                if MARK in path or read >> 8 * place & 1:
                    continue
                kind = f"{base}/{path}".removesuffix("/")
                if found := self.met.get(kind):
                    self.met[kind] = found._replace(times=found.times + met.times)
                elif len(self.met) < _KINDS and not _SAYS_NOTHING.fullmatch(kind):
                    self.met[kind] = Unread(kind, met.times, f"{met.where}/{path}".removesuffix("/"), met.line)
        self.alike.clear()
        return self.met.values()
