"""Whatever an invoice says is said again when it was written and read; and breaks no rule. Damage never does harm."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nostro.formats.einvoice import check_schema, convert, validate
from nostro.formats.einvoice.arithmetic import summed
from nostro.formats.einvoice.cii import read_cii, write_cii
from nostro.formats.einvoice.fatturapa import read_fatturapa, write_fatturapa
from nostro.formats.einvoice.signed import read_signed
from nostro.formats.einvoice.sub_lines import Syntax, fitted
from nostro.formats.einvoice.ubl import read_ubl, write_ubl
from nostro.formats.reading import Reader
from nostro.model.failures import FormatRefused
from nostro.model.invoices import (
    AllowanceCharge,
    DocumentReference,
    Invoice,
    InvoiceContent,
    InvoiceLine,
    Note,
    Price,
    Quantity,
    TaxCategory,
)
from nostro.model.money import Amount
from nostro.model.statements import Reject
from tests.unit.einvoices import ITALIAN, RICH, same
from tests.unit.test_einvoice_containers import signed
from tests.unit.test_einvoice_extension import EXTENSION

Write = Callable[[Invoice], bytes]
LETTERS = st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"])
WORD = st.text(LETTERS, min_size=1, max_size=12)
WORDS = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
DAY = st.dates(date(2020, 1, 1), date(2030, 12, 31))
CENTS = st.integers(-10_000_000, 10_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
PRICE = st.integers(0, 10_000_000).map(lambda units: Decimal(units).scaleb(-4))
TAXES = (
    TaxCategory(category="S", rate=Decimal(20)),
    TaxCategory(category="S", rate=Decimal("5.5")),
    TaxCategory(category="E", rate=Decimal(0), exemption_reason="Exempt"),
)
TAX = st.sampled_from(TAXES)
REFERENCE = st.builds(
    DocumentReference,
    kind=st.sampled_from(["contract", "project", "tender", "despatch_advice", "receiving_advice"]),
    number=WORD,
)


@st.composite
def lines(draw: st.DrawFn) -> tuple[InvoiceLine, ...]:
    count = draw(st.integers(1, 5))
    return tuple(draw(one_line(number)) for number in range(1, count + 1))


@st.composite
def one_line(draw: st.DrawFn, number: int) -> InvoiceLine:
    return InvoiceLine(
        line_id=str(number),
        quantity=Quantity(value=draw(CENTS), unit="H87"),
        amount=Amount(value=draw(CENTS), currency="EUR"),
        name=draw(WORDS),
        description=draw(st.one_of(st.just(""), WORDS)),
        note=draw(st.one_of(st.just(""), WORDS)),
        price=Price(net=Amount(value=draw(PRICE), currency="EUR")),
        tax=draw(TAX),
    )


@st.composite
def sub_lines(draw: st.DrawFn, above: InvoiceLine, deep: int = 0) -> tuple[InvoiceLine, ...]:
    """Lines that explain another, with lines of their own; their numbers are made of those above."""
    found: list[InvoiceLine] = []
    for number in range(1, draw(st.integers(0, 2 if deep < 2 else 0)) + 1):
        one = draw(one_line(number))
        named = one.model_copy(
            update={
                "line_id": f"{above.line_id}.{number}",
                "parent": above.line_id,
                "purpose": "INFORMATION",
                "tax": above.tax,
            }
        )
        found += [named, *draw(sub_lines(named, deep + 1))]
    return tuple(found)


@st.composite
def charges(draw: st.DrawFn) -> tuple[AllowanceCharge, ...]:
    made = st.builds(
        AllowanceCharge,
        charge=st.booleans(),
        amount=st.integers(1, 100_000).map(lambda cents: Amount(value=Decimal(cents).scaleb(-2), currency="EUR")),
        reason=WORDS,
        tax=TAX,
    )
    return tuple(draw(st.lists(made, max_size=3)))


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    one_each = {one.kind: one for one in draw(st.lists(REFERENCE, max_size=4))}
    made = draw(lines())
    used = {line.tax for line in made}
    extended = draw(st.booleans())
    if extended:
        made = tuple(one for line in made for one in (line, *draw(sub_lines(line))))
    said = {
        "profile": EXTENSION if extended else RICH.profile,
        "number": draw(WORD),
        "issue_date": draw(DAY),
        "due_date": draw(DAY),
        "type_code": draw(st.sampled_from(["380", "381", "384", "389"])),
        "payment_terms": draw(st.one_of(st.just(""), WORDS)),
        "notes": tuple(Note(text=text) for text in draw(st.lists(WORDS.filter(_is_plain), max_size=3))),
        "references": tuple(one_each.values()),
        "lines": made,
        "allowances_charges": tuple(one for one in draw(charges()) if one.tax in used),
    }
    return RICH.model_copy(update=said)


def reasons_in_the_breakdown(invoice: InvoiceContent) -> InvoiceContent:
    """As EN 16931 has it: lines, allowances and charges name the category alone."""
    told = summed(invoice)
    plain = {one: one.model_copy(update={"exemption_reason": ""}) for one in TAXES}
    lines = tuple(line.model_copy(update={"tax": plain[line.tax]}) for line in told.lines if line.tax)
    others = tuple(one.model_copy(update={"tax": plain[one.tax]}) for one in told.allowances_charges if one.tax)
    return told.model_copy(update={"lines": lines, "allowances_charges": others})


def _is_plain(text: str) -> bool:
    """Whether UBL would not take the text's beginning for the code of a subject."""
    return not text.startswith("#")


