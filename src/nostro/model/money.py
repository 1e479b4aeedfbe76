"""Amounts as told and money as kept.

`Amount` is an exact decimal with a currency, as a statement or an invoice line tells it. `Money` is whole minor units
of an
ISO 4217 currency: what processes, ledger and limits calculate with. There is one crossing, `Amount.to_money`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, PlainSerializer, model_validator

from nostro.model.base import Value

Rounding = Literal["half_even", "half_up"]
_ROUNDINGS: dict[Rounding, str] = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP}

# ISO 4217 list one, column "minor unit": every active currency, and some of list three that old documents still name.
_CODES: dict[int, str] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
    CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD
    HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP
    MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
    SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED
    VES WST XAD XCD XCG YER ZAR ZMW ZWG ZWL
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS: dict[str, int] = {code: digits for digits, codes in _CODES.items() for code in codes.split()}


class InexactAmountError(ValueError):
    """An amount finer than its currency was to become money, and no rounding rule was given."""


def exponent(currency: str) -> int:
    """Digits after the point of an ISO 4217 currency; raises `ValueError` for a code that the standard doesn't list."""
    if currency in EXPONENTS:
        return EXPONENTS[currency]
    message = f"{currency!r} is no ISO 4217 currency"
    raise ValueError(message)


def _known_currency(code: str) -> str:
    exponent(code)
    return code


Currency = Annotated[str, AfterValidator(_known_currency)]


def plain(value: Decimal) -> str:
    """The decimal without exponent notation, keeping its digits: `Decimal("1E+2")` is `"100"`."""
    return format(value, "f")


PlainDecimal = Annotated[Decimal, PlainSerializer(plain, return_type=str)]


class Amount(Value):
    """An exact decimal amount in a currency, as somebody told it. May carry more digits than the currency has."""

    value: PlainDecimal
    currency: Currency

    @model_validator(mode="after")
    def _finite(self) -> Self:
        if not self.value.is_finite():
            message = "an amount is a finite number"
            raise ValueError(message)
        return self

    def to_money(self, rounding: Rounding | None = None) -> Money:
        """The amount in whole minor units.

        Raises `InexactAmountError` when digits would be lost and no rule is given.
        """
        scaled = self.value.scaleb(exponent(self.currency))
        whole = scaled.to_integral_value(_ROUNDINGS[rounding] if rounding else ROUND_HALF_EVEN)
        if whole != scaled and rounding is None:
            message = f"{plain(self.value)} {self.currency} is finer than the currency's smallest unit"
            raise InexactAmountError(message)
        return Money(minor=int(whole), currency=self.currency)


class Money(Value):
    """Whole minor units of an ISO 4217 currency. In JSON `{"value": "12.34", "currency": "EUR"}`, never a float."""

    minor: int
    currency: Currency

    @model_validator(mode="before")
    @classmethod
    def _from_value(cls, given: object) -> object:
        if isinstance(given, dict) and "value" in given:
            told = Amount.model_validate(given)
            return {"minor": told.to_money().minor, "currency": told.currency}
        return given

    @classmethod
    def of(cls, value: str | int | Decimal, currency: str) -> Self:
        """Money from a decimal in major units: `Money.of("12.34", "EUR")`. Raises `InexactAmountError` if too fine."""
        return cls(minor=Amount(value=Decimal(value), currency=currency).to_money().minor, currency=currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in a currency."""
        return cls(minor=0, currency=currency)

    @property
    def value(self) -> Decimal:
        """The decimal in major units, with exactly the currency's digits."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def as_amount(self) -> Amount:
        """The same, as an `Amount`."""
        return Amount(value=self.value, currency=self.currency)

    def __add__(self, other: Money) -> Money:
        """Sum; raises `ValueError` when the currencies differ."""
        return Money(minor=self.minor + self._same(other).minor, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        """Difference; raises `ValueError` when the currencies differ."""
        return Money(minor=self.minor - self._same(other).minor, currency=self.currency)

    def __neg__(self) -> Money:
        """The same amount the other way."""
        return Money(minor=-self.minor, currency=self.currency)

    def __lt__(self, other: Money) -> bool:
        """Less than; raises `ValueError` when the currencies differ."""
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        """At most; raises `ValueError` when the currencies differ."""
        return self.minor <= self._same(other).minor

    def __gt__(self, other: Money) -> bool:
        """More than; raises `ValueError` when the currencies differ."""
        return self.minor > self._same(other).minor

    def __ge__(self, other: Money) -> bool:
        """At least; raises `ValueError` when the currencies differ."""
        return self.minor >= self._same(other).minor

    def __bool__(self) -> bool:
        """Whether it is anything at all."""
        return self.minor != 0

    def __str__(self) -> str:
        """For people: `12.34 EUR`."""
        return f"{plain(self.value)} {self.currency}"

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            message = f"{self} and {other} are in different currencies"
            raise ValueError(message)
        return other
