"""Situations at the bank that the other tests pass by: days that differ, statements that overlap, locked periods."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from nostro.model.bank_days import CutOff, LocalRule
from nostro.model.facts import EntryReported, MoneyUnapplied
from nostro.model.intents import BookStatementLine
from nostro.model.outcomes import done
from nostro.processes.bank_movement import PROCESS
from nostro.processes.kit.process import take_in
from tests.movements import MONDAY, NOON, Bank, banking_entity, eur, fact, knows, replace, report
from tests.series import Series, morning_after, statement
from tests.stories import SmallRules

INVOICE = knows("invoice_number", "INV/2026/7", "collection", "DE/db/7")
TUESDAY = MONDAY + timedelta(days=1)


def bank() -> Bank:
    made = Bank(rules=SmallRules(of=banking_entity()))
    made.known.update(dict([INVOICE]))
    return made


def lines(made: Bank) -> list[BookStatementLine]:
    return [wanted.intent for _, wanted in made.commands.values() if isinstance(wanted.intent, BookStatementLine)]


def test_the_day_that_is_booked_is_the_booking_day_whatever_the_value_date_and_both_are_kept() -> None:
    made = bank()
    made.tell(report(invoice_hints=("INV/2026/7",), value_date=MONDAY + timedelta(days=3)))
    assert [line.booked_on for line in lines(made)] == [MONDAY]
    (movement,) = made.movements()
    assert [(r.booking_date, r.value_date) for r in movement.reports] == [(MONDAY, MONDAY + timedelta(days=3))]


def test_an_entry_that_tells_its_value_date_alone_is_booked_on_that() -> None:
    made = bank()
    made.tell(report(invoice_hints=("INV/2026/7",), booking_date=None, value_date=TUESDAY))
    assert [line.booked_on for line in lines(made)] == [TUESDAY]


def test_statements_that_overlap_count_each_movement_once() -> None:
    made = bank()
    first = [report(document="S1", place="0.00"), report(document="S1", place="100.00", twin=1, ordinal=1)]
    longer = [
        report(document="S2", place="0.00"),
        report(document="S2", place="100.00", twin=1, ordinal=1),
        report(document="S2", place="200.00", day=TUESDAY),
    ]
    made.tell(*first, *longer)
    made.wait()
    made.answer()
    assert sorted(line.booked_on for line in lines(made)) == [MONDAY, MONDAY, TUESDAY]
    assert made.open_cases() == set()
    assert made.proof().holds


REFERENCE = "2026083100017"
MOVED = {
    "its notification is told again": (
        report("notification", "N1", servicer_reference=REFERENCE),
        report("notification", "N2", day=TUESDAY, servicer_reference=REFERENCE),
    ),
    "its statement is restated": (
        report(place="0.00", servicer_reference=REFERENCE),
        report(place="0.00", day=TUESDAY, ordinal=1, servicer_reference=REFERENCE),
    ),
    "another statement lists it": (
        report(place="0.00", servicer_reference=REFERENCE),
        report(document="S2", place="700.00", day=TUESDAY, servicer_reference=REFERENCE),
    ),
    "the other way round": (
        report(document="S2", place="700.00", day=TUESDAY, servicer_reference=REFERENCE),
        report(place="0.00", servicer_reference=REFERENCE),
    ),
    "announced before": (
        report("notification", "N1", servicer_reference=REFERENCE),
        report(place="0.00", servicer_reference=REFERENCE),
        report(document="S2", place="700.00", day=TUESDAY, servicer_reference=REFERENCE),
    ),
}


@pytest.mark.parametrize("told", MOVED.values(), ids=list(MOVED))
def test_an_entry_that_is_told_again_with_another_booking_date_counts_once_and_is_a_case(
    told: tuple[EntryReported, ...],
) -> None:
    made = bank()
    for body in told:
        made.tell(body)
        made.wait()
        made.answer()
    assert (made.balance(), len(lines(made)), made.open_cases()) == (10_000, 1, {"possible_double"})
    [case] = made.cases.values()
    [(first, _, _), *_] = made.log
    assert (case.amount, case.candidates) == (eur("100.00"), (first.id,))
    assert made.proof().holds
    (again,) = set(made.instances) - {first}
    made.tell(report("notification", "N9", day=told[-1].booking_date, servicer_reference=REFERENCE))
    assert made.open_cases() == {"possible_double"}, "either day may be told once more; a person decides"
    made.confirm(again, "bank_movement", first.id)
    assert (made.balance(), len(lines(made)), made.open_cases()) == (10_000, 1, set())


@pytest.mark.parametrize(
    "again",
    [
        report(document="S2", place="700.00", day=TUESDAY, servicer_reference="17"),
        report(place="100.00", rank=1, day=TUESDAY, servicer_reference=REFERENCE),
        report(document="S2", place="700.00", day=MONDAY + timedelta(days=11), servicer_reference=REFERENCE),
        report(document="S2", place="700.00", day=TUESDAY, end_to_end="E2", servicer_reference=REFERENCE),
    ],
    ids=["a number", "one document lists both", "weeks later", "another payment"],
)
def test_what_only_shares_a_reference_with_a_movement_of_another_day_is_counted(again: EntryReported) -> None:
    made = bank()
    reference = again.servicer_reference
    made.tell(report(place="0.00", servicer_reference=reference, end_to_end="E1"), again)
    assert (made.balance(), made.open_cases()) == (20_000, set())


def test_a_movement_of_the_first_version_goes_on_as_it_began() -> None:
    first, again = (fact(body) for body in MOVED["another statement lists it"])
    decisions = []
    for version in PROCESS.versions:
        begun = replace(PROCESS.new("DE/main/m", "DE"), version=version.machine.version, data=version.initial)
        after = take_in(PROCESS, begun, first, bank().rules, NOON).after
        decisions.append(take_in(PROCESS, after, again, bank().rules, NOON).decision)
    assert [decision.rule for decision in decisions] == ["reported: other", *["reported: contrary"] * 4]


def test_a_line_that_the_erp_moved_out_of_a_locked_period_keeps_both_days_and_pays_on_the_banks() -> None:
    made = bank()
    made.tell(report(invoice_hints=("INV/2026/7",)))
    made.answer(done(statement_line=1001, move=1, notes={"date": "2026-09-30"}))
    (movement,) = made.movements()
    assert (movement.booked_on, movement.steps.ends["book/0"].booked_on) == (MONDAY, "2026-09-30")
    assert [getattr(body, "booked_on", None) for body in made.emitted] == [MONDAY]


def test_what_nobody_is_known_for_keeps_amount_payer_and_text_for_whoever_looks() -> None:
    made = bank()
    made.tell(report(amount=eur("12.34"), text="thank you", payer="FR7630006000011234567890189"))
    made.wait()
    made.answer()
    (unapplied,) = made.emitted
    assert isinstance(unapplied, MoneyUnapplied)
    assert (unapplied.amount, unapplied.remittance) == (eur("12.34"), "thank you")


class Holidays(SmallRules):
    """Weekends and Tuesday 1 September are closed."""

    def cut_off(self, rule: LocalRule, day: date, later: int = 0) -> CutOff:
        open_days = [on for n in range(30) if (on := day + timedelta(days=n)).weekday() < 5 and on != TUESDAY]
        on = open_days[later]
        return CutOff(rule=rule, day=on, at=datetime.combine(on, rule.by, UTC))


def test_no_statement_is_missing_of_a_bank_holiday() -> None:
    series = Series(rules=Holidays(of=banking_entity()))
    series.receive(statement(1))
    assert series.log[-1][1].due_at == datetime.combine(MONDAY + timedelta(days=3), time(8), UTC)
    series.tell(statement(3, opening="20.00", sequence=2), morning_after(MONDAY + timedelta(days=2)))
    assert (series.instance.state, series.cases) == ("current", {})
