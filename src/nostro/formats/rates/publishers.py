"""Who publishes rates: the base, how they are quoted, and what they are for; and what all readers of rates share."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from nostro.model.rates import Frequency, Observed, Purpose, Quoted, Rate, RateTable
from nostro.model.statements import Reject, Source

RateItem = RateTable | Reject
_DECIMAL = re.compile(r"\d{1,12}(?:\.\d{1,12})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
ABSENT = frozenset({"", "N/A", "NA", "ND", "NC", "-", "..", "."})
"""What stands where a publisher has no rate that day."""
_HELD = 2_000_000
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+\.\d+", re.ASCII)
_MONTHS = {
    "jan": 1,
    "feb": 2,
    "mar": 3,
    "apr": 4,
    "may": 5,
    "jun": 6,
    "jul": 7,
    "aug": 8,
    "sep": 9,
    "oct": 10,
    "nov": 11,
    "dec": 12,
}


class Publisher(NamedTuple):
    """A publisher. The purposes are those that its country's rules name; which one a company uses its policy says."""

    name: str
    base: str
    quoted: Quoted
    purposes: tuple[Purpose, ...]


_ALL: tuple[Purpose, ...] = ("booking", "vat", "revaluation")
PUBLISHERS = {
    told.name: told
    for told in (
        Publisher("ECB", "EUR", "currency_for_base", _ALL),  # VAT: Directive 2006/112/EC, Article 91(2)
        Publisher("BNR", "RON", "base_for_currency", _ALL),  # VAT: Codul fiscal, articolul 290
        Publisher("BoE", "GBP", "currency_for_base", ("booking", "revaluation")),
        Publisher("HMRC", "GBP", "currency_for_base", ("vat",)),  # customs and VAT, by calendar month
        Publisher("SNB", "CHF", "base_for_currency", ("booking", "revaluation")),
        Publisher("BAZG", "CHF", "base_for_currency", ("vat",)),  # MWSTV, Artikel 45
        Publisher("Fed", "USD", "currency_for_base", ("booking", "revaluation")),
    )
}


class Period(NamedTuple):
    """The day or period that a table is about."""

    on: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    frequency: Frequency = "daily"
    observed: Observed = "spot"


@dataclass(slots=True)
class Gathered:
    """The rates of one table in the making, with what could not be read of them."""

    publisher: Publisher
    rates: dict[tuple[str, Decimal], Rate] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)

    def add(self, currency: str, said: str, place: Source, per: int = 1, quoted: Quoted | None = None) -> None:
        """A rate more. One that is told twice alike (for two countries of one currency) counts once."""
        code, value = currency.strip().upper(), said.strip()
        value = value.replace(",", "") if _THOUSANDS.fullmatch(value) else value
        if value.upper() in ABSENT:
            return
        why = ""
        if not _CURRENCY.fullmatch(code):
            why = "a rate without a currency code"
        elif not _DECIMAL.fullmatch(value) or not Decimal(value) or per < 1:
            why = f"the rate of {code} is no positive decimal number"
        if why:
            self.rejects.append(Reject(where=place.where, line=place.line, why=why))
            return
        told = Rate(currency=code, value=Decimal(value), per=per, quoted=quoted or self.publisher.quoted)
        self.rates.setdefault((code, told.value), told)

    def table(self, period: Period, source: Source, name: str) -> Iterator[RateItem]:
        """The table, if it has rates, and its rejects."""
        if self.rates:
            publisher = self.publisher
            yield RateTable(
                publisher=publisher.name,
                purposes=publisher.purposes,
                base=publisher.base,
                on=period.on,
                valid_from=period.valid_from,
                valid_to=period.valid_to,
                frequency=period.frequency,
                observed=period.observed,
                rates=tuple(self.rates.values()),
                source=source,
                format=name,
            )
        yield from self.rejects


class Observation(NamedTuple):
    """One rate of one day, in files that tell series after series; and where it stands."""

    currency: str
    said: str
    where: str
    line: int
    per: int = 1
    quoted: Quoted | None = None


@dataclass(slots=True)
class Periods:
    """Series on their way to tables, one a day: what was told is held, up to a limit that no publisher reaches."""

    publisher: Publisher
    name: str
    told: dict[Period, list[Observation]] = field(default_factory=dict)
    count: int = 0

    def add(self, period: Period, one: Observation) -> None:
        """One rate more."""
        self.count += 1
        if self.count <= _HELD:
            self.told.setdefault(period, []).append(one)

    def tables(self) -> Iterator[RateItem]:
        """The tables, by their days."""
        for period in sorted(self.told, key=lambda period: period.on or date.min):
            held = self.told.pop(period)
            gathered = Gathered(self.publisher)
            for one in held:
                place = Source(where=one.where, line=one.line)
                gathered.add(one.currency, one.said, place, one.per, one.quoted)
            yield from gathered.table(period, Source(where=held[0].where, line=held[0].line), self.name)
        if self.count > _HELD:
            yield Reject(where="/", why=f"{self.count - _HELD} rates beyond the first {_HELD} were not read")


def day(said: str) -> date | None:
    """A day as any of the publishers writes it; None for what is none."""
    for pattern, order in _DAYS:
        if found := pattern.fullmatch(said.strip()):
            return _made(*order(*found.groups()))
    return None


Order = Callable[[str, str, str], tuple[str, str, str]]
_FORWARDS: Order = lambda year, month, on: (year, month, on)  # noqa: E731 - a column of the table below
_BACKWARDS: Order = lambda on, month, year: (year, month, on)  # noqa: E731 - the same
_SHORT: Order = lambda on, month, year: (f"{'19' if year > '69' else '20'}{year}", month, on)  # noqa: E731 - the same
_DAYS: tuple[tuple[re.Pattern[str], Order], ...] = (
    (re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T.*)?", re.ASCII), _FORWARDS),
    (re.compile(r"(\d\d?)[./ -]([A-Za-z]{3,9}|\d\d?)[./ -](\d{4})", re.ASCII), _BACKWARDS),
    (re.compile(r"(\d\d?)[ -]([A-Za-z]{3,9})[ -](\d\d)", re.ASCII), _SHORT),
)


def _made(year: str, month: str, on: str) -> date | None:
    try:
        number = int(month) if month.isdecimal() else _MONTHS.get(month[:3].lower(), 0)
        return date(int(year), number, int(on))
    except (ValueError, OverflowError):
        return None


def unit(said: str, otherwise: int = 1) -> int:
    """For how many units a rate is told; 0, which no rate is for, where the number is out of all reason."""
    if not said:
        return otherwise
    return int(said) if said.isdecimal() and len(said) <= 9 else 0


def month_of(said: str) -> tuple[date | None, date | None]:
    """First and last day of a month told as `2026-08`."""
    year, _, month = said.strip().partition("-")
    first = _made(year, month, "1") if year.isdecimal() and month.isdecimal() else None
    return (first, first.replace(day=monthrange(first.year, first.month)[1])) if first else (None, None)
