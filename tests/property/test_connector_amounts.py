"""Amounts cross the wires of Stripe and Odoo and come back as they were."""

import json

from hypothesis import given
from hypothesis import strategies as st

from nostro.connectors.kit.exact import exact_json
from nostro.connectors.kit.manifest import Access
from nostro.connectors.odoo import wire as odoo
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.stripe import wire as stripe
from nostro.model.money import Money

CURRENCIES = ("EUR", "CHF", "USD", "JPY", "KWD", "ISK", "UGX", "HUF", "CLP")
MONEY = st.builds(Money, minor=st.integers(-(10**12), 10**12), currency=st.sampled_from(CURRENCIES))


@given(MONEY)
def test_money_survives_stripe(money: Money) -> None:
    assert stripe.money(stripe.minor_units(money), money.currency.lower()) == money


@given(MONEY)
def test_money_survives_odoos_json_numbers(money: Money) -> None:
    message = odoo.say("account.move", "create", vals_list=[{"amount": money.value}])
    config = OdooConfig(database="odoo")
    body = odoo.render(message, "", config, Access("http://odoo", {"api_key": "key"})).body
    assert odoo.money(exact_json(body)["vals_list"][0]["amount"], money.currency) == money


@given(MONEY.filter(lambda money: abs(money.value) < 10**8), st.integers(-4, 4))
def test_the_noise_of_a_float_is_no_money(money: Money, steps: int) -> None:
    noisy = float(money.value) + steps * 1e-8
    assert odoo.money(exact_json(json.dumps(noisy)), money.currency) == money
