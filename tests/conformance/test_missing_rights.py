"""A missing right at Odoo: what was refused is proven not done; of what stands already a person is told."""

from __future__ import annotations

import pytest

from nostro.connectors import odoo
from nostro.model.failures import FailureKind
from nostro.model.intents import Intent, ReopenInvoice
from nostro.model.outcomes import Outcome, OutcomeKind
from nostro.sandbox.odoo.settings import OdooUser
from tests.conformance.driver import Dispatch
from tests.conformance.houses import DAY, OdooHouse, eur, ordered, outcome_of

VERSIONS = pytest.mark.parametrize("version", [18, 19])
ACCOUNTANT = OdooUser("nostro", "key-nostro")
BILLER = OdooUser("biller", "key-biller", accountant=False, biller=True)


def sent(house: OdooHouse, *intents: Intent) -> list[Outcome]:
    operation = odoo.CONNECTOR.manifest.operations[intents[0].operation]
    return list(Dispatch(house.outside, operation, ordered(*intents)).drive())


def _become(house: OdooHouse, user: OdooUser) -> None:
    outside = house.outside
    if outside.config.login != user.login:
        outside.config = outside.config.model_copy(update={"login": user.login})
        outside.secrets = {"api_key": user.key}
        outside.open_session()


@VERSIONS
@pytest.mark.parametrize("lines", [1, 3])
def test_statement_lines_that_the_user_may_not_book_have_failed_and_are_not_there(version: int, lines: int) -> None:
    house = OdooHouse(version, ACCOUNTANT, BILLER)
    intents = [house.line(f"{place}.00", counterpart="suspense") for place in range(1, lines + 1)]
    _become(house, BILLER)
    outcomes = sent(house, *intents)
    assert {(one.kind, one.failure) for one in outcomes} == {(OutcomeKind.FAILED, FailureKind.UNAUTHORISED)}
    assert house.rows("statement_lines") == []


def _unmatched(house: OdooHouse, intent: Intent) -> Outcome:
    """Carried out by a user who loses the right to match and to unmatch, and has all others."""
    return outcome_of(
        house, intent, lambda message: _become(house, BILLER if message.target.endswith("reconcile") else ACCOUNTANT)
    )


@VERSIONS
def test_a_statement_line_that_stands_and_may_not_be_matched_is_a_persons_business(version: int) -> None:
    house = OdooHouse(version, ACCOUNTANT, BILLER)
    outcome = _unmatched(house, house.line("100.10", counterpart="receivable", move_id=house.invoice()))
    (line,) = house.rows("statement_lines")
    assert (outcome.kind, outcome.failure) == (OutcomeKind.HANDED_OVER, FailureKind.UNAUTHORISED)
    assert f"statement_line {line['id']}" in outcome.sentence


@VERSIONS
def test_an_entry_that_stands_and_does_not_open_the_invoice_is_a_persons_business(version: int) -> None:
    house = OdooHouse(version, ACCOUNTANT, BILLER)
    invoice = house.invoice()
    payment = int(house.do(house.payment(invoice))[0]["payment"])
    told = {"entity": "DE", "move_id": invoice, "payment": payment, "amount": eur("100.10"), "booked_on": DAY}
    told |= {"journal": house.journals["MISC"], "account": house.clearing, "label": "chargeback"}
    outcome = _unmatched(house, ReopenInvoice.model_validate(told))
    (entry,) = (
        row for row in house.rows("moves", move_type="entry", state="posted") if str(row["ref"]).startswith("NOS")
    )
    assert (outcome.kind, outcome.failure) == (OutcomeKind.HANDED_OVER, FailureKind.UNAUTHORISED)
    assert f"Entry {entry['id']} (/odoo/account.move/{entry['id']}) is there" in outcome.sentence
