"""A difference is explained by a case that can be about it, and by no other that happens to have its amount."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nostro.model.money import Money
from nostro.processes.registry import PROCESSES
from nostro.projections.worklist import OpenCase
from nostro.runtime.demo.judge import BANK, CARD
from nostro.runtime.demo.proof import EXPLAINS, Difference, not_explained

TEN, NOTHING = Money.of("10.00", "EUR"), Money.zero("EUR")
LOST = Difference(f"lost {CARD}", "DE", "a card payment", NOTHING, TEN, "odoo/7")
CASE = OpenCase(
    "C-1", "collection", "odoo/7", "DE", "booking_failed", "Refused.", TEN, datetime(2026, 8, 31, tzinfo=UTC)
)


def explained(apart: Difference, cases: list[OpenCase]) -> bool:
    """Whether these cases explain it."""
    return list(not_explained([apart], cases)) == []


@pytest.mark.parametrize("reason", ["chargeback", "chargeback_lost", "paid_twice", "returned_payment", "inquiry"])
def test_a_payment_that_was_never_booked_is_not_excused_by_what_else_happened_to_it(reason: str) -> None:
    assert explained(LOST, [CASE])
    assert not explained(LOST, [replace(CASE, reason=reason)])
    assert not explained(LOST, [replace(CASE, reason=reason, subject="odoo/8")])


def test_an_amount_says_something_with_a_reason_and_in_its_own_entity() -> None:
    elsewhere = replace(CASE, subject="unapplied/1", reason="unapplied_money")
    spare = replace(LOST, kind=f"spare {CARD}")
    assert explained(spare, [elsewhere])
    assert not explained(spare, [replace(elsewhere, entity="US")])
    assert not explained(spare, [replace(elsewhere, amount=Money.of("9.00", "EUR"))])
    assert not explained(LOST, [elsewhere])
    assert not explained(replace(LOST, kind=f"lost {BANK}"), [elsewhere])


def test_an_amount_explains_one_difference_and_several_may_add_up_to_one() -> None:
    spare = replace(LOST, kind=f"spare {CARD}", subject="")
    case = replace(CASE, id="C-2", subject="unapplied/1", reason="unapplied_money")
    other = replace(case, id="C-3", subject="unapplied/2")
    assert list(not_explained([spare, spare], [case])) == [spare]
    assert list(not_explained([spare, spare], [case, other])) == []
    twice = replace(spare, theirs=TEN + TEN)
    assert list(not_explained([twice, spare], [case, other])) == [spare]


def test_what_is_doubled_at_the_bank_is_excused_by_nothing() -> None:
    twice = replace(LOST, kind=f"doubled {BANK}")
    assert not any(explained(twice, [replace(CASE, reason=reason)]) for reason in set().union(*EXPLAINS.values()))


def test_the_table_names_cases_that_there_are() -> None:
    known = {reason for process in PROCESSES for one in process.versions for reason in one.machine.case_reasons}
    assert set().union(*EXPLAINS.values()) <= known
