"""Tables one below the other in one file: what may be another account's is never told as this one's."""

from __future__ import annotations

import io
from datetime import date

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pytest

from nostro.formats.reading import Item
from nostro.formats.tables.formats import read_table
from nostro.formats.tables.profile import Columns, Profile
from nostro.formats.tables.sections import ANOTHER
from tests.statement_texts import entries, failed, rejects
from tests.unit.test_bank_files import read, reports

HEADER = '"Buchungstag";"Wertstellung (Valuta)";"Vorgang";"Buchungstext";"Umsatz in EUR";\n'
ROWS = '"31.08.2026";"31.08.2026";"Lastschrift";"Supplier 017";"-10,00";\n"30.08.2026";"31.08.2026";"x";"y";"100,00";\n'
SAVINGS = '\n"Umsätze Tagesgeld";"Zeitraum: 30 Tage";\n\n'
INTEREST = '"31.08.2026";"31.08.2026";"Gutschrift";"Interest";"50,00";\n'
CARD = '"Buchungstag";"Umsatztag";"Vorgang";"Referenz";"Buchungstext";"Umsatz in EUR";\n'
PURCHASE = '"31.08.2026";"30.08.2026";"Visa-Umsatz";"123";"Shop 1";"-20,00";\n'
GIRO = Profile(
    columns=Columns(booking_date="Buchungstag", amount="Umsatz in EUR", remittance=("Buchungstext",)), date_order="dmy",
    decimal=",", currency="EUR", bank_account="DE89370400440532013000",
)  # fmt: skip


def _read(given: str, profile: Profile | None = GIRO) -> list[Item]:
    return list(read_table([given.encode()], profile))


def _told(items: list[Item]) -> list[str]:
    return [str(entry.signed.value) for entry in entries(items)]


@pytest.mark.parametrize("profile", [GIRO, None], ids=["a profile", "none"])
@pytest.mark.parametrize("further", [SAVINGS + HEADER + INTEREST, SAVINGS + CARD + PURCHASE, CARD + PURCHASE])
def test_a_table_below_another_one_is_a_reject_and_none_of_its_money_is_told(
    profile: Profile | None, further: str
) -> None:
    given = f'"Umsätze Girokonto";\n\n{HEADER}{ROWS}{further}'
    items = _read(given, profile)
    assert _told(items) == ["-10.00", "100.00"]
    *_, reject = rejects(items)
    line = given.count("\n", 0, given.rindex('"Buchungstag"')) + 1
    assert (reject.why, reject.line) == (ANOTHER, line)


def test_a_first_table_without_a_movement_does_not_lend_its_account_to_the_second() -> None:
    items = _read(HEADER + SAVINGS + HEADER + INTEREST)
    assert (_told(items), rejects(items)[-1].why) == ([], ANOTHER)


def test_lines_that_are_held_back_as_the_last_ones_are_read_where_another_table_follows() -> None:
    items = _read(HEADER + ROWS + SAVINGS + HEADER + INTEREST, GIRO.model_copy(update={"skip_last": 4}))
    assert (_told(items), rejects(items)[-1].why) == (["-10.00", "100.00"], ANOTHER)


def test_names_that_are_told_again_on_each_page_or_above_rows_that_tell_their_account_go_on() -> None:
    for between in ("\n", '"";"";"";"and more";"";\n', '"Closing balance";"90,00";\n', '"Seite 2 von 3";\n'):
        assert _told(_read(HEADER + ROWS + between + HEADER + INTEREST)) == ["-10.00", "100.00", "50.00"]
    table = "Account;Date;Amount;Currency\nDE89370400440532013000;31.08.2026;-1,00;EUR\n"
    again = table.replace("DE89370400440532013000", "DE75512108001245126199").replace("-1", "-2")
    items = _read(f"{table}Savings\n{again}", Profile(
        columns=Columns(bank_account="Account", booking_date="Date", amount="Amount", currency="Currency"),
        date_order="dmy", decimal=",",
    ))  # fmt: skip
    assert (_told(items), rejects(items)) == (["-1.00", "-2.00"], [])


def test_names_above_a_table_that_is_said_to_have_none_cost_no_row() -> None:
    profile = Profile(
        columns=Columns(booking_date=1, amount=2), header=False, date_order="dmy", decimal=",", currency="EUR"
    )
    items = _read("Date;Amount\n31.08.2026;-1,00\n", profile)
    assert [(str(entry.signed.value), entry.booking_date) for entry in entries(items)] == [("-1.00", date(2026, 8, 31))]


@pytest.mark.parametrize("rows", [1, 300])
def test_a_table_in_another_sheet_of_a_workbook_is_told_not_to_be_read(rows: int) -> None:
    book = openpyxl.Workbook()
    book.active.title = "EUR"
    for name in ("EUR", "USD"):
        sheet = book.active if name == "EUR" else book.create_sheet(name)
        sheet.append(["Date", "Text", "Amount", "Currency"])
        for _ in range(rows):
            sheet.append([date(2026, 8, 31), "a", -1.0, name])
    book.create_sheet("Legend").append(["Date of this export", "31 August"])
    held = io.BytesIO()
    book.save(held)
    proposed = list(read_table([held.getvalue()]))
    assert {entry.amount.currency for entry in entries(proposed)} == {"EUR"}
    told = "the sheet USD holds a table too, which is not read: a profile names it (sheet)"
    assert failed(proposed)["sheets"] == told
    columns = Columns(booking_date="Date", amount="Amount", currency="Currency")
    profile = Profile(columns=columns, date_order="dmy", decimal=".")
    assert failed(list(read_table([held.getvalue()], profile)))["sheets"] == told
    chosen = list(read_table([held.getvalue()], profile.model_copy(update={"sheet": "USD"})))
    assert {entry.amount.currency for entry in entries(chosen)} == {"USD"}
    assert "sheets" not in failed(chosen)


def _keys(*rows: tuple[str, str, str]) -> list[str]:
    written = "".join(f"DE89370400440532013000,31/08/2026,{amount},EUR,{text},{left}\n" for amount, text, left in rows)
    table = f"Account,Booking date,Amount,Currency,Description,Balance\n{written}"
    return [report.natural_key() for report in reports(read(table.encode()))]


def test_exports_that_begin_with_another_row_of_a_day_tell_entries_of_their_own() -> None:
    """The newest row may stand first: what is equal but for its text in two exports of a day is not the same."""
    coffee, tea, cake = ("-3.00", "coffee", "97.00"), ("-3.00", "tea", "94.00"), ("-4.00", "cake", "90.00")
    at_noon, (newest, again) = _keys(coffee), _keys(tea, coffee)
    assert len({*at_noon, newest, again}) == 3
    assert _keys(coffee, tea) == [*at_noon, *_keys(coffee, tea, cake)[1:2]]  # one that only grew tells the same
