"""Small steps in an XML tree, by local name: banks differ in namespaces, versions and prefixes, hardly in names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import cast

from lxml import etree

from nostro.model.money import Amount, exponent

Element = etree._Element  # noqa: SLF001 - lxml has no public name for the type

_DECIMAL = re.compile(r"\+?(?:\d{1,24}(?:\.\d{0,12})?|\.\d{1,12})")
_TEXT_LIMIT = 20_000
_FRACTION = re.compile(r"\.(\d{6})\d+")


class Unreadable(Exception):
    """An item can't be understood; the sentence holds none of its content."""


def local(element: Element) -> str:
    """The element's name without namespace."""
    return element.tag.rpartition("}")[2]


def line_of(element: Element) -> int:
    """The source line, 0 where it is unknown."""
    return cast("int | None", element.sourceline) or 0


def children(element: Element | None, name: str) -> Iterator[Element]:
    """The children of that name."""
    if element is not None:
        yield from element.iterchildren(f"{{*}}{name}")


def find(element: Element | None, *paths: str) -> Element | None:
    """The first element on the first of the paths of names (`Acct/Id/IBAN`) that leads to one."""
    for path in paths:
        found = element
        for step in _steps(path):
            found = next(found.iterchildren(step), None) if found is not None else None
        if found is not None:
            return found
    return None


@lru_cache(maxsize=512)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(f"{{*}}{name}" for name in path.split("/"))


def text(element: Element | None, *paths: str) -> str:
    """The text at the first of the paths that has any, without blanks around it."""
    for path in paths:
        found = find(element, path) if path else element
        if found is not None and found.text and (said := found.text.strip()):
            return said[:_TEXT_LIMIT]
    return ""


def texts(element: Element | None, name: str) -> tuple[str, ...]:
    """The texts of all children of that name that have any."""
    return tuple(said for child in children(element, name) if (said := text(child, "")))


def amount(element: Element | None, otherwise: str = "") -> Amount | None:
    """An amount with its `Ccy`, or in the currency `otherwise`; None where there is no element. Raises `Unreadable`."""
    if element is None:
        return None
    return Amount(value=decimal(text(element, "")), currency=_currency(element.get("Ccy", "") or otherwise))


def decimal(said: str) -> Decimal:
    """An unsigned decimal. Raises `Unreadable` for anything else: a sign here contradicts the direction."""
    if said.startswith("-"):
        raise Unreadable("the amount is negative, though its direction is told apart")
    if not _DECIMAL.fullmatch(said):
        raise Unreadable("the amount is no decimal number" if said else "there is no amount")
    return Decimal(said)


def _currency(code: str) -> str:
    if not code:
        raise Unreadable("the amount has no currency")
    try:
        exponent(code)
    except ValueError:
        raise Unreadable("the amount's currency is not in ISO 4217") from None
    return code


def day(element: Element | None) -> date | None:
    """The day of a `Dt` or `DtTm`, as the bank's calendar says it. Raises `Unreadable`."""
    said = text(element, "Dt", "DtTm", "")
    if not said:
        return None
    try:
        return date.fromisoformat(said[:10])
    except ValueError:
        raise Unreadable("a date is not in ISO 8601") from None


def instant(said: str) -> datetime | None:
    """An ISO date and time, naive where the bank says no zone. Raises `Unreadable`."""
    if not said:
        return None
    try:
        if "T24:00:00" in said:  # XML Schema's midnight at the end of a day, which Python doesn't know
            return datetime.fromisoformat(said.replace("T24:00:00", "T00:00:00")) + timedelta(days=1)
        return datetime.fromisoformat(_FRACTION.sub(r".\1", said))
    except ValueError:
        raise Unreadable("a time is not in ISO 8601") from None
