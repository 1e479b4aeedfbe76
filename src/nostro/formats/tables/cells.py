"""Cells of tables as amounts and days, strictly as their profile declares them."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal

from nostro.formats.reading import Unreadable
from nostro.formats.tables.profile import DateOrder
from nostro.model.money import EXPONENTS

Cell = str | Decimal | date
"""A cell of a CSV is text; an XLSX knows numbers and days too."""

_SPARE = re.compile(r"[\s'\u2019\u00b4`€$£¥]")
_CURRENCY = re.compile(r"^[A-Z]{3}(?=[\d+(.,-])|(?<=[\d).,-])(?:[A-Z]{3}|kr\.?|zł|kč|ft)$", re.IGNORECASE)
_WRITTEN = {"€": "EUR", "£": "GBP", "zł": "PLN", "kč": "CZK", "ft": "HUF"}
_NUMBERS = {
    ".": re.compile(r"[+-]?(?:\d{1,24}|\d{1,3}(?:,\d{2,3})*,\d{3})?(?:\.\d{0,8})?", re.ASCII),
    ",": re.compile(r"[+-]?(?:\d{1,24}|\d{1,3}(?:\.\d{2,3})*\.\d{3})?(?:,\d{0,8})?", re.ASCII),
}
_DAY = re.compile(r"(\d{1,4})(?:\.\s|[./\-\s'])(\d{1,2})(?:\.\s|[./\-\s'])(\d{1,4})\.?(?:[T\s,].*)?", re.ASCII)
_COMPACT = re.compile(r"(\d{8})(?:[T\s].*)?", re.ASCII)
_WORDS = re.compile(
    r"(?:([0-9]{1,2})[.\s-]*([^\W\d_]{3,10})|([^\W\d_]{3,10})[.\s-]*([0-9]{1,2}))"
    r"\.?[,\s.-]*([0-9]{4}|[0-9]{2})(?:\s.*)?"
)
_MONTHS = {
    "jan": 1, "gen": 1, "ene": 1, "janv": 1, "feb": 2, "fev": 2, "mar": 3, "maa": 3, "mrt": 3, "apr": 4, "avr": 4,
    "abr": 4, "may": 5, "mai": 5, "mei": 5, "mag": 5, "maj": 5, "jun": 6, "juin": 6, "giu": 6, "jul": 7, "juil": 7,
    "lug": 7, "aug": 8, "aou": 8, "ago": 8, "sep": 9, "set": 9, "oct": 10, "okt": 10, "out": 10, "ott": 10, "nov": 11,
    "dec": 12, "dez": 12, "dic": 12, "des": 12,
}  # fmt: skip


def number(cell: Cell, decimal: str) -> Decimal | None:
    """A signed number; None for an empty cell. Raises `Unreadable`.

    Parentheses, a minus behind and `DR` mean a minus, once more where one stands before it; a plus may stand behind,
    and a currency beside the number is left aside.
    """
    if isinstance(cell, Decimal):
        return cell
    if isinstance(cell, date):
        raise Unreadable("the amount is a date")
    said = unicodedata.normalize("NFKC", cell).replace("\u2212", "-").strip()
    if not said or said in ("-", "--"):
        return None
    said, minus = _minus(said)
    said = _CURRENCY.sub("", _SPARE.sub("", said))
    if said.endswith("-"):
        said, minus = said[:-1], True
    elif said.endswith("+") and said[:1].isdigit():
        said = said[:-1]
    if not _NUMBERS[decimal].fullmatch(said) or not any(letter.isdigit() for letter in said):
        raise Unreadable("the amount is no number with the decimal mark that was declared")
    grouping = "," if decimal == "." else "."
    value = Decimal(said.replace(grouping, "").replace(",", "."))
    return -abs(value) if minus else value


def currency_beside(cell: Cell) -> str:
    """The currency that stands beside a number; empty where none does, or where several countries write it so."""
    said = cell if isinstance(cell, str) else ""
    found = {_WRITTEN.get(word.casefold(), word) for word in re.findall(r"[^\W\d_]+|[€£]", said)}
    return found.pop() if len(found) == 1 and found <= EXPONENTS.keys() else ""


def _minus(said: str) -> tuple[str, bool]:
    """What stands for a minus around a number."""
    if said.startswith("(") and said.endswith(")"):
        return said[1:-1], True
    mark = said[-2:].upper()
    return (said[:-2], mark == "DR") if mark in ("DR", "CR") else (said, False)


def day(cell: Cell, order: DateOrder) -> date | None:
    """A day; None for an empty cell. A year of four digits that stands first tells its order itself.

    Raises `Unreadable`.
    """
    if isinstance(cell, date):
        return cell
    if isinstance(cell, Decimal):
        raise Unreadable("a date is a number")
    said = cell.strip()
    if not said:
        return None
    parts = _parts(said, order)
    if parts is None:
        raise Unreadable("a date is in no form that is known")
    year, month, of_month = parts
    try:
        return date(year + (2000 if year < 80 else 1900) if year < 100 else year, month, of_month)
    except ValueError:
        raise Unreadable("a date is in no calendar, with its parts in the order that was declared") from None


def _parts(said: str, order: DateOrder) -> tuple[int, int, int] | None:
    if found := _COMPACT.fullmatch(said):
        digits = found[1]
        if order == "ymd" or digits.startswith(("19", "20")):
            return int(digits[:4]), int(digits[4:6]), int(digits[6:])
        first, second, year = int(digits[:2]), int(digits[2:4]), int(digits[4:])
        return (year, second, first) if order == "dmy" else (year, first, second)
    if found := _DAY.fullmatch(said):
        first, second, third = (int(part) for part in found.groups())
        if len(found[1]) == 4 or order == "ymd":
            return first, second, third
        return (third, second, first) if order == "dmy" else (third, first, second)
    if found := _WORDS.fullmatch(said):
        month = _month(found[2] or found[3])
        return (int(found[5]), month, int(found[1] or found[4])) if month else None
    return None


def _month(word: str) -> int | None:
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode().lower()
    return _MONTHS.get(plain[:4]) or _MONTHS.get(plain[:3])


def text(cell: Cell) -> str:
    """A cell as text, without blanks around, its lines joined."""
    if isinstance(cell, Decimal):
        return format(cell.normalize(), "f") if cell == cell.to_integral() else format(cell, "f")
    return cell.isoformat() if isinstance(cell, date) else " ".join(cell.split())


_WHOLE = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "\u0131": "i"})
"""Letters that Unicode does not take apart into one without a mark and the mark."""


def name_of(cell: Cell) -> str:
    """A column's name, for comparing: letters and digits, without case."""
    plain = unicodedata.normalize("NFKD", text(cell)).casefold().translate(_WHOLE)
    return "".join(letter for letter in plain if letter.isalnum() or letter == "/")
