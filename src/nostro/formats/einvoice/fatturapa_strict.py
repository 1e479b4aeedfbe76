"""What FatturaPA demands before an invoice is written: fields, lengths, letters and sums, with the remedy.

Agenzia delle Entrate, "Specifiche tecniche" 1.2.x, schema and list of checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from nostro.formats.einvoice.arithmetic import summed
from nostro.formats.einvoice.discounts import payments_of
from nostro.formats.einvoice.fatturapa_checks import checks_of_body, payable
from nostro.formats.einvoice.strict import ONLY_EXTENSION, Flaw, currency_flaws, refuse
from nostro.formats.einvoice.sub_lines import fitted
from nostro.model.invoices import InvoiceContent, InvoiceParty, PaymentMeans, TaxCategory
from nostro.model.money import Amount

TYPES_BACK = {"380": "TD01", "386": "TD02", "381": "TD04", "383": "TD05"}
MEANS_BACK = {"10": "MP01", "20": "MP02", "30": "MP05", "48": "MP08", "49": "MP16", "58": "MP05", "59": "MP19"}
_DIGIT = re.compile(r"\d")
_RECIPIENT_LETTERS = {"FPA12": 6, "FPR12": 7}
_NATURA = re.compile(r"N[1-7](\.\d{1,2})?")


class _Duty(NamedTuple):
    field: str
    rule: str
    remedy: str
    met: Callable[[InvoiceContent], object]


def _fits_recipient(told: InvoiceContent) -> bool:
    address = told.buyer.electronic_address
    wanted = _RECIPIENT_LETTERS.get(told.others["FormatoTrasmissione"], 7)
    return len(address.value) == wanted if address else wanted == 7


def means_of(means: PaymentMeans) -> str:
    """ModalitaPagamento, or nothing where the code has no equal."""
    return means.national or MEANS_BACK.get(means.code, "")


_DUTIES = (
    _Duty("number", "SdI 00425", "Give a number (2.1.1.4) of at most 20 characters with a digit in it.",
          lambda told: len(told.number) <= 20 and _DIGIT.search(told.number)),
    _Duty("issue_date", "2.1.1.3", "Give the issue date.", lambda told: told.issue_date),
    _Duty("type_code", "2.1.1.1", "Give TipoDocumento in `others`, or a type code that has one (380, 381, 383, 386).",
          lambda told: told.others.get("TipoDocumento") or told.type_code in TYPES_BACK),
    _Duty("others.ProgressivoInvio", "1.1.2", "Give the transmission's own number in `others`.",
          lambda told: told.others.get("ProgressivoInvio")),
    _Duty("others.FormatoTrasmissione", "1.1.3", "FPR12 for enterprises and persons, FPA12 for administrations.",
          lambda told: told.others["FormatoTrasmissione"] in _RECIPIENT_LETTERS),
    _Duty("buyer.electronic_address", "SdI 00427", "A recipient code has 7 letters (FPR12) or 6 (FPA12).",
          _fits_recipient),
    _Duty("seller.vat_id", "1.2.1.1", "Give the seller's VAT number with its country.",
          lambda told: len(told.seller.vat_id) > 2),
    _Duty("seller.tax_regime", "1.2.1.8", "Give the seller's RegimeFiscale (RF01...).",
          lambda told: told.seller.tax_regime),
    _Duty("buyer.vat_id", "SdI 00417", "Give the buyer's VAT number or CodiceFiscale.",
          lambda told: told.buyer.vat_id or told.buyer.tax_id),
    _Duty("lines", "2.2.1", "An invoice has a line at least.", lambda told: told.lines),
    _Duty("tax_breakdown", "2.2.2", "Give the tax breakdown.", lambda told: told.tax_breakdown),
    _Duty("payment_means", "2.4.2.2", "Give a ModalitaPagamento (`national`) for each way to pay.",
          lambda told: all(means_of(one) for one in told.payment_means)),
    _Duty("third_party_payments", "BR-DEX-09", ONLY_EXTENSION, lambda told: not told.third_party_payments),
    _Duty("instalments", "2.4.2.2", "Say how the instalments are paid (`payment_means`).",
          lambda told: not told.instalments or told.payment_means),
)  # fmt: skip


def prepared(invoice: InvoiceContent) -> InvoiceContent:
    """The invoice with what can be worked out filled in. Raises `FormatRefused` with field, rule and remedy."""
    sender = {"IdTrasmittente/IdPaese": invoice.seller.vat_id[:2], "IdTrasmittente/IdCodice": invoice.seller.vat_id[2:]}
    stamped = {"BolloVirtuale": "SI"} if invoice.stamp_duty else {}
    others = {"FormatoTrasmissione": "FPR12", **sender, **stamped, **invoice.others}
    told = summed(fitted(invoice, "fatturapa").model_copy(update={"others": others}))
    if invoice.totals.payable is None and told.totals.payable is not None:  # less what is withheld, and split
        due = Amount(value=payable(told, told.totals.payable.value), currency=told.currency)
        told = told.model_copy(update={"totals": told.totals.model_copy(update={"payable": due})})
    refuse(list(_flaws(told)))
    return told


def _flaws(told: InvoiceContent) -> Iterator[Flaw]:
    for duty in _DUTIES:
        if not duty.met(told):
            yield Flaw(duty.field, duty.rule, duty.remedy)
    for role, party in (("seller", told.seller), ("buyer", told.buyer)):
        yield from _party_flaws(role, party)
    yield from _payment_flaws(told)
    yield from _line_flaws(told)
    yield from _tax_flaws(told)
    yield from _letter_flaws(told)
    yield from _form_flaws(told)
    yield from _decimal_flaws(told)
    yield from currency_flaws(told)
    for check in checks_of_body(told, strict=True):
        if not check.ok:
            yield Flaw("totals", check.name, f"Correct the amounts: {check.detail}.")


def _party_flaws(role: str, party: InvoiceParty) -> Iterator[Flaw]:
    if not party.name:
        yield Flaw(f"{role}.name", "1.2.1.3", "Give the name.")
    address = party.address
    for field in ("street", "postcode", "town", "country"):
        if address is None or not getattr(address, field):
            yield Flaw(f"{role}.address.{field}", "1.2.2", "Give the whole address (Sede).")


def _payment_flaws(told: InvoiceContent) -> Iterator[Flaw]:
    paid = payments_of(told)
    for number, part in enumerate(paid if len(paid) > 1 else (), start=1):
        if part.amount is None:
            yield Flaw(f"instalments[{number}].amount", "2.4.2.6", "Give each its amount: there are several.")


def _line_flaws(told: InvoiceContent) -> Iterator[Flaw]:
    for number, line in enumerate(told.lines, start=1):
        price = line.price.net if line.price else None
        needs = {"line_id": line.line_id.isdecimal(), "name": line.name, "price.net": price, "amount": line.amount}
        for field, given in needs.items():
            if given in (None, "", False):
                yield Flaw(f"lines[{number}].{field}", "2.2.1", "Every line has one: give it (its number in digits).")


def _tax_flaws(told: InvoiceContent) -> Iterator[Flaw]:
    for number, line in enumerate(told.lines, start=1):
        yield from _natura_flaws(f"lines[{number}].tax", line.tax, "00400")
    for number, part in enumerate(told.tax_breakdown, start=1):
        yield from _natura_flaws(f"tax_breakdown[{number}].tax", part.tax, "00429")


def _natura_flaws(field: str, tax: TaxCategory | None, rule: str) -> Iterator[Flaw]:
    if tax is None or tax.rate is None:
        yield Flaw(f"{field}.rate", "2.2.1.12", "Give the rate: 0 where nothing is taxed.")
    elif not tax.rate and not _NATURA.fullmatch(tax.exemption_code):
        yield Flaw(f"{field}.exemption_code", f"SdI {rule}", "Say with a Natura (N1 to N7) why nothing is taxed.")
    elif tax.rate and tax.exemption_code:
        yield Flaw(f"{field}.exemption_code", "SdI 00401", "Leave the Natura out: the rate is not nothing.")


def _decimal_flaws(told: InvoiceContent) -> Iterator[Flaw]:
    """Amounts that the schema lets have two decimals only: nothing of them is rounded away here."""
    amounts = {f"totals.{field}": value for field, value in told.totals if field in _WRITTEN_TOTALS}
    amounts["stamp_duty"] = told.stamp_duty
    for number, part in enumerate(told.tax_breakdown, start=1):
        amounts |= {f"tax_breakdown[{number}].{field}": getattr(part, field) for field in ("taxable", "amount")}
    for number, paid in enumerate(told.instalments, start=1):
        amounts |= {f"instalments[{number}].{field}": getattr(paid, field) for field in ("amount", "discount_amount")}
    for number, held in enumerate(told.withholdings, start=1):
        amounts[f"withholdings[{number}].amount"] = held.amount
    for number, one in enumerate(told.allowances_charges, start=1):
        amounts[f"allowances_charges[{number}].amount"] = one.amount if one.tax else None
    for field, amount in amounts.items():
        if amount is not None and amount.value != round(amount.value, _DECIMALS):
            yield Flaw(field, "the schema", "Round it to two decimals.")


_WRITTEN_TOTALS = ("with_tax", "rounding", "payable")
_DECIMALS = 2


MOST = {"name": 80, "street": 60, "town": 60, "note": 200, "exemption_reason": 100, "line": 1_000}
"""How many characters the schema takes."""
_FORMS = {
    "line_id": (re.compile(r"[1-9]\d{0,3}", re.ASCII), "2.2.1.1", "Number the lines from 1 to 9999."),
    "postcode": (re.compile(r"\d{5}", re.ASCII), "1.2.2.3", "Five digits; 00000 abroad."),
    "iban": (re.compile(r"[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,30}", re.ASCII), "2.4.2.13", "Give the IBAN."),
    "tax_id": (re.compile(r"[A-Z0-9]{11,16}"), "1.2.1.2", "A CodiceFiscale has 11 to 16 capitals and digits."),
}


def _form_flaws(told: InvoiceContent) -> Iterator[Flaw]:
    """What the schema takes in this form only; no package carries it, so that its facets are here."""
    sized = {f"notes[{number}]": ("note", note.text) for number, note in enumerate(told.notes, start=1)}
    formed = {f"lines[{number}]": ("line_id", line.line_id) for number, line in enumerate(told.lines, start=1)}
    for role, party in (("seller", told.seller), ("buyer", told.buyer)):
        sized[f"{role}.name"] = ("name", party.name)
        formed[f"{role}.tax_id"] = ("tax_id", party.tax_id)
        if party.address:
            sized |= {f"{role}.address.{part}": (part, getattr(party.address, part)) for part in ("street", "town")}
            formed[f"{role}.address.postcode"] = ("postcode", party.address.postcode)
    for number, line in enumerate(told.lines, start=1):
        sized[f"lines[{number}].name"] = ("line", line.name)
        if line.quantity and line.quantity.value < 0:
            yield Flaw(f"lines[{number}].quantity", "2.2.1.5", "Make the price negative instead of the quantity.")
    for number, means in enumerate(told.payment_means, start=1):
        formed[f"payment_means[{number}].account"] = ("iban", means.account.iban if means.account else "")
    for number, part in enumerate(told.tax_breakdown, start=1):
        sized[f"tax_breakdown[{number}]"] = ("exemption_reason", part.tax.exemption_reason)
    for field, (kind, said) in sized.items():
        if len(said) > MOST[kind]:
            yield Flaw(field, "the schema", f"Shorten it to {MOST[kind]} characters.")
    for field, (kind, said) in formed.items():
        form, rule, remedy = _FORMS[kind]
        if said and not form.fullmatch(said):
            yield Flaw(field, rule, remedy)


def _letter_flaws(told: InvoiceContent) -> Iterator[Flaw]:
    """The schema takes letters of Latin-1 only."""
    texts = {"seller.name": told.seller.name, "buyer.name": told.buyer.name, "number": told.number}
    texts |= {f"lines[{number}].name": line.name for number, line in enumerate(told.lines, start=1)}
    texts |= {f"notes[{number}]": note.text for number, note in enumerate(told.notes, start=1)}
    for field, said in texts.items():
        if any(ord(letter) > 255 for letter in said):
            yield Flaw(field, "String Latin", "Write it in the letters of Latin-1.")
