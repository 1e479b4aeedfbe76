"""What happens to a house besides kills: a stopped clock, cut connections, a database that restarts or fails over.
Business goes on meanwhile, and the books of the sandbox say afterwards whether all was done once.

The gate has each of the short ones once, in an order chosen by the seed. `make crash` has a quarter as many as its
rounds, chosen at random, at most six in the life of a house; and a fail-over for every hundred rounds.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from urllib.parse import quote

import httpx
import psycopg
import pytest

from nostro.engine.tenure import LEASE
from nostro.model.ids import SHARDS
from nostro.sandbox.stage import MONDAY, at
from nostro.store.embedded_place import find_place
from tests.crash.blows import tell
from tests.crash.living import Days, days, lives
from tests.crash.processes import BREATH_SECONDS, DOOR, WORKERS, Processes
from tests.crash.proxy import Proxy, proxied
from tests.crash.standby import Standby, start_standby

ASKED = "NOSTRO_CRASH_ROUNDS" in os.environ
ROUNDS = int(os.environ.get("NOSTRO_CRASH_ROUNDS", "12"))
NUMBER, A_LIFE = max(3, ROUNDS // 4), 6
SEED = int(os.environ.get("NOSTRO_CRASH_SEED", "1"))
OPENS, BUSY, LAST_ACT, CLOSES = at(MONDAY, 7, 20), at(MONDAY, 7, 22), at(MONDAY, 8), at(MONDAY, 9, 30)
BEYOND_SECONDS = LEASE.total_seconds() + 5
"""A worker's clock stands still so long: its leases end, and another has its shards and slots."""
AWAY_SECONDS = 3.0
TAKING_OVER_SECONDS = 60
"""So long a busy machine may take until shards have changed hands."""


@dataclass
class Scene:
    """A house whose database is reached through a proxy."""

    made: Days
    proxy: Proxy
    chance: Random
    standby: Standby | None = None

    @property
    def house(self) -> Processes:
        """The processes."""
        return self.made.house

    async def shards_of(self, name: str) -> int | None:
        """How many shards a worker was the last to hold; None while nobody can say."""
        number = self.house.running[name].pid
        return await self.made.under_way(f"select count(*) from shard where holder like '%%-{number}'")


Adversity = Callable[[Scene], Coroutine[None, None, None]]


@asynccontextmanager
async def scene(folder: Path, seed: int) -> AsyncIterator[Scene]:
    """Much has happened when the house opens, and it works that off; its landscape names the proxy as its database."""
    async with (
        days(folder, seed, LAST_ACT, CLOSES, ()) as made,
        proxied(find_place(made.house.grounds.state / "postgresql").socket_file) as proxy,
    ):
        password = find_place(made.house.grounds.state / "postgresql").password_file.read_text(encoding="utf-8")
        secret = made.house.grounds.secrets / "database.url"
        secret.touch(mode=0o600)
        secret.write_text(f"postgresql://postgres:{quote(password, safe='')}@127.0.0.1:{proxy.port}/nostro")
        path = made.house.grounds.landscape / "nostro.yaml"
        path.write_text(f"{path.read_text()}database: file:{secret}\n")
        made.sandbox.world.advance(OPENS)
        made.house.tell(made.now)
        for name in (DOOR, *WORKERS):
            made.house.start(name)
        yield Scene(made, proxy, Random(seed))  # noqa: S311 - which adversity, not which secret


async def stopped_clock(there: Scene) -> None:
    """A worker stops in the middle of whatever it does, and wakes as a zombie: its shards are somebody else's."""
    name = there.chance.choice(WORKERS)
    await _until(lambda: there.shards_of(name), at_least=1)
    process = there.house.running[name]
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(BEYOND_SECONDS)
    await _until(lambda: there.shards_of(name), at_most=0)
    process.send_signal(signal.SIGCONT)
    await asyncio.sleep(AWAY_SECONDS)


async def _until(
    counted: Callable[[], Coroutine[None, None, int | None]], *, at_least: int = 0, at_most: int = SHARDS
) -> None:
    """Returns when so many are counted."""
    async with asyncio.timeout(TAKING_OVER_SECONDS):
        while (count := await counted()) is None or not at_least <= count <= at_most:  # noqa: ASYNC110 - a row sets none
            await asyncio.sleep(BREATH_SECONDS)


