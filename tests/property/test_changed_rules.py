"""Whatever rules come into force between two facts: nothing is set aside, awaited for ever, or shown wrongly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from nostro.model.facts import ReceiptRead, StatementReceived
from nostro.model.failures import FailureKind
from nostro.model.outcomes import OutcomeKind, failed, handed_over
from nostro.model.series import breaks
from nostro.model.statements import Direction
from nostro.processes.bank_movement.v1.effects import BOOK
from nostro.processes.bank_movement.v3.state import MovementStateV3
from nostro.processes.kit.machine import Waiting
from nostro.processes.kit.process import Transition, take_in
from nostro.processes.registry import PROCESSES, by_name
from nostro.processes.statement_series.v3.state import SeriesStateV3
from tests.changing_rules import Bundle, awaiting, bundle, bundles
from tests.money_world import World, invoice
from tests.movements import MONDAY, Bank, report
from tests.property.test_bank_movement import INVOICES, counted, directions
from tests.property.test_bank_movement import tellings as entries
from tests.series import Series, statement
from tests.stories import NOON, House, fact

pytestmark = pytest.mark.timeout(240)
LISTS = ("statement_missing", "balance_chain_broken")
ENDS = {"answer": None, "refuse": failed(FailureKind.REFUSED, "no"), "hand over": handed_over("who knows")}


def waits(process: str, state: str) -> bool:
    """Whether something is awaited in that state."""
    return isinstance(by_name()[process].versions[-1].machine.states[state], Waiting)


def test_these_histories_are_about_every_process() -> None:
    told = {"collection", "payout", "bank_movement", "statement_series", "receipt"}
    assert {process.name for process in PROCESSES} == told


acts = st.sampled_from([*ENDS, "wait", "due", "due", "release", "own", "choose"])


@settings(max_examples=200)
@given(directions, st.lists(st.one_of(entries, acts, acts, bundles), max_size=16))
def test_a_bank_movement_goes_on_under_whatever_rules(direction: Direction, story: list[Any]) -> None:
    bank = Bank(known=dict(INVOICES))
    for act in story:
        note(str(act))
        if isinstance(act, Bundle):
            bank.rules = act
        elif isinstance(act, str):
            _do(bank, act)
        else:
            bank.tell(report(direction=direction, servicer_reference="X", **act))
        assert bank.balance() == sum(counted(bank))
        assert {finding.account for finding in bank.proof().findings} <= {"unexplained/DE"}
        _demand_true_cases(bank)


def _do(bank: Bank, act: str) -> None:
    if act == "wait":
        bank.wait()
    elif act in ENDS:
        bank.answer(ENDS[act])
    for subject in list(bank.instances):
        if act == "due" and subject in awaiting(bank.log):
            bank.fall_due(subject)
        elif act == "release" and any(known == subject for known, _ in bank.commands.values()):
            bank.release(subject)
        elif act in ("own", "choose"):
            bank.confirm(subject, *(("bank_movement", subject.id) if act == "own" else ("collection", "DE/db/8")))


def _demand_true_cases(bank: Bank) -> None:
    deadlines = awaiting(bank.log)
    for subject, instance in bank.instances.items():
        data, state = instance.data, instance.state
        assert isinstance(data, MovementStateV3)
        shown = {reason for of, reason in bank.cases if of == subject}
        end = data.steps.end(BOOK)
        assert not waits("bank_movement", state) or subject in deadlines
        assert ("not_in_statement" in shown) == (state == "unlisted")
        assert "statement_line_late" not in shown or state == "booking"
        assert ("statement_line_failed" in shown) == (end is not None and end.kind is OutcomeKind.FAILED)
        kept_out = state in ("booked", "unlisted", "settled") and end is None and bool(data.counted.total)
        assert ("movement_not_posted" in shown) == kept_out


statements = st.builds(
    lambda number, kind, opening: statement(number, opening, kind=kind),
    st.integers(1, 5),
    st.sampled_from(["statement", "statement", "report"]),
    st.sampled_from(["", "", "7.00"]),
)


@settings(max_examples=200)
@given(st.lists(st.one_of(statements, st.just("due"), bundles), max_size=14), st.lists(st.integers(0, 40), min_size=14))
def test_a_series_of_statements_goes_on_under_whatever_rules(story: list[Any], hours: list[int]) -> None:
    series, at = Series(), datetime.combine(MONDAY + timedelta(days=1), NOON.time(), UTC)
    for act, passed in zip(story, hours, strict=False):
        note(str(act))
        at += timedelta(hours=passed)
        if isinstance(act, Bundle):
            series.rules = act
        elif isinstance(act, StatementReceived):
            series.tell(act, at)
        elif _awaits(series):
            series.fall_due()
        if series.log:
            _demand_true_state(series)


def _awaits(series: Series) -> bool:
    return bool(awaiting((series.instance.subject, *taken) for taken in series.log))


def _demand_true_state(series: Series) -> None:
    data, state, shown = series.instance.data, series.instance.state, series.cases.keys()
    assert isinstance(data, SeriesStateV3)
    assert not waits("statement_series", state) or _awaits(series) or state == "late"
    assert (state in ("late", "broken")) == (not shown.isdisjoint(LISTS)) or state == "kept"
    assert state != "late" or "statement_missing" in shown
    assert state != "kept" or set(LISTS) & shown == {found.reason for found in breaks(data.links)}


class Changing(House):
    """A house in which a state may stay although the rules of the hour call for another one."""

    def _standing(self, transition: Transition) -> str:
        return transition.after.state


@settings(max_examples=150)
@given(st.data())
def test_collections_and_payouts_go_on_under_whatever_rules(data: st.DataObject) -> None:
    house = Changing()
    house.tell(invoice(1), invoice(2), invoice(3, currency="USD"))
    world = World(house, lambda low, high: data.draw(st.integers(low, high)))
    for _ in range(data.draw(st.integers(1, 30))):
        if data.draw(st.integers(0, 3)) == 0:
            house.rules = data.draw(bundles)
        world.act()
        deadlines, shown = awaiting(house.log), {subject for subject, _ in house.cases}
        for subject, instance in house.instances.items():
            assert not waits(subject.process, instance.state) or subject in deadlines | shown


@given(bundles)
def test_a_receipt_is_decided_alike_under_whatever_rules(rules: Bundle) -> None:
    body = ReceiptRead.model_validate(
        {"receipt": "ab12", "digest": "00", "connection": "bank", "reading": 1}
        | dict.fromkeys(("items", "read", "duplicate", "ignored", "rejected"), 0)
    )
    receipt = by_name()["receipt"]
    told = {take_in(receipt, receipt.new("ab12", "DE"), fact(body), one, NOON).decision for one in (rules, bundle())}
    assert len(told) == 1
