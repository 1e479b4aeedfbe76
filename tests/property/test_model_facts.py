"""Every fact survives its stored form, whatever is in its confidential part."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from nostro.model.base import ERASED
from nostro.model.canonical import canonical
from nostro.model.facts import PaymentCaptured, join, split
from nostro.model.money import Amount, Money

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
def test_money_survives_json(value: Money) -> None:
    assert Money.model_validate_json(canonical(value)) == value
    assert Amount.model_validate_json(canonical(value)).to_money() == value
