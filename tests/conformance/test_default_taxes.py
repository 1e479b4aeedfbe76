"""Accounts of a chart may have a default tax (SKR03's 3123): we book what we say, and no more."""

from __future__ import annotations

import pytest

from nostro.model.intents import BookJournalEntry
from tests.conformance.houses import OdooHouse
from tests.conformance.test_drafts import again, balances, fee, ours, refused


@pytest.fixture(params=[18, 19], ids=["odoo 18", "odoo 19"])
def house(request: pytest.FixtureRequest) -> OdooHouse:
    made = OdooHouse(request.param)
    made.act("default_tax", account=made.fees, percent="19")
    return made


def other_fee(house: OdooHouse) -> BookJournalEntry:
    return fee(house, "4.50", house.chart["accounts"]["bank_charges"])


def test_odoo_18_adds_the_tax_and_evens_it_out_on_suspense_where_nobody_forbids_it(house: OdooHouse) -> None:
    lines = [[0, 0, {"account_id": account, "balance": balance}] for account, balance in pair(house)]
    told = {"move_type": "entry", "journal_id": house.journals["MISC"], "line_ids": lines}
    made = house.person("account.move", "create", vals_list=[told])
    assert isinstance(made, list)
    move: int = made[0]
    before = ["-10.00", "10.00"]
    assert balances(house, move) == (
        before if house.stand.settings.version >= 19 else sorted([*before, "1.90", "-1.90"])
    )
    assert bool(house.rows("lines", move_id=move, account_id=house.chart["accounts"]["suspense"])) is (
        house.stand.settings.version < 19
    )


def pair(house: OdooHouse) -> list[tuple[int, float]]:
    return [(house.fees, 10.0), (house.clearing, -10.0)]


def test_an_entry_has_the_lines_that_we_say(house: OdooHouse) -> None:
    (booked,) = house.do(fee(house))
    assert balances(house, int(booked["move"])) == ["-3.20", "3.20"]


def test_a_draft_that_is_set_right_has_the_lines_that_we_say(house: OdooHouse) -> None:
    refused(house, other_fee(house))
    assert again(house, fee(house)).there
    (move,) = ours(house, fee(house))
    assert balances(house, move["id"]) == ["-3.20", "3.20"]


def test_a_statement_line_on_an_account_has_the_lines_that_we_say(house: OdooHouse) -> None:
    house.act("default_tax", account=house.clearing, percent="19")
    (booked,) = house.do(house.line("100.10", counterpart="account", counterpart_account=house.clearing))
    assert balances(house, int(booked["move"])) == ["-100.10", "100.10"]
