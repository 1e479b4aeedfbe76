"""Rates in XML: ECB (`Envelope`), BNR (`DataSet`), HMRC (`exchangeRateMonthList`), BAZG, SNB (RSS-CB), Fed (SDMX)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from nostro.formats.rates.publishers import (
    PUBLISHERS,
    Gathered,
    Observation,
    Period,
    Periods,
    RateItem,
    day,
    month_of,
    unit,
)
from nostro.formats.rates.series import fed_series
from nostro.formats.xml import BrokenXml, Element, events, find, line_of, local, release, text
from nostro.model.failures import FormatRefused
from nostro.model.statements import Reject, Source

_DAY = re.compile(r"\d\d?\.\d\d?\.\d{4}")


def read_rates_xml(chunks: Iterable[bytes]) -> Iterator[RateItem]:
    """One table a day or period, and located rejects. Raises `FormatRefused` for XML of another kind."""
    walk: _Walk | None = None
    try:
        for kind, element in events(chunks):
            if walk is None:
                walk = _walk(local(element))
            if kind == "start":
                walk.start(local(element), element)
            else:
                yield from walk.end(local(element), element)
    except BrokenXml as broken:
        if walk is None:
            raise broken.refused("exchange rates") from None
        yield from walk.finish()
        yield broken.reject("/")
        return
    if walk is None:
        raise FormatRefused("This is no XML of exchange rates: it ends before its first element does.")
    yield from walk.finish()


class _Walk(Protocol):
    """One publisher's document."""

    def start(self, name: str, element: Element) -> None:
        """An element begins."""

    def end(self, name: str, element: Element) -> Iterator[RateItem]:
        """An element is complete."""

    def finish(self) -> Iterator[RateItem]:
        """The document has ended, or broken off."""


def _walk(root: str) -> _Walk:
    made = WALKS.get(root)
    if made is None:
        raise FormatRefused("This is no XML of exchange rates that Nostro knows.")
    return made()


def _place(element: Element, where: str) -> Source:
    return Source(where=where, line=line_of(element))


@dataclass(slots=True)
class _Cubes:
    """ECB and BNR: a cube a day. ECB's rates are attributes of cubes within, BNR's are texts with a multiplier."""

    publisher: str
    dated: str
    tables: int = 0

    def start(self, name: str, element: Element) -> None:
        """Nothing is known before its end."""

    def end(self, name: str, element: Element) -> Iterator[RateItem]:
        """A day is complete."""
        said = element.get(self.dated, "")
        if name != "Cube" or not said:
            return
        self.tables += 1
        where = f"Cube[{self.tables}]"
        gathered, on = Gathered(PUBLISHERS[self.publisher]), day(said)
        for one in element.iterchildren("{*}Cube", "{*}Rate"):
            per = one.get("multiplier", "1")
            value = one.get("rate", "") or one.text or ""
            gathered.add(one.get("currency", ""), value, _place(one, where), unit(per))
        if on is None:
            yield Reject(where=where, line=line_of(element), why="the day of the rates is no date")
        else:
            yield from gathered.table(Period(on), _place(element, where), f"{self.publisher} XML")
        release(element)

    def finish(self) -> Iterator[RateItem]:
        """Nothing waits."""
        yield from ()


@dataclass(slots=True)
class _Month:
    """HMRC: the rates of a calendar month, one an area."""

    gathered: Gathered = field(default_factory=lambda: Gathered(PUBLISHERS["HMRC"]))
    period: Period = field(default_factory=Period)
    source: Source = field(default_factory=lambda: Source(where="/exchangeRateMonthList"))

    def start(self, name: str, element: Element) -> None:
        """The period stands on the root."""
        if name == "exchangeRateMonthList":
            said = element.get("Period", "") or element.get("period", "")
            first, _, last = said.partition(" to ")
            self.period = Period(day(first), day(first), day(last), "monthly", "")
            self.source = _place(element, self.source.where)

    def end(self, name: str, element: Element) -> Iterator[RateItem]:
        """An area's rate."""
        if name == "exchangeRate":
            value = text(element, "rateNew", "rate")
            self.gathered.add(text(element, "currencyCode"), value, _place(element, self.source.where))
            release(element)
        yield from ()

    def finish(self) -> Iterator[RateItem]:
        """The month."""
        yield from self.gathered.table(self.period, self.source, "HMRC XML")


