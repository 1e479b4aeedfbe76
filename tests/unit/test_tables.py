"""Tables: profiles, proposals, running balances, CSV written; oddities of spreadsheets."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]  # it ships no types, and stubs would be one dependency more
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from nostro.formats.reading import Beginning, Item, Unreadable
from nostro.formats.tables.cells import day, number
from nostro.formats.tables.formats import read_table
from nostro.formats.tables.profile import CANONICAL, PROFILES, Columns, Marked, Profile
from nostro.formats.tables.proposal import is_table, propose
from nostro.formats.tables.rows import text_rows
from nostro.formats.tables.writer import write_csv
from nostro.model.failures import FormatRefused
from nostro.runtime.cli_app import build
from tests.placeless import placeless
from tests.statement_texts import end, entries, failed, head, rejects

SIGNED = Columns(booking_date="Date", amount="Amount", balance="Balance", remittance=("Text",), counterparty="Name")
EUROS = Profile(columns=SIGNED, date_order="dmy", decimal=",", currency="EUR", bank_account="BE68539007547034")
TABLE = """Date;Name;Text;Amount;Balance
30/08/2026;Customer 017;INV/2026/00012;1.125,00;2.125,00
31/08/2026;Supplier 017;"Rent; August";-125,50;1.999,50
"""


def table(given: str, profile: Profile | None = EUROS, encoding: str = "utf-8") -> list[Item]:
    return list(read_table([given.encode(encoding)], profile))


def test_a_table_is_told_through_its_profile_with_the_chain_of_its_balances() -> None:
    items = table(TABLE)
    assert (head(items).bank_account.iban, head(items).currency) == ("BE68539007547034", "EUR")
    first, second = entries(items)
    assert (first.amount.value, first.direction, first.booking_date) == (
        Decimal("1125.00"), "credit", date(2026, 8, 30),
    )  # fmt: skip
    assert first.counterparty is not None
    assert (first.counterparty.name, first.remittance) == ("Customer 017", ("INV/2026/00012",))
    assert (second.amount.value, second.direction, second.remittance) == (Decimal("125.50"), "debit", ("Rent; August",))
    assert [(balance.code, balance.amount.value) for balance in end(items).balances] == [
        ("OPBD", Decimal("1000.00")), ("CLBD", Decimal("1999.50")),
    ]  # fmt: skip
    assert failed(items) == {}


def test_a_table_that_runs_backwards_has_the_same_balances() -> None:
    top, *rows = TABLE.splitlines()
    backwards = end(table("\n".join([top, *reversed(rows)]))).balances
    assert placeless(backwards) == placeless(end(table(TABLE)).balances)


def test_a_broken_chain_is_told_with_its_line() -> None:
    items = table(TABLE.replace("1.999,50", "1.999,51"))
    assert len(entries(items)) == 2
    assert "chain" in failed(items)
    assert any("line 3" in check.detail for check in end(items).checks)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings_and_line_ends_are_found(encoding: str) -> None:
    given = TABLE.replace("Rent", "Loyer payé").replace("\n", "\r\n")
    assert entries(table(given, encoding=encoding))[1].remittance == ("Loyer payé; August",)


def test_lines_before_the_header_and_after_the_last_entry_are_no_entries() -> None:
    given = "My bank\nAccount;123\n\n" + TABLE + "Total;;;;\n"
    items = table(given, EUROS.model_copy(update={"skip_last": 1}))
    assert (len(entries(items)), rejects(items), failed(items)) == (2, [], {})
    items = table(given)
    assert [reject.why for reject in rejects(items)] == ["there is no amount"]


def test_a_line_without_day_and_amount_is_told_but_no_reject() -> None:
    items = table(TABLE + ";;end of the list;;\n")
    assert (rejects(items), list(failed(items))) == ([], ["line"])


def test_what_cannot_be_read_is_located_and_the_rest_is_kept() -> None:
    items = table(TABLE + "31/02/2026;;;1,00;\n31/08/2026;;;1.000;\n31/08/2026;;;1,2345;\n31/08/2026;;;x;\n")
    assert [reject.line for reject in rejects(items)] == [4, 7]
    assert [str(entry.amount.value) for entry in entries(items)[2:]] == ["1000.00", "1.2345"]
    assert end(items).rejected == 2


def test_three_digits_behind_the_declared_mark_may_be_thousands_and_are_rejected() -> None:
    items = table("Date;Name;Text;Amount;Balance\n31/08/2026;;;1,234;\n")
    assert "two ways" in rejects(items)[0].why


def test_a_debit_and_a_credit_column_make_one_amount() -> None:
    columns = Columns(booking_date="Date", debit="Out", credit="In")
    profile = Profile(columns=columns, date_order="ymd", currency="EUR")
    given = "Date,Out,In\n2026-08-31,10.00,\n2026-08-31,,20.00\n2026-08-31,-5.00,0.00\n2026-08-31,,\n"
    items = table(given, profile)
    assert [entry.signed.value for entry in entries(items)] == [Decimal(-10), Decimal(20), Decimal(5)]
    assert [reject.why for reject in rejects(items)] == ["there is no amount"]
    other = table(given, profile.model_copy(update={"debits_negative": True}))
    assert [entry.signed.value for entry in entries(other)] == [Decimal(10), Decimal(20), Decimal(-5)]


def test_knab_s_word_for_the_direction_is_known() -> None:
    given = "Transactiedatum;Valutacode;CreditDebet;Bedrag\n31-08-2026;EUR;D;1,25\n31-08-2026;EUR;C;2\n"
    assert [(one.direction, one.amount.currency) for one in entries(table(given, None))] == [
        ("debit", "EUR"), ("credit", "EUR"),
    ]  # fmt: skip


def test_a_word_beside_the_amount_tells_its_direction() -> None:
    profile = Profile(columns=Columns(booking_date=1, amount=2, direction=3), date_order="ymd", header=False)
    items = table("2026-08-31,10.00,D\n2026-08-31,-20.00,CRDT\n2026-08-31,5,?\n", profile)
    assert [entry.direction for entry in entries(items)] == ["debit", "credit"]
    assert len(rejects(items)) == 1


def test_signs_of_credit_cards_are_turned_where_the_profile_says_so() -> None:
    items = table(TABLE, EUROS.model_copy(update={"inverse": True}))
    assert [entry.direction for entry in entries(items)] == ["debit", "credit"]


def test_accounts_and_currencies_in_columns_make_statements_of_their_own() -> None:
    columns = Columns(booking_date=1, amount=2, currency=3, bank_account=4)
    profile = Profile(columns=columns, date_order="ymd", header=False)
    items = table("2026-08-31,1,EUR,A\n2026-08-31,2,JPY,B\n2026-08-31,3,ABC,B\n", profile)
    assert [(entry.amount.currency, entry.source.where) for entry in entries(items)] == [
        ("EUR", "table[1]/entry[1]"), ("JPY", "table[2]/entry[1]"),
    ]  # fmt: skip
    assert [reject.why for reject in rejects(items)] == ["the currency is not in ISO 4217"]


def test_balances_that_stand_in_lines_of_their_own_are_taken() -> None:
    profile = EUROS.model_copy(
        update={"opening": Marked(label="Opening", column=4), "closing": Marked(label="Closing", column=4),
                "columns": SIGNED.model_copy(update={"balance": ""})}
    )  # fmt: skip
    items = table("Closing;;;1.999,50\n" + TABLE + "Opening;;;1.000,00\n", profile)
    assert failed(items) == {}
    assert len(end(items).balances) == 2
    assert list(failed(table("Closing;;;x\n" + TABLE, profile))) == ["closing"]


def test_without_a_currency_amounts_are_in_none_and_become_no_money() -> None:
    items = table(TABLE, EUROS.model_copy(update={"currency": ""}))
    assert "currency" in failed(items)
    with pytest.raises(ValueError, match="ISO 4217"):
        entries(items)[1].amount.to_money()


def test_a_quote_that_nothing_closes_spoils_no_more_than_its_line() -> None:
    lines = ['a,"b', *(f"{n},x" for n in range(60)), 'c,"two\nlines"']
    rows = list(text_rows(enumerate("\n".join(lines).split("\n"), start=1), ","))
    assert (len(rows), rows[1].cells, rows[-1].cells) == (62, ["0", "x"], ["c", "two\nlines"])


def test_a_profile_that_says_too_little_is_refused() -> None:
    with pytest.raises(ValidationError):
        Profile(columns=Columns(booking_date="Date"), date_order="dmy")
    with pytest.raises(ValidationError):
        Profile(columns=Columns(booking_date="Date", amount=2), date_order="dmy", header=False)
    with pytest.raises(FormatRefused, match="No line of the table names"):
        table("a;b\n1;2\n")


@pytest.mark.parametrize(
    "said, decimal, value",
    [
        ("1,234.56", ".", "1234.56"), ("1.234,56", ",", "1234.56"), ("(12.00)", ".", "-12.00"),
        ("12.00-", ".", "-12.00"),
        ("12.00 DR", ".", "-12.00"), ("12.00CR", ".", "12.00"), ("€ 1'234.50", ".", "1234.50"), ("EUR 5", ".", "5"),
        ("1 234,50 €", ",", "1234.50"), ("\u22125", ".", "-5"), ("+3,5", ",", "3.5"), ("1,00,000.00", ".", "100000.00"),
        ("-1 234,50 kr", ",", "-1234.50"), ("12,50 zł", ",", "12.50"), ("1.212,50+", ",", "1212.50"),
        ("-12.00 DR", ".", "-12.00"), ("(-12.00)", ".", "-12.00"), ("-12.00-", ".", "-12.00"),
    ],
)  # fmt: skip
def test_numbers_are_read_as_banks_write_them(said: str, decimal: str, value: str) -> None:
    assert number(said, decimal) == Decimal(value)


@pytest.mark.parametrize("said", ["1.234.56", "12,5.0", "abc", "1e5", ".", "--5", "NaN", "-5+"])
def test_what_is_no_number_with_the_declared_mark_is_not_read(said: str) -> None:
    with pytest.raises(Unreadable):
        number(said, ".")


@pytest.mark.parametrize(
    "said", ["31/08/2026", "31.08.26", "2026-08-31", "20260831", "31 Aug 2026", "31-août-26", "2026-08-31T10:00:00",
             "31.8.2026 10:00", "31082026", "Aug 31, 2026", "2026.08.31.", "2026. 08. 31."]
)  # fmt: skip
def test_days_are_read_as_banks_write_them(said: str) -> None:
    assert day(said, "dmy") == date(2026, 8, 31)


# Proposals


def test_a_proposal_says_what_it_guessed_and_how_surely() -> None:
    proposal = propose(Beginning(TABLE.encode()))
    assert proposal.usable
    assert proposal.profile is not None
    assert (proposal.profile.date_order, proposal.profile.decimal, proposal.profile.delimiter) == ("dmy", ",", ";")
    assert proposal.guesses["date_order"].confidence == 1.0
    assert proposal.guesses["inverse"].confidence == 1.0
    assert 0 < proposal.confidence <= 0.9


def test_a_statement_read_through_a_proposal_says_so() -> None:
    items = table(TABLE, None)
    assert [entry.amount.value for entry in entries(items)] == [entry.amount.value for entry in entries(table(TABLE))]
    assert "no profile was declared" in failed(items)["profile"]


@pytest.mark.parametrize(
    "given, question",
    [
        ("Date,Amount\n01/02/2026,-1.00\n03/04/2026,2.00\n", "date_order"),
        ("Date;Amount\n2026-08-31;-1,234\n", "decimal"),
        ("Date,Amount\n2026-08-31,1.00\n", "inverse"),
        ("Date,Debit,Credit\n2026-08-31,1.00,\n2026-08-31,-1.00,\n", "debits_negative"),
        ("Date,Currency,Amount,Amount Currency\n2026-08-31,EUR,-1.00,2.00\n", "currency"),
        ("Date,Amount\n31/08/2026,-1.00\n08/31/2026,2.00\n", "dates"),
        ("Date,Amount\n26-08-30,-1.00\n26-08-31,2.00\n", "begin with the year"),
        ("Date,Amount\n26/08/30,-1.00\n26/08/31,2.00\n", "begin with the year"),
        ("Date,Amount\n26-08-31,-1.00\n26-08-31,2.00\n", "begin with the year"),
    ],
)
def test_what_only_the_customer_can_know_is_asked_and_never_guessed(given: str, question: str) -> None:
    proposal = propose(Beginning(given.encode()))
    assert not proposal.usable
    assert question in " ".join(proposal.questions)
    with pytest.raises(FormatRefused, match="needs a profile"):
        table(given, None)


def test_dates_that_are_the_same_in_both_orders_leave_nothing_open() -> None:
    assert propose(Beginning(b"Date,Amount\n05/05/2026,-1.00\n06/06/2026,1.00\n")).usable


@pytest.mark.parametrize("mark", "-/.")
def test_years_of_two_digits_stand_last_where_the_days_are_near_each_other_so(mark: str) -> None:
    days = ("30 08 26", "31 08 26", "13 12 26")
    told = "Date;Amount\n" + "".join(f"{mark.join(day.split())};-1.00\n" for day in days)
    proposal = propose(Beginning(told.encode()))
    assert (proposal.questions, proposal.given["date_order"]) == ([], "dmy")


def test_valuta_is_the_currency_where_currencies_stand_in_it() -> None:
    (entry,) = entries(table("Bokföringsdag;Belopp;Valuta\n2026-08-31;-1,00 kr;SEK\n", None))
    assert (entry.amount.currency, entry.amount.value, entry.value_date) == ("SEK", Decimal("1.00"), None)
    (entry,) = entries(table("Buchungstag;Valuta;Betrag\n30.08.2026;31.08.2026;-1,00\n", None))
    assert entry.value_date == date(2026, 8, 31)


def test_of_a_date_with_dots_the_day_stands_first() -> None:
    (entry,) = entries(table("Buchungstag;Betrag\n02.03.2026;-1,00\n", None))
    assert entry.booking_date == date(2026, 3, 2)


def test_a_currency_in_the_amounts_name_is_told_and_an_account_that_changes_is_asked_about() -> None:
    items = table("Buchungstag;Betrag (EUR);Verwendungszweck\n31.08.2026;-1,00;a\n", None)
    assert entries(items)[0].amount.currency == "EUR"
    items = table("Date;Booking text;Debit CHF;Credit CHF\n31.08.2026;Rent;1.25;\n", None)
    assert [(one.amount.currency, one.direction) for one in entries(items)] == [("CHF", "debit")]
    items = table("Könyvelés dátuma;Összeg;Pénznem\n2026-08-31;-1,00;HUF\n", None)
    assert entries(items)[0].amount.currency == "HUF"
    given = "Date,Payee,Account number,Amount\n2026-08-31,A,1,-1.00\n2026-08-31,B,2,1.00\n"
    assert "other side" in propose(Beginning(given.encode())).questions[0]


def test_a_column_of_nothing_but_states_tells_them_whatever_it_is_called() -> None:
    given = "Buchungstag;Betrag;Waehrung;Info\n31.08.26;-1,00;EUR;Umsatz vorgemerkt\n30.08.26;2,00;EUR;Umsatz gebucht\n"
    assert [one.state for one in entries(table(given, None))] == ["pending", "booked"]
    given = given.replace("Umsatz gebucht", "Filiale 17")
    assert [one.state for one in entries(table(given, None))] == ["booked", "booked"]


def test_running_balances_prove_that_positive_amounts_are_debits() -> None:
    given = "Date,Amount,Balance\n2026-08-29,0.00,100.00\n2026-08-30,10.00,90.00\n2026-08-31,5.00,85.00\n"
    proposal = propose(Beginning(given.encode()))
    assert proposal.profile is not None
    assert (proposal.usable, proposal.profile.inverse) == (True, True)


@pytest.mark.parametrize(
    "header", ["Buchungstag;Betrag", "Fecha operación;Importe", "Data;Importo", "Date;Montant", "Boekdatum;Bedrag",
               "Transaction Date;Money In;Money Out", "Datum;Soll;Haben", "Könyvelés dátuma;Összeg",
               "Datum;Belastung CHF;Gutschrift CHF", "Dato;Beløb", "Bogføringsdato;Beløp",
               "Dato;Ut fra konto;Inn på konto"]
)  # fmt: skip
def test_columns_are_recognised_in_many_languages(header: str) -> None:
    assert is_table(Beginning(f"some bank\n{header}\n".encode()))


@pytest.mark.parametrize("given", [b"hello", b"", b"<xml/>", b"\x00\x01", b"Date;Name\n1;2\n", b"PK\x03\x04word/"])
def test_what_names_no_columns_is_no_table(given: bytes) -> None:
    assert not is_table(Beginning(given))


# XLSX


def workbook(*rows: list[object], names: tuple[str, ...] = ("Sheet",)) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = names[0]
    for row in rows:
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def test_a_workbook_s_days_and_numbers_are_exact() -> None:
    given = workbook(
        ["Date", "Name", "Text", "Amount", "Balance"], [datetime(2026, 8, 30), "A", "B", 1125.1, None],  # noqa: DTZ001 - sheets know no zones
        [date(2026, 8, 31), "A", None, -0.3, None],
    )  # fmt: skip
    items = list(read_table([given], EUROS))
    assert [str(entry.signed.value) for entry in entries(items)] == ["1125.10", "-0.30"]
    assert [entry.booking_date for entry in entries(items)] == [date(2026, 8, 30), date(2026, 8, 31)]


def test_a_sheet_that_is_not_there_a_broken_workbook_and_a_bomb_are_refused() -> None:
    given = workbook(["Date"])
    for broken in (given[: len(given) // 2], b"PK\x03\x04" + bytes(100)):
        with pytest.raises(FormatRefused):
            list(read_table([broken], EUROS))
    with pytest.raises(FormatRefused, match="sheet"):
        list(read_table([given], EUROS.model_copy(update={"sheet": "Other"})))
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", bytes(140_000_000))
    with pytest.raises(FormatRefused, match="larger than"):
        list(read_table([held.getvalue()], EUROS))


def test_a_workbook_that_declares_entities_is_refused() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("xl/workbook.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a/>')
    with pytest.raises(FormatRefused, match="document type"):
        list(read_table([held.getvalue()], EUROS))


# Writing, and the command


def test_what_is_written_is_read_again() -> None:
    told = table(TABLE)
    again = list(read_table(write_csv(told), CANONICAL))
    assert [entry.model_copy(update={"source": entries(told)[0].source}) for entry in entries(again)] == [
        entry.model_copy(update={"source": entries(told)[0].source}) for entry in entries(told)
    ]
    assert head(again).bank_account.iban == "BE68539007547034"


def test_an_entry_that_nobody_could_read_again_is_not_written() -> None:
    told = table(TABLE)
    with pytest.raises(FormatRefused, match="booking_date"):
        list(write_csv([told[0], entries(told)[0].model_copy(update={"booking_date": None})]))
    with pytest.raises(FormatRefused, match="no statement"):
        list(write_csv(entries(told)))


def test_the_command_takes_a_profile_by_name_or_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "Date,Label,Amount,Balance,Partner Name,Bank Account\n12/15/2018,x,-1.00,1.00,y,z\n"
    )
    (tmp_path / "p.yaml").write_text(
        "columns: {booking_date: Date, amount: Amount}\ndate_order: mdy\ncurrency: USD\n", encoding="utf-8"
    )
    for profile in ("us-balance", str(tmp_path / "p.yaml")):
        done = CliRunner().invoke(build("parse"), ["parse", str(tmp_path / "t.csv"), "--profile", profile])
        assert (done.exit_code, '"direction":"debit"' in done.stdout) == (0, True)


@pytest.mark.parametrize("content", ["columns: 1", "{", "columns: {booking_date: D, amount: A}\ndate_order: ydm"])
def test_the_command_says_what_is_wrong_with_a_profile(tmp_path: Path, content: str) -> None:
    (tmp_path / "p.yaml").write_text(content, encoding="utf-8")
    done = CliRunner().invoke(build("parse"), ["parse", "x.csv", "--profile", str(tmp_path / "p.yaml")])
    assert done.exit_code == 2
    done = CliRunner().invoke(build("parse"), ["parse", "x.csv", "--profile", "nothing"])
    assert done.exit_code == 2


def test_every_profile_that_comes_along_has_its_name() -> None:
    assert all(name == profile.name and profile.title for name, profile in PROFILES.items())
