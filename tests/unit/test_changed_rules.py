"""Rules that change between two facts: the subject goes on, and what was shown under the old ones is not left open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from nostro.model.facts import MoneyUnapplied
from nostro.model.failures import FailureKind
from nostro.model.ids import Subject
from nostro.model.intents import BookJournalEntry
from nostro.model.outcomes import failed
from tests.changing_rules import Bundle, bundle
from tests.money_world import TOTAL, capture, dispute, invoice, payout_told
from tests.movements import MONDAY, Bank, report
from tests.series import Series, morning_after, statement
from tests.stories import NOON, House, fact

USUAL = bundle()
UNAWAITED = bundle(expected_by="")
UNKNOWN = bundle(account=False)
DENIED = bundle(posts=False)
REFUSED = failed(FailureKind.CONFLICT, "the period is closed")


def movement(made: Bank) -> tuple[str, set[str]]:
    """Where the only movement stands, and its open cases."""
    return made.instances[made.only()].state, made.open_cases()


def notified(rules: Bundle = USUAL) -> Bank:
    """A movement that a notification told of; its line is booked."""
    made = Bank(rules=rules)
    made.tell(report("notification", "N1"))
    made.answer()
    return made


@pytest.mark.parametrize("rules", [UNAWAITED, UNKNOWN], ids=["no statements", "no account"])
def test_a_movement_whose_statement_nobody_expects_any_more_is_settled_when_it_falls_due(rules: Bundle) -> None:
    made = notified()
    assert movement(made) == ("booked", set())
    made.rules = rules
    made.tell(report("report", "R1"))
    assert movement(made)[0] in ("booked", "settled")
    made = notified()
    made.rules = rules
    made.fall_due(made.only())
    assert movement(made) == ("settled", set())


@pytest.mark.parametrize("rules", [UNAWAITED, UNKNOWN], ids=["no statements", "no account"])
def test_a_movement_that_no_statement_lists_is_not_missed_where_none_is_expected_any_more(rules: Bundle) -> None:
    made = notified()
    made.fall_due(made.only())
    assert movement(made) == ("unlisted", {"not_in_statement"})
    made.rules = rules
    made.tell(report("report", "R1"))
    assert movement(made) == ("settled", set())


def test_a_settled_movement_stays_so_when_statements_are_expected_from_now_on() -> None:
    made = notified(UNAWAITED)
    made.rules = USUAL
    made.tell(report("report", "R1"))
    assert movement(made) == ("settled", set())


@pytest.mark.parametrize("rules", [DENIED, UNKNOWN], ids=["no row", "no account"])
def test_a_line_that_was_asked_for_is_awaited_although_the_rules_would_not_ask_for_it_now(rules: Bundle) -> None:
    made = Bank(rules=USUAL)
    made.tell(report())
    made.rules = rules
    made.tell(report("report", "R1"))
    made.fall_due(made.only())
    assert movement(made) == ("booking", {"statement_line_late"})
    made.answer()
    assert movement(made) == ("settled", set())
    assert [type(body) for body in made.emitted] == [MoneyUnapplied]


@pytest.mark.parametrize("rules", [DENIED, UNKNOWN], ids=["no row", "no account"])
def test_a_refused_line_that_the_rules_would_not_ask_for_now_is_released_out_of_the_books(rules: Bundle) -> None:
    made = Bank(rules=USUAL)
    made.tell(report())
    made.rules = rules
    made.answer(REFUSED)
    made.tell(report("report", "R1"))
    assert movement(made) == ("failed", {"statement_line_failed"})
    made.release(made.only())
    assert (*movement(made), len(made.commands)) == ("settled", {"movement_not_posted"}, 1)


@pytest.mark.parametrize("rules", [DENIED, UNKNOWN], ids=["no row", "no account"])
def test_what_was_kept_out_of_the_books_is_not_booked_in_hindsight_and_stays_shown(rules: Bundle) -> None:
    made = Bank(rules=rules)
    made.tell(report("notification", "N1"))
    kept_out = movement(made)
    assert kept_out[1] == {"movement_not_posted"}
    made.rules = USUAL
    made.tell(report("report", "R1"))
    assert movement(made) == kept_out
    made.tell(report("statement", "S1"))
    assert (*movement(made), made.commands) == ("settled", {"movement_not_posted"}, {})


def test_a_movement_on_a_bank_account_that_the_landscape_no_longer_knows_says_why_it_is_not_booked() -> None:
    made = Bank(rules=UNKNOWN)
    made.tell(report())
    case = made.cases[made.only(), "movement_not_posted"]
    assert case.sentence == "The landscape no longer knows the bank account main: 100.00 EUR is not booked."
    assert made.proof().holds


def test_a_late_line_is_shown_once_lines_leave_by_themselves_and_no_longer_when_it_is_booked() -> None:
    made = Bank(rules=bundle(mode="propose"))
    made.tell(report())
    made.fall_due(made.only())
    assert movement(made) == ("booking", set())
    made.rules = USUAL
    made.fall_due(made.only())
    assert movement(made) == ("booking", {"statement_line_late"})
    made.rules = bundle(mode="propose")
    made.answer()
    assert movement(made) == ("settled", set())


class Beside(Bundle):
    """The same, but that another company over the same connection begins in observe."""

    def mode(self, connection: str, operation: str, entity: str = "") -> Literal["observe", "propose", "act"]:
        return super().mode(connection, operation, entity) if entity else "observe"


def test_a_late_line_stays_shown_where_another_company_begins_to_observe() -> None:
    made = Bank(rules=USUAL)
    made.tell(report())
    made.fall_due(made.only())
    made.rules = Beside(of=USUAL.of)
    made.fall_due(made.only())
    assert movement(made) == ("booking", {"statement_line_late"})


def test_a_statement_is_awaited_for_five_days_where_no_calendar_says_for_how_long() -> None:
    made = Bank(rules=bundle(reaches=False))
    made.tell(report("notification", "N1"))
    made.answer()
    assert (made.log[-1][2].after.state, made.log[-1][2].due_at) == ("booked", NOON + timedelta(days=5))


def series(*told: int, rules: Bundle = USUAL) -> Series:
    """A series of which the statements of these days were told."""
    made = Series(rules=rules)
    made.receive(*(statement(number) for number in told))
    return made


@pytest.mark.parametrize("rules", [UNAWAITED, UNKNOWN], ids=["no statements", "no account"])
def test_a_statement_that_nobody_expects_any_more_is_not_missing(rules: Bundle) -> None:
    made = series(1)
    made.rules = rules
    made.fall_due()
    assert (made.instance.state, made.cases, made.instance.deadline_revision) == ("kept", {}, 0)


@pytest.mark.parametrize("rules", [UNAWAITED, UNKNOWN], ids=["no statements", "no account"])
@pytest.mark.parametrize("then", ["deadline", "report", "statement"])
def test_one_that_is_overdue_is_missing_no_more_once_nobody_expects_it(rules: Bundle, then: str) -> None:
    made = series(1)
    made.fall_due()
    assert (made.instance.state, set(made.cases)) == ("late", {"statement_missing"})
    made.rules = rules
    if then == "deadline":
        overdue = made.log[-1][1]
        assert overdue.deadline == "overdue"
        made.fall_due()
    else:
        made.tell(statement(2, kind=then), morning_after(MONDAY + timedelta(days=4)))
    assert (made.instance.state, made.cases) == ("kept", {})


def begun_late(rules: Bundle) -> Series:
    """The account is alive since Monday; its first statement is Thursday's."""
    made = Series(rules=rules)
    made.tell(statement(1, kind="report"), morning_after(MONDAY))
    made.receive(statement(4))
    return made


