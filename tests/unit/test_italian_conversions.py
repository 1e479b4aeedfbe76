"""Invoices between EN 16931 and FatturaPA: what is asked for, what is told otherwise, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from nostro.formats.carried import lost
from nostro.formats.catalogue import tell
from nostro.formats.einvoice import convert
from nostro.formats.writing import Order, written
from nostro.model.failures import FormatRefused
from nostro.model.invoices import (
    AllowanceCharge,
    Identifier,
    Invoice,
    InvoiceContent,
    Note,
    PaymentMeans,
    Price,
    Quantity,
    TaxCategory,
    Totals,
    Withholding,
)
from nostro.model.parties import Address
from tests.unit.einvoices import BUYER, HERE, ITALIAN, SELLER, STANDARD, eur, line

AT = datetime(2026, 11, 28, 10, tzinfo=UTC)
TOLD = {"transmission": "7", "tax-regime": "RF01"}
WHERE = Address(street="Rue 1", postcode="75001", town="Paris", country="FR")
EXEMPT = TaxCategory(category="E", rate=Decimal(0), exemption_reason="Article 13")
PLAIN = Invoice(
    number="INV-17", issue_date=AT.date(), type_code="380", currency="EUR", profile="urn:cen.eu:en16931:2017",
    seller=SELLER.model_copy(update={"address": WHERE}), due_date=AT.date(), lines=(line(1), line(2)),
    buyer=BUYER.model_copy(update={"address": WHERE, "vat_id": "FR32123456789"}), source=HERE,
)  # fmt: skip


def made(to: str, invoice: InvoiceContent, **told: str) -> tuple[InvoiceContent, list[str]]:
    said: list[str] = []
    order = Order(AT, said.append, told={name.replace("_", "-"): value for name, value in told.items()})
    content = b"".join(written(to, [invoice], order))
    [again] = [item for told in tell(lambda: iter((content,))) for item in told.items]
    assert isinstance(again, InvoiceContent)
    return again, said


def italian(invoice: InvoiceContent = PLAIN, **told: str) -> tuple[InvoiceContent, list[str]]:
    return made("fatturapa", invoice, **{**TOLD, **told})


def received(invoice: InvoiceContent = ITALIAN, **changes: object) -> InvoiceContent:
    """An Italian invoice as it is read."""
    content = convert(invoice.model_copy(update=changes), "fatturapa").content
    [again] = [item for told in tell(lambda: iter((content,))) for item in told.items]
    assert isinstance(again, InvoiceContent)
    return again


@pytest.mark.parametrize("to", ["ubl", "cii"])
def test_an_italian_invoice_keeps_the_rules_of_en_16931_when_the_terms_are_told(to: str) -> None:
    with pytest.raises(FormatRefused, match=r"terms \(when it is to be paid"):
        made(to, received())
    again, _ = made(to, received(), terms="30 days")
    assert (again.number, again.totals.payable, again.payment_terms) == ("FPR 17/26", eur("122.00"), "30 days")


@pytest.mark.parametrize("to", ["ubl", "cii"])
def test_what_italians_say_of_lines_is_told_in_the_words_of_the_standard(to: str) -> None:
    rebate = AllowanceCharge(percentage=Decimal(10))
    discounted = line(1, tax=TaxCategory(category="S", rate=Decimal(22))).model_copy(
        update={"allowances_charges": (rebate,), "amount": eur("90.00"),
                "classifications": (Identifier(value="A-1", scheme="OWN"),)}
    )  # fmt: skip
    given = line(2, quantity="1", price="-5.00", tax=TaxCategory(category="S", rate=Decimal(22))).model_copy(
        update={"quantity": None}
    )
    again, said = made(to, received(lines=(discounted, given)), terms="30 days")
    first, second = again.lines
    [allowance] = first.allowances_charges
    assert (allowance.amount, allowance.reason, first.amount) == (eur("10.00"), "Sconto", eur("90.00"))
    assert [(one.name, one.value) for one in first.attributes] == [("OWN", "A-1")]
    assert (second.quantity, second.price) == (Quantity(value=Decimal(-1), unit="C62"), Price(net=eur("5.00")))
    assert again.totals.payable == eur("103.70")
    assert any("pieces (C62)" in one for one in said)


def test_the_reason_why_nothing_is_taxed_keeps_its_natura() -> None:
    tax = TaxCategory(category="E", rate=Decimal(0), exemption_code="N4", exemption_reason="art. 10")
    again, said = made("ubl", received(lines=(line(1, tax=tax),)), terms="30 days")
    assert again.tax_breakdown[0].tax.exemption_reason.startswith("N4")
    assert any("exemption_code could not be carried" in one for one in said)


def test_what_changes_the_amount_to_pay_and_has_no_term_is_refused() -> None:
    withheld = (Withholding(kind="RT01", amount=eur("20.00"), rate=Decimal(20), reason="A"),)
    with pytest.raises(FormatRefused, match="tax that the buyer withholds"):
        made("ubl", received(withholdings=withheld), terms="30 days")


def test_all_that_italy_asks_for_is_asked_for_at_once() -> None:
    bare = PLAIN.model_copy(update={"type_code": "326", "lines": (line(1, tax=EXEMPT),),
                                    "buyer": PLAIN.buyer.model_copy(update={"vat_id": "", "tax_id": ""})})  # fmt: skip
    with pytest.raises(FormatRefused, match=r"transmission \(.*tax-regime \(.*buyer-tax-id \(.*natura.*document-type"):
        made("fatturapa", bare)
    again, _ = italian(bare, buyer_tax_id="IT09876543210", natura="N4", document_type="TD06")
    assert (again.buyer.vat_id, again.others["TipoDocumento"]) == ("IT09876543210", "TD06")
    assert [one.tax.exemption_code for one in again.tax_breakdown] == ["N4"]


def test_a_buyer_abroad_has_the_recipient_code_of_those_abroad() -> None:
    assert italian()[0].buyer.electronic_address == Identifier(value="XXXXXXX", scheme="0205")
    assert italian(recipient="ABC1234")[0].buyer.electronic_address == Identifier(value="ABC1234", scheme="0205")


def test_allowances_and_charges_become_lines_and_units_and_never_change_their_sign() -> None:
    whole = (
        AllowanceCharge(amount=eur("0.40"), reason="Rebate", reason_code="95", tax=STANDARD),
        AllowanceCharge(charge=True, amount=eur("3.00"), reason="Freight", tax=STANDARD),
    )
    own = AllowanceCharge(amount=eur("10.00"), reason="Sample")
    first = line(7).model_copy(update={"line_id": "A", "amount": eur("90.00"), "allowances_charges": (own,)})
    by_ten = line(8, "20", "50.00").model_copy(
        update={"amount": eur("100.00"), "price": Price(net=eur("50.00"), base=Quantity(value=Decimal(10), unit="H87"))}
    )
    again, said = italian(PLAIN.model_copy(update={"lines": (first, by_ten), "allowances_charges": whole}))
    assert [(one.line_id, one.amount) for one in again.lines] == [
        ("1", eur("90.00")), ("2", eur("100.00")), ("3", eur("-0.40")), ("4", eur("3.00")),
    ]  # fmt: skip
    assert again.allowances_charges == ()
    assert again.totals.payable == eur("231.12")
    assert any("allowances_charges" in one for one in said)


def test_what_was_paid_before_is_kept_in_the_amount_to_pay() -> None:
    paid = PLAIN.model_copy(update={"totals": Totals(paid=eur("100.00"))})
    with pytest.raises(FormatRefused, match="payment-means"):
        italian(paid)
    assert italian(paid, payment_means="MP05")[0].totals.payable == eur("140.00")


def test_letters_that_the_schema_refuses_are_spelt_otherwise() -> None:
    told = PLAIN.model_copy(update={"notes": (Note(text="Żółć – 5 €"),), "payment_means": (PaymentMeans(code="30"),)})
    again, said = italian(told)
    assert again.notes == (Note(text="Zólc - 5 EUR"),)
    assert "notes[1].text could not be carried." in said


@pytest.mark.parametrize("to", ["ubl", "cii", "fatturapa"])
def test_of_several_invoices_of_a_file_one_is_named(to: str) -> None:
    other = PLAIN.model_copy(update={"number": "INV-18"})
    with pytest.raises(FormatRefused, match="INV-17, INV-18") as refused:
        b"".join(written(to, [PLAIN, other], Order(AT, print, told=TOLD)))
    assert "--with number=" in refused.value.remedy
    content = b"".join(written(to, [PLAIN, other], Order(AT, lambda _: None, told={**TOLD, "number": "INV-18"})))
    assert b"INV-18" in content


def test_what_breaks_a_rule_of_en_16931_never_leaves() -> None:
    wrong = PLAIN.model_copy(update={"lines": (line(1, tax=TaxCategory(category="E", rate=Decimal(0))),)})
    with pytest.raises(FormatRefused, match="BR-E-10"):
        made("ubl", wrong)


def test_a_zero_that_became_something_is_no_silence() -> None:
    assert [one.field for one in lost(Totals(payable=eur("0.00")), Totals(payable=eur("7.00")))] == ["payable.value"]
