"""What waits, and who is turned away first."""

from __future__ import annotations

from typing import cast

import pytest

from nostro.ingress.limits import CRITICAL, STANDARD, Limit, Limits, Way
from nostro.model.failures import BacklogFull
from nostro.runtime.telemetry import Metrics
from nostro.store.database import Database

LIMIT = Limit(arrivals=(10, 100, 1000), readings=100, commands=50, commands_in_all=90, parked=200, disk_free_bytes=1000)
COMPANIES = {
    "odoo": frozenset({"DE", "US"}),
    "stripe-de": frozenset({"DE"}),
    "bank-de": frozenset({"DE"}),
    "bank-us": frozenset({"US"}),
    "unused": frozenset[str](),
}


def measured(
    arrivals: tuple[int, int, int] = (0, 0, 0), readings: int = 0, disk_free_bytes: int | None = None
) -> Limits:
    """Limits as they are after a measure."""
    limits = Limits(cast("Database", None), LIMIT, companies=COMPANIES)  # the database is asked by `step` alone
    limits.arrivals, limits.readings, limits.disk_free_bytes = list(arrivals), readings, disk_free_bytes
    return limits


def turned_away(limits: Limits) -> list[str]:
    """The ways in that are closed."""
    return [way.name for way in Way if limits.why_not(way)]


@pytest.mark.parametrize(
    "limits, closed",
    [
        (measured(), []),
        (measured(readings=79), []),
        (measured(readings=80), ["PULLED"]),
        (measured(readings=100), ["PULLED", "PUSHED"]),
        (measured((0, 80, 0)), ["PULLED"]),
        (measured((0, 100, 0)), ["PULLED", "PUSHED"]),
        (measured((10, 0, 0)), ["PULLED", "PUSHED", "ACT"]),
        (measured((0, 0, 5000)), []),
        (measured(disk_free_bytes=1250), []),
        (measured(disk_free_bytes=1249), ["PULLED"]),
        (measured(disk_free_bytes=999), ["PULLED", "PUSHED", "ACT"]),
    ],
)
def test_what_waits_outside_without_harm_pauses_first_and_a_person_is_turned_away_last(
    limits: Limits, closed: list[str]
) -> None:
    assert turned_away(limits) == closed


def test_a_saturated_bulk_lane_stops_what_brings_bulk_and_nothing_else() -> None:
    limits = measured((0, 0, 1000))
    assert [limits.lane_full(lane) for lane in range(3)] == [False, False, True]


def test_a_refusal_says_that_nothing_was_kept_and_names_its_runbook() -> None:
    with pytest.raises(BacklogFull, match=r"unread\. Nothing was kept") as refused:
        measured(readings=100).demand(Way.PUSHED)
    assert refused.value.runbook == "backlog-full"


def test_what_is_critical_has_room_of_its_own_among_the_unread_and_is_full_by_itself() -> None:
    limits = measured((0, 100, 0), readings=100)
    assert limits.why_not(Way.PUSHED)
    assert not limits.why_not(Way.PUSHED, CRITICAL)
    for _ in range(100):
        limits.took(CRITICAL)
    assert limits.why_not(Way.PUSHED, CRITICAL) == "Too many receipts are unread."


def paused(limits: Limits, way: Way = Way.PULLED, lane: int = STANDARD) -> list[str]:
    """The connections from which nothing comes in that way."""
    return [source for source in COMPANIES if limits.why_not(way, lane, source)]


def test_commands_that_wait_for_a_partner_hold_back_whoever_serves_its_companies_alone() -> None:
    limits = measured()
    limits.commands = {"odoo": (0, 0), "stripe-de": (39, 0)}
    assert paused(limits) == []
    limits.commands = {"odoo": (0, 0), "stripe-de": (40, 0)}
    assert (turned_away(limits), paused(limits)) == ([], ["stripe-de", "bank-de"])
    assert paused(limits, Way.PUSHED) == []
    limits.commands = {"odoo": (0, 0), "stripe-de": (50, 49)}
    assert (turned_away(limits), paused(limits, Way.PUSHED)) == ([], ["stripe-de", "bank-de"])
    assert limits.why_not(Way.PUSHED, STANDARD, "bank-de") == "Too many commands wait for stripe-de."
    assert limits.held_back() == dict.fromkeys(["bank-de", "stripe-de"], "Too many commands wait for stripe-de.")
    assert paused(limits, Way.PUSHED, CRITICAL) == paused(limits, Way.ACT) == []
    limits.commands = {"stripe-de": (50, 50)}
    assert paused(limits, Way.PUSHED, CRITICAL) == ["stripe-de", "bank-de"]
    limits.commands = {"odoo": (50, 0)}
    assert paused(limits, Way.PUSHED) == ["odoo", "stripe-de", "bank-de", "bank-us"]


def test_more_open_commands_than_the_house_bears_close_it_to_everybody_but_persons() -> None:
    limits = measured()
    limits.commands_in_all = (72, 0)
    assert turned_away(limits) == ["PULLED"]
    limits.commands_in_all = (90, 89)
    assert turned_away(limits) == ["PULLED", "PUSHED"]
    assert limits.why_not(Way.PUSHED) == "Too many commands have not ended."
    assert not limits.why_not(Way.PUSHED, CRITICAL)
    limits.commands_in_all = (90, 90)
    assert limits.why_not(Way.PUSHED, CRITICAL)


def test_what_is_parked_has_a_limit() -> None:
    limits = measured()
    limits.parked = 160
    assert turned_away(limits) == ["PULLED"]
    limits.parked = 200
    assert turned_away(limits) == ["PULLED", "PUSHED"]
    assert not limits.why_not(Way.PUSHED, CRITICAL)


def test_what_was_taken_since_the_last_measure_counts() -> None:
    limits = measured(readings=99)
    limits.took(STANDARD)
    assert limits.why_not(Way.PUSHED) == "Too many receipts are unread."


def test_a_queue_that_has_emptied_counts_nothing() -> None:
    """A metric that is not set again goes on saying what it said last: the alarm on it never ended."""
    metrics = Metrics()
    limits = measured()
    limits.put = metrics.put
    for waiting, told in (([("odoo", False, 49, 1)], 49.0), ([], 0.0), ([("psp", False, 1, 0)], 0.0)):
        limits._add_up(waiting)
        limits._tell()
        assert metrics.registry.get_sample_value("nostro_backlog", {"queue": "commands_odoo"}) == told
    assert limits.commands_in_all == (1, 0)
