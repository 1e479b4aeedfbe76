"""Discounts for paying early: XRechnung's lines in the text of BT-20 (BR-DE-18), and days that are counted from one.

The text stays as it is told; what its lines say stands among the instalments besides, and is written by the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from nostro.formats.einvoice.mapping import Fields
from nostro.model.invoices import Instalment, InvoiceContent
from nostro.model.money import Amount
from nostro.model.statements import Check

_LINE = re.compile(
    r"#SKONTO#TAGE=(\d{1,4})#PROZENT=(\d\d?\.\d\d|100\.00)#(?:BASISBETRAG=(-?\d{1,20}\.\d\d)#)?", re.ASCII
)
_MEANT = re.compile(r"#\s*(?:SKONTO|VERZUG)\b", re.IGNORECASE)
_XRECHNUNG = "xrechnung"
_CENT = Decimal("0.01")


def _lines(terms: str) -> Iterator[str]:
    return (line.strip() for line in terms.splitlines())


def _told_by(terms: str, issued: date | None, currency: str) -> Iterator[Instalment]:
    """What the lines say; days count from the day of the invoice."""
    for line in _lines(terms):
        if told := _LINE.fullmatch(line):
            days = int(told[1])
            yield Instalment(
                discount_days=days,
                discount_until=later(issued, days),
                discount_percentage=Decimal(told[2]),
                discount_base=Amount(value=Decimal(told[3]), currency=currency) if told[3] else None,
            )


def later(day: date | None, days: int) -> date | None:
    """The day so many days on; None without a day, and beyond the calendar."""
    return day + timedelta(days) if day and days <= (date.max - day).days else None


def days_of(part: Instalment, issued: date | None) -> int | None:
    """For how many days from the invoice's a discount is given."""
    if part.discount_until is None or issued is None:
        return part.discount_days
    days = (part.discount_until - issued).days
    return days if days >= 0 else None


def with_discounts(fields: Fields) -> Fields:
    """An invoice's fields with the discounts that only the text of its terms tells, and with what is none told."""
    terms, parts = fields.get("payment_terms", ""), fields.get("instalments", ())
    for one in _told_by(terms, fields.get("issue_date"), fields["currency"]):
        if not any(_alike(one, part) for part in parts):
            parts = (*parts, one)
    wrong = tuple(
        Check(name="payment_terms", ok=False, detail=f"BT-20: only text, read as no discount: {line[:100]}")
        for line in _lines(terms)
        if _MEANT.match(line) and not _LINE.fullmatch(line)
    )
    told = {"instalments": parts} if parts else {}
    return {**fields, **told, "checks": (*fields.get("checks", ()), *wrong)}


def _alike(one: Instalment, part: Instalment) -> bool:
    same_day = part.discount_days == one.discount_days or (
        part.discount_until is not None and part.discount_until == one.discount_until
    )
    return same_day and part.discount_percentage == one.discount_percentage


def as_written(invoice: InvoiceContent) -> InvoiceContent:
    """The invoice with each discount once: in the text where its lines tell it, or else among the instalments.

    XRechnung takes no other form than lines, so that its text gets those that it lacks.
    """
    said = list(_told_by(invoice.payment_terms, invoice.issue_date, invoice.currency))
    parts = [part for part in invoice.instalments if part not in said]
    terms = invoice.payment_terms
    if _XRECHNUNG in invoice.profile.lower():
        lines = [(part, _line(part, invoice)) for part in parts]
        parts = [part for part, line in lines if not line]
        terms = "\n".join((*filter(None, (terms,)), *(line for _, line in lines if line)))
    if terms != invoice.payment_terms:
        parts = [part.model_copy(update={"text": ""}) if part.text in terms else part for part in parts]
    ended = f"{terms}\n" if terms.rpartition("\n")[2].startswith("#") else terms
    return invoice.model_copy(update={"payment_terms": ended, "instalments": tuple(parts)})


def _line(part: Instalment, invoice: InvoiceContent) -> str:
    """The line that says all of a discount; empty where no line can."""
    days, percentage, base = days_of(part, invoice.issue_date), part.discount_percentage, part.discount_base
    if not part.is_discount or part.discount_amount or days is None or percentage is None:
        return ""
    based = f"BASISBETRAG={base.value:.2f}#" if base else ""
    line = f"#SKONTO#TAGE={days}#PROZENT={percentage:.2f}#{based}"
    exact = percentage == percentage.quantize(_CENT) and (base is None or base.currency == invoice.currency)
    return line if exact and _LINE.fullmatch(line) else ""


def payments_of(invoice: InvoiceContent) -> tuple[Instalment, ...]:
    """The payments where a discount has no place of its own but beside one (FatturaPA): a single payment gets the first
    discount, as an amount (2.4.2.17); a discount is never a payment.
    """
    paid = tuple(part for part in invoice.instalments if not part.is_discount)
    given = [part for part in invoice.instalments if part.is_discount]
    if not paid and (invoice.payment_means or given):
        paid = (Instalment(due=invoice.due_date),)
    if len(paid) != 1 or not given or paid[0].discount_amount or paid[0].discount_until:
        return paid
    until, kept = given[0].discount_until, _kept(given[0], invoice)
    return (paid[0].model_copy(update={"discount_amount": kept, "discount_until": until}),) if kept and until else paid


def _kept(part: Instalment, invoice: InvoiceContent) -> Amount | None:
    base = part.discount_base or invoice.totals.payable
    if part.discount_amount or base is None or part.discount_percentage is None:
        return part.discount_amount
    kept = Amount(value=base.value * part.discount_percentage / 100, currency=base.currency)
    return kept.to_money(rounding="half_up").as_amount()
