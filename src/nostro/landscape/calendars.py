"""Bank calendars and clock changes, worked out when a landscape is published, so that decisions only read lists.

Each calendar follows its operator's stated rule, fed by the `holidays` library; golden tests compare them with what the
operators publish. Clock changes come from the `tzdata` package, never from the machine, so that two machines agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from importlib import metadata, resources
from zoneinfo import ZoneInfo

from holidays import country_holidays, financial_holidays

from nostro.governance.calendars import ONE_DAY, BankCalendar, Turn, Zone

YEARS_BACK = 20
"""Old statements are read too, when a house is loaded for the first time."""
YEARS_AHEAD = 2
_SUNDAY = 6


def _target(years: range) -> Iterable[date]:
    """1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December. Source: ECB, "TARGET closing days"."""
    return financial_holidays("XECB", years=years)


def _sic(years: range) -> Iterable[date]:
    """The bank holidays of Zurich and 2 January. Source: SNB and SIX, "Bank holidays in Switzerland" (SIC)."""
    return {*country_holidays("CH", subdiv="ZH", years=years), *(date(year, 1, 2) for year in years)}


def _england(years: range) -> Iterable[date]:
    """The bank holidays of England and Wales. Source: Bank of England, "CHAPS operating days"; Bacs follows them."""
    return country_holidays("GB", subdiv="ENG", years=years)


def _federal_reserve(years: range) -> Iterable[date]:
    """Federal holidays; of those on a Sunday the Monday, of those on a Saturday nothing.

    Source: Federal Reserve Banks, "Holiday schedule": open the preceding Friday. Fedwire and ACH follow it.
    """
    named = country_holidays("US", years=years, observed=False)
    return {day + ONE_DAY if day.weekday() == _SUNDAY else day for day in named}


def _japan(years: range) -> Iterable[date]:
    """National holidays and 31 December to 3 January. Source: Banking Act of Japan, enforcement order, article 5."""
    return country_holidays("JP", years=years, categories=("public", "bank"))


def _never(_: range) -> Iterable[date]:
    return ()


_WEEKEND = (5, 6)
RULES: Mapping[str, tuple[Callable[[range], Iterable[date]], tuple[int, ...]]] = {
    "TARGET": (_target, _WEEKEND),
    "SIC": (_sic, _WEEKEND),
    "CHAPS": (_england, _WEEKEND),
    "Bacs": (_england, _WEEKEND),
    "Fedwire": (_federal_reserve, _WEEKEND),
    "ACH": (_federal_reserve, _WEEKEND),
    "Zengin": (_japan, _WEEKEND),
    "instant": (_never, ()),
}
"""Calendar -> the rule of its closing days, and the weekdays on which it is closed."""


def calendar(name: str, published_on: date) -> BankCalendar:
    """A calendar from 1 January 20 years before to 31 December 2 years after. Raises `KeyError` for an unknown one."""
    rule, weekend = RULES[name]
    first, last = span(published_on)
    days = rule(range(first.year - 1, last.year + 2))
    closed = frozenset(day for day in days if first <= day <= last and day.weekday() not in weekend)
    return BankCalendar(id=name, first=first, last=last, weekend=weekend, closed=closed)


def zone(name: str, published_on: date) -> Zone:
    """A zone's clock changes over the same span. Raises `KeyError` for a zone that `tzdata` doesn't know."""
    rules = _zone_rules(name)
    first, last = span(published_on)
    at, end = _midnight(first - ONE_DAY), _midnight(last + 2 * ONE_DAY)
    ahead = beginning = _ahead(rules, at)
    turns = []
    while at < end:
        following = at + ONE_DAY
        if _ahead(rules, following) != ahead:
            ahead = _ahead(rules, following)
            turns.append(Turn(at=_turning(rules, at, following), ahead_seconds=ahead))
        at = following
    return Zone(id=name, first=first, last=last, ahead_seconds=beginning, turns=tuple(turns))


def zone_is_known(name: str) -> bool:
    """Whether `tzdata` knows the zone."""
    try:
        return bool(_zone_rules(name))
    except KeyError:
        return False


def span(published_on: date) -> tuple[date, date]:
    """Whole years, so that publishing the same folder twice in a year gives the same bundle."""
    return date(published_on.year - YEARS_BACK, 1, 1), date(published_on.year + YEARS_AHEAD, 12, 31)


def versions() -> dict[str, str]:
    """The libraries on which a bundle depends."""
    named = {"nostro": "nostro", "holidays": "holidays", "tzdata": "tzdata", "zen": "zen-engine"}
    return {name: metadata.version(package) for name, package in named.items()}


def _zone_rules(name: str) -> ZoneInfo:
    path = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    if ".." in name or not path.is_file():
        raise KeyError(name)
    with path.open("rb") as opened:
        return ZoneInfo.from_file(opened, key=name)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _ahead(rules: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(rules).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _turning(rules: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second in which the clocks turn, between two instants of which the second is already after it."""
    before = _ahead(rules, low)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        low, high = (middle, high) if _ahead(rules, middle) == before else (low, middle)
    return high
