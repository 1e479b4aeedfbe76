"""When the next statement of a bank account is due, whatever day the last one is of and whatever comes in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from nostro.model.bank_days import CutOff, LocalRule
from nostro.model.entities import LegalEntity
from nostro.processes.statement_series import PROCESS
from tests.movements import MONDAY, banking_entity
from tests.series import Series, statement
from tests.stories import SmallRules

FRIDAY, SATURDAY, SUNDAY = (MONDAY - timedelta(days=days) for days in (3, 2, 1))
TUESDAY = MONDAY + timedelta(days=1)


class Weekdays(SmallRules):
    """A bank that is closed on Saturdays and Sundays."""

    def cut_off(self, rule: LocalRule, day: date, later: int = 0) -> CutOff:
        found = _open(day)
        for _ in range(later):
            found = _open(found + timedelta(days=1))
        return CutOff(rule=rule, day=found, at=datetime.combine(found, rule.by, UTC))


def _open(day: date) -> date:
    return day if day.weekday() < SATURDAY.weekday() else _open(day + timedelta(days=1))


def series_of(version: int = 5, entity: LegalEntity | None = None) -> Series:
    begun = replace(
        PROCESS.new("DE/main/statement", "DE"), version=version, data=PROCESS.version(version).initial
    )  # fmt: skip
    return Series(rules=Weekdays(of=entity or banking_entity()), instance=begun)


def at(day: date, hour: int = 6) -> datetime:
    return datetime.combine(day, time(hour), UTC)


@pytest.mark.parametrize("day", [FRIDAY, SATURDAY, SUNDAY], ids=str)
def test_the_statement_after_a_weekend_is_due_on_the_morning_after_its_day(day: date) -> None:
    series = series_of()
    transition = series.tell(statement(1, to_date=day), at(SUNDAY, 20))
    assert transition.due_at == at(TUESDAY, 8)


def test_a_series_of_the_version_before_waits_a_day_longer_after_a_saturday() -> None:
    transition = series_of(version=4).tell(statement(1, to_date=SATURDAY), at(SUNDAY, 20))
    assert transition.due_at == at(TUESDAY + timedelta(days=1), 8)


def test_a_report_of_days_before_moves_no_deadline() -> None:
    series = series_of()
    first = series.tell(statement(1), at(TUESDAY))
    older = statement(2, kind="report", sequence=None, to_date=FRIDAY, content_digest="r")
    transition = series.tell(older, at(TUESDAY, 9))
    assert (series.instance.state, set(series.cases)) == ("broken", {"statement_missing"})
    assert transition.due_at == first.due_at


def test_a_report_after_statements_are_awaited_again_says_when_the_next_one_is_due() -> None:
    [account] = banking_entity().bank_accounts
    quiet = account.model_copy(update={"statement_expected_by": ""})
    entity = banking_entity().model_copy(update={"bank_accounts": (quiet,)})
    series = series_of(entity=entity)
    series.tell(statement(1), at(TUESDAY))
    assert series.instance.state == "kept"
    series.rules = Weekdays(of=banking_entity())
    report = statement(2, kind="report", sequence=None, to_date=TUESDAY, content_digest="r")
    transition = series.tell(report, at(TUESDAY, 9))
    assert (series.instance.state, transition.due_at) == ("current", at(TUESDAY + timedelta(days=1), 8))
