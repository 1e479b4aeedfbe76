"""All that an element tells, by path (`PmtId/EndToEndId`), gathered in one walk: fields are then looked up.

Names are matched without namespace, so that proprietary and missing ones are read too. Most payments of a file are
built alike: where a field is found is worked out once for all that have the same paths.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar, cast

from nostro.formats.iso20022.tree import Element, Unreadable, decimal, instant
from nostro.model.money import EXPONENTS, Amount

_TEXT_LIMIT = 20_000
_REPEATED = 1_000
CURRENCY = "@Ccy"
T = TypeVar("T")


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Fields by name, each with the paths at which it may stand. Two tables are never the same one."""

    paths: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=1_024)
def _known(_texts: frozenset[str], _places: frozenset[str]) -> dict[object, Any]:
    """What was worked out for elements that are built like this."""
    return {}


class Told:
    """An element's texts by path, in the document's order, without the children of some names.

    `texts` holds what says something, `places` every path that there is.
    """

    __slots__ = ("_known", "_made", "element", "places", "texts")

    def __init__(self, element: Element, without: Collection[str] = ()) -> None:
        self.element = element
        self.texts: dict[str, list[str]] = {}
        self.places: dict[str, None] = {}
        _gather(element, "", self, without)
        self._made: dict[tuple[str, ...], object] = {}
        self._known = _known(frozenset(self.texts), frozenset(self.places))

    def text(self, *paths: str) -> str:
        """The first text at the first of the paths that has any."""
        path = self.planned(paths, self._first, paths)
        return self.texts[path][0] if path else ""

    def _first(self, paths: tuple[str, ...]) -> str:
        return next((path for path in paths if path in self.texts), "")

    def planned(self, key: object, plan: Callable[..., T], *given: object) -> T:
        """What `plan` makes of the paths that there are: worked out once for all elements that are built alike."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = plan(*given)
        return cast("T", found)

    def made(self, key: tuple[str, ...], make: Callable[..., T], *given: object) -> T:
        """What was made of this very element: a group's parties are made once for all of its payments."""
        if key not in self._made:
            self._made[key] = make(*given)
        return cast("T", self._made[key])

    def fields(self, table: Table) -> dict[str, str]:
        """The fields of a table that are told."""
        return {name: self.texts[path][0] for name, path in self.planned(table, self._hits, table)}

    def _hits(self, table: Table) -> list[tuple[str, str]]:
        return [(name, path) for name, paths in table.paths.items() if (path := self._first(paths))]

    def blocks(self, path: str) -> Iterator[Told]:
        """Each of the elements at a path, by itself."""
        if path in self.places:
            yield from (Told(found) for found in self.element.iterfind(_steps(path)))


@lru_cache(maxsize=512)
def _steps(path: str) -> str:
    return "/".join(f"{{*}}{step}" for step in path.split("/"))


@lru_cache(maxsize=2_048)
def ends(base: str, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Each of the paths below a base."""
    return tuple(base + path for path in paths)


def _gather(element: Element, place: str, told: Told, without: Collection[str] = ()) -> None:
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name in without:
            continue
        path = place + name
        told.places[path] = None
        if said := (child.text or "").strip():
            found = told.texts.setdefault(path, [])
            if len(found) < _REPEATED:
                found.append(said[:_TEXT_LIMIT])
            if currency := child.get("Ccy"):
                told.texts.setdefault(path + CURRENCY, []).append(currency.strip())
        if len(child):
            _gather(child, path + "/", told)


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

    def fields(self, table: Table) -> dict[str, str]:
        """The fields of a table, each from the innermost layer that tells it."""
        found: dict[str, str] = {}
        for told in reversed(self.told):
            found |= told.fields(table)
        return found

    def texts(self, *paths: str) -> list[str]:
        """All texts at the first of the paths that has any, of the innermost layer."""
        return next((told.texts[path] for told in self.told for path in paths if path in told.texts), [])

    def blocks(self, *paths: str) -> list[Told]:
        """The elements at the first of the paths that there is, of the innermost layer."""
        held = self.holder(*paths)
        return [*held[0].blocks(held[1])] if held else []

    def holder(self, *paths: str) -> tuple[Told, str] | None:
        """The innermost layer that has one of the paths, with that path."""
        for told in self.told:
            for path in paths:
                if path in told.places:
                    return told, path
        return None

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
        if not (said := self.text(*_days(paths))):
            return None
        if (found := _day(said)) is None:
            name = next(path for path in paths if self.text(*_days((path,))) == said)
            self.flaws.append((name, "a date is not in ISO 8601"))
        return found

    def instant(self, *paths: str) -> datetime | None:
        """The date and time at one of the paths."""
        said = self.text(*paths)
        return self.usable(paths[0], _instant(said), "a time is not in ISO 8601") if said else None

    def number(self, *paths: str) -> Decimal | None:
        """The decimal number at one of the paths."""
        said = self.text(*paths)
        return self.usable(paths[0], _number(said), "a number is no decimal") if said else None


@lru_cache(maxsize=256)
def _days(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path + step for path in paths for step in ("/Dt", "/DtTm", ""))


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
