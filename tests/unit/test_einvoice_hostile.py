"""What no honest seller writes: it is written rightly, or refused with field and rule, and what is lost is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.einvoice import convert
from nostro.formats.einvoice.arithmetic import summed
from nostro.formats.einvoice.fatturapa import write_fatturapa
from nostro.formats.einvoice.ubl import read_ubl, write_ubl
from nostro.formats.qr_bill import QrBill
from nostro.formats.reading import Item
from nostro.formats.writing import Order, written
from nostro.model.failures import FormatRefused
from nostro.model.invoices import (
    AllowanceCharge,
    Contact,
    DirectDebit,
    DocumentReference,
    Identifier,
    Instalment,
    Invoice,
    InvoiceLine,
    InvoiceParty,
    PaymentMeans,
    Price,
    Quantity,
    ReferenceKind,
    TaxBreakdown,
    TaxCategory,
    Totals,
)
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount
from tests.unit.einvoices import BUYER, ITALIAN, RICH, SELLER, STANDARD, eur, line

AT = datetime(2026, 11, 28, 10, tzinfo=UTC)
ITALY_ASKS = {"transmission": "7", "tax-regime": "RF01"}
FR = Address(street="Rue 1", postcode="75001", town="Paris", country="FR")
PLAIN = RICH.model_copy(update={"allowances_charges": (), "references": (), "lines": (line(1),)})


def made(to: str, invoice: Invoice) -> tuple[Item, str]:
    said: list[str] = []
    content = b"".join(written(to, [invoice], Order(AT, said.append, told=ITALY_ASKS)))
    [again] = [item for told in tell(lambda: iter((content,))) for item in told.items]
    return again, " ".join(said)


def chf(value: str) -> Amount:
    return Amount(value=Decimal(value), currency="CHF")


def with_line(**changes: object) -> Mapping[str, object]:
    return {"lines": (line(1).model_copy(update=changes),)}


@pytest.mark.parametrize("to", ["ubl", "cii", "fatturapa"])
@pytest.mark.parametrize("sign", ["\x00", "\x01", "\x7f\x00"])
def test_what_xml_can_not_hold_is_left_out_and_said(to: str, sign: str) -> None:
    again, said = made(to, PLAIN.model_copy(update={**with_line(name=f"Wo{sign}rk"), "notes": ()}))
    assert isinstance(again, Invoice)
    assert again.lines[0].name == f"Wo{sign[:-1]}rk"
    assert "lines[1].name could not be carried" in said


@pytest.mark.parametrize("to", ["ubl", "cii"])
def test_half_a_sign_is_left_out_and_said(to: str) -> None:
    again, said = made(to, PLAIN.model_copy(update={"number": "IN\ud800V"}))
    assert isinstance(again, Invoice)
    assert (again.number, "number could not be carried" in said) == ("INV", True)


@pytest.mark.parametrize("to", ["ubl", "cii", "fatturapa"])
@pytest.mark.parametrize("currency", ["", "eur", "XXQ"])
def test_a_currency_that_is_none_is_refused(to: str, currency: str) -> None:
    with pytest.raises(FormatRefused, match=r"BR-05|Divisa|2\.2\.2"):
        made(to, PLAIN.model_copy(update={"currency": currency}))


@pytest.mark.parametrize("to", ["ubl", "cii", "fatturapa"])
@pytest.mark.parametrize(
    "change",
    [
        {"allowances_charges": (AllowanceCharge(amount=chf("1.00"), reason="Loyal", tax=STANDARD),)},
        with_line(price=Price(net=chf("50.00"))),
        with_line(amount=eur("99.00"), allowances_charges=(AllowanceCharge(amount=chf("1.00"), reason="Bent"),)),
        {"instalments": (Instalment(due=AT.date(), amount=chf("120.00")),)},
    ],
    ids=["allowance", "price", "allowance of a line", "instalment"],
)
def test_an_amount_in_another_currency_never_becomes_one_of_the_invoices(to: str, change: dict[str, object]) -> None:
    with pytest.raises(FormatRefused, match="breaks BR-CL-03"):
        made(to, PLAIN.model_copy(update=change))


def test_a_profile_that_has_no_room_for_what_is_told_is_refused_by_its_schema() -> None:
    basic = "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic"
    with pytest.raises(FormatRefused, match=r"breaks its schema.*SellerAssignedID"):
        made("cii", RICH.model_copy(update={"profile": basic}))


@pytest.mark.parametrize("to", ["ubl", "cii"])
@pytest.mark.parametrize(
    "kind", ["contract", "project", "tender", "despatch_advice", "purchase_order", "invoiced_object"]
)
def test_of_several_references_where_one_has_room_the_first_is_carried_and_the_rest_said(
    to: str, kind: ReferenceKind
) -> None:
    told = tuple(DocumentReference(kind=kind, number=number) for number in ("R-1", "R-2"))
    again, said = made(to, PLAIN.model_copy(update={"references": told}))
    assert isinstance(again, Invoice)
    assert [one.number for one in again.references] == ["R-1"]
    assert "references could not be carried" in said


@pytest.mark.parametrize("to", ["ubl", "cii"])
def test_a_part_of_the_breakdown_that_stands_there_twice_is_refused(to: str) -> None:
    part = TaxBreakdown(taxable=eur("100.00"), amount=eur("20.00"), tax=STANDARD)
    with pytest.raises(FormatRefused, match="BR-S-08"):
        made(to, PLAIN.model_copy(update={"tax_breakdown": (part, part)}))


def test_the_network_of_a_card_that_nobody_told_is_nothing_unread() -> None:
    (told,) = read_ubl(
        [write_ubl(PLAIN.model_copy(update={"payment_means": (PaymentMeans(code="48", card_number="1"),)}))]
    )
    assert isinstance(told, Invoice)
    assert told.not_read == ()


# FatturaPA, whose schema comes in no package


@pytest.mark.parametrize(
    "element,change",
    [
        ("UnitaMisura", with_line(quantity=Quantity(value=Decimal(2), unit="St\u00fcck"))),
        ("Quantita", with_line(quantity=Quantity(value=Decimal(10**12), unit="H87"), price=Price(net=eur("1")),
                               amount=eur(f"{10**12}"))),
        ("PrezzoUnitario", {"lines": (line(1, "1", "999999999999.00"),)}),
        ("AliquotaIVA", {"lines": (line(1, tax=TaxCategory(category="S", rate=Decimal(120))),)}),
        ("CodiceArticolo/CodiceTipo", with_line(classifications=(Identifier(value="1"),))),
        ("DatiGeneraliDocumento/Data", {"issue_date": date(1969, 12, 31)}),
        ("CodicePagamento", {"payment_reference": "\u00e9"}),
        ("IdPaese", {"seller": SELLER.model_copy(update={"vat_id": "123456789"})}),
        ("Nazione", {"buyer": BUYER.model_copy(update={"address": FR.model_copy(update={"country": "France"})})}),
        ("Imposta", {"tax_breakdown": (TaxBreakdown(taxable=eur("100.00"), tax=STANDARD),)}),
    ],
)  # fmt: skip
def test_what_italys_schema_has_no_form_for_is_refused_with_its_place(element: str, change: dict[str, object]) -> None:
    with pytest.raises(FormatRefused, match=f"{element}[^ ]*: breaks the schema"):
        made("fatturapa", PLAIN.model_copy(update=change))


@pytest.mark.parametrize("purpose", ["DETAIL", ""])
def test_a_purpose_of_cii_is_none_of_italys(purpose: str) -> None:
    again, _ = made("fatturapa", PLAIN.model_copy(update=with_line(purpose=purpose)))
    assert isinstance(again, Invoice)
    assert again.lines[0].purpose == ""


@pytest.mark.parametrize(
    "change",
    [
        with_line(amount=eur("100.001")),
        {"lines": (line(1).model_copy(update={"amount": eur("100.00")}),), "totals": Totals(payable=eur("120.004"))},
    ],
)
def test_nothing_of_an_amount_is_rounded_away_in_italy(change: dict[str, object]) -> None:
    with pytest.raises(FormatRefused, match="Round it to two decimals"):
        write_fatturapa(ITALIAN.model_copy(update=change))


def test_a_stamp_says_that_it_is_a_virtual_one() -> None:
    content = write_fatturapa(ITALIAN.model_copy(update={"stamp_duty": eur("2.00")}))
    assert b"<BolloVirtuale>SI</BolloVirtuale>" in content


def test_less_than_nothing_that_is_nothing_has_no_sign() -> None:
    nothing = line(1, "0", "50.00").model_copy(update={"quantity": Quantity(value=Decimal("-0"), unit="H87")})
    again, _ = made("fatturapa", PLAIN.model_copy(update={"lines": (nothing, line(2))}))
    assert isinstance(again, Invoice)
    assert again.lines[0].quantity == Quantity(value=Decimal("0.00"), unit="H87")


def test_what_is_no_mail_address_is_left_out_and_said() -> None:
    seller = SELLER.model_copy(update={"contact": Contact(email="at the desk")})
    again, said = made("fatturapa", PLAIN.model_copy(update={"seller": seller}))
    assert isinstance(again, Invoice)
    assert again.seller.contact is None
    assert "seller.contact could not be carried" in said


# QR-bills


SWISS = Address(street="Weg", building="1", postcode="8000", town="Bern", country="CH")
IBAN, QR_IBAN = "CH9300762011623852957", "CH4431999123000889012"
QR_REFERENCE = "210000000003139471430009017"


def billed(**changes: object) -> Invoice:
    told: dict[str, object] = {
        "currency": "CHF", "payee": None, "payment_reference": "", "payment_means": (_means(IBAN),),
        "lines": (InvoiceLine(**{**dict(line(1)), "amount": chf("100.00"), "price": Price(net=chf("50.00"))}),),
        "seller": SELLER.model_copy(update={"address": SWISS}), "buyer": BUYER.model_copy(update={"address": SWISS}),
    }  # fmt: skip
    return RICH.model_copy(update={"totals": Totals(payable=chf("120.00")), **told, **changes})


def _means(iban: str) -> PaymentMeans:
    return PaymentMeans(code="30", account=BankAccount(iban=iban))


def bill_of(**changes: object) -> tuple[QrBill, str]:
    bill, said = made("qr-bill", billed(**changes))
    assert isinstance(bill, QrBill)
    assert [check for check in bill.checks if not check.ok] == []
    return bill, said


@pytest.mark.parametrize(
    "change,why",
    [({"type_code": "381"}, "credit note"), ({"direct_debit": DirectDebit(mandate_id="M")}, "direct debit")],
)
def test_nobody_is_asked_to_pay_what_is_not_to_be_paid(change: dict[str, object], why: str) -> None:
    with pytest.raises(FormatRefused, match=why):
        bill_of(**change)


def test_a_reference_that_is_none_of_a_bank_is_in_the_message() -> None:
    bill, _ = bill_of(payment_reference="please say 17")
    assert (bill.reference_type, bill.remittance) == ("NON", "INV-2026-017 please say 17")
    assert bill_of(payment_reference="INV-2026-017")[0].remittance == "INV-2026-017"


def test_a_creditor_reference_in_small_letters_is_one() -> None:
    bill, _ = bill_of(payment_reference="rf18 5390 0754 7034")
    assert (bill.reference_type, bill.reference) == ("SCOR", "RF18539007547034")


@pytest.mark.parametrize("reference,iban", [("", IBAN), (QR_REFERENCE, QR_IBAN)])
def test_the_account_is_the_one_that_a_bill_may_name_and_others_are_said(reference: str, iban: str) -> None:
    accounts = ("DE89370400440532013000", QR_IBAN, IBAN) if not reference else ("DE89370400440532013000", IBAN, QR_IBAN)
    bill, said = bill_of(payment_means=tuple(map(_means, accounts)), payment_reference=reference)
    assert bill.creditor_account.iban == iban
    assert "2 of the invoice could not be carried" in said


def test_who_has_no_whole_address_stands_in_no_bill_and_is_said() -> None:
    bill, said = bill_of(buyer=BUYER.model_copy(update={"address": Address(country="CH")}))
    assert bill.debtor is None
    assert "The buyer has no whole name and address" in said


def test_a_payee_has_an_address_of_its_own_or_it_is_said() -> None:
    elsewhere = SWISS.model_copy(update={"town": "Chur", "region": "GR"})
    bill, said = bill_of(payee=InvoiceParty(name="Factor 017", address=elsewhere))
    assert bill.creditor.address is not None
    assert (bill.creditor.address.town, "creditor's region could not be carried" in said) == ("Chur", True)
    _, said = bill_of(payee=InvoiceParty(name="Factor 017"))
    assert "The address of the payee is not told" in said


@pytest.mark.parametrize("write", [write_ubl], ids=["ubl"])
def test_what_is_worked_out_is_left_alone_without_a_currency(write: Callable[[Invoice], bytes]) -> None:
    odd = PLAIN.model_copy(update={"currency": "XXQ"})
    assert summed(odd) is odd
    with pytest.raises(FormatRefused):
        write(odd)


def test_a_reference_without_its_number_is_refused_by_the_schema() -> None:
    nameless = PLAIN.model_copy(update={"references": (DocumentReference(kind="contract", on=date(2026, 1, 1)),)})
    assert convert(nameless, "ubl").content
    with pytest.raises(FormatRefused, match="breaks its schema"):
        made("ubl", nameless)
