"""UN/CEFACT Cross Industry Invoice (D16B, D22B) and ZUGFeRD 1 (D13A), read and written by one table.

EN 16931-3-3; Factur-X 1.0 / ZUGFeRD 2 in all profiles; XRechnung. An envelope around the document is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from nostro.formats.einvoice import cii_parts as parts
from nostro.formats.einvoice.arithmetic import summed, with_whole_prices
from nostro.formats.einvoice.cii_money import LOGISTICS_CHARGES, MEANS, PERIOD, TAXES, TERMS, TOTALS
from nostro.formats.einvoice.document import (
    NO_CURRENCY,
    currency_in,
    invoice_of,
    read_invoices,
    within,
)
from nostro.formats.einvoice.forms import CODE, DAY_102, TEXT
from nostro.formats.einvoice.mapping import (
    By,
    Fields,
    Group,
    Leaf,
    Part,
    Reading,
    Shape,
    Writing,
    ignored,
    put,
    read_parts,
    write_shape,
)
from nostro.formats.einvoice.paths import found, where_of
from nostro.formats.einvoice.strict import refuse_unless_sound
from nostro.formats.einvoice.sub_lines import fitted
from nostro.formats.xml import Element, line_of, local
from nostro.model.invoices import Delivery, Invoice, InvoiceContent
from nostro.model.statements import Reject

ROOTS = ("CrossIndustryInvoice", "CrossIndustryDocument")
_STANDARD = "urn:un:unece:uncefact:data:standard:"
_SPACES = {
    "rsm": f"{_STANDARD}CrossIndustryInvoice:100",
    "ram": f"{_STANDARD}ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_STANDARD}UnqualifiedDataType:100",
    "qdt": f"{_STANDARD}QualifiedDataType:100",
}
_ROOT_PARTS = frozenset({"ExchangedDocumentContext", "ExchangedDocument", "SupplyChainTradeTransaction"})
_DATA_TYPES = frozenset({"DateTimeString", "DateString", "Indicator"})

_TRADE = "SupplyChainTradeTransaction"
_AGREEMENT = f"{_TRADE}/ApplicableHeaderTradeAgreement"
_DELIVERY = f"{_TRADE}/ApplicableHeaderTradeDelivery"
_SETTLEMENT = f"{_TRADE}/ApplicableHeaderTradeSettlement"
_OCCURRED = f"{_DELIVERY}/ActualDeliverySupplyChainEvent/OccurrenceDateTime/DateTimeString"


def _document(kind: str, path: str, shape: Shape = parts.DOCUMENT) -> Group:
    return Group("references", path, shape, many=True, fixed={"kind": kind})


def _read_delivery(reading: Reading, element: Element, fields: Fields) -> None:
    told = read_parts(reading, element, (
        Group("to", f"{_DELIVERY}/ShipToTradeParty", parts.SHIP_TO), Leaf("on", _OCCURRED, DAY_102)))  # fmt: skip
    if told:
        fields["delivery"] = told.get("to", Delivery()).model_copy(update={"on": told.get("on")})


def _write_delivery(writing: Writing, element: Element, told: InvoiceContent) -> None:
    trade = element.find(f"{{{_SPACES['rsm']}}}{_TRADE}")
    if trade is None:  # pragma: no cover - lines and agreement are written before
        return
    # The element is obligatory, whether or not anything is delivered.
    place = writing.branch(trade, "ApplicableHeaderTradeDelivery")
    if told.delivery is None:
        return
    ship_to = writing.branch(place, "ShipToTradeParty")
    write_shape(writing, ship_to, parts.SHIP_TO, told.delivery)
    if not len(ship_to):
        place.remove(ship_to)
    if told.delivery.on:
        write_shape(writing, element, Shape(Delivery, (Leaf("on", _OCCURRED, DAY_102),)), told.delivery)


def _within(step: str, part: By) -> By:
    """A part that stands below an element of the document."""

    def read(reading: Reading, element: Element, fields: Fields) -> None:
        for place in found(element, step):
            part.read(reading, place, fields)

    def write(writing: Writing, element: Element, told: InvoiceContent) -> None:
        for place in found(element, step):
            part.write(writing, place, told)

    return By(read, write)


def _write_creditor(writing: Writing, element: Element, told: InvoiceContent) -> None:
    if told.direct_debit is not None and told.direct_debit.creditor_id:
        put(writing, element, f"{_SETTLEMENT}/CreditorReferenceID", told.direct_debit.creditor_id)


_PARTS: tuple[Part, ...] = (
    Leaf("process", "ExchangedDocumentContext/BusinessProcessSpecifiedDocumentContextParameter/ID", TEXT),
    Leaf("profile", "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID", TEXT),
    Leaf("number", "ExchangedDocument/ID", TEXT),
    ignored("ExchangedDocument/Name"),
    Leaf("type_code", "ExchangedDocument/TypeCode", TEXT),
    Leaf("issue_date", "ExchangedDocument/IssueDateTime/DateTimeString", DAY_102),
    Group("notes", "ExchangedDocument/IncludedNote", parts.NOTE, many=True),
    Group("lines", f"{_TRADE}/IncludedSupplyChainTradeLineItem", parts.LINE, many=True),
    Leaf("buyer_reference", f"{_AGREEMENT}/BuyerReference", TEXT),
    Group("seller", f"{_AGREEMENT}/SellerTradeParty", parts.PARTY),
    Group("buyer", f"{_AGREEMENT}/BuyerTradeParty", parts.PARTY),
    Group("tax_representative", f"{_AGREEMENT}/SellerTaxRepresentativeTradeParty", parts.PARTY),
    _document("sales_order", f"{_AGREEMENT}/SellerOrderReferencedDocument"),
    _document("purchase_order", f"{_AGREEMENT}/BuyerOrderReferencedDocument"),
    _document("contract", f"{_AGREEMENT}/ContractReferencedDocument"),
    _document("tender", f"{_AGREEMENT}/AdditionalReferencedDocument[TypeCode=50]", parts.TENDER),
    _document("invoiced_object", f"{_AGREEMENT}/AdditionalReferencedDocument[TypeCode=130]", parts.OBJECT),
    Group("attachments", f"{_AGREEMENT}/AdditionalReferencedDocument[TypeCode!=50][TypeCode!=130]", parts.ATTACHMENT,
          many=True),
    _document("project", f"{_AGREEMENT}/SpecifiedProcuringProject", parts.PROJECT),
    By(_read_delivery, _write_delivery),
    _document("despatch_advice", f"{_DELIVERY}/DespatchAdviceReferencedDocument"),
    _document("receiving_advice", f"{_DELIVERY}/ReceivingAdviceReferencedDocument"),
    By(lambda *_: None, _write_creditor),
    Leaf("payment_reference", f"{_SETTLEMENT}/PaymentReference", TEXT),
    Leaf("tax_currency", f"{_SETTLEMENT}/TaxCurrencyCode", CODE),
    Leaf("currency", f"{_SETTLEMENT}/InvoiceCurrencyCode", CODE),
    Group("payee", f"{_SETTLEMENT}/PayeeTradeParty", parts.PARTY),
    _within(_SETTLEMENT, MEANS),
    _within(_SETTLEMENT, TAXES),
    _within(_SETTLEMENT, PERIOD),
    Group("allowances_charges", f"{_SETTLEMENT}/SpecifiedTradeAllowanceCharge", parts.ALLOWANCE, many=True),
    _within(_SETTLEMENT, LOGISTICS_CHARGES),
    _within(_SETTLEMENT, TERMS),
    Group("totals", f"{_SETTLEMENT}/SpecifiedTradeSettlementHeaderMonetarySummation", TOTALS),
    _document("preceding_invoice", f"{_SETTLEMENT}/InvoiceReferencedDocument"),
    Leaf("buyer_accounting", f"{_SETTLEMENT}/ReceivableSpecifiedTradeAccountingAccount/ID", TEXT),
)  # fmt: skip
SHAPE = Shape(Invoice, _PARTS)


def read_cii(chunks: Iterable[bytes]) -> Iterator[Invoice | Reject]:
    """The invoice of a CII document; a reject where its XML breaks.

    Raises `FormatRefused` when there is no Cross Industry Invoice in it.
    """
    return read_invoices(chunks, cii_invoices)


def cii_invoices(root: Element | None, *, whole: bool = True) -> Iterator[Invoice | Reject]:
    """The invoices in a document; one that is cut off is left to the caller's reject."""
    elements = within(root, ROOTS, "There is no Cross Industry Invoice in this XML.")
    for element in elements if whole else elements[:-1]:
        yield read_element(element)


