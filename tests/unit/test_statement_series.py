from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest

from nostro.model.bank_days import CutOff, LocalRule
from nostro.model.facts import StatementReceived
from nostro.model.references import Reference
from nostro.model.statements import Check
from nostro.processes.statement_series import PROCESS
from nostro.processes.statement_series.v1.state import LINKS_KEPT
from nostro.processes.statement_series.v3.state import PAGES_KEPT, SeriesStateV3
from tests.movements import MONDAY, banking_entity, eur
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


def version(name: str, hour: int) -> StatementReceived:
    """Statement 1 as it was made at that hour of the next day: A, or A' which closes with 5 less."""
    made = f"2026-09-01T{hour:02}:00:00+00:00"
    return statement(1, closing="20.00" if name == "A" else "15.00", content_digest=name, created_at=made)


@pytest.mark.parametrize(
    "tellings, counts, reasons",
    [
        ("A5 A6", "A", {"statement_doubled"}),
        ("A5 A'6", "A'", {"statement_restated"}),
        ("A'6 A5", "A'", {"statement_restated"}),
        ("A5 A'6 A'7", "A'", {"statement_restated", "statement_doubled"}),
        ("A5 A'6 A4", "A'", {"statement_restated", "statement_doubled"}),
        ("A5 A'6 A7", "A", {"statement_restated", "statement_doubled"}),
        ("A5 A'6 A7 A'3", "A", {"statement_restated", "statement_doubled"}),
    ],
)
def test_of_what_came_again_the_telling_that_the_bank_made_last_counts(
    tellings: str, counts: str, reasons: set[str]
) -> None:
    series = Series()
    for told in tellings.split():
        hour = int(told[-1])
        series.tell(version(told[:-1], hour), datetime(2026, 9, 1, hour, tzinfo=UTC))
    assert set(series.cases) == reasons
    series.receive(statement(2, opening="20.00" if counts == "A" else "15.00"))
    assert series.cases == {}
    series.receive(statement(3, opening="31.00"))
    assert set(series.cases) == {"balance_chain_broken"}


def test_a_month_that_is_exported_anew_is_told_of_every_statement_until_the_next_one_follows() -> None:
    series = Series()
    series.receive(*(statement(number) for number in range(1, 9)))
    at = datetime(2026, 9, 8, 6, tzinfo=UTC)
    for number in range(2, 9):
        anew = {"closing": "45.00", "content_digest": "d3b"} if number == 3 else {}
        series.tell(statement(number, created_at=at.isoformat(), statement_id=f"E{number}", **anew), at)
    assert series.cases["statement_doubled"].sentence.endswith("So it is with 3 more.")
    assert "statement 3 of 2026-09-02 again" in series.cases["statement_restated"].sentence
    assert "statement 3 of 2026-09-02 closes with 45.00" in series.cases["balance_chain_broken"].sentence
    series.receive(statement(9))
    assert set(series.cases) == {"balance_chain_broken"}
    series.tell(statement(3, created_at="2026-09-09T09:00:00+00:00"), datetime(2026, 9, 9, 9, tzinfo=UTC))
    assert "balance_chain_broken" not in series.cases


def test_unnumbered_statements_that_come_again_by_another_id_are_the_same() -> None:
    series = Series()
    series.receive(statement(1, sequence=None), statement(2, sequence=None))
    series.tell(statement(1, sequence=None, statement_id="again"), morning_after(MONDAY + timedelta(days=1)))
    assert set(series.cases) == {"statement_doubled"}


def test_statements_that_all_have_the_same_number_are_told_apart_by_their_day() -> None:
    series = Series()
    series.receive(*(statement(number, sequence=1) for number in (1, 2, 3)))
    assert series.cases == {}
    series.receive(statement(5, sequence=1))
    assert set(series.cases) == {"balance_chain_broken"}


def test_intraday_reports_between_statements_are_no_links() -> None:
    series = Series()
    series.receive(statement(1), statement(2, kind="report", sequence=9, opening="1.00"), statement(2))
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


def part(page: int, opening: str, closing: str, *, last: bool = False) -> StatementReceived:
    name = f"S1#{page}" if page > 1 else "S1"
    return statement(1, opening, closing, statement_id=name, page=page, last_page=last, content_digest=f"p{page}")


def test_a_statement_of_which_the_last_page_does_not_come_is_missing_like_one_that_does_not_come() -> None:
    series = Series()
    series.receive(statement(1, "10.00", "15.00", page=1, last_page=False))
    assert (series.instance.state, series.cases) == ("current", {})
    assert series.log[-1][1].due_at == datetime(2026, 9, 1, 8, tzinfo=UTC)
    series.fall_due()
    assert series.instance.state == "late"
    assert series.cases["statement_missing"].sentence == "Of statement 1 of 2026-08-31 page 2 is missing."
    series.tell(part(2, "15.00", "20.00", last=True), datetime(2026, 9, 1, 9, tzinfo=UTC))
    assert (series.instance.state, series.cases) == ("current", {})


