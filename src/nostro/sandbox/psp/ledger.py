"""The balance of an account: every movement as a balance transaction, pending, available, held or paid out."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from nostro.sandbox.psp import shapes
from nostro.sandbox.psp.settings import PspSettings, business_days_after, stamp
from nostro.sandbox.psp.shapes import Thing

SETTLEMENT_DAYS = 1


@dataclass(slots=True)
class Ledger:
    """Balance transactions in the order of booking. Nothing is ever taken back; corrections are new ones."""

    settings: PspSettings
    lines: list[Thing] = field(default_factory=list)
    paid_out_by: dict[str, str] = field(default_factory=dict)
    """Balance transaction -> the payout that contains it (known for automatic payouts only)."""
    _by_id: dict[str, Thing] = field(default_factory=dict)
    _pending: list[Thing] = field(default_factory=list)
    _of_source: Counter[str] = field(default_factory=Counter)

    def book(
        self, kind: str, source: Thing, settled: "Settled", now: datetime, *, fee: int = 0, category: str | None = None
    ) -> Thing:
        """Write one balance transaction. A sale waits for its settlement day, all else counts at once."""
        self._of_source[source["id"]] += 1
        ident = self.settings.ident("txn", source["id"], kind, self._of_source[source["id"]])
        line = shapes.balance_transaction(
            ident, kind=kind, source=source, currency=settled.currency, amount=settled.minor, fee=fee
        )
        waits = kind == "charge"
        line |= {
            "available_on": stamp(self._available_from(now) if waits else now),
            "created": stamp(now),
            "exchange_rate": None if settled.rate is None else float(settled.rate),
            "reporting_category": category or kind,
            "status": "pending" if waits else "available",
        }
        self.lines.append(line)
        self._by_id[ident] = line
        if waits:
            self._pending.append(line)
        return line

    def line(self, ident: str) -> Thing:
        """One balance transaction by its id."""
        return self._by_id[ident]

    def settle(self, minor: int, currency: str, now: datetime) -> "Settled":
        """An amount in the currency of the balance that it goes into, with the rate if it was converted."""
        target = self.settings.settlement_currency(currency)
        if target == currency:
            return Settled(minor, currency, None)
        rate = self.settings.rate(currency, target, now.date())
        return Settled(self.settings.convert(minor, currency, target, rate), target, rate)

    @staticmethod
    def reversal_of(line: Thing) -> "Settled":
        """What takes a line back: its amount the other way round, at the rate of then."""
        rate = line["exchange_rate"]
        return Settled(-line["amount"], line["currency"], None if rate is None else Decimal(str(rate)))

    def _available_from(self, now: datetime) -> datetime:
        """When a sale of this moment becomes available: midnight UTC after the settlement delay."""
        day = business_days_after(now.date(), 0)
        return midnight(business_days_after(day, 0 if day > now.date() else SETTLEMENT_DAYS))

    def mature(self, now: datetime) -> None:
        """Turn pending into available where its day has come."""
        at = stamp(now)
        for line in self._pending:
            if line["available_on"] <= at:
                line["status"] = "available"
        self._pending = [line for line in self._pending if line["status"] == "pending"]

    def unpaid(self, currency: str) -> list[Thing]:
        """Available lines of the payments balance that no payout contains yet."""
        return [
            line
            for line in self.lines
            if line["currency"] == currency
            and line["status"] == "available"
            and line["balance_type"] == "payments"
            and line["id"] not in self.paid_out_by
        ]

    def balances(self) -> dict[str, dict[str, int]]:
        """Per currency: available, pending and reserved, in minor units; available may be negative."""
        held: dict[str, dict[str, int]] = {}
        for line in self.lines:
            of = held.setdefault(line["currency"], {"available": 0, "pending": 0, "reserved": 0})
            place = line["status"] if line["balance_type"] == "payments" else "reserved"
            of[place] += line["net"]
        return held


@dataclass(frozen=True, slots=True)
class Settled:
    """An amount as it reaches a balance: signed minor units, and the rate if it was converted."""

    minor: int
    currency: str
    rate: Decimal | None

    def negative(self) -> "Settled":
        """The same, leaving the balance."""
        return Settled(-self.minor, self.currency, self.rate)


def midnight(day: date) -> datetime:
    """The beginning of a day, UTC."""
    return datetime.combine(day, time(), UTC)


def next_business_time(now: datetime, at: time) -> datetime:
    """The next Monday-to-Friday instant, strictly after now, at which the UTC wall clock shows `at`."""
    moment = datetime.combine(now.date(), at, UTC)
    while moment <= now or moment.weekday() >= 5:
        moment += timedelta(days=1)
    return moment
