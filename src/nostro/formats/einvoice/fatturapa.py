"""FatturaPA (Italy), read and written by one table: one invoice for each body of a file.

Agenzia delle Entrate, "Specifiche tecniche" 1.2.x. Names are matched without namespaces, which pretty printers lose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from nostro.formats.einvoice import fatturapa_parts as parts
from nostro.formats.einvoice.discounts import payments_of
from nostro.formats.einvoice.document import NO_CURRENCY, currency_in, finished, read_invoices, within
from nostro.formats.einvoice.fatturapa_checks import checks_of_body, totals_of, worked_out
from nostro.formats.einvoice.fatturapa_facets import facet_flaws
from nostro.formats.einvoice.fatturapa_simplified import ROOT as SIMPLIFIED
from nostro.formats.einvoice.fatturapa_simplified import no_checks, read_simplified
from nostro.formats.einvoice.fatturapa_strict import TYPES_BACK, means_of, prepared
from nostro.formats.einvoice.forms import CODE, DAY, TEXT
from nostro.formats.einvoice.mapping import (
    By,
    Fields,
    Group,
    Leaf,
    Part,
    Reading,
    Shape,
    Writing,
    put,
    read_parts,
    read_shape,
    write_shape,
)
from nostro.formats.einvoice.paths import found, where_of
from nostro.formats.einvoice.strict import refuse
from nostro.formats.xml import Element, line_of, local, text
from nostro.model.invoices import Identifier, Instalment, Invoice, InvoiceContent, PaymentMeans
from nostro.model.parties import BankAccount
from nostro.model.statements import Reject

ROOTS = ("FatturaElettronica", SIMPLIFIED)
_NAMESPACE = "http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"
TYPES = {
    "TD01": "380", "TD02": "386", "TD03": "386", "TD04": "381", "TD05": "383", "TD06": "380",
    "TD07": "380", "TD08": "381", "TD09": "383", "TD16": "389",
    "TD17": "389", "TD18": "389", "TD19": "389", "TD20": "389", "TD21": "389", "TD22": "389", "TD23": "389",
    "TD24": "380", "TD25": "380", "TD26": "380", "TD27": "389", "TD28": "389", "TD29": "389",
}  # fmt: skip
"""TipoDocumento as UNTDID 1001; the type itself is kept in `others`."""
_MEANS = {
    "MP01": "10", "MP02": "20", "MP05": "30", "MP08": "48", "MP09": "49", "MP10": "49", "MP11": "49", "MP16": "49",
    "MP19": "59", "MP20": "59", "MP21": "59",
}  # fmt: skip
"""ModalitaPagamento as UNTDID 4461 where both say the same; the others are `1`, not defined."""
_CODDEST = "0205"
"""The EAS code of Italy's recipient codes (CodiceDestinatario)."""

_SENT = "DatiTrasmissione"
_GENERAL = "DatiGenerali/DatiGeneraliDocumento"
_GOODS = "DatiBeniServizi"


def _read_recipient(reading: Reading, element: Element, fields: Fields) -> None:
    for place in found(element, f"{_SENT}/CodiceDestinatario"):
        reading.seen.add(place)
        buyer = fields.get("buyer")
        if buyer is not None and text(place):
            address = Identifier(value=text(place), scheme=_CODDEST)
            fields["buyer"] = buyer.model_copy(update={"electronic_address": address})


def _write_recipient(writing: Writing, element: Element, told: InvoiceContent) -> None:
    address = told.buyer.electronic_address
    put(writing, element, f"{_SENT}/CodiceDestinatario", address.value if address else "0000000")


_HEADER_WRITTEN: tuple[Part, ...] = (
    parts.kept("IdTrasmittente/IdPaese", "IdTrasmittente/IdCodice", "ProgressivoInvio", "FormatoTrasmissione",
               within=_SENT),
    By(lambda *_: None, _write_recipient),
    parts.kept("PECDestinatario", within=_SENT),
    Group("seller", "CedentePrestatore", parts.SELLER),
    Group("tax_representative", "RappresentanteFiscale", parts.REPRESENTATIVE),
    Group("buyer", "CessionarioCommittente", parts.BUYER),
    By(_read_recipient, lambda *_: None),
    parts.kept("SoggettoEmittente"),
)  # fmt: skip


def _read_type(reading: Reading, element: Element, fields: Fields) -> None:
    told = read_parts(reading, element, (parts.kept("TipoDocumento", within=_GENERAL),))
    national = told.get("others", {}).get("TipoDocumento", "")
    fields["type_code"] = TYPES.get(national, "380")
    fields["others"] = {**fields.get("others", {}), **told.get("others", {})}