def test_a_last_page_that_did_not_come_before_the_next_statement_is_missing() -> None:
    series = Series()
    series.receive(part(1, "10.00", "15.00"), statement(2))
    assert (series.instance.state, set(series.cases)) == ("broken", {"statement_missing"})


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_pages_are_a_chain_that_the_next_statement_goes_on_with(order: tuple[int, ...]) -> None:
    pages = {1: part(1, "10.00", "13.00"), 2: part(2, "13.00", "17.00"), 3: part(3, "17.00", "20.00", last=True)}
    series = Series()
    series.receive(statement(2), *(pages[number] for number in order))
    assert (series.instance.state, series.cases) == ("current", {})
    series.tell(part(2, "14.00", "17.00").model_copy(update={"content_digest": "other"}), morning_after(MONDAY))
    assert series.cases["balance_chain_broken"].sentence == (
        "Page 1 of statement 1 of 2026-08-31 ends with 13.00, page 2 begins with 14.00 EUR."
    )


def test_pages_that_all_say_the_statements_own_balances_follow_on_each_other() -> None:
    series = Series()
    series.receive(part(1, "10.00", "20.00"), part(2, "10.00", "20.00", last=True), statement(2))
    assert series.cases == {}


def test_a_statement_told_anew_with_fewer_pages_is_whole() -> None:
    series = Series()
    series.receive(part(1, "10.00", "15.00"), part(2, "15.00", "20.00", last=True), statement(1, content_digest="all"))
    assert set(series.cases) == {"statement_restated"}
    series.receive(statement(2))
    assert series.cases == {}


def test_statements_that_are_numbered_like_pages_are_a_chain_without_missing_pages() -> None:
    series = Series()
    days = (1, 2, 5)
    series.receive(*(statement(n, page=day, sequence=8, to_date=f"2026-09-0{day}") for n, day in enumerate(days, 1)))
    assert series.cases == {}
    series.receive(statement(5, page=8, sequence=8, to_date="2026-09-08"))
    assert series.cases["balance_chain_broken"].sentence.startswith(
        "Page 5 of statement 8 of 2026-09-08 ends with 40.00"
    )


def test_a_page_that_was_told_twice_is_doubled_and_its_number_may_be_absurd() -> None:
    series = Series()
    series.receive(part(999_999_999, "10.00", "20.00", last=True), part(999_999_999, "10.00", "20.00", last=True))
    assert series.cases["statement_missing"].sentence.endswith(" page 1 to 999999998 is missing.")
    assert "statement_doubled" in series.cases


def test_of_statements_with_very_many_pages_fewer_are_kept_and_always_two() -> None:
    series = Series()
    count = PAGES_KEPT // 2 + 1
    for number in (1, 2, 3):
        opening = f"{number * 10}.00"
        for page in range(1, count):
            body = statement(number, opening, opening, page=page, last_page=False, content_digest=f"{number}/{page}")
            series.tell(body, datetime(2026, 8, 31, 5, tzinfo=UTC))
        series.tell(statement(number, opening, page=count), datetime(2026, 8, 31, 5, tzinfo=UTC))
    assert isinstance(series.instance.data, SeriesStateV3)
    assert [link.sequence for link in series.instance.data.links] == [2, 3]
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
    assert isinstance(series.instance.data, SeriesStateV3)
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


def told(*tellings: tuple[str, ...], version: int = len(PROCESS.versions)) -> Series:
    """One statement's lines, telling by telling."""
    begun = PROCESS.new(f"DE/main/lines/{MONDAY}/1", "DE")
    series = Series(instance=replace(begun, version=version, data=PROCESS.version(version).initial))
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


def test_the_case_closes_when_a_later_telling_lists_it_again() -> None:
    series = told(("1.00", "2.00"), ("1.00",))
    tell_lines(series, 0, "1.00", "2.00")
    assert set(series.cases) == {"no_longer_listed"}
    tell_lines(series, 3, "1.00", "2.00")
    assert series.cases == {}


def test_what_only_an_older_telling_lists_is_missing_in_the_newest_in_whatever_order_they_come() -> None:
    tellings = {0: ("1.00", "2.00"), 1: ("1.00", "3.00"), 2: ("1.00",), 3: ("1.00", "3.00")}
    for order in permutations(tellings):
        series = told()
        for hour in order:
            tell_lines(series, hour, *tellings[hour])
        case = series.cases["no_longer_listed"]
        gone = case.sentence.partition("New:")[0]
        assert (case.amount, "2.00" in gone, "3.00" in gone) == (eur("2.00"), True, False)


def test_an_older_telling_changes_nothing_of_a_statement_of_the_version_before() -> None:
    series = told(("1.00", "2.00"), ("1.00",), version=4)
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
