"""What FatturaPA says: tables of where each term stands in header and body.

Agenzia delle Entrate, "Specifiche tecniche del formato della FatturaPA" 1.2.x (FPA12, FPR12), and 1.0 and 1.1 before
them; EN 16931 terms after AgID's mapping. National fields that no business term has are kept under their own names.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from nostro.formats.einvoice import forms
from nostro.formats.einvoice.forms import COUNT, DAY, NUMBER, TEXT, amount
from nostro.formats.einvoice.mapping import By, Fields, Form, Group, Leaf, Reading, Shape, Writing, put, read_parts
from nostro.formats.einvoice.paths import found
from nostro.formats.einvoice.ubl_parts import attachment_of, nothing
from nostro.formats.xml import Element, text
from nostro.model.invoices import (
    AllowanceCharge,
    Contact,
    DocumentReference,
    Identifier,
    Instalment,
    InvoiceLine,
    InvoiceParty,
    Note,
    Period,
    Price,
    Quantity,
    TaxBreakdown,
    TaxCategory,
    Withholding,
)
from nostro.model.money import Amount, plain
from nostro.model.parties import Address, BankAccount

_EXACT = Context(prec=100, rounding=ROUND_HALF_UP)


def _digits(value: Decimal, most: int) -> str:
    """Two decimals at least, as the schema wants them."""
    exponent = value.as_tuple().exponent
    told = -exponent if isinstance(exponent, int) else 0
    # Adding nothing turns a negative zero into zero.
    return plain(_EXACT.add(_EXACT.quantize(value, Decimal(1).scaleb(-min(max(told, 2), most))), Decimal(0)))


def _amount_form(most: int) -> Form:
    def write(told: Amount) -> tuple[str, dict[str, str]]:
        return _digits(told.value, most), {}

    return Form(amount, write)


AMOUNT_2, AMOUNT_8 = _amount_form(2), _amount_form(8)
RATE = Form(NUMBER.read, lambda value: (_digits(value, 2), {}))


def kept(*names: str, within: str = "") -> By:
    """National fields that the model has no place of its own for: in `others`, by their names."""
    prefix = f"{within}/" if within else ""

    def read(reading: Reading, element: Element, fields: Fields) -> None:
        for name in names:
            for place in found(element, prefix + name):
                reading.seen.add(place)
                if said := text(place):
                    fields["others"] = {**fields.get("others", {}), name: said}

    def write(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - whatever has others
        for name in names:
            if said := told.others.get(name):
                put(writing, element, prefix + name, said)

    return By(read, write)


# parties


_SIMPLIFIED = ("", "IdentificativiFiscali/", "AltriDatiIdentificativi/")
"""Where simplified invoices tell what the others tell in `DatiAnagrafici`: of the seller, and twice of the buyer."""


def _simplified(path: str) -> tuple[str, ...]:
    return tuple(f"{above}{path}" for above in _SIMPLIFIED)


def _read_vat(reading: Reading, element: Element, fields: Fields) -> None:
    paths = ("DatiAnagrafici/IdFiscaleIVA", *_simplified("IdFiscaleIVA"))
    for place in (place for path in paths for place in found(element, path)):
        parts = [one for name in ("IdPaese", "IdCodice") for one in found(place, name)]
        reading.seen.update(parts)
        if said := "".join(text(one) for one in parts):
            fields["vat_id"] = said


def _write_vat(writing: Writing, element: Element, told: InvoiceParty) -> None:
    if told.vat_id:
        put(writing, element, "DatiAnagrafici/IdFiscaleIVA/IdPaese", told.vat_id[:2])
        put(writing, element, "DatiAnagrafici/IdFiscaleIVA/IdCodice", told.vat_id[2:])


_ANAGRAFICA = "DatiAnagrafici/Anagrafica"
_PERSON = ("Nome", "Cognome")


def _read_name(reading: Reading, element: Element, fields: Fields) -> None:
    places = (_ANAGRAFICA, *(path.rstrip("/") for path in _SIMPLIFIED))
    named = tuple(kept("Denominazione", *_PERSON, within=place) for place in places)
    told = read_parts(reading, element, named).get("others", {})
    fields["name"] = told.pop("Denominazione", "") or " ".join(told[name] for name in _PERSON if name in told)
    if told:
        fields["others"] = {**fields.get("others", {}), **told}


def _write_name(writing: Writing, element: Element, told: InvoiceParty) -> None:
    if all(name in told.others for name in _PERSON):
        for name in _PERSON:
            put(writing, element, f"{_ANAGRAFICA}/{name}", told.others[name])
    else:
        put(writing, element, f"{_ANAGRAFICA}/Denominazione", told.name)


ADDRESS = Shape(
    Address,
    (
        Leaf("street", "Indirizzo", TEXT),
        Leaf("building", "NumeroCivico", TEXT),
        Leaf("postcode", "CAP", TEXT),
        Leaf("town", "Comune", TEXT),
        Leaf("region", "Provincia", TEXT),
        Leaf("country", "Nazione", TEXT),
    ),
)
CONTACT = Shape(Contact, (Leaf("telephone", "Telefono", TEXT), Leaf("email", "Email", TEXT)))
_WHO = (
    By(_read_vat, _write_vat),
    Leaf("tax_id", "DatiAnagrafici/CodiceFiscale", TEXT, others=_simplified("CodiceFiscale")),
    By(_read_name, _write_name),
    kept("Titolo", "CodEORI", within=_ANAGRAFICA),
)
_REGISTER = ("AlboProfessionale", "ProvinciaAlbo", "NumeroIscrizioneAlbo", "DataIscrizioneAlbo")
_REA = ("Ufficio", "NumeroREA", "CapitaleSociale", "SocioUnico", "StatoLiquidazione")
SELLER = Shape(
    InvoiceParty,
    (
        *_WHO,
        kept(*_REGISTER, within="DatiAnagrafici"),
        Leaf("tax_regime", "DatiAnagrafici/RegimeFiscale", TEXT, others=("RegimeFiscale",)),
        Group("address", "Sede", ADDRESS),
        kept(*_REA, within="IscrizioneREA"),
        Group("contact", "Contatti", CONTACT),
        kept("RiferimentoAmministrazione"),
    ),
)
_SEAT = Group("address", "Sede", ADDRESS, others=("AltriDatiIdentificativi/Sede",))
BUYER = Shape(InvoiceParty, (*_WHO, _SEAT))
REPRESENTATIVE = Shape(InvoiceParty, _WHO)


# documents


_CODES = ("NumItem", "CodiceCommessaConvenzione", "CodiceCUP", "CodiceCIG")


def _read_codes(reading: Reading, element: Element, fields: Fields) -> None:
    told = read_parts(reading, element, (kept(*_CODES),)).get("others", {})
    if told:
        fields["codes"] = told


def _write_codes(writing: Writing, element: Element, told: DocumentReference) -> None:
    for name in _CODES:
        if said := told.codes.get(name):
            put(writing, element, name, said)


REFERENCE = Shape(
    DocumentReference,
    (
        Leaf("lines", "RiferimentoNumeroLinea", TEXT, many=True),
        Leaf("number", "IdDocumento", TEXT),
        Leaf("on", "Data", DAY),
        By(_read_codes, _write_codes),
    ),
)
DELIVERY_NOTE = Shape(
    DocumentReference,
    (
        Leaf("number", "NumeroDDT", TEXT),
        Leaf("on", "DataDDT", DAY),
        Leaf("lines", "RiferimentoNumeroLinea", TEXT, many=True),
    ),
)


def _read_content(reading: Reading, element: Element, fields: Fields) -> None:
    for place in found(element, "Attachment"):
        fields["_content"] = reading.take(place, forms.BINARY) or b""


ATTACHMENT = Shape(
    attachment_of,
    (
        Leaf("name", "NomeAttachment", TEXT),
        Leaf("type_code", "AlgoritmoCompressione", TEXT),
        Leaf("mime", "FormatoAttachment", TEXT),
        Leaf("description", "DescrizioneAttachment", TEXT),
        By(_read_content, lambda writing, element, told: put(
            writing, element, "Attachment", forms.binary_text(told.content))),
    ),
)  # fmt: skip
"""`mime` is FormatoAttachment, which is a file extension here (PDF, XML)."""
NOTE = Form(lambda _, element: Note(text=said) if (said := text(element)) else None, lambda note: (note.text, {}))


# taxes


_NATURA = {"N1": "O", "N2": "O", "N3.1": "G", "N3.2": "K", "N3": "E", "N4": "E", "N5": "E", "N6": "AE", "N7": "O"}
"""Categories of UNTDID 5305 for what Italy taxes at nothing; the Natura itself stays as told."""


def category_of(rate: Decimal | None, natura: str) -> str:
    """The category that a Natura comes nearest to; S for what is taxed."""
    if natura:
        return _NATURA.get(natura, _NATURA.get(natura[:2], ""))
    return "S" if rate else ""


def _read_tax(reading: Reading, element: Element, fields: Fields) -> None:
    told = read_parts(reading, element, (
        Leaf("rate", "AliquotaIVA", RATE), Leaf("exemption_code", "Natura", TEXT),
        Leaf("exemption_reason", "RiferimentoNormativo", TEXT)))  # fmt: skip
    if told:
        category = category_of(told.get("rate"), told.get("exemption_code", ""))
        fields["tax"] = TaxCategory(category=category, **told)


def _write_rate(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - a line or a breakdown
    rate = told.tax.rate if told.tax and told.tax.rate is not None else Decimal(0)
    put(writing, element, "AliquotaIVA", *RATE.write(rate))


def _written_of_tax(field: str, path: str) -> By:
    """What `_read_tax` reads, written in a place of its own."""

    def write(writing: Writing, element: Element, told: Any) -> None:  # noqa: ANN401 - a line or a breakdown
        if told.tax and (said := getattr(told.tax, field)):
            put(writing, element, path, said)

    return By(nothing, write)


_RATE_PART, _NATURA_PART = By(_read_tax, _write_rate), _written_of_tax("exemption_code", "Natura")
BREAKDOWN = Shape(
    TaxBreakdown,
    (
        _RATE_PART,
        _NATURA_PART,
        Leaf("rounding", "Arrotondamento", AMOUNT_8),
        Leaf("taxable", "ImponibileImporto", AMOUNT_2),
        Leaf("amount", "Imposta", AMOUNT_2),
        Leaf("chargeability", "EsigibilitaIVA", TEXT),
        _written_of_tax("exemption_reason", "RiferimentoNormativo"),
    ),
)
WITHHOLDING = Shape(
    Withholding,
    (
        Leaf("kind", "TipoRitenuta", TEXT),
        Leaf("amount", "ImportoRitenuta", AMOUNT_2),
        Leaf("rate", "AliquotaRitenuta", RATE),
        Leaf("reason", "CausalePagamento", TEXT),
    ),
)
_KIND = Form(lambda _, element: {"SC": False, "MG": True}.get(text(element)),
             lambda charge: ("MG" if charge else "SC", {}))  # fmt: skip
DISCOUNT = Shape(
    AllowanceCharge,
    (Leaf("charge", "Tipo", _KIND), Leaf("percentage", "Percentuale", RATE), Leaf("amount", "Importo", AMOUNT_8)),
)
WELFARE_FUND = Shape(
    AllowanceCharge,
    (
        Leaf("reason_code", "TipoCassa", TEXT),
        Leaf("percentage", "AlCassa", RATE),
        Leaf("amount", "ImportoContributoCassa", AMOUNT_2),
        Leaf("base", "ImponibileCassa", AMOUNT_2),
        _RATE_PART,
        _NATURA_PART,
    ),
)


# lines


_CODE = Shape(lambda scheme="", value="": Identifier(value=value, scheme=scheme), (
    Leaf("scheme", "CodiceTipo", TEXT), Leaf("value", "CodiceValore", TEXT)))  # fmt: skip


_PERIOD = Shape(Period, (Leaf("start", "DataInizioPeriodo", DAY), Leaf("end", "DataFinePeriodo", DAY)))
_QUANTITY = Shape(
    lambda value=None, unit="": None if value is None else Quantity(value=value, unit=unit),
    (
        Leaf("value", "Quantita", Form(NUMBER.read, lambda value: (_digits(value, 8), {}))),
        Leaf("unit", "UnitaMisura", TEXT),
    ),
)


def _read_price(reading: Reading, element: Element, fields: Fields) -> None:
    for place in found(element, "PrezzoUnitario"):
        fields["price"] = Price(net=reading.take(place, AMOUNT_8))


def _write_price(writing: Writing, element: Element, told: InvoiceLine) -> None:
    net = told.price.net if told.price else None
    if net is not None:
        put(writing, element, "PrezzoUnitario", *AMOUNT_8.write(net))


_WITHHELD = Form(lambda _, element: text(element) == "SI" or None, lambda held: ("SI" if held else "", {}))
LINE = Shape(
    InvoiceLine,
    (
        Leaf("line_id", "NumeroLinea", TEXT),
        Leaf("purpose", "TipoCessionePrestazione", TEXT),
        Group("classifications", "CodiceArticolo", _CODE, many=True),
        Leaf("name", "Descrizione", TEXT),
        Group("quantity", "", _QUANTITY),
        Group("period", "", _PERIOD),
        By(_read_price, _write_price),
        Group("allowances_charges", "ScontoMaggiorazione", DISCOUNT, many=True),
        Leaf("amount", "PrezzoTotale", AMOUNT_8),
        _RATE_PART,
        Leaf("withheld", "Ritenuta", _WITHHELD),
        _NATURA_PART,
        Leaf("accounting", "RiferimentoAmministrazione", TEXT),
    ),
    located=True,
)
"""Discounts are told for each unit here, as a percentage or an amount; the price is the one before them."""


# payment


ACCOUNT = Shape(
    BankAccount,
    (
        Leaf("owner", "Beneficiario", TEXT),
        Leaf("name", "IstitutoFinanziario", TEXT),
        Leaf("iban", "IBAN", forms.IBAN),
        Leaf("bic", "BIC", TEXT),
    ),
)
INSTALMENT = Shape(
    Instalment,
    (
        Leaf("days", "GiorniTerminiPagamento", COUNT),
        Leaf("due", "DataScadenzaPagamento", DAY),
        Leaf("amount", "ImportoPagamento", AMOUNT_2),
        Leaf("discount_amount", "ScontoPagamentoAnticipato", AMOUNT_2),
        Leaf("discount_until", "DataLimitePagamentoAnticipato", DAY),
    ),
)