@dataclass(slots=True)
class _Customs:
    """BAZG: `devise` elements with a unit (`100 JPY`) and the francs for it; valid on the day (or days) told."""

    gathered: Gathered = field(default_factory=lambda: Gathered(PUBLISHERS["BAZG"]))
    told: dict[str, str] = field(default_factory=dict)
    source: Source = field(default_factory=lambda: Source(where="/"))
    monthly: bool = False

    def start(self, name: str, element: Element) -> None:
        """The root says by its namespace whether these are a month's averages."""
        if element.getparent() is None:
            self.monthly = "month" in element.tag or "monat" in element.tag
            self.source = _place(element, f"/{name}")

    def end(self, name: str, element: Element) -> Iterator[RateItem]:
        """A currency, or one of the dates."""
        if name == "devise":
            told = text(element, "waehrung").split()
            per = unit(told[0]) if told and told[0].isdecimal() else 1
            code = element.get("code", "") or (told[-1] if told else "")
            self.gathered.add(code, text(element, "kurs"), _place(element, self.source.where), per)
            release(element)
        elif name in ("datum", "gueltigkeit", "jahr", "monat"):
            self.told[name] = text(element)
        yield from ()

    def finish(self) -> Iterator[RateItem]:
        """The table."""
        days = [found for said in _DAY.findall(self.told.get("gueltigkeit", "")) if (found := day(said))]
        first, last = (min(days), max(days)) if days else (None, None)
        if "monat" in self.told and "jahr" in self.told:
            first, last = month_of(f"{self.told['jahr']}-{self.told['monat']}")
            self.monthly = True
        on = day(self.told.get("datum", "")) or first
        frequency = ("monthly", "average") if self.monthly else ("daily", "spot")
        period = Period(on, first, last, *frequency)  # type: ignore[arg-type]  # both pairs are of the literals
        yield from self.gathered.table(period, self.source, "BAZG XML")


@dataclass(slots=True)
class _Feed:
    """SNB: RSS-CB 1.2, an `item` a currency; `unit_mult` -2 means that the francs are for a hundred."""

    told: Periods = field(default_factory=lambda: Periods(PUBLISHERS["SNB"], "SNB RSS"))

    def start(self, name: str, element: Element) -> None:
        """Nothing is known before its end."""

    def end(self, name: str, element: Element) -> Iterator[RateItem]:
        """A currency's rate of a day."""
        if name == "item":
            rate = find(element, "statistics/exchangeRate")
            on = day(text(rate, "observationPeriod/period") or text(element, "date"))
            if rate is not None and on is not None:
                places = text(rate, "observation/unit_mult")
                per = _PERS.get(places, 1)
                value = text(rate, "observation/value", "value")
                one = Observation(text(rate, "targetCurrency"), value, "item", line_of(element), per)
                self.told.add(Period(on), one)
            elif rate is not None:
                yield Reject(where="item", line=line_of(element), why="the rate has no day")
            release(element)

    def finish(self) -> Iterator[RateItem]:
        """A table a day."""
        yield from self.told.tables()


_PERS = {"-1": 10, "-2": 100, "-3": 1_000, "-4": 10_000}


@dataclass(slots=True)
class _Series:
    """Fed: SDMX, a series a currency; its name says which way it is quoted."""

    told: Periods = field(default_factory=lambda: Periods(PUBLISHERS["Fed"], "Fed H.10 XML"))
    name: str = ""
    currency: str = ""

    def start(self, name: str, element: Element) -> None:
        """A series begins."""
        if name == "Series":
            self.name, self.currency = element.get("SERIES_NAME", ""), element.get("CURRENCY", "")

    def end(self, name: str, element: Element) -> Iterator[RateItem]:
        """A day of the series."""
        if name == "Obs":
            series = fed_series(self.name, self.currency)
            on, said = day(element.get("TIME_PERIOD", "")), element.get("OBS_VALUE", "")
            if series is not None and element.get("OBS_STATUS", "A") != "ND" and said != "-9999":
                line = line_of(element)
                if on is None:
                    yield Reject(where=self.name, line=line, why="the day of the rate is no date")
                else:
                    period = Period(on, frequency=series.frequency, observed=series.observed)
                    one = Observation(series.currency, said, self.name, line, quoted=series.quoted)
                    self.told.add(period, one)
            release(element)

    def finish(self) -> Iterator[RateItem]:
        """A table a day."""
        yield from self.told.tables()


WALKS: dict[str, Callable[[], _Walk]] = {
    "Envelope": lambda: _Cubes("ECB", "time"),
    "DataSet": lambda: _Cubes("BNR", "date"),
    "exchangeRateMonthList": _Month,
    "wechselkurse": _Customs,
    "xmldaily": _Customs,
    "monatsmittelkurse": _Customs,
    "mittelkurse": _Customs,
    "rss": _Feed,
    "RDF": _Feed,
    "MessageGroup": _Series,
}
"""By the root's name."""
