"""UBL and CII: what is written says everything again when it is read, and breaks no official rule."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from nostro.formats.einvoice.arithmetic import summed
from nostro.formats.einvoice.cii import read_cii, write_cii
from nostro.formats.einvoice.converting import convert
from nostro.formats.einvoice.rules import validate
from nostro.formats.einvoice.schemas import check_schema
from nostro.formats.einvoice.ubl import read_ubl, write_ubl
from nostro.formats.kinds import SCHEMAS
from nostro.model.failures import FormatRefused
from nostro.model.invoices import AllowanceCharge, Attachment, Invoice, InvoiceParty, Price, Totals
from nostro.model.money import Amount
from nostro.model.statements import Reject
from tests.unit.einvoices import DEBITED, RICH, SELLER, eur, line, same
from tests.unit.test_parse import typed

WAYS = [pytest.param(write_ubl, read_ubl, id="ubl"), pytest.param(write_cii, read_cii, id="cii")]
CREDIT = DEBITED.model_copy(update={"type_code": "381"})

UBL = """<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:ID>17</cbc:ID><cbc:IssueDate>2026-08-31+02:00</cbc:IssueDate><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party><cac:PartyName><cbc:Name>Supplier 017</cbc:Name></cac:PartyName></cac:Party>
</cac:AccountingSupplierParty><cac:TaxTotal><cbc:TaxAmount currencyID="EUR">20.00</cbc:TaxAmount></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">%s</cbc:LineExtensionAmount>
<cbc:TaxExclusiveAmount currencyID="EUR">100.00</cbc:TaxExclusiveAmount>
<cbc:TaxInclusiveAmount currencyID="EUR">120.00</cbc:TaxInclusiveAmount>
<cbc:PayableAmount currencyID="EUR">120.00</cbc:PayableAmount></cac:LegalMonetaryTotal>
<cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:LineExtensionAmount currencyID="EUR">100.00</cbc:LineExtensionAmount>
<cac:Item><cbc:Name>Work</cbc:Name></cac:Item></cac:InvoiceLine></Invoice>"""


def told_by(text: str) -> Invoice:
    (told,) = read_ubl([text.encode()])
    assert isinstance(told, Invoice)
    return told


def test_a_currency_that_is_none_is_told_and_that_of_the_amounts_taken() -> None:
    told = told_by((UBL % "100.00").replace("DocumentCurrencyCode>EUR", "DocumentCurrencyCode>EURO"))
    assert told.currency == "EUR"
    assert [check.name for check in told.checks if not check.ok] == ["readable"]


@pytest.mark.parametrize("write,read", WAYS)
@pytest.mark.parametrize("invoice", [RICH, DEBITED, CREDIT], ids=["rich", "debited", "credit"])
def test_what_is_written_says_the_same_when_it_is_read(write: object, read: object, invoice: Invoice) -> None:
    assert callable(write)
    assert callable(read)
    (again,) = read([write(invoice)])
    assert same(summed(invoice), again)
    assert [check for check in again.checks if not check.ok] == []
    assert again.not_read == ()


@pytest.mark.parametrize("write", [write_ubl, write_cii], ids=["ubl", "cii"])
@pytest.mark.parametrize("invoice", [RICH, DEBITED, CREDIT], ids=["rich", "debited", "credit"])
def test_what_is_written_keeps_its_schema_and_the_official_rules(write: object, invoice: Invoice) -> None:
    assert callable(write)
    content = write(invoice)
    assert check_schema(content) == []
    assert [finding for finding in validate(content) if finding.severity == "fatal"] == []


def test_attached_bytes_are_beside_the_invoice_and_never_in_its_json() -> None:
    (again,) = read_ubl([write_ubl(RICH)])
    assert isinstance(again, Invoice)
    first = again.attachments[0]
    assert (first.name, first.mime, first.size, first.content) == ("t.csv", "text/csv", 10, b"day,hours\n")
    assert "content" not in first.model_dump()


def test_totals_and_breakdown_are_computed_where_they_are_not_told() -> None:
    told = summed(RICH)
    assert told.totals.lines == eur("80.00")
    assert (told.totals.without_tax, told.totals.tax) == (eur("75.00"), eur("15.00"))
    assert (told.totals.with_tax, told.totals.payable) == (eur("90.00"), eur("90.00"))
    assert [(part.taxable, part.amount) for part in told.tax_breakdown] == [(eur("75.00"), eur("15.00"))]


@pytest.mark.parametrize(
    "change,rule,field",
    [
        ({"number": ""}, "BR-02", "number"),
        ({"issue_date": None}, "BR-03", "issue_date"),
        ({"profile": ""}, "BR-01", "profile"),
        ({"seller": SELLER.model_copy(update={"name": ""})}, "BR-06", "seller.name"),
        ({"buyer": InvoiceParty(name="Customer 017")}, "BR-10", "buyer.address"),
        ({"lines": ()}, "BR-16", "lines"),
        ({"lines": (line(1, price="-1"),)}, "BR-27", r"lines\[1\].price.net"),
        ({"due_date": None, "payment_terms": ""}, "BR-CO-25", "due_date"),
        ({"tax_currency": "SEK"}, "BR-53", "totals.tax_in_tax_currency"),
        ({"totals": RICH.totals.model_copy(update={"payable": eur("1.00")})}, "BR-CO-16", "totals"),
        ({"totals": RICH.totals.model_copy(update={"paid": eur("0.001")})}, "BR-DEC", "totals.paid"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_field_and_rule(change: dict[str, object], rule: str, field: str) -> None:
    with pytest.raises(FormatRefused, match=f"{field}.*breaks {rule}"):
        write_ubl(RICH.model_copy(update=change))


def test_one_of_gross_price_and_discount_is_worked_out_from_the_other() -> None:
    priced = line(1).model_copy(update={"price": Price(net=eur("50.00"), gross=eur("55.00"))})
    (again,) = read_ubl([write_ubl(RICH.model_copy(update={"lines": (priced,)}))])
    assert isinstance(again, Invoice)
    assert again.lines[0].price is not None
    assert again.lines[0].price.discount == eur("5.00")


# reading what real senders write


def test_a_day_with_a_zone_and_a_seller_with_a_trading_name_alone_are_read() -> None:
    told = told_by(UBL % "100.00")
    assert (told.issue_date, told.seller.name, told.type_code) == (date(2026, 8, 31), "Supplier 017", "380")
    assert told.totals.payable == eur("120.00")
    assert told.lines[0].source is not None
    assert told.lines[0].source.where == "/Invoice/InvoiceLine"
    assert told.lines[0].source.line == 11


def test_a_sum_that_does_not_hold_is_told_beside_the_invoice() -> None:
    told = told_by(UBL % "90.00")
    failed = {check.name: check.detail for check in told.checks if not check.ok}
    assert failed == {
        "BR-CO-10": "90.00 is told, 100.00 is worked out",
        "BR-CO-13": "100.00 is told, 90.00 is worked out",
    }


def test_a_total_in_another_currency_than_the_invoice_is_told() -> None:
    told = told_by(
        (UBL % "100.00").replace('<cbc:PayableAmount currencyID="EUR">', '<cbc:PayableAmount currencyID="USD">')
    )
    (check,) = [one for one in told.checks if not one.ok]
    assert (check.name, check.detail) == ("currency", "payable is told in USD, the invoice in EUR")


def test_totals_that_stand_there_twice_are_read_once_and_the_rest_is_named() -> None:
    text = UBL % "100.00"
    start, end = text.index("<cac:LegalMonetaryTotal>"), text.index("<cac:InvoiceLine>")
    told = told_by(text[:end] + text[start:end].replace("120.00", "7.00") + text[end:])
    assert told.totals.payable == eur("120.00")
    assert "/Invoice/LegalMonetaryTotal[2]/PayableAmount" in told.not_read


def test_the_breakdown_in_the_currency_of_accounting_is_no_second_one() -> None:
    sek = Amount(value=Decimal("150.00"), currency="SEK")
    invoice = RICH.model_copy(update={"tax_currency": "SEK", "totals": Totals(tax_in_tax_currency=sek)})
    content = write_ubl(invoice)
    part = content[content.index(b"<cac:TaxSubtotal>") : content.index(b"</cac:TaxSubtotal>")] + b"</cac:TaxSubtotal>"
    there = b'<cbc:TaxAmount currencyID="SEK">150.00</cbc:TaxAmount>'
    assert content.count(there) == 1
    (told,) = read_ubl([content.replace(there, there + part.replace(b"EUR", b"SEK"))])
    assert isinstance(told, Invoice)
    assert [one.taxable for one in told.tax_breakdown] == [eur("75.00")]
    assert [check for check in told.checks if not check.ok] == []
    assert "/Invoice/TaxTotal[2]/TaxSubtotal/TaxableAmount" in told.not_read


def test_the_tax_that_oioubl_has_in_place_of_what_is_without_it_is_set_right() -> None:
    danish = "<cbc:CustomizationID>OIOUBL-2.1</cbc:CustomizationID><cbc:ID>17"
    text = (UBL % "100.00").replace("<cbc:ID>17", danish, 1)
    told = told_by(text.replace('TaxExclusiveAmount currencyID="EUR">100', 'TaxExclusiveAmount currencyID="EUR">20'))
    assert (told.totals.without_tax, told.totals.tax) == (eur("100.00"), eur("20.00"))
    assert [check.name for check in told.checks if not check.ok] == []
    assert told_by(text).totals.without_tax == eur("100.00")


def test_an_amount_that_is_no_number_is_left_out_and_located() -> None:
    told = told_by(UBL % "1.000,00")
    assert told.totals.lines is None
    (flaw,) = [check for check in told.checks if check.name == "readable"]
    assert flaw.detail == "/Invoice/LegalMonetaryTotal/LineExtensionAmount, line 7: this is no decimal number"


@pytest.mark.parametrize("said", ["1E5", "NaN", "--1", "\uff11", "1,5", "9" * 40])
def test_what_only_python_would_take_for_a_number_is_none(said: str) -> None:
    told = told_by(UBL % said)
    assert told.totals.lines is None
    assert "readable" in {check.name for check in told.checks if not check.ok}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_an_invoice_is_read_in_the_encoding_that_it_says(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + (UBL % "100.00").replace("Work", "F\u00fchrung")
    (told,) = read_ubl([text.encode(encoding)])
    assert isinstance(told, Invoice)
    assert told.lines[0].name == "F\u00fchrung"


def test_prefixes_that_nobody_declared_do_no_harm() -> None:
    told = told_by(re.sub(r' xmlns(:\w+)?="[^"]*"', "", UBL % "100.00"))
    assert (told.number, told.totals.payable) == ("17", eur("120.00"))


@pytest.mark.parametrize("name", ["a:", "a:1", "a::b"])
def test_a_garbled_name_is_where_the_xml_breaks(name: str) -> None:
    (told,) = read_ubl([(UBL % "100.00").replace("<cac:Item>", f"<{name}></{name}><cac:Item>").encode()])
    assert isinstance(told, Invoice | Reject)


def test_an_attachment_may_be_longer_than_ten_million_letters() -> None:
    large = Attachment(reference="A-1", name="large.pdf", mime="application/pdf").holding(bytes(9_000_000))
    (told,) = read_ubl([write_ubl(RICH.model_copy(update={"attachments": (large,)}))])
    assert isinstance(told, Invoice)
    assert told.attachments[0].size == 9_000_000


def test_without_any_currency_an_invoice_is_a_located_reject() -> None:
    (told,) = read_ubl([(UBL % "1").replace("EUR", "NIX").encode()])
    assert isinstance(told, Reject)
    assert (told.where, told.line) == ("/Invoice", 3)


def test_the_currency_of_the_amounts_stands_in_for_that_of_the_document() -> None:
    assert told_by((UBL % "100.00").replace(">EUR<", "><")).currency == "EUR"


def test_an_invoice_in_an_envelope_is_read() -> None:
    inside = "<StandardBusinessDocument><Header/>%s</StandardBusinessDocument>" % (UBL % "100.00")
    assert told_by(inside).source.where == "/StandardBusinessDocument/Invoice"


def test_a_cut_invoice_is_a_located_reject() -> None:
    whole = UBL % "100.00"
    (told,) = read_ubl([whole[: whole.index("0.00</cbc:PayableAmount>")].encode()])
    assert isinstance(told, Reject)
    assert (told.where, told.amount) == ("/Invoice", None)


def test_the_amount_due_of_a_cut_invoice_is_told_where_it_is_known() -> None:
    whole = UBL % "100.00"
    (told,) = read_ubl([whole[: whole.index("<cac:Item>")].encode()])
    assert isinstance(told, Reject)
    assert told.amount == eur("120.00")


@pytest.mark.parametrize("read", [read_ubl, read_cii], ids=["ubl", "cii"])
@pytest.mark.parametrize("given", [b"", b"nothing", b"<html/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><Invoice/>"])
def test_what_is_no_invoice_is_refused(read: object, given: bytes) -> None:
    assert callable(read)
    with pytest.raises(FormatRefused):
        list(read([given]))


def test_what_the_model_has_no_place_for_is_named() -> None:
    told = told_by((UBL % "100.00").replace("<cac:Item>", "<cbc:UUID>secret</cbc:UUID><cac:Item>"))
    assert told.not_read == ("/Invoice/InvoiceLine/UUID",)


ZUGFERD_1 = """<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0" xmlns:ram="r"
 xmlns:udt="u"><rsm:SpecifiedExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
