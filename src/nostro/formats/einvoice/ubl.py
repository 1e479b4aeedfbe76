"""UBL 2.1 `Invoice`, `CreditNote` and `DebitNote`, read and written by one table.

EN 16931-3-2; Peppol BIS Billing 3; XRechnung. An envelope around the document (SBDH) is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from lxml import etree

from nostro.formats.einvoice import ubl_parts as parts
from nostro.formats.einvoice.arithmetic import summed, with_whole_prices
from nostro.formats.einvoice.document import (
    NO_CURRENCY,
    currency_in,
    invoice_of,
    read_invoices,
    within,
)
from nostro.formats.einvoice.forms import CODE, DAY, TEXT
from nostro.formats.einvoice.mapping import (
    Group,
    Leaf,
    Part,
    Reading,
    Shape,
    Writing,
    ignored,
    only_read,
    write_shape,
)
from nostro.formats.einvoice.paths import where_of
from nostro.formats.einvoice.strict import flaws, refuse
from nostro.formats.einvoice.sub_lines import fitted
from nostro.formats.einvoice.ubl_extension import THIRD_PARTY_PAYMENTS, lines_of, payment_flaws
from nostro.formats.einvoice.ubl_money import ORDER, PAYMENT, TOTALS, with_creditor_id
from nostro.formats.xml import Element, line_of, local
from nostro.model.invoices import Invoice, InvoiceContent
from nostro.model.statements import Reject

_NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:"
_CAC, _CBC = f"{_NAMESPACE}CommonAggregateComponents-2", f"{_NAMESPACE}CommonBasicComponents-2"
ROOTS = ("Invoice", "CreditNote", "DebitNote", "SelfBilledInvoice", "SelfBilledCreditNote")
_LINES = {
    "Invoice": ("InvoiceLine", "InvoicedQuantity"),
    "CreditNote": ("CreditNoteLine", "CreditedQuantity"),
    "DebitNote": ("DebitNoteLine", "DebitedQuantity"),
    "SelfBilledInvoice": ("InvoiceLine", "InvoicedQuantity"),
    "SelfBilledCreditNote": ("CreditNoteLine", "CreditedQuantity"),
}
_OTHERWISE = {"CreditNote": "381", "DebitNote": "383", "SelfBilledInvoice": "389", "SelfBilledCreditNote": "261"}
"""UNTDID 1001 of documents that say no type code themselves."""


def _document(field: str, path: str) -> Group:
    return Group("references", path, parts.DOCUMENT, many=True, fixed={"kind": field})


_BEGINNING: tuple[Part, ...] = (
    ignored("UBLVersionID", "LineCountNumeric"),
    Leaf("profile", "CustomizationID", TEXT),
    Leaf("process", "ProfileID", TEXT),
    Leaf("number", "ID", TEXT),
    Leaf("issue_date", "IssueDate", DAY),
)
_MIDDLE: tuple[Part, ...] = (
    Leaf("currency", "DocumentCurrencyCode", CODE),
    Leaf("tax_currency", "TaxCurrencyCode", CODE),
    Leaf("buyer_accounting", "AccountingCost", TEXT, others=("AccountingCostCode",)),
    Leaf("buyer_reference", "BuyerReference", TEXT),
    Group("period", "InvoicePeriod", parts.PERIOD),
    ORDER,
    _document("preceding_invoice", "BillingReference+/InvoiceDocumentReference"),
    _document("despatch_advice", "DespatchDocumentReference"),
    _document("receiving_advice", "ReceiptDocumentReference"),
)
_ATTACHED: tuple[Part, ...] = (
    parts.INVOICED_OBJECT,
    Group("attachments", "AdditionalDocumentReference[DocumentTypeCode!=130][DocumentTypeCode!=50]", parts.ATTACHMENT,
          many=True),
)  # fmt: skip
_TO_PAYMENT: tuple[Part, ...] = (
    Group("seller", "AccountingSupplierParty/Party", parts.PARTY),
    Group("buyer", "AccountingCustomerParty/Party", parts.PARTY),
    Group("payee", "PayeeParty", parts.PAYEE),
    Group("tax_representative", "TaxRepresentativeParty", parts.TAX_REPRESENTATIVE),
    Group("delivery", "Delivery", parts.DELIVERY),
    PAYMENT,
)
_AMOUNTS: tuple[Part, ...] = (
    Group("allowances_charges", "AllowanceCharge", parts.ALLOWANCE, many=True),
    TOTALS,
)


_NOTES = Leaf("notes", "Note", parts.note_form(), many=True)
_TAX_POINT = Leaf("tax_point_date", "TaxPointDate", DAY)


def _invoice_parts(name: str) -> tuple[Part, ...]:
    return (
        *_BEGINNING,
        Leaf("due_date", "DueDate", DAY, others=("PaymentMeans/PaymentDueDate", "PaymentTerms/PaymentDueDate")),
        Leaf("type_code", "InvoiceTypeCode", TEXT, others=(f"{name}TypeCode",)),
        _NOTES,
        _TAX_POINT,
        *_MIDDLE,
        _document("tender", "OriginatorDocumentReference"),
        _document("contract", "ContractDocumentReference"),
        *_ATTACHED,
        _document("project", "ProjectReference"),
        *_TO_PAYMENT,
        THIRD_PARTY_PAYMENTS,
        *_AMOUNTS,
        lines_of(_LINES[name][0], parts.line_shape(_LINES[name][1])),
    )


def _credit_note_parts(name: str) -> tuple[Part, ...]:
    """A credit note has no due date and no project of its own: both stand elsewhere."""
    return (
        *_BEGINNING,
        _TAX_POINT,
        Leaf("type_code", "CreditNoteTypeCode", TEXT, others=(f"{name}TypeCode",)),
        _NOTES,
        *_MIDDLE,
        _document("contract", "ContractDocumentReference"),
        *_ATTACHED,
        _document("project", "AdditionalDocumentReference[DocumentTypeCode=50]"),
        _document("tender", "OriginatorDocumentReference"),
        only_read(Leaf("due_date", "PaymentMeans/PaymentDueDate", DAY, others=("PaymentTerms/PaymentDueDate",))),
        *_TO_PAYMENT,
        *_AMOUNTS,
        lines_of(_LINES[name][0], parts.line_shape(_LINES[name][1])),
    )


SHAPES = {
    name: Shape(Invoice, _credit_note_parts(name) if "CreditNote" in name else _invoice_parts(name)) for name in ROOTS
}


def read_ubl(chunks: Iterable[bytes]) -> Iterator[Invoice | Reject]:
    """The invoices of a UBL document (one, unless an envelope holds more); a reject where its XML breaks.

    Raises `FormatRefused` when there is no UBL invoice in it.
    """
    return read_invoices(chunks, ubl_invoices)


def ubl_invoices(root: Element | None, *, whole: bool = True) -> Iterator[Invoice | Reject]:
    """The invoices in a document; one that is cut off is left to the caller's reject."""
    elements = within(root, ROOTS, "There is no UBL invoice or credit note in this XML.")
    for element in elements if whole else elements[:-1]:
        yield read_element(element)


