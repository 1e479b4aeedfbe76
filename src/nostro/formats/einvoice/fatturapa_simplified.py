"""What FatturaPA's simplified invoices (FSM10: TD07 to TD09, up to 400 euros) tell otherwise; they are read only.

Agenzia delle Entrate, "Specifiche tecniche" 1.0 of the simplified format. Amounts include the tax there: what is net,
and the breakdown, are worked out from the rate, or from the tax where it is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from nostro.formats.einvoice.arithmetic import rounded
from nostro.formats.einvoice.fatturapa_parts import AMOUNT_2, RATE, category_of
from nostro.formats.einvoice.forms import DAY, TEXT
from nostro.formats.einvoice.mapping import Fields, Leaf, Reading, Shape, read_parts, read_shape
from nostro.formats.einvoice.paths import found
from nostro.formats.xml import Element, line_of
from nostro.model.invoices import DocumentReference, InvoiceContent, InvoiceLine, TaxBreakdown, TaxCategory
from nostro.model.money import Amount, plain
from nostro.model.statements import Check, Source

ROOT = "FatturaElettronicaSemplificata"
_NOTHING, _CENT, _HUNDRED = Decimal(0), Decimal("0.01"), Decimal(100)
_GOODS = (
    Leaf("name", "Descrizione", TEXT),
    Leaf("gross", "Importo", AMOUNT_2),
    Leaf("tax", "DatiIVA/Imposta", AMOUNT_2),
    Leaf("rate", "DatiIVA/Aliquota", RATE),
    Leaf("exemption_code", "Natura", TEXT),
    Leaf("exemption_reason", "RiferimentoNormativo", TEXT),
)
_CORRECTED = Shape(
    DocumentReference,
    (Leaf("number", "NumeroFR", TEXT), Leaf("on", "DataFR", DAY), Leaf("name", "ElementiRettificati", TEXT)),
)


def read_simplified(reading: Reading, element: Element, fields: Fields) -> None:
    """Lines and breakdown of a body, and the invoice that it corrects."""
    lines, parts = [], dict[Any, TaxBreakdown]()
    for number, place in enumerate(found(element, "DatiBeniServizi"), start=1):
        told = read_parts(reading, place, _GOODS)
        tax = _category(told)
        net, due = _split(told, reading.currency)
        reading.flaws += _tax_check(told, reading.currency, reading.where(place))
        source = Source(where=reading.where(place), line=line_of(place))
        gross = {"Importo": plain(told["gross"].value)} if "gross" in told else {}
        lines.append(InvoiceLine(line_id=str(number), name=told.get("name", ""), amount=net, tax=tax, others=gross,
                                 source=source))  # fmt: skip
        key = (tax.rate, tax.exemption_code)
        parts[key] = _added(parts.get(key) or TaxBreakdown(tax=tax), net, due)
    corrected = [read_shape(reading, one, _CORRECTED, {"kind": "preceding_invoice"})
                 for one in found(element, "DatiGenerali/DatiFatturaRettificata")]  # fmt: skip
    fields |= {"lines": tuple(lines), "tax_breakdown": tuple(parts.values())}
    fields["references"] = (*fields.get("references", ()), *(one for one in corrected if one is not None))


def no_checks(_: InvoiceContent) -> Iterator[Check]:
    """What was worked out needs none: only its rounding could be found."""
    yield from ()


def _category(told: Fields) -> TaxCategory:
    reasons = {name: told[name] for name in ("exemption_code", "exemption_reason") if name in told}
    rate = told.get("rate")
    category = category_of(rate or told.get("tax"), told.get("exemption_code", ""))
    return TaxCategory(category=category, rate=rate, **reasons)


def _split(told: Fields, currency: str) -> tuple[Amount | None, Amount | None]:
    """What is net and what is tax of an amount that holds both."""
    gross, tax = told.get("gross"), told.get("tax")
    if gross is None:
        return None, tax
    due = tax.value if tax else _tax_in(gross.value, told.get("rate"), currency)
    return gross.model_copy(update={"value": gross.value - due}), gross.model_copy(update={"value": due})


def _tax_in(gross: Decimal, rate: Decimal | None, currency: str) -> Decimal:
    return rounded(gross * (rate or _NOTHING) / (_HUNDRED + (rate or _NOTHING)), currency)


def _tax_check(told: Fields, currency: str, where: str) -> Iterator[Check]:
    """Where both are told, the tax is what the rate makes."""
    if {"gross", "tax", "rate"} <= told.keys():
        made, said = _tax_in(told["gross"].value, told["rate"], currency), told["tax"].value
        if abs(made - said) > _CENT:
            detail = f"{where}: {plain(said)} is told, {plain(made)} is worked out"
            yield Check(name="SdI 00421", ok=False, detail=detail)


def _added(part: TaxBreakdown, net: Amount | None, due: Amount | None) -> TaxBreakdown:
    return part.model_copy(update={"taxable": _sum(part.taxable, net), "amount": _sum(part.amount, due)})


def _sum(one: Amount | None, other: Amount | None) -> Amount | None:
    return one.model_copy(update={"value": one.value + other.value}) if one and other else one or other
