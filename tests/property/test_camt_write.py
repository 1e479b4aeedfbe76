"""Statements that are written as camt.053 say the same when they are read again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.formats.checks import Sums
from nostro.formats.iso20022.camt import read_camt
from nostro.formats.iso20022.write.statements import write_camt
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import (
    Balance,
    Charge,
    Detail,
    Entry,
    References,
    ReturnInformation,
    Source,
    StatementHead,
)

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = date(2026, 8, 31)
ACCOUNT = BankAccount(iban="DE89370400440532013000", currency="EUR")
LETTERS = st.characters(codec="utf-8", exclude_categories=("C", "Z"))


def texts(most: int) -> st.SearchStrategy[str]:
    return st.text(LETTERS, max_size=most)


amounts = st.builds(
    Amount,
    value=st.decimals(min_value=0, max_value=10**9, places=2, allow_nan=False, allow_infinity=False),
    currency=st.just("EUR"),
)
directions = st.sampled_from(("credit", "debit"))
references = st.builds(
    References,
    **{
        name: texts(35).map(really_told)
        for name in ("end_to_end", "account_servicer", "instruction", "transaction", "mandate", "structured")
    },
)
charges = st.builds(Charge, amount=amounts, direction=directions, included=st.sampled_from((None, True, False)))
addresses = st.builds(Address, street=texts(70), town=texts(35), country=st.sampled_from(("", "CH", "DE"))).filter(
    lambda address: address != Address()
)
parties = st.builds(Party, name=st.text(LETTERS, min_size=1, max_size=140), address=st.none() | addresses)
returns = st.none() | st.builds(ReturnInformation, code=st.sampled_from(("AC04", "MD06")), text=texts(105))


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    direction, amount = draw(directions), draw(amounts)
    detail = Detail(
        amount=amount,
        direction=direction,
        references=draw(references),
        counterparty=draw(st.none() | parties),
        remittance=tuple(draw(st.lists(st.text(LETTERS, min_size=1, max_size=140), max_size=3))),
        charges=tuple(draw(st.lists(charges, max_size=2))),
        returned=draw(returns),
    )
    return Entry(
        amount=amount,
        direction=direction,
        state="booked",
        booking_date=DAY,
        value_date=DAY,
        references=detail.references.model_copy(update={"entry": really_told(draw(texts(35)))}),
        bank_transaction_code=draw(st.sampled_from(("PMNT-RCDT-ESCT", "NTRF"))),
        remittance=detail.remittance,
        counterparty=detail.counterparty,
        charges=detail.charges,
        returned=detail.returned,
        additional=draw(texts(500)),
        details=(detail,),
        details_total=1,
        source=Source(where=""),
    )


def statement(told: list[Entry], **changed: object) -> list[Item]:
    sums = Sums()
    for entry in told:
        sums.add(entry)
    opening = Balance(code="OPBD", amount=Amount(value=Decimal("-10.00"), currency="EUR"), on=DAY)
    reached = Decimal("-10.00") + sums.totals.get("EUR", Decimal(0))
    closing = Balance(code="CLBD", amount=Amount(value=reached, currency="EUR"), on=DAY)
    source, balances = Source(where=""), (opening, closing)
    head = StatementHead(kind="statement", statement_id="S-1", bank_account=ACCOUNT, balances=balances, source=source)
    return [head.model_copy(update=changed), *told, sums.end(changed.get("balances", balances))]  # type: ignore[arg-type]  # whatever the test changes


@given(st.lists(entries(), max_size=4))
def test_what_was_written_is_read_again(told: list[Entry]) -> None:
    said: list[str] = []
    head, *again, end = read_camt(write_camt(statement(told), AT, said.append))
    assert [_nowhere(entry) for entry in again if isinstance(entry, Entry)] == told
    assert isinstance(head, StatementHead)
    assert head.bank_account == ACCOUNT
    assert all(check.ok for check in end.checks)  # type: ignore[union-attr]  # the last one is the end
    assert said == []


def _nowhere(entry: Entry) -> Entry:
    charges = tuple(charge.model_copy(update={"source": None}) for charge in entry.charges)
    details = tuple(
        detail.model_copy(
            update={
                "source": None,
                "charges": tuple(charge.model_copy(update={"source": None}) for charge in detail.charges),
            }
        )
        for detail in entry.details
    )
    return entry.model_copy(update={"source": Source(where=""), "charges": charges, "details": details})


def test_what_does_not_fit_is_said_with_its_place() -> None:
    long = Entry(
        amount=Amount(value=Decimal("1.00"), currency="EUR"),
        direction="credit",
        state="booked",
        references=References(end_to_end="E" * 40),
        source=Source(where="line 7"),
    )
    said: list[str] = []
    assert b"".join(write_camt(statement([long]), AT, said.append))
    assert said == ["line 7: EndToEndId takes 35 characters; 5 were cut off."]


@pytest.mark.parametrize("changed", [{"bank_account": BankAccount()}, {"balances": ()}])
def test_what_the_schema_demands_is_demanded(changed: dict[str, object]) -> None:
    with pytest.raises(FormatRefused):
        b"".join(write_camt(statement([], **changed), AT))


def test_a_statement_that_is_cut_off_is_not_written() -> None:
    with pytest.raises(FormatRefused, match="cut off"):
        b"".join(write_camt(statement([])[:1], AT))
