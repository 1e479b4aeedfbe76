"""What is settled about one Stripe account before it is used: keys, currencies, prices, timing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from nostro.sandbox.currencies import stripe_exponent
from nostro.sandbox.entropy import chance, token

API_VERSION = "2026-01-28.clover"
"""The release with `reserve_hold` and `reserve_release` ("Monitor reserve activity on balance transactions")."""


@dataclass(frozen=True, slots=True)
class PspSettings:
    """One Stripe account. Currencies are lower case, as Stripe writes them."""

    name: str
    seed: int = 0
    secret_key: str = "sk_test_sandbox"  # noqa: S105 - a key of the sandbox, known to all
    webhook_url: str = ""
    webhook_secrets: tuple[str, ...] = ("whsec_sandbox",)
    """More than one while a secret is being rolled: each signs (page "Webhooks", roll endpoint signing secrets)."""
    api_version: str = API_VERSION
    currency: str = "eur"
    bank_accounts: Mapping[str, str] = field(default_factory=dict)
    """Settlement currency -> account number. Other currencies are converted into `currency`."""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    """`usd/eur` -> what one unit of the first is worth in the second, conversion fee included; wobbles by the day."""
    fee_percent: Decimal = Decimal("1.4")
    fee_fixed_minor: int = 25
    dispute_fee_minor: int = 2000
    arrival_days: int = 0
    """Business days from payout to arrival."""
    debits_negative_balance: bool = False
    """Whether a negative balance is collected from the bank account; else it is netted with later sales."""

    def ident(self, prefix: str, *about: object) -> str:
        """A Stripe-like id that hangs only on what it is about, so that two worlds of one seed agree on it."""
        return f"{prefix}_{token(24, self.seed, self.name, prefix, *about)}"

    def settlement_currency(self, currency: str) -> str:
        """The balance into which a charge in this currency goes."""
        return currency if currency == self.currency or currency in self.bank_accounts else self.currency

    def rate(self, source: str, target: str, day: date) -> Decimal:
        """Rate of a day, six decimals; up to 0.4 % off the stated one: a refund meets another rate than its charge."""
        wobble = chance(self.seed, self.name, source, target, day).randrange(-4000, 4001)
        return (self.rates[f"{source}/{target}"] * (1 + Decimal(wobble).scaleb(-6))).quantize(Decimal("0.000001"))

    def convert(self, minor: int, source: str, target: str, rate: Decimal) -> int:
        """Minor units of `source` in minor units of `target`, halves away from zero."""
        shift = stripe_exponent(target) - stripe_exponent(source)
        return int((minor * rate).scaleb(shift).quantize(Decimal(1), ROUND_HALF_UP))

    def fee(self, settled_minor: int) -> int:
        """Processing fee on a settled amount."""
        return int((settled_minor * self.fee_percent / 100).quantize(Decimal(1), ROUND_HALF_UP)) + self.fee_fixed_minor


def stamp(moment: datetime) -> int:
    """Seconds since the epoch, as Stripe writes every instant."""
    return int(moment.timestamp())


def business_days_after(day: date, days: int) -> date:
    """The day itself if it is Monday to Friday, else the next such day; then `days` business days on."""
    while day.weekday() >= 5:
        day += timedelta(days=1)
    for _ in range(days):
        day += timedelta(days=3 if day.weekday() == 4 else 1)
    return day
