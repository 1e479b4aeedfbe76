"""Amounts of CFONB 120: the last digit carries the sign."""

from __future__ import annotations

from nostro.formats.line_statements import negative, scaled
from nostro.formats.reading import Unreadable
from nostro.model.money import EXPONENTS, Amount

_POSITIVE, _NEGATIVE = "{ABCDEFGHI", "}JKLMNOPQR"
_SEVEN_BITS = str.maketrans("éè", "{}")
"""Where a file went through the French seven-bit alphabet, the braces became these letters."""


def signed(said: str, decimals: str, currency: str) -> Amount:
    """A signed amount; a last digit without a sign counts as positive. Raises `Unreadable`."""
    said = said.translate(_SEVEN_BITS)
    last = said[-1:]
    if last in _NEGATIVE and last:
        return negative(scaled(said[:-1] + str(_NEGATIVE.index(last)), places(decimals, currency), currency))
    if last in _POSITIVE and last:
        said = said[:-1] + str(_POSITIVE.index(last))
    return scaled(said, places(decimals, currency), currency)


def places(decimals: str, currency: str) -> int:
    """The number of decimals that a record tells, else those of its currency. Raises `Unreadable`."""
    if decimals.isascii() and decimals.isdecimal():
        return int(decimals)
    if decimals:
        raise Unreadable("the number of decimals is no digit")
    return EXPONENTS.get(currency, 2)
