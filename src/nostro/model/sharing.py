"""Amounts that are split or reckoned from fractions: nothing is lost, and rounding happens once."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from nostro.model.money import InexactAmountError, Money, Rounding


def rounded(value: Fraction, rounding: Rounding | None) -> int:
    """The whole number; raises `InexactAmountError` where it isn't one and no rule is given.

    `half_up` rounds a half away from zero, `half_even` to the even neighbour, as `Amount.to_money`.
    """
    if value.denominator == 1:
        return value.numerator
    if rounding is None:
        raise InexactAmountError("the amount is finer than the currency's smallest unit")
    if rounding == "half_even":
        return round(value)
    whole = int(abs(value) + Fraction(1, 2))
    return -whole if value < 0 else whole


def shared_out(money: Money, weights: Sequence[Fraction]) -> tuple[Money, ...]:
    """An amount in parts by weights (>= 0): they sum to it exactly, and none is off by a whole smallest unit.

    What is left over goes to the parts that lost most in rounding, of equal ones to the first. Raises `ValueError`
    where there are weights and all are zero, or one is below zero.
    """
    if not weights:
        return ()
    if min(weights) < 0 or not (whole := sum(weights, Fraction(0))):
        raise ValueError("an amount is shared out by weights above zero")
    sign, minor = (-1, -money.minor) if money.minor < 0 else (1, money.minor)
    exact = [minor * weight / whole for weight in weights]
    parts = [part.numerator // part.denominator for part in exact]
    order = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[: minor - sum(parts)]:
        parts[place] += 1
    return tuple(Money(minor=sign * part, currency=money.currency) for part in parts)