<ram:ID>urn:ferd:CrossIndustryDocument:invoice:1p0:comfort</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>
</rsm:SpecifiedExchangedDocumentContext><rsm:HeaderExchangedDocument><ram:ID>17</ram:ID><ram:TypeCode>380</ram:TypeCode>
<ram:IssueDateTime><udt:DateTimeString format="102">20130305</udt:DateTimeString></ram:IssueDateTime>
</rsm:HeaderExchangedDocument><rsm:SpecifiedSupplyChainTradeTransaction><ram:ApplicableSupplyChainTradeAgreement>
<ram:BuyerOrderReferencedDocument><ram:IssueDateTime>2013-03-01T00:00:00</ram:IssueDateTime><ram:ID>PO-1</ram:ID>
</ram:BuyerOrderReferencedDocument></ram:ApplicableSupplyChainTradeAgreement>
<ram:ApplicableSupplyChainTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
<ram:SpecifiedLogisticsServiceCharge><ram:Description>Freight</ram:Description>
<ram:AppliedAmount currencyID="EUR">5.00</ram:AppliedAmount></ram:SpecifiedLogisticsServiceCharge>
<ram:ApplicableTradeTax><ram:CalculatedAmount>0.95</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>
<ram:BasisAmount>5.00</ram:BasisAmount><ram:ApplicablePercent>19.00</ram:ApplicablePercent></ram:ApplicableTradeTax>
<ram:SpecifiedTradeSettlementMonetarySummation><ram:LineTotalAmount>0.00</ram:LineTotalAmount>
<ram:ChargeTotalAmount>5.00</ram:ChargeTotalAmount><ram:TaxBasisTotalAmount>5.00</ram:TaxBasisTotalAmount>
<ram:TaxTotalAmount>0.95</ram:TaxTotalAmount><ram:GrandTotalAmount>5.95</ram:GrandTotalAmount>
<ram:DuePayableAmount>5.95</ram:DuePayableAmount></ram:SpecifiedTradeSettlementMonetarySummation>
</ram:ApplicableSupplyChainTradeSettlement></rsm:SpecifiedSupplyChainTradeTransaction></rsm:CrossIndustryDocument>"""


def test_zugferd_1_is_read_by_its_older_names() -> None:
    (told,) = read_cii([ZUGFERD_1.encode()])
    assert isinstance(told, Invoice)
    assert (told.number, told.issue_date, told.format) == ("17", date(2013, 3, 5), "CII D13A (ZUGFeRD 1)")
    assert [(one.kind, one.number, one.on) for one in told.references] == [("purchase_order", "PO-1", date(2013, 3, 1))]
    assert told.allowances_charges == (AllowanceCharge(charge=True, amount=eur("5.00"), reason="Freight"),)
    assert told.tax_breakdown[0].tax.rate == Decimal("19.00")
    assert [check for check in told.checks if not check.ok] == []


@pytest.mark.parametrize(
    "form, first, last, period",
    [
        ("610", "201012", "201102", (date(2010, 12, 1), date(2011, 2, 28))),
        ("616", "201338", "201339", (date(2013, 9, 16), date(2013, 9, 29))),
        ("101", "131101", "131130", (date(2013, 11, 1), date(2013, 11, 30))),
    ],
    ids=["months", "weeks", "short days"],
)
def test_a_period_of_months_or_weeks_lasts_from_its_first_to_its_last_day(
    form: str, first: str, last: str, period: tuple[date, date]
) -> None:
    days = "".join(f'<ram:{name}DateTime><udt:DateTimeString format="{form}">{said}</udt:DateTimeString>'
                   f"</ram:{name}DateTime>" for name, said in (("Start", first), ("End", last)))  # fmt: skip
    billed = f"<ram:BillingSpecifiedPeriod>{days}</ram:BillingSpecifiedPeriod>"
    before = "<ram:SpecifiedTradeSettlementMonetarySummation>"
    (told,) = read_cii([ZUGFERD_1.replace(before, billed + before).encode()])
    assert isinstance(told, Invoice)
    assert told.period is not None
    assert (told.period.start, told.period.end) == period


def test_a_month_is_no_day_of_issue() -> None:
    (told,) = read_cii([ZUGFERD_1.replace('format="102">20130305', 'format="610">201012').encode()])
    assert isinstance(told, Invoice)
    assert told.issue_date is None
    assert [check.detail.rpartition(": ")[2] for check in told.checks if not check.ok] == [
        "this is a month or a week, no day"
    ]


def test_a_currency_that_nobody_knows_stops_no_sum() -> None:
    content = ZUGFERD_1.replace(">EUR</ram:InvoiceCurrencyCode>", ">D-MARK</ram:InvoiceCurrencyCode>")
    (told,) = read_cii([content.encode()])
    assert isinstance(told, Invoice)
    assert (told.currency, told.allowances_charges[0].amount) == ("EUR", eur("5.00"))
    assert "readable" in {check.name for check in told.checks if not check.ok}


def test_a_number_may_have_all_the_digits_that_xml_schema_lets_it_have() -> None:
    (told,) = read_cii([ZUGFERD_1.replace(">5.95</ram:Due", ">5.950000000000000000</ram:Due").encode()])
    assert isinstance(told, Invoice)
    assert told.totals.payable == eur("5.950000000000000000")
    assert [check for check in told.checks if not check.ok] == []


def test_nostro_parse_prints_an_invoice_as_its_schema_says(tmp_path: Path) -> None:
    (tmp_path / "invoice.xml").write_bytes(write_cii(RICH))
    code, [told], errors = typed(str(tmp_path / "invoice.xml"))
    assert (code, errors, told["kind"], told["number"]) == (0, "", "invoice", "INV-2026-017")
    assert told["totals"]["payable"] == {"value": "90.00", "currency": "EUR"}
    assert told["source"]["file"] == str(tmp_path / "invoice.xml")
    SCHEMAS["invoice"].model_validate(told)


# from one syntax into the other


def test_what_could_not_be_carried_is_said_aloud() -> None:
    address = SELLER.address
    assert address is not None
    housed = SELLER.model_copy(update={"address": address.model_copy(update={"building": "17"})})
    made = convert(RICH.model_copy(update={"seller": housed, "not_read": ("/Invoice/UUID",)}), "cii")
    assert made.not_carried == ("seller.address.street", "seller.address.building", "/Invoice/UUID")
    (again,) = read_cii([made.content])
    assert isinstance(again, Invoice)
    assert again.seller.address is not None
    assert again.seller.address.street == "Street 1 17"


def test_ubl_to_cii_and_back_loses_nothing_that_a_business_term_names() -> None:
    there = convert(summed(RICH), "cii")
    (told,) = read_cii([there.content])
    assert isinstance(told, Invoice)
    back = convert(told, "ubl")
    (again,) = read_ubl([back.content])
    assert (there.not_carried, back.not_carried) == ((), ())
    assert same(summed(RICH), again)


def test_an_attachment_is_carried_with_its_bytes() -> None:
    (told,) = read_cii([convert(RICH, "cii").content])
    assert isinstance(told, Invoice)
    assert told.attachments[0] == Attachment(
        reference="A-1", description="Timesheet", mime="text/csv", name="t.csv", size=10
    )
    assert told.attachments[0].content == b"day,hours\n"
