from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from nostro.model.bank_days import CutOff, LocalRule
from nostro.model.references import Reference
from nostro.model.statements import Check
from nostro.processes.statement_series import PROCESS
from nostro.processes.statement_series.v1.state import LINKS_KEPT, SeriesState
from tests.movements import MONDAY, banking_entity
from tests.series import Series, listed, morning_after, statement
from tests.stories import SmallRules, fact


def test_the_first_statement_ever_starts_the_chain() -> None:
    series = Series()
    series.receive(statement(7))
    assert (series.instance.state, series.cases) == ("current", {})


def test_the_next_statement_is_expected_on_the_morning_after_the_next_business_day() -> None:
    series = Series()
    series.receive(statement(1))
    assert series.log[-1][1].due_at == datetime(2026, 9, 2, 8, tzinfo=UTC)


def test_a_statement_that_does_not_come_is_missing_until_it_comes() -> None:
    series = Series()
    series.receive(statement(1))
    series.fall_due()
    assert (series.instance.state, set(series.cases)) == ("late", {"statement_missing"})
    assert series.cases["statement_missing"].sentence.endswith("Not even an empty one came.")
    series.tell(statement(2), datetime(2026, 9, 2, 9, tzinfo=UTC))
    assert (series.instance.state, series.cases) == ("current", {})


def test_a_statement_without_entries_is_a_statement() -> None:
    series = Series()
    series.receive(statement(1), statement(2, closing="20.00", entries=0))
    assert (series.instance.state, series.cases) == ("current", {})


def test_a_gap_in_the_numbers_is_shown_and_closes_when_the_missing_one_comes() -> None:
    series = Series()
    series.receive(statement(1), statement(3))
    assert series.instance.state == "broken"
    assert series.cases["statement_missing"].sentence == "Between statement 1 and statement 3, 1 are missing."
    series.tell(statement(2), morning_after(MONDAY + timedelta(days=2)))
    assert (series.instance.state, series.cases) == ("current", {})


def test_an_opening_balance_that_is_not_the_last_closing_one_is_shown() -> None:
    series = Series()
    series.receive(statement(1), statement(2, opening="21.00"))
    assert set(series.cases) == {"balance_chain_broken"}
    assert "closes with 20.00" in series.cases["balance_chain_broken"].sentence


def test_a_statement_told_twice_is_noted_until_the_next_one_comes() -> None:
    series = Series()
    series.receive(statement(1))
    series.tell(statement(1, created_at="2026-09-01T06:30:00+00:00"), morning_after(MONDAY))
    assert (series.instance.state, set(series.cases)) == ("current", {"statement_doubled"})
    series.receive(statement(2))
    assert series.cases == {}


def test_a_restated_statement_counts_as_it_was_told_last() -> None:
    series = Series()
    series.receive(statement(1, closing="15.00"))
    series.tell(statement(1, statement_id="S1b", content_digest="d1b"), morning_after(MONDAY))
    assert set(series.cases) == {"statement_restated"}
    series.receive(statement(2))
    assert series.cases == {}


def test_numbers_that_begin_anew_in_a_new_year_are_no_gap() -> None:
    series = Series()
    last = statement(124, to_date="2026-12-31")
    first = statement(1, opening="1250.00", statement_id="S1-2027", to_date="2027-01-04")
    series.receive(last)
    series.tell(first, datetime(2027, 1, 2, 6, tzinfo=UTC))
    assert series.cases == {}


def test_the_pages_of_a_statement_are_one_link_and_a_missing_page_is_shown() -> None:
    series = Series()
    first = statement(1, closing="15.00", last_page=False)
    third = statement(1, opening="17.00", statement_id="S1#3", page=3, content_digest="p3")
    second = statement(1, opening="15.00", closing="17.00", statement_id="S1#2", page=2, last_page=False)
    series.receive(first, third)
    assert "page 2 is missing" in series.cases["statement_missing"].sentence
    series.receive(second.model_copy(update={"content_digest": "p2"}))
    assert series.cases == {}


def test_statements_without_numbers_are_held_together_by_their_balances() -> None:
    series = Series()
    series.receive(statement(1, sequence=None), statement(2, sequence=None))
    assert series.cases == {}
    series.receive(statement(4, sequence=None))
    assert set(series.cases) == {"balance_chain_broken"}


def test_what_a_statement_says_wrongly_of_itself_is_shown() -> None:
    series = Series()
    series.receive(statement(1, checks=(Check(name="balance", ok=False, detail="off by 1.00"),)))
    assert series.cases["statement_inconsistent"].sentence.endswith("does not add up: balance: off by 1.00")


