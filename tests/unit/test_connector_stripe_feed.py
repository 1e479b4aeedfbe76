"""How the polls of Stripe walk, where the sandbox's days don't reach."""

from datetime import UTC, datetime
from operator import itemgetter
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nostro.connectors.stripe.config import StripeConfig
from nostro.connectors.stripe.feed import FEEDS

NOW = datetime(2026, 8, 31, 12, 0, tzinfo=UTC)
NOON, DAY = int(NOW.timestamp()), 86_400
CONFIG = StripeConfig(first_load_days=30)
Thing = dict[str, Any]


class Stripe:
    """Payouts and their lines, newest first, ten to a page."""

    def __init__(self, payouts: list[Thing]) -> None:
        self.payouts = payouts
        self.asked: list[str] = []

    def poll(self, cursor: str, pages: int = 99) -> str:
        feed, more = FEEDS["payouts"], True
        while more and pages:
            message = feed.fetch(cursor, CONFIG, NOW)
            self.asked.append(message.target)
            page = feed.page(cursor, self._answer(message.target, dict(message.body)), CONFIG)
            cursor, more, pages = page.cursor, page.more, pages - 1
        return cursor

    def _answer(self, target: str, wish: Thing) -> Thing:
        payout = parse_qs(urlsplit(target).query).get("payout", [""])[0]
        if payout:
            things = [{"id": f"txn_{payout}_{n}", "created": NOON} for n in range(13)]
        else:
            found = [thing for thing in self.payouts if thing["created"] >= wish["created[gte]"]]
            found.sort(key=itemgetter("created"), reverse=True)
            things = found
        ids = [thing["id"] for thing in things]
        start = ids.index(wish["starting_after"]) + 1 if "starting_after" in wish else 0
        return {"object": "list", "data": things[start : start + 10], "has_more": len(things) > start + 10}

    def walked(self) -> list[str]:
        """Payouts whose lines were asked for, once for each page."""
        queries = [parse_qs(urlsplit(target).query) for target in self.asked]
        return [query["payout"][0] for query in queries if query]


def payout(name: str, days_ago: int, status: str = "completed", *, automatic: bool = True) -> Thing:
    return {"id": name, "created": NOON - days_ago * DAY, "automatic": automatic, "reconciliation_status": status}


def test_the_lines_of_each_reconciled_payout_are_walked_once_page_by_page() -> None:
    stripe = Stripe([payout(f"po_{n}", n) for n in range(25)])
    cursor = stripe.poll("")
    assert sorted(set(stripe.walked())) == sorted(thing["id"] for thing in stripe.payouts)
    assert all(stripe.walked().count(thing["id"]) == 2 for thing in stripe.payouts)
    stripe.asked.clear()
    stripe.poll(cursor)
    assert stripe.walked() == []


def test_a_manual_payout_has_no_lines_to_walk() -> None:
    stripe = Stripe([payout("po_manual", 1, "not_applicable", automatic=False)])
    stripe.poll("")
    assert stripe.walked() == []


def test_a_payout_that_is_put_together_weeks_later_is_met_again() -> None:
    late = payout("po_late", 20, "in_progress")
    stripe = Stripe([late, *(payout(f"po_{n}", n) for n in range(3))])
    cursor = stripe.poll("")
    assert "po_late" not in stripe.walked()
    late["reconciliation_status"] = "completed"
    stripe.poll(stripe.poll(cursor))
    assert stripe.walked().count("po_late") == 2


def test_a_crash_between_two_pages_goes_on_where_the_kept_cursor_stands() -> None:
    stripe = Stripe([payout(f"po_{n}", n) for n in range(12)])
    cursor = ""
    for _ in range(60):
        stripe.poll(cursor, pages=1)  # its cursor is lost
        cursor = stripe.poll(cursor, pages=1)
    assert set(stripe.walked()) == {thing["id"] for thing in stripe.payouts}


def test_the_first_load_reaches_back_as_far_as_the_landscape_says() -> None:
    message = FEEDS["charges"].fetch("", CONFIG, NOW)
    assert message.body["created[gte]"] == NOON - 30 * DAY


def test_an_empty_account_stays_at_the_beginning() -> None:
    for feed in FEEDS.values():
        page = feed.page("", {"object": "list", "data": [], "has_more": False}, CONFIG)
        assert (page.more, page.empty) == (False, True)
