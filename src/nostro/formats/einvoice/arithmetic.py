"""The arithmetic of EN 16931 (BR-CO-10 to BR-CO-17, BR-*-08) and of its lines: told beside an invoice, and computed.

What can't be worked out because an amount is not told is not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Context, Decimal

from nostro.formats.einvoice.sub_lines import counts, unequal
from nostro.model.invoices import AllowanceCharge, InvoiceContent, InvoiceLine, Price, TaxBreakdown, TaxCategory
from nostro.model.money import EXPONENTS, Amount, plain
from nostro.model.statements import Check

_NOTHING = Decimal(0)
_HUNDRED = Decimal(100)
_EXACT = Context(prec=100, rounding=ROUND_HALF_UP)
"""Room for every number that is read."""
_TAX_SLACK = Decimal(1)
"""EN 16931's Schematron lets the tax of a category differ by less than one whole unit (BR-CO-17)."""
_LINE_SLACK = Decimal("0.02")
"""As Peppol's PEPPOL-EN16931-R120 and XRechnung allow."""
_LOCATED = 100
SUB_LINES = "BR-DEX-02"
"""XRechnung's extension only advises that sub lines sum to their line."""
_CATEGORIES = frozenset({"S", "Z", "E", "AE", "K", "G", "O", "L", "M"})
"""Those that EN 16931 has a rule BR-*-08 for; other standards have others."""
RULE_OF = {"K": "IC", "L": "IG", "M": "IP"}
"""What the rules about a category are called, where that isn't the category's own letter."""


def checks_of(invoice: InvoiceContent) -> Iterator[Check]:
    """The document's sums, held or not; lines and categories only where they don't hold."""
    yield from _sum_checks(invoice)
    yield from _tax_checks(invoice)
    yield from _category_checks(invoice)
    yield from first(_line_checks(invoice))


def rounded(value: Decimal, currency: str) -> Decimal:
    """Half up, to the currency's digits: two at least, as the standard counts."""
    # Adding nothing turns a negative zero into zero.
    return _EXACT.quantize(value, Decimal(1).scaleb(-max(2, EXPONENTS.get(currency, 2)))) + _NOTHING


def _sum_checks(invoice: InvoiceContent) -> Iterator[Check]:
    told = invoice.totals
    for field, amount in told:
        if isinstance(amount, Amount) and field != "tax_in_tax_currency" and amount.currency != invoice.currency:
            detail = f"{field} is told in {amount.currency}, the invoice in {invoice.currency}"
            yield Check(name="currency", ok=False, detail=detail)
    lines, allowances, charges = _value(told.lines), _value(told.allowances), _value(told.charges)
    if any(line.amount is not None for line in invoice.lines):
        yield from _equal("BR-CO-10", told.lines, sum_of_lines(invoice.lines))
    yield from _equal("BR-CO-11", told.allowances, _sum(one.amount for one in _allowances(invoice, charge=False)))
    yield from _equal("BR-CO-12", told.charges, _sum(one.amount for one in _allowances(invoice, charge=True)))
    if told.lines is not None:
        yield from _equal("BR-CO-13", told.without_tax, lines - allowances + charges)
    if invoice.tax_breakdown:
        yield from _equal("BR-CO-14", told.tax, _sum(one.amount for one in invoice.tax_breakdown))
    if told.without_tax is not None:
        yield from _equal("BR-CO-15", told.with_tax, _value(told.without_tax) + _value(told.tax))
    # Factur-X MINIMUM tells what is due without telling what was paid before.
    if told.with_tax is not None and (invoice.lines or invoice.tax_breakdown or told.paid is not None):
        withheld = _sum(one.amount for one in invoice.withholdings)
        payable = _value(told.with_tax) - _value(told.paid) + _value(told.rounding)
        others = third_party_sum(invoice)
        yield from _equal("BR-CO-16", told.payable, payable + others, payable + others - withheld)
    for line, made in unequal(invoice):
        yield _failed(SUB_LINES, _value(line.amount), made, f"line {line.line_id}")


