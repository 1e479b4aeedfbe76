"""FatturaPA: bodies of a file, Italy's own terms and arithmetic."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.catalogue import recognise
from nostro.formats.einvoice.fatturapa import read_fatturapa, write_fatturapa
from nostro.formats.reading import Beginning
from nostro.model.failures import FormatRefused
from nostro.model.invoices import (
    AllowanceCharge,
    DocumentReference,
    Instalment,
    Invoice,
    Note,
    PaymentMeans,
    TaxBreakdown,
    TaxCategory,
    Withholding,
)
from nostro.model.parties import BankAccount
from nostro.model.statements import Reject
from tests.unit.einvoices import ITALIAN, eur, line, same

EXEMPT = TaxCategory(category="E", rate=Decimal("0.00"), exemption_code="N4", exemption_reason="Art. 10")
CONSULTED = ITALIAN.model_copy(
    update={
        "type_code": "380",
        "others": {"ProgressivoInvio": "00017", "TipoDocumento": "TD06", "BolloVirtuale": "SI"},
        "stamp_duty": eur("2.00"),
        "withholdings": (Withholding(kind="RT01", amount=eur("20.00"), rate=Decimal("20.00"), reason="A"),),
        "allowances_charges": (
            AllowanceCharge(
                charge=True,
                reason_code="TC04",
                percentage=Decimal("4.00"),
                amount=eur("4.00"),
                base=eur("100.00"),
                tax=TaxCategory(category="S", rate=Decimal("22.00")),
            ),
        ),
        "lines": (
            line(1, tax=TaxCategory(category="S", rate=Decimal("22.00"))),
            line(2, "1", "10.00", tax=EXEMPT.model_copy(update={"exemption_reason": ""})),
        ),
        "tax_breakdown": (
            TaxBreakdown(
                taxable=eur("104.00"),
                amount=eur("22.88"),
                tax=TaxCategory(category="S", rate=Decimal("22.00")),
                chargeability="I",
            ),
            TaxBreakdown(taxable=eur("10.00"), amount=eur("0.00"), tax=EXEMPT),
        ),
        "references": (
            DocumentReference(kind="purchase_order", number="PO-1", lines=("1",), codes={"CodiceCIG": "G"}),
        ),
        "notes": (Note(text="First"), Note(text="Second")),
        "payment_means": (
            PaymentMeans(code="30", national="MP05", account=BankAccount(iban="IT60X0542811101000000123456")),
        ),
        "instalments": (
            Instalment(due=date(2026, 9, 30), amount=eur("58.44")),
            Instalment(due=date(2026, 10, 31), amount=eur("58.44")),
        ),
    }
)


def written(invoice: Invoice) -> str:
    return write_fatturapa(invoice).decode()


def read_one(text: str) -> Invoice:
    (told,) = read_fatturapa([text.encode()])
    assert isinstance(told, Invoice)
    return told


def without_totals(told: Invoice) -> Invoice:
    return told.model_copy(update={"totals": Invoice.model_fields["totals"].default})


def test_what_is_written_says_the_same_when_it_is_read() -> None:
    again = read_one(written(CONSULTED))
    asked = CONSULTED.model_copy(update={"others": again.others | CONSULTED.others})
    kept = {"others": {**asked.others, "CondizioniPagamento": "TP01"}}
    assert same(without_totals(asked.model_copy(update=kept)), without_totals(again))
    assert [check for check in again.checks if not check.ok] == []


def test_totals_are_worked_out_where_the_format_tells_none() -> None:
    told = read_one(written(CONSULTED)).totals
    assert (told.lines, told.without_tax, told.tax) == (eur("110.00"), eur("114.00"), eur("22.88"))
    assert (told.with_tax, told.payable) == (eur("136.88"), eur("116.88"))


def test_without_instalments_what_is_withheld_or_split_is_not_due() -> None:
    plain = CONSULTED.model_copy(update={"instalments": (), "payment_means": ()})
    assert read_one(written(plain)).totals.payable == eur("116.88")
    split = written(plain).replace("<EsigibilitaIVA>I<", "<EsigibilitaIVA>S<")
    assert read_one(split).totals.payable == eur("94.00")


def test_a_payment_without_an_amount_is_of_what_is_due() -> None:
    whole = CONSULTED.model_copy(update={"instalments": (Instalment(due=date(2026, 9, 30)),)})
    (paid,) = read_one(written(without_totals(whole))).instalments
    assert paid.amount == eur("116.88"), "what is withheld is not paid"


def test_each_body_of_a_file_is_an_invoice() -> None:
    text = written(ITALIAN)
    body = text[text.index("<FatturaElettronicaBody>") : text.index("</p:FatturaElettronica>")]
    both = text.replace(body, body + body.replace("FPR 17/26", "FPR 18/26"))
    told = [one for one in read_fatturapa([both.encode()]) if isinstance(one, Invoice)]
    assert [one.number for one in told] == ["FPR 17/26", "FPR 18/26"]
    assert [one.source.where for one in told] == [
        "/FatturaElettronica/FatturaElettronicaBody[1]",
        "/FatturaElettronica/FatturaElettronicaBody[2]",
    ]
    assert {one.seller.name for one in told} == {"Fornitore 017 SRL"}


def test_of_a_cut_file_the_whole_bodies_are_kept() -> None:
    text = written(ITALIAN)
    body = text[text.index("<FatturaElettronicaBody>") : text.index("</p:FatturaElettronica>")]
    cut = text.replace(body, body + body[:400])[: text.index(body) + len(body) + 400]
    told, reject = read_fatturapa([cut.encode()])
    assert isinstance(told, Invoice)
    assert isinstance(reject, Reject)


def test_a_pretty_printer_that_lost_the_namespaces_does_no_harm() -> None:
    text = written(ITALIAN).replace(' xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"', "")
    assert read_one(text).number == "FPR 17/26"
    assert recognise(Beginning(text.encode())) is not None


def test_a_person_is_known_by_both_names() -> None:
    name = "<Denominazione>Cliente 017 SPA</Denominazione>"
    text = written(ITALIAN).replace(name, "<Nome>Nome 017</Nome><Cognome>Cognome 017</Cognome>")
    told = read_one(text)
    assert told.buyer.name == "Nome 017 Cognome 017"
    assert "<Cognome>Cognome 017</Cognome>" in written(told)


@pytest.mark.parametrize(
    "was,becomes,check",
    [
        ("<PrezzoTotale>100.00", "<PrezzoTotale>90.00", "SdI 00423"),
        ("<ImponibileImporto>100.00", "<ImponibileImporto>120.00", "SdI 00422"),
        ("<Imposta>22.00", "<Imposta>21.00", "SdI 00421"),
        ("<ImportoTotaleDocumento>122.00", "<ImportoTotaleDocumento>130.00", "total"),
    ],
)
def test_sums_that_the_interchange_would_refuse_are_told(was: str, becomes: str, check: str) -> None:
    text = written(ITALIAN)
    assert was in text
    assert check in {one.name for one in read_one(text.replace(was, becomes)).checks if not one.ok}


@pytest.mark.parametrize(
    "price,discount,total,holds",
    [
        ("50.00", "-10.00", "80.00", True),
        ("-50.00", "10.00", "-80.00", True),
        ("-50.00", "10.00", "-120.00", True),
        ("50.00", "-10.00", "70.00", False),
    ],
)
def test_a_discount_makes_a_price_smaller_whatever_its_sign(
    price: str, discount: str, total: str, *, holds: bool
) -> None:
    text, was = written(ITALIAN), "<PrezzoUnitario>50.00</PrezzoUnitario>"
    assert was in text
    taken = f"<ScontoMaggiorazione><Tipo>SC</Tipo><Importo>{discount}</Importo></ScontoMaggiorazione>"
    told = text.replace(was, f"<PrezzoUnitario>{price}</PrezzoUnitario>{taken}", 1)
    told = told.replace("<PrezzoTotale>100.00", f"<PrezzoTotale>{total}")
    assert ("SdI 00423" not in {one.name for one in read_one(told).checks if not one.ok}) is holds


def test_discounts_are_taken_off_the_price_one_after_the_other() -> None:
    discounts = (
        AllowanceCharge(percentage=Decimal("10.00")),
        AllowanceCharge(amount=eur("5.00")),
    )
    cheaper = ITALIAN.lines[0].model_copy(update={"allowances_charges": discounts, "amount": eur("80.00")})
    again = read_one(written(ITALIAN.model_copy(update={"lines": (cheaper,)})))
    assert again.lines[0].allowances_charges == discounts
    assert [check for check in again.checks if not check.ok] == []


@pytest.mark.parametrize(
    "change,field,rule",
    [
        ({"number": "ABC"}, "number", "SdI 00425"),
        ({"others": {}}, "others.ProgressivoInvio", "1.1.2"),
        ({"type_code": "751"}, "type_code", "2.1.1.1"),
        ({"lines": (line(1, tax=TaxCategory(rate=Decimal(0))),)}, r"lines\[1\].tax.exemption_code", "SdI 00400"),
        ({"notes": (Note(text="\u0141"),)}, r"notes\[1\]", "String Latin"),
        ({"payment_means": (PaymentMeans(code="97"),)}, "payment_means", "2.4.2.2"),
        ({"instalments": (Instalment(due=date(2026, 9, 30)),) * 2}, r"instalments\[1\].amount", "2.4.2.6"),
    ],
)
def test_what_the_interchange_would_refuse_is_not_written(change: dict[str, object], field: str, rule: str) -> None:
    with pytest.raises(FormatRefused, match=f"{field}: breaks {rule}"):
        write_fatturapa(ITALIAN.model_copy(update=change))


SIMPLIFIED = b"""<p:FatturaElettronicaSemplificata versione="FSM10" xmlns:p="http://ivaservizi/fatture/v1.0">
<FatturaElettronicaHeader><DatiTrasmissione><IdTrasmittente><IdPaese>IT</IdPaese><IdCodice>017</IdCodice>
</IdTrasmittente><ProgressivoInvio>17</ProgressivoInvio><FormatoTrasmissione>FSM10</FormatoTrasmissione>
<CodiceDestinatario>0000000</CodiceDestinatario></DatiTrasmissione><CedentePrestatore><IdFiscaleIVA>
<IdPaese>IT</IdPaese><IdCodice>00000000017</IdCodice></IdFiscaleIVA><CodiceFiscale>00000000017</CodiceFiscale>
<Denominazione>Trattoria 017</Denominazione><Sede><Indirizzo>Via 17</Indirizzo><CAP>20100</CAP><Comune>Milano</Comune>
<Nazione>IT</Nazione></Sede><RegimeFiscale>RF01</RegimeFiscale></CedentePrestatore><CessionarioCommittente>
<IdentificativiFiscali><IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>00000000018</IdCodice></IdFiscaleIVA>
</IdentificativiFiscali><AltriDatiIdentificativi><Denominazione>Buyer 018</Denominazione><Sede><Indirizzo>Via 18
</Indirizzo><CAP>10100</CAP><Comune>Torino</Comune><Nazione>IT</Nazione></Sede></AltriDatiIdentificativi>
</CessionarioCommittente></FatturaElettronicaHeader><FatturaElettronicaBody><DatiGenerali><DatiGeneraliDocumento>
<TipoDocumento>TD08</TipoDocumento><Divisa>EUR</Divisa><Data>2026-11-05</Data><Numero>S/17</Numero>
</DatiGeneraliDocumento><DatiFatturaRettificata><NumeroFR>S/9</NumeroFR><DataFR>2026-11-01</DataFR>
<ElementiRettificati>one cover</ElementiRettificati></DatiFatturaRettificata></DatiGenerali>
<DatiBeniServizi><Descrizione>Meals</Descrizione><Importo>110.00</Importo><DatiIVA><Aliquota>10.00</Aliquota></DatiIVA>
</DatiBeniServizi><DatiBeniServizi><Descrizione>Wine</Descrizione><Importo>24.40</Importo><DatiIVA>
<Imposta>4.40</Imposta></DatiIVA></DatiBeniServizi><DatiBeniServizi><Descrizione>Stamp</Descrizione>
<Importo>2.00</Importo><DatiIVA><Aliquota>0.00</Aliquota></DatiIVA><Natura>N1</Natura></DatiBeniServizi>
</FatturaElettronicaBody></p:FatturaElettronicaSemplificata>"""


def test_a_simplified_invoice_is_read_and_its_tax_taken_out_of_what_includes_it() -> None:
    found = recognise(Beginning(SIMPLIFIED))
    assert found is not None
    assert found.name == "fatturapa"
    (told,) = read_fatturapa([SIMPLIFIED])
    assert isinstance(told, Invoice)
    assert (told.number, told.type_code, told.format) == ("S/17", "381", "FatturaPA FSM10")
    assert (told.seller.name, told.seller.vat_id, told.seller.tax_id) == (
        "Trattoria 017",
        "IT00000000017",
        "00000000017",
    )
    assert told.seller.tax_regime == "RF01"
    assert (told.buyer.name, told.buyer.vat_id) == ("Buyer 018", "IT00000000018")
    assert told.buyer.address is not None
    assert told.buyer.address.town == "Torino"
    assert [(one.kind, one.number, one.on) for one in told.references] == [
        ("preceding_invoice", "S/9", date(2026, 11, 1))
    ]
    assert [one.amount for one in told.lines] == [eur("100.00"), eur("20.00"), eur("2.00")]
    assert [(one.taxable, one.amount, one.tax.category) for one in told.tax_breakdown] == [
        (eur("100.00"), eur("10.00"), "S"),
        (eur("20.00"), eur("4.40"), "S"),
        (eur("2.00"), eur("0.00"), "O"),
    ]
    assert (told.totals.without_tax, told.totals.tax) == (eur("122.00"), eur("14.40"))
    assert (told.totals.with_tax, told.totals.payable) == (eur("136.40"), eur("136.40"))
    assert told.lines[0].others == {"Importo": "110.00"}
    assert (told.checks, told.not_read) == ((), ())


def test_the_tax_of_a_simplified_invoice_is_held_against_its_rate() -> None:
    rate = b"<DatiIVA><Aliquota>10.00"
    (told,) = read_fatturapa([SIMPLIFIED.replace(rate, rate.replace(b"<Al", b"<Imposta>11.00</Imposta><Al"))])
    assert isinstance(told, Invoice)
    assert [check.detail.partition(": ")[2] for check in told.checks] == ["11.00 is told, 10.00 is worked out"]
    assert told.lines[0].amount == eur("99.00")


def test_a_namespace_that_is_no_uri_does_no_harm() -> None:
    content = write_fatturapa(ITALIAN).replace(b"agenziaentrate.gov.it/docs", b"agenziaentrate.gov.it/ docs")
    (told,) = read_fatturapa([content])
    assert isinstance(told, Invoice)
    assert told.number == "FPR 17/26"


def test_a_discount_of_the_whole_document_may_lower_its_total() -> None:
    discount = b"<ScontoMaggiorazione><Tipo>SC</Tipo><Importo>20.00</Importo></ScontoMaggiorazione>"
    content = write_fatturapa(ITALIAN)
    (before,) = read_fatturapa([content])
    assert isinstance(before, Invoice)
    assert before.totals.with_tax is not None
    told_total = f"<ImportoTotaleDocumento>{before.totals.with_tax.value}".encode()
    lowered = f"<ImportoTotaleDocumento>{before.totals.with_tax.value - 20}".encode()
    assert told_total in content
    (after,) = read_fatturapa([content.replace(told_total, discount + lowered)])
    assert isinstance(after, Invoice)
    assert [check for check in after.checks if not check.ok] == []
