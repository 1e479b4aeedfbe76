"""Where a bank account stands and will stand: positions by value date, and forecasts of what will move.

Positions are balances, signed as the bank account sees them; a forecast has an amount >= 0 with a direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from nostro.model.base import Instant, Value
from nostro.model.money import Amount, Money, PlainDecimal
from nostro.model.statements import Direction, Source

Category = Literal[
    "receivable", "payable", "payroll", "tax", "financing", "investment", "intercompany", "exchange", "fee", "other"
]
Certainty = Literal["committed", "planned", "estimated"]


class CashPosition(Value):
    """A bank account on a value date, as known at `as_of`: what is booked, what is expected on top, what can be used.

    `available` is what the bank says, credit lines included; None where it says nothing.
    """

    kind: ClassVar[str] = "cash_position"

    entity: str
    bank_account: str
    value_date: date
    as_of: Instant
    booked: Money
    expected: Money
    available: Money | None = None
    source: Source | None = None

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        if len({told.currency for told in (self.booked, self.expected, self.available) if told is not None}) > 1:
            raise ValueError("a position is in one currency")
        return self

    @property
    def projected(self) -> Money:
        """What it will be once what is expected has come."""
        return self.booked + self.expected


class CashForecast(Value):
    """One flow that will come on a day, how likely (0 to 1), of which kind, and who says so.

    `system` names what it was taken from (an invoice of the ERP, a model), `reference` what it is called there.
    """

    kind: ClassVar[str] = "cash_forecast"

    forecast_id: str
    entity: str
    bank_account: str
    value_date: date
    amount: Money
    direction: Direction
    probability: PlainDecimal = Decimal(1)
    category: Category = "other"
    certainty: Certainty = "planned"
    system: str = ""
    reference: str = ""
    as_of: Instant
    source: Source | None = None

    @model_validator(mode="after")
    def _holds(self) -> Self:
        if self.amount.minor < 0 or not 0 <= self.probability <= 1:
            raise ValueError("a forecast's amount has a direction and no sign, its probability is between 0 and 1")
        return self

    @property
    def signed(self) -> Money:
        """Its amount as the bank account sees it."""
        return self.amount if self.direction == "credit" else -self.amount

    @property
    def weighted(self) -> Amount:
        """Its signed amount times its probability, exactly."""
        return Amount(value=self.signed.value * self.probability, currency=self.amount.currency)


def rolled_forward(start: CashPosition, forecasts: Iterable[CashForecast]) -> tuple[CashPosition, ...]:
    """The bank account's position on each later day on which something is forecast, the flows in full.

    Flows of other bank accounts are passed over; those on or before the start's value date are expected at once, on
    that day. Raises `ValueError` for a flow in another currency.
    """
    nothing = Money.zero(start.booked.currency)
    flows: dict[date, Money] = {start.value_date: start.expected}
    for one in forecasts:
        if (one.entity, one.bank_account) == (start.entity, start.bank_account):
            day = max(one.value_date, start.value_date)
            flows[day] = flows.get(day, nothing) + one.signed
    expected, told = nothing, list[CashPosition]()
    for day, flow in sorted(flows.items()):
        expected = expected + flow
        available = start.available if day == start.value_date else None
        fields = {"value_date": day, "expected": expected, "available": available}
        told.append(start.model_copy(update=fields))
    return tuple(told)
