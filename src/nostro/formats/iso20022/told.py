"""All that a piece of a document tells, by path (`PmtId/EndToEndId`): fields are looked up, not searched for.

Names are matched without namespace, so that proprietary and missing ones are read too. Most pieces of a file are built
alike: where the text of a path is, and what follows from that, is worked out once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeVar, cast

from nostro.formats.iso20022.values import decimal, instant
from nostro.formats.reading import Unreadable, if_readable
from nostro.model.base import maker
from nostro.model.money import TOLD_CURRENCIES, Amount

CURRENCY = "@Ccy"
MARK = "@"
"""After a path: no text, but where an element begins that may be there several times."""
T = TypeVar("T")
Hits = list[tuple[str, int]]
"""Fields that are told, each with where in a piece's texts it stands."""


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Fields by name, each with the paths at which it may stand. Two tables are never the same one."""

    paths: Mapping[str, tuple[str, ...]]


class Shape:
    """Which of a piece's texts stand at which path, and what was worked out of that."""

    __slots__ = ("at", "paths", "plans")

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths
        self.at: dict[str, list[int]] = {}
        self.plans: dict[object, Any] = {}
        for position, path in enumerate(paths):
            self.at.setdefault(path, []).append(position)

    def first(self, paths: Sequence[str]) -> int:
        """Where the first text at the first of the paths is that has any; -1 where none has."""
        return next((self.at[path][0] for path in paths if path in self.at), -1)

    def every(self, paths: Sequence[str]) -> list[int]:
        """Where all texts at the paths are."""
        return [place for path in paths for place in self.at.get(path, ())]

    def holds(self, path: str) -> bool:
        """Whether there is an element at a path; an empty one is the piece itself."""
        return (
            bool(self.at)
            if not path
            else any(known == path or known.startswith((path + "/", path + MARK)) for known in self.at)
        )

    def hits(self, fields: Mapping[str, Sequence[str]]) -> Hits:
        """The fields that are told, each with where its first text stands."""
        return [(name, at) for name, paths in fields.items() if (at := self.first(paths)) >= 0]

    def blocks(self, path: str) -> list[tuple[int, int, Shape]]:
        """Where each of the elements at a path begins and ends, with its own shape."""
        paths, mark = self.paths, path + MARK
        own = [place for place, known in enumerate(paths) if known == path or known.startswith((path + "/", mark))]
        begun = [place for place in own if paths[place] == mark] or own[:1]
        edges = pairwise([*begun, own[-1] + 1] if own else [])
        return [self._block(path, begin + (paths[begin] == mark), end) for begin, end in edges]

    def _block(self, path: str, begin: int, end: int) -> tuple[int, int, Shape]:
        return begin, end, Shape([known[len(path) :].removeprefix("/") for known in self.paths[begin:end]])


@lru_cache(maxsize=2_048)
def shape_of(paths: tuple[str, ...]) -> Shape:
    """The shape of pieces whose texts stand at these paths."""
    return Shape(paths)


class Told:
    """A piece's texts, in the document's order."""

    __slots__ = ("_made", "_plans", "shape", "values")

    def __init__(self, shape: Shape, values: Sequence[str]) -> None:
        self.shape, self.values = shape, values
        self._plans = shape.plans
        self._made: dict[object, object] | None = None

    @property
    def kept(self) -> Sequence[str]:
        """The texts as what something may be remembered by. Those that note what is read of them stay what they are."""
        return tuple(self.values) if isinstance(self.values, list) else self.values

    def text(self, *paths: str) -> str:
        """The first text at the first of the paths that has any."""
        at = self._plans.get(paths)
        if at is None:
            at = self._plans[paths] = self.shape.first(paths)
        return self.values[at] if at >= 0 else ""

    def texts(self, *paths: str) -> list[str]:
        """All texts at the paths."""
        return [self.values[place] for place in self.planned((*paths, "*"), self.shape.every, paths)]

    def holds(self, path: str) -> bool:
        """Whether there is an element at a path."""
        return bool(self.holder(path))

    def holder(self, *paths: str) -> str:
        """The first of the paths at which there is an element, or nothing."""
        return self.planned((*paths, "?"), self._holder, paths)

    def _holder(self, paths: Sequence[str]) -> str:
        return next((path for path in paths if self.shape.holds(path)), "")

    def planned(self, key: object, plan: Callable[..., T], *given: object) -> T:
        """What `plan` makes of the paths that there are: worked out once for all pieces that are built alike."""
        found: T | None = self._plans.get(key)
        if found is None:
            found = self._plans[key] = plan(*given)
        return found

    def made(self, key: object, make: Callable[..., T], *given: object) -> T:
        """What was made of this very piece: a group's parties are made once for all of its payments."""
        if self._made is None:
            self._made = {}
        if key not in self._made:
            self._made[key] = make(*given)
        return cast("T", self._made[key])

    def fields(self, table: Table) -> dict[str, str]:
        """The fields of a table that are told."""
        values = self.values
        return {name: values[at] for name, at in self.planned(table, self.shape.hits, table.paths)}

    def blocks(self, path: str) -> list[Told]:
        """Each of the elements at a path, by itself."""
        found = self.planned((path, "[]"), self.shape.blocks, path)
        return [Told(shape, self.values[begin:end]) for begin, end, shape in found]


