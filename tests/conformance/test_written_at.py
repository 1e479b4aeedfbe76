"""An outcome tells when Odoo wrote a match by its own order, and where: what the invoice says is older or younger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nostro.model.intents import Reconcile
from tests.conformance.houses import OdooHouse, outcome_of


def told(house: OdooHouse, invoice: int) -> str:
    row = next(row for row in house.rows("moves", id=invoice))
    return str(row["write_date"])[:19].replace("T", " ")


@pytest.mark.parametrize("version", [18, 19])
def test_a_registration_was_written_when_the_invoice_was(version: int) -> None:
    house = OdooHouse(version)
    invoice = house.invoice()
    house.outside.advance(house.outside.now + timedelta(minutes=5))
    outcome = outcome_of(house, house.payment(invoice))
    assert outcome.notes["written_at"] == told(house, invoice)


@pytest.mark.parametrize("version", [18, 19])
def test_a_match_was_written_when_the_invoice_was_even_if_it_is_found_later(version: int) -> None:
    house = OdooHouse(version)
    invoice = house.invoice()
    line = outcome_of(house, house.line("100.10", counterpart="suspense")).ids["statement_line"]
    house.outside.advance(house.outside.now + timedelta(minutes=5))
    intent = Reconcile(entity="DE", move_id=invoice, statement_line=int(line))
    outcome = outcome_of(house, intent)
    assert outcome.notes["written_at"] == told(house, invoice)
    house.outside.advance(house.outside.now + timedelta(minutes=5))
    assert outcome_of(house, intent).notes["written_at"] == outcome.notes["written_at"]


@pytest.mark.parametrize("version", [18, 19])
def test_a_payment_that_is_found_on_another_journal_is_told_with_it(version: int) -> None:
    house = OdooHouse(version)
    intent = house.payment(house.invoice())
    assert "journal" not in outcome_of(house, intent).notes
    found = outcome_of(house, intent.model_copy(update={"journal": house.journals["BNK1"]}))
    assert (found.kind.value, found.notes["journal"]) == ("adopted", str(intent.journal))
