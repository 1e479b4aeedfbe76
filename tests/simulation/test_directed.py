"""The whole house, disturbed on purpose where a guarantee hangs on one check: what a seed meets by chance is met here.

Each lives through one small world as often as it says, with one blow at another instant each time. Which mutants have
to be noticed by which is in `tests/mutants/mutants.toml`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.simulation.circumstances import PLAIN, Circumstances
from tests.simulation.database import Connections
from tests.simulation.disturbance import POINTS, SELDOM, Blow
from tests.simulation.run import Plan, run

SEED = 132
"""A card payment in Germany, three workers, and nothing that goes wrong by itself."""
BUSY, BUSY_FOR_LONG = 110034, 402
"""Much leaves with its decision; every loop has something to do."""
DOWN_WHILE_PUBLISHED = (76, 429)
"""Rules come into force while Odoo is down, with commands that wait for it."""
PARTLY_OVER, WHOLLY_OVER = 122664, 140144
"""A part of a card payment is over, so that it could go back twice; all of another one."""
ANNOUNCED, ADOPTED = 110659, 114582
"""A transfer is announced and never booked; Odoo's own provider registers a card payment."""
pytestmark = pytest.mark.timeout(300)


def flaws_of(
    connections: Connections,
    kind: str,
    point: str,
    times: Sequence[int],
    seed: int = SEED,
    told: Circumstances = PLAIN,
) -> dict[int, list[str]]:
    """What is wrong where that happens to whoever is there for the nth time. Somebody has to be there each time."""
    verdicts = {nth: run(Plan(seed, blows=(Blow(nth, point, kind),), circumstances=told), connections) for nth in times}
    assert {nth: len(verdict.struck) for nth, verdict in verdicts.items()} == dict.fromkeys(times, 1)
    return {nth: verdict.flaws for nth, verdict in verdicts.items() if verdict.flaws}


@pytest.mark.parametrize(
    "seed, words, kind, point",
    [
        (PARTLY_OVER, "people act", "crash", "send refund"),
        (PARTLY_OVER, "people act", "orphan", "send refund"),
        (PARTLY_OVER, "people act", "crash", "sent refund"),
        (PARTLY_OVER, "people act", "pause", "sent refund"),
        (WHOLLY_OVER, "people approve", "orphan", "send refund"),
        (WHOLLY_OVER, "people approve", "crash", "sent refund"),
        (PARTLY_OVER, "people act; recovery open", "crash", "sent refund"),
    ],
)
def test_a_refund_that_a_person_asks_for_is_paid_out_once_whatever_happens_to_whoever_sends_it(
    connections: Connections, seed: int, words: str, kind: str, point: str
) -> None:
    """Between its start and its bytes, while the other side goes on with it, and before its reply is there."""
    assert flaws_of(connections, kind, point, [1], seed, Circumstances.named(words)) == {}


def test_a_call_that_goes_on_when_its_worker_is_gone_has_one_effect(connections: Connections) -> None:
    """The other side is still at it when the next worker asks: it must know that a call began, and wait."""
    assert flaws_of(connections, "orphan", "send act", range(1, 7)) == {}


def test_a_worker_that_sleeps_past_its_slots_begins_nothing_on_them(connections: Connections) -> None:
    """Others have its slots when it wakes between its look at the clock and its claim. Which of these instants find
    something to begin changes with the schedule: they lie all over the story.
    """
    assert flaws_of(connections, "pause", "dispatch begin", range(2, 35, 3)) == {}


def test_a_worker_that_sleeps_past_its_shards_appends_nothing_to_them(connections: Connections) -> None:
    """Others have its shards, and have decided it, when it wakes with what it wanted to decide."""
    assert flaws_of(connections, "pause", "decide begin", range(18, 24)) == {}


def test_a_worker_whose_commit_is_not_answered_goes_on_with_its_shards(connections: Connections) -> None:
    """Its first bundle is in force, or a shard has moved on, and nobody told it."""
    assert flaws_of(connections, "uncertain", "decide committed", range(1, 5)) == {}


@pytest.mark.parametrize("kind, point", [("cut", "door commit"), ("uncertain", "door committed")])
def test_a_webhook_that_was_acknowledged_is_kept_whatever_becomes_of_its_commit(
    connections: Connections, kind: str, point: str
) -> None:
    """Of a provider's events, each of which is told in one webhook."""
    assert flaws_of(connections, kind, point, (5, 7)) == {}


@pytest.mark.parametrize("seed", [ANNOUNCED, ADOPTED])
def test_where_nothing_goes_wrong_everything_holds(connections: Connections, seed: int) -> None:
    """What is only announced is not booked; what others have booked isn't booked by us; it is somewhere, and sealed."""
    assert run(Plan(seed, blows=(), circumstances=PLAIN), connections).flaws == []


@pytest.mark.parametrize("kind, times", [("crash", (1, 3, 5, 7)), ("pause", (2, 4, 6)), ("uncertain", (1, 4, 7))])
def test_what_leaves_with_its_decision_has_one_effect_whatever_happens_between_its_start_and_its_bytes(
    connections: Connections, kind: str, times: Sequence[int]
) -> None:
    """No claim stands behind it: whoever comes after finds only what the decision has written."""
    assert flaws_of(connections, kind, "decide started", times, BUSY) == {}


def test_every_instant_between_two_steps_is_one_at_which_somebody_may_be_struck(connections: Connections) -> None:
    passed = run(Plan(BUSY_FOR_LONG, blows=(), circumstances=PLAIN), connections).passed
    of_loops = {point for point in passed if not point.startswith(" ")}  # the others are of who goes home
    assert of_loops == {*POINTS, *SELDOM}


def test_what_one_subject_asks_for_leaves_one_after_the_other(connections: Connections) -> None:
    """Nobody is struck: the worlds are such that one subject has several commands open at once."""
    for seed in (110001, 110004):
        assert run(Plan(seed, blows=(), circumstances=PLAIN), connections).flaws == []


def test_a_mode_that_is_lowered_while_the_other_side_is_down_keeps_back_what_waits(connections: Connections) -> None:
    """The new rules are in force when it answers again."""
    told = Circumstances.named("people act; rules limits")
    for seed in DOWN_WHILE_PUBLISHED:
        assert run(Plan(seed, circumstances=told), connections).flaws == []
