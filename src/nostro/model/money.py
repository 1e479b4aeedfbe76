"""Amounts as told and money as kept.

`Amount` is an exact decimal with a currency, as a statement or an invoice line tells it. `Money` is whole minor units
of an ISO 4217 currency: what processes, ledger and limits calculate with. There is one crossing, `Amount.to_money`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Annotated, Literal, NoReturn, Self

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainSerializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from nostro.model.base import Value

Rounding = Literal["half_even", "half_up"]
_ROUNDINGS: dict[Rounding, str] = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP}

# ISO 4217 list one, column "minor unit": every active currency, and some of list three that old documents still name.
_CODES: dict[int, str] = {
    0: "BEF BIF CLP DJF ESP GNF GRD ISK ITL JPY KMF KRW LUF PTE PYG RWF TRL UGX UYI VND VUV XAF XOF XPF",
    2: """
    AED AFN ALL AMD ANG AOA ARS ATS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
    CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CYP CZK DEM DKK DOP DZD EEK EGP ERN ETB EUR FIM FJD FKP FRF
    GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR IEP ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP
    LKR LRD LSL LTL LVL MAD MDL MGA MKD MMK MNT MOP MRU MTL MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NLG NOK
    NPR NZD PAB PEN PGK PHP PKR PLN QAR ROL RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SIT SKK SLE SLL SOS SRD
    SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR
    ZMW ZWG ZWL
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS: dict[str, int] = {code: digits for digits, codes in _CODES.items() for code in codes.split()}
UNMINTED = frozenset(["XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XUA"])
"""ISO 4217's codes of metals and units of account: they have no minor unit, so that none of them becomes money."""
TOLD_CURRENCIES = EXPONENTS.keys() | UNMINTED
"""What a document may tell an amount in."""
NO_CURRENCY = "X" * 3
"""ISO 4217's code where there is no currency, for an `Amount` of a document that tells none. It never becomes money."""


class InexactAmountError(ValueError):
    """An amount finer than its currency was to become money, and no rounding rule was given."""


def exponent(currency: str) -> int:
    """Digits after the point of an ISO 4217 currency; raises `ValueError` for a code that the standard doesn't list."""
    if currency in EXPONENTS:
        return EXPONENTS[currency]
    message = f"{currency!r} is no ISO 4217 currency"
    raise ValueError(message)


def usual_digits(currency: str) -> int:
    """Digits after the point that an amount may be expected to have: of metals three, of what nobody knows two."""
    return EXPONENTS.get(currency, 3 if currency in UNMINTED else 2)


def _known_currency(code: str) -> str:
    exponent(code)
    return code


def _told_currency(code: str) -> str:
    if code not in TOLD_CURRENCIES and code != NO_CURRENCY:
        exponent(code)
    return code


Currency = Annotated[str, AfterValidator(_known_currency)]
ToldCurrency = Annotated[str, AfterValidator(_told_currency)]


def plain(value: Decimal) -> str:
    """The decimal without exponent notation, keeping its digits: `Decimal("1E+2")` is `"100"`."""
    return format(value, "f")


def has_digits(value: Decimal, most: int, behind: int) -> bool:
    """Whether it has at most so many digits, and so many behind the point (XML Schema: totalDigits, fractionDigits)."""
    whole, _, decimals = plain(abs(value)).partition(".")
    decimals = decimals.rstrip("0")
    return len(decimals) <= behind and len(whole.lstrip("0") + decimals) <= most


PlainDecimal = Annotated[Decimal, PlainSerializer(plain, return_type=str)]


class Amount(Value):
    """An exact decimal amount in a currency, as somebody told it. May carry more digits than the currency has."""

    value: PlainDecimal
    currency: ToldCurrency

    @model_validator(mode="after")
    def _finite(self) -> Self:
        if not self.value.is_finite():
            message = "an amount is a finite number"
            raise ValueError(message)
        return self

    @property
    def is_finer(self) -> bool:
        """Whether it has digits that its currency has not, or no currency with a smallest unit."""
        _, digits, told = self.value.as_tuple()
        beyond = -int(told) - EXPONENTS.get(self.currency, 0)
        return self.currency not in EXPONENTS or (beyond > 0 and any(digits[-beyond:]))

    @property
    def too_fine(self) -> str:
        """Why it is no whole number of minor units, as a sentence about the amount goes on; "" for one that is."""
        if self.currency not in EXPONENTS:
            return f"is in {self.currency}, which has no smallest unit"
        return f"has more digits than {self.currency} has" if self.is_finer else ""

    def to_money(self, rounding: Rounding | None = None) -> Money:
        """The amount in whole minor units.

        Raises `InexactAmountError` when digits would be lost and no rule is given, and for metals.
        """
        if self.currency in UNMINTED:
            raise InexactAmountError(f"{self.currency} has no smallest unit")
        scaled = self.value.scaleb(exponent(self.currency))
        whole = scaled.to_integral_value(_ROUNDINGS[rounding] if rounding else ROUND_HALF_EVEN)
        if whole != scaled and rounding is None:
            message = f"{plain(self.value)} {self.currency} is finer than the currency's smallest unit"
            raise InexactAmountError(message)
        return _money(int(whole), self.currency)


