"""What an invoice must say before it is written: EN 16931's obligations (BR-*) and arithmetic, with the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from nostro.formats.einvoice.arithmetic import RULE_OF, SUB_LINES, checks_of
from nostro.formats.einvoice.sub_lines import counts
from nostro.model.failures import FormatRefused
from nostro.model.invoices import InvoiceContent
from nostro.model.money import EXPONENTS, Amount

_DECIMALS = 2


ONLY_EXTENSION = "Leave payments to third parties out: only UBL invoices of XRechnung's extension have them."


class Flaw(NamedTuple):
    """What keeps an invoice from being written."""

    field: str
    rule: str
    remedy: str

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{self.field}: breaks {self.rule}. {self.remedy}"


class _Duty(NamedTuple):
    field: str
    rule: str
    remedy: str
    met: Callable[[InvoiceContent], object]


_DUTIES = (
    _Duty("number", "BR-02", "Give the invoice its number (BT-1).", lambda told: told.number),
    _Duty("issue_date", "BR-03", "Give the issue date (BT-2).", lambda told: told.issue_date),
    _Duty("type_code", "BR-04", "Give the type code (BT-3): 380, 381...", lambda told: told.type_code),
    _Duty("currency", "BR-05", "Give a currency of ISO 4217 (BT-5).", lambda told: told.currency in EXPONENTS),
    _Duty("profile", "BR-01", "Name the specification (BT-24): urn:cen.eu:en16931:2017.", lambda told: told.profile),
    _Duty("seller.name", "BR-06", "Name the seller (BT-27).", lambda told: told.seller.name),
    _Duty("buyer.name", "BR-07", "Name the buyer (BT-44).", lambda told: told.buyer.name),
    _Duty("seller.address", "BR-08", "Give the seller's address (BG-5).", lambda told: told.seller.address),
    _Duty("seller.address.country", "BR-09", "Give the seller's country (BT-40).",
          lambda told: told.seller.address is None or told.seller.address.country),
    _Duty("buyer.ids", "UBL-SR-16", "Leave one identifier of the buyer (BT-46), unless the profile is EXTENDED.",
          lambda told: len(told.buyer.ids) <= 1 or "extended" in told.profile),
    _Duty("buyer.address", "BR-10", "Give the buyer's address (BG-8).", lambda told: told.buyer.address),
    _Duty("buyer.address.country", "BR-11", "Give the buyer's country (BT-55).",
          lambda told: told.buyer.address is None or told.buyer.address.country),
    _Duty("lines", "BR-16", "An invoice has a line at least (BG-25).", lambda told: told.lines),
    _Duty("totals.lines", "BR-12", "Give the sum of the lines (BT-106).", lambda told: told.totals.lines),
    _Duty("totals.without_tax", "BR-13", "Give the total without VAT (BT-109).", lambda told: told.totals.without_tax),
    _Duty("totals.with_tax", "BR-14", "Give the total with VAT (BT-112).", lambda told: told.totals.with_tax),
    _Duty("totals.payable", "BR-15", "Give the amount due (BT-115).", lambda told: told.totals.payable),
    _Duty("tax_breakdown", "BR-CO-18", "Give the VAT breakdown (BG-23).", lambda told: told.tax_breakdown),
    _Duty("totals.tax_in_tax_currency", "BR-53", "Give the VAT total in the accounting currency (BT-111).",
          lambda told: not told.tax_currency or told.totals.tax_in_tax_currency),
    _Duty("due_date", "BR-CO-25", "Give a due date (BT-9) or payment terms (BT-20).",
          lambda told: told.is_credit_note or told.due_date or told.payment_terms or told.instalments
          or told.totals.payable is None or told.totals.payable.value <= 0),
)  # fmt: skip


def refuse_unless_sound(invoice: InvoiceContent) -> None:
    """Raises `FormatRefused` with every flaw's field, rule and remedy."""
    refuse([*flaws(invoice), *_third_party_flaws(invoice)])


def _third_party_flaws(invoice: InvoiceContent) -> Iterator[Flaw]:
    if invoice.third_party_payments:
        yield Flaw("third_party_payments", "BR-DEX-09", ONLY_EXTENSION)


def refuse(found: list[Flaw]) -> None:
    """Raises `FormatRefused` when there are flaws."""
    if found:
        raise FormatRefused("The invoice can't be written. " + " ".join(flaw.sentence for flaw in found[:20]))


