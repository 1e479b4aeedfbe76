"""Workers, door and database die by SIGKILL while business with faults goes on: nothing is lost or doubled.

`NOSTRO_CRASH_ROUNDS` says how often something dies: up to 20 times in the first of the scenario's days, else in both.
`NOSTRO_CRASH_SEED` makes another business and other kills.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from random import Random

import pytest

from nostro.runtime.demo.drive import LATE_EFFECTS
from nostro.sandbox.stage import END, MONDAY, TUESDAY, at
from tests.crash.living import Days, days, prove

ROUNDS = int(os.environ.get("NOSTRO_CRASH_ROUNDS", "20"))
SEED = int(os.environ.get("NOSTRO_CRASH_SEED", "1"))
LAST, CLOSES = (MONDAY, at(TUESDAY, 8)) if ROUNDS <= 20 else (TUESDAY, END + LATE_EFFECTS)
"""The last day with business, whose books have to be right, and when its statements are in."""
WORST_SECONDS = 120 + 60 * ROUNDS


async def live(made: Days, rounds: int, chance: Random) -> dict[str, int | None]:
    """All rounds, one after the other through the days; what is left when all should be settled."""
    for until in made.ends_of(rounds):
        async with asyncio.TaskGroup() as group:
            group.create_task(made.to(until))
            group.create_task(made.kill_one(chance))
    return await made.settled()


@pytest.mark.timeout(WORST_SECONDS)
def test_nothing_is_lost_or_doubled_whoever_is_killed_and_whenever(tmp_path: Path) -> None:
    asyncio.run(_live_and_judge(tmp_path))


async def _live_and_judge(folder: Path) -> None:
    async with days(folder, SEED, CLOSES if LAST == TUESDAY else at(TUESDAY, 0), CLOSES) as made:
        left = await live(made, ROUNDS, Random(SEED))  # noqa: S311 - which instant, not which secret
        world = made.sandbox.world
        (folder / "books.json").write_text(json.dumps(world.books(), default=str), encoding="utf-8")
        assert sum(made.killed.values()) == ROUNDS
        assert set(left.values()) == {0}, left
        await made.judged(LAST)
        await asyncio.to_thread(prove, made.house)
