"""What is written as Standard 18 is read as it was."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nostro.formats.bacs import read_standard_18, write_standard_18
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import References
from tests.unit.test_bacs_standard_18 import OWN, collection, payment, submission, written

NAMES = st.from_regex(r"[A-Z0-9./&-](?:[A-Z0-9 ./&-]{0,16}[A-Z0-9./&-])?", fullmatch=True).map(
    lambda said: " ".join(said.split())
)
ACCOUNTS = st.builds(
    lambda number, bank: BankAccount(other=f"{number:08}", clearing_id=f"{bank:06}"),
    *(st.integers(0, 99_999_999), st.integers(0, 999_999)),
)


@st.composite
def payments(draw: st.DrawFn) -> Instruction:
    party, account = Party(name=draw(NAMES)), draw(ACCOUNTS)
    amount = Amount(value=Decimal(draw(st.integers(1, 10**9))).scaleb(-2), currency="GBP")
    shared = {
        "amount": amount,
        "references": References(end_to_end=really_told(draw(NAMES))),
        "execution_date": draw(st.none() | st.dates(date(2026, 9, 1), date(2026, 9, 30))),
    }
    if draw(st.booleans()):
        return payment(creditor=party, creditor_account=account, **shared)
    return collection(debtor=party, debtor_account=account, **shared)


@given(st.lists(payments(), min_size=1, max_size=8))
def test_what_is_written_is_read_as_it_was(told: list[Instruction]) -> None:
    items = list(read_standard_18(write_standard_18(submission(*told))))
    end = items[-1]
    assert isinstance(end, MessageEnd)
    assert [check for check in end.checks if not check.ok] == []
    for given_one, read in zip(told, (item for item in items if isinstance(item, Instruction)), strict=True):
        for name in ("method", "amount", "debtor", "debtor_account", "creditor", "creditor_account"):
            assert getattr(read, name) == getattr(given_one, name), name
        assert read.references.end_to_end == given_one.references.end_to_end
        assert read.execution_date == (given_one.execution_date or date(2026, 9, 1))
        assert OWN[1] in (read.debtor_account, read.creditor_account)


WHOLE = "\n".join(written(payment(), collection())).encode()


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=8))
def test_damaged_bytes_never_do_more_than_be_refused_or_rejected(place: int, damage: bytes) -> None:
    try:
        items = list(read_standard_18([WHOLE[:place] + damage + WHOLE[place + len(damage) :]]))
    except FormatRefused:
        return
    assert items