def _tax_checks(invoice: InvoiceContent) -> Iterator[Check]:
    for number, part in enumerate(invoice.tax_breakdown, start=1):
        if part.taxable is None or part.amount is None or part.tax.rate is None:
            continue
        worked_out = rounded(part.taxable.value * part.tax.rate / _HUNDRED, invoice.currency)
        if abs(worked_out - part.amount.value) >= _TAX_SLACK:
            yield _failed("BR-CO-17", part.amount.value, worked_out, f"tax breakdown {number}")


def _category_checks(invoice: InvoiceContent) -> Iterator[Check]:
    if not invoice.lines or any(line.tax is None for line in invoice.lines):
        return
    sums = taxable_sums(invoice)
    told: dict[tuple[str, str, Decimal], Decimal] = {}
    for part in invoice.tax_breakdown:
        if part.taxable is not None and part.tax.category:
            told[_key(part.tax)] = told.get(_key(part.tax), _NOTHING) + part.taxable.value
    for key, value in told.items():
        worked_out = rounded(sums.get(key, _NOTHING), invoice.currency)
        if abs(worked_out - value) >= _TAX_SLACK:
            rule = f"BR-{RULE_OF.get(key[1], key[1])}-08" if key[1] in _CATEGORIES else "category"
            yield _failed(rule, value, worked_out, f"category {key[1]}")


def taxable_sums(invoice: InvoiceContent) -> dict[tuple[str, str, Decimal], Decimal]:
    """What is taxed, by type, category and rate: lines, less allowances, plus charges."""
    sums: dict[tuple[str, str, Decimal], Decimal] = {}
    for line in invoice.lines:
        if line.tax is not None and counts(line):
            sums[_key(line.tax)] = sums.get(_key(line.tax), _NOTHING) + _value(line.amount)
    for one in invoice.allowances_charges:
        if one.tax is not None:
            value = _value(one.amount) if one.charge else -_value(one.amount)
            sums[_key(one.tax)] = sums.get(_key(one.tax), _NOTHING) + value
    return sums


def _key(tax: TaxCategory) -> tuple[str, str, Decimal]:
    return tax.type, tax.category, tax.rate if tax.rate is not None else _NOTHING


def _line_checks(invoice: InvoiceContent) -> Iterator[Check]:
    for line in invoice.lines:
        price = line.price
        if line.amount is None or line.quantity is None or price is None or price.net is None:
            continue
        worked_out = rounded(_worth(line, line.quantity.value, price.net.value), line.amount.currency)
        if abs(worked_out - line.amount.value) > _LINE_SLACK and counts(line):
            place = line.source.where if line.source else f"line {line.line_id}"
            yield _failed("line", line.amount.value, worked_out, place)


def _worth(line: InvoiceLine, quantity: Decimal, price: Decimal) -> Decimal:
    base = line.price.base.value if line.price and line.price.base and line.price.base.value else Decimal(1)
    extra = sum((_signed(one) for one in line.allowances_charges), _NOTHING)
    return quantity * price / base + extra


def first(checks: Iterator[Check]) -> Iterator[Check]:
    """At most so many: a document whose every line is wrong needs no thousand sentences."""
    for count, check in enumerate(checks):
        if count == _LOCATED:
            return
        yield check


def _equal(name: str, told: Amount | None, *possible: Decimal) -> Iterator[Check]:
    if told is None:
        return
    values = [rounded(one, told.currency) for one in possible]
    ok = rounded(told.value, told.currency) in values
    yield Check(name=name, ok=True) if ok else _failed(name, told.value, values[0])


def _failed(name: str, told: Decimal, worked_out: Decimal, place: str = "") -> Check:
    where = f"{place}: " if place else ""
    return Check(name=name, ok=False, detail=f"{where}{plain(told)} is told, {plain(worked_out)} is worked out")


