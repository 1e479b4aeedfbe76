"""What CII says of parties, lines, taxes and documents: tables of where each business term stands.

EN 16931-3-3 (syntax binding to UN/CEFACT CII D16B), Factur-X / ZUGFeRD 2. ZUGFeRD 1 (D13A) differs in names, which
`paths.OLDER` has.
"""

from __future__ import annotations

from typing import Any

from nostro.formats.einvoice import forms
from nostro.formats.einvoice.forms import BARE_AMOUNT, DAY_102, IDENTIFIER, LISTED, NUMBER, QUANTITY, TEXT
from nostro.formats.einvoice.mapping import (
    By,
    Fields,
    Fixed,
    Group,
    Leaf,
    Reading,
    Shape,
    Writing,
    only_read,
    put,
)
from nostro.formats.einvoice.paths import found
from nostro.formats.einvoice.ubl_parts import attachment_of, nothing
from nostro.formats.xml import Element, text
from nostro.model.invoices import (
    AllowanceCharge,
    Attribute,
    Contact,
    Delivery,
    DocumentReference,
    Identifier,
    InvoiceLine,
    InvoiceParty,
    Note,
    Period,
    Price,
    TaxBreakdown,
    TaxCategory,
)
from nostro.model.money import plain
from nostro.model.parties import Address


def _write_lines(writing: Writing, element: Element, told: Address) -> None:
    street = " ".join(part for part in (told.street, told.building) if part)
    for name, line in zip(("LineOne", "LineTwo", "LineThree"), (street, *told.lines), strict=False):
        if line:
            put(writing, element, name, line)


ADDRESS = Shape(
    Address,
    (
        Leaf("postcode", "PostcodeCode", TEXT),
        By(forms.lines_at("LineTwo", "LineThree"), _write_lines),
        By(lambda reading, element, fields: fields.update(_street(reading, element)), nothing),
        Leaf("town", "CityName", TEXT),
        Leaf("country", "CountryID", TEXT),
        Leaf("region", "CountrySubDivisionName", TEXT),
    ),
)


def _street(reading: Reading, element: Element) -> Fields:
    """BT-35; ZUGFeRD 1 allows a street name of its own."""
    for name in ("LineOne", "StreetName"):
        for place in found(element, name):
            reading.seen.add(place)
            if said := text(place):
                return {"street": said}
    return {}


CONTACT = Shape(
    Contact,
    (
        Leaf("name", "PersonName", TEXT),
        Leaf("department", "DepartmentName", TEXT),
        Leaf("telephone", "TelephoneUniversalCommunication/CompleteNumber", TEXT),
        Leaf("email", "EmailURIUniversalCommunication/URIID", TEXT,
             others=("EmailURIUniversalCommunication/CompleteNumber",)),
    ),
)  # fmt: skip


def _read_ids(reading: Reading, element: Element, fields: Fields) -> None:
    told = [reading.take(place, IDENTIFIER) for name in ("ID", "GlobalID") for place in found(element, name)]
    if ids := tuple(one for one in told if one is not None):
        fields["ids"] = ids