async def cut_connections(there: Scene) -> None:
    """Every connection to the database breaks, again and again, and for a while there is none."""
    for _ in range(5):
        there.proxy.cut()
        await asyncio.sleep(there.chance.random())
    assert there.proxy.cuts > 0
    there.proxy.refusing = True
    there.proxy.cut()
    await asyncio.sleep(AWAY_SECONDS)
    there.proxy.refusing = False


async def restarted_database(there: Scene) -> None:
    """As an upgrade of PostgreSQL does it: it ends what is open, and is away for a moment."""
    place, before = find_place(there.house.grounds.state / "postgresql"), there.house.server.process_id()
    await asyncio.to_thread(place.run, "pg_ctl", "stop", "-m", there.chance.choice(("fast", "immediate")), "-t", "60")
    await asyncio.sleep(there.chance.random() * AWAY_SECONDS)
    await asyncio.to_thread(there.house.server.ensure_running)
    assert there.house.server.process_id() not in (None, before)


ADVERSITIES: tuple[Adversity, ...] = (stopped_clock, cut_connections, restarted_database)


def drawn(number: int, chance: Random) -> list[Adversity]:
    """So many at random; each at least once where there are as many."""
    at_least = chance.sample(ADVERSITIES, min(number, len(ADVERSITIES)))
    return [*at_least, *chance.choices(ADVERSITIES, k=number - len(at_least))]


async def judged(there: Scene) -> None:
    """Nothing lost, nothing doubled, everything proved."""
    await there.made.to(CLOSES)
    await there.made.judged(MONDAY)


@pytest.mark.timeout(300 + 120 * A_LIFE)
@pytest.mark.parametrize("seed, number", lives(SEED, NUMBER, A_LIFE))
def test_nothing_is_lost_or_doubled_whatever_happens_around_the_house(tmp_path: Path, seed: int, number: int) -> None:
    asyncio.run(_adversities(tmp_path, seed, number))


async def _adversities(folder: Path, seed: int, number: int) -> None:
    async with scene(folder, seed) as there:
        await there.made.to(BUSY)
        for place, adversity in enumerate(drawn(number, there.chance), 1):
            tell(f"seed {seed}: {adversity.__name__} at {there.made.now:%a %H:%M}")
            await there.made.through(adversity(there), BUSY + (LAST_ACT - BUSY) * place / number)
        await judged(there)


@pytest.mark.skipif(not ASKED, reason="NOT run: `make crash` fails over to a standby, which takes a minute or two")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(SEED, SEED + max(1, ROUNDS // 100)))
def test_a_synchronous_standby_takes_over_without_loss(tmp_path: Path, seed: int) -> None:
    asyncio.run(_fail_over(tmp_path, seed))


async def _fail_over(folder: Path, seed: int) -> None:
    async with scene(folder, seed) as there, proxied(there.proxy.target) as way:
        await there.made.to(BUSY)
        assert (await standbys(there.house)) == 0
        server, state = there.house.server, there.house.grounds.state
        there.standby = await asyncio.to_thread(start_standby, state, server, way.port)
        try:
            await there.made.to(there.made.now + timedelta(minutes=10))
            assert (await standbys(there.house)) == 1
            await there.made.through(failed_over(there, way), LAST_ACT)
            await judged(there)
        finally:
            await asyncio.to_thread(there.standby.end)
            await asyncio.to_thread(_wait_for_nobody, server.url("postgres"))


async def failed_over(there: Scene, way: Proxy) -> None:
    """The standby's way to the primary breaks, so that whatever isn't there yet never comes there. While somebody still
    sends, the primary dies, and for a moment nobody answers.
    """
    standby = there.standby
    assert standby is not None
    way.refusing = True
    way.cut()
    await asyncio.sleep(AWAY_SECONDS)
    there.house.kill("postgresql")
    await asyncio.sleep(there.chance.random())
    await asyncio.to_thread(standby.promote)
    there.proxy.target = standby.place.socket_file
    there.house.database = standby.url()


async def standbys(house: Processes) -> int:
    """What `readyz` says of synchronous standbys, once the door is up: on a busy machine business is faster."""
    while not house.is_up(DOOR):  # noqa: ASYNC110 - a process sets no event
        await asyncio.sleep(BREATH_SECONDS)
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        told = (await client.get(f"http://127.0.0.1:{house.grounds.health}/readyz")).json()
    return int(told["synchronous_standbys"])


def _wait_for_nobody(url: str) -> None:
    """The old primary, where it runs again, must not wait for a standby that is gone when the house is put away."""
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("alter system reset synchronous_standby_names")
            connection.execute("select pg_reload_conf()")
    except psycopg.OperationalError:
        return