def _allowances(invoice: InvoiceContent, *, charge: bool) -> list[AllowanceCharge]:
    return [one for one in invoice.allowances_charges if one.charge is charge]


def sum_of_lines(lines: Iterable[InvoiceLine]) -> Decimal:
    """BT-106."""
    return _sum(line.amount for line in lines if counts(line))


def third_party_sum(invoice: InvoiceContent) -> Decimal:
    """What XRechnung's extension adds to the amount due (BR-DEX-09)."""
    return _sum(one.amount for one in invoice.third_party_payments)


def _sum(amounts: Iterable[Amount | None]) -> Decimal:
    return sum((_value(one) for one in amounts), _NOTHING)


def _value(told: Amount | None) -> Decimal:
    return told.value if told is not None else _NOTHING


def _signed(one: AllowanceCharge) -> Decimal:
    return _value(one.amount) if one.charge else -_value(one.amount)


# computing what is not told


def summed(invoice: InvoiceContent) -> InvoiceContent:
    """The invoice with the breakdown and totals that it does not tell worked out; what it tells stays.

    Without a currency of ISO 4217 nothing is worked out: writers refuse it.
    """
    if invoice.currency not in EXPONENTS:
        return invoice
    breakdown = invoice.tax_breakdown or tuple(_breakdown(invoice))
    told = invoice.totals
    made = {name: getattr(told, name) or value for name, value in _worked_out(invoice, breakdown).items()}
    return invoice.model_copy(update={"tax_breakdown": breakdown, "totals": told.model_copy(update=made)})


def _breakdown(invoice: InvoiceContent) -> Iterator[TaxBreakdown]:
    taxed: list[InvoiceLine | AllowanceCharge] = [*invoice.lines, *invoice.allowances_charges]
    reasons = {_key(one.tax): one.tax for one in taxed if one.tax is not None}
    for key, taxable in taxable_sums(invoice).items():
        tax = rounded(taxable * key[2] / _HUNDRED, invoice.currency)
        amounts = [Amount(value=value, currency=invoice.currency) for value in (taxable, tax)]
        yield TaxBreakdown(taxable=amounts[0], amount=amounts[1], tax=reasons[key])


def _worked_out(invoice: InvoiceContent, breakdown: tuple[TaxBreakdown, ...]) -> dict[str, Amount | None]:
    told = invoice.totals
    lines = told.lines.value if told.lines else sum_of_lines(invoice.lines)
    allowances = _sum(one.amount for one in _allowances(invoice, charge=False))
    charges = _sum(one.amount for one in _allowances(invoice, charge=True))
    without_tax = told.without_tax.value if told.without_tax else lines - allowances + charges
    tax = told.tax.value if told.tax else _sum(one.amount for one in breakdown)
    with_tax = told.with_tax.value if told.with_tax else without_tax + tax
    payable = with_tax - _value(told.paid) + _value(told.rounding) + third_party_sum(invoice)
    values = {"lines": lines, "without_tax": without_tax, "tax": tax, "with_tax": with_tax, "payable": payable}
    values |= {"allowances": allowances} if allowances else {}
    values |= {"charges": charges} if charges else {}
    return {name: Amount(value=value, currency=invoice.currency) for name, value in values.items()}


def with_whole_prices(invoice: InvoiceContent) -> InvoiceContent:
    """The invoice with gross price and discount both told where one is: BT-146 = BT-148 - BT-147."""
    lines = tuple(line.model_copy(update={"price": _whole(line.price)}) for line in invoice.lines)
    return invoice.model_copy(update={"lines": lines})


def _whole(price: Price | None) -> Price | None:
    if price is None or price.net is None or (price.gross is None) == (price.discount is None):
        return price
    net = price.net
    if price.gross is not None:
        discount = Amount(value=price.gross.value - net.value, currency=net.currency)
        return price.model_copy(update={"discount": discount})
    return price.model_copy(update={"gross": Amount(value=net.value + _value(price.discount), currency=net.currency)})