def _write_type(writing: Writing, element: Element, told: InvoiceContent) -> None:
    national = told.others.get("TipoDocumento") or TYPES_BACK.get(told.type_code, "")
    put(writing, element, f"{_GENERAL}/TipoDocumento", national)


def _reference(kind: str, name: str, shape: Shape = parts.REFERENCE) -> Group:
    return Group("references", f"DatiGenerali/{name}", shape, many=True, fixed={"kind": kind})


def _read_charges(reading: Reading, element: Element, fields: Fields) -> None:
    """Contributions to welfare funds are charges; so are surcharges of the whole document."""
    funds = [read_shape(reading, one, parts.WELFARE_FUND, {"charge": True})
             for one in found(element, f"{_GENERAL}/DatiCassaPrevidenziale")]  # fmt: skip
    others = [read_shape(reading, one, parts.DISCOUNT) for one in found(element, f"{_GENERAL}/ScontoMaggiorazione")]
    fields["allowances_charges"] = tuple(one for one in (*funds, *others) if one is not None)


def _write_charges(writing: Writing, element: Element, told: InvoiceContent) -> None:
    for one in sorted(told.allowances_charges, key=lambda one: one.tax is None):
        name, shape = (
            ("DatiCassaPrevidenziale", parts.WELFARE_FUND) if one.tax else ("ScontoMaggiorazione", parts.DISCOUNT)
        )
        general = next(found(element, _GENERAL))
        write_shape(writing, etree.SubElement(general, name), shape, one)


def _read_payment(reading: Reading, element: Element, fields: Fields) -> None:
    means: list[PaymentMeans] = []
    for place in found(element, "DatiPagamento/DettaglioPagamento"):
        told = read_parts(reading, place, (Leaf("national", "ModalitaPagamento", TEXT),))
        account = read_shape(reading, place, parts.ACCOUNT)
        one = PaymentMeans(code=_MEANS.get(told.get("national", ""), "1"), account=account, **told)
        means += [one] if one not in means else []
        part = read_shape(reading, place, parts.INSTALMENT)
        fields["instalments"] = (*fields.get("instalments", ()), part or Instalment())
        for code in found(place, "CodicePagamento"):
            reading.seen.add(code)
            fields.setdefault("payment_reference", text(code))
    fields["payment_means"] = tuple(means)
    days = {part.due for part in fields.get("instalments", ()) if part.due}
    if len(days) == 1:
        fields["due_date"] = days.pop()


def _write_payment(writing: Writing, element: Element, told: InvoiceContent) -> None:
    instalments = payments_of(told)
    if not instalments:
        return
    place = etree.SubElement(element, "DatiPagamento")
    terms = told.others.get("CondizioniPagamento") or ("TP01" if len(instalments) > 1 else "TP02")
    put(writing, place, "CondizioniPagamento", terms)
    for number, part in enumerate(instalments):
        means = told.payment_means[min(number, len(told.payment_means) - 1)]
        given = part if part.amount is not None else part.model_copy(update={"amount": told.totals.payable})
        _write_instalment(writing, etree.SubElement(place, "DettaglioPagamento"), told, (means, given))


def _write_instalment(
    writing: Writing, place: Element, told: InvoiceContent, paid: tuple[PaymentMeans, Instalment]
) -> None:
    means, part = paid
    account = means.account or BankAccount()
    leaves = {leaf.field: leaf for leaf in (*parts.ACCOUNT.parts, *parts.INSTALMENT.parts) if isinstance(leaf, Leaf)}
    values = {**account.__dict__, **part.__dict__}
    for field in (
        "owner",
        "means",
        "days",
        "due",
        "amount",
        "name",
        "iban",
        "bic",
        "discount_amount",
        "discount_until",
    ):
        if field == "means":
            put(writing, place, "ModalitaPagamento", means_of(means))
        elif values[field] not in (None, ""):
            put(writing, place, leaves[field].path, *leaves[field].form.write(values[field]))
    if told.payment_reference:
        put(writing, place, "CodicePagamento", told.payment_reference)


def _write_total(writing: Writing, element: Element, told: InvoiceContent) -> None:
    for name, value in (("ImportoTotaleDocumento", told.totals.with_tax), ("Arrotondamento", told.totals.rounding)):
        if value is not None:
            put(writing, element, f"{_GENERAL}/{name}", *parts.AMOUNT_2.write(value))


def _read_terms(reading: Reading, element: Element, fields: Fields) -> None:
    told = read_parts(reading, element, (parts.kept("CondizioniPagamento", within="DatiPagamento"),))
    fields["others"] = {**fields.get("others", {}), **told.get("others", {})}