NOTHING = Told(shape_of(()), ())


@lru_cache(maxsize=2_048)
def ends(base: str, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Each of the paths below a base; an empty one is the piece itself."""
    return tuple((base + path).removeprefix("" if base else "/") for path in paths)


class Layers:
    """What is said of a payment: by itself, else by the group that it stands in, else by the message.

    `flaws` names what was said and can't be read, though the payment can be used without it.
    """

    __slots__ = ("_plans", "flaws", "told")

    def __init__(self, told: Sequence[Told], flaws: list[tuple[str, str]] | None = None) -> None:
        self.told = told
        self.flaws: list[tuple[str, str]] = [] if flaws is None else flaws
        self._plans = _plans_of(tuple([layer.shape for layer in told]))

    @property
    def own(self) -> Told:
        """What the payment says itself."""
        return self.told[0]

    def text(self, *paths: str) -> str:
        """The text of the innermost layer that has one of the paths."""
        layer, at = self._planned(paths, self._first, paths)
        return self.told[layer].values[at] if at >= 0 else ""

    def _first(self, paths: Sequence[str]) -> tuple[int, int]:
        found = ((layer, told.shape.first(paths)) for layer, told in enumerate(self.told))
        return next((place for place in found if place[1] >= 0), (0, -1))

    def fields(self, table: Table) -> dict[str, str]:
        """The fields of a table, each from the innermost layer that tells it."""
        told = self.told
        return {name: told[layer].values[at] for name, layer, at in self._planned(table, self._hits, table)}

    def _hits(self, table: Table) -> list[tuple[str, int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for layer, told in reversed(list(enumerate(self.told))):
            found |= {name: (layer, at) for name, at in told.shape.hits(table.paths)}
        return [(name, layer, at) for name, (layer, at) in found.items()]

    def texts(self, *paths: str) -> list[str]:
        """All texts at the first of the paths that has any, of the innermost layer."""
        return next((said for told in self.told for path in paths if (said := told.texts(path))), [])

    def blocks(self, *paths: str) -> list[Told]:
        """The elements at the first of the paths that there is, of the innermost layer."""
        held = self.holder(*paths)
        return held[0].blocks(held[1]) if held else []

    def holder(self, *paths: str) -> tuple[Told, str] | None:
        """The innermost layer that has one of the paths, with that path."""
        layer, path = self._planned((*paths, "?"), self._holder, paths)
        return (self.told[layer], path) if path else None

    def _holder(self, paths: Sequence[str]) -> tuple[int, str]:
        found = ((layer, told.holder(*paths)) for layer, told in enumerate(self.told))
        return next((place for place in found if place[1]), (0, ""))

    def _planned(self, key: object, plan: Callable[..., T], *given: object) -> T:
        found: T | None = self._plans.get(key)
        if found is None:
            found = self._plans[key] = plan(*given)
        return found

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
        if (found := if_readable(_iso_day, said[:10])) is None:
            name = next(path for path in paths if self.text(*_days((path,))) == said)
            self.flaws.append((name, "a date is not in ISO 8601"))
        return found

    def instant(self, *paths: str) -> datetime | None:
        """The date and time at one of the paths."""
        said = self.text(*paths)
        return self.usable(paths[0], if_readable(instant, said), "a time is not in ISO 8601") if said else None

    def number(self, *paths: str) -> Decimal | None:
        """The decimal number at one of the paths."""
        said = self.text(*paths)
        return self.usable(paths[0], if_readable(decimal, said), "a number is no decimal") if said else None


@lru_cache(maxsize=2_048)
def _plans_of(_: tuple[Shape, ...]) -> dict[object, Any]:
    """What was worked out for payments that are built alike, in groups and messages that are."""
    return {}


@lru_cache(maxsize=256)
def _days(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path + step for path in paths for step in ("/Dt", "/DtTm", ""))


def amount_of(told: Told, path: str, otherwise: str = "") -> Amount:
    """The amount at a path, in the currency `otherwise` where it names none. Raises `Unreadable`."""
    return _amount(told.text(path), told.text(path + CURRENCY) or otherwise)


@lru_cache(maxsize=4_096)
def _amount(said: str, told_currency: str) -> Amount:
    """An entry, its details and what was instructed say the same amount again and again."""
    value, currency = decimal(said), told_currency.upper()
    if not currency:
        raise Unreadable("the amount has no currency")
    if currency not in TOLD_CURRENCIES:
        raise Unreadable("the amount's currency is not in ISO 4217")
    return _made_amount({"value": value, "currency": currency})


_made_amount = maker(Amount)


def day_of(told: Told, path: str) -> date | None:
    """The day of a date or a date and time, as its sender's calendar says it. Raises `Unreadable`."""
    said = told.text(*_days((path,)))
    return _iso_day(said[:10]) if said else None


@lru_cache(maxsize=512)
def _iso_day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise Unreadable("a date is not in ISO 8601") from None
