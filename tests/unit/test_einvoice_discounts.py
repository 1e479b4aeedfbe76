"""Cash discounts: XRechnung's lines in BT-20, CII EXTENDED's terms, UBL's and FatturaPA's, as one set of fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.einvoice.cii import read_cii, write_cii
from nostro.formats.einvoice.discounts import with_discounts
from nostro.formats.einvoice.fatturapa import read_fatturapa, write_fatturapa
from nostro.formats.einvoice.rules import validate
from nostro.formats.einvoice.schemas import check_schema
from nostro.formats.einvoice.ubl import read_ubl, write_ubl
from nostro.model.invoices import Instalment, Invoice, InvoiceContent
from nostro.model.statements import Reject
from tests.unit.einvoices import RICH, eur
from tests.unit.test_einvoice_fatturapa import CONSULTED

Write = Callable[[InvoiceContent], bytes]
Read = Callable[[Iterable[bytes]], Iterator[Invoice | Reject]]
XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
SEVEN, FOURTEEN = "#SKONTO#TAGE=7#PROZENT=2.00#", "#SKONTO#TAGE=14#PROZENT=1.50#BASISBETRAG=100.00#"
TERMS = f"{SEVEN}\n{FOURTEEN}"
TWO = (
    Instalment(discount_days=7, discount_until=date(2026, 9, 7), discount_percentage=Decimal("2.00")),
    Instalment(
        discount_days=14,
        discount_until=date(2026, 9, 14),
        discount_percentage=Decimal("1.50"),
        discount_base=eur("100.00"),
    ),
)
BY_MONEY = Instalment(discount_percentage=Decimal(3), discount_until=date(2026, 9, 10), discount_amount=eur("3.21"))
SYNTAXES = [pytest.param(write_ubl, read_ubl, id="ubl"), pytest.param(write_cii, read_cii, id="cii")]


def german(terms: str, *parts: Instalment) -> Invoice:
    return RICH.model_copy(update={"profile": XRECHNUNG, "payment_terms": terms, "instalments": parts})


def again(invoice: Invoice, write: Write, read: Read) -> Invoice:
    (told,) = read([write(invoice)])
    assert isinstance(told, Invoice)
    return told


def failed(invoice: Invoice) -> list[str]:
    return [check.detail for check in invoice.checks if not check.ok]


@pytest.mark.parametrize("write,read", SYNTAXES)
@pytest.mark.parametrize("terms", [TERMS, f"Within 30 days\n{TERMS}", f"{SEVEN}\n{FOURTEEN}\nWithin 30 days"])
def test_lines_are_read_as_discounts_and_written_once(write: Write, read: Read, terms: str) -> None:
    told = again(german(terms), write, read)
    assert (told.payment_terms, told.instalments) == (terms, TWO)
    assert failed(told) == []
    assert again(told, write, read).instalments == TWO


@pytest.mark.parametrize("write", [write_ubl, write_cii])
def test_the_last_line_ends_with_a_break_as_br_de_18_demands(write: Write) -> None:
    content = write(german(f"Within 30 days\n{TERMS}"))
    assert f"{FOURTEEN}\n</".encode() in content
    assert check_schema(content) == []
    assert "BR-DE-18" not in {finding.rule for finding in validate(content)}


def test_discounts_go_from_ubl_to_cii_and_back() -> None:
    there = again(german(f"Within 30 days\n{TERMS}"), write_ubl, read_ubl)
    back = again(again(there, write_cii, read_cii), write_ubl, read_ubl)
    assert (back.payment_terms, back.instalments, back.due_date) == (there.payment_terms, TWO, there.due_date)


@pytest.mark.parametrize("write,read", SYNTAXES)
def test_discounts_without_a_line_get_one_in_xrechnung(write: Write, read: Read) -> None:
    told = again(german("Within 30 days", BY_MONEY.model_copy(update={"discount_amount": None})), write, read)
    assert told.payment_terms == "Within 30 days\n#SKONTO#TAGE=10#PROZENT=3.00#"
    assert told.instalments == (Instalment(
        discount_days=10, discount_until=date(2026, 9, 10), discount_percentage=Decimal("3.00")),)  # fmt: skip


@pytest.mark.parametrize("line", [
    "#SKONTO#TAGE=14#PROZENT=2#", "#SKONTO#TAGE=14#PROZENT=2,00#", "#Skonto#TAGE=14#PROZENT=2.00#",
    "#SKONTO#TAGE=14#PROZENT=200.00#", "#SKONTO#TAGE=14#PROZENT=2.00# net", "#VERZUG#TAGE=14#PROZENT=9.00#",
])  # fmt: skip
def test_what_is_no_line_stays_text_and_is_told(line: str) -> None:
    told = again(german(f"{line}\nWithin 30 days"), write_ubl, read_ubl)
    assert (told.payment_terms, told.instalments) == (f"{line}\nWithin 30 days", ())
    assert [line in why for why in failed(told)] == [True]


def test_without_a_day_to_count_from_there_is_no_last_day() -> None:
    fields = with_discounts({"payment_terms": TERMS, "currency": "EUR"})
    assert [part.discount_until for part in fields["instalments"]] == [None, None]
    far = with_discounts({"payment_terms": SEVEN, "currency": "EUR", "issue_date": date.max})
    assert [part.discount_until for part in far["instalments"]] == [None]


def test_what_a_term_says_already_is_no_second_discount() -> None:
    both = {"payment_terms": SEVEN, "currency": "EUR", "issue_date": date(2026, 8, 31), "instalments": (TWO[0],)}
    assert with_discounts(both)["instalments"] == (TWO[0],)


@pytest.mark.parametrize("write,read", SYNTAXES)
def test_other_profiles_have_elements_for_discounts(write: Write, read: Read) -> None:
    told = again(RICH.model_copy(update={"instalments": (BY_MONEY,)}), write, read)
    (part,) = [one for one in told.instalments if one.discount_percentage]
    assert (part.discount_until, part.discount_amount) == (BY_MONEY.discount_until, BY_MONEY.discount_amount)


def test_cii_counts_days_from_a_basis() -> None:
    content = write_cii(RICH.model_copy(update={"instalments": (BY_MONEY,)}))
    assert b'unitCode="DAY">10<' in content
    later = content.replace(b'unitCode="DAY">10<', b'unitCode="DAY">12<')
    (told,) = read_cii([later])
    assert isinstance(told, Invoice)
    assert [one.discount_until for one in told.instalments if one.discount_days] == [date(2026, 9, 12)]
    (told,) = read_cii([content.replace(b'unitCode="DAY">10<', b'unitCode="MON">1<')])
    assert isinstance(told, Invoice)
    assert [one.discount_until for one in told.instalments] == [None, None]
    assert len(failed(told)) == 1


def test_fatturapa_has_a_discount_beside_the_payment_and_no_second_payment() -> None:
    owed = eur("116.88")
    payment = Instalment(due=date(2026, 9, 30), amount=owed)
    for parts in ((payment, BY_MONEY), (payment, BY_MONEY.model_copy(update={"discount_percentage": None}))):
        (told,) = read_fatturapa([write_fatturapa(CONSULTED.model_copy(update={"instalments": parts}))])
        assert isinstance(told, Invoice)
        (part,) = told.instalments
        assert (part.amount, part.due) == (owed, date(2026, 9, 30))
        assert (part.discount_amount, part.discount_until) == (BY_MONEY.discount_amount, BY_MONEY.discount_until)
    (told,) = read_fatturapa(
        [
            write_fatturapa(
                CONSULTED.model_copy(
                    update={"instalments": TWO, "totals": CONSULTED.totals.model_copy(update={"payable": owed})}
                )
            )
        ]
    )
    assert isinstance(told, Invoice)
    assert [part.amount for part in told.instalments] == [owed]
    assert told.instalments[0].discount_amount == eur("2.34")
