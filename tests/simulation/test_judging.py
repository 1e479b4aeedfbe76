"""The judge of a seed notices what the seeds never do: what was right is made wrong just before it looks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from nostro.sandbox.world import World
from tests.simulation import run as running
from tests.simulation.business import Business
from tests.simulation.database import Connections
from tests.simulation.ground import ground
from tests.simulation.guarantees import persons
from tests.simulation.judging import flaws, unequal
from tests.simulation.play import Play
from tests.simulation.run import Plan, Verdict, run

SEED = 28
"""One card payment; its log is audited."""
READ = {"receipt": "01", "items": 4, "read": 1, "duplicate": 1, "ignored": 1, "rejected": 1}
SUMS = {
    "items": {"EUR credit": "10.00", "EUR debit": "7"},
    "read": {"EUR credit": "10"},
    "rejected": {"EUR debit": "7"},
}


@pytest.mark.parametrize(
    "told, wrong",
    [
        (READ | {"amounts": SUMS}, 0),
        (READ | {"items": 5}, 1),
        (READ | {"amounts": SUMS | {"read": {"EUR credit": "9.99"}}}, 1),
        (READ | {"amounts": SUMS | {"read": {"CHF credit": "10"}}}, 2),
        (READ | {"amounts": SUMS | {"rejected": {}, "read": {"EUR credit": "17"}}}, 2),
    ],
)
def test_the_item_equation_holds_by_count_and_by_amount_in_each_currency_and_direction(told: Any, wrong: int) -> None:  # noqa: ANN401 - a fact
    assert len(list(unequal(told))) == wrong


TOGETHER: dict[str, dict[str, str]] = {
    "receipts, leases, commands": {
        "delete from receipt where kind <> 'reply'": "acknowledged and not kept: ",
        "update shard set holder = %(home)s, until = '2100-01-01'": "a shard is held, and nobody is there (",
        "update lease set holder = %(home)s, until = '2100-01-01'": "a slot or feed is held, and nobody is there (",
        "update command_closed set correlation = 'x'": "closed as done, and not in the outside's books: ",
    },
    "leases of the dead": {
        "update shard set holder = 'gone', until = '2100-01-01' where shard = 7": "a shard is held, and nobody is th",
        "update lease set holder = 'gone', until = '2100-01-01'": "a slot or feed is held, and nobody is there (",
    },
    "secrets": {
        "update fact set reason = %(secret)s where shard = 7 and position = 1": "10: 1 rows of fact",
        "update shard set holder = %(master)s where shard = 7": "10: 1 rows of shard",
    },
    "what is left": {
        "delete from fact where type = 'receipt.read'": "a receipt was never read (",
        "update shard set position = position + 1 where position > 0": "a shard's log has a gap (",
        "update deadline set due_at = '2026-01-01'": "a deadline has passed (",
        "update subject set poisoned = 'x'": "a subject was set aside (",
        "update posting set minor = 0": "a posting moves nothing (",
    },
    "the log": {
        "update fact set actor = ''": "7: a fact has no actor (",
        "update fact set reason = %(person)s": "10: ",
        "update fact set reason = 'x' where process = 'payout'": "audit: ",
        "update fact set state_after = 'x' where process = 'collection'": "replay: ",
        "update posting set minor = minor + 1": "differs: ",
    },
    "states": {
        "delete from deadline": "stranded: ",
        "update subject set state = 'in_transit' where process = 'collection'": "state: ",
        "update subject set position = position + 1": "a state row stands elsewhere than its log (",
        "update fact set revision = revision + 1 where revision = 1": "a subject's revisions have a gap (",
    },
}
"""What is done, and how the flaw begins that it has to be."""


@pytest.mark.parametrize("what", TOGETHER)
def test_what_is_wrong_in_the_house_is_a_flaw(
    what: str, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(play: Play, business: Business) -> None:
        home = next(one.life.name for one in play.runs if not one.life.dead)
        names = {"home": home, "person": min(persons(business)), "secret": "whsec_us", "master": ground().master.hex()}
        for statement in TOGETHER[what]:
            assert play.connections.ask(f"{statement} returning 1", names), statement

    found = _broken(connections, monkeypatch, breaking).flaws
    assert [flaw for flaw in TOGETHER[what].values() if not any(one.startswith(flaw) for one in found)] == [], found


def test_what_was_seen_on_the_way_is_a_flaw(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    def crowded(play: Play, business: Business) -> None:
        play.asking.most["arrival"] = 1_000
        play.course.logged.append(f"A payment of {min(persons(business))}.")
        play.course.logged.append("The webhook is signed with whsec_us.")

    assert [flaw.partition(":")[0] for flaw in _broken(connections, monkeypatch, crowded).flaws] == ["9", "10", "10"]


def test_a_seed_that_breaks_off_has_a_flaw_and_its_story(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    def falls(play: Play, business: Business) -> None:
        raise ZeroDivisionError(play.turns, len(business.stories))

    verdict = _broken(connections, monkeypatch, falls)
    assert [flaw.partition("(")[0] for flaw in verdict.flaws] == ["broken off: ZeroDivisionError"]
    assert verdict.story
    assert verdict.log


def _broken(connections: Connections, monkeypatch: pytest.MonkeyPatch, breaking: Any) -> Verdict:  # noqa: ANN401 - what breaks it
    """What comes of a seed that holds but for what is broken."""

    async def broken(play: Play, business: Business, world: World) -> AsyncIterator[str]:
        breaking(play, business)
        async for flaw in flaws(play, business, world):
            yield flaw

    monkeypatch.setattr(running, "flaws", broken)
    return run(Plan(SEED), connections)