def read_element(element: Element) -> Invoice | Reject:
    """One `CrossIndustryInvoice` or `CrossIndustryDocument`."""
    reading = Reading(currency_in(element, f"{_SETTLEMENT}/InvoiceCurrencyCode"))
    if not reading.currency:
        return Reject(where=where_of(element), why=NO_CURRENCY, line=line_of(element))
    name = "CII D13A (ZUGFeRD 1)" if local(element) == ROOTS[1] else "CII"
    return invoice_of(reading, element, SHAPE, name)


def qualified(step: str, leaf: bool) -> str:  # noqa: FBT001 - the signature of `Writing`
    """The full name of an element."""
    prefix, _, name = step.rpartition(":")
    if not prefix:
        prefix = "rsm" if name in _ROOT_PARTS else "udt" if leaf and name in _DATA_TYPES else "ram"
    return f"{{{_SPACES[prefix]}}}{name}"


def write_cii(invoice: InvoiceContent) -> bytes:
    """The invoice as CII D16B, which Factur-X, ZUGFeRD 2 and XRechnung take.

    Raises `FormatRefused` with field, rule and remedy for what EN 16931's arithmetic or obligations don't allow.
    """
    invoice = summed(with_whole_prices(fitted(invoice, "cii")))
    refuse_unless_sound(invoice)
    root = etree.Element(f"{{{_SPACES['rsm']}}}CrossIndustryInvoice", nsmap=_SPACES)
    write_shape(Writing(qualified, invoice.currency), root, SHAPE, invoice)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
