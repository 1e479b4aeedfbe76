"""Workers, door and database die by SIGKILL in each round, and often by Ctrl-C, SIGTERM or SIGKILL again, while
business with faults goes on, also while they start or end: nothing is lost or doubled.

`NOSTRO_CRASH_ROUNDS` says in how many rounds something dies: up to 20 in the first of the scenario's days, more in
both, and past 40 in further lives of a house, each with another business. A life is made again by its seed:
`NOSTRO_CRASH_SEED=7 make crash ROUNDS=40`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from nostro.runtime.demo.drive import LATE_EFFECTS
from nostro.sandbox.stage import END, MONDAY, TUESDAY, at
from tests.crash.blows import strike, tell
from tests.crash.living import MOMENT, Days, days, lives
from tests.crash.refunds import Treasurer, paid_twice

ROUNDS = int(os.environ.get("NOSTRO_CRASH_ROUNDS", "20"))
SEED = int(os.environ.get("NOSTRO_CRASH_SEED", "1"))
A_LIFE, A_DAY = 40, 20
LEAST = timedelta(minutes=1)
"""So far business goes in a round, also where the one before it went on into it."""
STILL_SECONDS = 180
"""A round ends when something was decided in it, which a busy machine may take so long for."""


async def live(made: Days, rounds: int, chance: Random) -> Counter[str]:
    """All rounds, one after the other through the days. Business time and work go on in each."""
    struck = Counter[str]()

    async def blow() -> None:
        struck.update(await strike(made.house, chance))

    for number, until in enumerate(made.ends_of(rounds), 1):
        before, decided = made.now, await made.decided() or 0
        await made.through(blow(), max(until, before + LEAST))
        give_up = time.monotonic() + STILL_SECONDS
        while (now := await made.decided() or 0) <= decided:
            assert time.monotonic() < give_up, f"nothing was decided from {before} to {made.now}"
            await made.to(made.now + MOMENT)
        tell(f"  round {number} of {rounds}: {made.now:%a %H:%M}, {struck.total()} blows, {now} facts")
    return struck


@pytest.mark.timeout(300 + 60 * min(A_LIFE, ROUNDS))
@pytest.mark.parametrize("seed, rounds", lives(SEED, ROUNDS, A_LIFE))
def test_nothing_is_lost_or_doubled_whoever_is_killed_and_whenever(tmp_path: Path, seed: int, rounds: int) -> None:
    asyncio.run(_live_and_judge(tmp_path, seed, rounds))


async def _live_and_judge(folder: Path, seed: int, rounds: int) -> None:
    # the last day with business, whose books have to be right, and when its statements are in
    last, closes = (MONDAY, at(TUESDAY, 8)) if rounds <= A_DAY else (TUESDAY, END + LATE_EFFECTS)
    began = time.monotonic()
    ends = closes if last == TUESDAY else at(TUESDAY, 0)
    async with days(folder, seed, ends, closes, further=paid_twice) as made, asyncio.TaskGroup() as beside:
        treasurer = Treasurer(made, Random(seed))  # noqa: S311 - which instant, not which secret
        beside.create_task(treasurer.work())
        struck = await live(made, rounds, Random(seed))  # noqa: S311 - which instant, not which secret
        asked = len(treasurer.asked)
        await made.through(treasurer.finish(), made.now)
        tell(f"seed {seed}: {rounds} rounds in {time.monotonic() - began:.0f} s, {dict(struck)}")
        world = made.sandbox.world
        (folder / "books.json").write_text(json.dumps(world.books(), default=str), encoding="utf-8")
        assert sum(times for blow, times in struck.items() if signal.SIGKILL.name in blow) >= rounds, struck
        tell(
            f"refunds: {asked} of {len(treasurer.asked)} amid it, typed {treasurer.typed} times, "
            f"{treasurer.broken_off} of them killed"
        )
        await made.judged(last)
        assert treasurer.given_back() == {key: [made.scenario.expected[key].total_minor] for key in treasurer.asked}
        assert await treasurer.forgotten() == set()
