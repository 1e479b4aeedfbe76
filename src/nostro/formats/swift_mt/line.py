"""Field 61, the statement line: dates, mark, amount, type, references and supplementary details.

SWIFT User Handbook, category 9, MT940 field 61: `6!n[4!n]2a[1!a]15d1!a3!c16x[//16x]` and `[34x]` on a second line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

from nostro.formats.reading import Unreadable, if_readable
from nostro.formats.swift_mt.values import day, decimal, near, valued
from nostro.model.money import Amount
from nostro.model.references import ENDS_OF_NOTHING, told
from nostro.model.statements import Direction

_LINE = re.compile(
    r"\s*+(\d{6})(\d{4}(?!\d)|\d{6}(?=[RECDrecd])|\d{4}|\s{4}|\s{6})?\s{0,9}([Rr]?[CDcd]|[Ee][CDcd])\s?([A-Za-z]?)\s*+([-+]?)\s*+"
    r"(\d{1,3}(?:['\u2019 \u00a0]\d{3})+[.,]\d*|\d[\d.,]*|,\d+)\s*([A-Za-z][A-Za-z0-9 ]{3})?(.*)",
    re.DOTALL,
)
_AMOUNT = re.compile(r"[CD][A-Z]?\s?(\d[\d.,]*)", re.IGNORECASE)
_GROUPED = re.compile(r"['\u2019\u00a0]")
_ENDED = re.compile(r"[.,]\d\d")
"""An amount behind which no further digit of it can stand."""
_REST = re.compile(r"([\d.,]+)[NSF][A-Z0-9]{3}")
_MARKED = re.compile(r"[\d.,]*[.,]\d*")
_OPEN = "what stands behind the amount may be a part of it"
_GOES_ON = frozenset("0123456789.,'\u2019")
CODEWORD = re.compile(r"/(OCMT|CHGS|EXCH|IACC|TRCD|CTC|UETR)/([^/\n]*)(?:/+(?![A-Z]{3,4}/))?")
_COLUMNS = re.compile(r"(\S+) {2,}(\S.*)", re.DOTALL)
_REFERENCE_SIGNS = 16
_ELSEWHERE = frozenset({"KREF", "EREF", "PREF", "MREF", "MARF", "CREF"})
"""What stands in place of a reference that field 86 tells."""


class Line:
    """A statement line as told. `reversed`: it takes an earlier one back; `direction` is this one's own."""

    # No dataclass: what is set anyhow costs nothing here.
    value_date: date | None = None
    booking_date: date | None = None
    type: str = ""
    reference: str = ""
    bank_reference: str = ""
    wrong: tuple[str, ...] = ()

    def __init__(self, mark: str, sign: str, amount: Amount) -> None:
        self.beside, self.supplementary, self.codewords = "", "", _NO_CODEWORDS
        direction, self.reversed, self.expected = _MARKS[mark]
        self.direction = direction if sign != "-" else _OPPOSITE[direction]
        self.amount = amount


_NO_CODEWORDS: Mapping[str, str] = MappingProxyType({})
_OPPOSITE: Mapping[Direction, Direction] = {"credit": "debit", "debit": "credit"}
_MARKS: Mapping[str, tuple[Direction, bool, bool]] = {
    "C": ("credit", False, False),
    "D": ("debit", False, False),
    "RC": ("debit", True, False),
    "RD": ("credit", True, False),
    "EC": ("credit", False, True),
    "ED": ("debit", False, True),
}
"""Direction, whether it takes back, whether it is only expected. A reversal of a credit is a debit."""


def read_line(text: list[str], currency: str, *, ends: bool) -> Line:
    """A statement line. `ends`: it is the last thing of a file whose statement has no end. Raises `Unreadable`."""
    found, more = _LINE.match(text[0]), text[1:]
    if found is None and more:
        found, more = _LINE.match("".join(text)), []
    elif found is not None and more and not (found[7] or found[8].strip()) and _goes_on(found[6], more[0]):
        found, more = _wrapped(text[0].rstrip(), found[6], more[0]), more[1:]
    if found is None:
        raise Unreadable("the statement line is not as the standard has it")
    on, entry, mark, _, sign, value, kind, rest = found.groups()
    if not kind and _goes_on(value, rest):
        raise Unreadable(_OPEN)
    if not kind and ends:
        raise Unreadable("the statement line breaks off")
    kind = kind.upper() if kind else ""
    if kind == "NONR" and rest[:2].upper() == "EF":
        # Penta leaves out the type, and says that there is no reference.
        kind, rest = "", f"{kind}{rest}"
    amount, wrong = valued(value if value.isascii() and "'" not in value else _GROUPED.sub("", value), currency)
    line = Line(mark.upper(), sign, amount)
    line.type = kind.strip()
    line.value_date, line.booking_date, line.wrong = _dates(on, entry)
    if wrong:
        line.wrong = (*line.wrong, wrong)
    if not kind:
        line.wrong = (*line.wrong, "the statement line tells no transaction type")
    _references(line, rest.rstrip())
    if more:
        _supplementary(line, " ".join(part for one in more if (part := one.strip())))
    return line


def _wrapped(first: str, value: str, second: str) -> re.Match[str] | None:
    """A line that breaks within its amount: what lacks of it, a mark if there was none, stands before the type.

    Raises `Unreadable`.
    """
    rest = _REST.match(second)
    if rest is None or not _MARKED.fullmatch(value + rest[1]):
        raise Unreadable(_OPEN)
    return _LINE.match(first + second)


def _goes_on(value: str, behind: str) -> bool:
    """Whether what stands behind an amount that has no two decimals may be the rest of it."""
    return behind.lstrip()[:1] in _GOES_ON and _ENDED.search(value) is None


def amount_in(text: list[str], currency: str) -> Decimal | None:
    """The amount of a line that can't be read otherwise, where one can be made out."""
    whole = "".join(text)
    found = _AMOUNT.search(text[0]) or _AMOUNT.search(whole)
    if found is None or _goes_on(found[1], whole[found.end() :]):
        return None
    return if_readable(decimal, found[1], currency)


@lru_cache(maxsize=4_096)
def _dates(on: str, entry: str | None) -> tuple[date | None, date | None, tuple[str, ...]]:
    """Value date, entry date, what is wrong. The latter is only told when it differs (field 61, subfield 2)."""
    told = (entry or "").strip()
    of_value = day(on)
    booked = of_value if not told else day(told) if len(told) == 6 else near(told, of_value.on)
    return of_value.on, booked.on, tuple(dict.fromkeys(one.wrong for one in (of_value, booked) if one.wrong))


def _references(line: Line, rest: str) -> None:
    reference, slashes, servicer = rest.partition("//")
    if not slashes and len(reference) > _REFERENCE_SIGNS and (columns := _COLUMNS.fullmatch(reference)):
        # Rabobank's older files: who stands on the other side, in columns after the reference.
        reference, line.beside = columns[1], columns[2].strip()
    line.reference, line.bank_reference = told_reference(reference), told_reference(servicer) if servicer else ""


def told_reference(said: str) -> str:
    """A reference, or nothing where a word says that there is none or that field 86 has it."""
    said = said.strip()
    if said[-1:] not in ENDS_OF_NOTHING:
        return said  # as nearly all do: no word that says nothing ends so, nor one of those that point elsewhere
    reference = told(said.removesuffix("+"))
    return "" if reference.upper() in _ELSEWHERE else reference


def _supplementary(line: Line, said: str) -> None:
    if "/" in said:
        line.codewords = dict(CODEWORD.findall(said))
        said = CODEWORD.sub(" ", said).strip()
    line.supplementary = said
