"""Invoices of tests: one that says nearly everything, and small ones in each syntax."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from nostro.model.invoices import (
    AllowanceCharge,
    Attachment,
    Attribute,
    Contact,
    Delivery,
    DirectDebit,
    DocumentReference,
    Identifier,
    Invoice,
    InvoiceContent,
    InvoiceLine,
    InvoiceParty,
    Note,
    PaymentMeans,
    Period,
    Price,
    Quantity,
    TaxCategory,
)
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount
from nostro.model.statements import Source

STANDARD = TaxCategory(category="S", rate=Decimal(20))
HERE = Source(where="/")


def eur(value: str) -> Amount:
    return Amount(value=Decimal(value), currency="EUR")


def line(number: int, quantity: str = "2", price: str = "50.00", tax: TaxCategory = STANDARD) -> InvoiceLine:
    amount = (Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01"))
    return InvoiceLine(
        line_id=str(number),
        quantity=Quantity(value=Decimal(quantity), unit="H87"),
        amount=Amount(value=amount, currency="EUR"),
        name=f"Article {number}",
        price=Price(net=eur(price)),
        tax=tax,
    )


SELLER = InvoiceParty(
    name="Supplier 017 GmbH",
    trading_name="Supplier 017",
    ids=(Identifier(value="4000001123452", scheme="0088"),),
    registration=Identifier(value="HRB 12345", scheme="0198"),
    vat_id="DE123456789",
    tax_id="201/113/40209",
    legal_form="Limited liability",
    electronic_address=Identifier(value="DE123456789", scheme="9930"),
    address=Address(street="Street 1", lines=("Back yard",), postcode="80333", town="Munich", country="DE"),
    contact=Contact(name="Billing desk", telephone="+49 89 000", email="billing@supplier017.example"),
)
BUYER = InvoiceParty(
    name="Customer 017 SARL",
    ids=(Identifier(value="C-017"),),
    vat_id="FR12345678901",
    electronic_address=Identifier(value="12345678900017", scheme="0009"),
    address=Address(street="Rue 2", postcode="69001", town="Lyon", region="Rhone", country="FR"),
)
RICH = Invoice(
    number="INV-2026-017",
    issue_date=date(2026, 8, 31),
    type_code="380",
    currency="EUR",
    due_date=date(2026, 9, 30),
    buyer_reference="04011000-12345-34",
    references=(
        DocumentReference(kind="purchase_order", number="PO-1"),
        DocumentReference(kind="sales_order", number="SO-1"),
        DocumentReference(kind="preceding_invoice", number="INV-2026-016", on=date(2026, 8, 1)),
        DocumentReference(kind="despatch_advice", number="DA-1"),
        DocumentReference(kind="receiving_advice", number="RA-1"),
        DocumentReference(kind="tender", number="T-1"),
        DocumentReference(kind="contract", number="C-1"),
        DocumentReference(kind="invoiced_object", number="O-1", scheme="AAB"),
        DocumentReference(kind="project", number="P-1"),
    ),
    buyer_accounting="4711",
    payment_terms="Within 30 days",
    notes=(Note(text="Thank you", subject="AAI"), Note(text="No returns")),
    process="urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
    profile="urn:cen.eu:en16931:2017",
    seller=SELLER,
    buyer=BUYER,
    payee=InvoiceParty(name="Factor 017", registration=Identifier(value="F-1")),
    tax_representative=InvoiceParty(
        name="Representative 017",
        vat_id="FR98765432109",
        address=Address(street="Rue 3", postcode="75001", town="Paris", country="FR"),
    ),
    delivery=Delivery(
        name="Warehouse",
        location=Identifier(value="4000001123469", scheme="0088"),
        on=date(2026, 8, 30),
        address=Address(street="Quai 4", postcode="69002", town="Lyon", country="FR"),
    ),
    period=Period(start=date(2026, 8, 1), end=date(2026, 8, 31)),
    payment_reference="INV-2026-017",
    payment_means=(
        PaymentMeans(
            code="58", text="SEPA", account=BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX", owner="S017")
        ),
    ),
    allowances_charges=(
        AllowanceCharge(
            amount=eur("10.00"),
            base=eur("100.00"),
            percentage=Decimal(10),
            reason="Loyal",
            reason_code="95",
            tax=STANDARD,
        ),
        AllowanceCharge(charge=True, amount=eur("5.00"), reason="Freight", reason_code="FC", tax=STANDARD),
    ),
    attachments=(
        Attachment(reference="A-1", description="Timesheet", mime="text/csv", name="t.csv").holding(b"day,hours\n"),
        Attachment(reference="A-2", description="Terms", uri="https://supplier017.example/terms.pdf"),
    ),
    lines=(
        line(1).model_copy(
            update={
                "note": "Handle with care",
                "object_id": Identifier(value="M-1", scheme="AAB"),
                "order_line": "1",
                "accounting": "4711-1",
                "period": Period(start=date(2026, 8, 1), end=date(2026, 8, 15)),
                "allowances_charges": (
                    AllowanceCharge(amount=eur("1.00"), reason="Bent", reason_code="95"),
                    AllowanceCharge(charge=True, amount=eur("1.00"), reason="Packed", reason_code="PC"),
                ),
                "price": Price(
                    net=eur("50.00"),
                    discount=eur("5.00"),
                    gross=eur("55.00"),
                    base=Quantity(value=Decimal(1), unit="H87"),
                ),
                "description": "A long one",
                "seller_id": "S-1",
                "buyer_id": "B-1",
                "standard_id": Identifier(value="4012345001235", scheme="0160"),
                "classifications": (Identifier(value="12345678", scheme="HS"), Identifier(value="43", scheme="STI")),
                "origin": "DE",
                "attributes": (Attribute(name="Colour", value="red"), Attribute(name="Size", value="L")),
            }
        ),
        line(2, "-1", "20.00"),
    ),
    source=HERE,
)
DEBITED = RICH.model_copy(
    update={
        "payment_means": (PaymentMeans(code="59"),),
        "direct_debit": DirectDebit(
            mandate_id="M-017",
            creditor_id="DE98ZZZ09999999999",
            debtor_account=BankAccount(iban="FR7630006000011234567890189"),
        ),
    }
)
ITALIAN = Invoice(
    number="FPR 17/26",
    issue_date=date(2026, 8, 31),
    type_code="380",
    currency="EUR",
    seller=InvoiceParty(
        name="Fornitore 017 SRL",
        vat_id="IT01234567890",
        tax_regime="RF01",
        address=Address(street="Via 1", postcode="00145", town="Roma", region="RM", country="IT"),
    ),
    buyer=InvoiceParty(
        name="Cliente 017 SPA",
        vat_id="IT09876543210",
        electronic_address=Identifier(value="ABC1234", scheme="0205"),
        address=Address(street="Via 2", postcode="20100", town="Milano", region="MI", country="IT"),
    ),
    lines=(line(1, tax=TaxCategory(category="S", rate=Decimal("22.00"))),),
    others={"ProgressivoInvio": "00017"},
    source=HERE,
)


def same(told: InvoiceContent, again: object) -> bool:
    """Whether two readings say the same; where it stands and how it was checked is another matter."""
    return isinstance(again, InvoiceContent) and _plain(told) == _plain(again)


def _plain(told: InvoiceContent) -> InvoiceContent:
    lines = tuple(one.model_copy(update={"source": None}) for one in told.lines)
    references = tuple(sorted(told.references, key=lambda one: (one.kind, one.number)))
    about = {"checks": (), "source": HERE, "format": "", "not_read": (), "lines": lines, "references": references}
    return told.model_copy(update=about)
