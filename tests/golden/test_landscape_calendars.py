"""Calendars against what the operators of the payment systems publish. Weekends are left out of the lists."""

from __future__ import annotations

from datetime import date

import pytest

from nostro.landscape.calendars import calendar

PUBLISHED = date(2026, 8, 31)
CLOSED: dict[tuple[str, int], str] = {
    # ECB, "Long-term calendar for TARGET closing days": 1 Jan, Good Friday, Easter Monday, 1 May, 25 and 26 Dec.
    ("TARGET", 2025): "01-01 04-18 04-21 05-01 12-25 12-26",
    ("TARGET", 2026): "01-01 04-03 04-06 05-01 12-25",  # the 26th is a Saturday
    ("TARGET", 2027): "01-01 03-26 03-29",
    # Federal Reserve Banks, "Holiday schedule" 2025 to 2027: open on the Friday before a Saturday (3 July 2026),
    # closed on the Monday after a Sunday (5 July 2027).
    ("Fedwire", 2025): "01-01 01-20 02-17 05-26 06-19 07-04 09-01 10-13 11-11 11-27 12-25",
    ("Fedwire", 2026): "01-01 01-19 02-16 05-25 06-19 09-07 10-12 11-11 11-26 12-25",
    ("Fedwire", 2027): "01-01 01-18 02-15 05-31 07-05 09-06 10-11 11-11 11-25",
    # SNB and SIX, bank holidays in Switzerland: 1 and 2 Jan, Good Friday, Easter Monday, 1 May, Ascension, Whit Monday,
    # 1 Aug, 25 and 26 Dec.
    ("SIC", 2025): "01-01 01-02 04-18 04-21 05-01 05-29 06-09 08-01 12-25 12-26",
    ("SIC", 2026): "01-01 01-02 04-03 04-06 05-01 05-14 05-25 12-25",
    # Bank of England: the bank holidays of England and Wales; in 2022 also 2 and 3 June and 19 September.
    ("CHAPS", 2022): "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27",
    ("CHAPS", 2026): "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    # Banks in Japan (a large bank's calendar of 2024): national holidays, their substitutes, 31 Dec to 3 Jan.
    ("Zengin", 2024): "01-01 01-02 01-03 01-08 02-12 02-23 03-20 04-29 05-03 05-06 07-15 08-12 09-16 09-23 10-14 11-04"
    " 12-31",
    ("instant", 2026): "",
}


@pytest.mark.parametrize("name, year", CLOSED)
def test_closing_days_are_those_that_the_operator_publishes(name: str, year: int) -> None:
    found = sorted(day.strftime("%m-%d") for day in calendar(name, PUBLISHED).closed if day.year == year)
    assert found == CLOSED[name, year].split()


@pytest.mark.parametrize("one, other", [("ACH", "Fedwire"), ("Bacs", "CHAPS")])
def test_systems_of_one_operator_close_on_the_same_days(one: str, other: str) -> None:
    assert calendar(one, PUBLISHED).closed == calendar(other, PUBLISHED).closed
