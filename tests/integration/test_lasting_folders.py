"""A folder that lasts, as one with a large file on a slow mount, goes on, and holds up no other meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from nostro.egress.connections import OpenConnection
from nostro.ingress import files, folders, looks
from nostro.ingress.leases import LEASE
from nostro.model.clock import Now
from nostro.model.failures import DatabaseUnavailable
from nostro.store.receipts import Received
from tests.integration.intake_house import TillConfig, till
from tests.integration.watched_folder import LINE, Watch, watcher, watching

pytestmark = pytest.mark.asyncio
NAMES = ("till", "aye", "bee", "cee", "dee", "eye")
LARGE = LINE * 1000


@pytest_asyncio.fixture
async def watch(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watch]:
    """A house with six folders, each with its connection's name; two lasting ones are as many as there may be."""
    monkeypatch.setattr(folders, "TURN_SECONDS", 0.05)
    monkeypatch.setattr(looks, "FOLDERS_AT_ONCE", 2)
    async with watching(database_url, tmp_path) as made:
        connection = replace(made.house.connection, connector=till(body_limit=1 << 30))
        for name in NAMES:
            folder = made.folder.with_name(name)
            folder.mkdir()
            config = TillConfig(folder=str(folder))
            made.house.connections[name] = replace(connection, id=name, config=config)
        yield made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Until it is set, files called `slow.jsonl` are read slowly: each answer comes in time, and there are many."""
    event, really = threading.Event(), files.parts_of

    def slowly(path: Path, sight: files.Sight) -> Iterator[bytes]:
        for part in really(path, sight):
            size = 100 if path.name == "slow.jsonl" else len(part)
            for at in range(0, len(part), size):
                if size == 100:
                    event.wait(0.3)
                yield part[at : at + size]

    monkeypatch.setattr(folders, "parts_of", slowly)
    yield event
    event.set()


def deliver(watch: Watch, *names: str, file: str = "slow.jsonl", content: bytes = LARGE) -> None:
    for name in names:
        (watch.folder.with_name(name) / file).write_bytes(content + name.encode())


async def steps(watch: Watch, times: int, *, seconds: float = 2) -> int:
    """How many files so many steps tell, none of which lasts."""
    taken = 0
    for _ in range(times):
        async with asyncio.timeout(10):
            taken += await watch.step(seconds=seconds)
    return taken


async def until_taken(watch: Watch, count: int) -> None:
    """So many files more are taken, sooner or later."""
    async with asyncio.timeout(30):
        while count > 0:
            count -= await watch.step()
            await watch.house.read_all()
            await asyncio.sleep(0.02)
    assert count == 0


async def test_a_folder_that_lasts_holds_up_no_file_that_comes_later_to_another(
    watch: Watch, quick: threading.Event
) -> None:
    deliver(watch, "till")
    assert await steps(watch, 3) == 0
    deliver(watch, "aye", "eye", file="urgent.jsonl", content=b"")
    await until_taken(watch, 2)
    assert await watch.kept() == [("urgent.jsonl", 3), ("urgent.jsonl", 3)]
    quick.set()
    await until_taken(watch, 1)
    assert ("slow.jsonl", len(LARGE) + 4) in await watch.kept()
    assert watch.house.counted.seen["receipts", "till", "file", "new"] == 1


async def test_where_as_many_last_as_there_may_be_the_others_have_their_turn_when_one_ends(
    watch: Watch, quick: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting, most = set[str](), [0]
    really = folders.Folders._stream

    async def stream(self: folders.Folders, mount: object, received: Received, *given: object) -> None:
        lasting.add(received.connection)
        most[0] = max(most[0], len(lasting))
        try:
            await really(self, mount, received, *given)  # type: ignore[arg-type]  # handed through
        finally:
            lasting.remove(received.connection)

    monkeypatch.setattr(folders.Folders, "_stream", stream)
    deliver(watch, *NAMES)
    assert await steps(watch, 8) == 0
    assert most == [2]
    quick.set()
    await until_taken(watch, len(NAMES))
    assert most == [2]


async def test_the_next_step_begins_with_the_folder_that_the_last_one_left(
    watch: Watch, quick: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, really = list[str](), folders.Folders._watch

    async def noted(self: folders.Folders, connection: OpenConnection, now: Now) -> int:
        began.append(connection.id)
        return await really(self, connection, now)

    monkeypatch.setattr(folders, "TURN_SECONDS", 0.5)
    await steps(watch, 1)
    deliver(watch, "aye", "bee")
    monkeypatch.setattr(folders.Folders, "_watch", noted)
    await steps(watch, 2)
    assert began == [*NAMES, "till", "aye", "bee"], "and there are no more at once"
    quick.set()
    await until_taken(watch, 2)
    assert began[9:12] == ["cee", "dee", "eye"]


async def test_what_a_look_that_lasts_fails_of_is_told_by_the_next_step(
    watch: Watch, quick: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stream(*_: object) -> None:
        await asyncio.to_thread(quick.wait)
        raise DatabaseUnavailable("It went away.", "Wait.")

    deliver(watch, "till")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(folders.Folders, "_stream", stream)
        assert await steps(watch, 3) == 0
        quick.set()
        await asyncio.sleep(0.1)
        with pytest.raises(DatabaseUnavailable):
            await watch.step()
    await until_taken(watch, 1)


async def test_a_look_that_lasts_keeps_its_lease_until_it_is_ended(
    watch: Watch, quick: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nostro.ingress.leases.LEASE", LEASE / 20)
    other = watcher(watch.house, "worker-2")
    deliver(watch, "till")
    assert await steps(watch, 3) == 0
    until = await watch.house.all("select until from lease where name = 'till/folder'")
    await asyncio.sleep(0.4)
    assert await watch.house.all("select until from lease where name = 'till/folder'") > until, "between steps"
    await watch.folders.stop()
    await watch.folders.leases.release(watch.house.now)
    quick.set()
    await asyncio.sleep(0.4)
    assert await watch.house.all("select holder from lease where name = 'till/folder'") == [("",)]
    watch.folders = other
    await until_taken(watch, 1)


@pytest.mark.usefixtures("quick")
async def test_who_is_cancelled_ends_the_looks_that_last(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(watch, "till")
    assert await steps(watch, 1) == 0
    monkeypatch.setattr(folders, "TURN_SECONDS", 20)
    step = asyncio.create_task(watch.step())
    while "till" not in watch.folders._looks:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    assert "till" not in watch.folders._looks
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("folder ")]
