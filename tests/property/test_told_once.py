"""Whatever is told, answered and chosen, in whatever order: all money is told to somebody once, or shown."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, cast

from hypothesis import given, note
from hypothesis import strategies as st

from nostro.model.facts import (
    CollectionCredited,
    EntryReported,
    MoneyUnapplied,
    MovementRelated,
    PayoutCredited,
)
from nostro.model.facts.bank import EntryPart
from nostro.model.failures import FailureKind
from nostro.model.ids import Subject
from nostro.model.outcomes import failed
from nostro.processes.bank_movement import PROCESS
from nostro.processes.bank_movement.v1.state import MovementState
from nostro.processes.kit.machine import Waiting
from tests.movements import MONDAY, Bank, eur, knows, report

KNOWN = (
    knows("invoice_number", "INV/7", "collection", "DE/db/7"),
    knows("invoice_number", "INV/8", "collection", "DE/db/8"),
    knows("structured", "RF18539007547034", "collection", "DE/db/9"),
    knows("psp", "po_1", "payout", "psp/po_1", ""),
    knows("psp", "po_2", "payout", "psp/po_2", ""),
    knows("psp", "dp_1", "collection", "DE/db/7", ""),
)
HINTS = ("INV/7", "INV/8", "INV/9", "po_1", "po_2", "dp_1")
hints = st.lists(st.sampled_from(HINTS), max_size=3, unique=True).map(tuple)
parts = st.one_of(
    st.just(()),
    st.tuples(*(st.builds(EntryPart, amount=st.just(eur(worth)), invoice_hints=hints) for worth in ("60.00", "40.00"))),
    st.tuples(
        *(
            st.builds(EntryPart, amount=st.just(eur(worth)), invoice_hints=hints)
            for worth in ("50.00", "20.00", "30.00")
        )
    ),
)
tellings = st.builds(
    report,
    st.sampled_from(["statement", "report", "notification"]),
    st.sampled_from(["A", "B"]),
    direction=st.sampled_from(["credit", "credit", "debit"]),
    day=st.sampled_from([MONDAY, MONDAY, MONDAY + timedelta(days=1)]),
    servicer_reference=st.sampled_from(["X1", "X1", ""]),
    bank_transaction_code=st.sampled_from(["", "", "", "PMNT-MCOP-CHRG"]),
    return_reason=st.sampled_from(["", "", "MD06"]),
    original_end_to_end=st.just("E-1"),
    end_to_end=st.sampled_from(["", "E-1", "INV/7"]),
    structured=st.sampled_from(["", "", "RF18539007547034"]),
    invoice_hints=hints,
    parts=parts,
    twin=st.integers(0, 1),
)
TARGETS = ("collection DE/db/7", "collection DE/db/8", "collection DE/db/5", "payout psp/po_1", "payout psp/po_2")
acts = st.one_of(
    tellings,
    st.sampled_from([*KNOWN]),
    st.tuples(st.sampled_from(["expire", "answer", *TARGETS]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["expire", "answer", "refuse", "release", "due", "own", "other"]), st.integers(0, 2)),
)
stories = st.builds(
    lambda known, begin, acts: [*known, begin, *acts],
    st.lists(st.sampled_from([*KNOWN]), max_size=4, unique_by=str),
    tellings,
    st.lists(acts, max_size=12),
)


@given(stories)
def test_all_money_of_a_movement_is_told_once_or_shown_to_a_person(story: list[Any]) -> None:
    bank = Bank()
    for act in story:
        _do(bank, act)
        note("\n".join(bank.story()[-3:]))
        assert {finding.account for finding in bank.proof().findings} <= {"unexplained/DE"}
        told = told_by(bank)
        for subject, instance in bank.instances.items():
            data = cast("MovementState", instance.data)
            assert told[subject.id] <= data.total.minor
            if instance.state in ("booked", "unlisted", "settled") and not data.banks_own:
                came_back = sum(abs(back.amount.minor) for back in data.taken)
                shown = {reason for about, reason in bank.cases if about == subject}
                short = data.total.minor - told[subject.id] > came_back
                assert not short or shown & {"ambiguous_match", "unexplained_debit"}


@given(stories)
def test_whoever_is_named_by_a_case_of_a_movement_can_be_chosen_and_closes_or_lessens_it(story: list[Any]) -> None:
    bank = Bank()
    for act in story:
        _do(bank, act)
    for (subject, reason), case in list(bank.cases.items()):
        if reason == "ambiguous_match" and case.candidates:
            process, _, target = case.candidates[0].partition("/")
            told = told_by(bank)[subject.id]
            bank.confirm(subject, process, target)
            left = bank.cases.get((subject, reason))
            assert left is None or (left.amount, left.candidates) != (case.amount, case.candidates)
            assert told_by(bank)[subject.id] >= told
    assert {finding.account for finding in bank.proof().findings} <= {"unexplained/DE"}


def told_by(bank: Bank) -> Counter[str]:
    """What others were told of each movement, in minor units."""
    told: Counter[str] = Counter()
    for body in (body for *_, transition in bank.log for body in transition.decision.emits):
        match body:
            case CollectionCredited() | MoneyUnapplied() | PayoutCredited() | MovementRelated(relation="returned"):
                told[body.movement] += abs(body.amount.minor)
    return told


def _do(bank: Bank, act: Any) -> None:  # noqa: ANN401 - a telling, something known, or an act
    if isinstance(act, EntryReported):
        bank.tell(act)
    elif act in KNOWN:
        bank.learn(act)
    elif act[0] == "expire":
        if bank.lookups:
            bank.expire(act[1] % len(bank.lookups))
    elif act[0] in ("answer", "refuse"):
        bank.answer(failed(FailureKind.REFUSED, "no") if act[0] == "refuse" else None)
    elif bank.instances:
        _to_one(bank, act[0], sorted(bank.instances)[act[1] % len(bank.instances)])


def _to_one(bank: Bank, act: str, subject: Subject) -> None:
    waits = isinstance(PROCESS.versions[-1].machine.states[bank.instances[subject].state], Waiting)
    if act == "due" and waits:
        bank.fall_due(subject)
    elif act == "release" and any(asked == subject for asked, _ in bank.commands.values()):
        bank.release(subject)
    elif act in ("own", "other"):
        others = [one for one in bank.instances if one != subject]
        bank.confirm(subject, "bank_movement", (others[0] if others and act == "other" else subject).id)
    elif act in TARGETS:
        bank.confirm(subject, *act.split(" "))
