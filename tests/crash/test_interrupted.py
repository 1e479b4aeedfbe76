"""Ctrl-C at any moment of what a person types: a first start with its database and migrations, acts, a publication,
the end of an upgrade. It ends quietly with 130 and has done all or nothing; typed again, it is done once.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from nostro.acts.identity import login
from nostro.model.ids import SHARDS
from nostro.sandbox.stage import MONDAY, START, at
from nostro.store.embedded import EmbeddedServer
from nostro.store.embedded_place import find_place
from tests.crash.blows import tell
from tests.crash.living import MOMENT, Days, days
from tests.crash.processes import DOOR, WORKERS, Processes, empty_grounds, is_pythons
from tests.crash.test_upgrade import FIRST, THEN, next_release

ROUNDS = max(3, int(os.environ.get("NOSTRO_CRASH_ROUNDS", "20")) // 10)
SEED = int(os.environ.get("NOSTRO_CRASH_SEED", "1"))
WORST_SECONDS = 300 + 120 * ROUNDS
LAST_ACT, CLOSES = at(MONDAY, 7, 30), at(MONDAY, 8, 30)
LATE_NEWS = timedelta(hours=1)
"""Webhooks that are late or lost have been made up for by then."""
LATEST = timedelta(hours=4)
PERSON = "operator"
ME = ("--as", PERSON, "--reason", "Ctrl-C is tried")
RECEIPTS = "select encode(id, 'hex') from receipt where kind = 'webhook' order by 1"
ACTS = "select count(*) from receipt where kind = 'act'"
ASKED_FOR = f"select count(*) from fact where actor = '{PERSON}' and type = 'rerun.asked'"
BUNDLES = "select count(*) from bundle"
BEHIND = "select count(*) from shard where activations <> (select max(number) from bundle)"


def interrupted(process: subprocess.Popen[str], seconds: float) -> bool:
    """Ctrl-C at a terminal after so long, for the process and its children; whether it came before the end."""
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    told, said = process.communicate(timeout=120)
    code = process.returncode
    assert code in (0, 130, -signal.SIGINT) or is_pythons(said), (code, told, said)
    assert code not in (0, 130) or "Traceback" not in said, said
    return code != 0


def instants(took: float) -> Iterator[float]:
    """One in each part of the time that the whole takes, in any order."""
    chance = Random(SEED)  # noqa: S311 - which instant, not which secret
    for number in chance.sample(range(ROUNDS), ROUNDS):
        yield (number + chance.random()) * took / ROUNDS


def timed(work: Callable[[], object]) -> float:
    """How long it took, in seconds."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


@pytest.mark.timeout(WORST_SECONDS)
def test_a_first_start_that_is_broken_off_anywhere_is_made_up_for(tmp_path: Path) -> None:
    """Database, migrations and the first publication: whatever is there already, the next start goes on from it."""
    took = _started(tmp_path / "whole", None)
    for number, seconds in enumerate(instants(took)):
        tell(f"Ctrl-C of a first start after {seconds:.1f} of {took:.1f} s")
        _started(tmp_path / f"broken off {number}", seconds)


def _started(folder: Path, seconds: float | None) -> float:
    """The first command of a house that has nothing yet, after one that was broken off; how long it took."""
    folder.mkdir()
    grounds, _, _ = empty_grounds(folder, SEED)
    house = Processes(grounds, EmbeddedServer(grounds.state / "postgresql"), folder, folder / "world-clock")
    house.tell(START)
    if seconds is not None:
        interrupted(house.command("cases"), seconds)
    took = timed(lambda: house.run("cases"))
    place = find_place(grounds.state / "postgresql")
    assert not place.pid_file.exists(), "a server is left that nobody holds"
    with EmbeddedServer(grounds.state / "postgresql") as server, psycopg.connect(server.url()) as connection:
        assert connection.execute(f"select ({BUNDLES}), (select count(*) from arrival)").fetchone() == (1, SHARDS)
    shutil.rmtree(place.home)
    return took


@pytest.mark.timeout(WORST_SECONDS)
def test_what_a_person_does_is_done_once_or_not_at_all(tmp_path: Path) -> None:
    asyncio.run(_acted(tmp_path))


async def _acted(folder: Path) -> None:
    async with days(folder, SEED, LAST_ACT, CLOSES, ()) as made:
        people = made.house.grounds.landscape / "people.yaml"
        me = f"- {{id: {PERSON}, roles: [treasury, control], os_user: {login()}}}"
        people.write_text(people.read_text().replace("people:\n", f"people:\n{me}\n", 1))
        for name in (DOOR, *WORKERS):
            made.house.start(name)
        await made.to(CLOSES)
        took = await asyncio.to_thread(timed, lambda: made.house.run("cases"))
        for name, work in (("rerun", _run_again), ("publish", _published), ("upgrade", _upgraded)):
            tell(f"Ctrl-C of {name} within {took:.1f} s")
            await work(made, took)
        await made.to(made.now + LATE_NEWS)
        await made.judged(MONDAY)


async def _run_again(made: Days, took: float) -> None:
    """Each receipt is read again once, by the one act that asks for it."""
    receipts = [row[0] for row in asked(made, RECEIPTS)]
    assert receipts
    for receipt, seconds in zip(receipts, instants(took), strict=False):
        await _once(made, ACTS, seconds, "rerun", receipt, *ME)
    await _until(made, ASKED_FOR, min(len(receipts), ROUNDS))


async def _published(made: Days, took: float) -> None:
    """A bundle is in force on every shard or on none."""
    limits = made.house.grounds.landscape / "rules" / "limits.yaml"
    for number, seconds in enumerate(instants(took), 1):
        limits.write_text(f"limits: {{overpayment_tolerance_minor: {{'*': 0, DE: {number}}}}}\n")
        await _once(made, BUNDLES, seconds, "landscape", "publish", *ME)
    await _until(made, BEHIND, 0)


async def _once(made: Days, counted: str, seconds: float, *words: str) -> None:
    """Broken off it is kept or not; typed again unless it was, it is kept, once."""
    [(before,)] = asked(made, counted)
    await asyncio.to_thread(interrupted, made.house.command(*words), seconds)
    [(kept,)] = asked(made, counted)
    assert kept in (before, before + 1)
    if kept == before:
        assert (await asyncio.to_thread(made.house.run, *words))["new"]
    assert asked(made, counted) == [(before + 1,)]


async def _upgraded(made: Days, took: float) -> None:
    """The migrations of a next release are applied together or not at all."""
    for name in (DOOR, *WORKERS):
        await asyncio.to_thread(made.house.leave, name)
    made.house.sources[""] = await asyncio.to_thread(next_release, made.house.grounds.state / "next")
    seconds = 0.0
    while await asyncio.to_thread(interrupted, made.house.command("upgrade", "--finish"), seconds):
        waiting = (await asyncio.to_thread(made.house.run, "upgrade"))["waiting"]
        assert [each["name"] for each in waiting] in ([FIRST, THEN], [])
        seconds += took / ROUNDS
    made.house.sources |= dict.fromkeys((DOOR, *WORKERS), made.house.sources[""])
    await made.all_up((DOOR, *WORKERS))


async def _until(made: Days, question: str, wanted: int) -> None:
    """Business goes on until the database's answer is this."""
    latest = made.now + LATEST
    while await made.under_way(question) != wanted:
        assert made.now < latest, f"not {wanted}: {question}"
        await made.to(made.now + MOMENT)


def asked(made: Days, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(made.house.url()) as connection:
        return connection.execute(question.encode()).fetchall()
