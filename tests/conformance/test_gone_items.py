"""An invoice that was deleted after its money came: the outcome says so, in words that a clerk can use."""

from __future__ import annotations

import pytest

from nostro.model.failures import FailureKind
from nostro.model.intents import Intent, Reconcile
from nostro.model.outcomes import OutcomeKind
from tests.conformance.houses import OdooHouse, outcome_of


@pytest.mark.parametrize("version", [18, 19])
@pytest.mark.parametrize("what", ["a match", "a payment"])
def test_what_is_to_pay_a_deleted_invoice_fails_and_the_sentence_says_that_it_is_gone(version: int, what: str) -> None:
    house = OdooHouse(version)
    invoice = house.invoice()
    line = int(house.do(house.line("100.10"))[0]["statement_line"])
    house.act("delete_invoice", invoice=invoice)
    match: Intent = Reconcile(entity="DE", move_id=invoice, statement_line=line)
    outcome = outcome_of(house, match if what == "a match" else house.payment(invoice))
    assert (outcome.kind, outcome.failure) == (OutcomeKind.FAILED, FailureKind.NOT_FOUND)
    assert outcome.sentence == f"Odoo has no account.move {invoice} any more that the user may see."
    assert not house.rows("partials")
