"""Payment terms as master data, and what they make of an invoice: instalments and discounts with their days.

EN 16931 tells terms as a text (BT-20) and one due date (BT-9); their parts are `Instalment`s (CII's EXTENDED
`SpecifiedTradePaymentTerms`, UBL's `PaymentTerms`, FatturaPA's `DettaglioPagamento`).
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Self

from pydantic import Field, model_validator

from nostro.model.base import Value
from nostro.model.invoices import Instalment
from nostro.model.money import Money, PlainDecimal, Rounding
from nostro.model.sharing import rounded, shared_out
from nostro.model.statements import Source

_WHOLE = Decimal(100)
_MONTHS = 12


class DueRule(Value):
    """Which day: `months`, then `days` after the invoice's, then the end of that month if `end_of_month`.

    `day_of_month` moves it on to the next such day, at most to the month's last.
    """

    days: int = Field(default=0, ge=0, le=3_650)
    months: int = Field(default=0, ge=0, le=120)
    end_of_month: bool = False
    day_of_month: int | None = Field(default=None, ge=1, le=31)

    def day(self, start: date) -> date:
        """The day that follows from an invoice's."""
        due = _later(start, self.months) + timedelta(days=self.days)
        if self.end_of_month:
            due = _on(due, 31)
        if self.day_of_month is not None:
            this = _on(due, self.day_of_month)
            due = this if this >= due else _on(_later(due.replace(day=1), 1), self.day_of_month)
        return due


class Discount(Value):
    """What may be kept back by who pays early: a percentage, until a day."""

    percentage: PlainDecimal = Field(gt=0, lt=100)
    until: DueRule


class TermPart(Value):
    """A part of the total, in percent, and when it is due."""

    share: PlainDecimal = Field(default=_WHOLE, gt=0, le=100)
    due: DueRule


class PaymentTerms(Value):
    """How and when an invoice is to be paid (BG-16, BT-9, BT-20). The shares of its parts sum to 100."""

    kind: ClassVar[str] = "payment_terms"

    code: str
    name: str = ""
    parts: tuple[TermPart, ...] = Field(min_length=1, max_length=120)
    discounts: tuple[Discount, ...] = ()
    source: Source | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if sum(part.share for part in self.parts) != _WHOLE:
            raise ValueError("the parts of payment terms sum to 100")
        return self

    def instalments(self, total: Money, invoice_date: date, rounding: Rounding = "half_up") -> tuple[Instalment, ...]:
        """The parts of an invoice, which sum to its total exactly; then its discounts, each on the whole total."""
        amounts = shared_out(total, [Fraction(part.share) for part in self.parts])
        parts = [
            Instalment(due=part.due.day(invoice_date), amount=amount.as_amount())
            for part, amount in zip(self.parts, amounts, strict=True)
        ]
        return (*parts, *(_discount(one, total, invoice_date, rounding) for one in self.discounts))


def _discount(told: Discount, total: Money, invoice_date: date, rounding: Rounding) -> Instalment:
    kept = rounded(total.minor * Fraction(told.percentage) / 100, rounding)
    return Instalment(
        discount_percentage=told.percentage,
        discount_until=told.until.day(invoice_date),
        discount_amount=Money(minor=kept, currency=total.currency).as_amount(),
    )


def _later(day: date, months: int) -> date:
    """The same day some months on, or the last of that month where it is shorter."""
    years, month = divmod(day.month - 1 + months, _MONTHS)
    return _on(date(day.year + years, month + 1, 1), day.day)


def _on(day: date, number: int) -> date:
    """That day of the month, or its last one where it is shorter."""
    return day.replace(day=min(number, monthrange(day.year, day.month)[1]))