def test_statements_before_the_first_are_missing_from_when_they_are_expected() -> None:
    made = begun_late(UNAWAITED)
    assert (made.instance.state, made.cases) == ("kept", {})
    made.rules = USUAL
    made.receive(statement(5))
    assert (made.instance.state, set(made.cases)) == ("broken", {"statement_missing"})


def test_statements_before_the_first_are_missing_no_more_once_nobody_expects_them() -> None:
    made = begun_late(USUAL)
    assert (made.instance.state, set(made.cases)) == ("broken", {"statement_missing"})
    made.rules = UNAWAITED
    made.receive(statement(5))
    assert (made.instance.state, made.cases) == ("kept", {})


def test_a_gap_in_the_numbers_stays_shown_whoever_expects_the_next_one() -> None:
    made = series(1, 3)
    made.rules = UNAWAITED
    made.receive(statement(4))
    assert (made.instance.state, set(made.cases)) == ("kept", {"statement_missing"})
    made.rules = USUAL
    made.receive(statement(5))
    assert (made.instance.state, set(made.cases)) == ("broken", {"statement_missing"})
    made.tell(statement(2), datetime(2026, 9, 5, 6, tzinfo=UTC))
    assert (made.instance.state, made.cases) == ("current", {})


def test_a_payout_that_arrives_beyond_every_calendar_is_awaited_for_a_week() -> None:
    house = House(rules=bundle(reaches=False))
    body = payout_told(TOTAL, "in_transit").body
    house.tell(fact(body.model_copy(update={"automatic": False})))
    _, _, taken = house.log[-1]
    assert (taken.after.state, taken.due_at) == ("expecting", NOON + timedelta(days=7))


def test_a_dispute_beyond_the_bundles_clocks_has_its_day_in_utc() -> None:
    house = House()
    house.tell(invoice(1), capture(1, TOTAL, 1))
    house.answer_all()
    house.rules = bundle(reaches=False)
    house.tell(dispute(1, TOTAL, "open", "withdrawn"))
    [entry] = [wanted.intent for _, wanted in house.commands.values() if isinstance(wanted.intent, BookJournalEntry)]
    assert entry.booked_on == NOON.date()
    assert house.state(Subject("collection", "DE/db/1")) == "booking"
