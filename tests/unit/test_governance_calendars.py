from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.landscape.calendars import RULES, calendar, zone, zone_is_known

PUBLISHED = date(2026, 8, 31)
TARGET, INSTANT = calendar("TARGET", PUBLISHED), calendar("instant", PUBLISHED)
days = st.dates(date(2010, 1, 1), date(2027, 12, 31))
ZONES = ("Europe/Berlin", "Europe/Zurich", "America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Lord_Howe")


@pytest.mark.parametrize(
    "day, offset, found",
    [
        ("2026-12-24", 1, "2026-12-28"),  # Christmas, 26 December and a weekend lie between
        ("2026-12-25", 0, "2026-12-28"),
        ("2026-04-02", 1, "2026-04-07"),  # Easter
        ("2026-08-31", 0, "2026-08-31"),
        ("2026-08-29", 0, "2026-08-31"),
        ("2026-08-29", -1, "2026-08-28"),
        ("2026-08-29", 1, "2026-09-01"),
        ("2026-05-04", -1, "2026-04-30"),
    ],
)
def test_business_days_step_over_weekends_and_closing_days(day: str, offset: int, found: str) -> None:
    assert TARGET.business_day(date.fromisoformat(day), offset) == date.fromisoformat(found)


@given(days, st.integers(0, 40), st.integers(0, 40))
def test_offsets_add_up(day: date, one: int, other: int) -> None:
    assert TARGET.business_day(TARGET.business_day(day, one), other) == TARGET.business_day(day, one + other)


@given(days, st.integers(-40, 40))
def test_there_and_back_is_where_one_began(day: date, offset: int) -> None:
    begun = TARGET.business_day(day, 0)
    assert TARGET.business_day(TARGET.business_day(day, offset), -offset) == begun


@given(days, st.integers(-300, 300))
def test_the_instant_calendar_never_closes(day: date, offset: int) -> None:
    assert INSTANT.business_day(day, offset) == day + timedelta(days=offset)


def test_beyond_what_was_materialised_is_an_error_and_no_guess() -> None:
    assert (TARGET.first, TARGET.last) == (date(2006, 1, 1), date(2028, 12, 31))
    with pytest.raises(LookupError, match="publish"):
        TARGET.business_day(date(2028, 12, 29), 1)
    with pytest.raises(LookupError, match="begins"):
        TARGET.business_day(date(2006, 1, 1), -1)
    with pytest.raises(LookupError, match="publish"):
        zone("Europe/Berlin", PUBLISHED).instant(date(2029, 1, 1), time(8))


@pytest.mark.slow
@pytest.mark.parametrize("name", ZONES)
def test_an_instant_is_what_the_time_zone_database_says(name: str) -> None:
    known, told = ZoneInfo(name), zone(name, PUBLISHED)
    moment = datetime(2025, 1, 1, 0, 30)  # noqa: DTZ001 - a wall time has no zone
    while moment.year < 2027:
        expected = moment.replace(tzinfo=known).astimezone(UTC)
        assert told.instant(moment.date(), moment.time()) == expected, moment
        moment += timedelta(minutes=30)


def test_publishing_twice_in_a_year_gives_the_same_calendar() -> None:
    assert calendar("SIC", date(2026, 1, 1)) == calendar("SIC", date(2026, 12, 31))
    assert zone("Europe/Zurich", date(2026, 1, 1)) == zone("Europe/Zurich", date(2026, 12, 31))


def test_every_calendar_can_be_materialised_and_an_unknown_one_is_an_error() -> None:
    assert {name: calendar(name, PUBLISHED).id for name in RULES} == {name: name for name in RULES}
    with pytest.raises(KeyError):
        calendar("LUNAR", PUBLISHED)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../../etc/passwd", "", "Europe", "/etc/passwd"])
def test_a_zone_that_is_none_is_not_known(name: str) -> None:
    assert not zone_is_known(name)
    with pytest.raises(KeyError):
        zone(name, PUBLISHED)
