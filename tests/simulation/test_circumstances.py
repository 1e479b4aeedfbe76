"""How a house is run, one circumstance after the other: each really happens in a seed's world, and everything holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.circumstances import CHOICES, PLAIN, Circumstances
from tests.simulation.database import Connections
from tests.simulation.judging_circumstances import too_fast
from tests.simulation.life import Sent
from tests.simulation.run import Plan, Verdict, run

TRANSFERS, THROWN, BUSY, CROWDED = 110013, 110037, 110034, 110005
"""Two entries that nobody knows; some more, whose decisions throw; cards, transfers and a collective entry; what keeps
Odoo's slots under a rate busy for a minute."""
pytestmark = pytest.mark.timeout(300)


def lived(connections: Connections, seed: int, words: str) -> Verdict:
    """A seed without blows, run so."""
    return run(Plan(seed, blows=(), circumstances=Circumstances.named(words)), connections)


@pytest.mark.parametrize(
    "seed, words, tells",
    [
        (TRANSFERS, "people approve", ["treasurer release: ", "clerk may not release: ", "treasurer match "]),
        (TRANSFERS, "people act; rules limits", ["controller puts other rules in force", "is replaced"]),
        (TRANSFERS, "people act; rules slots; slots 3", ["controller puts other rules in force", "is replaced"]),
        (THROWN, "release older", ["with an older release", "leaves shards to a newer release", "is replaced"]),
        (
            TRANSFERS,
            "recovery open",
            ["treasurer open recovery 2", "treasurer may not close recovery 2", "controller close recov"],
        ),
        (TRANSFERS, "poison decision", ["decisions throw", "decisions are mended"]),
        (TRANSFERS, "rejects noise", ["writes letter.txt"]),
        (TRANSFERS, "rejects entry; people act", ["writes damaged.xml", "clerk "]),
        (TRANSFERS, "rejects stranger", ["writes stranger.xml"]),
        (TRANSFERS, "rejects event", ["sends a webhook"]),
    ],
)
def test_whatever_is_done_to_the_house_the_ten_guarantees_hold(
    connections: Connections, seed: int, words: str, tells: list[str]
) -> None:
    verdict = lived(connections, seed, words)
    assert verdict.flaws == []
    assert [told for told in tells if not any(told in line for line in verdict.story)] == []


def test_a_subject_that_was_set_aside_goes_on_when_a_person_says_so(connections: Connections) -> None:
    verdict = lived(connections, THROWN, "poison decision")
    assert verdict.flaws == []
    assert [line for line in verdict.story if "treasurer close case" in line]


@pytest.mark.parametrize(
    "seed, words",
    [
        (CROWDED, "slots 3; rate 1"),
        (BUSY, "slots 2; rate 1; lane critical"),
        (BUSY, "rate 4; lane bulk"),
        (BUSY, "rate 1; rules slots; slots 2"),
    ],
)
def test_rates_and_lanes_hold_over_all_workers(connections: Connections, seed: int, words: str) -> None:
    assert lived(connections, seed, words).flaws == []


def calls(*seconds: float) -> list[Sent]:
    """Calls at these times."""
    return [Sent(at, "dispatch odoo") for at in seconds]


def test_more_calls_than_the_rate_allows_are_noticed_whoever_has_the_slots() -> None:
    """Two slots at half a call a second each: after a rest a second's worth at once, on each."""
    assert list(too_fast(calls(100, 100, 101, 101, 103, 103), [0.0, 0.0], rate=1, slots={2})) == []
    assert len(list(too_fast(calls(100, 100, 100.1, 100.1, 100.2, 100.2), [0.0, 0.0], rate=1, slots={2}))) == 1
    assert list(too_fast(calls(100, 100, 100.1, 100.1, 100.2, 100.2), [90.0, 90.0, 99.0], rate=1, slots={2})) == []


def test_what_a_seed_chooses_is_told_in_words_that_choose_it_again() -> None:
    drawn = [Circumstances.drawn(seed) for seed in range(200)]
    assert [Circumstances.named(str(one)) for one in drawn] == drawn
    assert {(name, word) for one in drawn for name, word in _words(one)} == {
        (name, word) for name, words in CHOICES.items() for word in words if word
    }
    assert drawn[0].without(CHOICES) == PLAIN


def _words(one: Circumstances) -> Iterator[tuple[str, str]]:
    for each in str(one).split("; "):
        if each:
            name, word = each.split()
            yield name, word
