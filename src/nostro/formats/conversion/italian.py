"""Invoices between EN 16931 and FatturaPA: what one of them asks for and the other has no word for."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from nostro.formats.conversion.order import Order
from nostro.formats.einvoice.fatturapa_strict import MOST, TYPES_BACK, means_of
from nostro.formats.einvoice.sub_lines import fitted
from nostro.formats.profiles.letters import plainer
from nostro.formats.swift_mt.values import is_bic
from nostro.model.failures import FormatRefused
from nostro.model.invoices import (
    AllowanceCharge,
    Attachment,
    Attribute,
    DocumentReference,
    Identifier,
    InvoiceContent,
    InvoiceLine,
    InvoiceParty,
    Note,
    PaymentMeans,
    Price,
    Quantity,
    TaxCategory,
)
from nostro.model.money import Amount
from nostro.model.parties import Address

EN16931 = "urn:cen.eu:en16931:2017"
_RECIPIENTS = "0205"
_TAX_NUMBERS = "0210"
"""The ICD code of Italy's CodiceFiscale."""
_SPLIT = "S"
_PIECE = "C62"
_UNITS: Mapping[str, str] = {
    "PZ": "H87", "NR": "C62", "N": "C62", "KG": "KGM", "H": "HUR", "ORE": "HUR", "ORA": "HUR", "GG": "DAY", "L": "LTR",
    "LT": "LTR", "M": "MTR", "MT": "MTR", "MQ": "MTK", "MC": "MTQ", "KWH": "KWH", "MESE": "MON", "MESI": "MON",
}  # fmt: skip
"""How sellers abbreviate units, and UN/ECE Recommendation 20's code."""
_CODE = re.compile(r"[A-Z0-9]{2,3}")
_WELFARE = re.compile(r"TC\d\d")
_LATIN = re.compile(r"[\x00-\xff]")
_NUMBER = re.compile(r"[ -~]{1,20}")
_TAX_NUMBER = re.compile(r"[A-Z0-9]{11,16}")
_EMAIL = re.compile(r"(?=.{7,256}$).+@.+\.+.+")
_LINE_NUMBER = re.compile(r"[1-9]\d{0,3}", re.ASCII)
_TELEPHONE = range(5, 13)
_POSTCODE = re.compile(r"\d{5}", re.ASCII)
_PROVINCE = re.compile(r"[A-Z]{2}")
_ABROAD_POSTCODE = "00000"
_ABROAD, _NO_CODE = "XXXXXXX", "0000000"
_CENT = Decimal("0.01")


def to_en16931(invoice: InvoiceContent, order: Order) -> InvoiceContent:
    """A FatturaPA with what EN 16931 demands of every invoice."""
    terms = invoice.payment_terms
    open_terms = invoice.is_credit_note or invoice.due_date or terms or invoice.instalments
    if not open_terms and not (invoice.totals.payable and invoice.totals.payable.value <= 0):
        terms = order.needed(terms="")["terms"]
    split = any(part.chargeability == _SPLIT for part in invoice.tax_breakdown)
    if invoice.withholdings or split:
        what = "split payment" if split else "tax that the buyer withholds"
        raise FormatRefused(f"EN 16931 has no {what}: the amount to pay would be another one.", "Send it as FatturaPA.")
    lines = tuple(_counted(line) for line in invoice.lines)
    if any(line.quantity is None or not line.quantity.unit for line in invoice.lines):
        order.say(f"Lines that name no quantity or unit are told in pieces ({_PIECE}).")
    breakdown = tuple(part.model_copy(update={"tax": _reasoned(part.tax)}) for part in invoice.tax_breakdown)
    return invoice.model_copy(update={
        "profile": invoice.profile or EN16931, "payment_terms": terms, "lines": lines, "tax_breakdown": breakdown,
        "buyer": _identified(invoice.buyer),
        "references": tuple(one if one.kind == "preceding_invoice" else one.model_copy(update={"on": None})
                            for one in invoice.references),
    })  # fmt: skip


