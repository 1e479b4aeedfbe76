"""The messages of a file, as lists of fields: with FIN blocks around them, with a bank's own heads, or bare.

SWIFT User Handbook, "FIN Operations Guide": block 1 (basic header), 2 (application header), 3 (user header), 4 (text)
and 5 (trailers). Files of banks leave most of it out, put a lone `-` between messages, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from nostro.formats.text import lines
from nostro.model.failures import FormatRefused

FIELDS_AT_ONCE = 4_096
"""Fields that are gathered of one message before they are handed on: nearly every message is whole then."""
_TEXT_LINES = 2_000
"""Lines of one field that are kept: the standard has at most 9."""

_IN_STATEMENTS = "13 13D 20 21 25 25P 28 28C 34F 60 60F 60M 61 62 62F 62M 64 65 86 90C 90D NS NSF"
_IN_PAYMENTS = """
13C 20 21 21C 21D 21E 21F 21R 23 23B 23E 25 25A 25P 26T 28D 30 32A 32B 33B 36 50 50A 50C 50F 50G 50H 50K 50L 51A 52A
52B 52C 52D 53A 53B 53C 53D 54A 54B 54D 55A 55B 55D 56A 56C 56D 57A 57B 57C 57D 58A 58D 59 59A 59F 70 71A 71F 71G 72
77B 77T
"""
STATEMENT_TAGS = frozenset(_IN_STATEMENTS.split())
PAYMENT_TAGS = frozenset(_IN_PAYMENTS.split())
_PARTS_BEGIN = frozenset({"61", "21"})
"""Where a long message may be cut: at an entry, or at a payment of an MT101."""
_TAGS = STATEMENT_TAGS | PAYMENT_TAGS
_AFTER_TEXT = STATEMENT_TAGS - {"13", "21", "25", "28"}
"""What may follow a field 86: a time that was wrapped before its colon (`:26:37 `) looks like a field else."""
_ON = _TAGS - {"20", "21"}
_ON_AFTER_TEXT = _ON & _AFTER_TEXT
"""Fields that go on with the message that is open."""
_TYPES = frozenset({"101", "102", "103", "202", "205", "900", "910", "940", "942", "950"})
_BASIC = re.compile(r"\{1:[A-Z]\d\d([A-Z0-9]{12})")
_APPLICATION = re.compile(r"\{2:(?:I(\d{3})(?:([A-Z0-9]{12}|[A-Z0-9]{11})(?=[SUN]))?|O(\d{3})\d{10}([A-Z0-9]{12})?)")
_USER = re.compile(r"\{(108|119|121):([^{}]*)\}")
_TEXT_BLOCK = re.compile(r"\{4:(?!\{)")
_GOES_ON = (":61:", ":62F:", ":62M:")
_OPENS, _CLOSES = frozenset({"60F", "60M"}), frozenset({"62F", "62M"})
_INDENT = re.compile(r"([ \t]+)(?:\{1:|:20:).*\r?\n\1(?=[:{])")
_TIME = re.compile(r"\d\d(?!\d)")
_BLOCK_STARTS = frozenset("{\x01$\x03")
_STARTS = _BLOCK_STARTS | {"-", "ä"}
"""With which a line begins that may be more than a text's next one."""
_DOS_LETTERS = re.compile(rb"[A-Za-z][\x81-\x84\x94\x99][a-z]")
_SWEDISH = str.maketrans("äå", "{}")
_SWEDISH_BLOCK = re.compile(r"ä[1-4]:")
"""ISO 646-SE has these letters where ASCII has braces."""


class Field(NamedTuple):
    """A field: its tag without colons, the line where it begins, and its lines."""

    tag: str
    line: int
    text: list[str]

    @property
    def joined(self) -> str:
        """Its lines as one."""
        return "".join(self.text)


_new = tuple.__new__


@dataclass(frozen=True, slots=True)
class Carrier:
    """What the blocks around a message say: BICs, message type, and the user header's fields."""

    type: str = ""
    sender: str = ""
    receiver: str = ""
    user: dict[str, str] = field(default_factory=dict)
    possible_duplicate: bool = False


@dataclass(slots=True)
class Piece:
    """Fields of one message: all of them, or some thousands of a longer one. `cut`: its block was never closed."""

    number: int
    line: int
    carrier: Carrier = field(default_factory=Carrier)
    fields: list[Field] = field(default_factory=list)
    first: bool = True
    last: bool = False
    cut: bool = False
    flooded: int = 0


