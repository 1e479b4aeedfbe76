"""A list of payments in a sheet becomes a payment file; what it does not say is asked for in a profile to complete."""

from __future__ import annotations

import json
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pytest
from ruamel.yaml import YAML

from nostro.formats.catalogue import tell
from nostro.formats.tables.formats import payment_format
from nostro.formats.tables.payments import PaymentProfile
from nostro.model.messages import Instruction, MessageEnd, MessageHead
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.statements import Reject
from tests.unit.test_convert_validate import typed

PROFILE = """
kind: payments
columns:
  creditor: Supplier
  creditor_account: IBAN
  creditor_street: Street
  creditor_building: No
  creditor_postcode: ZIP
  creditor_town: City
  creditor_country: Country
  amount: Amount
  execution_date: Pay on
  end_to_end: Id
  remittance: [Invoice, Note]
date_order: dmy
decimal: ","
currency: EUR
message_id: RUN-7
same:
  debtor: Company 1
  debtor_account: DE89 3704 0044 0532 0130 00
  debtor_bic: COBADEFFXXX
  charge_bearer: SLEV
"""
HEADER = "Supplier;IBAN;Street;No;ZIP;City;Country;Amount;Pay on;Id;Invoice;Note"
LIST = f"""{HEADER}
Supplier 017;FR14 2004 1010 0505 0001 3M02 606;Rue;4;75001;Paris;fr;1.250,50;30.11.2026;E-1;INV/12;with thanks
Supplier 018;FR1420041010050500013M02606;Rue;5;75001;Paris;FR;x;30.11.2026;E-2;INV/13;
"""
ONE_LINE = LIST.replace("with thanks", "")
"""SEPA takes one line of remittance."""


def files(folder: Path, table: str = LIST, profile: str = PROFILE) -> tuple[str, str]:
    (folder / "list.csv").write_text(table, encoding="utf-8")
    (folder / "ours.yaml").write_text(profile, encoding="utf-8")
    return str(folder / "list.csv"), str(folder / "ours.yaml")


def test_every_line_is_a_payment_with_all_that_the_profile_names_or_a_reject_with_its_place() -> None:
    known = payment_format(PaymentProfile.model_validate(YAML(typ="safe").load(PROFILE)))
    (told,) = tell(lambda: iter((LIST.encode(),)), "", known)
    head, one, broken, end = list(told.items)
    assert isinstance(head, MessageHead)
    assert (head.kind, head.message_id, head.initiating_party) == (
        "payment_initiation",
        "RUN-7",
        Party(name="Company 1"),
    )
    assert isinstance(one, Instruction)
    assert one.amount == Amount(value=Decimal("1250.50"), currency="EUR")
    address = Address(street="Rue", building="4", postcode="75001", town="Paris", country="FR")
    assert one.creditor == Party(name="Supplier 017", address=address)
    assert one.creditor_account == BankAccount(iban="FR1420041010050500013M02606")
    assert one.debtor_account == BankAccount(iban="DE89370400440532013000", bic="COBADEFFXXX")
    assert (one.references.end_to_end, one.remittance) == ("E-1", ("INV/12", "with thanks"))
    assert (one.charge_bearer, str(one.execution_date), one.source.line) == ("SLEV", "2026-11-30", 2)
    assert isinstance(broken, Reject)
    assert broken.line == 3
    assert isinstance(end, MessageEnd)
    assert (end.items, end.rejected, end.totals) == (1, 1, {"EUR": Decimal("1250.50")})


def test_a_list_becomes_a_payment_file_and_what_is_no_payment_is_said(tmp_path: Path) -> None:
    table, profile = files(tmp_path, ONE_LINE)
    done = typed("convert", table, "--to", "pain.001", "--profile", "sepa", "--table", profile)
    assert done.exit_code == 1
    assert '<InstdAmt Ccy="EUR">1250.50</InstdAmt>' in done.stdout
    assert "<TwnNm>Paris</TwnNm>" in done.stdout
    assert "it is not in the result" in done.stderr
    whole = files(tmp_path, "\n".join(ONE_LINE.splitlines()[:2]))
    assert typed("convert", whole[0], "--to", "pain.001.001.03", "--table", profile).exit_code == 0


