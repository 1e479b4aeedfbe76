"""Rows of banks' tables that are no movements, or not yet; and columns of which several could be meant."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest

from nostro.formats.reading import Beginning, Item
from nostro.formats.tables.formats import read_table
from nostro.formats.tables.proposal import propose
from tests.statement_texts import end, entries, failed, head, rejects
from tests.unit.test_bank_files import entity, read, reports
from tests.unit.test_tables import EUROS, workbook

ROW_TYPES = """"Client account","Row type","Date","Beneficiary/Payer","Details","Amount","Currency","Debit/Credit"
"LT601010012345678901","10","2026-08-01","","Opening balance","2123.82","EUR","C"
"LT601010012345678901","20","2026-08-16","Supplier 017","Invoice 12","14.34","EUR","D"
"LT601010012345678901","20","2026-08-20","Customer 3","Invoice 9","1600.00","EUR","C"
"LT601010012345678901","82","2026-08-31","","Turnover","14.34","EUR","D"
"LT601010012345678901","86","2026-08-31","","Closing balance","3709.48","EUR","C"
"""
STATES = """Buchungsdatum;Wertstellung;Status;Zahlungspflichtige*r;Zahlungsempfänger*in;Verwendungszweck;IBAN;Betrag (€)
31.08.26;;Vorgemerkt;ISSUER;Supplier 018;Karte;;-12,50
30.08.26;30.08.26;Gebucht;Our Company;Supplier 017;Rechnung 4711;DE89370400440532013000;-1.200,00
29.08.26;29.08.26;Gebucht;Customer 3;Our Company;RE 2026-001;DE89370400440532013000;500
28.08.26;28.08.26;Abgelehnt;Customer 4;Our Company;RE 2026-002;DE89370400440532013000;70
27.08.26;27.08.26;Sonstwie;Customer 4;Our Company;RE 2026-003;DE89370400440532013000;80
"""
APP = """Type,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance
TRANSFER,2026-08-30 10:00:00,2026-08-31 09:00:00,Top-up,500.00,0.00,EUR,COMPLETED,1000.00
CARD,2026-08-31 22:36:52,2026-09-02 16:33:13,Shop 1,-100.00,{fee},EUR,COMPLETED,{balance}
CARD,2026-09-02 19:54:53,,Shop 2,-50.00,0.00,EUR,REVERTED,
CARD,2026-09-03 22:51:33,,Shop 3,-60.92,0.00,EUR,PENDING,
"""


def _read(given: str) -> list[Item]:
    return list(read_table([given.encode()]))


def _signed(items: list[Item]) -> list[str]:
    return [str(entry.signed.value) for entry in entries(items)]


def test_a_row_that_is_a_balance_or_a_sum_by_its_label_is_no_movement() -> None:
    items = _read(ROW_TYPES)
    assert _signed(items) == ["-14.34", "1600.00"]
    assert [(one.code, one.amount.value, one.on) for one in end(items).balances] == [
        ("OPBD", Decimal("2123.82"), date(2026, 8, 1)), ("CLBD", Decimal("3709.48"), date(2026, 8, 31)),
    ]  # fmt: skip
    assert {check.name: check.ok for check in end(items).checks}["balance"] is True
    told = [check.detail for check in end(items).checks if check.name == "line"]
    assert [detail.split(":")[0] for detail in told] == ["line 2", "line 5", "line 6"]
    assert head(items).bank_account.identification == "LT601010012345678901"


@pytest.mark.parametrize(
    "label, balance",
    [("Saldo anterior", "1.000,00"), ("SALDO ANTERIOR:", "1.000,00"), ("Saldo inicial a 31/08/2026", "1.000,00")],
)
def test_a_balance_in_the_column_of_balances_begins_the_chain(label: str, balance: str) -> None:
    rest = "31/08/2026;Recibo luz;-120,50;879,50\n13/09/2026;Transferencia;2.000,00;2.879,50\n"
    for amount in ("", "1.000,00"):
        items = _read(f"Fecha;Concepto;Importe;Saldo\n31/08/2026;{label};{amount};{balance}\n{rest}")
        assert _signed(items) == ["-120.50", "2000.00"]
        assert rejects(items) == []
        assert [one.amount.value for one in end(items).balances] == [Decimal("1000.00"), Decimal("2879.50")]


def test_words_that_hold_a_label_among_others_are_those_of_a_movement() -> None:
    items = _read("Fecha;Concepto;Importe\n31/08/2026;Pago saldo anterior factura 7;-1,00\n31/08/2026;Total;-2,00\n")
    assert _signed(items) == ["-1.00", "-2.00"]


def test_what_is_pending_or_was_declined_is_not_booked() -> None:
    items = _read(STATES)
    assert [entry.state for entry in entries(items)] == ["pending", "booked", "booked", "information", "pending"]
    assert end(items).totals == {"EUR": Decimal("-700.00")}
    assert failed(items)["status"] == "line 6: the status Sonstwie is not known: it is taken as pending"


def test_the_other_side_is_the_payee_of_a_debit_and_the_payer_of_a_credit() -> None:
    names = [entry.counterparty and entry.counterparty.name for entry in entries(_read(STATES))]
    assert names == ["Supplier 018", "Supplier 017", "Customer 3", "Customer 4", "Customer 4"]


def test_a_payee_alone_is_the_other_side_of_credits_too() -> None:
    items = _read("Datum;Zahlungsempfänger;Betrag\n31.08.2026;Supplier 017;-1,00\n31.08.2026;Customer 3;2,00\n")
    names = [entry.counterparty and entry.counterparty.name for entry in entries(items)]
    assert names == ["Supplier 017", "Customer 3"]


def test_the_column_of_states_is_none_where_nobody_knows_any_of_its_words() -> None:
    items = _read("Date,Payee,State,Amount\n2026-08-31,Supplier 017,CA,-1.00\n2026-09-01,Supplier 018,TX,2.00\n")
    assert [entry.state for entry in entries(items)] == ["booked", "booked"]
    assert "not used: State" in failed(items)["profile"]


def test_fees_beside_the_amounts_are_taken_from_them_where_the_balances_prove_it() -> None:
    items = _read(APP.format(fee="1.50", balance="898.50"))
    assert _signed(items) == ["500.00", "-101.50", "-50.00", "-60.92"]
    assert [entry.state for entry in entries(items)] == ["booked", "booked", "information", "pending"]
    charge = entries(items)[1].charges[0]
    assert (charge.amount.value, charge.included) == (Decimal("1.50"), True)
    assert [one.amount.value for one in end(items).balances] == [Decimal("500.00"), Decimal("898.50")]
    assert _signed(_read(APP.format(fee="1.50", balance="900.00")))[1] == "-100.00"


def test_fees_that_no_balance_proves_are_asked_about() -> None:
    proposal = propose(Beginning(APP.format(fee="1.50", balance="").encode()))
    assert "Fees stand beside the amounts" in " ".join(proposal.questions)
    assert 'fee: "Fee"' in proposal.yaml()


def test_the_day_of_booking_is_believed_before_that_of_the_order() -> None:
    items = _read(APP.format(fee="0.00", balance="900.00"))
    assert [entry.booking_date for entry in entries(items)] == [date(2026, 8, 31), date(2026, 9, 2), None, None]
    never = (
        APP.format(fee="0.00", balance="900.00").replace("2026-08-31 09:00:00", "").replace("2026-09-02 16:33:13", "")
    )
    assert [entry.booking_date and entry.booking_date.day for entry in entries(_read(never))] == [30, 31, 2, 3]
    cards = "Transaction Date,Post Date,Description,Amount\n08/30/2026,09/01/2026,Shop 1,-32.10\n"
    assert entries(_read(cards))[0].booking_date == date(2026, 9, 1)  # the order's day proves that the month is first


def test_a_day_of_unknown_name_beside_a_value_date_is_asked_about() -> None:
    given = "Tag des Vorgangs;Wertstellung;Betrag;Text\n31.08.2026;28.08.2026;-1,00;a\n"
    proposal = propose(Beginning(given.encode()))
    assert "column Tag des Vorgangs" in " ".join(proposal.questions)
    assert propose(Beginning(given.replace("Tag des Vorgangs", "Nr").replace("31.08.2026", "7").encode())).usable


def test_the_other_sides_name_and_account_are_believed_before_ones_own() -> None:
    given = """Rekeningnummer;Naam;Munt;Datum;Omschrijving;Bedrag;rekeningnummer tegenpartij;Naam tegenpartij;Mededeling
