"""Journal entries, positions, rates and terms: what the model refuses, and what it reckons."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from pydantic import ValidationError

from nostro.formats.kinds import MODEL
from nostro.model.cash import CashForecast, CashPosition, rolled_forward
from nostro.model.journals import Allocation, JournalEntry, JournalLine, account_balances
from nostro.model.money import InexactAmountError, Money
from nostro.model.rates import FxRate, Rate, RateTable
from nostro.model.sharing import shared_out
from nostro.model.statements import Direction, Source
from nostro.model.terms import Discount, DueRule, PaymentTerms, TermPart

DAY = date(2026, 8, 31)
NOON = datetime(2026, 8, 31, 12, tzinfo=UTC)


def eur(value: str) -> Money:
    return Money.of(value, "EUR")


def line(account: str, side: str, amount: Money, **fields: object) -> JournalLine:
    return JournalLine.model_validate({"account": account, "side": side, "amount": amount, **fields})


def entry(*lines: JournalLine) -> JournalEntry:
    return JournalEntry(entry_id="e1", entity="DE01", journal="bank", booked_on=DAY, lines=lines, label="Rent")


# Journal entries


def test_an_entry_that_is_off_balance_is_none() -> None:
    with pytest.raises(ValidationError, match=r"off balance by 0\.01 EUR"):
        entry(line("1200", "debit", eur("10.00")), line("8400", "credit", eur("9.99")))


def test_an_entry_balances_in_each_entity_and_currency() -> None:
    us = Money.of("11.00", "USD")
    lines = [line("1200", "debit", eur("10.00")), line("8400", "credit", eur("10.00"))]
    other = [line("1000", "debit", us, entity="US01"), line("2000", "credit", us, entity="US01")]
    assert set(entry(*lines, *other).balances.values()) == {0}
    with pytest.raises(ValidationError, match="US01"):
        entry(*lines, other[0], line("2000", "credit", us))


def test_a_line_has_a_side_and_no_sign() -> None:
    with pytest.raises(ValidationError, match="no sign"):
        line("1200", "debit", eur("-1.00"))
    with pytest.raises(ValidationError, match="differ"):
        line("1200", "debit", eur("1.00"), agreed=eur("2.00"))
    assert line("1200", "credit", eur("1.00"), agreed=Money.of("1.10", "USD")).signed == eur("-1.00")


def test_a_lines_amount_is_allocated_to_the_last_cent() -> None:
    thirds = tuple(Allocation(dimension="project", code=code, share=share) for code, share in SHARES)
    told = line("4000", "debit", eur("100.00"), dimensions=thirds)
    assert told.allocated("project") == {"P1": eur("33.33"), "P2": eur("33.33"), "P3": eur("33.34")}
    assert told.allocated("region") == {}
    with pytest.raises(ValidationError, match="sum to 100"):
        line("4000", "debit", eur("1.00"), dimensions=thirds[:2])


SHARES = (("P1", Decimal("33.33")), ("P2", Decimal("33.33")), ("P3", Decimal("33.34")))


def test_a_reversal_points_at_its_entry_and_leaves_nothing() -> None:
    booked = entry(line("1200", "debit", eur("10.00")), line("8400", "credit", eur("10.00")))
    back = booked.reversal("e2", date(2026, 9, 1))
    assert (back.reverses, back.booked_on, back.label) == ("e1", date(2026, 9, 1), "Rent")
    assert account_balances([booked]) == {("DE01", "1200", "EUR"): 1000, ("DE01", "8400", "EUR"): -1000}
    assert account_balances([booked, back]) == {}


# Positions and forecasts


def position(booked: str, expected: str = "0.00") -> CashPosition:
    return CashPosition(
        entity="DE01", bank_account="main", value_date=DAY, as_of=NOON, booked=eur(booked), expected=eur(expected),
        available=eur("500.00"),
    )  # fmt: skip


def forecast(day: int, amount: str, direction: Direction, **fields: object) -> CashForecast:
    told = {
        "forecast_id": f"f{day}", "entity": "DE01", "bank_account": "main", "value_date": date(2026, 9, day),
        "amount": eur(amount), "direction": direction, "as_of": NOON,
    }  # fmt: skip
    return CashForecast.model_validate({**told, **fields})


def test_a_position_rolls_forward_day_by_day() -> None:
    flows = [
        forecast(3, "40.00", "debit"), forecast(1, "10.00", "credit"), forecast(3, "5.00", "credit"),
        forecast(2, "99.00", "debit", bank_account="other"), forecast(1, "1.00", "debit", value_date=date(2026, 8, 1)),
    ]  # fmt: skip
    told = rolled_forward(position("100.00", "2.00"), flows)
    assert [(at.value_date.isoformat(), at.projected, at.available) for at in told] == [
        ("2026-08-31", eur("101.00"), eur("500.00")),
        ("2026-09-01", eur("111.00"), None),
        ("2026-09-03", eur("76.00"), None),
    ]


def test_a_forecast_has_a_probability_and_is_weighted_exactly() -> None:
    told = forecast(1, "10.01", "debit", probability=Decimal("0.333"), category="payroll", certainty="estimated")
    assert told.weighted.value == Decimal("-3.33333")
    for wrong in (Decimal("1.1"), Decimal("-0.1")):
        with pytest.raises(ValidationError, match="between 0 and 1"):
            forecast(1, "1.00", "debit", probability=wrong)
    with pytest.raises(ValidationError, match="one currency"):
        position("1.00").model_validate({**position("1.00").model_dump(), "expected": Money.of("1.00", "USD")})


# Rates


def test_a_rate_keeps_the_direction_in_which_it_was_quoted() -> None:
    yen = FxRate(base="JPY", quote="EUR", value=Decimal("0.6123"), per=100, side="bid")
    assert yen.factor("JPY", "EUR") == Fraction(6123, 1_000_000)
    assert yen.factor("EUR", "JPY") == Fraction(1_000_000, 6123)
    assert (yen.side_from("JPY"), yen.side_from("EUR")) == ("bid", "ask")
    assert yen.convert(Money.of(1_000_000, "JPY"), "EUR", None) == eur("6123.00")
    assert yen.convert(eur("6123.00"), "JPY", None) == Money.of(1_000_000, "JPY")
    with pytest.raises(InexactAmountError):
        yen.convert(eur("1.00"), "JPY", None)
    with pytest.raises(ValueError, match="says nothing of"):
        yen.factor("USD", "EUR")


@pytest.mark.parametrize("wrong", [{"value": Decimal(0)}, {"per": 0}, {"quote": "JPY"}])
def test_a_rate_is_above_zero_and_of_two_currencies(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="above zero"):
        FxRate.model_validate({"base": "JPY", "quote": "EUR", "value": Decimal(1), **wrong})


def test_a_rate_holds_while_it_is_valid() -> None:
    daily = FxRate(base="EUR", quote="USD", value=Decimal("1.1"), on=DAY)
    monthly = daily.model_copy(update={"valid_from": date(2026, 8, 1), "valid_to": DAY})
    since = daily.model_copy(update={"valid_from": date(2026, 8, 1)})
    assert [rate.holds_on(date(2026, 8, 31)) for rate in (daily, monthly, since)] == [True, True, True]
    assert [rate.holds_on(date(2026, 8, 2)) for rate in (daily, monthly, since)] == [False, True, True]
    assert [rate.holds_on(date(2026, 9, 1)) for rate in (daily, monthly, since)] == [False, False, True]


def test_a_table_gives_rates_that_stand_alone_and_cross_rates() -> None:
    table = RateTable(
        publisher="ECB", purposes=("booking",), base="EUR", on=DAY, source=Source(where="x"),
        rates=(
            Rate(currency="USD", value=Decimal("1.25"), quoted="currency_for_base"),
            Rate(currency="JPY", value=Decimal("0.5"), per=100, quoted="base_for_currency"),
        ),
    )  # fmt: skip
    usd, yen = table.fx_rate("USD"), table.fx_rate("JPY")
    assert usd is not None
    assert yen is not None
    assert (usd.base, usd.quote, usd.publisher, usd.on) == ("EUR", "USD", "ECB", DAY)
    assert (yen.base, yen.quote, yen.per) == ("JPY", "EUR", 100)
    assert table.cross("USD", "JPY") == Fraction(160)
    assert table.cross("EUR", "USD") == Fraction(5, 4)
    assert (table.cross("CHF", "USD"), table.fx_rate("CHF")) == (None, None)


# Payment terms


def test_terms_make_instalments_that_sum_to_the_total() -> None:
    terms = PaymentTerms(
        code="3x", parts=tuple(TermPart(share=share, due=DueRule(months=n)) for n, (_, share) in enumerate(SHARES)),
        discounts=(Discount(percentage=Decimal(2), until=DueRule(days=10)),),
    )  # fmt: skip
    told = terms.instalments(eur("100.01"), DAY)
    assert [(part.due, part.amount.value if part.amount else None) for part in told[:3]] == [
        (date(2026, 8, 31), Decimal("33.33")), (date(2026, 9, 30), Decimal("33.33")),
        (date(2026, 10, 31), Decimal("33.35")),
    ]  # fmt: skip
    assert (told[3].discount_until, told[3].discount_percentage) == (date(2026, 9, 10), Decimal(2))
    assert told[3].discount_amount == eur("2.00").as_amount()
    with pytest.raises(ValidationError, match="sum to 100"):
        PaymentTerms(code="half", parts=(TermPart(share=Decimal(50), due=DueRule()),))


@pytest.mark.parametrize(
    "rule, due",
    [
        (DueRule(days=30), date(2026, 3, 2)),
        (DueRule(months=1), date(2026, 2, 28)),
        (DueRule(days=30, end_of_month=True), date(2026, 3, 31)),
        (DueRule(months=11), date(2026, 12, 31)),
        (DueRule(end_of_month=True, day_of_month=10), date(2026, 2, 10)),
        (DueRule(day_of_month=31), date(2026, 1, 31)),
        (DueRule(days=1, day_of_month=31), date(2026, 2, 28)),
        (DueRule(days=1, day_of_month=1), date(2026, 2, 1)),
    ],
)
def test_a_due_day_follows_from_the_invoices_day(rule: DueRule, due: date) -> None:
    assert rule.day(date(2026, 1, 31)) == due


def test_an_amount_is_not_shared_out_by_nothing() -> None:
    assert shared_out(eur("1.00"), []) == ()
    for weights in ([Fraction(0)], [Fraction(1), Fraction(-1)]):
        with pytest.raises(ValueError, match="above zero"):
            shared_out(eur("1.00"), weights)


@pytest.mark.parametrize("kind", sorted(MODEL))
def test_what_no_file_tells_has_a_json_schema_too(kind: str) -> None:
    assert MODEL[kind].model_json_schema()["properties"]