def test_parse_prints_a_list_of_payments_through_its_profile(tmp_path: Path) -> None:
    table, profile = files(tmp_path, "\n".join(ONE_LINE.splitlines()[:2]))
    (told,) = map(json.loads, typed("parse", table, "--profile", profile).stdout.splitlines())
    assert (told["kind"], len(told["payments"])) == ("payment_initiation", 1)


def test_a_workbook_is_read_as_well(tmp_path: Path) -> None:
    book, held = openpyxl.Workbook(), BytesIO()
    for line in ONE_LINE.splitlines()[:2]:
        book.active.append(line.split(";"))
    book.save(held)
    (tmp_path / "list.xlsx").write_bytes(held.getvalue())
    _, profile = files(tmp_path)
    done = typed("convert", str(tmp_path / "list.xlsx"), "--to", "pain.001.001.09", "--table", profile)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1250.50" in done.stdout


def test_an_unknown_list_is_answered_with_a_profile_to_complete_that_then_works(tmp_path: Path) -> None:
    table, _ = files(tmp_path, "\n".join([HEADER + ";Colour", LIST.splitlines()[1] + ";red"]))
    done = typed("convert", table, "--to", "pain.001", "--profile", "sepa")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "not recognised: debtor, debtor_account, currency." in " ".join(done.stderr.split())
    assert "# not used: Colour" in done.stderr
    assert 'creditor_account: "IBAN"' in done.stderr
    proposal = done.stderr[done.stderr.index("kind: payments") :]
    completed = proposal.replace("# currency: EUR", "currency: EUR").replace("# same:", "same:")
    completed = completed.replace("#   debtor: Our Company", "  debtor: Company 1")
    completed = completed.replace("#   debtor_account: DE...", "  debtor_account: DE89370400440532013000")
    (tmp_path / "ours.yaml").write_text(completed, encoding="utf-8")
    done = typed("convert", table, "--to", "pain.001", "--profile", "sepa", "--table", str(tmp_path / "ours.yaml"))
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1250.50" in done.stdout


def test_dates_that_can_be_read_in_two_ways_are_a_question(tmp_path: Path) -> None:
    table, _ = files(tmp_path, LIST.replace("30.11.2026", "03.11.2026").rpartition("Supplier 018")[0])
    done = typed("convert", table, "--to", "pain.001")
    assert 'date_order: "dmy" | "mdy"  # say which' in done.stderr


def test_a_complete_list_needs_no_profile(tmp_path: Path) -> None:
    table, _ = files(tmp_path, "Supplier,IBAN,Amount,Currency,Payment date,Debtor,Debtor IBAN\nSupplier 017,"
                     "FR1420041010050500013M02606,12.50,EUR,2026-11-30,Company 1,DE89370400440532013000\n")  # fmt: skip
    done = typed("convert", table, "--to", "pain.001.001.09", "--profile", "iso")
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "profile", [PROFILE.replace("same:\n", "same:\n  nothing: x\n"), "kind: payments\ncolumns: {}"]
)
def test_a_profile_that_says_nonsense_is_refused(tmp_path: Path, profile: str) -> None:
    table, own = files(tmp_path, profile=profile)
    assert typed("convert", table, "--to", "pain.001", "--table", own).exit_code == 2


