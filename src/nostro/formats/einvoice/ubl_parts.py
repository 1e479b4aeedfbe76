"""What UBL 2.1 says of parties, lines, taxes and documents: tables of where each business term stands.

EN 16931-3-2 (syntax binding to ISO/IEC 19845, UBL 2.1), Peppol BIS Billing 3. Further paths are those of UBL 2.0 and of
senders who put a term elsewhere.
"""

from __future__ import annotations

import re
from typing import Any

from nostro.formats.einvoice import forms
from nostro.formats.einvoice.forms import AMOUNT, DAY, IDENTIFIER, LISTED, NUMBER, QUANTITY, TEXT
from nostro.formats.einvoice.mapping import (
    By,
    Fields,
    Form,
    Group,
    Leaf,
    Reading,
    Shape,
    Writing,
    ignored,
    only_read,
    put,
)
from nostro.formats.einvoice.paths import found
from nostro.formats.xml import Element, text
from nostro.model.invoices import (
    AllowanceCharge,
    Attachment,
    Attribute,
    Contact,
    Delivery,
    DocumentReference,
    InvoiceLine,
    InvoiceParty,
    Note,
    Period,
    Price,
    TaxBreakdown,
    TaxCategory,
)
from nostro.model.parties import Address

_SUBJECT = re.compile(r"#([A-Z]{3})#(.*)", re.DOTALL)


def _write_second_line(writing: Writing, element: Element, told: Address) -> None:
    if told.lines:
        put(writing, element, "AdditionalStreetName", told.lines[0])


def _write_further_lines(writing: Writing, element: Element, told: Address) -> None:
    for line in told.lines[1:]:
        put(writing, element, "AddressLine+/Line", line)


def nothing(*_: object) -> None:
    """A way that isn't used: what it would read or write is done by another part."""


def note_form() -> Form:
    """A note, whose subject EN 16931-3-2 puts before the text: `#AAI#text`."""

    def read(_: Reading, element: Element) -> Note | None:
        said = text(element)
        parted = _SUBJECT.fullmatch(said)
        if parted:
            return Note(text=parted[2].strip(), subject=parted[1])
        return Note(text=said) if said else None

    return Form(read, lambda note: (f"#{note.subject}#{note.text}" if note.subject else note.text, {}))


ADDRESS = Shape(
    Address,
    (
        Leaf("street", "StreetName", TEXT),
        By(forms.lines_at("AdditionalStreetName", "AddressLine/Line"), _write_second_line),
        Leaf("building", "BuildingNumber", TEXT, others=("BuildingName",)),
        Leaf("town", "CityName", TEXT),
        Leaf("postcode", "PostalZone", TEXT),
        Leaf("region", "CountrySubentity", TEXT),
        By(nothing, _write_further_lines),
        Leaf("country", "Country/IdentificationCode", TEXT),
    ),
)
CONTACT = Shape(
    Contact,
    (
        Leaf("name", "Name", TEXT),
        Leaf("telephone", "Telephone", TEXT),
        Leaf("email", "ElectronicMail", TEXT),
    ),
)
PARTY = Shape(
    InvoiceParty,
    (
        Leaf("electronic_address", "EndpointID", IDENTIFIER),
        Leaf("ids", "PartyIdentification+/ID", IDENTIFIER, many=True),
        Leaf("trading_name", "PartyName/Name", TEXT),
        Group("address", "PostalAddress", ADDRESS),
        Leaf("vat_id", "PartyTaxScheme[TaxScheme/ID=VAT]/CompanyID", TEXT),
        Leaf("tax_id", "PartyTaxScheme[TaxScheme/ID=TAX]/CompanyID", TEXT,
             others=("PartyTaxScheme[TaxScheme/ID!=VAT]/CompanyID",)),
        Leaf("name", "PartyLegalEntity/RegistrationName", TEXT,
             others=("PartyName/Name", "PartyTaxScheme/RegistrationName")),
        ignored("PartyTaxScheme/TaxScheme/ID"),
        Leaf("registration", "PartyLegalEntity/CompanyID", IDENTIFIER),
        Leaf("legal_form", "PartyLegalEntity/CompanyLegalForm", TEXT),
        Group("contact", "Contact", CONTACT),
    ),
)  # fmt: skip
PAYEE = Shape(
    InvoiceParty,
    (
        Leaf("ids", "PartyIdentification+/ID", IDENTIFIER, many=True),
        Leaf("name", "PartyName/Name", TEXT, others=("PartyLegalEntity/RegistrationName",)),
        Leaf("registration", "PartyLegalEntity/CompanyID", IDENTIFIER),
    ),
)
TAX_REPRESENTATIVE = Shape(
    InvoiceParty,
    (
        Leaf("name", "PartyName/Name", TEXT, others=("PartyLegalEntity/RegistrationName",)),
        Group("address", "PostalAddress", ADDRESS),
        Leaf("vat_id", "PartyTaxScheme[TaxScheme/ID=VAT]/CompanyID", TEXT, others=("PartyTaxScheme/CompanyID",)),
    ),
)
DELIVERY = Shape(
    Delivery,
    (
        Leaf("on", "ActualDeliveryDate", DAY, others=("LatestDeliveryDate",)),
        Leaf("location", "DeliveryLocation/ID", IDENTIFIER),
        Group("address", "DeliveryLocation/Address", ADDRESS, others=("DeliveryAddress",)),
        Leaf("name", "DeliveryParty/PartyName/Name", TEXT),
    ),
)
PERIOD = Shape(
    Period,
    (Leaf("start", "StartDate", DAY), Leaf("end", "EndDate", DAY), Leaf("code", "DescriptionCode", TEXT)),
)
CATEGORY_PARTS = (
    Leaf("category", "ID", TEXT),
    Leaf("rate", "Percent", NUMBER),
    Leaf("exemption_code", "TaxExemptionReasonCode", TEXT),
    Leaf("exemption_reason", "TaxExemptionReason", TEXT),
    Leaf("type", "TaxScheme/ID", TEXT),
)
CATEGORY = Shape(TaxCategory, CATEGORY_PARTS)
PLAIN_CATEGORY = Shape(TaxCategory, (*CATEGORY_PARTS[:2], only_read(*CATEGORY_PARTS[2:4]), CATEGORY_PARTS[4]))
"""Of lines, allowances and charges: why nothing is taxed belongs into the breakdown (BT-120, BT-121)."""
BREAKDOWN = Shape(
    TaxBreakdown,
    (
        Leaf("taxable", "TaxableAmount", AMOUNT),
        Leaf("amount", "TaxAmount", AMOUNT),
        Group("tax", "TaxCategory", CATEGORY),
    ),
)
ALLOWANCE_PARTS = (
    Leaf("charge", "ChargeIndicator", forms.FLAG),
    Leaf("reason_code", "AllowanceChargeReasonCode", TEXT),
    Leaf("reason", "AllowanceChargeReason", TEXT),
    Leaf("percentage", "MultiplierFactorNumeric", NUMBER),
    Leaf("amount", "Amount", AMOUNT),
    Leaf("base", "BaseAmount", AMOUNT),
    Group("tax", "TaxCategory", PLAIN_CATEGORY),
)
ALLOWANCE = Shape(AllowanceCharge, ALLOWANCE_PARTS)
DOCUMENT = Shape(DocumentReference, (Leaf("number", "ID", TEXT), Leaf("on", "IssueDate", DAY)))


