"""The arithmetic of invoices where it meets what EN 16931 does not know."""

from __future__ import annotations

from decimal import Decimal

from nostro.formats.einvoice.arithmetic import checks_of
from nostro.model.invoices import TaxBreakdown, TaxCategory, Totals
from tests.unit.einvoices import RICH, eur, line


def test_lines_without_amounts_are_not_summed() -> None:
    bare = RICH.model_copy(update={"lines": (line(1).model_copy(update={"amount": None}),)})
    told = bare.model_copy(update={"totals": Totals(lines=eur("100.00"))})
    assert "BR-CO-10" not in [check.name for check in checks_of(told)]


def test_a_category_that_en_16931_has_no_rule_for_is_checked_without_naming_one() -> None:
    rate = TaxCategory(category="StandardRated", rate=Decimal(20))
    told = RICH.model_copy(update={"lines": (line(1, tax=rate),), "allowances_charges": ()})
    part = TaxBreakdown(taxable=eur("50.00"), amount=eur("10.00"), tax=rate)
    failed = [check.name for check in checks_of(told.model_copy(update={"tax_breakdown": (part,)})) if not check.ok]
    assert failed == ["category"]
