"""Code sets: what a code means is told with its set and version; one that nobody knows is kept."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from nostro.formats.codes import SETS, Legend, NamedCode, code_set, iso20022_code, name_of, named
from nostro.formats.codes.sets import PUBLISHERS
from nostro.model.failures import FormatRefused
from nostro.model.invoices import Invoice, PaymentMeans, TaxBreakdown, TaxCategory, Withholding
from nostro.model.messages import Instruction, MessageHead, PaymentStatus, Reason
from nostro.model.money import Amount
from nostro.model.parties import BankAccount
from nostro.model.statements import Direction, Entry, ReturnInformation, Source, StatementHead
from nostro.runtime.cli_app import build

SOURCE = Source(where="x")


def statement(form: str) -> StatementHead:
    return StatementHead(kind="statement", statement_id="1", bank_account=BankAccount(), source=SOURCE, format=form)


def entry(code: str, direction: Direction = "credit", returned: ReturnInformation | None = None) -> Entry:
    return Entry(
        amount=Amount(value=Decimal(1), currency="EUR"), direction=direction, state="booked", source=SOURCE,
        booking_date=date(2026, 8, 31), bank_transaction_code=code, returned=returned,
    )  # fmt: skip


def told(form: str, *entries: Entry) -> list[tuple[str, str, str]]:
    legend = Legend(statement(form))
    for one in entries:
        legend.take(one)
    return [(code.code_set, code.code, code.name) for code in legend.told()]


@pytest.mark.parametrize("name", SETS)
def test_every_set_names_its_source_and_version_and_every_code(name: str) -> None:
    found = code_set(name)
    assert found.title
    assert found.source
    assert found.version
    assert all(code and meaning.strip() == meaning and meaning for code, meaning in found.names.items())


@pytest.mark.parametrize("name", SETS)
def test_every_mapping_leads_to_a_bank_transaction_code_that_iso_20022_has(name: str) -> None:
    for code, sides in code_set(name).iso20022.items():
        assert len(sides) <= 2, code
        assert all(named("iso20022.bank_transaction", side).known for side in sides), (code, sides)


def test_there_is_a_set_of_every_publisher() -> None:
    assert {name.partition(".")[0] for name in SETS} == set(PUBLISHERS)


def test_a_set_that_there_is_not_is_refused() -> None:
    with pytest.raises(FormatRefused, match="no code set"):
        code_set("iso20022.colours")
    with pytest.raises(FormatRefused, match="no code set"):
        code_set("../secrets.x")


def test_a_code_that_nobody_knows_is_kept_without_a_name() -> None:
    found = named("iso20022.reason", "ZZ99")
    assert (found.code, found.name, found.known, found.version) == ("ZZ99", "", False, "2025-05")
    assert str(found) == "ZZ99 unknown"
    assert str(NamedCode(code_set="", code="VD 7")) == "VD 7 unknown (the bank's own)"


def test_a_bank_transaction_code_is_named_by_domain_family_and_sub_family() -> None:
    assert named("iso20022.bank_transaction", "PMNT-RCDT-ESCT").name == (
        "payments: credit transfers received: SEPA credit transfer"
    )
    assert named("iso20022.bank_transaction", "PMNT").name == "payments"
    assert not named("iso20022.bank_transaction", "PMNT-RCDT-QQQQ").known


def test_a_national_code_leads_to_iso_20022_by_its_direction() -> None:
    assert iso20022_code("dk.gvc", "166", "credit") == "PMNT-RCDT-ESCT"
    assert iso20022_code("swift.transaction_type", "TRF", "credit") == "PMNT-RCDT-OTHR"
    assert iso20022_code("swift.transaction_type", "TRF", "debit") == "PMNT-ICDT-OTHR"
    assert iso20022_code("bai2.type", "890", "debit") == ""


def test_the_verification_of_payee_and_the_returns_of_nacha_have_their_names() -> None:
    assert name_of("iso20022.payment_status", "RVMC") == "received, payee verified: a close match"
    assert name_of("nacha.return", "R01") == "insufficient funds"
    assert name_of("bacs.arudd", "0") == "ask the payer"


def test_an_mt_940_tells_its_type_and_the_german_code() -> None:
    assert told("MT940", entry("NTRF+166+00900"), entry("NTRF+166+00900")) == [
        ("swift.transaction_type", "TRF", "transfer"),
        ("dk.gvc", "166", "SEPA credit transfer, credit"),
    ]
    assert told("MT940", entry("N051+051"), entry("N426"), entry("S+652")) == [
        ("dk.gvc", "051", "transfer received"), ("", "N426", ""), ("", "S+652", ""),
    ]  # fmt: skip
    assert told("MT940", entry("NZZZ")) == [("swift.transaction_type", "ZZZ", "")]


def test_a_camt_may_tell_the_codes_of_an_mt_or_the_banks_own() -> None:
    codes = told("camt.053.001.08", entry("NTRF+105+931"), entry("PMNT-RCDT-ESCT"), entry("SECU"), entry("VD 7"))
    assert [code[:2] for code in codes] == [
        ("swift.transaction_type", "TRF"), ("dk.gvc", "105"), ("iso20022.bank_transaction", "PMNT-RCDT-ESCT"),
        ("iso20022.bank_transaction", "SECU"), ("", "VD 7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "form, code, expected",
    [
        ("CODA", "00150000", ("coda.transaction", "0150", "SEPA credit transfers: transfer in your favour")),
        ("Norma 43", "14001", ("aeb.concept", "14", "returned and unpaid")),
        ("CFONB 120", "B1", ("cfonb.operation", "B1", "SEPA direct debits paid")),
        ("BAI2", "555", ("bai2.type", "555", "Deposited item returned")),
        ("OFX", "XFER", ("ofx.type", "XFER", "transfer")),
        ("CSV", "Lastschrift", ("", "Lastschrift", "")),
    ],
)
def test_national_formats_have_their_own_sets(form: str, code: str, expected: tuple[str, str, str]) -> None:
    assert told(form, entry(code)) == [expected]


def test_reasons_purposes_and_statuses_are_told_once_each() -> None:
    legend = Legend(MessageHead(kind="payment_status", message_id="1", source=SOURCE, format="pain.002.001.10"))
    for _ in range(3):
        reasons = (Reason(code="AC04"), Reason(proprietary="own 1"))
        legend.take(PaymentStatus(level="transaction", status="RJCT", reasons=reasons, source=SOURCE))
        legend.take(Instruction(purpose="SALA", charge_bearer="SLEV", service_level="MINE and more", source=SOURCE))
    assert [(code.code_set, code.code) for code in legend.told()] == [
        ("iso20022.payment_status", "RJCT"), ("iso20022.reason", "AC04"), ("", "own 1"),
        ("iso20022.charge_bearer", "SLEV"), ("", "MINE and more"), ("iso20022.purpose", "SALA"),
    ]  # fmt: skip


def test_an_answer_to_a_cancellation_uses_other_sets() -> None:
    legend = Legend(MessageHead(kind="investigation", message_id="1", source=SOURCE, format="camt.029.001.09"))
    legend.take(PaymentStatus(level="transaction", status="RJCR", reasons=(Reason(code="CUST"),), source=SOURCE))
    assert [code.name for code in legend.told()] == ["cancellation refused", "the customer decided so"]


def test_a_document_of_endless_codes_tells_a_thousand() -> None:
    assert len(told("CSV", *(entry(f"code {number}") for number in range(1_500)))) == 1_000


def test_an_invoices_codes_are_told() -> None:
    tax = TaxCategory(category="E", exemption_code="VATEX-EU-132")
    legend = Legend()
    legend.take(
        Invoice(
            type_code="380",
            payment_means=(PaymentMeans(code="58"),),
            tax_breakdown=(TaxBreakdown(tax=tax),),
            withholdings=(Withholding(kind="RT01"),),
            source=SOURCE,
        )
    )
    assert [code.name for code in legend.told()] == [
        "commercial invoice", "SEPA credit transfer", "exempt", "exempt in the public interest (article 132)",
        "withholding tax, natural persons",
    ]  # fmt: skip


MT940 = """:20:1
:25:DE02120300000000202051
:28C:1/1
:60F:C260828EUR10,00
:61:2608310831C5,00NTRFNONREF
:86:166?00GUTSCHRIFT?20EREF+INV 7?32Payer
:62F:C260831EUR15,00
"""


def test_parse_and_its_summary_name_the_codes() -> None:
    done = CliRunner().invoke(build("parse"), ["parse", "-"], input=MT940)
    assert [code["name"] for code in json.loads(done.stdout)["codes"]] == ["transfer", "SEPA credit transfer, credit"]
    table = CliRunner().invoke(build("parse"), ["parse", "-", "--summary"], input=MT940, env={"COLUMNS": "200"}).stdout
    assert re.search(r"166 SEPA credit transfer", table)