_BODY: tuple[Part, ...] = (
    By(_read_type, _write_type),
    Leaf("currency", f"{_GENERAL}/Divisa", CODE),
    Leaf("issue_date", f"{_GENERAL}/Data", DAY),
    Leaf("number", f"{_GENERAL}/Numero", TEXT),
    Group("withholdings", f"{_GENERAL}/DatiRitenuta", parts.WITHHOLDING, many=True),
    parts.kept("BolloVirtuale", within=f"{_GENERAL}/DatiBollo"),
    Leaf("stamp_duty", f"{_GENERAL}/DatiBollo/ImportoBollo", parts.AMOUNT_2),
    By(_read_charges, _write_charges),
    By(totals_of, _write_total),
    Leaf("notes", f"{_GENERAL}/Causale", parts.NOTE, many=True),
    parts.kept("Art73", within=_GENERAL),
    _reference("purchase_order", "DatiOrdineAcquisto"),
    _reference("contract", "DatiContratto"),
    _reference("framework", "DatiConvenzione"),
    _reference("receiving_advice", "DatiRicezione"),
    _reference("preceding_invoice", "DatiFattureCollegate"),
    _reference("despatch_advice", "DatiDDT", parts.DELIVERY_NOTE),
    Group("lines", f"{_GOODS}/DettaglioLinee", parts.LINE, many=True),
    Group("tax_breakdown", f"{_GOODS}/DatiRiepilogo", parts.BREAKDOWN, many=True),
    By(_read_payment, _write_payment),
    By(_read_terms, lambda *_: None),
    Group("attachments", "Allegati", parts.ATTACHMENT, many=True),
)  # fmt: skip


HEADER, BODY = Shape(Invoice, _HEADER_WRITTEN), Shape(Invoice, _BODY)


def read_fatturapa(chunks: Iterable[bytes]) -> Iterator[Invoice | Reject]:
    """The invoices of a FatturaPA file, one for each body; a reject where its XML breaks.

    Raises `FormatRefused` when there is no FatturaPA in it.
    """
    return read_invoices(chunks, fatturapa_invoices)


def fatturapa_invoices(root: Element | None, *, whole: bool = True, signed: str = "") -> Iterator[Invoice | Reject]:
    """The invoices in a document; the last one of what is cut off is left to the caller's reject."""
    elements = within(root, ROOTS, "There is no FatturaPA invoice in this XML.")
    for element in elements:
        bodies = list(found(element, "FatturaElettronicaBody"))
        if whole and not bodies:
            yield Reject(where=where_of(element), why="the file holds no invoice", line=line_of(element))
        for body in bodies if whole else bodies[:-1]:
            yield _read_body(element, body, signed)


def _read_body(root: Element, body: Element, signed: str) -> Invoice | Reject:
    reading = Reading(currency_in(body, f"{_GENERAL}/Divisa"))
    if not reading.currency:
        return Reject(where=where_of(body), why=NO_CURRENCY, line=line_of(body))
    fields: Fields = {}
    header = next(found(root, "FatturaElettronicaHeader"), None)
    if header is not None:
        fields |= read_parts(reading, header, _HEADER_WRITTEN)
    told = read_parts(reading, body, _BODY)
    simplified = local(root) == SIMPLIFIED
    if simplified:
        read_simplified(reading, body, told)
    fields["others"] = {**fields.get("others", {}), **told.pop("others", {})}
    version = fields["others"].get("FormatoTrasmissione") or root.get("versione") or ""
    name = " ".join(part for part in ("FatturaPA", version, signed) if part)
    checked = no_checks if simplified else checks_of_body
    invoice = worked_out(finished(reading, body, {**fields, **told}, name, checked))
    unread = tuple(reading.not_read(header)) if header is not None else ()
    return invoice.model_copy(update={"not_read": (*unread, *invoice.not_read)})


def write_fatturapa(invoice: InvoiceContent) -> bytes:
    """The invoice as FatturaPA 1.2 (`FormatoTrasmissione` in `others`: FPR12, or FPA12 for an administration).

    Raises `FormatRefused` with field, rule and remedy.
    """
    told = prepared(invoice)
    space = {"p": _NAMESPACE}
    root = etree.Element(f"{{{_NAMESPACE}}}FatturaElettronica", nsmap=space)
    root.set("versione", told.others["FormatoTrasmissione"])
    writing = Writing(lambda name, _: name, told.currency)
    write_shape(writing, etree.SubElement(root, "FatturaElettronicaHeader"), HEADER, told)
    write_shape(writing, etree.SubElement(root, "FatturaElettronicaBody"), BODY, told)
    refuse(list(facet_flaws(root)))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