def flaws(invoice: InvoiceContent) -> Iterator[Flaw]:
    """What keeps the invoice from being written in any syntax of EN 16931."""
    for duty in _DUTIES:
        if not duty.met(invoice):
            yield Flaw(duty.field, duty.rule, duty.remedy)
    if invoice.currency in EXPONENTS:
        yield from _line_flaws(invoice)
        yield from _amount_flaws(invoice)
        yield from currency_flaws(invoice)
        yield from sum_flaws(invoice)


def sum_flaws(invoice: InvoiceContent) -> Iterator[Flaw]:
    """Sums that don't hold. How a line comes to its amount is the seller's business: EN 16931 has no rule for it."""
    for check in checks_of(invoice):
        if not check.ok and check.name not in ("line", SUB_LINES):
            yield Flaw("totals", check.name, f"Correct the amounts: {check.detail}.")


_OF_ANY_LINE = frozenset({"line_id", "amount", "name", "tax.category"})
"""What a line says even where it explains another."""


def _line_flaws(invoice: InvoiceContent) -> Iterator[Flaw]:
    taxed = {part.tax.category for part in invoice.tax_breakdown}
    for number, line in enumerate(invoice.lines, start=1):
        price = line.price.net if line.price else None
        needs = {
            "line_id": ("BR-21", line.line_id), "quantity": ("BR-22", line.quantity), "amount": ("BR-24", line.amount),
            "name": ("BR-25", line.name), "price.net": ("BR-26", price),
            "quantity.unit": ("BR-23", line.quantity is None or line.quantity.unit),
            "tax.category": ("BR-CO-04", line.tax and line.tax.category),
        }  # fmt: skip
        for field, (rule, given) in needs.items():
            if not given and (counts(line) or field in _OF_ANY_LINE):
                yield Flaw(f"lines[{number}].{field}", rule, "Every line has one: give it.")
        category = line.tax.category if line.tax else ""
        if category and category not in taxed:
            rule = f"BR-{RULE_OF.get(category, category)}-01"
            yield Flaw(f"lines[{number}].tax.category", rule, "Give it a part of the VAT breakdown (BG-23).")
        if price is not None and price.value < 0:
            yield Flaw(f"lines[{number}].price.net", "BR-27", "Make the quantity negative instead of the price.")


def _amount_flaws(invoice: InvoiceContent) -> Iterator[Flaw]:
    """BR-DEC: amounts have two decimals at most."""
    for field, told in _amounts(invoice):
        exponent = told.value.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > _DECIMALS:
            yield Flaw(field, "BR-DEC", "Round it to two decimals.")


def currency_flaws(invoice: InvoiceContent) -> Iterator[Flaw]:
    """Amounts in another currency than the invoice's; BT-111 alone is in that of accounting."""
    for field, amount in (*_amounts(invoice), *_bare_amounts(invoice)):
        if amount is not None and amount.currency != invoice.currency:
            yield Flaw(field, "BR-CL-03", f"Tell it in {invoice.currency}, the invoice's currency (BT-5).")


def _bare_amounts(invoice: InvoiceContent) -> Iterator[tuple[str, Amount | None]]:
    """Amounts that CII or FatturaPA tell without a currency: that of another one would be lost unheard."""
    for number, part in enumerate(invoice.instalments, start=1):
        names = ("amount", "discount_amount", "discount_base")
        yield from ((f"instalments[{number}].{name}", getattr(part, name)) for name in names)
    yield from (
        (f"withholdings[{number}].amount", one.amount) for number, one in enumerate(invoice.withholdings, start=1)
    )
    yield "stamp_duty", invoice.stamp_duty
    for number, one in enumerate(invoice.allowances_charges, start=1):
        yield from ((f"allowances_charges[{number}].{name}", getattr(one, name)) for name in ("amount", "base"))
    for place, line in enumerate(invoice.lines, start=1):
        if line.price is not None:
            names = ("net", "gross", "discount")
            yield from ((f"lines[{place}].price.{name}", getattr(line.price, name)) for name in names)
        for number, one in enumerate(line.allowances_charges, start=1):
            where = f"lines[{place}].allowances_charges[{number}]"
            yield from ((f"{where}.{name}", getattr(one, name)) for name in ("amount", "base"))


def _amounts(invoice: InvoiceContent) -> Iterator[tuple[str, Amount]]:
    for field, value in invoice.totals.__dict__.items():
        if isinstance(value, Amount) and field != "tax_in_tax_currency":
            yield f"totals.{field}", value
    for number, line in enumerate(invoice.lines, start=1):
        if line.amount is not None:
            yield f"lines[{number}].amount", line.amount
    for number, part in enumerate(invoice.tax_breakdown, start=1):
        for field, amount in (("taxable", part.taxable), ("amount", part.amount)):
            if amount is not None:
                yield f"tax_breakdown[{number}].{field}", amount
