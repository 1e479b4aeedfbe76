"""Tables that nobody declared: code pages, columns without names, and what a person has to say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nostro.formats.reading import Beginning
from nostro.formats.tables.code_pages import Decoding, code_page
from nostro.formats.tables.formats import read_payments, read_table
from nostro.formats.tables.guesses import ProfileNeeded
from nostro.formats.tables.profile import Columns, Profile
from nostro.formats.tables.proposal import is_table, propose
from nostro.model.failures import FormatRefused
from nostro.runtime.cli_app import build
from tests.statement_texts import end, entries, failed, head

POLISH = """31.08.2026;Zapłata za usługę wąską;-12,50;987,50;PLN
01.09.2026;Wpłata klienta;1 000,00;1 987,50;PLN
02.09.2026;Czynsz, sierpień;-487,50;1 500,00;PLN
15.09.2026;Opłata;-0,50;1 499,50;PLN
"""
CZECH = """Datum;Částka;Zpráva pro příjemce;Protistrana
31.08.2026;-12,50;Nájemné září;Dodavatel 017
13.09.2026;99,00;Přeplatek;Odběratel 017
"""


@pytest.mark.parametrize(
    "page, said",
    [
        ("cp1250", POLISH), ("cp1250", CZECH), ("iso8859-2", "Zapłata za usługę wąską, śruba"),
        ("cp1250", "Könyvelés dátuma;Összeg\nSzámla kifizetés, előfizetés díja, gyűjtő"),
        ("cp1252", "Empfänger;Verwendungszweck\nMüller;Miete für Büro, Größe"), ("cp1252", "Descripción;Año;señal"),
        ("cp1252", "Bokföringsdag;Belopp\nKöp på nätet"), ("cp1252", "Città;è già più"), ("cp1252", "£12 “rent”"),
        ("cp1257", "Mokėjimo paskirtis;Mokėjimas už sąskaitą"), ("cp1257", "Maksājuma mērķis;ķīla"),
        ("cp1254", "Açıklama;İşlem tutarı\nÖdeme; şubat; ığdır"), ("cp1251", "Дата;Сумма\nОплата по счету"),
        ("cp1253", "Ημερομηνία;Ποσό;Περιγραφή"), ("cp850", "Empfänger;Müller;Miete für Büro"), ("cp852", CZECH),
        ("mac-roman", "Empfänger;Müller;Miete für Büro"),
    ],
)  # fmt: skip
def test_a_code_page_is_found_by_the_alphabet_that_holds_the_letters(page: str, said: str) -> None:
    raw = said.encode(page)
    assert raw.decode(code_page(raw).value) == said


def test_letters_of_several_languages_are_a_habit_unless_an_iban_or_a_currency_tells_the_country() -> None:
    raw = "Plaćanje računa".encode("cp1250")
    assert code_page(raw).confidence == 0.5
    assert code_page(raw + b";HR1210010051863000160").value == "cp1250"
    assert code_page(raw + b";HR1210010051863000160").confidence == 0.8
    assert code_page("Añil;Müller".encode("cp1252")).confidence >= 0.8


def test_a_line_of_another_encoding_spoils_no_other_and_is_told() -> None:
    raw = "Date;Name;Amount\n31.08.2026;Café;-1,00\n31.08.2026;".encode() + b"Gr\xfc\xdfe;-2,00\n"
    items = list(read_table([raw]))
    assert [entry.counterparty and entry.counterparty.name for entry in entries(items)] == ["Café", "Grüße"]
    assert "encoding: cp1252" in failed(items)["profile"]


def test_a_letter_behind_the_beginning_is_told_too() -> None:
    rows = "".join(f"2026-08-31,{number}.00,Supplier 017\n" for number in range(4_000))
    raw = f"Date,Amount,Name\n2026-08-31,-1.00,x\n{rows}2026-08-31,1.00,".encode() + b"M\xfcller\n"
    assert len(raw) > 65_536
    items = list(read_table([raw]))
    told = entries(items)[-1].counterparty
    assert told is not None
    assert told.name == "Müller"
    assert "no encoding was declared" in failed(items)["encoding"]


def test_the_encoding_that_a_profile_declares_is_taken_and_no_other_is_guessed() -> None:
    columns = Columns(booking_date="Datum", amount="Částka", remittance=("Zpráva pro příjemce",))
    profile = Profile(columns=columns, date_order="dmy", decimal=",", encoding="cp1250", currency="CZK")
    items = list(read_table([CZECH.encode("cp1250")], profile))
    assert entries(items)[0].remittance == ("Nájemné září",)
    assert failed(items) == {}
    undeclared = list(read_table([CZECH.encode("cp1250")], profile.model_copy(update={"encoding": ""})))
    assert entries(undeclared) == entries(items)
    assert "cp1250" in failed(undeclared)["encoding"]
    with pytest.raises(ValueError, match="no encoding of that name"):
        Profile(columns=columns, date_order="dmy", encoding="cp9999")


def test_a_table_without_a_header_is_read_where_its_balances_prove_the_amounts() -> None:
    items = list(read_table([POLISH.encode("cp1250")]))
    assert [entry.signed.value for entry in entries(items)] == [
        Decimal("-12.50"), Decimal("1000.00"), Decimal("-487.50"), Decimal("-0.50"),
    ]  # fmt: skip
    assert entries(items)[0].remittance == ("Zapłata za usługę wąską",)
    assert entries(items)[0].booking_date == date(2026, 8, 31)
    assert head(items).currency == "PLN"
    assert [balance.amount.value for balance in end(items).balances] == [Decimal("1000.00"), Decimal("1499.50")]
    told = failed(items)["profile"]
    assert "amount: column 3 (proved by the file)" in told
    assert "encoding: cp1250 (very likely)" in told
    assert "remittance: columns 2 (only a habit of banks)" in told


def test_names_that_nobody_knows_are_taken_as_names_beside_what_stands_below_them() -> None:
    given = """Statement of account
