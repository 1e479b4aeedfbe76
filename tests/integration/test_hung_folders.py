"""A file system that doesn't answer holds up nothing but what lies on it, costs a thread, and is told."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from nostro.ingress import files, folders, mounts
from tests.integration.intake_house import TillConfig, till
from tests.integration.watched_folder import LINE, Watch, watcher, watching

pytestmark = pytest.mark.asyncio
LARGE = b"\n".join(b'{"payout": "po_%d", "padding": "%s"}' % (n, b"x" * 1000) for n in range(3000))


@pytest_asyncio.fixture
async def watch(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watch]:
    """A house with two folders; an answer takes half a second at most."""
    monkeypatch.setattr(mounts, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(folders, "TURN_SECONDS", 0.05)
    async with watching(database_url, tmp_path) as made:
        behind = made.folder.with_name("behind")
        behind.mkdir()
        config, connector = TillConfig(folder=str(behind)), till(body_limit=1 << 30)
        made.house.connections["till"] = replace(made.house.connections["till"], connector=connector)
        made.house.connections["zoo"] = replace(made.house.connection, id="zoo", config=config)
        yield made


@pytest.fixture
def answers() -> Iterator[threading.Event]:
    """Until it is set, what hangs hangs."""
    event = threading.Event()
    yield event
    event.set()


def hang(monkeypatch: pytest.MonkeyPatch, folder: Path, answers: threading.Event, *, times: int = 1000) -> None:
    """So often the folder can't be listed."""
    scandir, left = os.scandir, [times]

    def hanging(path: Any = ".") -> Any:  # noqa: ANN401 - the real one's
        if Path(path) == folder and left[0] > 0:
            left[0] -= 1
            answers.wait(20)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", hanging)


async def looks(watch: Watch, times: int) -> int:
    """How many files so many looks take, which end soon."""
    async with asyncio.timeout(15):
        return sum([await watch.look() for _ in range(times)])


def threads() -> int:
    return sum(thread.name == "folder" for thread in threading.enumerate())


async def answered(answers: threading.Event) -> None:
    """All that hung has ended."""
    answers.set()
    while threads():  # noqa: ASYNC110 - a thread's end sets no event
        await asyncio.sleep(0.01)


