"""What UBL says of totals, taxes, payment and orders, where several terms share an element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nostro.formats.einvoice import forms
from nostro.formats.einvoice.discounts import as_written
from nostro.formats.einvoice.forms import AMOUNT, COUNT, DAY, NUMBER, TEXT
from nostro.formats.einvoice.mapping import (
    By,
    Fields,
    Leaf,
    Reading,
    Shape,
    Writing,
    put,
    read_parts,
    read_shape,
    write_shape,
)
from nostro.formats.einvoice.paths import found
from nostro.formats.einvoice.ubl_parts import BREAKDOWN
from nostro.formats.xml import Element, text
from nostro.model.invoices import (
    DirectDebit,
    DocumentReference,
    Identifier,
    Instalment,
    InvoiceContent,
    PaymentMeans,
    Totals,
    Withholding,
)
from nostro.model.money import Amount
from nostro.model.parties import BankAccount

_LEGAL = (
    Leaf("lines", "LineExtensionAmount", AMOUNT),
    Leaf("without_tax", "TaxExclusiveAmount", AMOUNT),
    Leaf("with_tax", "TaxInclusiveAmount", AMOUNT),
    Leaf("allowances", "AllowanceTotalAmount", AMOUNT),
    Leaf("charges", "ChargeTotalAmount", AMOUNT),
    Leaf("paid", "PrepaidAmount", AMOUNT),
    Leaf("rounding", "PayableRoundingAmount", AMOUNT),
    Leaf("payable", "PayableAmount", AMOUNT),
)
_DANISH = "OIOUBL-2"
_LEGAL_SHAPE = Shape(Totals, _LEGAL)
_WITHHOLDING = Shape(
    Withholding,
    (
        Leaf("amount", "TaxAmount", AMOUNT),
        Leaf("rate", "TaxSubtotal/TaxCategory/Percent", NUMBER),
        Leaf("kind", "TaxSubtotal/TaxCategory/TaxScheme/ID", TEXT),
    ),
)


def _read_totals(reading: Reading, element: Element, fields: Fields) -> None:
    totals: Fields = {}
    for tax in found(element, "TaxTotal"):
        told = next((reading.take(one, AMOUNT) for one in found(tax, "TaxAmount")), None)
        if told is not None:
            totals.setdefault("tax" if told.currency == reading.currency else "tax_in_tax_currency", told)
        if told is not None and told.currency != reading.currency:
            continue  # the same parts again in the currency of accounting: named as not read
        parts = [read_shape(reading, one, BREAKDOWN) for one in found(tax, "TaxSubtotal")]
        fields["tax_breakdown"] = (*fields.get("tax_breakdown", ()), *(one for one in parts if one is not None))
    legal = _one(element, "LegalMonetaryTotal")
    legal = legal if legal is not None else _one(element, "RequestedMonetaryTotal")
    if legal is not None:
        totals |= read_parts(reading, legal, _LEGAL)
    if fields.get("profile", "").startswith(_DANISH):
        _set_right(totals)
    fields["totals"] = Totals(**totals)
    held = (read_shape(reading, one, _WITHHOLDING) for one in found(element, "WithholdingTaxTotal"))
    fields["withholdings"] = tuple(one for one in held if one is not None)


def _set_right(totals: Fields) -> None:
    """OIOUBL 2 has the tax itself in `TaxExclusiveAmount`: what is without it is worked out."""
    tax, with_tax = totals.get("tax"), totals.get("with_tax")
    if tax is not None and with_tax is not None and totals.get("without_tax") == tax:
        totals["without_tax"] = Amount(value=with_tax.value - tax.value, currency=tax.currency)


def _write_totals(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - an invoice
    totals = told.totals
    if totals.tax is not None or told.tax_breakdown:
        tax = writing.branch(element, "TaxTotal")
        put(writing, tax, "TaxAmount", *AMOUNT.write(totals.tax))
        for part in told.tax_breakdown:
            write_shape(writing, writing.branch(tax, "TaxSubtotal"), BREAKDOWN, part)
    if totals.tax_in_tax_currency is not None:
        other = writing.branch(element, "TaxTotal")
        put(writing, other, "TaxAmount", *AMOUNT.write(totals.tax_in_tax_currency))
    legal = writing.branch(element, "LegalMonetaryTotal")
    write_shape(writing, legal, _LEGAL_SHAPE, totals)


TOTALS = By(_read_totals, _write_totals)

_ACCOUNT = (
    Leaf("id", "ID", TEXT),
    Leaf("name", "Name", TEXT),
    Leaf("bic", "FinancialInstitutionBranch/ID", TEXT, others=(
        "FinancialInstitutionBranch/FinancialInstitution/ID",)),
)  # fmt: skip
_MEANS = (
    Leaf("code", "PaymentMeansCode", TEXT),
    Leaf("card_number", "CardAccount/PrimaryAccountNumberID", TEXT),
    Leaf("card_holder", "CardAccount/HolderName", TEXT),
)
_INSTALMENT = (
    Leaf("discount_percentage", "SettlementDiscountPercent", NUMBER),
    Leaf("amount", "Amount", AMOUNT),
    Leaf("discount_amount", "SettlementDiscountAmount", AMOUNT),
    Leaf("due", "InstallmentDueDate", DAY),
    Leaf("discount_until", "SettlementPeriod/EndDate", DAY),
    Leaf("discount_days", "SettlementPeriod/DurationMeasure[@unitCode=DAY]", COUNT),
)
_INSTALMENT_SHAPE = Shape(Instalment, _INSTALMENT)
_SEPA = "SEPA"
_NO_NETWORK = "NA"
"""UBL has to name a card's network, which no business term is: EN 16931-3-2 lets it be this."""


