"""A locked period is no error to Odoo: it moves the date. Whatever we book, the outcome tells the day that it took."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nostro.model.intents import EntryLine, Intent
from tests.conformance.houses import DAY, OdooHouse, eur, outcome_of

INTENTS: dict[str, Callable[[OdooHouse], Intent]] = {
    "a payment": lambda house: house.payment(house.invoice()),
    "a statement line": lambda house: house.line("100.10", counterpart="suspense"),
    "an entry": lambda house: house.entry(
        EntryLine(account=house.fees, balance=eur("2.00"), label="fee"),
        EntryLine(account=house.clearing, balance=eur("-2.00"), label="fee"),
    ),
}


@pytest.mark.parametrize("version", [18, 19])
@pytest.mark.parametrize("what", INTENTS)
def test_what_odoo_moves_out_of_a_locked_period_is_told_with_the_day_that_it_took(version: int, what: str) -> None:
    house = OdooHouse(version)
    assert "date" not in outcome_of(house, INTENTS[what](house)).notes
    house = OdooHouse(version)
    intent = INTENTS[what](house)
    house.act("lock", company="DE", date=DAY.isoformat())
    outcome = outcome_of(house, intent)
    assert outcome.there
    assert outcome.notes["date"] > DAY.isoformat()