async def test_a_folder_that_does_not_answer_holds_up_no_other_and_is_told(
    watch: Watch, answers: threading.Event, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hang(monkeypatch, watch.folder, answers)
    for folder in (watch.folder, watch.folder.with_name("behind")):
        (folder / "a.jsonl").write_bytes(LINE)
    assert await looks(watch, 5) == 1
    assert threads() == 1, "however often it is looked at"
    [(note,)] = await watch.house.all("select note from feed where connection = 'till'")
    assert str(note).startswith("The folder can't be read (no answer for ")
    assert capsys.readouterr().out.count("folder_unreadable") == 5
    await answered(answers)
    assert await looks(watch, 2) == 1
    assert await watch.house.all("select note from feed where connection = 'till'") == [("",)]


async def test_folders_that_do_not_answer_are_waited_for_side_by_side(
    watch: Watch, answers: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "ANSWER_SECONDS", 2)
    hang(monkeypatch, watch.folder, answers)
    for name in ("aye", "bee"):
        watch.house.connections = {name: replace(watch.house.connections["till"], id=name), **watch.house.connections}
    watch.folders = watcher(watch.house)
    (watch.folder.with_name("behind") / "a.jsonl").write_bytes(LINE)
    began = time.monotonic()
    assert await looks(watch, 2) == 1
    assert time.monotonic() - began < 5


async def test_another_worker_has_the_folder_that_does_not_answer_this_one(
    watch: Watch, answers: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang(monkeypatch, watch.folder, answers, times=1)
    (watch.folder / "a.jsonl").write_bytes(LINE)
    other = watcher(watch.house, "worker-2")
    taken = 0
    for _ in range(8):
        assert await looks(watch, 1) == 0
        taken += await other.step(watch.house.now)
    assert taken == 1


async def test_a_folder_that_is_slow_but_answers_is_listed(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "LISTED_AT_ONCE", 1)
    really = files.marked

    def slowly(name: str) -> str:
        time.sleep(0.25)
        return really(name)

    monkeypatch.setattr(folders, "marked", slowly)
    for n in range(3):
        (watch.folder / f"{n}.jsonl").write_bytes(b'{"payout": "po_%d"}' % n)
    assert await looks(watch, 2) == 3


def stall(
    monkeypatch: pytest.MonkeyPatch, name: str, answers: threading.Event, *, opened: int = 1, seconds: float = 20
) -> None:
    """A file of that name gives nothing from when it is opened so often."""
    really, times = Path.open, [0]

    def stalling(self: Path, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - the real one's
        if self.name == name:
            times[0] += 1
            if times[0] == opened:
                answers.wait(seconds)
        return really(self, *given, **named)

    monkeypatch.setattr(Path, "open", stalling)


async def test_a_file_that_does_not_answer_holds_up_no_other_of_its_folder_and_is_told(
    watch: Watch, answers: threading.Event, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (watch.folder / "a.jsonl").write_bytes(LINE)
    os.utime(watch.folder / "a.jsonl", (1, 1))
    stall(monkeypatch, "a.jsonl", answers)
    for name in ("b.jsonl", "c.jsonl"):
        (watch.folder / name).write_bytes(b'{"payout": "%b"}' % name.encode())
    assert await looks(watch, 4) == 2
    assert "file_hangs" in capsys.readouterr().out
    assert watch.house.counted.seen["files", "till", "hangs"] == 3
    await answered(answers)
    assert await looks(watch, 1) == 1


async def test_a_large_file_that_stops_to_answer_half_way_leaves_nothing_behind(
    watch: Watch, answers: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = files.parts_of

    readings = []

    def stopping(path: Path, sight: files.Sight) -> Iterator[bytes]:
        readings.append(path)
        for n, part in enumerate(really(path, sight)):
            if n == 1 and len(readings) == 2:
                answers.wait(20)
            yield part

    monkeypatch.setattr(folders, "parts_of", stopping)
    (watch.folder / "a.jsonl").write_bytes(LARGE)
    before = await counts(watch)
    assert await looks(watch, 3) == 0
    assert len(readings) == 2
    assert await counts(watch) == before
    await answered(answers)
    assert await looks(watch, 1) == 1
    assert await watch.house.all("select count(*) from receipt_part") == [(3,)]


async def counts(watch: Watch) -> list[tuple[object, ...]]:
    tables = ("receipt", "receipt_part", "reading", "seen")
    return [row for table in tables for row in await watch.house.all(f"select count(*) from {table}")]


@pytest.mark.parametrize("opened", [1, 2, 3], ids=["whether_it_is_cut", "to_measure", "to_seal"])
async def test_the_loop_goes_on_while_a_file_is_waited_for(
    watch: Watch, answers: threading.Event, monkeypatch: pytest.MonkeyPatch, opened: int
) -> None:
    monkeypatch.setattr(mounts, "ANSWER_SECONDS", 5)
    (watch.folder / "a.jsonl").write_bytes(LARGE)
    stall(monkeypatch, "a.jsonl", answers, opened=opened, seconds=2)
    looking = asyncio.create_task(looks(watch, 2))
    turns = [time.monotonic()]
    while not looking.done():
        await asyncio.sleep(0.01)
        turns.append(time.monotonic())
    assert await looking == 1
    assert max(later - earlier for earlier, later in pairwise(turns)) < 1.5


async def test_a_kept_file_that_is_not_put_away_in_time_is_not_taken_again(
    watch: Watch, answers: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = files.put_away

    def late(path: Path, sight: files.Sight, at: datetime) -> bool:
        answers.wait(20)
        return really(path, sight, at)

    monkeypatch.setattr(folders, "put_away", late)
    (watch.folder / "a.jsonl").write_bytes(LINE)
    assert await looks(watch, 4) == 1
    assert ("receipts", "till", "file", "known") not in watch.house.counted.seen
    await answered(answers)
    assert watch.taken() == ["a.jsonl"]
    assert await looks(watch, 2) == 0
    assert await watch.house.all("select cursor from feed where connection = 'till'") == [("",)]
