"""Invoices and credit notes, with the business terms (BT) and groups (BG) of EN 16931-1:2017 (+A1:2019).

Amounts are signed and exactly as told: a returned bottle is a negative line, and a credit note's amounts are positive.
What EN 16931 has no term for (instalments, withholding, stamp duty) is named after the format that tells it.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal, Self

from pydantic import PrivateAttr

from nostro.model.base import Value
from nostro.model.money import Amount, PlainDecimal
from nostro.model.parties import Address, BankAccount
from nostro.model.statements import Check, Source

ReferenceKind = Literal[
    "purchase_order",  # BT-13
    "sales_order",  # BT-14
    "receiving_advice",  # BT-15
    "despatch_advice",  # BT-16
    "tender",  # BT-17
    "invoiced_object",  # BT-18
    "contract",  # BT-12
    "project",  # BT-11
    "preceding_invoice",  # BG-3: BT-25, BT-26
    "framework",  # FatturaPA DatiConvenzione
]


class Identifier(Value):
    """An identifier with its scheme (ISO/IEC 6523 ICD, EAS, UNTDID 7143...), where one is told."""

    value: str
    scheme: str = ""
    version: str = ""


class Quantity(Value):
    """How many of which unit (UN/ECE Recommendation 20 and 21 codes, or the seller's own words)."""

    value: PlainDecimal
    unit: str = ""


class Period(Value):
    """First and last day, both included (BG-14, BG-26). `code` says what the tax point hangs on (BT-8)."""

    start: date | None = None
    end: date | None = None
    code: str = ""


class Contact(Value):
    """BG-6, BG-9: name or department, telephone, e-mail."""

    name: str = ""
    department: str = ""
    telephone: str = ""
    email: str = ""


class InvoiceParty(Value):
    """Seller (BG-4), buyer (BG-7), payee (BG-10), tax representative (BG-11), in this order below."""

    name: str = ""  # BT-27, BT-44, BT-59, BT-62
    trading_name: str = ""  # BT-28, BT-45
    ids: tuple[Identifier, ...] = ()  # BT-29, BT-46, BT-60
    registration: Identifier | None = None  # BT-30, BT-47, BT-61
    vat_id: str = ""  # BT-31, BT-48, BT-63
    tax_id: str = ""  # BT-32; FatturaPA CodiceFiscale
    legal_form: str = ""  # BT-33
    electronic_address: Identifier | None = None  # BT-34, BT-49
    address: Address | None = None  # BG-5, BG-8, BG-12
    contact: Contact | None = None  # BG-6, BG-9
    tax_regime: str = ""  # FatturaPA RegimeFiscale
    others: dict[str, str] = {}


class Delivery(Value):
    """BG-13: to whom (BT-70), where (BT-71, BG-15) and when (BT-72)."""

    name: str = ""
    location: Identifier | None = None
    on: date | None = None
    address: Address | None = None


class DocumentReference(Value):
    """Another document: its number, day, the invoice lines that it is about (none: all), and codes such as CIG, CUP."""

    kind: ReferenceKind
    number: str = ""
    on: date | None = None
    scheme: str = ""
    name: str = ""
    lines: tuple[str, ...] = ()
    codes: dict[str, str] = {}


class Note(Value):
    """BG-1: text (BT-22) and the code of its subject (BT-21, UNTDID 4451)."""

    text: str = ""
    subject: str = ""


class Attachment(Value):
    """BG-24: a supporting document. Its bytes are beside it (`content`), never in JSON."""

    reference: str = ""  # BT-122
    description: str = ""  # BT-123
    uri: str = ""  # BT-124
    name: str = ""  # BT-125-2
    mime: str = ""  # BT-125-1
    size: int = 0
    type_code: str = ""
    _content: bytes = PrivateAttr(default=b"")

    @property
    def content(self) -> bytes:
        """The attached bytes (BT-125); empty when there are none or when they were not kept."""
        return self._content

    def holding(self, content: bytes) -> Self:
        """The same attachment with its bytes."""
        made = type(self)(**{**self.__dict__, "size": len(content)})
        made._content = content  # noqa: SLF001 - its own
        return made


class TaxCategory(Value):
    """Category (UNTDID 5305: S, Z, E, AE, K, G, O, L, M) and rate in percent; `type` is VAT unless told otherwise.

    `exemption_code`: BT-121 (VATEX), or FatturaPA's Natura (N1 to N7). `jurisdiction`: who levies it (ISO 3166-1, or -2
    for a state or county) where that isn't the country of the seller's VAT identifier (BT-31) or of the tax
    representative's (BT-63).
    """

    category: str = ""  # BT-95, BT-102, BT-118, BT-151
    rate: PlainDecimal | None = None  # BT-96, BT-103, BT-119, BT-152
    type: str = "VAT"
    exemption_reason: str = ""  # BT-120
    exemption_code: str = ""  # BT-121
    jurisdiction: str = ""


class AllowanceCharge(Value):
    """An allowance (BG-20, BG-27) or a charge (BG-21, BG-28); its amount is without a sign for its direction."""

    charge: bool = False
    amount: Amount | None = None  # BT-92, BT-99, BT-136, BT-141
    base: Amount | None = None  # BT-93, BT-100, BT-137, BT-142
    percentage: PlainDecimal | None = None  # BT-94, BT-101, BT-138, BT-143
    reason: str = ""  # BT-97, BT-104, BT-139, BT-144
    reason_code: str = ""  # BT-98, BT-105, BT-140, BT-145; FatturaPA TipoCassa
    tax: TaxCategory | None = None


class Price(Value):
    """BG-29. The net price may have any number of digits; `base` is the quantity that it is for (BT-149, BT-150)."""

    net: Amount | None = None  # BT-146
    discount: Amount | None = None  # BT-147
    gross: Amount | None = None  # BT-148
    base: Quantity | None = None


class Attribute(Value):
    """BG-32: a name (BT-160) and value (BT-161) of what is sold."""

    name: str = ""
    value: str = ""


class InvoiceLine(Value):
    """BG-25. `parent` and `purpose` (GROUP, DETAIL, INFORMATION) are those of CII's EXTENDED sub lines.

    The amounts of a GROUP and of INFORMATION count in no total: other lines tell them. UBL's sub lines (BG-DEX-01)
    follow the line that they explain, as INFORMATION whose `parent` is that line's number.
    """

    line_id: str = ""  # BT-126
    note: str = ""  # BT-127
    object_id: Identifier | None = None  # BT-128
    quantity: Quantity | None = None  # BT-129, BT-130
    amount: Amount | None = None  # BT-131
    order_line: str = ""  # BT-132
    accounting: str = ""  # BT-133
    period: Period | None = None  # BG-26
    allowances_charges: tuple[AllowanceCharge, ...] = ()  # BG-27, BG-28
    price: Price | None = None  # BG-29
    tax: TaxCategory | None = None  # BG-30
    name: str = ""  # BT-153
    description: str = ""  # BT-154
    seller_id: str = ""  # BT-155
    buyer_id: str = ""  # BT-156
    standard_id: Identifier | None = None  # BT-157
    classifications: tuple[Identifier, ...] = ()  # BT-158
    origin: str = ""  # BT-159
    attributes: tuple[Attribute, ...] = ()  # BG-32
    withheld: bool | None = None  # FatturaPA Ritenuta
    parent: str = ""
    purpose: str = ""
    others: dict[str, str] = {}
    source: Source | None = None


class TaxBreakdown(Value):
    """BG-23: one category and rate. `chargeability` is FatturaPA's EsigibilitaIVA (I, D, S: split payment)."""

    taxable: Amount | None = None  # BT-116
    amount: Amount | None = None  # BT-117
    tax: TaxCategory = TaxCategory()  # BT-118 to BT-121
    rounding: Amount | None = None  # FatturaPA Arrotondamento
    chargeability: str = ""


class Totals(Value):
    """BG-22. What a format does not tell is None; FatturaPA's are summed from its DatiRiepilogo."""

    lines: Amount | None = None  # BT-106
    allowances: Amount | None = None  # BT-107
    charges: Amount | None = None  # BT-108
    without_tax: Amount | None = None  # BT-109
    tax: Amount | None = None  # BT-110
    tax_in_tax_currency: Amount | None = None  # BT-111
    with_tax: Amount | None = None  # BT-112
    paid: Amount | None = None  # BT-113
    rounding: Amount | None = None  # BT-114
    payable: Amount | None = None  # BT-115


class PaymentMeans(Value):
    """BG-16 to BG-18: how to pay. `code`: UNTDID 4461 (BT-81); FatturaPA's own is in `national`."""

    code: str = ""
    text: str = ""  # BT-82
    account: BankAccount | None = None  # BG-17: BT-84, BT-85, BT-86
    card_number: str = ""  # BT-87
    card_holder: str = ""  # BT-88
    national: str = ""


class DirectDebit(Value):
    """BG-19: the mandate (BT-89), the creditor's identifier (BT-90) and the account that is debited (BT-91)."""

    mandate_id: str = ""
    creditor_id: str = ""
    debtor_account: BankAccount | None = None


class Instalment(Value):
    """A part that is due on a day, or a discount for paying before it (CII EXTENDED, FatturaPA, UBL PaymentTerms)."""

    due: date | None = None
    amount: Amount | None = None
    text: str = ""
    discount_percentage: PlainDecimal | None = None  # BT-20 (XRechnung: PROZENT)
    discount_until: date | None = None
    discount_amount: Amount | None = None
    days: int | None = None
    discount_days: int | None = None  # BT-20 (TAGE), from the invoice's day
    discount_base: Amount | None = None  # BT-20 (BASISBETRAG); without it, the amount due

    @property
    def is_discount(self) -> bool:
        """Whether it says nothing to pay: it stands beside the payment that it is given for."""
        about = (self.discount_percentage, self.discount_until, self.discount_amount, self.discount_days)
        return (self.due, self.amount, self.days) == (None, None, None) and any(one is not None for one in about)


class Withholding(Value):
    """Tax or a contribution that the buyer keeps and pays for the seller (FatturaPA DatiRitenuta: RT01 to RT06).

    `base`: what it is reckoned on; `jurisdiction`: to whom it goes (ISO 3166-1 or -2).
    """

    kind: str = ""
    amount: Amount | None = None
    rate: PlainDecimal | None = None
    reason: str = ""
    base: Amount | None = None
    jurisdiction: str = ""


class ThirdPartyPayment(Value):
    """BG-DEX-09 of XRechnung's extension: what the seller collects for another, beside the invoice's own total."""

    type: str = ""  # BT-DEX-001
    amount: Amount | None = None  # BT-DEX-002
    description: str = ""  # BT-DEX-003


class InvoiceContent(Value):
    """All that an invoice says; `not_read` names what it says besides (XPaths), so that nothing is lost in silence."""

    number: str = ""  # BT-1
    issue_date: date | None = None  # BT-2
    type_code: str = ""  # BT-3, UNTDID 1001
    currency: str = ""  # BT-5
    tax_currency: str = ""  # BT-6
    tax_point_date: date | None = None  # BT-7
    due_date: date | None = None  # BT-9
    buyer_reference: str = ""  # BT-10
    references: tuple[DocumentReference, ...] = ()  # BT-11 to BT-18, BG-3
    buyer_accounting: str = ""  # BT-19
    payment_terms: str = ""  # BT-20
    notes: tuple[Note, ...] = ()  # BG-1
    process: str = ""  # BT-23
    profile: str = ""  # BT-24
    seller: InvoiceParty = InvoiceParty()  # BG-4
    buyer: InvoiceParty = InvoiceParty()  # BG-7
    payee: InvoiceParty | None = None  # BG-10
    tax_representative: InvoiceParty | None = None  # BG-11
    delivery: Delivery | None = None  # BG-13
    period: Period | None = None  # BG-14, BT-8
    payment_reference: str = ""  # BT-83
    payment_means: tuple[PaymentMeans, ...] = ()  # BG-16
    direct_debit: DirectDebit | None = None  # BG-19
    instalments: tuple[Instalment, ...] = ()
    allowances_charges: tuple[AllowanceCharge, ...] = ()  # BG-20, BG-21
    totals: Totals = Totals()  # BG-22
    tax_breakdown: tuple[TaxBreakdown, ...] = ()  # BG-23
    withholdings: tuple[Withholding, ...] = ()
    third_party_payments: tuple[ThirdPartyPayment, ...] = ()  # BG-DEX-09
    stamp_duty: Amount | None = None
    attachments: tuple[Attachment, ...] = ()  # BG-24
    lines: tuple[InvoiceLine, ...] = ()  # BG-25
    others: dict[str, str] = {}
    checks: tuple[Check, ...] = ()
    not_read: tuple[str, ...] = ()
    format: str = ""
    source: Source

    @property
    def is_credit_note(self) -> bool:
        """Whether its amounts are owed to the buyer (UNTDID 1001 codes that EN 16931 takes as credit notes)."""
        return self.type_code in CREDIT_NOTES


class Invoice(InvoiceContent):
    """An invoice or credit note, as one format or another tells it."""

    kind: ClassVar[str] = "invoice"


CREDIT_NOTES = frozenset(("81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"))