def test_payees_who_would_fail_are_listed_once_each_with_field_rule_and_remedy(tmp_path: Path) -> None:
    lines = ["Supplier;IBAN;Address;Amount;Pay on"]
    lines += ["Supplier 017;FR1420041010050500013M02606;Rue 4, Paris;1,00;30.11.2026"] * 2
    lines += ["Supplier 018;DE89370400440532013000;;1,00;30.11.2026"]
    columns = "columns: {creditor: Supplier, creditor_account: IBAN, creditor_address: [Address], amount: Amount, "
    profile = f"kind: payments\n{columns}execution_date: Pay on}}\n" + PROFILE[PROFILE.index("date_order") :]
    table, own = files(tmp_path, "\n".join(lines), profile)
    done = typed("validate", table, "--table", own, "--profile", "sepa", "--payees")
    assert done.exit_code == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith("Supplier 017, FR1420041010050500013M02606, 2 payments: creditor.address (address.")
    assert "Give street, postcode, town and country as fields." in line
    assert "1 of 2 payees would fail sepa." in done.stderr
    shown, counted = map(json.loads, typed("validate", table, "--table", own, "--profile", "sepa", "--payees", "--json")
                   .stdout.splitlines())  # fmt: skip
    assert (shown["kind"], shown["payments"], shown["flaws"][0]["rule"]) == ("payee", 2, "address.unstructured")
    assert counted == {"kind": "payees", "failing": 1, "payees": 2, "rejected": 0}
    before = typed("validate", table, "--table", own, "--profile", "sepa", "--payees", "--on", "2026-11-01")
    assert (before.exit_code, before.stdout) == (0, "")
    assert typed("validate", table, "--payees").exit_code == 2


NAMELESS = """Supplier 017;FR14 2004 1010 0505 0001 3M02 606;BNPAFRPPXXX;FR;1.250,50;30.11.2026;INV/12;EUR
Supplier 018;NL91ABNA0417164300;ABNANL2AXXX;NL;17,00;30.11.2026;INV/13;EUR
Supplier 019;BE68539007547034;KREDBEBBXXX;BE;3,25;30.11.2026;INV/14;EUR
"""


def test_a_list_without_names_is_paid_only_through_the_proposal_that_a_person_completed(tmp_path: Path) -> None:
    table, profile = files(tmp_path, NAMELESS, "")
    refused = typed("convert", table, "--to", "pain.001")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "No line of this table names its columns" in refused.stderr
    proposal = refused.stderr[refused.stderr.index("kind: payments") :]
    told = YAML(typ="safe").load(proposal)
    assert told["columns"] == {"creditor": 1, "creditor_account": 2, "creditor_bic": 3, "creditor_country": 4,
                               "amount": 5, "execution_date": 6, "currency": 8}  # fmt: skip
    assert (told["date_order"], told["decimal"], told["header"]) == ("dmy", ",", False)
    assert "# not used: column 7, texts" in proposal
    completed = proposal.replace("creditor_country: 4", "remittance: [7]")
    completed += "same: {debtor: Company 1, debtor_account: DE89370400440532013000}\n"
    (tmp_path / "ours.yaml").write_text(completed)
    paid = typed("convert", table, "--to", "pain.001", "--table", profile)
    assert paid.stdout.count("<CdtTrfTxInf>") == 3, paid.stderr
    assert "<CtrlSum>1270.75</CtrlSum>" in paid.stdout
    assert "<Ustrd>INV/12</Ustrd>" in paid.stdout


def test_lines_without_names_say_what_can_not_be_told_by_them(tmp_path: Path) -> None:
    american = (
        "Payroll\nSupplier 017,021000021,987654321,12.50,11/30/2026\nSupplier 018,091000019,1234,2.50,11/30/2026\n"
    )
    table, _ = files(tmp_path, american, "")
    refused = typed("convert", table, "--to", "nacha-ppd")
    assert "creditor_clearing_id: 2" in refused.stderr
    assert "# not used: column 3, numbers" in refused.stderr
    assert "skip_first: 1" in refused.stderr
    assert "# creditor_account:" in refused.stderr
    own = "\n".join(f"DE89370400440532013000;BE68539007547034;{number},50;1,00" for number in range(1, 4))
    table, _ = files(tmp_path, own, "")
    refused = typed("convert", table, "--to", "pain.001")
    assert "debtor_account: 1" in refused.stderr
    assert "# not used: column 4, amounts too" in refused.stderr


def test_a_table_of_other_things_is_no_list_of_payments(tmp_path: Path) -> None:
    table, _ = files(tmp_path, "a;b;c\nd;e;f\n", "")
    refused = typed("convert", table, "--to", "pain.001")
    assert (refused.exit_code, "is no list of payments" in refused.stderr) == (2, True)
