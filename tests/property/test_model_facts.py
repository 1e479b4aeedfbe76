"""Every fact survives its stored form, whatever is in its confidential part."""

from __future__ import annotations

import pickle
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nostro.model.base import ERASED
from nostro.model.canonical import canonical
from nostro.model.facts import PaymentCaptured, join, split
from nostro.model.money import Amount, Money, plain

currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])
money = st.builds(Money, minor=st.integers(-(10**15), 10**15), currency=currencies)
texts = st.none() | st.text(max_size=40)
captured = st.builds(
    PaymentCaptured,
    connection=st.just("psp"),
    charge_id=st.text(min_size=1, max_size=20),
    amount=money,
    captured_on=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    payer_email=texts,
    payer_name=texts,
    description=texts,
)


@given(captured)
def test_a_fact_is_the_same_after_its_stored_form(fact: PaymentCaptured) -> None:
    clear, secret = split(fact)
    assert join(fact.fact_type, fact.version, clear, secret) == fact


@given(captured)
def test_the_clear_part_never_holds_a_confidential_field(fact: PaymentCaptured) -> None:
    clear, secret = split(fact)
    assert not any(name.encode() in clear for name in ("payer_email", "payer_name", "description"))
    assert (secret is None) == (fact.payer_email is None and fact.payer_name is None and fact.description is None)


@given(captured)
def test_after_erasure_the_rest_is_still_there(fact: PaymentCaptured) -> None:
    clear, _ = split(fact)
    body = join(fact.fact_type, fact.version, clear, None, erased=True)
    assert isinstance(body, PaymentCaptured)
    assert (body.amount, body.payer_name) == (fact.amount, ERASED)


@given(money)
def test_money_is_written_as_its_decimal_is(value: Money) -> None:
    assert value.text == plain(value.value)


@given(st.sampled_from(["EUR", "JPY", "KWD"]), st.from_regex(r"[-+]?[0-9]{0,22}(\.[0-9]{0,4})?", fullmatch=True))
def test_however_money_is_spelt_it_is_the_amount_that_is_told(currency: str, value: str) -> None:
    told = {"value": value, "currency": currency}
    try:
        expected = Amount.model_validate(told).to_money()
    except ValueError:
        with pytest.raises(ValidationError):
            Money.model_validate(told)
    else:
        assert Money.model_validate(told) == expected


@given(money)
def test_money_stays_what_it_is_and_is_found_again_by_its_hash(value: Money) -> None:
    again = Money(minor=value.minor, currency=value.currency)
    assert {value: 1}[again] == {value: 1}[pickle.loads(pickle.dumps(value))] == 1  # noqa: S301 - our own bytes
    with pytest.raises(AttributeError):
        value.minor = 0


@given(money)
def test_money_survives_json(value: Money) -> None:
    assert Money.model_validate_json(canonical(value)) == value
    assert Amount.model_validate_json(canonical(value)).to_money() == value