def pieces(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """The messages, in order. What stands between them (bank heads, empty lines) is left out.

    Where the bytes can't be read on, the message that they break is handed on as `cut`; raises `FormatRefused` when
    there is none yet.
    """
    splitter = _Splitter()
    try:
        yield from _split(chunks, splitter)
    except FormatRefused:
        if splitter.piece.number == 1 and not splitter.piece.fields:
            raise
        splitter.within = True
    yield from splitter.close("", at_end=True)


def _split(chunks: Iterable[bytes], splitter: _Splitter) -> Iterator[Piece]:
    given = iter(chunks)
    beginning = next(given, b"")
    dash, takes, more = 0, splitter.takes, splitter.more
    for number, line in _unwrapped(lines(chain((beginning,), given), _code_page(beginning))):
        first = line[:1]
        if dash:
            # Alone on its line it ends a message, unless the message goes on: then it is text that was wrapped there.
            if line.startswith(_GOES_ON) or splitter.text_goes_on(line):
                splitter.more(dash, "-")
            else:
                yield from splitter.close("")
            dash = 0
        # Nearly every line is one of these two: no generator for them.
        if first == ":":
            if not takes(number, line):
                yield from splitter.tagged(number, line)
        elif first not in _STARTS:
            more(number, line)
        elif first == "-" and line.rstrip() == "-" and splitter.in_entry:
            dash = number
        elif first == "-" and (line.rstrip() == "-" or line[1:2] in ("}", "å")):
            yield from splitter.close(line[2:])
            yield from splitter.blocks(number, line[2:])
        elif first in _BLOCK_STARTS or (first == "ä" and _SWEDISH_BLOCK.match(line)):
            yield from splitter.blocks(number, line)
        else:
            more(number, line)
    if dash:
        yield from splitter.close("")


def _code_page(beginning: bytes) -> str:
    """`cp852` where letters of DOS stand, which would be punctuation in the middle of words elsewhere; else nothing."""
    if beginning.isascii() or not _DOS_LETTERS.search(beginning):
        return ""
    try:
        beginning.decode()
    except UnicodeDecodeError as error:
        return "" if error.reason == "unexpected end of data" else "cp852"
    return ""


def _unwrapped(told: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines, without blanks that all are indented by; `@@`, with which FinTS dialogues end theirs, ends one too."""
    first, second = next(told, (0, "")), next(told, (0, ""))
    whole = chain(filter(any, (first, second)), told)
    if "@@:" in first[1]:
        return ((number, part) for number, line in whole for part in line.split("@@"))
    if indent := indent_of(f"{first[1]}\n{second[1]}"):
        return ((number, line.removeprefix(indent)) for number, line in whole)
    return whole


def indent_of(beginning: str) -> str:
    """Blanks before the first two lines, where a message begins with them."""
    found = _INDENT.match(beginning)
    return found[1] if found else ""


@dataclass(slots=True)
class _Splitter:
    """The message that is gathered, and the carrier of the next one. `headed`: its text hasn't begun yet."""

    piece: Piece = field(default_factory=lambda: Piece(1, 1))
    carrier: Carrier = field(default_factory=Carrier)
    text: list[str] | None = None
    tag: str = ""
    within: bool = False
    headed: bool = False
    has_reference: bool = False
    basic: str = ""

    @property
    def in_entry(self) -> bool:
        """Whether the open field is what the bank says of an entry."""
        return self.tag == "86" and any(told.tag == "61" for told in self.piece.fields[-2:-1])

    def text_goes_on(self, line: str) -> bool:
        """Whether the line behind a lone hyphen goes on with the open text: a block ends otherwise, and a statement
        that has told no closing balance is not over.
        """
        tags = {told.tag for told in self.piece.fields}
        begun = not tags.isdisjoint(_OPENS) and tags.isdisjoint(_CLOSES)
        return self.within or (begun and bool(line.strip()) and line[0] not in _STARTS and line[0] != ":")

    def takes(self, number: int, line: str) -> bool:
        """Whether the line begins a further field of the message that is open, which is taken in."""
        tag, colon, said = line[1:].partition(":")
        fields = self.piece.fields
        if (
            not colon
            or tag not in (_ON_AFTER_TEXT if self.tag == "86" else _ON)
            or not 0 < len(fields) < FIELDS_AT_ONCE
        ):
            return False
        self.tag, self.text = tag, [said]
        fields.append(_new(Field, (tag, number, self.text)))
        return True

    def tagged(self, number: int, line: str) -> Iterator[Piece]:
        """A line that begins with a colon: a field, or text that happens to."""
        end = line.find(":", 1, 6)
        tag = line[1:end].upper()
        if tag in _TYPES and end == 4:
            yield from self.close("")
            self.carrier = replace(self.carrier, type=tag)
            return
        if tag not in _TAGS or (self.tag == "86" and self._is_text(tag, line[end + 1 :])):
            self.more(number, line)
            return
        if tag == "20" and self.piece.fields:
            yield from self.close("")
        if len(self.piece.fields) >= FIELDS_AT_ONCE and tag in _PARTS_BEGIN:
            yield self._part()
        if not self.piece.fields:
            self.piece.line, self.piece.carrier, self.headed = number, self.carrier, False
        self.tag, self.text = tag, [line[end + 1 :]]
        self.piece.fields.append(Field(tag, number, self.text))

    def more(self, number: int, line: str) -> None:
        """A further line of the open field; outside of messages, a head that may name the message type."""
        if self.text is None:
            if line.strip() in _TYPES:
                self.carrier = replace(self.carrier, type=line.strip())
        elif self.text[-1] == ":" and self.takes(number, f":{line}"):
            # Savings banks wrap even behind the first colon of a field.
            del self.piece.fields[-2].text[-1]
        elif len(self.text) < _TEXT_LINES:
            self.text.append(line)
        else:
            self.piece.flooded = self.piece.flooded or number

    def blocks(self, number: int, line: str) -> Iterator[Piece]:
        """Headers: of this message when its text has not begun, else of the next one."""
        told = line.translate(_SWEDISH) if _SWEDISH_BLOCK.match(line) else line
        if "{" not in told:
            return
        if "{1:" in told or (self.within and "{4:" in told):
            yield from self.close("")
            self.carrier, self.basic = Carrier(), ""
        self.headed = self.headed or "{1:" in told
        self._headers(told)
        if opening := _TEXT_BLOCK.search(told):
            self.within, self.headed = True, False
            if rest := told[opening.end() :].strip():
                yield from self.tagged(number, rest)

    def close(self, trailer: str, *, at_end: bool = False) -> Iterator[Piece]:
        """The message ends here; `trailer` is what stands behind it."""
        piece = self.piece
        begun = not piece.first or ((self.within or self.headed) and piece.number > 1)
        if piece.fields or (at_end and begun):
            own = trailer.partition("{1:")[0]
            if "{PDE" in own or "{PDM" in own:
                piece.carrier = replace(piece.carrier, possible_duplicate=True)
            piece.last, piece.cut = True, self.within and at_end
            yield piece
            self.piece = Piece(piece.number + 1, 0)
        self.text, self.tag, self.within = None, "", False

    def _part(self) -> Piece:
        piece = self.piece
        self.piece = Piece(piece.number, piece.line, piece.carrier, first=False)
        return piece

    def _is_text(self, tag: str, told: str) -> bool:
        if tag not in _AFTER_TEXT:
            return True
        last = self.text[-1].rstrip() if self.text else ""
        return tag == "20" and last[-1:].isdigit() and bool(_TIME.match(told))

    def _headers(self, told: str) -> None:
        if basic := _BASIC.search(told):
            self.basic = bic_of(basic[1])
            self.carrier = replace(self.carrier, sender=self.basic)
        if found := _APPLICATION.search(told):
            kind, other = found[1] or found[3], bic_of(found[2] or found[4] or "")
            sender, receiver = (self.basic, other) if found[1] else (other, self.basic)
            self.carrier = replace(self.carrier, type=kind, sender=sender, receiver=receiver)
        if user := dict(_USER.findall(told)):
            self.carrier = replace(self.carrier, user={**self.carrier.user, **user})


def bic_of(terminal: str) -> str:
    """The BIC in a logical terminal's twelve signs, which have its terminal code in their middle; eleven or eight."""
    branch = terminal[9:] if len(terminal) == 12 else terminal[8:]
    return terminal[:8] + branch if branch.strip("X") else terminal[:8]
