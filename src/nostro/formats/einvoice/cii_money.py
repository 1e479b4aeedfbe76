"""What CII says of taxes, payment and totals in its header's settlement, where several terms share an element."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from nostro.formats.einvoice import forms
from nostro.formats.einvoice.cii_parts import BREAKDOWN, LOGISTICS, breakdown_parts
from nostro.formats.einvoice.discounts import as_written, days_of, later
from nostro.formats.einvoice.forms import AMOUNT, BARE_AMOUNT, COUNT, DAY_102, IBAN, NUMBER, TEXT
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
from nostro.formats.xml import Element, text
from nostro.model.invoices import DirectDebit, Instalment, InvoiceContent, PaymentMeans, Period, Totals
from nostro.model.parties import BankAccount

_CODES = {"5": "3", "29": "35", "72": "432"}
"""BT-8: CII has UNTDID 2475 where the model (and UBL) has UNTDID 2005."""
_CODES_BACK = {told: code for code, told in _CODES.items()}


# taxes


def _read_taxes(reading: Reading, element: Element, fields: Fields) -> None:
    for place in found(element, "ApplicableTradeTax"):
        told = read_shape(reading, place, BREAKDOWN)
        if told is not None:
            fields["tax_breakdown"] = (*fields.get("tax_breakdown", ()), told)
        for one in (*found(place, "TaxPointDate/DateString"), *found(place, "TaxPointDate/DateTimeString")):
            fields.setdefault("tax_point_date", reading.take(one, DAY_102))
        for one in found(place, "DueDateTypeCode"):
            reading.seen.add(one)
            fields.setdefault("_tax_point_code", _CODES.get(text(one), text(one)))


def _write_taxes(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - an invoice
    code = told.period.code if told.period else ""
    for part in told.tax_breakdown:
        place = writing.branch(element, "ApplicableTradeTax")
        for name, said in breakdown_parts(part):
            if said:
                put(writing, place, name, said)
        if told.tax_point_date:
            put(writing, place, "TaxPointDate/DateString", *DAY_102.write(told.tax_point_date))
        if code:
            put(writing, place, "DueDateTypeCode", _CODES_BACK.get(code, code))
        if part.tax.rate is not None:
            put(writing, place, "RateApplicablePercent", *NUMBER.write(part.tax.rate))


TAXES = By(_read_taxes, _write_taxes)
_PERIOD = (
    Leaf("start", "BillingSpecifiedPeriod/StartDateTime/DateTimeString", DAY_102),
    Leaf("end", "BillingSpecifiedPeriod/EndDateTime/DateTimeString", DAY_102),
)


def _read_period(reading: Reading, element: Element, fields: Fields) -> None:
    told = read_parts(reading, element, _PERIOD)
    if code := fields.pop("_tax_point_code", ""):
        told["code"] = code
    if told:
        fields["period"] = Period(**told)


def _write_period(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - an invoice
    if told.period is not None:
        write_shape(writing, element, Shape(Period, _PERIOD), told.period)


PERIOD = By(_read_period, _write_period)


def _read_logistics(reading: Reading, element: Element, fields: Fields) -> None:
    told = [
        read_shape(reading, one, LOGISTICS, {"charge": True})
        for one in found(element, "SpecifiedLogisticsServiceCharge")
    ]
    charges = tuple(one for one in told if one is not None)
    if charges:
        fields["allowances_charges"] = (*fields.get("allowances_charges", ()), *charges)


LOGISTICS_CHARGES = By(_read_logistics, lambda *_: None)


# payment


_MEANS = (
    Leaf("code", "TypeCode", TEXT),
    Leaf("text", "Information", TEXT),
    Leaf("card_number", "ApplicableTradeSettlementFinancialCard/ID", TEXT),
    Leaf("card_holder", "ApplicableTradeSettlementFinancialCard/CardholderName", TEXT),
)
_PAYEE_ACCOUNT = (
    Leaf("iban", "PayeePartyCreditorFinancialAccount/IBANID", IBAN),
    Leaf("other", "PayeePartyCreditorFinancialAccount/ProprietaryID", TEXT),
    Leaf("owner", "PayeePartyCreditorFinancialAccount/AccountName", TEXT),
    Leaf("bic", "PayeeSpecifiedCreditorFinancialInstitution/BICID", TEXT),
)
_DEBTOR = "PayerPartyDebtorFinancialAccount/IBANID"


def _read_means(reading: Reading, element: Element, fields: Fields) -> None:
    debit: Fields = {}
    for place in found(element, "SpecifiedTradeSettlementPaymentMeans"):
        told = read_parts(reading, place, _MEANS)
        account = read_parts(reading, place, _PAYEE_ACCOUNT)
        if account:
            told["account"] = BankAccount(**account)
        for one in found(place, _DEBTOR):
            debit.setdefault("debtor_account", forms.account_of(reading.take(one, TEXT) or ""))
        if told:
            fields["payment_means"] = (*fields.get("payment_means", ()), PaymentMeans(**told))
    debit |= read_parts(reading, element, (Leaf("creditor_id", "CreditorReferenceID", TEXT),))
    debit |= read_parts(
        reading, element, (Leaf("mandate_id", "SpecifiedTradePaymentTerms/DirectDebitMandateID", TEXT),)
    )
    if debit:
        fields["direct_debit"] = DirectDebit(**debit)


def _write_means(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - an invoice
    debit = told.direct_debit
    for means in told.payment_means or ((PaymentMeans(code="59"),) if debit else ()):
        place = writing.branch(element, "SpecifiedTradeSettlementPaymentMeans")
        write_shape(writing, place, Shape(PaymentMeans, _MEANS), means)
        if debit and debit.debtor_account and debit.debtor_account.identification:
            put(writing, place, _DEBTOR, debit.debtor_account.identification)
        if means.account is not None:
            _write_account(writing, place, means.account)


def _write_account(writing: Writing, place: Element, account: BankAccount) -> None:
    holder = "PayeePartyCreditorFinancialAccount"
    for path, said in (
        (f"{holder}/IBANID", account.iban),
        (f"{holder}/AccountName", account.owner),
        (f"{holder}/ProprietaryID", account.other),
        ("PayeeSpecifiedCreditorFinancialInstitution/BICID", account.bic),
    ):
        if said:
            put(writing, place, path, said)


MEANS = By(_read_means, _write_means)
_DISCOUNT = "ApplicableTradePaymentDiscountTerms"
_TERM = (
    Leaf("text", "Description", TEXT),
    Leaf("due", "DueDateDateTime/DateTimeString", DAY_102),
    Leaf("amount", "PartialPaymentAmount", BARE_AMOUNT),
    Leaf("discount_until", f"{_DISCOUNT}/BasisDateTime/DateTimeString", DAY_102),
    Leaf("discount_days", f"{_DISCOUNT}/BasisPeriodMeasure[@unitCode=DAY]", COUNT),
    Leaf("discount_base", f"{_DISCOUNT}/BasisAmount", BARE_AMOUNT),
    Leaf("discount_percentage", f"{_DISCOUNT}/CalculationPercent", NUMBER),
    Leaf("discount_amount", f"{_DISCOUNT}/ActualDiscountAmount", BARE_AMOUNT),
)
_PLAIN_TERM = frozenset({"text", "due"})


def _read_terms(reading: Reading, element: Element, fields: Fields) -> None:
    told = [_read_term(reading, place) for place in found(element, "SpecifiedTradePaymentTerms")]
    terms = [one for one in told if one]
    days = {one["due"] for one in terms if "due" in one}
    if len(days) == 1:
        fields["due_date"] = days.pop()
    fields["payment_terms"] = "\n".join(one["text"] for one in terms if "text" in one)
    if len(terms) > 1 or any(set(one) - _PLAIN_TERM for one in terms):
        fields["instalments"] = tuple(Instalment(**one) for one in terms)


def _read_term(reading: Reading, place: Element) -> Fields:
    """A term; its discount ends so many days after its basis, or on that where no days are told."""
    told = read_parts(reading, place, _TERM)
    for period in found(place, f"{_DISCOUNT}/BasisPeriodMeasure"):
        basis = told.pop("discount_until", None)
        if "discount_days" not in told:
            reading.flaw(period, "the discount's period is told in no days; its last day is left out")
        elif until := later(basis, told["discount_days"]):
            told["discount_until"] = until
    return told


def _counted(part: Instalment, issued: date | None) -> Instalment:
    """The part with its basis for its last day, and the days from there."""
    days = part.discount_days if part.discount_days is not None else days_of(part, issued)
    if days is None:
        return part
    basis = (
        part.discount_until - timedelta(days)
        if part.discount_until and part.discount_until.toordinal() > days
        else None
    )
    return part.model_copy(update={"discount_days": days, "discount_until": basis})


def _write_terms(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - an invoice
    told = as_written(told)
    parts = tuple(_counted(part, told.issue_date) for part in told.instalments)
    mandate = told.direct_debit.mandate_id if told.direct_debit else ""
    if _said_by_instalments(told):
        for part in parts:
            _write_term(writing, element, part, mandate)
    elif told.payment_terms or told.due_date or mandate:
        _write_term(writing, element, Instalment(text=told.payment_terms, due=told.due_date), mandate)
        for part in parts:
            _write_term(writing, element, part, "")


def _said_by_instalments(told: InvoiceContent) -> bool:
    """Whether the instalments say all that the terms and the due date do."""
    texts = "\n".join(part.text for part in told.instalments if part.text)
    days = {part.due for part in told.instalments if part.due}
    return bool(told.instalments) and texts == told.payment_terms and (told.due_date is None or told.due_date in days)


def _write_term(writing: Writing, element: Element, part: Instalment, mandate: str) -> None:
    place = writing.branch(element, "SpecifiedTradePaymentTerms")
    write_shape(writing, place, Shape(Instalment, _TERM[:2]), part)
    if mandate:
        put(writing, place, "DirectDebitMandateID", mandate)
    write_shape(writing, place, Shape(Instalment, _TERM[2:]), part)


TERMS = By(_read_terms, _write_terms)


# totals


_SUMS = (
    Leaf("lines", "LineTotalAmount", BARE_AMOUNT),
    Leaf("charges", "ChargeTotalAmount", BARE_AMOUNT),
    Leaf("allowances", "AllowanceTotalAmount", BARE_AMOUNT),
    Leaf("without_tax", "TaxBasisTotalAmount", BARE_AMOUNT),
    Leaf("rounding", "RoundingAmount", BARE_AMOUNT),
    Leaf("with_tax", "GrandTotalAmount", BARE_AMOUNT),
    Leaf("paid", "TotalPrepaidAmount", BARE_AMOUNT),
    Leaf("payable", "DuePayableAmount", BARE_AMOUNT),
)


def _read_totals(reading: Reading, element: Element, fields: Fields) -> None:
    totals = read_parts(reading, element, _SUMS)
    for place in found(element, "TaxTotalAmount"):
        told = reading.take(place, AMOUNT)
        if told is not None:
            totals.setdefault("tax" if told.currency == reading.currency else "tax_in_tax_currency", told)
    if totals:
        fields.update(totals)


def _write_totals(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - totals
    write_shape(writing, element, Shape(Totals, _SUMS[:4]), told)
    for amount in (told.tax, told.tax_in_tax_currency):
        if amount is not None:
            put(writing, element, "TaxTotalAmount", *AMOUNT.write(amount))
    write_shape(writing, element, Shape(Totals, _SUMS[4:]), told)


TOTALS = Shape(Totals, (By(_read_totals, _write_totals),))