def _reasoned(tax: TaxCategory) -> TaxCategory:
    """A Natura is no code of EN 16931: it stands before the reason."""
    reason = " ".join(part for part in (tax.exemption_code, tax.exemption_reason) if part)
    return tax.model_copy(update={"exemption_code": "", "exemption_reason": reason})


def _identified(buyer: InvoiceParty) -> InvoiceParty:
    """A buyer's CodiceFiscale is an identifier: only the seller's tax number has a term of its own (BT-32)."""
    if not buyer.tax_id or buyer.ids:
        return buyer
    return buyer.model_copy(update={"tax_id": "", "ids": (Identifier(value=buyer.tax_id, scheme=_TAX_NUMBERS),)})


def _counted(line: InvoiceLine) -> InvoiceLine:
    """A line with a quantity, a unit of the code list, and a price that is not below nothing (BR-22, 23, 27)."""
    quantity = line.quantity or Quantity(value=Decimal(1))
    unit = _UNITS.get(quantity.unit.upper().rstrip("."), quantity.unit if _CODE.fullmatch(quantity.unit) else _PIECE)
    price = line.price
    value = quantity.value
    if price and price.net and price.net.value < 0:
        price, value = price.model_copy(update={"net": _negated(price.net)}), -value
    known = tuple(Attribute(name=one.scheme, value=one.value) for one in line.classifications)
    return line.model_copy(update={
        "quantity": Quantity(value=value, unit=unit), "price": price, "classifications": (),
        "attributes": (*line.attributes, *known), "tax": line.tax and _reasoned(line.tax),
        "allowances_charges": tuple(_of_the_line(line, quantity.value)),
    })  # fmt: skip


def _of_the_line(line: InvoiceLine, quantity: Decimal) -> Iterator[AllowanceCharge]:
    """Discounts of a unit, one after the other, as amounts of the line with their reason (BR-41, BR-42)."""
    net = line.price.net if line.price else None
    price = net.value if net else Decimal(0)
    for one in line.allowances_charges:
        each = one.amount.value if one.amount else price * (one.percentage or Decimal(0)) / 100
        price += each if one.charge else -each
        amount = Amount(value=(each * quantity).quantize(_CENT), currency=net.currency) if net else one.amount
        yield one.model_copy(update={"amount": amount, "percentage": None, "reason": one.reason or _named(one)})


def _named(one: AllowanceCharge) -> str:
    return "Maggiorazione" if one.charge else "Sconto"


def _negated(amount: Amount) -> Amount:
    return Amount(value=-amount.value, currency=amount.currency)


def to_italian(invoice: InvoiceContent, order: Order) -> InvoiceContent:
    """An invoice of EN 16931 with what Sistema di Interscambio demands. Raises `FormatRefused` with what lacks."""
    untaxed = any(not (told.rate or told.exemption_code.startswith("N")) for told in _taxes(invoice))
    buyer, totals = invoice.buyer, invoice.totals
    # What was paid before changes the amount to pay, which FatturaPA tells where it says how that is paid.
    partly = bool((totals.paid and totals.paid.value) or (totals.rounding and totals.rounding.value))
    means = invoice.payment_means or ((PaymentMeans(),) if partly else ())
    known = order.needed(
        transmission=invoice.others.get("ProgressivoInvio", ""),
        tax_regime=invoice.seller.tax_regime,
        buyer_tax_id=buyer.vat_id or buyer.tax_id,
        **({"natura": ""} if untaxed else {}),
        **({} if invoice.type_code in TYPES_BACK else {"document_type": invoice.others.get("TipoDocumento", "")}),
        **({} if all(map(means_of, means)) else {"payment_means": ""}),
    )
    natura = known.get("natura", "")
    counted = fitted(invoice, "fatturapa").lines
    lines = (*counted, *(_as_line(one) for one in invoice.allowances_charges if not _stays(one)))
    kept = {"ProgressivoInvio": known["transmission"]}
    kept |= {"TipoDocumento": known["document_type"]} if "document_type" in known else {}
    national = {"national": known.get("payment_means", "")}
    return invoice.model_copy(update={
        "others": {**invoice.others, **kept},
        "seller": _latin(invoice.seller).model_copy(update={"tax_regime": known["tax_regime"]}),
        "buyer": _received(_latin(buyer), known["buyer_tax_id"], order.told.get("recipient", "")),
        "notes": tuple(note for told in invoice.notes for note in _pieces(told)),
        "references": tuple(filter(_fits, invoice.references)),
        "attachments": tuple(_filed(one) for one in invoice.attachments if one.content),
        "payment_means": tuple(_paid(one, {} if means_of(one) else national) for one in means),
        "allowances_charges": tuple(one for one in invoice.allowances_charges if _stays(one)),
        "lines": tuple(_as_italian(line, natura) for line in _numbered(lines)),
        "tax_breakdown": tuple(
            part.model_copy(update={"tax": _with_natura(part.tax, natura)}) for part in invoice.tax_breakdown
        ),
        "totals": invoice.totals.model_copy(update={"lines": None, "allowances": None, "charges": None}),
    })  # fmt: skip