class _Told(Value):
    """Money in whatever form it may be told: minor units, or a value in major units."""

    minor: int
    currency: Currency

    @model_validator(mode="before")
    @classmethod
    def _from_value(cls, given: object) -> object:
        if isinstance(given, dict) and "value" in given:
            told = Amount.model_validate(given)
            return {"minor": told.to_money().minor, "currency": told.currency}
        return given


class Money:
    """Whole minor units of an ISO 4217 currency. In JSON `{"value": "12.34", "currency": "EUR"}`, never a float."""

    # No model of pydantic's: an amount is made and compared in every step of every decision.
    __slots__ = ("currency", "minor")
    minor: int
    currency: str

    def __init__(self, *, minor: int, currency: str) -> None:
        """Raises `TypeError` for what is no whole number, and `ValueError` for an unknown currency."""
        exponent(currency)
        _set_minor(self, minor if type(minor) is int else operator.index(minor))
        _set_currency(self, currency)

    @classmethod
    def of(cls, value: str | int | Decimal, currency: str) -> Money:
        """Money from a decimal in major units: `Money.of("12.34", "EUR")`. Raises `InexactAmountError` if too fine."""
        return Amount(value=Decimal(value), currency=currency).to_money()

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in a currency."""
        return cls(minor=0, currency=currency)

    @classmethod
    def model_validate(cls, given: object) -> Money:
        """As models of the vocabulary are read; raises `ValidationError`."""
        return _read(given)

    @classmethod
    def model_validate_json(cls, given: str | bytes) -> Money:
        """As `model_validate`, from JSON."""
        told = _Told.model_validate_json(given)
        return _money(told.minor, told.currency)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """In a model: itself, or what it is told as."""
        return core_schema.no_info_plain_validator_function(
            _read,
            ref=f"{cls.__module__}.{cls.__name__}",
            serialization=core_schema.plain_serializer_function_ser_schema(_written),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The object of minor units and currency."""
        told = handler(_Told.__pydantic_core_schema__)
        return {**handler.resolve_ref_schema(told), "title": cls.__name__, "description": cls.__doc__}

    @property
    def value(self) -> Decimal:
        """The decimal in major units, with exactly the currency's digits."""
        return Decimal(self.minor).scaleb(-EXPONENTS[self.currency])

    @property
    def text(self) -> str:
        """`value` as plain text, worked out in whole numbers."""
        digits, minor = EXPONENTS[self.currency], self.minor
        if not digits or not -_EXACT < minor < _EXACT:
            return plain(self.value)
        told = str(abs(minor)).zfill(digits + 1)
        return f"{'-' if minor < 0 else ''}{told[:-digits]}.{told[-digits:]}"

    def as_amount(self) -> Amount:
        """The same, as an `Amount`."""
        return Amount(value=self.value, currency=self.currency)

    def __add__(self, other: Money) -> Money:
        """Sum; raises `ValueError` when the currencies differ."""
        return _money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        """Difference; raises `ValueError` when the currencies differ."""
        return _money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        """The same amount the other way."""
        return _money(-self.minor, self.currency)

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
        return f"{self.text} {self.currency}"

    def __repr__(self) -> str:
        """As it is made."""
        return f"Money(minor={self.minor!r}, currency={self.currency!r})"

    def __eq__(self, other: object) -> bool:
        """The same amount of the same currency."""
        if type(other) is not Money:
            return NotImplemented
        return self.minor == other.minor and self.currency == other.currency

    def __hash__(self) -> int:
        """Of amount and currency."""
        return hash((self.minor, self.currency))

    def __setattr__(self, name: str, _: object) -> NoReturn:
        raise AttributeError(f"{name} of an amount stays what it is")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{name} of an amount stays what it is")

    def __reduce__(self) -> tuple[object, tuple[int, str]]:
        return _money, (self.minor, self.currency)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            message = f"{self} and {other} are in different currencies"
            raise ValueError(message)
        return other


_EXACT = 10**28
"""Up to here `Decimal` keeps every digit in its default context."""
_new = object.__new__
_set_minor: Callable[[Money, int], None] = Money.__dict__["minor"].__set__
_set_currency: Callable[[Money, str], None] = Money.__dict__["currency"].__set__


def _money(minor: int, currency: str) -> Money:
    """Money of a currency that is known to be one."""
    made = _new(Money)
    _set_minor(made, minor)
    _set_currency(made, currency)
    return made


def _read(given: object) -> Money:
    """Money as it is told. Our own canonical form, which nearly all of it has, is read without a detour."""
    if type(given) is Money:
        return given
    if type(given) is dict and len(given) == 2:
        value, currency = given.get("value"), given.get("currency")
        if type(value) is str and type(currency) is str:
            minor = _minor(value, EXPONENTS.get(currency, -1))
            if minor is not None:
                return _money(minor, currency)
    told = _Told.model_validate(given)
    return _money(told.minor, told.currency)


def _minor(value: str, digits: int) -> int | None:
    """The minor units of a plain decimal with exactly the currency's digits, or None for any other text."""
    whole, point, rest = value.partition(".")
    if (
        len(rest) != digits
        or len(whole) > _PLAIN
        or not (value.isascii() and (rest.isdigit() if point else not digits))
    ):
        return None
    unsigned = whole.removeprefix("-")
    return int(whole + rest) if unsigned.isdigit() else None


_PLAIN = 20


def _written(money: Money) -> dict[str, object]:
    return {"minor": money.minor, "currency": money.currency}
