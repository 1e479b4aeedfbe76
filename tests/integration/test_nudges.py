"""What one process has done ends another's rest."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.errors import ReadOnlySqlTransaction

from nostro.engine.tenure import Tenure
from nostro.model.clock import Now
from nostro.model.ids import SHARDS
from nostro.runtime.clock import Clock
from nostro.runtime.loops import Loop, Loops
from nostro.runtime.workers import follows_of
from nostro.store.database import HERE, Database, Statement
from nostro.store.entropy import SeededEntropy
from nostro.store.install import install
from nostro.store.keys import Keys
from nostro.store.nudges import Nudges

pytestmark = pytest.mark.asyncio
LISTENERS = Statement(
    "listeners",
    b"select count(*) as count from pg_stat_activity where query = 'listen nostro' and datname = current_database()",
)
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
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                    " where query = 'listen nostro' and datname = current_database()"
                )
            await listened(database, 2)
        async with asyncio.timeout(30):
            while not looks:  # noqa: ASYNC110 - another loop counts
                await asyncio.sleep(0.01)
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


@pytest.mark.parametrize("failure", [RuntimeError("can't start new thread"), ReadOnlySqlTransaction()])
@pytest.mark.parametrize("what", ["tells", "listens"])
async def test_whatever_telling_or_listening_fails_with_ends_no_loop_and_is_done_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch, what: str, failure: Exception
) -> None:
    """As on a machine that has no thread left, or where PostgreSQL became a standby: nudges only wake."""
    monkeypatch.setattr("nostro.store.nudges.AGAIN_SECONDS", 0.01)
    owner, name = (Nudges, "say") if what == "tells" else (AsyncConnection, "connect")
    right, failed = getattr(owner, name), 0

    async def fails(*given: Any, **told: Any) -> Any:  # noqa: ANN401 - whatever it stands for
        nonlocal failed
        failed += 1
        if failed <= 3:
            raise failure
        return await right(*given, **told)

    stop, looks = asyncio.Event(), 0

    async def decide(_: Now) -> int:
        nonlocal looks
        looks += 1
        return 0

    async with Database(database_url, size=3) as database, asyncio.TaskGroup() as group:
        mine, other = [Nudges(database, name, alone=lambda: False) for name in ("one", "two")]
        monkeypatch.setattr(owner, name, fails)
        loops = group.create_task(
            Loops(Clock(database), stop, nudges=mine).run([Loop("decide", decide, LONG_SECONDS, ("dispatch",))])
        )
        telling = group.create_task(other.run(lambda _: None))
        await listened(database, 2)
        async with asyncio.timeout(30):
            while looks < 2:
                assert not loops.done()
                other.tell("dispatch bank")
                await asyncio.sleep(0.02)
        assert failed > 3
        telling.cancel()
        stop.set()
        async with asyncio.timeout(3):
            await loops


async def test_shards_that_a_worker_gives_back_end_the_rest_of_who_takes_them(database_url: str) -> None:
    stop = asyncio.Event()
    async with Database(database_url, size=3) as database, asyncio.TaskGroup() as group:
        clock = Clock(database)
        keys = Keys({1: b"k" * 32}, SeededEntropy(7))
        await install(database, keys, "test", SeededEntropy(7), (await clock.now()).business)
        ends, stays = [Tenure(database, name, {}) for name in ("one", "two")]
        await ends.step(await clock.now())
        loops = Loops(clock, stop, nudges=Nudges(database, "two", stays.holds_all))
        group.create_task(loops.run([Loop("tenure", stays.step, LONG_SECONDS, follows_of("tenure"))]))
        await listened(database, 1)
        assert len(stays.shards) == 0
        await ends.release(await clock.now())
        await Nudges(database, "one", ends.holds_all).say(["tenure"])
        async with asyncio.timeout(30):
            while len(stays.shards) != SHARDS:  # noqa: ASYNC110 - another loop takes them
                await asyncio.sleep(0.01)
        stop.set()


async def test_a_listener_notices_that_the_other_side_is_gone_as_soon_as_who_asks(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a connection that was lost without a word would be deaf for ever."""
    made: list[AsyncConnection[Any]] = []
    connect = AsyncConnection.connect

    async def noted(*given: Any, **told: Any) -> AsyncConnection[Any]:  # noqa: ANN401 - the driver's
        made.append(await connect(*given, **told))
        return made[-1]

    async with Database(database_url, size=2) as database, asyncio.TaskGroup() as group:
        monkeypatch.setattr("nostro.store.nudges.AsyncConnection.connect", noted)
        running = group.create_task(Nudges(database, "one", alone=lambda: False).run(lambda _: None))
        await listened(database, 1)
        [listening] = made
        parameters = listening.info.get_parameters()
        assert {name: parameters.get(name) for name in HERE} == {name: str(value) for name, value in HERE.items()}
        running.cancel()


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


@pytest.mark.parametrize("elsewhere", [True, False])
async def test_only_what_is_work_for_others_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch, *, elsewhere: bool
) -> None:
    stop, told = asyncio.Event(), list[str]()
    monkeypatch.setattr(Nudges, "tell", lambda _, work: told.append(work))

    async def dispatch(_: Now) -> int:
        stop.set()
        return 1

    async def decide(_: Now) -> int:
        return 0

    async with Database(database_url, size=3) as database:
        nudges = Nudges(database, "one", alone=lambda: False)
        loops = [
            Loop("dispatch psp", dispatch, LONG_SECONDS, elsewhere=lambda: elsewhere),
            Loop("decide", decide, LONG_SECONDS, ("dispatch",)),
        ]
        await Loops(Clock(database), stop, nudges=nudges).run(loops)
    assert told == (["dispatch psp"] if elsewhere else [])
