"""Amounts as told, money as kept, and the one crossing between them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from nostro.model.canonical import canonical
from nostro.model.intents import EntryLine
from nostro.model.money import Amount, InexactAmountError, Money, exponent


@pytest.mark.parametrize("code,digits", [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4)])
def test_a_currency_has_its_iso_digits(code: str, digits: int) -> None:
    assert exponent(code) == digits


def test_a_currency_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError):
        Amount(value=Decimal(1), currency="EURO")


def test_an_amount_finer_than_its_currency_never_becomes_money_without_a_rule() -> None:
    fine = Amount(value=Decimal("1.005"), currency="EUR")
    with pytest.raises(InexactAmountError):
        fine.to_money()
    assert fine.to_money("half_up") == Money.of("1.01", "EUR")
    assert fine.to_money("half_even") == Money.of("1.00", "EUR")


def test_trailing_zeros_are_no_loss() -> None:
    assert Amount(value=Decimal("100.00000"), currency="JPY").to_money() == Money(minor=100, currency="JPY")


def test_money_of_two_currencies_does_not_add() -> None:
    with pytest.raises(ValueError, match="different currencies"):
        Money.of(1, "EUR") + Money.of(1, "CHF")


def test_money_is_read_from_and_written_as_value_and_currency() -> None:
    money = Money.model_validate({"value": "12.34", "currency": "EUR"})
    assert money.minor == 1234
    assert canonical(money) == b'{"currency":"EUR","value":"12.34"}'


@pytest.mark.parametrize(
    "told", [{"value": "1.00", "currency": "EURO"}, {"value": 1.0}, {"minor": 1.5, "currency": "EUR"}]
)
def test_what_is_no_money_is_refused_by_the_models_that_hold_it(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EntryLine.model_validate({"account": 1, "label": "", "balance": told})


def test_money_is_made_of_whole_minor_units_of_a_known_currency() -> None:
    with pytest.raises(TypeError):
        Money(minor=1.0, currency="EUR")  # type: ignore[arg-type]  # the very thing that is refused
    with pytest.raises(ValueError, match="EURO"):
        Money(minor=1, currency="EURO")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_amount(value: str) -> None:
    with pytest.raises(ValidationError):
        Amount(value=Decimal(value), currency="EUR")