def _taxes(invoice: InvoiceContent) -> list[TaxCategory]:
    taxed: list[InvoiceLine | AllowanceCharge] = [*invoice.lines, *invoice.allowances_charges]
    return [*(one.tax for one in taxed if one.tax), *(part.tax for part in invoice.tax_breakdown)]


def _with_natura(tax: TaxCategory, natura: str) -> TaxCategory:
    """What is not taxed says why; EN 16931's own code for it (VATEX) has no place beside a Natura."""
    if tax.rate or tax.category == "S":  # a standard rate that is not told is no nothing
        return tax.model_copy(update={"exemption_code": ""})
    code = tax.exemption_code if tax.exemption_code.startswith("N") else natura
    reason = _plain(tax.exemption_reason)[: MOST["exemption_reason"]]
    return tax.model_copy(update={"rate": Decimal(0), "exemption_code": code, "exemption_reason": reason})


def _fits(told: DocumentReference) -> bool:
    """Whether there is room for its number; a delivery note has a day."""
    return bool(_NUMBER.fullmatch(told.number)) and (told.kind != "despatch_advice" or told.on is not None)


def _filed(told: Attachment) -> Attachment:
    name, mime = told.name or told.reference or "allegato", told.mime.rpartition("/")[2].upper()[:10]
    fitted = told.model_copy(update={"name": _plain(name)[:60], "mime": mime})
    return fitted.holding(told.content)


def _paid(means: PaymentMeans, national: Mapping[str, str]) -> PaymentMeans:
    """With a BIC that is one; an IBAN that is none is for the writer to refuse."""
    account = means.account
    if account and account.bic and not is_bic(account.bic):
        account = account.model_copy(update={"bic": ""})
    return means.model_copy(update={**national, "account": account})


def _pieces(note: Note) -> Iterator[Note]:
    """A note in as many as its length takes."""
    text = " ".join(_plain(note.text).split())
    yield from (note.model_copy(update={"text": piece}) for piece in textwrap.wrap(text, MOST["note"]))


def _stays(one: AllowanceCharge) -> bool:
    """Welfare funds, and what changes the total alone, have a place of their own."""
    return one.tax is None or (one.charge and bool(_WELFARE.fullmatch(one.reason_code)))


def _as_line(one: AllowanceCharge) -> InvoiceLine:
    """An allowance or charge of the whole invoice, which FatturaPA tells as a line."""
    amount = one.amount if one.charge or one.amount is None else _negated(one.amount)
    return InvoiceLine(name=one.reason or _named(one), amount=amount, price=Price(net=amount), tax=one.tax)


def _numbered(lines: Sequence[InvoiceLine]) -> Iterator[InvoiceLine]:
    """The lines by their own numbers, where these are numbers and each has another; else they are counted."""
    own = {line.line_id for line in lines if _LINE_NUMBER.fullmatch(line.line_id)}
    for number, line in enumerate(lines, start=1):
        yield line if len(own) == len(lines) else line.model_copy(update={"line_id": str(number)})


