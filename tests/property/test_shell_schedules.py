"""Whatever dies and whatever comes back, in any order: one effect a key. Seeds are repeatable."""

from __future__ import annotations

import asyncio
import random

import pytest

from nostro.egress.drive import Ended
from tests.shell_world import World
from tests.toy_partner import Fault, operation, order

FAULTS: tuple[Fault, ...] = ("", "", "", "busy", "unsent", "cut_before", "cut_after", "cut_late", "broken", "nonsense")


@pytest.mark.parametrize("way", ["look_up", "their_key"])
@pytest.mark.parametrize("block", range(10))
def test_every_schedule_of_deaths_and_faults_ends_in_one_effect_a_key(way: str, block: int) -> None:
    for seed in range(block * 60, block * 60 + 60):
        live(way, seed)


def live(way: str, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    names = [f"NOS{n}" for n in range(1 + seed % 4)]
    does = operation("look_up" if way == "look_up" else "their_key", batch=4)
    world = World(does, takes_keys=way == "their_key", orders=[order(name) for name in names])
    trouble = chance.randrange(12)
    world.partner.fault = lambda _: chance.choice(FAULTS) if len(world.partner.calls) < trouble else ""

    def point(*, at_the_socket: bool = False) -> None:
        world.points += 1
        if world.points < 40 and chance.random() < 0.12:
            world.die()
        if not at_the_socket and chance.random() < 0.1:
            world.later(chance.choice([1, 9, 11, 60]))

    world.point = point  # type: ignore[method-assign]  # the process dies, or time passes, at random
    rested = asyncio.run(world.settle())
    assert isinstance(rested.end, Ended), seed
    if all(outcome.there for outcome in rested.end.outcomes):
        assert world.partner.catch_up() == dict.fromkeys(names, 1), seed
    else:
        assert max(world.partner.catch_up().values(), default=0) <= 1, seed