def _account_in(reading: Reading, element: Element | None) -> BankAccount | None:
    if element is None:
        return None
    told = read_parts(reading, element, _ACCOUNT)
    account = forms.account_of(told.get("id", ""))
    rest = {"owner": told.get("name", ""), "bic": told.get("bic", "")}
    return account.model_copy(update=rest) if account else None


def _one(element: Element, path: str) -> Element | None:
    return next(found(element, path), None)


def _read_payment(reading: Reading, element: Element, fields: Fields) -> None:
    means: list[PaymentMeans] = []
    debit: Fields = {}
    for place in found(element, "PaymentMeans"):
        told = read_parts(reading, place, _MEANS)
        code = _one(place, "PaymentMeansCode")
        account = _account_in(reading, _one(place, "PayeeFinancialAccount"))
        named = {"text": (code.get("name") or "") if code is not None else "", "account": account}
        if told or account:
            means.append(PaymentMeans(**told, **named))
        reading.seen.update(one for one in found(place, "CardAccount/NetworkID") if text(one) == _NO_NETWORK)
        debit |= _mandate(reading, place)
        for reference in found(place, "PaymentID"):
            if fields.setdefault("payment_reference", text(reference)) == text(reference):
                reading.seen.add(reference)
    fields["payment_means"] = tuple(means)
    debit |= _creditor_id(fields)
    fields["direct_debit"] = DirectDebit(**debit) if debit else None
    _read_terms(reading, element, fields)


def _mandate(reading: Reading, place: Element) -> Fields:
    told = read_parts(reading, place, (Leaf("mandate_id", "PaymentMandate/ID", TEXT),))
    account = _account_in(reading, _one(place, "PaymentMandate/PayerFinancialAccount"))
    return told | ({"debtor_account": account} if account else {})


def _creditor_id(fields: Fields) -> Fields:
    """BT-90, which UBL has among the identifiers of the payee or the seller, with the scheme `SEPA`."""
    for role in ("payee", "seller"):
        party = fields.get(role)
        mine = [one for one in party.ids if one.scheme == _SEPA] if party else []
        if party and mine:
            others = tuple(one for one in party.ids if one.scheme != _SEPA)
            fields[role] = party.model_copy(update={"ids": others})
            return {"creditor_id": mine[0].value}
    return {}


def _read_terms(reading: Reading, element: Element, fields: Fields) -> None:
    notes: list[str] = []
    for place in found(element, "PaymentTerms"):
        told = read_parts(reading, place, (Leaf("payment_terms", "Note", TEXT),))
        notes += told.values()
        part = read_parts(reading, place, _INSTALMENT)
        if part:
            fields["instalments"] = (*fields.get("instalments", ()), Instalment(**part))
    fields["payment_terms"] = "\n".join(notes)


