"""MT940, MT942 and MT950: heads, statement lines, balances, and what banks make of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from nostro.formats.swift_mt.read import MtItem, read_mt
from nostro.model.failures import FormatRefused
from nostro.model.statements import Check, Entry, Reject, StatementEnd, StatementHead

HEAD = ":20:STARTUMS\n:25:DE89370400440532013000\n:28C:00244/001\n:60F:C260831EUR100,00\n"
END = ":62F:C260831EUR{closing}\n-\n"


def read(text: str, encoding: str = "utf-8") -> list[MtItem]:
    return list(read_mt([text.encode(encoding)]))


def statement(*lines: str, closing: str = "100,00") -> list[MtItem]:
    return read(HEAD + "".join(f"{line}\n" for line in lines) + END.format(closing=closing))


def only(items: list[MtItem]) -> Entry:
    (entry,) = (item for item in items if isinstance(item, Entry))
    return entry


def head(items: list[MtItem]) -> StatementHead:
    return next(item for item in items if isinstance(item, StatementHead))


def end(items: list[MtItem]) -> StatementEnd:
    return next(item for item in items if isinstance(item, StatementEnd))


def failed(items: list[MtItem]) -> list[tuple[str, str]]:
    return [(check.name, check.detail) for check in end(items).checks if not check.ok]


def rejects(items: list[MtItem]) -> list[Reject]:
    return [item for item in items if isinstance(item, Reject)]


def test_a_statement_has_its_head_balances_and_entries() -> None:
    items = statement(":61:2608310901CR12,50NTRFINV-17//B7-1", ":86:Invoice INV/2026/00012", closing="112,50")
    told = head(items)
    assert (told.kind, told.format, told.statement_id) == ("statement", "MT940", "STARTUMS")
    assert (told.bank_account.iban, told.currency) == ("DE89370400440532013000", "EUR")
    assert (told.sequence, told.page, told.last_page) == (244, 1, True)
    assert (told.from_date, told.to_date) == (date(2026, 8, 31), date(2026, 8, 31))
    assert told.opening is not None
    assert told.opening.amount.value == Decimal("100.00")
    entry = only(items)
    assert (entry.amount.value, entry.amount.currency, entry.direction) == (Decimal("12.50"), "EUR", "credit")
    assert (entry.value_date, entry.booking_date) == (date(2026, 8, 31), date(2026, 9, 1))
    assert (entry.references.instruction, entry.references.account_servicer) == ("INV-17", "B7-1")
    assert (entry.bank_transaction_code, entry.state, entry.reversal) == ("NTRF", "booked", False)
    assert entry.remittance == ("Invoice INV/2026/00012",)
    assert (entry.source.where, entry.source.line) == ("MT940[1]/61[1]", 5)
    assert end(items).checks == (Check(name="balance", ok=True),)
    assert end(items).totals == {"EUR": Decimal("12.50")}


@pytest.mark.parametrize(
    "line, told",
    [
        ("260831C12,5NMSCNONREF", ("credit", False, "12.5")),
        ("260831DR12,NMSCNONREF", ("debit", False, "12")),
        ("260831CD0,5NMSCNONREF", ("credit", False, "0.5")),
        ("260831RC12,NMSCNONREF", ("debit", True, "12")),
        ("260831RCR12,NMSCNONREF", ("debit", True, "12")),
        ("260831RD12,NMSCNONREF", ("credit", True, "12")),
        ("260831D-104,12NMSCNONREF", ("credit", False, "104.12")),
        ("260831c12,nmscnonref", ("credit", False, "12")),
        ("260831CR20NMSCVS0015060871", ("credit", False, "20")),
        ("260831C1.234,56NMSCNONREF", ("credit", False, "1234.56")),
        ("260831C1234.56NMSCNONREF", ("credit", False, "1234.56")),
        ("260831C000000001213,28N0440121470966", ("credit", False, "1213.28")),
        ("260831    DD212,39NMSCNONREF//", ("debit", False, "212.39")),
        ("260831CN ,50NZ10NONREF", ("credit", False, "0.50")),
    ],
)
def test_marks_funds_codes_and_amounts_in_every_spelling(line: str, told: tuple[str, bool, str]) -> None:
    entry = only(statement(f":61:{line}"))
    assert (entry.direction, entry.reversal, entry.amount.value) == (*told[:2], Decimal(told[2]))


@pytest.mark.parametrize(
    "told, value",
    [("1,234.56", "1234.56"), ("1.234.567,89", "1234567.89"), ("1,000,000.00", "1000000.00"), ("1.234,5", "1234.5")],
)
def test_of_two_marks_the_last_one_is_the_decimal_one(told: str, value: str) -> None:
    items = read(HEAD.replace("100,00", told) + f":61:260831C{told}NTRFNONREF\n" + END.format(closing=told))
    opening = head(items).opening
    assert opening is not None
    assert (only(items).amount.value, opening.amount.value) == (Decimal(value), Decimal(value))


@pytest.mark.parametrize("told", ["12.500", "12,500", "1,2345.60", "1.23.456,00", "1,000,000", "1,234.56,7"])
def test_an_amount_in_two_ways_or_groups_that_do_not_fit_is_rejected_without_an_amount(told: str) -> None:
    (reject,) = rejects(statement(f":61:260831C{told}NTRFNONREF"))
    assert reject.amount is None


def test_the_amount_of_a_line_that_cannot_be_read_is_whole_or_not_told() -> None:
    whole, none = rejects(statement(":61:26083XC1,000,000.00NTRFNONREF", ":61:26083XC1,000,000NTRFNONREF"))
    assert whole.amount is not None
    assert (whole.amount.value, none.amount) == (Decimal("1000000.00"), None)


@pytest.mark.parametrize(
    "told, value, names",
    [("1234,567", "1234.567", ["amount"]), ("12,5000", "12.5000", []), ("0,500", "0.500", ["amount"])],
)
def test_more_digits_than_the_currency_has_are_said(told: str, value: str, names: list[str]) -> None:
    items = statement(f":61:260831C{told}NTRFNONREF")
    assert only(items).amount.value == Decimal(value)
    assert [name for name, _ in failed(items) if name == "amount"] == names


def test_a_currency_of_three_digits_has_them() -> None:
    items = read((HEAD + ":61:260831C12,500NTRFNONREF\n" + END.format(closing="112,500")).replace("EUR", "KWD"))
    assert (only(items).amount.value, failed(items)) == (Decimal("12.500"), [])


@pytest.mark.parametrize(
    "told, reference, servicer",
    [
        ("NTRFNONREF//B7", "", "B7"),
        ("NTRFEREF//B7", "", "B7"),
        ("NTRFKREF+//B7", "", "B7"),
        ("NMSC01916//NONREF", "01916", ""),
        ("NTRFTFNr 40005 MSGID//0724", "TFNr 40005 MSGID", "0724"),
        ("NTRFBIPI-dvT1FzfMqvzF5HaU4oetlH7SGRkonU//2026070616391534000", "BIPI-dvT1FzfMqvzF5HaU4oetlH7SGRkonU",
         "2026070616391534000"),
        ("NMSC341241773/1A//O/341241774", "341241773/1A", "O/341241774"),
        ("NMSC", "", ""),
        ("NOV NONREF", "", ""),
    ],
)  # fmt: skip
def test_references_and_the_words_that_stand_in_their_place(told: str, reference: str, servicer: str) -> None:
    refs = only(statement(f":61:260831C1,{told}")).references
    assert (refs.instruction, refs.account_servicer) == (reference, servicer)


def test_a_cheque_s_number_is_one() -> None:
    assert only(statement(":61:260831D1,NCHK16703074")).references.others == {"ChqNb": "16703074"}


@pytest.mark.parametrize(
    "dates, valued, booked",
    [
        ("2612311231", (2026, 12, 31), (2026, 12, 31)),
        ("2612310102", (2026, 12, 31), (2027, 1, 2)),
        ("2701021230", (2027, 1, 2), (2026, 12, 30)),
        ("260831", (2026, 8, 31), (2026, 8, 31)),
        ("991231", (1999, 12, 31), (1999, 12, 31)),
        ("2402280229", (2024, 2, 28), (2024, 2, 29)),
        ("260831260901", (2026, 8, 31), (2026, 9, 1)),
    ],
)
def test_entry_dates_find_their_year(dates: str, valued: tuple[int, int, int], booked: tuple[int, int, int]) -> None:
    entry = only(statement(f":61:{dates}C1,NMSCNONREF"))
    assert (entry.value_date, entry.booking_date) == (date(*valued), date(*booked))


def test_the_31st_of_february_is_the_month_s_last_day_and_said_to_be_wrong() -> None:
    items = statement(":61:2602310302C1,NINTNONREF", closing="101,00")
    assert only(items).value_date == date(2026, 2, 28)
    assert failed(items) == [("day", "line 5: a day is told that its month does not have; its last day is taken")]


def test_a_date_that_no_calendar_has_costs_the_date_and_not_the_entry() -> None:
    items = statement(":61:3622687806C1,NMSC37935531", closing="101,00")
    assert (only(items).value_date, only(items).booking_date) == (None, None)
    assert failed(items) == [("day", "line 5: a date is told that no calendar has")]


def test_what_the_second_line_says_of_other_money() -> None:
    entry = only(statement(":61:260831D5,NTRFREF//B7", "/OCMT/USD6,1/CHGS/EUR0,5/EXCH/1,12/"))
    assert entry.exchange is not None
    assert entry.exchange.instructed is not None
    assert (entry.exchange.instructed.value, entry.exchange.instructed.currency) == (Decimal("6.1"), "USD")
    assert entry.exchange.rate == Decimal("1.12")
    assert [(c.amount.value, c.included) for c in entry.charges] == [(Decimal("0.5"), True)]
    assert entry.additional == ""


def test_the_second_line_is_kept_as_it_is_otherwise() -> None:
    assert only(statement(":61:260831D5,NTRFREF//B7", "911-COLLECT")).additional == "911-COLLECT"


def test_columns_behind_the_reference_name_who_stands_on_the_other_side() -> None:
    entry = only(statement(":61:260831D5,N0440121470966      Supplier 017                 ", ":86:Betaling"))
    assert entry.counterparty is not None
    assert entry.counterparty_account is not None
    assert (entry.counterparty.name, entry.counterparty_account.other) == ("Supplier 017", "0121470966")
    assert entry.references.instruction == ""


def test_an_iban_on_the_second_line_is_the_other_bank_account() -> None:
    entry = only(statement(":61:260831D5,N102EREF            ", "NL91ABNA0417164300"))
    assert entry.counterparty_account is not None
    assert (entry.counterparty_account.iban, entry.additional) == ("NL91ABNA0417164300", "")


def test_a_line_that_cannot_be_read_is_rejected_with_its_place_and_amount() -> None:
    items = statement(":61:yesterday C12,50", ":86:lost", ":61:260831C1,NMSCNONREF", closing="101,00")
    assert [(r.where, r.line, r.why) for r in rejects(items)] == [
        ("MT940[1]/61[1]", 5, "the statement line is not as the standard has it")
    ]
    assert rejects(items)[0].amount is not None
    assert rejects(items)[0].amount == only(statement(":61:260831C12,50NMSC")).amount
    assert (end(items).entries, end(items).rejected) == (1, 1)


def test_a_line_wrapped_by_a_bank_is_one() -> None:
    entry = only(statement(":61:2608310831CR", "30,00N062NONREF", ":", "86:166?00GUTSCHRIFT?20SVWZ+Test"))
    assert (entry.amount.value, entry.remittance) == (Decimal("30.00"), ("Test",))


def test_no_currency_no_amount() -> None:
    items = read(":20:X\n:25:123\n:61:260831C1,00NMSCNONREF\n")
    assert [reject.why for reject in rejects(items)] == ["the currency is not told, or is none that there is"]


@pytest.mark.parametrize(
    "told, iban, other, bic, clearing, currency",
    [
        ("10020030/1234567", "", "10020030/1234567", "", "10020030", ""),
        ("51210600/9223382012EUR", "", "51210600/9223382012", "", "51210600", "EUR"),
        ("NL71RABO0123456789 EUR", "NL71RABO0123456789", "", "", "", "EUR"),
        ("/PL25106000760000888888888888", "PL25106000760000888888888888", "", "", "", ""),
        ("BPHKPLPK/320000546101", "", "BPHKPLPK/320000546101", "BPHKPLPK", "", ""),
        ("INGBNL2A/NL91ABNA0417164300", "NL91ABNA0417164300", "", "INGBNL2A", "", ""),
        ("0123456789", "", "0123456789", "", "", ""),
        ("CH93 0076 2011 6238 5295 7", "CH9300762011623852957", "", "", "", ""),
    ],
)
def test_bank_accounts_in_every_form(told: str, iban: str, other: str, bic: str, clearing: str, currency: str) -> None:
    account = head(read(f":20:X\n:25:{told}\n:60F:C260831EUR1,\n")).bank_account
    assert (account.iban, account.other, account.bic) == (iban, other, bic)
    assert (account.clearing_id, account.currency) == (clearing, currency)


def test_the_bic_stands_below_the_bank_account_in_25p() -> None:
    account = head(read(":20:X\n:25P:123456\nDEUTDEFF\n:60F:C260831EUR1,\n")).bank_account
    assert (account.other, account.bic) == ("123456", "DEUTDEFF")


def test_pages_stay_apart_and_say_which_is_the_last() -> None:
    first = HEAD + ":61:260831C1,NMSCNONREF\n:62M:C260831EUR101,00\n-\n"
    second = first.replace("60F:C260831EUR100", "60M:C260831EUR101").replace("/001", "/002")
    items = read(first + second.replace(":62M:C260831EUR101", ":62F:C260831EUR102"))
    heads = [item for item in items if isinstance(item, StatementHead)]
    assert [(one.sequence, one.page, one.last_page) for one in heads] == [(244, 1, False), (244, 2, True)]
    assert all(one.opening and one.closing for one in heads)
    assert [check.ok for item in items if isinstance(item, StatementEnd) for check in item.checks] == [True, True]


@pytest.mark.parametrize(
    "told, sequence, page",
    [
        ("0", None, None),
        ("00000/001", None, 1),
        ("1810118101", 1810118101, None),
        ("19321/1", 19321, 1),
        ("x/y", None, None),
    ],
)
def test_numbers_of_statements(told: str, sequence: int | None, page: int | None) -> None:
    found = head(read(f":20:X\n:28:{told}\n:60F:C260831EUR1,\n"))
    assert (found.sequence, found.page) == (sequence, page)


def test_every_balance_is_told_with_its_code() -> None:
    text = HEAD + ":62F:C260831EUR100,00\n:64:D260831EUR5,\n:65:C260901EUR7,\n:65:C260902EUR8,\n-\n"
    told = [(one.code, str(one.amount.value), one.on) for one in end(read(text)).balances]
    assert told == [
        ("OPBD", "100.00", date(2026, 8, 31)),
        ("CLBD", "100.00", date(2026, 8, 31)),
        ("CLAV", "-5", date(2026, 8, 31)),
        ("FWAV", "7", date(2026, 9, 1)),
        ("FWAV", "8", date(2026, 9, 2)),
    ]


def test_a_balance_without_a_currency_is_in_the_statement_s() -> None:
    items = read(HEAD + ":62F:C260831100,00\n-\n")
    assert (failed(items), end(items).balances[1].amount.currency) == ([], "EUR")


def test_money_of_before_the_euro_is_read() -> None:
    assert head(read(":20:X\n:60F:C020315DEM100,00\n")).currency == "DEM"


def test_text_after_the_closing_balance_belongs_to_the_statement() -> None:
    items = read(HEAD + ":61:260831C1,NMSC\n:86:entry\n:62F:C260831EUR101,00\n:86:Rates have\nchanged\n-\n")
    assert (only(items).remittance, end(items).additional) == (("entry",), "Rates have changed")


def test_several_fields_86_of_one_entry_are_one_text() -> None:
    assert only(statement(":61:260831C1,NMSC", ":86:one", ":86:two")).remittance == ("one", "two")


def test_a_balance_that_the_entries_do_not_lead_to_is_said() -> None:
    items = statement(":61:260831C1,NMSC", closing="105,00")
    assert failed(items) == [("balance", "the entries lead to 101.00, told is 105.00")]


def test_a_statement_without_its_end_is_read_and_said_to_have_none() -> None:
    items = read(HEAD + ":61:260831C1,NMSCNONREF\n:86:x\n")
    assert (end(items).entries, failed(items)) == (1, [("closing", "no closing balance is told")])


def test_a_line_that_breaks_off_with_its_file_is_no_entry() -> None:
    items = read(HEAD + ":61:260831C1,NMSCNONREF\n:61:260831C141,4")
    assert [(r.why, r.amount and str(r.amount.value)) for r in rejects(items)] == [
        ("the statement line breaks off", "141.4")
    ]


def test_a_block_that_is_not_closed_is_said_to_break_off() -> None:
    items = read("{1:F01DEUTDEFFAXXX0000000000}{4:\n" + HEAD + ":61:260831C1,NMSC\n")
    assert [reject.why for reject in rejects(items)] == ["the message breaks off: its end is missing"]
    assert end(items).rejected == 1


def test_an_interim_report_tells_limits_time_and_sums() -> None:
    text = (
        ":20:X\n:25:1234\n:28C:13/37\n:34F:EURD12,5\n:34F:EURC0,\n:13D:2608311733+0200\n:61:260831C9792,00FTRFNONREF\n"
        ":61:260831ED1,NTRFNONREF\n:90D:1EUR1,\n:90C:1EUR9792,00\n:86:so far\n-\n"
    )
    items = read(text)
    told = head(items)
    assert (told.kind, told.format) == ("report", "MT942")
    assert told.created_at == datetime(2026, 8, 31, 17, 33, tzinfo=timezone(timedelta(hours=2)))
    assert told.others == {"34FD": "EUR 12.5", "34FC": "EUR 0"}
    assert [item.state for item in items if isinstance(item, Entry)] == ["pending", "future"]
    assert (failed(items), end(items).additional) == ([], "so far")


def test_sums_that_the_entries_do_not_make_are_said() -> None:
    items = read(":20:X\n:34F:EUR0,\n:61:260831C2,NMSC\n:90D:0EUR,00\n:90C:EUR3,\n-\n")
    assert failed(items) == [("90C/Sum", "3 is told, the entries make 2")]


def test_an_mt950_says_so_in_its_block() -> None:
    text = "{1:F01DEUTDEFFAXXX0000000000}{2:O9500900260901CHASUS33AXXX00000000002609010900N}{4:\n"
    assert head(read(text + HEAD + ":62F:C260831EUR100,00\n-}")).format == "MT950"


def test_numbered_lines_of_a_field_ns_are_read() -> None:
    text = HEAD.replace(":60F:", ":NS:22Company 017\n23Current\n:60F:")
    items = read(
        text + ":61:260831C1,00S051\n:NS:01Invoice 7\n02of May\n15Customer 3\n17CREDIT\n3337010000\n34 123\n-\n"
    )
    entry = only(items)
    assert (head(items).bank_account.owner, head(items).bank_account.name) == ("Company 017", "Current")
    assert (entry.remittance, entry.additional) == (("Invoice 7", "of May"), "CREDIT")
    assert entry.counterparty is not None
    assert entry.counterparty_account is not None
    assert entry.counterparty.name == "Customer 3"
    assert (entry.counterparty_account.clearing_id, entry.counterparty_account.other) == ("37010000", "123")


def test_a_field_out_of_its_place_is_text_of_its_entry() -> None:
    items = statement(":61:260831C1,NMSC", ":25:166?00GUTSCHRIFT?20SVWZ+Test", closing="101,00")
    assert only(items).remittance == ("Test",)
    assert [name for name, _ in failed(items)] == ["field", "field"]


def test_as_many_entries_as_there_are_however_long_the_statement() -> None:
    count = 9_000
    lines = "".join(f":61:260831C{n},00NMSCNONREF//{n}\n:86:text {n}\n" for n in range(1, count + 1))
    total = 100 + count * (count + 1) // 2
    items = read(f"{HEAD}{lines}{END.format(closing=f'{total},00')}")
    assert (end(items).entries, failed(items)) == (count, [])
    entries = [item for item in items if isinstance(item, Entry)]
    assert all(entry.remittance == (f"text {n}",) for n, entry in enumerate(entries, start=1))


def test_an_empty_file_is_none() -> None:
    with pytest.raises(FormatRefused, match="no SWIFT MT message"):
        read("hello\nworld\n")


def test_entries_made_for_speed_are_what_pydantic_makes() -> None:
    entry = only(statement(":61:2608310901CR12,50NTRFINV-17//B7-1", "/OCMT/USD6,1/", ":86:/EREF/E1/NAME/C/RTRN/AC04/"))
    assert Entry.model_validate(entry.model_dump()) == entry
    assert entry.model_fields_set == set(Entry.model_fields)
    assert Entry.model_validate_json(entry.model_dump_json()) == entry


def test_a_time_without_an_offset_has_none() -> None:
    assert head(read(":20:X\n:13:2608311733\n:34F:EUR0,\n")).created_at == datetime(2026, 8, 31, 17, 33)  # noqa: DTZ001 - none is told
    assert head(read(":20:X\n:13D:2608311733+0000\n")).created_at == datetime(2026, 8, 31, 17, 33, tzinfo=UTC)