def read_element(element: Element) -> Invoice | Reject:
    """One `Invoice`, `CreditNote` or `DebitNote`."""
    reading = Reading(currency_in(element, "DocumentCurrencyCode"))
    if not reading.currency:
        return Reject(where=where_of(element), why=NO_CURRENCY, line=line_of(element))
    told = invoice_of(reading, element, SHAPES[local(element)], f"UBL {local(element)}")
    if not told.type_code:
        return told.model_copy(update={"type_code": _OTHERWISE.get(local(element), "380")})
    return told


def write_ubl(invoice: InvoiceContent) -> bytes:
    """The invoice as UBL 2.1 `Invoice` or `CreditNote`, after its type code.

    Raises `FormatRefused` with field, rule and remedy for what EN 16931's arithmetic or obligations don't allow.
    """
    invoice = summed(with_whole_prices(fitted(invoice, "ubl")))
    refuse([*flaws(invoice), *payment_flaws(invoice)])
    name = "CreditNote" if invoice.is_credit_note else "Invoice"
    spaces = {None: f"{_NAMESPACE}{name}-2", "cac": _CAC, "cbc": _CBC}
    # The stubs don't know that None names the default namespace.
    root = etree.Element(f"{{{spaces[None]}}}{name}", nsmap=cast("dict[str, str]", spaces))
    writing = Writing(lambda step, leaf: f"{{{_CBC if leaf else _CAC}}}{step}", invoice.currency)
    write_shape(writing, root, SHAPES[name], with_creditor_id(invoice))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
