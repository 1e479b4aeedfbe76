"""XRechnung's extension and CII's groups: lines within lines, payments to third parties; each amount counts once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nostro.formats.einvoice.arithmetic import summed
from nostro.formats.einvoice.cii import read_cii, write_cii
from nostro.formats.einvoice.converting import convert
from nostro.formats.einvoice.fatturapa import write_fatturapa
from nostro.formats.einvoice.rules import validate
from nostro.formats.einvoice.schemas import check_schema
from nostro.formats.einvoice.sub_lines import fitted, parents
from nostro.formats.einvoice.ubl import read_ubl, write_ubl
from nostro.formats.reading import Reader
from nostro.model.failures import FormatRefused
from nostro.model.invoices import Invoice, InvoiceLine, TaxCategory, ThirdPartyPayment
from tests.unit.einvoices import ITALIAN, RICH, eur, line, same

EXTENSION = (
    "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
    "#conformant#urn:xeinkauf.de:kosit:extension:xrechnung_3.0"
)
EXTENDED = "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended"


def under(parent: str, number: str, price: str, purpose: str = "INFORMATION") -> InvoiceLine:
    return line(1, "1", price).model_copy(update={"line_id": number, "parent": parent, "purpose": purpose})


def told_by(read: Reader, content: bytes) -> Invoice:
    (told,) = read([content])
    assert isinstance(told, Invoice)
    return told


def failed(told: Invoice) -> set[str]:
    return {check.name for check in told.checks if not check.ok}


NESTED = (
    line(1, "1", "100.00"),
    under("1", "1 1", "60.00"),
    under("1 1", "1 1 1", "20.00"),
    under("1 1", "1 1 2", "40.00"),
    under("1", "1 2", "40.00"),
    line(2, "1", "5.00"),
    under("2", "2 1", "5.00"),
)
WITH_SUB_LINES = RICH.model_copy(update={"profile": EXTENSION, "lines": NESTED, "allowances_charges": ()})


@pytest.mark.parametrize("kind", ["380", "381"])
def test_sub_lines_are_written_within_their_lines_and_count_in_no_total(kind: str) -> None:
    invoice = WITH_SUB_LINES.model_copy(update={"type_code": kind})
    content = write_ubl(invoice)
    told = told_by(read_ubl, content)
    assert same(summed(invoice), told)
    assert (told.totals.lines, told.totals.payable) == (eur("105.00"), eur("126.00"))
    assert (failed(told), told.not_read) == (set(), ())
    assert check_schema(content) == []
    assert {one.severity for one in validate(content)} <= {"warning"}
    name = "SubInvoiceLine" if kind == "380" else "SubCreditNoteLine"
    assert content.count(f"<cac:{name}>".encode()) == 5


@pytest.mark.parametrize("profile", [RICH.profile, EXTENDED])
def test_without_the_extension_ubl_gets_the_lines_that_count_and_says_which_it_lacks(profile: str) -> None:
    made = convert(WITH_SUB_LINES.model_copy(update={"profile": profile}), "ubl")
    assert made.not_carried == ("lines[2]", "lines[3]", "lines[4]", "lines[5]", "lines[7]")
    told = told_by(read_ubl, made.content)
    assert [one.line_id for one in told.lines] == ["1", "2"]
    assert told.totals.lines == eur("105.00")


def test_cii_has_sub_lines_in_the_profile_extended_only() -> None:
    plain = convert(WITH_SUB_LINES, "cii")
    assert plain.not_carried == ("lines[2]", "lines[3]", "lines[4]", "lines[5]", "lines[7]")
    assert [one for one in validate(plain.content) if one.severity == "fatal"] == []
    extended = convert(WITH_SUB_LINES.model_copy(update={"profile": EXTENDED}), "cii")
    assert extended.not_carried == ()
    told = told_by(read_cii, extended.content)
    assert (told.lines[1].parent, told.totals.lines) == ("1", eur("105.00"))
    assert [one.rule for one in validate(extended.content) if one.severity == "fatal"] == []


GROUPED = (
    line(1, "1", "100.00").model_copy(update={"line_id": "G", "purpose": "GROUP", "price": None, "quantity": None}),
    under("G", "1", "60.00", "DETAIL"),
    under("G", "2", "40.00", "DETAIL"),
    under("2", "3", "7.00"),
)


@pytest.mark.parametrize("profile", [RICH.profile, EXTENSION, EXTENDED])
def test_groups_and_information_of_cii_become_no_lines_that_count_in_ubl(profile: str) -> None:
    invoice = RICH.model_copy(update={"profile": profile, "lines": GROUPED, "allowances_charges": ()})
    made = convert(invoice, "ubl")
    left = ("lines[1]",) if profile == EXTENSION else ("lines[1]", "lines[4]")
    moved = ("lines[2].parent", "lines[2].purpose", "lines[3].parent", "lines[3].purpose")
    assert made.not_carried == (*left, *moved)
    told = told_by(read_ubl, made.content)
    assert (told.totals.lines, told.totals.payable) == (eur("100.00"), eur("120.00"))
    assert [one.amount for one in told.lines if not one.purpose] == [eur("60.00"), eur("40.00")]


def test_groups_are_no_lines_of_a_fatturapa() -> None:
    taxed = tuple(one.model_copy(update={"tax": ITALIAN.lines[0].tax}) for one in GROUPED)
    made = convert(ITALIAN.model_copy(update={"lines": taxed}), "fatturapa")
    assert made.not_carried[:2] == ("lines[1]", "lines[4]")
    assert made.content.count(b"<DettaglioLinee>") == 2


@pytest.mark.parametrize(
    "numbers",
    [
        [("1", "1")],
        [("1", "2"), ("2", "1")],
        [("1", "3"), ("2", "1"), ("3", "2")],
        [("1", ""), ("2", "4"), ("4", "2"), ("3", "1")],
        [("", ""), ("", "")],
    ],
)
def test_lines_that_are_their_own_parents_end_and_are_left_out(numbers: list[tuple[str, str]]) -> None:
    lines = tuple(under(parent, number, "1.00") for number, parent in numbers)
    counted = line(9, "1", "10.00")
    told = fitted(WITH_SUB_LINES.model_copy(update={"lines": (counted, *lines)}), "ubl")
    assert told.lines == (counted,)
    assert told_by(read_ubl, write_ubl(told)).totals.lines == eur("10.00")


def test_sub_lines_whose_numbers_begin_anew_in_each_line_stay_where_they_are() -> None:
    lines = (line(1, "1", "3.00"), under("1", "1", "1.00"), under("1", "2", "2.00"),
             line(2, "1", "4.00"), under("2", "1", "1.00"), under("2", "2", "3.00"))  # fmt: skip
    assert parents(lines) == [None, 0, 0, None, 3, 3]
    invoice = WITH_SUB_LINES.model_copy(update={"lines": lines})
    told = told_by(read_ubl, write_ubl(invoice))
    assert same(summed(invoice), told)
    assert failed(told) == set()


def test_numbers_that_do_not_tell_the_place_of_a_sub_line_are_said() -> None:
    content = write_ubl(WITH_SUB_LINES).replace(b">1 1<", b">1<")
    assert "BT-126" in failed(told_by(read_ubl, content))


def test_sub_lines_that_sum_to_another_amount_are_told_and_hinder_nothing() -> None:
    lines = (*NESTED[:4], under("1", "1 2", "41.00"), *NESTED[5:])
    told = told_by(read_ubl, write_ubl(WITH_SUB_LINES.model_copy(update={"lines": lines})))
    (check,) = [one for one in told.checks if not one.ok]
    assert (check.name, check.detail) == ("BR-DEX-02", "line 1: 100.00 is told, 101.00 is worked out")
    assert told.totals.lines == eur("105.00")


def test_a_sub_line_without_its_tax_is_refused() -> None:
    lines = (*NESTED[:6], NESTED[6].model_copy(update={"tax": None}))
    with pytest.raises(FormatRefused, match=r"lines\[7\]\.tax\.category"):
        write_ubl(WITH_SUB_LINES.model_copy(update={"lines": lines}))


def test_a_sub_line_of_a_category_that_no_part_of_the_breakdown_has_is_refused() -> None:
    exempt = NESTED[6].model_copy(update={"tax": TaxCategory(category="E", rate=Decimal(0))})
    with pytest.raises(FormatRefused, match=r"lines\[7\]\.tax\.category: breaks BR-E-01"):
        write_ubl(WITH_SUB_LINES.model_copy(update={"lines": (*NESTED[:6], exempt)}))


def test_lines_too_deep_within_each_other_to_be_read_are_left_out_and_said() -> None:
    lines = (line(0, "1", "1.00"), *(under(str(number - 1), str(number), "1.00") for number in range(1, 1_000)))
    assert parents(lines) == [None, *range(999)]
    made = convert(WITH_SUB_LINES.model_copy(update={"lines": lines}), "ubl")
    assert (made.not_carried[0], made.not_carried[-1], len(made.not_carried)) == ("lines[52]", "lines[1000]", 949)
    assert len(told_by(read_ubl, made.content).lines) == 51


# payments to third parties


PAYMENT = ThirdPartyPayment(type="Parking", amount=eur("10.00"), description="Collected for the owner of the place")
WITH_PAYMENTS = RICH.model_copy(update={"profile": EXTENSION, "third_party_payments": (PAYMENT, PAYMENT)})


def test_payments_to_third_parties_are_due_beside_the_total_and_written_back() -> None:
    content = write_ubl(WITH_PAYMENTS)
    told = told_by(read_ubl, content)
    assert same(summed(WITH_PAYMENTS), told)
    assert (told.totals.with_tax, told.totals.payable) == (eur("90.00"), eur("110.00"))
    assert (failed(told), told.not_read, check_schema(content)) == (set(), (), [])
    assert {one.severity for one in validate(content)} <= {"warning"}


def test_an_amount_due_without_the_payments_to_third_parties_is_refused() -> None:
    totals = RICH.totals.model_copy(update={"payable": eur("90.00")})
    with pytest.raises(FormatRefused, match="BR-CO-16"):
        write_ubl(WITH_PAYMENTS.model_copy(update={"totals": totals}))


def test_elsewhere_what_ubl_calls_prepaid_is_not_due_and_named_as_unread() -> None:
    content = write_ubl(WITH_PAYMENTS).replace(EXTENSION.encode(), RICH.profile.encode())
    told = told_by(read_ubl, content.replace(b">110.00<", b">90.00<"))
    assert (told.third_party_payments, failed(told)) == ((), set())
    assert "/Invoice/PrepaidPayment[1]/PaidAmount" in told.not_read


@pytest.mark.parametrize(
    "change,rule",
    [
        ({"profile": RICH.profile}, "BR-DEX-09"),
        ({"type_code": "381"}, "BR-DEX-09"),
        ({"third_party_payments": (PAYMENT.model_copy(update={"type": ""}),)}, "BR-DEX-10"),
        ({"third_party_payments": (PAYMENT.model_copy(update={"amount": None}),)}, "BR-DEX-11"),
        ({"third_party_payments": (PAYMENT.model_copy(update={"description": ""}),)}, "BR-DEX-12"),
        ({"third_party_payments": (PAYMENT.model_copy(update={"amount": eur("1.001")}),)}, "BR-DEX-13"),
        (
            {
                "third_party_payments": (
                    PAYMENT.model_copy(update={"amount": eur("1").model_copy(update={"currency": "CHF"})}),
                )
            },
            "BR-DEX-14",
        ),
    ],
)
def test_what_the_extension_demands_of_such_payments_is_kept(change: dict[str, object], rule: str) -> None:
    with pytest.raises(FormatRefused, match=rule):
        write_ubl(WITH_PAYMENTS.model_copy(update=change))


def test_no_other_syntax_has_payments_to_third_parties() -> None:
    with pytest.raises(FormatRefused, match="BR-DEX-09"):
        write_cii(WITH_PAYMENTS)
    with pytest.raises(FormatRefused, match="BR-DEX-09"):
        write_fatturapa(ITALIAN.model_copy(update={"third_party_payments": (PAYMENT,)}))


def test_what_is_due_to_others_is_in_no_tax() -> None:
    told = summed(WITH_PAYMENTS)
    assert told.totals.tax == eur("15.00")
    assert sum((part.taxable.value for part in told.tax_breakdown if part.taxable), Decimal(0)) == Decimal("75.00")
