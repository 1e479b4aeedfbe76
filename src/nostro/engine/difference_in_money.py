"""Differences added up: by entity, and by subject, each currency by itself. Pure.

The lines of all subjects add up to the lines of the totals: both are sums over the same effects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from nostro.engine.difference import MONEY, Change, Effect, Kind
from nostro.model.money import Money

WHYS = 3
"""So many reasons of one line are told, the others counted."""


Key = tuple[Kind, str, str, bool, str]
"""Kind, entity, what, whether it goes out, and currency."""


def _key(effect: Effect) -> Key:
    minor, currency = (effect.amount.minor, effect.amount.currency) if effect.amount else (0, "")
    return effect.kind, effect.entity, effect.what, minor < 0, currency


@dataclass(slots=True)
class Sum:
    """How many, and how much of one currency."""

    count: int = 0
    minor: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """What happened of one kind for one entity in one currency, what would have, and the difference: would less was.

    What goes `out` has amounts below zero and a line of its own, so that no amount hides another. The amounts are None
    where no money is named (`currency` is empty).
    """

    kind: Kind
    entity: str
    what: str
    out: bool
    currency: str
    was: int
    was_amount: Money | None
    would: int
    would_amount: Money | None
    difference: Money | None

    @property
    def key(self) -> Key:
        """What it is a line of."""
        return self.kind, self.entity, self.what, self.out, self.currency

    @property
    def size(self) -> tuple[int, int]:
        """How large it is, in minor units of its currency: the difference, then what it is a difference of."""
        was, would = (amount.minor if amount else 0 for amount in (self.was_amount, self.would_amount))
        return abs(would - was), max(abs(was), abs(would))


@dataclass(slots=True)
class Totals:
    """Changes added up: what no longer would be, and what would be instead."""

    facts: int = 0
    sums: dict[Key, tuple[Sum, Sum]] = field(default_factory=dict)

    @classmethod
    def of(cls, changes: Iterable[Change]) -> Totals:
        """Those of some changes."""
        totals = cls()
        for one in changes:
            totals.add(one)
        return totals

    def add(self, one: Change) -> None:
        """Counts a change."""
        self.facts += 1
        for side, effects in enumerate((one.was, one.would)):
            for effect in effects:
                into = self.sums.setdefault(_key(effect), (Sum(), Sum()))[side]
                into.count += 1
                into.minor += effect.amount.minor if effect.amount else 0

    def less(self, part: Totals) -> None:
        """Takes away a part of these; what leaves nothing is left out."""
        self.facts -= part.facts
        for key, sides in part.sums.items():
            for into, out in zip(self.sums[key], sides, strict=True):
                into.count -= out.count
                into.minor -= out.minor
            if not any(side.count for side in self.sums[key]):
                del self.sums[key]

    def copy(self) -> Totals:
        """The same, to go on from."""
        return Totals(self.facts, {key: (replace(was), replace(would)) for key, (was, would) in self.sums.items()})

    def lines(self, kinds: Iterable[Kind]) -> list[Line]:
        """The lines of these kinds, in the order of kind, entity, what, way and currency."""
        return list(self._lines(set(kinds)))

    def currencies(self) -> list[str]:
        """All in which money differs."""
        return sorted({line.currency for line in self.lines(MONEY)} - {""})

    def _lines(self, kinds: set[Kind]) -> Iterator[Line]:
        for key, (was, would) in sorted(self.sums.items()):
            currency = key[-1]
            if key[0] in kinds:
                amounts = [_money(n, currency) for n in (was.minor, would.minor, would.minor - was.minor)]
                yield Line(*key, was.count, amounts[0], would.count, amounts[1], amounts[2])


def _money(minor: int, currency: str) -> Money | None:
    return Money(minor=minor, currency=currency) if currency else None


@dataclass(frozen=True, slots=True)
class Explained:
    """A line of one subject. `why`: for each fact that it comes from the two rules, and what a case says."""

    line: Line
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfSubject:
    """What differs for a subject in one currency, the greatest difference first."""

    subject: str
    lines: tuple[Explained, ...]


@dataclass(frozen=True, slots=True)
class InCurrency:
    """All money of one currency: `totals` by entity are the lines of the subjects and of the others together."""

    currency: str
    totals: tuple[Line, ...]
    subjects: tuple[OfSubject, ...]
    others: tuple[Line, ...]


def by_currency(totals: Totals, changes: Iterable[Sequence[Change]], shown: int) -> list[InCurrency]:
    """Each currency with its first `shown` subjects, those of the greatest differences; the others in one sum."""
    parts = [(of, Totals.of(of)) for of in changes]
    return [_in_currency(currency, totals, parts, shown) for currency in totals.currencies()]


Part = tuple[Sequence[Change], Totals]


def _in_currency(currency: str, totals: Totals, parts: Iterable[Part], shown: int) -> InCurrency:
    first = _ranked(currency, parts)[:shown]
    rest = totals.copy()
    for _, part in first:
        rest.less(part)
    subjects = tuple(_of_subject(of, _in(currency, part)) for of, part in first)
    return InCurrency(currency, tuple(_in(currency, totals)), subjects, tuple(_in(currency, rest)))


def _in(currency: str, totals: Totals) -> list[Line]:
    return [line for line in totals.lines(MONEY) if line.currency == currency]


def _ranked(currency: str, parts: Iterable[Part]) -> list[Part]:
    """The subjects that differ in a currency, by their greatest line; alike ones by their names."""
    sizes = [(max(line.size for line in lines), part) for part in parts if (lines := _in(currency, part[1]))]
    return [part for _, part in sorted(sizes, key=lambda one: (-one[0][0], -one[0][1], one[1][0][0].subject))]


def _of_subject(of: Sequence[Change], lines: Iterable[Line]) -> OfSubject:
    largest = sorted(lines, key=lambda line: line.size, reverse=True)
    return OfSubject(of[0].subject, tuple(Explained(line, _why(line, of)) for line in largest))


def _why(line: Line, of: Iterable[Change]) -> tuple[str, ...]:
    """In the order of the facts; what holds for several is told once."""
    told: dict[str, None] = {}
    for one in of:
        mine = [e for e in (*one.was, *one.would) if _key(e) == line.key]
        if mine:
            told[f"{one.type}: {_rules(one)}"] = None
            told |= dict.fromkeys(e.sentence for e in mine if e.sentence)
    more = (f"and {len(told) - WHYS} more",) if len(told) > WHYS else ()
    return *list(told)[:WHYS], *more


def _rules(one: Change) -> str:
    was, would = (rule or "no rule" for rule in (one.rule_was, one.rule_would))
    return was if was == would else f"{was} -> {would}"


def leading(changes: Iterable[Sequence[Change]], shown: int) -> list[Sequence[Change]]:
    """Of each currency the first `shown` subjects, and as many of those that differ in no money; by their best place.

    What is left out stays out however many more come, so this may be asked again and again of what it left.
    """
    parts = [(of, Totals.of(of)) for of in changes]
    currencies = sorted({currency for _, part in parts for currency in part.currencies()})
    best: dict[str, tuple[int, int]] = {}
    ranks = [_ranked(currency, parts) for currency in currencies]
    moneyless = [part for part in parts if not part[1].currencies()]
    ranks.append(sorted(moneyless, key=lambda part: part[0][0].subject))
    for last, rank in enumerate(ranks):
        for place, (of, _) in enumerate(rank[:shown]):
            here = (place + shown * (last == len(currencies)), last)
            best[of[0].subject] = min(best.get(of[0].subject, here), here)
    kept = [of for of, _ in parts if of[0].subject in best]
    return sorted(kept, key=lambda of: (*best[of[0].subject], of[0].subject))
