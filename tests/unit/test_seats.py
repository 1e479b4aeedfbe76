"""Whose turn a place of a slot is: what follows from a call that is over, or who waits."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from nostro.egress.journal import Slot
from nostro.engine.claims import ANYBODY, NOBODY, Waiting
from nostro.engine.endings import Ending
from nostro.engine.seats import LATELY, PASSES, Seat
from nostro.model.clock import Now

NOW = Now(*[datetime(2026, 9, 2, 8, tzinfo=UTC)] * 2)
CRITICAL, STANDARD, BULK = range(3)
SOME = Waiting(STANDARD, lately=True)


def later(seconds: float) -> Now:
    return Now(NOW.business, NOW.machine + timedelta(seconds=seconds))


def seated(waiting: Waiting = NOBODY, most: int = 2, running: int = 0) -> Seat:
    """A slot whose claims have looked."""
    seat = Seat(Slot("psp", 0, 1, 1, "one"), cast("Any", None), cast("Any", None), most)
    for n in range(running):
        runs(seat, b"%d" % n)
    seat.looked(NOW, waiting)
    return seat


def runs(seat: Seat, name: bytes) -> None:
    seat.offered.discard(name)
    seat.running[name] = cast("Any", None)


def an_ending(*, committed: bool = True) -> Ending:
    return Ending(cast("Any", None), cast("Any", None), (), committed)


def takes(seat: Seat, lane: int = STANDARD, now: Now = NOW, *, fills: bool = True) -> bool:
    return seat.takes(b"next", lane, now, fills=fills)


def test_before_anybody_looked_nothing_passes() -> None:
    seat = seated()
    seat = Seat(seat.slot, seat.line, seat.journal, seat.most)
    assert not takes(seat, CRITICAL)
    assert seat.free(NOW) == 2


def test_where_nobody_waits_a_place_is_whoevers_comes() -> None:
    seat = seated(running=1)
    assert takes(seat, BULK, later(60), fills=False)
    assert not takes(seat)
    assert seat.waits == STANDARD, "it waits now"


@pytest.mark.parametrize(
    "waiting, lane, fills, passes",
    [
        (SOME, STANDARD, True, True),
        (SOME, CRITICAL, True, True),
        (SOME, STANDARD, False, False),
        (SOME, BULK, True, False),
        (Waiting(CRITICAL, lately=True), STANDARD, True, False),
        (Waiting(CRITICAL, lately=True), CRITICAL, True, False),
        (Waiting(STANDARD, lately=False), STANDARD, True, False),
        (Waiting(BULK, lately=False), STANDARD, True, False),
        (ANYBODY, CRITICAL, True, False),
    ],
)
def test_only_who_came_lately_and_is_not_more_critical_is_passed(
    waiting: Waiting, lane: int, *, fills: bool, passes: bool
) -> None:
    assert takes(seated(waiting), lane, fills=fills) is passes


def test_who_was_turned_away_waits_as_well() -> None:
    seat = seated(SOME, running=2)
    assert not takes(seat, CRITICAL)
    assert not takes(seat, BULK)
    assert seat.waits == CRITICAL
    seat.running.clear()
    assert not takes(seat, STANDARD)
    with seat.claims(1):
        pass
    seat.looked(NOW, SOME)
    assert takes(seat, STANDARD), "a claim has looked since"


def test_what_is_over_gives_its_place_to_what_follows_but_once() -> None:
    seat = seated(SOME, running=2)
    assert not takes(seat)
    with seat.ends(an_ending()):
        assert takes(seat)
        assert not takes(seat)


def test_no_more_than_twice_as_many_are_under_way_however_many_are_over() -> None:
    for running in (4, 5):
        seat = seated(running=running)
        with ExitStack() as over:
            for _ in range(running):
                over.enter_context(seat.ends(an_ending()))
            assert not takes(seat)
            assert seat.free(NOW) == 0


def test_who_is_seen_is_passed_only_after_a_look_also_where_there_is_a_place() -> None:
    for now in (later(LATELY.total_seconds()), later(-LATELY.total_seconds())):
        seat = seated(SOME)
        assert not takes(seat, now=now)
        seat = seated(SOME)
        seat.looked(now, SOME)
        assert takes(seat, now=now)


def test_a_look_allows_as_many_again() -> None:
    seat = seated(SOME, most=99)
    for n in range(2 * PASSES):
        assert seat.takes(b"begun %d" % n, STANDARD, NOW, fills=True)
        if n == PASSES - 1:
            seat.looked(NOW, SOME)
    assert not takes(seat)


@pytest.mark.parametrize("waiting", [NOBODY, SOME])
def test_a_place_that_was_never_free_is_taken_only_by_who_has_looked(waiting: Waiting) -> None:
    for begun, now, taken in ((PASSES - 1, NOW, True), (PASSES, NOW, False), (0, later(LATELY.total_seconds()), False)):
        seat = seated(waiting, most=99, running=98 - begun)
        for n in range(begun):
            assert seat.takes(b"begun %d" % n, STANDARD, NOW, fills=True)
        seat.most = 98
        with seat.ends(an_ending()):
            assert takes(seat, now=now) is taken
    seat = seated(waiting)
    assert takes(seat, now=later(-0.5)), "a claim has looked while this was decided"


def test_places_of_what_is_over_are_kept_from_claims_for_a_moment() -> None:
    seat = seated(SOME, most=3, running=3)
    with seat.ends(an_ending()), seat.ends(an_ending()):
        assert seat.free(NOW) == 0
        assert seat.free(later(2)) == 1, "so that a claim looks"
        seat.running.popitem()
        assert seat.free(NOW) == 1, "it was free before"


def test_nothing_is_kept_where_nothing_follows_or_somebody_has_waited_long() -> None:
    seat = seated(SOME, most=3, running=3)
    with seat.ends(an_ending()):
        pass
    with seat.ends(an_ending()), seat.ends(an_ending()):
        assert seat.free(NOW) == 2
    for committed, fills, free in ((False, True, 1), (True, False, 1), (True, True, 0)):
        with seat.ends(an_ending(committed=committed)):
            takes(seat, fills=fills)
        seat.offered.clear()
        with seat.ends(an_ending()):
            assert seat.free(NOW) == free
    with seat.ends(an_ending()):
        takes(seat)
    seat.offered.clear()
    seat.looked(NOW, Waiting(STANDARD, lately=False))
    with seat.ends(an_ending()):
        assert seat.free(NOW) == 1


def test_places_that_a_claim_fills_are_taken() -> None:
    seat = seated(most=2)
    with seat.claims(1):
        assert takes(seat)
        assert not takes(seat)
        assert seat.free(NOW) == 0
    with pytest.raises(RuntimeError), seat.claims(1):
        raise RuntimeError
    assert seat.waits == CRITICAL, "nobody knows what it would have found"
    seat.offered.clear()
    assert seat.free(NOW) == 2, "the claims are over"


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_whoever_comes_unseen_has_a_turn_soon(seconds: float) -> None:
    """Calls follow each other without a gap, and a claim looks only between them, when none is over."""
    seat, passed = seated(most=1, running=1), 0
    while not seat.free(later(passed * seconds)):
        with seat.ends(an_ending()):
            followed = takes(seat, now=later(passed * seconds))
        seat.running.clear()
        if followed:
            runs(seat, b"next")
            passed += 1
        assert passed <= PASSES
    assert passed >= 3
