"""BAI2: golden files in the test's own text, and the oddities that banks have."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from nostro.formats.bai2.codes import direction_of
from nostro.formats.bai2.read import read_bai2
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.statements import StatementHead
from tests.statement_texts import end, entries, failed, head, read, rejects

TOP = ["01,BANK,HOUSE,260831,1830,F17,80,,2/", "02,HOUSE,021000021,1,260831,2359,USD,2/"]


def reported(
    *records: str, first: str = "03,123456789,USD,010,100000,,,015,112500,,/", total: str = "225000"
) -> list[Item]:
    lines = [first, *records]
    return read(
        read_bai2,
        *TOP,
        *lines,
        f"49,{total},{len(lines) + 1}/",
        f"98,{total},1,{len(lines) + 3}/",
        f"99,{total},1,{len(lines) + 5}/",
    )


def test_an_account_is_told_with_its_balances_and_checks() -> None:
    items = reported("16,195,12500,V,260901,,BANK17,CUST17,INV/2026/00012/")
    told = head(items)
    assert (told.kind, told.statement_id, told.bank_account.other) == ("statement", "F17/2026-08-31/1", "123456789")
    assert (told.bank_account.clearing_id, told.created_at) == ("021000021", datetime(2026, 8, 31, 18, 30))  # noqa: DTZ001 - none is told
    assert told.opening is not None
    assert told.opening.amount.value == Decimal("1000.00")
    (entry,) = entries(items)
    assert (entry.amount.value, entry.direction, entry.state) == (Decimal("125.00"), "credit", "booked")
    assert (entry.booking_date, entry.value_date) == (date(2026, 8, 31), date(2026, 9, 1))
    assert (entry.references.account_servicer, entry.references.end_to_end) == ("BANK17", "CUST17")
    assert (entry.remittance, entry.additional) == (("INV/2026/00012",), "Incoming money transfer")
    assert end(items).balances[1].amount.value == Decimal("1125.00")
    assert failed(items) == {}


def test_control_totals_that_do_not_hold_are_told() -> None:
    items = reported("16,195,12500,,,,/", total="225001")
    assert list(failed(items)) == ["account/total"]


def test_continuations_of_fields_and_of_text_run_on() -> None:
    items = reported(
        "16,195,12500/", "88,V,260901,/", "88,BANK17,CUST17/", "88,FIRST, WITH A COMMA", "88,SECOND/LINE",
        total="225000",
    )  # fmt: skip
    (entry,) = entries(items)
    assert (entry.references.account_servicer, entry.references.end_to_end) == ("BANK17", "CUST17")
    assert entry.remittance == ("FIRST, WITH A COMMA", "SECOND/LINE")


@pytest.mark.parametrize(
    "told, availability",
    [("S,100,200,300", "100/200/300"), ("D,2,0,100,1,200", "0:100/1:200"), ("Z", ""), ("", ""), ("1", "")],
)
def test_funds_types_are_understood_wherever_the_text_begins(told: str, availability: str) -> None:
    (entry,) = entries(reported(f"16,165,12500,{told},BANK17,CUST17,WORDS/"))
    assert entry.references.others.get("availability", "") == availability
    assert (entry.references.account_servicer, entry.remittance) == ("BANK17", ("WORDS",))


@pytest.mark.parametrize(
    "code, direction",
    [
        ("100", "credit"), ("399", "credit"), ("400", "debit"), ("699", "debit"), ("720", "credit"), ("760", "debit"),
        ("920", "credit"), ("960", "debit"), ("010", None), ("700", None), ("900", None), ("ABC", None),
    ],
)  # fmt: skip
def test_the_type_code_tells_the_direction(code: str, direction: str | None) -> None:
    assert direction_of(code) == direction


def test_a_movement_of_an_unknown_type_is_rejected_with_its_amount() -> None:
    items = reported("16,890,12500,,,,/", "16,000,12500,,,,/", "16,475,1000,,,,/")
    assert [reject.amount.value for reject in rejects(items) if reject.amount] == [Decimal("125.00")] * 2
    assert [entry.direction for entry in entries(items)] == ["debit"]


def test_information_without_money_is_no_entry() -> None:
    items = reported("16,890,,,,,JUST WORDS/", first="03,123456789,USD,,,,/", total="0")
    assert (entries(items), rejects(items)) == ([], [])


def test_a_currency_without_decimals_is_told_in_its_own_units() -> None:
    (entry,) = entries(reported("16,195,12500,,,,/", first="03,123456789,JPY,010,100000,,/"))
    assert (str(entry.amount.value), entry.amount.currency) == ("12500", "JPY")


def test_without_any_currency_it_is_the_dollar() -> None:
    items = read(read_bai2, TOP[0], "02,HOUSE,021000021,1,260831,,,/", "03,1,,,,,/", "16,195,100,,,,/", "49,100,3/")
    assert entries(items)[0].amount.currency == "USD"


def test_a_report_of_the_same_day_has_not_booked_yet() -> None:
    items = read(read_bai2, TOP[0], "02,H,B,1,260831,1200,USD,3/", "03,1,,,,,/", "16,195,100,,,,/", "49,100,3/")
    assert (head(items).kind, entries(items)[0].state) == ("report", "pending")


def test_groups_and_accounts_are_told_each_by_itself() -> None:
    account_lines = ["03,1,,,,,/", "16,195,100,,,,/", "49,100,3/", "03,2,,,,,/", "16,475,200,,,,/", "49,200,3/"]
    items = read(read_bai2, *TOP, *account_lines, "98,300,2,8/", TOP[1], *account_lines, "98,300,2,8/", "99,600,2,18/")
    assert [item.bank_account.other for item in items if isinstance(item, StatementHead)] == ["1", "2", "1", "2"]
    assert failed(items) == {}


def test_summaries_lead_from_balance_to_balance_where_no_movement_is_told() -> None:
    first = "03,1,USD,010,1000,,,015,1300,,,100,500,2,,400,200,1,/"
    assert "balance" not in failed(reported(first=first))
    assert "balance" in failed(reported(first=first.replace("1300", "1301")))


def test_summaries_are_compared_with_the_movements() -> None:
    items = reported("16,195,12500,,,,/", first="03,1,USD,100,12500,1,,400,0,0,/")
    assert not {"100/Sum", "100/NbOfNtries"} & set(failed(items))
    assert "100/Sum" in failed(reported("16,195,12500,,,,/", first="03,1,USD,100,12501,1,/"))


def test_records_that_share_a_line_and_text_that_was_wrapped_are_read() -> None:
    items = reported("16,142,2500,Z,,,ONE/ 16,142,500,Z,,,TWO", "WRAPPED/   16,451,100,Z,,,THREE/")
    assert [entry.remittance for entry in entries(items)] == [("ONE",), ("TWO", "WRAPPED"), ("THREE",)]


def test_a_deletion_says_that_it_is_one() -> None:
    items = read(read_bai2, TOP[0], "02,H,B,2,260831,,USD,2/", "03,1,,,,,/", "49,0,2/")
    assert "deletion" in failed(items)["group"]


@pytest.mark.parametrize(
    "status, state, kind",
    [("1", "booked", "statement"), *((status, "information", "report") for status in "234")],
)
def test_what_takes_back_or_tries_out_is_not_booked(status: str, state: str, kind: str) -> None:
    text = ["03,123456789,USD,010,100000,,,015,112500,,/", "16,195,12500,V,260901,,BANK17,CUST17,X/", "49,225000,3/"]
    items = read(read_bai2, TOP[0], TOP[1].replace(",1,", f",{status},", 1), *text, "98,225000,1,5/", "99,225000,1,7/")
    (entry,) = entries(items)
    assert (entry.state, head(items).kind, bool(end(items).totals)) == (state, kind, status == "1")
    assert list(failed(items)) == ([] if status == "1" else ["group"])


def test_a_reversal_and_a_return_say_so() -> None:
    reversal, returned = entries(reported("16,252,100,,,,/", "16,557,100,,,,/"))
    assert (reversal.reversal, reversal.direction) == (True, "credit")
    assert returned.returned is not None
    assert returned.returned.proprietary == "557"


def test_a_written_point_and_a_century_are_understood() -> None:
    top = ["01,B,H,20260831,18:30:05,F,,,2/", "02,H,B,1,20260831,,USD,2/", "03,1,,,,,/"]
    items = read(read_bai2, *top, "16,195,12.50,,,,/", "49,12.50,3/")
    assert (entries(items)[0].amount.value, head(items).to_date) == (Decimal("12.50"), date(2026, 8, 31))


def test_a_sign_beside_the_type_s_direction_is_told() -> None:
    items = reported("16,475,-100,,,,/")
    assert (entries(items)[0].direction, entries(items)[0].amount.value) == ("debit", Decimal("1.00"))
    assert "sign" in failed(items)


def test_an_account_without_its_trailer_is_told_and_a_cut_file_is_rejected() -> None:
    items = read(read_bai2, *TOP, "03,1,,,,,/", "16,195,100,,,,/", "03,2,,,,,/", "16,195,100,,,,/")
    assert len(entries(items)) == 2
    assert ["ends within" in reject.why for reject in rejects(items)] == [True]


def test_what_is_something_else_is_refused() -> None:
    with pytest.raises(FormatRefused):
        read(read_bai2, "hello")


def test_a_line_of_states_that_ends_with_a_comma_too_many_moves_none_of_those_that_follow() -> None:
    items = reported(
        "88,040,90000,,,045,100000,,,/",
        "88,100,12500,1,,400,000,0,/",
        "16,195,12500,,,,/",
        first="03,123456789,USD,010,100000,,,015,112500,,,/",
        total="427500",
    )
    told = {balance.code: balance.amount.value for balance in end(items).balances}
    assert told == {
        "OPBD": Decimal("1000.00"), "CLBD": Decimal("1125.00"), "OPAV": Decimal("900.00"), "CLAV": Decimal("1000.00"),
    }  # fmt: skip
    assert failed(items) == {}


def test_the_other_side_is_told_behind_labels() -> None:
    labels = ("88,CRNM: Customer 017", "88,DBNM: Company 017", "88,CACT: 17", "88,DACT: 42", "88,DABA: 021000021")
    items = reported(
        "16,195,12500,,,,WIRE", *labels, "16,495,500,,,,WIRE", *labels, "88,CABA: 0", "16,495,1,,,,DBNM: X"
    )
    incoming, outgoing, neither = entries(items)
    assert incoming.counterparty is not None
    assert incoming.counterparty_account is not None
    account = incoming.counterparty_account
    assert (incoming.counterparty.name, account.other, account.clearing_id) == ("Company 017", "42", "021000021")
    assert outgoing.counterparty is not None
    assert outgoing.counterparty_account is not None
    account = outgoing.counterparty_account
    assert (outgoing.counterparty.name, account.other, account.clearing_id) == ("Customer 017", "17", "")
    assert (neither.counterparty, neither.counterparty_account, neither.remittance) == (None, None, ("DBNM: X",))
    assert len(incoming.remittance) == 1 + len(labels)
    assert entries(reported("16,266,12500,,,,WIRE RETURN", *labels))[0].counterparty is None


def test_a_credit_below_nothing_is_rejected_for_it_may_be_one_that_was_taken_back() -> None:
    items = reported("16,195,-12500,,,,/", "16,195,-0,,,,/", "16,475,-100,,,,/")
    (reject,) = rejects(items)
    assert (reject.why, reject.amount and reject.amount.value) == (
        "the amount is negative, though its type is a credit", Decimal("125.00"),
    )  # fmt: skip
    assert [(entry.direction, entry.amount.value) for entry in entries(items)] == [
        ("credit", Decimal(0)),
        ("debit", Decimal(1)),
    ]
