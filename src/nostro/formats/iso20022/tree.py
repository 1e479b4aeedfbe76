"""Small steps in trees of lxml, by local name, and texts that ISO 20022 and its likes write: decimals and instants."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from lxml import etree

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


def find(element: Element | None, path: str) -> Element | None:
    """What is on a path of names (`statistics/exchangeRate`); an empty one is the element itself."""
    for step in path.split("/") if path else ():
        element = None if element is None else next((child for child in element if local(child) == step), None)
    return element


def text(element: Element | None, *paths: str) -> str:
    """The text at the first of the paths that has any, without blanks around it."""
    for path in paths:
        found = find(element, path)
        if found is not None and (said := (found.text or "").strip()):
            return said[:_TEXT_LIMIT]
    return ""


def decimal(said: str) -> Decimal:
    """An unsigned decimal. Raises `Unreadable` for anything else: a sign here contradicts the direction."""
    if said.startswith("-"):
        raise Unreadable("the amount is negative, though its direction is told apart")
    if not _DECIMAL.fullmatch(said):
        raise Unreadable("the amount is no decimal number" if said else "there is no amount")
    return Decimal(said)


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