BE68539007547034;OUR COMPANY;EUR;28/08/2026;OVERSCHRIJVING;-3,40;BE71096123456769;Supplier 017;Factuur 12
"""
    entry = entries(_read(given))[0]
    assert entry.counterparty is not None
    assert entry.counterparty_account is not None
    assert (entry.counterparty.name, entry.counterparty_account.iban) == ("Supplier 017", "BE71096123456769")
    assert entry.remittance == ("OVERSCHRIJVING", "Factuur 12")
    assert "not used: Naam" in failed(_read(given))["profile"]


def test_types_that_say_nothing_but_debit_and_credit_are_the_direction() -> None:
    given = "Date,Description,Amount,Transaction Type\n08/22/2026,Shop,29.99,debit\n06/02/2026,Pay,123.45,Credit\n"
    assert _signed(_read(given)) == ["-29.99", "123.45"]
    signed = given.replace("29.99", "-29.99")
    assert _signed(_read(signed)) == ["-29.99", "123.45"]


def test_a_national_account_that_is_the_same_in_each_row_is_asked_about() -> None:
    rows = "".join(f"12345678001;Text {day};{day}.08.2026;EUR;0,00;12,23\n" for day in (28, 29, 30))
    proposal = propose(Beginning(f"Kontonummer;Text;Datum;Währung;Soll;Haben\n{rows}".encode()))
    assert "same account" in " ".join(proposal.questions)


def test_equal_rows_of_an_account_behind_those_of_another_are_two() -> None:
    row = "{account},2026-08-31,-3.00,EUR,coffee,DE02120300000000202051\n"
    ours, other = "DE89370400440532013000", "DE75512108001245126199"
    table = "Account,Booking date,Amount,Currency,Description,Counterparty account\n" + "".join(
        row.format(account=account) for account in (ours, other, ours, other, ours)
    )
    one = entity().bank_accounts[0]
    both = one.model_copy(update={"id": "second", "identification": other})
    told = reports(read(table.encode(), entity().model_copy(update={"bank_accounts": (one, both)})))
    assert [report.account for report in told] == ["main", "second", "main", "second", "main"]
    assert len({report.natural_key() for report in told}) == 5


def test_what_a_sheet_worked_out_bears_no_noise_of_binary_numbers() -> None:
    book = workbook(["Date", "Name", "Text", "Amount", "Balance"], [date(2026, 8, 31), "A", None, -0.3, None])
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as given, zipfile.ZipFile(held, "w") as noisy:
        for name in given.namelist():
            noisy.writestr(name, given.read(name).replace(b"<v>-0.3</v>", b"<v>-0.30000000000000004</v>"))
    (entry,) = entries(list(read_table([held.getvalue()], EUROS)))
    assert str(entry.signed.value) == "-0.30"


def test_texts_value_dates_and_balances_of_indian_and_german_banks_are_known() -> None:
    first, _ = entries(
        _read(
            "Date,Narration,Value Dt,Withdrawal Amt.,Deposit Amt.,Closing Balance\n"
            '30/08/26,UPI-SUPPLIER,31/08/26,"1,23,456.50",,"8,76,543.50"\n'
            '31/08/26,NEFT,31/08/26,,"1,00,000.00","9,76,543.50"\n'
        )
    )
    assert (first.remittance, first.value_date, str(first.signed.value)) == (
        ("UPI-SUPPLIER",), date(2026, 8, 31), "-123456.50",
    )  # fmt: skip
    given = "Buchungstag;Betrag;Waehrung;Saldo nach Buchung\n31.08.2026;-12,50;EUR;87,50\n30.08.2026;50,00;EUR;100,00\n"
    items = _read(given)
    assert [str(one.amount.value) for one in end(items).balances] == ["50.00", "87.50"]


def test_letters_that_unicode_does_not_take_apart_are_those_of_the_names_that_are_known() -> None:
    items = _read(
        '"Dato";"Beskrivelse";"Beløb";"Saldo";"Status"\n'
        '"30.08.2026";"Køb";"-12,50";"987,50";"Udført"\n"31.08.2026";"Løn";"100,00";"1.087,50";"Udført"\n'
    )
    assert (_signed(items), [entry.state for entry in entries(items)]) == (["-12.50", "100.00"], ["booked"] * 2)
    assert entries(items)[0].remittance == ("Køb",)
