"""A table that is cut within its last row tells no other amount, currency or day than the whole one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.reading import Item
from nostro.formats.tables.formats import payment_format, read_table
from nostro.formats.tables.payments import PaymentProfile
from nostro.formats.tables.profile import Columns, Marked, Profile
from nostro.model.messages import Instruction
from nostro.model.statements import Reject
from tests.statement_texts import end, entries, failed, rejects

PROFILE = Profile(columns=Columns(booking_date="Date", amount="Amount"), date_order="dmy", decimal=",", currency="EUR")


def told_by(given: str, **columns: str) -> list[Item]:
    profile = PROFILE.model_copy(update={"columns": Columns(booking_date="Date", **columns), "currency": ""})
    return list(read_table([given.encode()], profile))


TABLES = {
    "amount": ({"amount": "Amount"}, "Date;Text;Amount\n30/08/2026;a;1.125,00\n31/08/2026;b;-125,50"),
    "currency": (
        {"amount": "Amount", "currency": "Currency"},
        "Date;Amount;Currency\n30/08/2026;1.125,00;USD\n31/08/2026;-125,50;USD",
    ),
    "balance": (
        {"amount": "Amount", "balance": "Balance"},
        "Date;Amount;Balance\n30/08/2026;1.125,00;2.125,00\n31/08/2026;-125,50;1.999,50",
    ),
    "days": (
        {"amount": "Amount", "value_date": "Value"},
        "Amount;Value;Date\n1.125,00;30/08/2026;30/08/2026\n-125,50;31/08/2026;31/08/2026",
    ),
    "two columns": ({"debit": "Out", "credit": "In"}, "Date;Out;In\n30/08/2026;125,50;\n31/08/2026;;1.125,00"),
    "fee": (
        {"amount": "Amount", "fee": "Fee"},
        "Date;Amount;Fee\n30/08/2026;1.125,00;1,00\n31/08/2026;-125,50;1,50",
    ),
    "status": (
        {"amount": "Amount", "status": "Status"},
        "Date;Amount;Status\n30/08/2026;1.125,00;booked\n31/08/2026;-125,50;pending",
    ),
    "account": (
        {"amount": "Amount", "bank_account": "Account"},
        "Date;Amount;Account\n30/08/2026;1.125,00;BE68539007547034\n31/08/2026;-125,50;BE68539007547034",
    ),
}


@pytest.mark.parametrize("columns, given", TABLES.values(), ids=TABLES)
def test_no_cut_within_the_last_row_tells_another_amount_currency_or_day(columns: dict[str, str], given: str) -> None:
    def facts(length: int | None) -> list[tuple[object, ...]]:
        items = told_by(given[:length], **columns)
        return [
            (one.amount, one.direction, one.booking_date, one.value_date, one.state) for one in entries(items)
        ]  # fmt: skip

    whole, row = facts(None), len(given.splitlines()[-1])
    assert len(whole) == 2
    for missing in range(1, row):
        told = [one for one in facts(-missing) if one not in whole]
        assert all((*one[:3], None, one[4]) == (*whole[1][:3], None, whole[1][4]) for one in told), (missing, told)
        assert len(facts(-missing)) + len(rejects(told_by(given[:-missing], **columns))) == 2


def test_a_balance_that_may_be_cut_is_left_out_and_said() -> None:
    columns, given = TABLES["balance"]
    assert [str(one.amount.value) for one in end(told_by(given, **columns)).balances] == ["1000.00", "1999.50"]
    cut = told_by(given[:-4], **columns)
    assert (len(entries(cut)), end(cut).balances) == (2, ())
    assert "line 3" in failed(cut)["whole"]


def test_a_closing_balance_in_a_line_of_its_own_that_may_be_cut_is_not_told() -> None:
    profile = PROFILE.model_copy(update={"closing": Marked(label="Closing", column=2)})
    given = "Date;Amount\n30/08/2026;1.125,00\nClosing;2.125,00"
    assert [str(one.amount.value) for one in end(list(read_table([given.encode()], profile))).balances] == ["2125.00"]
    cut = list(read_table([given[:-1].encode()], profile))
    assert (end(cut).balances, "line 3" in failed(cut)["closing"]) == ((), True)


@pytest.mark.parametrize(
    "given",
    [
        "Date;Amount\n30/08/2026;1.125,00\n31/08/2026;125,5\n",
        "Date;Amount\n30/08/2026;1.125,00\n31/08/2026;125,5\r",
        "Date;Amount\n30/08/2026;1.125,00\n31/08/2026;125,5\x1a",
        'Date;Amount\n30/08/2026;1.125,00\n31/08/2026;"125,5"',
        "Date;Amount;Text\n30/08/2026;1.125,00;a\n31/08/2026;125,5;b",
        "Date;Amount;Other\n30/08/2026;1.125,00;a\n31/08/2026;125,5;",
    ],
)
def test_what_something_follows_is_whole(given: str) -> None:
    items = list(read_table([given.encode()], PROFILE))
    assert ([str(one.amount.value) for one in entries(items)], rejects(items)) == (["1125.00", "125.50"], [])
    assert failed(items) == {}


def test_a_running_balance_proves_the_amount_in_front_of_which_it_stands() -> None:
    rows = "Date;Balance;Amount\n30/08/2026;1000;1000\n31/08/2026;1125;125"
    items = told_by(rows, amount="Amount", balance="Balance")
    assert [one.amount.value for one in entries(items)] == [Decimal(1000), Decimal(125)]
    assert len(rejects(told_by(rows[:-1], amount="Amount", balance="Balance"))) == 1


PAID = PaymentProfile.model_validate(
    {"columns": {"creditor": "To", "creditor_account": "Account", "amount": "Amount", "remittance": ["Text"]},
     "decimal": ".", "date_order": "ymd", "currency": "EUR"}
)  # fmt: skip


@pytest.mark.parametrize(
    "last, paid",
    [
        ("To,Amount,Text,Account\nA,1.50,a,12345678\nB,2.50,b,87654321", 2),
        ("To,Amount,Text,Account\nA,1.50,a,12345678\nB,2.50,b,8765432", 1),
        ("To,Amount,Text,Account\nA,1.50,a,123\nB,2.50,b,NL91ABNA0417164300", 2),
        ("To,Account,Text,Amount\nA,12345678,a,1.50\nB,87654321,b,12.5", 1),
        ("To,Account,Text,Amount\nA,12345678,a,1.50\nB,87654321,b,12.50", 2),
        ("To,Account,Amount,Text\nA,12345678,1.50,a\nB,87654321,12.50", 1),
        ("To,Account,Amount,Text\nA,12345678,1.50,a\nB,87654321,12.50,", 2),
    ],
)
def test_nobody_is_paid_by_a_line_that_may_be_cut(last: str, paid: int) -> None:
    (told,) = tell(lambda: iter((last.encode(),)), "", payment_format(PAID))
    items = list(told.items)
    assert sum(isinstance(item, Instruction) for item in items) == paid
    assert sum(isinstance(item, Reject) for item in items) == 2 - paid
