"""Exchange rates as a central bank or tax authority publishes them: exact, directed, with what they are for."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import ClassVar, Literal

from nostro.model.base import Value
from nostro.model.money import PlainDecimal
from nostro.model.statements import Source

Purpose = Literal["booking", "vat", "revaluation"]
Quoted = Literal["currency_for_base", "base_for_currency"]
Frequency = Literal["daily", "monthly", "yearly", ""]
Observed = Literal["spot", "average", "period_end", ""]


class Rate(Value):
    """`currency_for_base`: `value` of the currency is paid for `per` of the base; `base_for_currency`: the reverse."""

    currency: str
    value: PlainDecimal
    per: int = 1
    quoted: Quoted

    @property
    def in_base(self) -> Fraction:
        """What one unit of the currency is worth in the base, exactly; whoever books rounds."""
        worth = Fraction(self.value) / self.per
        return worth if self.quoted == "base_for_currency" else 1 / worth


class RateTableContent(Value):
    """The rates of one publisher and day (or period). Currencies are as told: withdrawn ones are among them."""

    publisher: str
    purposes: tuple[Purpose, ...]
    base: str
    on: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    frequency: Frequency = ""
    observed: Observed = ""
    rates: tuple[Rate, ...]
    format: str = ""

    def rate(self, currency: str) -> Rate | None:
        """The rate of a currency, or None where the publisher tells none."""
        return next((one for one in self.rates if one.currency == currency), None)


class RateTable(RateTableContent):
    """A table of rates, with the place it was read from."""

    kind: ClassVar[str] = "rate_table"

    source: Source