def _write_payment(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - an invoice
    if told.direct_debit and not told.payment_means:
        told = told.model_copy(update={"payment_means": (PaymentMeans(code="59"),)})
    for means in told.payment_means:
        place = writing.branch(element, "PaymentMeans")
        _write_means(writing, place, told, means)
    told = as_written(told)
    if told.payment_terms:
        put(writing, writing.branch(element, "PaymentTerms"), "Note", told.payment_terms)
    for part in told.instalments:
        place = writing.branch(element, "PaymentTerms")
        write_shape(writing, place, _INSTALMENT_SHAPE, part)
        if not len(place):
            element.remove(place)


def _write_means(writing: Writing, place: Element, told: InvoiceContent, means: PaymentMeans) -> None:
    put(writing, place, "PaymentMeansCode", means.code, {"name": means.text})
    if told.due_date and told.is_credit_note:
        put(writing, place, "PaymentDueDate", *DAY.write(told.due_date))
    if told.payment_reference:
        put(writing, place, "PaymentID", told.payment_reference)
    if means.card_number:
        put(writing, place, "CardAccount/PrimaryAccountNumberID", means.card_number)
        put(writing, place, "CardAccount/NetworkID", _NO_NETWORK)
        if means.card_holder:
            put(writing, place, "CardAccount/HolderName", means.card_holder)
    _write_account(writing, place, "PayeeFinancialAccount", means.account)
    debit = told.direct_debit
    if debit is not None and means is _debiting(told):
        if debit.mandate_id:
            put(writing, place, "PaymentMandate/ID", debit.mandate_id)
        _write_account(writing, place, "PaymentMandate/PayerFinancialAccount", debit.debtor_account)


def _debiting(told: InvoiceContent) -> PaymentMeans | None:
    """The means beside which the mandate stands: an invoice has one mandate at most (UBL-SR-55)."""
    direct = (means for means in told.payment_means if means.code in ("49", "59"))
    return next(direct, told.payment_means[0] if told.payment_means else None)


def _write_account(writing: Writing, place: Element, path: str, account: BankAccount | None) -> None:
    if account is None:
        return
    for step, said in (
        ("ID", account.identification),
        ("Name", account.owner),
        ("FinancialInstitutionBranch/ID", account.bic),
    ):
        if said:
            put(writing, place, f"{path}/{step}", said)


PAYMENT = By(_read_payment, _write_payment)


def with_creditor_id(invoice: InvoiceContent) -> InvoiceContent:
    """The invoice with BT-90 where UBL has it."""
    debit = invoice.direct_debit
    if debit is None or not debit.creditor_id:
        return invoice
    role, party = ("payee", invoice.payee) if invoice.payee else ("seller", invoice.seller)
    ids = (*party.ids, Identifier(value=debit.creditor_id, scheme=_SEPA))
    return invoice.model_copy(update={role: party.model_copy(update={"ids": ids})})


def _read_order(reading: Reading, element: Element, fields: Fields) -> None:
    for place in found(element, "OrderReference"):
        told = dict(_orders(reading, place))
        on = next((reading.take(one, DAY) for one in found(place, "IssueDate")), None)
        if told.get("purchase_order") == "NA" and "sales_order" in told:  # Peppol's way to name a sales order alone
            del told["purchase_order"]
        for kind, number in told.items():
            known = DocumentReference.model_validate({"kind": kind, "number": number})
            dated = known.model_copy(update={"on": on}) if kind == "purchase_order" else known
            fields["references"] = (*fields.get("references", ()), dated)


def _orders(reading: Reading, place: Element) -> Iterator[tuple[str, str]]:
    for kind, name in (("purchase_order", "ID"), ("sales_order", "SalesOrderID")):
        for one in found(place, name):
            reading.seen.add(one)
            if said := text(one):
                yield kind, said


def _write_order(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - an invoice
    orders = {one.kind: one for one in reversed(told.references) if one.kind in ("purchase_order", "sales_order")}
    if not orders:
        return
    bought = orders.get("purchase_order")
    put(writing, element, "OrderReference/ID", bought.number if bought else "NA")
    if "sales_order" in orders:
        put(writing, element, "OrderReference/SalesOrderID", orders["sales_order"].number)
    if bought and bought.on:
        put(writing, element, "OrderReference/IssueDate", *DAY.write(bought.on))


ORDER = By(_read_order, _write_order)
