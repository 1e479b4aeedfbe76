"""All that an element tells, by path (`PmtId/EndToEndId`), gathered in one walk: a payment is then looked up, not sought.

Names are matched without namespace, so that proprietary and missing ones are read too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from nostro.formats.iso20022.tree import Element, Unreadable, decimal, instant
from nostro.model.money import EXPONENTS, Amount

_TEXT_LIMIT = 20_000
_REPEATED = 1_000
CURRENCY = "@Ccy"
T = TypeVar("T")


class Told:
    """An element's texts by path, in the document's order, without the children of some names."""

    __slots__ = ("element", "texts")

    def __init__(self, element: Element, without: Collection[str] = ()) -> None:
        self.element = element
        self.texts: dict[str, list[str]] = {}
        _gather(element, "", self.texts, without)

    def text(self, *paths: str) -> str:
        """The first text at the first of the paths that has any."""
        for path in paths:
            for said in self.texts.get(path, ()):
                if said:
                    return said
        return ""

    def blocks(self, path: str) -> Iterator[Told]:
        """Each of the elements at a path, by itself."""
        if path in self.texts:
            steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
            yield from (Told(found) for found in self.element.iterfind(steps))


def _gather(element: Element, place: str, texts: dict[str, list[str]], without: Collection[str] = ()) -> None:
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name in without:
            continue
        path = place + name
        said = (child.text or "").strip()[:_TEXT_LIMIT]
        found = texts.setdefault(path, [])
        if len(found) < _REPEATED:
            found.append(said)
            if currency := child.get("Ccy"):
                texts.setdefault(path + CURRENCY, []).append(currency.strip())
        if len(child):
            _gather(child, path + "/", texts)


@dataclass(slots=True)
class Layers:
    """What is said of a payment: by itself, else by the group that it stands in, else by the message.

    `flaws` names what was said and can't be read, though the payment can be used without it.
    """

    told: tuple[Told, ...]
    flaws: list[tuple[str, str]] = field(default_factory=list)

    @property
    def own(self) -> Told:
        """What the payment says itself."""
        return self.told[0]

    def text(self, *paths: str) -> str:
        """The text of the innermost layer that has one of the paths."""
        for told in self.told:
            if said := told.text(*paths):
                return said
        return ""

    def texts(self, *paths: str) -> tuple[str, ...]:
        """All texts at the first of the paths that has any, of the innermost layer."""
        for told in self.told:
            for path in paths:
                if found := tuple(said for said in told.texts.get(path, ()) if said):
                    return found
        return ()

    def blocks(self, *paths: str) -> list[Told]:
        """The elements at the first of the paths that there is, of the innermost layer."""
        return next(([*told.blocks(path)] for told in self.told for path in paths if path in told.texts), [])

    def holder(self, *paths: str) -> tuple[Told, str] | None:
        """The innermost layer that has one of the paths, with that path."""
        return next(((told, path) for told in self.told for path in paths if path in told.texts), None)

    def amount(self, *paths: str) -> Amount | None:
        """An amount, or None where there is none. Raises `Unreadable` for one that is no amount."""
        found = self.holder(*paths)
        return amount_of(*found) if found else None

    def usable(self, name: str, read: T | None, why: str) -> T | None:
        """What was read; a flaw is noted where it was said and could not be."""
        if read is None:
            self.flaws.append((name, why))
        return read

    def soft_amount(self, *paths: str) -> Amount | None:
        """As `amount`, but what can't be read is a flaw."""
        try:
            return self.amount(*paths)
        except Unreadable as unreadable:
            return self.usable(paths[0], None, str(unreadable))

    def day(self, *paths: str) -> date | None:
        """The day at one of the paths, of a date or a date and time, as its sender's calendar says it."""
        said = self.text(*(path + step for path in paths for step in ("/Dt", "/DtTm", "")))
        return self.usable(paths[0], _day(said), "a date is not in ISO 8601") if said else None

    def instant(self, *paths: str) -> datetime | None:
        """The date and time at one of the paths."""
        said = self.text(*paths)
        return self.usable(paths[0], _instant(said), "a time is not in ISO 8601") if said else None

    def number(self, *paths: str) -> Decimal | None:
        """The decimal number at one of the paths."""
        said = self.text(*paths)
        return self.usable(paths[0], _number(said), "a number is no decimal") if said else None


def amount_of(told: Told, path: str) -> Amount:
    """The amount at a path. Raises `Unreadable`."""
    value = decimal(told.text(path))
    currency = told.text(path + CURRENCY).upper()
    if not currency:
        raise Unreadable("the amount has no currency")
    if currency not in EXPONENTS:
        raise Unreadable("the amount's currency is not in ISO 4217")
    return Amount(value=value, currency=currency)


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said[:10])
    except ValueError:
        return None


def _instant(said: str) -> datetime | None:
    try:
        return instant(said)
    except Unreadable:
        return None


def _number(said: str) -> Decimal | None:
    try:
        return decimal(said)
    except Unreadable:
        return None