def _as_italian(line: InvoiceLine, natura: str) -> InvoiceLine:
    tax = _with_natura(line.tax, natura) if line.tax else None
    return _priced(_upright(line)).model_copy(update={"tax": tax, "name": _plain(line.name)})


def _upright(line: InvoiceLine) -> InvoiceLine:
    """What is taken back has a negative quantity in EN 16931, and a negative price here."""
    told, net = line.quantity, line.price.net if line.price else None
    if told is None or told.value >= 0 or line.price is None or net is None:
        return line
    price = line.price.model_copy(update={"net": _negated(net)})
    return line.model_copy(update={"quantity": Quantity(value=-told.value, unit=told.unit), "price": price})


def _priced(line: InvoiceLine) -> InvoiceLine:
    """EN 16931's price is for a base quantity, its allowances are of the line: FatturaPA tells both of a unit."""
    quantity = line.quantity.value if line.quantity else Decimal(1)
    if line.amount is None or line.price is None or line.price.net is None or not quantity:
        return line
    base = line.price.base.value if line.price.base else Decimal(1)
    if not line.allowances_charges and abs(line.price.net.value * quantity - line.amount.value) <= _CENT:
        return line.model_copy(update={"price": Price(net=line.price.net)})
    unit = line.price.net.value / (base or Decimal(1))
    parts = tuple(
        one.model_copy(update={"amount": _of_a_unit(one.amount, quantity), "percentage": None, "base": None})
        for one in line.allowances_charges
        if one.amount
    )
    price = Price(net=Amount(value=unit, currency=line.amount.currency))
    return line.model_copy(update={"price": price, "allowances_charges": parts})


def _of_a_unit(amount: Amount, quantity: Decimal) -> Amount:
    return Amount(value=(amount.value / quantity).quantize(Decimal("0.00000001")), currency=amount.currency)


def _received(buyer: InvoiceParty, tax_id: str, recipient: str) -> InvoiceParty:
    """The buyer with a recipient code, as SdI asks for it: that of buyers abroad is XXXXXXX."""
    told = buyer.electronic_address
    country = buyer.address.country if buyer.address else ""
    own = told.value if told and told.scheme == _RECIPIENTS else ""
    code = recipient or own or (_NO_CODE if country in ("IT", "") else _ABROAD)
    named = {} if buyer.vat_id or buyer.tax_id else {"vat_id": tax_id} if tax_id[:2].isalpha() else {"tax_id": tax_id}
    return buyer.model_copy(update={**named, "electronic_address": Identifier(value=code, scheme=_RECIPIENTS)})


def _latin(party: InvoiceParty) -> InvoiceParty:
    """In letters that are taken; a postcode and region from abroad stand in the street, since Italy's have a form."""
    tax_id = party.tax_id if _TAX_NUMBER.fullmatch(party.tax_id) else ""
    contact = party.contact and party.contact.model_copy(update={
        "telephone": _telephone(party.contact.telephone),
        "email": party.contact.email if _EMAIL.fullmatch(party.contact.email) else "",
    })  # fmt: skip
    named = party.model_copy(update={"name": _plain(party.name), "tax_id": tax_id, "contact": contact})
    told = party.address
    if told is None:
        return named
    fields = {name: _plain(said) for name, said in told if isinstance(said, str)}
    strange = [told.postcode] if told.postcode and not _POSTCODE.fullmatch(told.postcode) else []
    strange += [told.region] if told.region and not _PROVINCE.fullmatch(told.region) else []
    fields |= {"street": ", ".join(_plain(part) for part in (told.street, *strange) if part)}
    fields |= {"postcode": _ABROAD_POSTCODE} if told.postcode in strange else {}
    fields |= {"region": ""} if told.region in strange else {}
    address = Address.model_validate({**dict(told), **fields})
    return named.model_copy(update={"address": address})


def _telephone(said: str) -> str:
    digits = "".join(sign for sign in said if sign.isdecimal())
    return digits if len(digits) in _TELEPHONE else ""


def _plain(said: str) -> str:
    """In letters of Latin-1, which is all that the schema takes."""
    return plainer(said, {"€": "EUR"}, _LATIN)
