"""What a person's release makes of a step that had failed, by what he saw of it."""

from __future__ import annotations

import pytest

from nostro.model.facts import CommandReleased
from nostro.model.ids import IdempotencyKey
from nostro.model.outcomes import OutcomeKind
from nostro.processes.kit.following import StepEnd, Steps

FAILED = Steps(ends={"book/0": StepEnd(kind=OutcomeKind.FAILED, generation=1)}, generations={"book/0": 1})


def released(status: str | None, generation: int = 1) -> Steps:
    key = IdempotencyKey("payout", "po_1", "book", 0, generation).text
    return FAILED.released(CommandReleased(act="ACT1", key=key, verdict="release", status=status))


@pytest.mark.parametrize("status", ["failed", None])
def test_who_saw_that_it_failed_or_did_not_say_what_he_saw_has_it_tried_again(status: str | None) -> None:
    assert released(status) == Steps(ends={}, generations={"book/0": 2})


@pytest.mark.parametrize("status, generation", [("proposed", 1), ("handed_over", 1), ("failed", 0)])
def test_who_saw_it_wait_or_an_earlier_try_that_failed_has_not_asked_for_another(status: str, generation: int) -> None:
    assert released(status, generation) is FAILED
