"""Fields of BAI2's logical records: continuations, funds types, amounts without a point, days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from nostro.formats.line_statements import day, scaled, whole_number
from nostro.formats.reading import Unreadable
from nostro.model.money import EXPONENTS, Amount

_SIGNED = re.compile(r"([+-]?)(\d{1,20})(\.\d{1,4})?", re.ASCII)
_NEXT = re.compile(r"/\s+(?=0[12],[^,]*,|03,[^,]*,[A-Z]{0,3},|16,\d{3},|49,[+-]?\d*,|88,|9[89],[+-]?\d*,)")
"""Where several records stand on one line."""
_DISTRIBUTIONS = 30


class Funds(NamedTuple):
    """Availability: a day of value, or amounts by the days until they can be drawn; and how many fields told it."""

    fields: int
    value_date: str = ""
    distribution: str = ""


def physical(line: str) -> Iterator[str]:
    """The records on a line: one, nearly always."""
    yield from (piece.strip() for piece in _NEXT.split(line.strip()) if piece.strip())


def body(record: str) -> str:
    """A physical record without the slash that ends it."""
    return record.rstrip().removesuffix("/")


def funds(told: Sequence[str]) -> Funds:
    """Funds type and what belongs to it, at the beginning of these fields. Raises `Unreadable`."""
    kind = told[0].strip().upper() if told else ""
    if kind == "V":
        return Funds(3, value_date=_at(told, 1))
    if kind == "S":
        return Funds(4, distribution="/".join(_at(told, place) for place in (1, 2, 3)))
    if kind == "D":
        count = whole_number(_at(told, 1))
        if count is None or count > _DISTRIBUTIONS:
            raise Unreadable("the number of distributions is no number")
        pairs = [f"{_at(told, 2 + 2 * n)}:{_at(told, 3 + 2 * n)}" for n in range(count)]
        return Funds(2 + 2 * count, distribution="/".join(pairs))
    return Funds(1)


def _at(told: Sequence[str], place: int) -> str:
    return told[place].strip() if place < len(told) else ""


def signed(said: str, currency: str) -> Amount:
    """An amount without a point, in the currency's smallest unit; some banks write the point. Raises `Unreadable`."""
    found = _SIGNED.fullmatch(said.strip())
    if found is None:
        raise Unreadable("the amount is not of digits" if said.strip() else "there is no amount")
    if found[3]:
        value = scaled(found[2], 0, currency).value + Decimal(found[3])
    else:
        value = scaled(found[2], EXPONENTS.get(currency, 2), currency).value
    return Amount(value=-value if found[1] == "-" and value else value, currency=currency)


def raw_number(said: str) -> Decimal | None:
    """An amount as it counts for control totals: as it is written."""
    found = _SIGNED.fullmatch(said.strip())
    return Decimal(found[0]) if found else None


def day_of(said: str) -> date | None:
    """A day as YYMMDD; some banks write the century. Raises `Unreadable`."""
    said = said.strip()
    return day(said[2:] if len(said) == 8 else said, "ymd")


def instant_of(on: date | None, said: str) -> datetime | None:
    """A day and HHMM (2400 and 9999 are its end), or HH:MM:SS; None where either is not told or is none."""
    digits = said.replace(":", "").strip()
    if on is None or not (digits.isascii() and digits.isdecimal() and len(digits) in (4, 6)):
        return None
    midnight = datetime(on.year, on.month, on.day)  # noqa: DTZ001 - the bank tells no zone
    if digits[:4] in ("2400", "9999"):
        return midnight + timedelta(days=1)
    hour, minute, second = int(digits[:2]), int(digits[2:4]), int(digits[4:] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return midnight.replace(hour=hour, minute=minute, second=second)
