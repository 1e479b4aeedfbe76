"""`nostro check --connect`: what is said of a connection that is right, and of each thing that is wrong with one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.stripe.config import StripeConfig
from nostro.model.entities import HouseBankAccount, LegalEntity, ProviderAccount
from nostro.sandbox.odoo.settings import OdooUser
from tests.conformance.driver import Outside
from tests.conformance.houses import OdooHouse, StripeHouse


def _entity(house: OdooHouse) -> LegalEntity:
    chart, account = house.chart, {"connection": "psp", "currency": "EUR"}
    provider = ProviderAccount(
        **account,
        journal=chart["journals"]["PSP"],
        clearing_account=house.clearing,
        fee_account=house.fees,
        fx_account=house.fees,
        reserve_account=house.fees,
        dispute_account=house.fees,
        fee_journal=chart["journals"]["MISC"],
    )
    bank = HouseBankAccount(
        id="main", identification="DE00", currency="EUR", connection="bank", odoo_journal=chart["journals"]["BNK1"]
    )
    told = {"id": "DE", "country": "DE", "currency": "EUR", "zone": "Europe/Berlin", "calendar": "TARGET"}
    told |= {"odoo_connection": "odoo", "odoo_company": chart["company"]}
    return LegalEntity.model_validate({**told, "bank_accounts": (bank,), "provider_accounts": (provider,)})


def _said(outside: Outside, *entities: LegalEntity) -> Sequence[str]:
    assert outside.connector.check is not None
    said = outside.ask(outside.connector.check(outside.config, entities))
    return [sentence for sentence in said if not sentence.startswith("note:")]


@pytest.mark.parametrize("version", [18, 19])
def test_an_odoo_as_the_landscape_says_has_no_flaw(version: int) -> None:
    house = OdooHouse(version)
    assert _said(house.outside, _entity(house)) == []


@pytest.mark.parametrize("version", [18, 19])
def test_each_flaw_of_an_entity_is_named(version: int) -> None:
    house = OdooHouse(version)
    right, other = _entity(house), house.stand.landscape()["US"]
    provider, bank = right.provider_accounts[0], right.bank_accounts[0]
    flawed = [
        right.model_copy(update={"odoo_company": 999}),
        right.model_copy(update={"currency": "CHF"}),
        right.model_copy(update={"bank_accounts": (bank.model_copy(update={"currency": "USD"}),)}),
        right.model_copy(
            update={"bank_accounts": (bank.model_copy(update={"odoo_journal": other["journals"]["BNK1"]}),)}
        ),
        right.model_copy(update={"bank_accounts": (bank.model_copy(update={"odoo_journal": provider.fee_journal}),)}),
        right.model_copy(update={"provider_accounts": (provider.model_copy(update={"clearing_account": house.fees}),)}),
        right.model_copy(update={"provider_accounts": (provider.model_copy(update={"journal": bank.odoo_journal}),)}),
    ]
    for entity in flawed:
        said = _said(house.outside, entity)
        assert said, entity
        assert all(sentence.startswith("DE: ") for sentence in said)


def test_an_odoo_that_is_another_database_or_does_not_speak_the_protocol_is_told() -> None:
    house = OdooHouse(19)
    house.outside.secrets = {"api_key": "key-admin"}
    pin = house.stand.settings.uuid
    right = OdooConfig(database="odoo", login="admin", database_uuid=pin)
    house.outside.config = right
    assert _said(house.outside) == []
    house.outside.config = right.model_copy(update={"database_uuid": "another"})
    assert "uuid" in _said(house.outside)[0]
    old = OdooHouse(18)
    old.outside.config = right
    assert len(_said(old.outside)) == 1
    house.act("parameter", key="database.is_neutralized", value="true")
    house.outside.config = right
    assert "neutralised" in _said(house.outside)[0]


@pytest.mark.parametrize("version", [18, 19])
def test_a_refused_key_a_missing_database_and_a_company_beyond_the_user_are_each_one_sentence(version: int) -> None:
    house = OdooHouse(version)
    right, elsewhere = house.outside.config, _entity(house).model_copy(update={"odoo_company": 999})
    (said,) = _said(house.outside, elsewhere)
    assert said == "DE: the user may not work in company 999."
    house.outside.secrets = {"api_key": "wrong"}
    (said,) = _said(house.outside, _entity(house))
    assert "key" in said
    house.outside.config = right.model_copy(update={"database": "another"})
    (said,) = _said(house.outside, _entity(house))
    assert "another" in said


@pytest.mark.parametrize("version", [18, 19])
def test_a_user_who_may_bill_but_book_no_bank_line_is_told(version: int) -> None:
    house = OdooHouse(version, OdooUser("nostro", "key-nostro", accountant=False, biller=True))
    (said,) = _said(house.outside, _entity(house))
    assert said == "DE: the user may not create account.bank.statement.line (accounting rights are missing)."


def test_a_wrong_key_is_told() -> None:
    psp = StripeHouse()
    psp.outside.secrets = {"api_key": "wrong"}
    assert "401" in _said(psp.outside)[0]


def test_test_keys_on_a_live_connection_are_told() -> None:
    psp = StripeHouse()
    assert _said(psp.outside) == []
    psp.outside.config = StripeConfig(livemode=True)
    assert "test" in _said(psp.outside)[0]


@pytest.mark.parametrize("version", [18, 19])
def test_the_payment_method_that_stands_first_is_the_one_that_is_looked_at(version: int) -> None:
    """The wizard takes the first by sequence: a newer one may have been moved up."""
    house = OdooHouse(version)
    elsewhere = house.chart["accounts"]["outstanding_receipts"]
    told = {"payment_type": "inbound", "journal_id": house.journals["PSP"], "payment_account_id": elsewhere}
    model = "account.payment.method.line"
    domain = [[name, "=", told[name]] for name in ("payment_type", "journal_id")]
    old = house.person(model, "search", domain=domain)
    made = house.person(model, "create", vals_list=[{"name": "Online", "code": "manual", "sequence": 1, **told}])
    assert isinstance(old, list)
    assert isinstance(made, list)
    ways = {"inbound_payment_method_line_ids": [*old, *made]}
    house.person("account.journal", "write", house.journals["PSP"], vals=ways)
    (said,) = _said(house.outside, _entity(house))
    assert f"post to account {elsewhere}" in said
    (payment,) = house.do(house.payment(house.invoice()))
    assert house.rows("lines", move_id=int(payment["move"]), account_id=elsewhere)
