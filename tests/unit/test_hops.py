"""Facts that lead to each other and look-ups that follow each other: two bounds in one number."""

from __future__ import annotations

import pytest

from nostro.engine.hops import HOPS, LOOKUPS, answered, bound, emitted
from nostro.model.failures import Endless
from nostro.processes.kit.decision import Decision, Lookup
from tests.integration.synthetic import payout

SMALLINT = -32_768
ASKS = Decision("counting", lookup=Lookup((), 60, ("payout",)))
TELLS = Decision("counting", emits=(payout("po_1"),))


def test_look_ups_of_each_subject_are_counted_by_themselves_and_facts_over_all_of_them() -> None:
    hops = 0
    for told in range(HOPS):
        assert told == hops
        bound(hops, TELLS)
        asked = hops
        for _ in range(LOOKUPS):
            bound(asked, ASKS)
            asked = answered(asked)
            bound(asked, TELLS)
        assert asked >= SMALLINT, "what the column of the queue holds"
        with pytest.raises(Endless, match="look-ups"):
            bound(asked, ASKS)
        hops = emitted(asked)
    with pytest.raises(Endless, match="facts"):
        bound(hops, TELLS)
    bound(hops, ASKS)


def test_the_last_release_goes_on_with_what_asked_many_look_ups() -> None:
    """It counts both alike, and stops at 64."""
    hops = 3
    for _ in range(100):
        hops = answered(hops)
    assert hops + 1 < HOPS
    assert emitted(hops + 1) == 5, "one that it told, and one of ours"
