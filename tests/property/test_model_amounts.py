"""Reckoning in the model: nothing is lost where amounts are split, turned round, reversed or rolled forward."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from nostro.model.cash import CashForecast, CashPosition, rolled_forward
from nostro.model.journals import JournalEntry, JournalLine, account_balances
from nostro.model.money import EXPONENTS, Amount, Money, Rounding
from nostro.model.rates import FxRate
from nostro.model.sharing import rounded, shared_out
from nostro.model.terms import DueRule, PaymentTerms, TermPart

currencies = st.sampled_from(["EUR", "JPY", "BHD", "CLF", "USD"])
minors = st.integers(-(10**15), 10**15)
DAY, NOON = date(2026, 8, 31), datetime(2026, 8, 31, 12, tzinfo=UTC)


@st.composite
def rates(draw: st.DrawFn) -> FxRate:
    base = draw(currencies)
    quote = draw(currencies.filter(lambda one: one != base))
    value = Decimal(draw(st.integers(1, 10**9))).scaleb(-draw(st.integers(0, 8)))
    return FxRate(base=base, quote=quote, value=value, per=draw(st.sampled_from([1, 100, 1_000])))


@given(minors, currencies, st.lists(st.integers(0, 1_000).map(Fraction), min_size=1, max_size=20).filter(any))
def test_parts_sum_to_the_whole_and_none_is_off_by_a_unit(minor: int, currency: str, weights: list[Fraction]) -> None:
    parts = shared_out(Money(minor=minor, currency=currency), weights)
    assert sum(part.minor for part in parts) == minor
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - minor * weight / sum(weights)) < 1


@given(minors, st.integers(1, 10**6), st.sampled_from(["half_even", "half_up"]))
def test_fractions_are_rounded_as_amounts_are(minor: int, divisor: int, rounding: Rounding) -> None:
    exact = Decimal(minor) / Decimal(2) ** (divisor % 20)
    money = Amount(value=exact, currency="JPY").to_money(rounding)
    assert rounded(Fraction(exact), rounding) == money.minor


@given(rates(), minors)
def test_turning_a_rate_round_loses_nothing(rate: FxRate, minor: int) -> None:
    assert rate.factor(rate.base, rate.quote) * rate.factor(rate.quote, rate.base) == 1
    money = Money(minor=minor, currency=rate.base)
    there = rate.convert(money, rate.quote, "half_even")
    back = rate.convert(there, rate.base, "half_even")
    step = Fraction(10) ** (EXPONENTS[rate.base] - EXPONENTS[rate.quote]) * rate.factor(rate.quote, rate.base)
    assert abs(back.minor - minor) <= step / 2 + Fraction(1, 2)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 10**12)), min_size=1, max_size=8))
def test_an_entry_and_its_reversal_leave_every_account_as_it_was(told: list[tuple[str, int]]) -> None:
    amounts = [(account, Money(minor=minor, currency="EUR")) for account, minor in told]
    debits = [JournalLine(account=account, side="debit", amount=amount) for account, amount in amounts]
    total = Money(minor=sum(minor for _, minor in told), currency="EUR")
    lines = (*debits, JournalLine(account="Z", side="credit", amount=total))
    entry = JournalEntry(entry_id="1", entity="E", journal="J", booked_on=DAY, lines=lines)
    back = JournalEntry.model_validate(entry.reversal("2", DAY).model_dump())
    assert account_balances([entry, back]) == {}
    assert JournalEntry.model_validate_json(entry.model_dump_json()) == entry


@given(st.lists(st.tuples(st.integers(-3, 30), st.integers(0, 10**12), st.sampled_from(["credit", "debit"]))))
def test_a_position_that_is_rolled_forward_holds_every_flow(told: list[tuple[int, int, str]]) -> None:
    zero = Money.zero("EUR")
    start = CashPosition(
        entity="E", bank_account="B", value_date=DAY, as_of=NOON, booked=Money.of(1, "EUR"), expected=zero
    )
    flows = [
        CashForecast.model_validate(
            {
                "forecast_id": str(n), "entity": "E", "bank_account": "B", "value_date": DAY + timedelta(days=days),
                "amount": Money(minor=minor, currency="EUR"), "direction": way, "as_of": NOON,
            }
        )
        for n, (days, minor, way) in enumerate(told)
    ]  # fmt: skip
    days = rolled_forward(start, flows)
    assert days[-1].expected == sum((flow.signed for flow in flows), zero)
    assert [at.value_date for at in days] == sorted({DAY, *(max(flow.value_date, DAY) for flow in flows)})


@given(minors, st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(0, 400))
def test_instalments_sum_to_the_total(minor: int, weights: list[int], days: int) -> None:
    shares = shared_out(Money.of(100, "EUR"), [Fraction(weight) for weight in weights])
    parts = tuple(TermPart(share=share.value, due=DueRule(days=days, end_of_month=True)) for share in shares)
    told = PaymentTerms(code="x", parts=parts).instalments(Money(minor=minor, currency="EUR"), DAY)
    amounts = [part.amount.to_money().minor for part in told if part.amount]
    assert sum(amounts) == minor
    assert all(part.due is not None and part.due >= DAY for part in told)
