"""An invoice whose instalments stand on two receivable accounts: the wizard would not register what we mean."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nostro.model.failures import FailureKind
from nostro.model.outcomes import OutcomeKind
from tests.conformance.houses import OdooHouse, outcome_of
from tests.conformance.test_drafts import ENTRY, ours


@pytest.fixture(params=[18, 19], ids=["odoo 18", "odoo 19"])
def house(request: pytest.FixtureRequest) -> OdooHouse:
    return OdooHouse(request.param)


def on_two_accounts(house: OdooHouse) -> int:
    """Of 100.00, 30.00 stand on an account of their own: a person has put them there before it was posted."""
    told = {"company": "DE", "partner": house.partner, "amount": "100.00", "post": False}
    invoice = int(house.act("invoice", **told)["id"])
    (term,) = house.rows("lines", move_id=invoice, account_type="asset_receivable")
    account = {"code": "1415", "name": "Instalments", "account_type": "asset_receivable", "reconcile": True}
    made = house.person("account.account", "create", vals_list=[{**account, "company_ids": [house.chart["company"]]}])
    assert isinstance(made, list)
    open_amounts = ("balance", "amount_currency", "amount_residual", "amount_residual_currency")
    rest = {"account_id": made[0], "balance": Decimal(30), "partner_id": house.partner, "display_type": "payment_term"}
    lines = [[1, term["id"], dict.fromkeys(open_amounts, Decimal(70))], [0, 0, rest]]
    house.person(ENTRY, "write", invoice, vals={"line_ids": lines})
    house.person(ENTRY, "action_post", invoice)
    return invoice


def test_the_wizard_makes_two_payments_over_all_of_it_and_takes_neither_amount_nor_memo(house: OdooHouse) -> None:
    invoice = on_two_accounts(house)
    told = {"journal_id": house.journals["PSP"], "amount": 50, "communication": "ours"}
    context = {"active_model": ENTRY, "active_ids": [invoice]}
    calls = {"key": "key-admin", "model": "account.payment.register", "context": context}
    made = house.act("call", **calls, method="create", ids=(), arguments={"vals_list": [told]})["result"]
    house.act("call", **calls, method="action_create_payments", ids=made, arguments={})
    assert sorted(Decimal(row["amount"]) for row in house.rows("payments")) == [30, 70]
    assert {row["memo"] for row in house.rows("payments")} == {house.row("moves", invoice)["name"]}


def test_a_payment_of_a_part_is_not_registered_as_one_of_all(house: OdooHouse) -> None:
    wanted = house.payment(on_two_accounts(house), "50.00")
    outcome = outcome_of(house, wanted)
    assert (outcome.kind, outcome.failure) == (OutcomeKind.FAILED, FailureKind.CONFLICT)
    assert "several accounts" in outcome.sentence
    assert (house.rows("payments"), ours(house, wanted)) == ([], [])
