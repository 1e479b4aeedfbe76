"""Exchange rates as a central bank or tax authority publishes them: exact, directed, with what they are for."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from nostro.model.base import Value
from nostro.model.money import EXPONENTS, Currency, Money, PlainDecimal, Rounding
from nostro.model.sharing import rounded
from nostro.model.statements import Source

Purpose = Literal["booking", "vat", "revaluation"]
Quoted = Literal["currency_for_base", "base_for_currency"]
Frequency = Literal["daily", "monthly", "yearly", ""]
Observed = Literal["spot", "average", "period_end", ""]
Side = Literal["mid", "bid", "ask", ""]
_INVERTED: dict[Side, Side] = {"bid": "ask", "ask": "bid"}


class FxRate(Value):
    """One rate of a pair as it was quoted: `per` units of `base` are worth `value` units of `quote`.

    Only what was quoted is kept. The other direction is its exact inverse, a fraction that nobody rounds: an amount is
    rounded once, when it is converted. `side` is that of the quoted direction: who turns it round deals on the other.
    `valid_from` and `valid_to` are included; `at` is the instant of the quote, where one is told.
    """

    kind: ClassVar[str] = "fx_rate"

    base: Currency
    quote: Currency
    value: PlainDecimal
    per: int = 1
    side: Side = ""
    observed: Observed = ""
    purposes: tuple[Purpose, ...] = ()
    publisher: str = ""
    on: date | None = None
    at: datetime | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    source: Source | None = None

    @model_validator(mode="after")
    def _holds(self) -> Self:
        if not self.value.is_finite() or self.value <= 0 or self.per < 1 or self.base == self.quote:
            raise ValueError("a rate is above zero, of two currencies")
        return self

    def factor(self, source: str, target: str) -> Fraction:
        """What one unit of `source` is worth in `target`, exactly. Raises `ValueError` for another pair."""
        worth = Fraction(self.value) / self.per
        if (source, target) == (self.base, self.quote):
            return worth
        if (source, target) == (self.quote, self.base):
            return 1 / worth
        raise ValueError(f"a rate of {self.base} and {self.quote} says nothing of {source} and {target}")

    def side_from(self, source: str) -> Side:
        """On which side of the market it is for who gives `source`."""
        return self.side if source == self.base else _INVERTED.get(self.side, self.side)

    def convert(self, money: Money, target: str, rounding: Rounding | None) -> Money:
        """An amount in the other currency, rounded once; raises `InexactAmountError` as `Amount.to_money` does."""
        scale = Fraction(10) ** (EXPONENTS[target] - EXPONENTS[money.currency])
        return Money(
            minor=rounded(money.minor * self.factor(money.currency, target) * scale, rounding), currency=target
        )

    def holds_on(self, day: date) -> bool:
        """Whether it is valid on a day; what tells no validity is so on its own day only."""
        first, last = self.valid_from or self.on, self.valid_to or (None if self.valid_from else self.on)
        return first is not None and first <= day and (last is None or day <= last)


class Rate(Value):
    """`currency_for_base`: `value` of the currency is paid for `per` of the base; `base_for_currency`: the reverse."""

    currency: str
    value: PlainDecimal
    per: int = 1
    quoted: Quoted
    side: Side = ""

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
    at: datetime | None = None
    rates: tuple[Rate, ...]
    format: str = ""

    def rate(self, currency: str) -> Rate | None:
        """The rate of a currency, or None where the publisher tells none."""
        return next((one for one in self.rates if one.currency == currency), None)

    def worth(self, currency: str) -> Fraction | None:
        """What one unit of a currency is worth in the base, exactly; None where the publisher tells none."""
        found = self.rate(currency)
        return found.in_base if found else Fraction(1) if currency == self.base else None

    def cross(self, source: str, target: str) -> Fraction | None:
        """What one unit of `source` is worth in `target` by way of the base, exactly; None where one isn't told."""
        one, other = self.worth(source), self.worth(target)
        return one / other if one is not None and other is not None else None

    def fx_rate(self, currency: str) -> FxRate | None:
        """A currency's rate as it stands alone, in the direction in which it was quoted.

        Raises `ValueError` for a currency that ISO 4217 doesn't list.
        """
        told = self.rate(currency)
        if told is None:
            return None
        pair = (self.base, currency) if told.quoted == "currency_for_base" else (currency, self.base)
        return FxRate(
            base=pair[0],
            quote=pair[1],
            value=told.value,
            per=told.per,
            side=told.side,
            observed=self.observed,
            purposes=self.purposes,
            publisher=self.publisher,
            on=self.on,
            at=self.at,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class RateTable(RateTableContent):
    """A table of rates, with the place it was read from."""

    kind: ClassVar[str] = "rate_table"

    source: Source