@pytest.mark.parametrize("write,read", [(write_ubl, read_ubl), (write_cii, read_cii)], ids=["ubl", "cii"])
@given(invoices())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_written_and_read_an_invoice_says_the_same(write: Write, read: Reader, invoice: Invoice) -> None:
    (again,) = read([write(invoice)])
    assert same(reasons_in_the_breakdown(fitted(invoice, "ubl" if write is write_ubl else "cii")), again)


@pytest.mark.parametrize("write", [write_ubl, write_cii], ids=["ubl", "cii"])
@given(invoices())
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_keeps_schema_and_rules(write: Write, invoice: Invoice) -> None:
    content = write(invoice)
    assert check_schema(content) == []
    assert [finding.rule for finding in validate(content) if finding.severity == "fatal"] == []


@given(invoices())
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_what_the_model_says_is_carried_from_ubl_to_cii_and_back(invoice: Invoice) -> None:
    there = convert(reasons_in_the_breakdown(invoice), "cii")
    (told,) = read_cii([there.content])
    assert isinstance(told, Invoice)
    left = tuple(f"lines[{number}]" for number, line in enumerate(invoice.lines, start=1) if line.purpose)
    assert (there.not_carried, convert(told, "ubl").not_carried) == (left, ())


ANY = st.text(st.characters(), min_size=1, max_size=20)
"""Whatever Python can hold: controls, halves of signs, what no XML takes."""


@pytest.mark.parametrize("to", ["ubl", "cii", "fatturapa"])
@given(ANY, ANY, ANY)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_carried_or_said_or_refused(to: Syntax, name: str, item: str, reference: str) -> None:
    base = ITALIAN if to == "fatturapa" else RICH
    lines = (base.lines[0].model_copy(update={"name": item}), *base.lines[1:])
    seller = base.seller.model_copy(update={"name": name})
    invoice = base.model_copy(update={"seller": seller, "lines": lines, "payment_reference": reference})
    try:
        made = convert(invoice, to)
    except FormatRefused:
        return
    (again,) = WHOLE[to][1]([made.content])
    assert isinstance(again, Invoice)
    pairs = {"seller.name": (name, again.seller.name), "lines[1].name": (item, again.lines[0].name),
             "payment_reference": (reference, again.payment_reference)}  # fmt: skip
    for field, (told, read) in pairs.items():
        assert "".join(told.split()) == "".join(read.split()) or field in made.not_carried
    assert again.totals.payable == summed(invoice).totals.payable


LATIN_1 = st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Cc", "Zs"])
LATIN = st.text(LATIN_1, min_size=1, max_size=12)


@given(st.lists(st.tuples(CENTS, LATIN), min_size=1, max_size=5), DAY)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_a_fatturapa_says_the_same_again(told: list[tuple[Decimal, str]], on: date) -> None:
    made = tuple(
        InvoiceLine(
            line_id=str(number),
            quantity=Quantity(value=Decimal("1.00"), unit="H87"),
            amount=Amount(value=value, currency="EUR"),
            name=name,
            price=Price(net=Amount(value=value, currency="EUR")),
            tax=TaxCategory(category="S", rate=Decimal("22.00")),
        )
        for number, (value, name) in enumerate(told, start=1)
    )
    invoice = ITALIAN.model_copy(update={"lines": made, "issue_date": on})
    (again,) = read_fatturapa([write_fatturapa(invoice)])
    assert isinstance(again, Invoice)
    assert [check for check in again.checks if not check.ok] == []
    assert again.totals == summed(invoice).totals
    assert [line.model_copy(update={"source": None}) for line in again.lines] == list(made)


# damage


WHOLE = {
    "ubl": (write_ubl(RICH), read_ubl),
    "cii": (write_cii(RICH), read_cii),
    "fatturapa": (write_fatturapa(ITALIAN), read_fatturapa),
    "p7m": (signed(write_fatturapa(ITALIAN)), read_signed),
}


def pieces(content: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(content), *(cut % len(content) for cut in cuts)})
    yield from (content[start:end] for start, end in itertools.pairwise(places))


@pytest.mark.parametrize("name", sorted(WHOLE))
@given(cuts=st.lists(st.integers(min_value=0), max_size=20))
@settings(max_examples=20)
def test_where_the_chunks_are_cut_changes_nothing(name: str, cuts: list[int]) -> None:
    content, read = WHOLE[name]
    assert list(read(pieces(content, cuts))) == list(read([content]))


@pytest.mark.parametrize("name", sorted(WHOLE))
@given(end=st.integers(min_value=0))
@settings(max_examples=60)
def test_a_cut_document_is_refused_or_a_located_reject(name: str, end: int) -> None:
    content, read = WHOLE[name]
    try:
        told = list(read([content[: end % (len(content.rstrip()) - 1)]]))
    except FormatRefused:
        return
    assert [type(one) for one in told] == [Reject]


@pytest.mark.parametrize("name", sorted(WHOLE))
@given(place=st.integers(min_value=0), damage=st.binary(max_size=8))
@settings(max_examples=60)
def test_damaged_bytes_never_do_more_than_be_refused_or_rejected(name: str, place: int, damage: bytes) -> None:
    content, read = WHOLE[name]
    at = place % len(content)
    try:
        told = list(read([content[:at] + damage + content[at + len(damage) :]]))
    except FormatRefused:
        return
    assert told