def _write_object(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - an invoice
    for one in told.references:
        if one.kind == "invoiced_object":
            path = "AdditionalDocumentReference[DocumentTypeCode=130]/ID"
            put(writing, element, path, one.number, {"schemeID": one.scheme})


def _read_object(reading: Reading, element: Element, fields: Fields) -> None:
    for place in found(element, "AdditionalDocumentReference[DocumentTypeCode=130]"):
        reading.seen.update(found(place, "DocumentTypeCode"))
        told = reading.take(next(found(place, "ID"), place), IDENTIFIER)
        if told is not None:
            reference = DocumentReference(kind="invoiced_object", number=told.value, scheme=told.scheme)
            fields["references"] = (*fields.get("references", ()), reference)


INVOICED_OBJECT = By(_read_object, _write_object)


def attachment_of(_content: bytes = b"", **fields: Any) -> Attachment:  # noqa: ANN401 - an attachment's own fields
    """An attachment that holds its bytes."""
    told = Attachment(**fields)
    return told.holding(_content) if _content else told


ATTACHMENT_PARTS = (
    Leaf("reference", "ID", TEXT),
    Leaf("type_code", "DocumentTypeCode", TEXT),
    Leaf("description", "DocumentDescription", TEXT, others=("DocumentType",)),
    forms.binary_at("Attachment/EmbeddedDocumentBinaryObject"),
    Leaf("uri", "Attachment/ExternalReference/URI", TEXT),
)
ATTACHMENT = Shape(attachment_of, ATTACHMENT_PARTS)
PRICE = Shape(
    Price,
    (
        Leaf("net", "PriceAmount", AMOUNT),
        Leaf("base", "BaseQuantity", QUANTITY),
        Leaf("discount", "AllowanceCharge[^ChargeIndicator=false]/Amount", AMOUNT),
        Leaf("gross", "AllowanceCharge[^ChargeIndicator=false]/BaseAmount", AMOUNT),
    ),
)
ATTRIBUTE = Shape(Attribute, (Leaf("name", "Name", TEXT), Leaf("value", "Value", TEXT)))
LINE_ALLOWANCE = Shape(AllowanceCharge, ALLOWANCE_PARTS[:-1])


def line_shape(quantity: str) -> Shape:
    """A line; its quantity is called after its document: `InvoicedQuantity`, `CreditedQuantity`, `DebitedQuantity`."""
    return Shape(
        InvoiceLine,
        (
            Leaf("line_id", "ID", TEXT),
            Leaf("note", "Note", TEXT),
            Leaf("quantity", quantity, QUANTITY),
            Leaf("amount", "LineExtensionAmount", AMOUNT),
            Leaf("accounting", "AccountingCost", TEXT, others=("AccountingCostCode",)),
            Group("period", "InvoicePeriod", PERIOD),
            Leaf("order_line", "OrderLineReference/LineID", TEXT),
            Leaf("object_id", "DocumentReference[DocumentTypeCode=130]/ID", IDENTIFIER,
                 others=("DocumentReference/ID",)),
            Group("allowances_charges", "AllowanceCharge", LINE_ALLOWANCE, many=True),
            Leaf("description", "Item/Description", TEXT),
            Leaf("name", "Item/Name", TEXT),
            Leaf("buyer_id", "Item/BuyersItemIdentification/ID", TEXT),
            Leaf("seller_id", "Item/SellersItemIdentification/ID", TEXT),
            Leaf("standard_id", "Item/StandardItemIdentification/ID", IDENTIFIER),
            Leaf("origin", "Item/OriginCountry/IdentificationCode", TEXT),
            Leaf("classifications", "Item/CommodityClassification+/ItemClassificationCode", LISTED, many=True),
            Group("tax", "Item/ClassifiedTaxCategory", PLAIN_CATEGORY, others=("TaxTotal/TaxSubtotal/TaxCategory",)),
            Group("attributes", "Item/AdditionalItemProperty", ATTRIBUTE, many=True),
            Group("price", "Price", PRICE),
        ),
        located=True,
    )  # fmt: skip
