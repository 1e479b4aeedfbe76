"""The disk of the database fills: at the door a 2xx is a kept receipt and the rest are 503s; workers and PostgreSQL, in
whose data or log there is no byte left, wait. With room again all goes on by itself, and nothing is lost or doubled.

PostgreSQL lies on a small file system of its own, which only root may mount.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from nostro.runtime.demo.landscape import Grounds
from nostro.sandbox.stage import MONDAY, START, at
from nostro.store.embedded_place import find_place
from tests.crash.blows import tell
from tests.crash.living import Days, days
from tests.crash.processes import BREATH_SECONDS, DOOR, Processes, empty_grounds, processes
from tests.crash.test_acknowledged import DE, SEED, SENDERS, Senders, kept_in

ROUNDS = int(os.environ.get("NOSTRO_CRASH_ROUNDS", "20"))
ROOM = "220m"
FULL_SECONDS = 6.0
ENOUGH = 40
"""So many acknowledged events before and after show that it works."""
FULL, FULL_AGAIN, LAST_ACT, CLOSES = at(MONDAY, 7, 15), at(MONDAY, 8, 10), at(MONDAY, 9, 30), at(MONDAY, 11)


@contextlib.contextmanager
def small_disk(grounds: Grounds) -> Iterator[None]:
    """A file system in memory for the database. Skips aloud where it can't be mounted."""
    (grounds.state / "postgresql").mkdir(mode=0o711)
    home = find_place(grounds.state / "postgresql").home
    command = ["/bin/mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=0711", "nostro-small-disk", str(home)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("NOT tested: a small file system can't be mounted here, which takes root")
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(home)], check=True)


@pytest.mark.timeout(240)
def test_what_was_acknowledged_is_kept_although_the_disk_was_full(tmp_path: Path) -> None:
    grounds, _, _ = empty_grounds(tmp_path, SEED)
    with processes(grounds, START, small_disk) as house:
        asyncio.run(_at_the_door(house))


async def _at_the_door(house: Processes) -> None:
    house.start(DOOR)
    senders = Senders(f"http://127.0.0.1:{house.grounds.door}/in/stripe-{DE.name}")
    async with asyncio.TaskGroup() as group:
        for _ in range(SENDERS):
            group.create_task(senders.send())
        await _more(house, senders, ENOUGH)
        refused = senders.refused
        ballast = await asyncio.to_thread(filled, house)
        await asyncio.sleep(FULL_SECONDS)
        stuck, turned_away = len(senders.acknowledged), senders.refused - refused
        ballast.unlink()
        await _more(house, senders, ENOUGH)
        senders.stop = True
    assert turned_away >= SENDERS
    assert len(senders.acknowledged) > stuck
    kept = await kept_in(house)
    assert {event: kept.get(event) for event in senders.acknowledged} == senders.acknowledged


async def _more(house: Processes, senders: Senders, number: int) -> None:
    until = len(senders.acknowledged) + number
    while len(senders.acknowledged) < until:
        house.supervise()
        await asyncio.sleep(BREATH_SECONDS)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(SEED, SEED + max(1, ROUNDS // 100)))
def test_workers_and_database_go_on_by_themselves_after_a_full_disk(tmp_path: Path, seed: int) -> None:
    asyncio.run(_at_work(tmp_path, seed))


async def _at_work(folder: Path, seed: int) -> None:
    async with days(folder, seed, LAST_ACT, CLOSES, disk=small_disk) as made:
        await made.to(FULL)
        for where, until in (("data", FULL_AGAIN), ("log", LAST_ACT)):
            await made.through(_full(made, where), until)
            assert made.house.said("database_unavailable"), "nobody met it"
        assert any("disk is full" in line for line in made.house.said("database_unavailable"))
        await made.to(CLOSES)
        await made.judged(MONDAY)


async def _full(made: Days, where: str) -> None:
    """For some seconds nothing can be written. Nobody helps: who misses the database starts it again."""
    server, decided = made.house.server.process_id(), await made.decided()
    ballast = await asyncio.to_thread(filled, made.house)
    if where == "log":
        await asyncio.to_thread(_log_filled, made.house)
    else:
        with pytest.raises(psycopg.errors.DiskFull):
            await asyncio.to_thread(_data_filled, made.house)
    decided = await made.decided() or decided
    tell(f"no room for its {where} at {made.now:%a %H:%M}, {decided} facts")
    await asyncio.sleep(FULL_SECONDS)
    assert where == "data" or made.house.server.process_id() != server
    ballast.unlink()
    while (await made.decided() or 0) <= (decided or 0):  # noqa: ASYNC110 - a process sets no event
        await asyncio.sleep(BREATH_SECONDS)
    tell(f"again at work at {made.now:%a %H:%M}")


def filled(house: Processes) -> Path:
    """A file that leaves no byte on the database's disk."""
    ballast = find_place(house.grounds.state / "postgresql").home / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 65_536)
    return ballast


def _data_filled(house: Processes) -> None:
    """What is still free inside of PostgreSQL's files, by a table that is gone with the connection."""
    with psycopg.connect(house.url(), autocommit=True) as connection:
        connection.execute(
            "create temporary table ballast as select repeat(md5(n::text), 100) from generate_series(1, 100000) n"
        )


def _log_filled(house: Processes) -> None:
    """The segments that were made in advance, until PostgreSQL gives up for want of another."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(house.url(), autocommit=True) as connection:
        while True:
            connection.execute("select pg_logical_emit_message(true, 'ballast', repeat('x', 1000000))")
