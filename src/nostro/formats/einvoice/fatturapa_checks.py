"""The arithmetic that Italy's Sistema di Interscambio demands of FatturaPA.

Agenzia delle Entrate, "Specifiche tecniche", list of checks: 00421 (tax), 00422 (taxable amount), 00423 (line).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

from nostro.formats.einvoice.arithmetic import first, rounded
from nostro.formats.einvoice.forms import BARE_AMOUNT
from nostro.formats.einvoice.mapping import Fields, Leaf, Reading, read_parts
from nostro.formats.xml import Element
from nostro.model.invoices import (
    AllowanceCharge,
    Invoice,
    InvoiceContent,
    InvoiceLine,
    TaxBreakdown,
    TaxCategory,
    Totals,
)
from nostro.model.money import Amount, plain
from nostro.model.statements import Check

_NOTHING, _HUNDRED = Decimal(0), Decimal(100)
_CENT, _EURO = Decimal("0.01"), Decimal(1)
_Key = tuple[Decimal, str]
_SPLIT = "S"
"""Scissione dei pagamenti: the buyer pays the tax to the state, not to the seller."""


def totals_of(reading: Reading, element: Element, fields: Fields) -> None:
    """The document's total as told, and what its breakdown and lines make, which FatturaPA doesn't tell itself."""
    general = "DatiGenerali/DatiGeneraliDocumento"
    told = read_parts(reading, element, (
        Leaf("with_tax", f"{general}/ImportoTotaleDocumento", BARE_AMOUNT),
        Leaf("rounding", f"{general}/Arrotondamento", BARE_AMOUNT)))  # fmt: skip
    fields["totals"] = Totals(**told)


def worked_out(invoice: Invoice) -> Invoice:
    """The invoice with the totals that FatturaPA leaves to its reader."""
    parts = invoice.tax_breakdown
    without_tax, tax = _sum(part.taxable for part in parts), _sum(part.amount for part in parts)
    told = invoice.totals
    with_tax = told.with_tax.value if told.with_tax else without_tax + tax + _value(told.rounding)
    values = {
        "lines": _sum(line.amount for line in invoice.lines),
        "without_tax": without_tax,
        "tax": tax,
        "with_tax": with_tax,
        "payable": payable(invoice, with_tax),
    }
    made = {name: Amount(value=value, currency=invoice.currency) for name, value in values.items()}
    return invoice.model_copy(update={"totals": told.model_copy(update=made)})


def payable(invoice: InvoiceContent, with_tax: Decimal) -> Decimal:
    """What the instalments sum to, or else the total less what is withheld and what split payment leaves out."""
    amounts = [part.amount for part in invoice.instalments]
    if amounts and all(amount is not None for amount in amounts):
        return _sum(amounts)
    split = _sum(part.amount for part in invoice.tax_breakdown if part.chargeability == _SPLIT)
    return with_tax - split - _sum(one.amount for one in invoice.withholdings)


def checks_of_body(invoice: InvoiceContent, *, strict: bool = False) -> Iterator[Check]:
    """What does not hold, and whether the total does. `strict`: a discount has the sign that the rules give it."""
    told = invoice.totals
    if told.with_tax is not None and invoice.tax_breakdown:
        made = _sum(part.taxable for part in invoice.tax_breakdown) + _sum(
            part.amount for part in invoice.tax_breakdown
        )
        # A discount or surcharge of the whole document changes its total, and no part of its breakdown.
        whole = _sum(one.amount for one in invoice.allowances_charges if one.charge and one.tax is None) - _sum(
            one.amount for one in invoice.allowances_charges if not one.charge and one.tax is None
        )
        short = made + _value(told.rounding) - told.with_tax.value
        ok = abs(short) < _EURO or abs(short + whole) < _EURO
        yield Check(name="total", ok=True) if ok else _failed("total", told.with_tax.value, made)
    yield from _breakdown_checks(invoice)
    yield from first(_line_checks(invoice, strict=strict))


def _breakdown_checks(invoice: InvoiceContent) -> Iterator[Check]:
    made: defaultdict[_Key, Decimal] = defaultdict(Decimal)
    told: defaultdict[_Key, Decimal] = defaultdict(Decimal)
    taxed: list[InvoiceLine | AllowanceCharge] = [*invoice.lines, *invoice.allowances_charges]
    for one in taxed:
        if one.tax is not None:
            made[_key(one.tax)] += _value(one.amount)
    for part in invoice.tax_breakdown:
        told[_key(part.tax)] += _value(part.taxable) - _value(part.rounding)
        yield from _tax_check(part)
    for key, value in told.items():
        if abs(made[key] - value) >= _EURO:
            yield _failed("SdI 00422", value, made[key], f"{plain(key[0])} % {key[1]}".strip())


def _tax_check(part: TaxBreakdown) -> Iterator[Check]:
    if part.taxable is None or part.amount is None or part.tax.rate is None:
        return
    made = rounded(part.taxable.value * part.tax.rate / _HUNDRED, part.taxable.currency)
    if abs(made - part.amount.value) > _CENT:
        yield _failed("SdI 00421", part.amount.value, made, f"{plain(part.tax.rate)} %")


def _key(tax: TaxCategory) -> _Key:
    return tax.rate or _NOTHING, tax.exemption_code


def _line_checks(invoice: InvoiceContent, *, strict: bool) -> Iterator[Check]:
    for line in invoice.lines:
        if line.amount is None or line.price is None or line.price.net is None:
            continue
        quantity = line.quantity.value if line.quantity else Decimal(1)
        made = _unit_price(line, line.price.net.value) * quantity
        by_size = made if strict else _unit_price(line, line.price.net.value, by_size=True) * quantity
        if min(abs(made - line.amount.value), abs(by_size - line.amount.value)) > _CENT:
            place = line.source.where if line.source else f"line {line.line_id}"
            yield _failed("SdI 00423", line.amount.value, rounded(made, line.amount.currency), place)


def _unit_price(line: InvoiceLine, price: Decimal, *, by_size: bool = False) -> Decimal:
    """The price of a unit after its discounts and surcharges, one after the other.

    `by_size`: a discount makes a price smaller, whatever its sign: some write one of -1.71, and others one of 9.00 in a
    line that takes back what was sold for -90.00.
    """
    for one in line.allowances_charges:
        amount = one.amount.value if one.amount else price * (one.percentage or _NOTHING) / _HUNDRED
        if by_size:
            amount = abs(amount).copy_sign(price)
        price = price + amount if one.charge else price - amount
    return price


def _failed(name: str, told: Decimal, made: Decimal, place: str = "") -> Check:
    where = f"{place}: " if place else ""
    return Check(name=name, ok=False, detail=f"{where}{plain(told)} is told, {plain(made)} is worked out")


def _sum(amounts: Iterable[Amount | None]) -> Decimal:
    return sum((_value(one) for one in amounts), _NOTHING)


def _value(told: Amount | None) -> Decimal:
    return told.value if told is not None else _NOTHING