def _write_ids(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - a party
    for one in sorted(told.ids, key=lambda one: bool(one.scheme)):
        put(writing, element, "GlobalID" if one.scheme else "ID", one.value, {"schemeID": one.scheme})


IDS = By(_read_ids, _write_ids)
PARTY = Shape(
    InvoiceParty,
    (
        IDS,
        Leaf("name", "Name", TEXT),
        Leaf("legal_form", "Description", TEXT),
        Leaf("registration", "SpecifiedLegalOrganization/ID", IDENTIFIER),
        Leaf("trading_name", "SpecifiedLegalOrganization/TradingBusinessName", TEXT),
        Group("contact", "DefinedTradeContact", CONTACT),
        Group("address", "PostalTradeAddress", ADDRESS),
        Leaf("electronic_address", "URIUniversalCommunication/URIID", IDENTIFIER),
        Leaf("vat_id", "SpecifiedTaxRegistration+/ID[@schemeID=VA]", TEXT),
        Leaf("tax_id", "SpecifiedTaxRegistration+/ID[@schemeID=FC]", TEXT,
             others=("SpecifiedTaxRegistration+/ID[@schemeID!=VA]",)),
    ),
)  # fmt: skip


def _read_location(reading: Reading, element: Element, fields: Fields) -> None:
    ids: Fields = {}
    _read_ids(reading, element, ids)
    if "ids" in ids:
        fields["location"] = ids["ids"][-1]


def _write_location(writing: Writing, element: Element, told: Delivery) -> None:
    if told.location is not None:
        _write_ids(writing, element, InvoiceParty(ids=(told.location,)))


SHIP_TO = Shape(
    Delivery,
    (
        By(_read_location, _write_location),
        Leaf("name", "Name", TEXT),
        Group("address", "PostalTradeAddress", ADDRESS),
    ),
)
PERIOD = Shape(
    Period,
    (
        Leaf("start", "StartDateTime/DateTimeString", DAY_102),
        Leaf("end", "EndDateTime/DateTimeString", DAY_102),
    ),
)
CATEGORY_PARTS = (
    Leaf("type", "TypeCode", TEXT),
    Leaf("exemption_reason", "ExemptionReason", TEXT),
    Leaf("category", "CategoryCode", TEXT),
    Leaf("exemption_code", "ExemptionReasonCode", TEXT),
    Leaf("rate", "RateApplicablePercent", NUMBER),
)
CATEGORY = Shape(
    TaxCategory,
    (CATEGORY_PARTS[0], only_read(CATEGORY_PARTS[1], CATEGORY_PARTS[3]), CATEGORY_PARTS[2], CATEGORY_PARTS[4]),
)
"""Of lines, allowances and charges: why nothing is taxed belongs into the breakdown (BT-120, BT-121)."""


def _read_tax(reading: Reading, element: Element, fields: Fields) -> None:
    told = {leaf.field: value for leaf in CATEGORY_PARTS for value in _first(reading, element, leaf)}
    if told:
        fields["tax"] = TaxCategory(**told)


def _first(reading: Reading, element: Element, leaf: Leaf) -> list[Any]:
    told = [reading.take(place, leaf.form) for place in found(element, leaf.path)]
    return [value for value in told if value is not None and value != ""][:1]


def breakdown_parts(told: TaxBreakdown) -> list[tuple[str, str]]:
    """A tax of the header in its schema's order; `TaxPointDate` and `DueDateTypeCode` stand before the rate."""
    tax = told.tax
    return [
        ("CalculatedAmount", plain(told.amount.value) if told.amount else ""),
        ("TypeCode", tax.type),
        ("ExemptionReason", tax.exemption_reason),
        ("BasisAmount", plain(told.taxable.value) if told.taxable else ""),
        ("CategoryCode", tax.category),
        ("ExemptionReasonCode", tax.exemption_code),
    ]


BREAKDOWN = Shape(
    TaxBreakdown,
    (
        Leaf("amount", "CalculatedAmount", BARE_AMOUNT),
        Leaf("taxable", "BasisAmount", BARE_AMOUNT),
        By(_read_tax, nothing),
    ),
)
ALLOWANCE = Shape(
    AllowanceCharge,
    (
        Leaf("charge", "ChargeIndicator/Indicator", forms.FLAG, others=("ChargeIndicator",)),
        Leaf("percentage", "CalculationPercent", NUMBER),
        Leaf("base", "BasisAmount", BARE_AMOUNT),
        Leaf("amount", "ActualAmount", BARE_AMOUNT),
        Leaf("reason_code", "ReasonCode", TEXT),
        Leaf("reason", "Reason", TEXT),
        Group("tax", "CategoryTradeTax", CATEGORY),
    ),
)
LOGISTICS = Shape(
    AllowanceCharge,
    (
        Leaf("reason", "Description", TEXT),
        Leaf("amount", "AppliedAmount", BARE_AMOUNT),
        Group("tax", "AppliedTradeTax", CATEGORY),
    ),
)
"""A charge all the same: EN 16931 knows no other."""
_PROJECT = "Project reference"
"""A project has to have a name in CII; EN 16931-3-3 gives it this one."""


def _read_project(reading: Reading, element: Element, fields: Fields) -> None:
    told = [reading.take(one, TEXT) for one in found(element, "Name")]
    if told and told[0] and told[0].casefold() != _PROJECT.casefold():
        fields["name"] = told[0]


DOCUMENT = Shape(
    DocumentReference,
    (
        Leaf("number", "IssuerAssignedID", TEXT),
        Leaf("on", "FormattedIssueDateTime/qdt:DateTimeString", DAY_102, others=("IssueDateTime/DateTimeString",
                                                                                 "IssueDateTime")),
    ),
)  # fmt: skip
PROJECT = Shape(
    DocumentReference,
    (
        Leaf("number", "ID", TEXT),
        By(_read_project, lambda writing, element, told: put(writing, element, "Name", told.name or _PROJECT)),
    ),
)
OBJECT = Shape(
    DocumentReference,
    (
        Leaf("number", "IssuerAssignedID", TEXT),
        Fixed("TypeCode", "130"),
        Leaf("scheme", "ReferenceTypeCode", TEXT),
    ),
)
TENDER = Shape(
    DocumentReference,
    (Leaf("number", "IssuerAssignedID", TEXT), Fixed("TypeCode", "50")),
)


ATTACHMENT = Shape(
    attachment_of,
    (
        Leaf("reference", "IssuerAssignedID", TEXT),
        Leaf("uri", "URIID", TEXT),
        Fixed("TypeCode", "916"),
        Leaf("description", "Name", TEXT),
        forms.binary_at("AttachmentBinaryObject"),
    ),
)  # fmt: skip
NOTE = Shape(Note, (Leaf("text", "Content", TEXT), Leaf("subject", "SubjectCode", TEXT)))
ATTRIBUTE = Shape(Attribute, (Leaf("name", "Description", TEXT), Leaf("value", "Value", TEXT)))


def _read_object(reading: Reading, element: Element, fields: Fields) -> None:
    for place in found(element, "SpecifiedLineTradeSettlement/AdditionalReferencedDocument"):
        told = {"value": "IssuerAssignedID", "scheme": "ReferenceTypeCode"}
        said = {name: text(one) for name, path in told.items() for one in found(place, path)}
        if said.get("value"):
            reading.seen.update(one for path in (*told.values(), "TypeCode") for one in found(place, path))
            fields.setdefault("object_id", Identifier(**said))


def _write_object(writing: Writing, element: Element, told: InvoiceLine) -> None:
    if told.object_id is not None:
        place = "SpecifiedLineTradeSettlement/AdditionalReferencedDocument"
        put(writing, element, f"{place}/IssuerAssignedID", told.object_id.value)
        put(writing, element, f"{place}/TypeCode", "130")
        if told.object_id.scheme:
            put(writing, element, f"{place}/ReferenceTypeCode", told.object_id.scheme)


PRICE = Shape(
    Price,
    (
        Leaf("gross", "GrossPriceProductTradePrice/ChargeAmount", BARE_AMOUNT),
        Leaf("discount", "GrossPriceProductTradePrice/AppliedTradeAllowanceCharge"
             "[^ChargeIndicator/Indicator=false]/ActualAmount", BARE_AMOUNT),
        Leaf("net", "NetPriceProductTradePrice/ChargeAmount", BARE_AMOUNT),
        Leaf("base", "NetPriceProductTradePrice/BasisQuantity", QUANTITY,
             others=("GrossPriceProductTradePrice/BasisQuantity",)),
    ),
)  # fmt: skip
_DOCUMENT = "AssociatedDocumentLineDocument"
_PRODUCT = "SpecifiedTradeProduct"
_SETTLEMENT = "SpecifiedLineTradeSettlement"
LINE = Shape(
    InvoiceLine,
    (
        Leaf("line_id", f"{_DOCUMENT}/LineID", TEXT),
        Leaf("parent", f"{_DOCUMENT}/ParentLineID", TEXT),
        Leaf("purpose", f"{_DOCUMENT}/LineStatusReasonCode", TEXT),
        Leaf("note", f"{_DOCUMENT}/IncludedNote/Content", TEXT),
        Leaf("standard_id", f"{_PRODUCT}/GlobalID", IDENTIFIER),
        Leaf("seller_id", f"{_PRODUCT}/SellerAssignedID", TEXT),
        Leaf("buyer_id", f"{_PRODUCT}/BuyerAssignedID", TEXT),
        Leaf("name", f"{_PRODUCT}/Name", TEXT),
        Leaf("description", f"{_PRODUCT}/Description", TEXT),
        Group("attributes", f"{_PRODUCT}/ApplicableProductCharacteristic", ATTRIBUTE, many=True),
        Leaf("classifications", f"{_PRODUCT}/DesignatedProductClassification+/ClassCode", LISTED, many=True),
        Leaf("origin", f"{_PRODUCT}/OriginTradeCountry/ID", TEXT),
        Leaf("order_line", "SpecifiedLineTradeAgreement/BuyerOrderReferencedDocument/LineID", TEXT),
        Group("price", "SpecifiedLineTradeAgreement", PRICE, shared=True),
        Leaf("quantity", "SpecifiedLineTradeDelivery/BilledQuantity", QUANTITY),
        Group("tax", f"{_SETTLEMENT}/ApplicableTradeTax", CATEGORY),
        Group("period", f"{_SETTLEMENT}/BillingSpecifiedPeriod", PERIOD),
        Group("allowances_charges", f"{_SETTLEMENT}/SpecifiedTradeAllowanceCharge", ALLOWANCE, many=True),
        Leaf("amount", f"{_SETTLEMENT}/SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount", BARE_AMOUNT),
        By(_read_object, _write_object),
        Leaf("accounting", f"{_SETTLEMENT}/ReceivableSpecifiedTradeAccountingAccount/ID", TEXT),
    ),
    located=True,
)