Tarih;Açıklama;İşlem Tutarı;Bakiye
31.08.2026;Ödeme;-12,50;987,50
01.09.2026;Şubat;1.000,00;1.987,50
13.09.2026;Iğdır;-1,00;1.986,50
Toplam;;986,50;
"""
    proposal = propose(Beginning(given.encode("cp1254")))
    assert proposal.usable
    assert proposal.profile is not None
    assert proposal.profile.columns.amount == "İşlem Tutarı"
    items = list(read_table([given.encode("cp1254")]))
    assert [entry.remittance for entry in entries(items)] == [("Ödeme",), ("Şubat",), ("Iğdır",)]


CHAINED = (
    ("01.09.2026,31.08.2026,a,-1.00,9.00\n14.09.2026,15.09.2026,b,2.00,11.00\n15.09.2026,16.09.2026,c,1.00,12.00\n",
     "booking date"),
    ("2026-08-31,a,1.00\n2026-09-01,b,-2.00\n2026-09-02,c,3.00\n", "proves"),
    ("2026-08-31,a,5.00,\n2026-09-01,b,,7.00\n2026-09-02,c,8.00,\n", "proves"),
    ("03/02/2026,a,1.00,10.00\n04/02/2026,b,-2.00,8.00\n05/02/2026,c,3.00,11.00\n", "date_order"),
    ("2026-08-31;a;1,234;1,234\n2026-09-01;b;2,345;3,579\n2026-09-02;c;-1,000;2,579\n", "decimal"),
    ("2026-08-31,a,EUR,USD,1.00,10.00\n2026-09-01,b,EUR,EUR,-2.00,8.00\n2026-09-02,c,EUR,CHF,3.00,11.00\n",
     "currencies"),
    ("".join(f"2026-09-0{day},BE68539007547034,{amount}\n" for day, amount in
             ((1, "1.00,10.00"), (2, "-2.00,8.00"), (3, "3.00,11.00"))), "same account"),
)  # fmt: skip


@pytest.mark.parametrize("given, question", CHAINED)
def test_what_stands_in_columns_without_names_is_asked_where_it_is_not_proved(given: str, question: str) -> None:
    assert is_table(Beginning(given.encode()))
    proposal = propose(Beginning(given.encode()))
    assert not proposal.usable
    assert question in " ".join(proposal.questions)
    with pytest.raises(ProfileNeeded):
        list(read_table([given.encode()]))


def test_equal_amounts_prove_no_direction() -> None:
    given = "".join(f"2026-09-0{day},x,10.00,{100 - 10 * day}.00\n" for day in range(1, 6))
    assert "more than one way" in " ".join(propose(Beginning(given.encode())).questions)


def test_ours_is_the_account_that_never_changes_and_theirs_the_other() -> None:
    ours, theirs = "BE68539007547034", ("DE89370400440532013000", "FR1420041010050500013M02606", "")
    rows = zip(("-1.00;9.00", "3.00;12.00", "-4.00;8.00"), theirs, strict=True)
    given = "".join(f"2026-08-1{day};{ours};{money};{other}\n" for day, (money, other) in enumerate(rows))
    items = list(read_table([given.encode()]))
    assert head(items).bank_account.iban == ours
    assert [entry.counterparty_account and entry.counterparty_account.iban for entry in entries(items)] == [
        theirs[0], theirs[1], None,
    ]  # fmt: skip


def test_a_named_iban_that_never_changes_may_be_ours_and_is_asked() -> None:
    given = "Date;IBAN;Amount\n" + "".join(f"2026-09-0{day};BE68539007547034;-1,00\n" for day in range(1, 4))
    assert "bank_account" in propose(Beginning(given.encode())).questions[0]


def test_a_mark_of_debit_beside_the_amount_is_proved_by_the_balances() -> None:
    given = "2026-09-01|x|10.00|D|90.00\n2026-09-02|y|20.00|C|110.00\n2026-09-03|z|5.00|D|105.00\n"
    items = list(read_table([given.encode()]))
    assert [entry.signed.value for entry in entries(items)] == [Decimal("-10.00"), Decimal("20.00"), Decimal("-5.00")]
    assert failed(items).keys() == {"profile", "currency"}


def test_a_debit_and_a_credit_column_are_told_apart_by_the_balances() -> None:
    given = "2026-09-01,x,,10.00,110.00\n2026-09-02,y,20.00,,90.00\n2026-09-13,z,,5.00,95.00\n"
    items = list(read_table([given.encode()]))
    assert [entry.signed.value for entry in entries(items)] == [Decimal("10.00"), Decimal("-20.00"), Decimal("5.00")]


def test_the_delimiter_is_the_one_with_which_lines_hold_days_and_amounts() -> None:
    given = (
        "31.08.2026;Rent, for all, of August, 2026;-1,00;9,00\n"
        "01.09.2026;a, b, c, d;3,00;12,00\n02.09.2026;a, b, c, d, e;-2,00;10,00\n"
    )
    assert [entry.remittance for entry in entries(list(read_table([given.encode()])))][1] == ("a, b, c, d",)


@pytest.mark.parametrize(
    "given",
    [b"Dear Sir,\non 31.08.2026 we paid 12.50, as agreed.\n", b"a,b\n1,2\n", b"2026-08-31 12.50\n", b"\xff" * 90],
)
def test_a_text_in_which_a_day_and_a_sum_occur_is_no_table(given: bytes) -> None:
    assert not is_table(Beginning(given))


def test_the_command_proposes_a_profile_that_reads_the_file_once_it_is_completed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("31/08/2026,Loyer payé,12.50,\n31/08/2026,Vente,,100.00\n".encode("cp1252"))
    done = CliRunner().invoke(build("parse"), ["parse", str(tmp_path / "t.csv")])
    assert done.exit_code == 2
    assert "No running balance proves" in done.stderr
    proposed = done.stderr[done.stderr.index("# No running") :]
    (tmp_path / "p.yaml").write_text(proposed + "\ncurrency: EUR\n", encoding="utf-8")
    done = CliRunner().invoke(build("parse"), ["parse", str(tmp_path / "t.csv"), "--profile", str(tmp_path / "p.yaml")])
    assert (done.exit_code, done.stdout.count('"direction":"debit"')) == (0, 1)
    assert "Loyer payé" in done.stdout


def test_a_payee_s_name_in_letters_of_several_code_pages_is_refused() -> None:
    raw = "creditor;creditor account;amount\nPlaćanje;HR;1,00\n".encode("cp1250")
    with pytest.raises(FormatRefused, match="code pages"):
        list(read_payments([raw]))
    assert Decoding.of(b"Date;\xe9\n").guess is not None


def test_a_sign_or_a_word_behind_a_column_s_name_is_its_currency() -> None:
    for name in ("Betrag (€)", "Betrag €", "Montant en euros", "Umsatz Euro"):
        items = list(read_table([f"Datum;{name};Text\n31.01.2026;-9,50;x\n".encode()]))
        assert [entry.amount.currency for entry in entries(items)] == ["EUR"], name


def test_columns_of_debits_and_credits_in_a_currency_are_known() -> None:
    raw = 'Compte n° 1;\n\nDate;Libellé;Débit euros;Crédit euros;\n31/01/2026;"PRELEVEMENT\nMANDAT 1";9,50;;\n'.encode()
    assert is_table(Beginning(raw))
    assert [(entry.amount.currency, entry.remittance) for entry in entries(list(read_table([raw])))] == [
        ("EUR", ("PRELEVEMENT MANDAT 1",))
    ]


def test_the_currency_beside_every_amount_is_theirs_and_two_of_them_are_none() -> None:
    told = "Data operacji;Kwota;Opis operacji\n2026-01-31;-9,50 {one};a\n2026-01-31;1 000,00 {other};b\n"
    given = [
        {entry.amount.currency for entry in entries(list(read_table([told.format(one=one, other=other).encode()])))}
        for one, other in (("PLN", "PLN"), ("zł", "zł"), ("PLN", "EUR"), ("", "PLN"))
    ]
    assert given == [{"PLN"}, {"PLN"}, {"XXX"}, {"XXX"}]


def test_the_iban_above_the_table_is_ours_where_it_is_the_only_one() -> None:
    told = "Konto;{};\n{}\n\nDatum;Betrag EUR;IBAN\n31.01.2026;-9,50;DE89370400440532013000\n"
    one, other = "DE02 1203 0000 0000 2020 51", "IBAN: CH93 0076 2011 6238 5295 7"
    assert head(list(read_table([told.format(one, "").encode()]))).bank_account.iban == "DE02120300000000202051"
    assert head(list(read_table([told.format("1", other).encode()]))).bank_account.iban == "CH9300762011623852957"
    assert head(list(read_table([told.format(one, other).encode()]))).bank_account.iban == ""


def test_numbered_columns_of_words_are_all_remittance() -> None:
    raw = b"Datum;Betrag EUR;Beschreibung1;Beschreibung2\n31.01.2026;-9,50;Strom;Januar\n"
    assert entries(list(read_table([raw])))[0].remittance == ("Strom", "Januar")


def test_the_other_side_s_bic_is_believed_before_any() -> None:
    raw = b"Datum;Bedrag;BIC;IBAN tegenpartij;BIC tegenpartij\n2026-01-31;-9,50;RABONL2U;NL91ABNA0417164300;ABNANL2A\n"
    told = entries(list(read_table([raw])))[0].counterparty_account
    assert told is not None
    assert told.bic == "ABNANL2A"


def test_the_customer_s_reference_is_no_reference_of_the_bank() -> None:
    raw = b"Buchungsdatum;Betrag EUR;Kundenreferenz\n31.01.2026;-9,50;K-17\n"
    told = entries(list(read_table([raw])))[0].references
    assert (told.end_to_end, told.account_servicer) == ("K-17", "")
