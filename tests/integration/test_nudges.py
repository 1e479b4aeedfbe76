"""What one process has done ends another's rest."""

from __future__ import annotations

import asyncio

import pytest

from nostro.model.clock import Now
from nostro.runtime.clock import Clock
from nostro.runtime.loops import Loop, Loops
from nostro.store.database import Database, Statement
from nostro.store.nudges import Nudges

pytestmark = pytest.mark.asyncio
LISTENERS = Statement("listeners", b"select count(*) as count from pg_stat_activity where query = 'listen nostro'")
LONG_SECONDS = 600.0


async def listened(database: Database, count: int) -> None:
    async with asyncio.timeout(30):
        while (await database.look(LISTENERS))[0].count != count:  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("cut", [False, True])
async def test_what_another_process_did_ends_the_rest_of_the_loop_that_follows_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch, *, cut: bool
) -> None:
    """Also when the connection on which it listens was lost meanwhile; and it doesn't wake itself."""
    monkeypatch.setattr("nostro.store.nudges.AGAIN_SECONDS", 0.01)
    stop, looks = asyncio.Event(), 0

    async def decide(_: Now) -> int:
        nonlocal looks
        looks += 1
        return 0

    async with Database(database_url, size=3) as database, asyncio.TaskGroup() as group:
        mine, other = [Nudges(database, name, alone=lambda: False) for name in ("one", "two")]
        loops = Loops(Clock(database), stop, nudges=mine)
        group.create_task(loops.run([Loop("decide", decide, LONG_SECONDS, ("dispatch",))]))
        telling = group.create_task(other.run(lambda _: None))
        await listened(database, 2)
        if cut:
            async with database.transaction() as tx:
                await tx.execute(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where query = 'listen nostro'"
                )
            await listened(database, 2)
        before = looks
        mine.tell("dispatch bank")
        other.tell("checkpoints")
        other.tell("dispatch psp")
        async with asyncio.timeout(30):
            while looks == before:  # noqa: ASYNC110 - another loop counts
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert looks == before + 1
        telling.cancel()
        stop.set()


async def test_who_is_alone_tells_nobody(database_url: str) -> None:
    heard: list[str] = []
    async with Database(database_url, size=3) as database, asyncio.TaskGroup() as group:
        nudges = Nudges(database, "one", alone=lambda: True)
        other = Nudges(database, "two", alone=lambda: False)
        running = [group.create_task(one.run(heard.append)) for one in (nudges, other)]
        await listened(database, 2)
        nudges.tell("decide")
        other.tell("dispatch")
        async with asyncio.timeout(30):
            while not heard:  # noqa: ASYNC110 - another task hears
                await asyncio.sleep(0.01)
        assert heard == ["dispatch"]
        for one in running:
            one.cancel()
