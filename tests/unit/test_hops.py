"""Facts that lead to each other and questions that follow each other: two bounds in one number."""

from __future__ import annotations

import pytest

from nostro.engine.hops import HOPS, QUESTIONS, answered, bound, emitted
from nostro.model.failures import Endless
from nostro.processes.kit.decision import Decision, Lookup
from tests.integration.synthetic import payout

SMALLINT = -32_768
ASKS = Decision("counting", lookup=Lookup((), 60, ("payout",)))
TELLS = Decision("counting", emits=(payout("po_1"),))
PASSES_ON = Decision("counting", emits=(payout("po_1"),), disowns=True)


@pytest.mark.parametrize("asks", [ASKS, PASSES_ON])
def test_questions_are_counted_by_themselves_and_facts_over_all_of_them(asks: Decision) -> None:
    hops = 0
    for told in range(HOPS):
        assert told == hops
        bound(hops, TELLS)
        asked = hops
        for _ in range(QUESTIONS):
            bound(asked, asks)
            asked = emitted(asked, passed_on=True) if asks.disowns else answered(asked)
            bound(asked, TELLS)
        assert asked >= SMALLINT, "what the column of the queue holds"
        with pytest.raises(Endless, match="questions"):
            bound(asked, asks)
        hops = emitted(asked)
    with pytest.raises(Endless, match="facts"):
        bound(hops, TELLS)


def test_the_last_release_goes_on_with_what_asked_often() -> None:
    """It counts both alike, and stops at 64."""
    hops = 3
    for _ in range(100):
        hops = answered(hops)
    assert hops + 1 < HOPS
    assert emitted(hops + 1) == 5, "one that it told, and one of ours"