def test_an_account_of_which_only_notifications_tell_has_its_statement_awaited() -> None:
    series = Series()
    series.tell(statement(1, kind="notification", sequence=None), datetime(2026, 8, 31, 12, tzinfo=UTC))
    assert series.instance.state == "current"
    assert series.log[-1][1].due_at == datetime(2026, 9, 1, 8, tzinfo=UTC)
    series.fall_due()
    assert set(series.cases) == {"statement_missing"}
    series.tell(statement(2), morning_after(MONDAY + timedelta(days=1)))
    assert series.cases["statement_missing"].sentence == (
        "There is no statement from 2026-08-31 to statement 2 of 2026-09-01."
    )
    series.tell(statement(1), morning_after(MONDAY + timedelta(days=1)))
    assert series.cases == {}


def test_nobody_awaits_statements_of_an_account_that_gets_none() -> None:
    account = banking_entity().bank_accounts[0].model_copy(update={"statement_expected_by": ""})
    rules = SmallRules(of=banking_entity().model_copy(update={"bank_accounts": (account,)}))
    series = Series(rules=rules)
    series.receive(statement(1))
    assert (series.instance.state, series.log[-1][1].due_at) == ("kept", None)


def test_what_is_forgotten_of_a_long_chain_is_not_missing() -> None:
    series = Series()
    series.receive(*(statement(number) for number in range(1, LINKS_KEPT + 10)))
    assert isinstance(series.instance.data, SeriesState)
    assert len(series.instance.data.links) == LINKS_KEPT
    assert series.cases == {}


@pytest.mark.parametrize("day", ["1999-12-31", "2026-08-31"])
def test_old_files_outside_of_every_calendar_are_kept_without_a_deadline_of_their_own(day: str) -> None:
    class Bounded(SmallRules):
        def cut_off(self, rule: LocalRule, day: date, later: int = 0) -> CutOff:
            if day.year < 2020:
                raise LookupError(day)
            return super().cut_off(rule, day, later)

    series = Series(rules=Bounded(of=banking_entity()))
    series.tell(statement(1, to_date=day), datetime(2026, 8, 31, tzinfo=UTC))
    assert (series.instance.state, series.cases) == ("current", {})
    assert series.log[-1][1].due_at is not None


def told(*tellings: tuple[str, ...]) -> Series:
    """One statement's lines, telling by telling."""
    series = Series(instance=PROCESS.new(f"DE/main/lines/{MONDAY}/1", "DE"))
    for n, amounts in enumerate(tellings):
        tell_lines(series, n, *amounts)
    return series


def tell_lines(series: Series, hour: int, *amounts: str, **more: int) -> None:
    told_at = datetime(2026, 9, 1, hour, tzinfo=UTC)
    series.tell(listed(*amounts, told_at=told_at.isoformat(), **more), told_at)


@pytest.mark.parametrize(
    "before, after, gone, new",
    [
        (("1.00", "2.00"), ("1.00",), ["2.00"], []),
        (("1.00", "1.00"), ("1.00",), ["1.00"], []),
        (("1.00", "-2.00"), ("3.00", "1.00"), ["2.00"], ["3.00"]),
        (("1.00 A", "1.00 B"), ("1.00 B",), ["1.00 EUR (A)"], []),
        (("1.00", "2.00 R"), ("2.00 S",), ["1.00", "2.00"], ["2.00 EUR (S)"]),
        (("1.00", "2.00 R"), ("1.00", "9.00 R"), ["2.00 EUR (R)"], ["9.00 EUR (R)"]),
    ],
)
def test_what_a_corrected_statement_no_longer_lists_is_a_case_with_both_sides(
    before: tuple[str, ...], after: tuple[str, ...], gone: list[str], new: list[str]
) -> None:
    series = told(before, after)
    [(reason, case)] = series.cases.items()
    left, _, added = case.sentence.partition("New:")
    assert reason == "no_longer_listed"
    assert all(amount in left for amount in gone)
    assert all(amount in added for amount in new)
    assert left.count(" EUR") == len(gone)


@pytest.mark.parametrize(
    "after",
    [("1.00", "2.00 R"), ("2.00 R", "1.00"), ("1.00", "2.00 R", "3.00")],
    ids=["the same", "in another order", "one more"],
)
def test_what_it_lists_again_is_none(after: tuple[str, ...]) -> None:
    assert told(("1.00", "2.00 R"), after).cases == {}


def test_the_case_closes_when_a_later_telling_lists_it_again_and_an_older_telling_changes_nothing() -> None:
    series = told(("1.00", "2.00"), ("1.00",))
    tell_lines(series, 0, "1.00", "2.00", "3.00")
    assert set(series.cases) == {"no_longer_listed"}
    tell_lines(series, 3, "1.00", "2.00")
    assert series.cases == {}


def test_a_statement_of_too_many_entries_is_not_compared() -> None:
    series = told(("1.00", "2.00"))
    tell_lines(series, 1, left_out=201)
    assert series.cases == {}


def test_what_a_statement_lists_is_found_by_the_banks_id_of_it() -> None:
    chain, lines = (PROCESS.registers(fact(body)) for body in (statement(1), listed("1.00")))
    assert chain == lines == (Reference.to("statement", "S1", "DE/main"),)
