"""Watched folders: files still being written are left alone, and each is kept once, whatever happens in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from nostro.ingress import files, folders
from nostro.ingress.folders import SETTLE
from tests.dispatch_world import Killed
from tests.integration.intake_house import till
from tests.integration.watched_folder import LINE, Watch, watcher, watching

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def watch(database_url: str, tmp_path: Path) -> AsyncIterator[Watch]:
    async with watching(database_url, tmp_path) as made:
        yield made


async def test_a_file_that_held_still_over_two_looks_is_kept_read_and_moved(watch: Watch) -> None:
    (watch.folder / "a.jsonl").write_bytes(LINE)
    assert [await watch.look(), await watch.look(), await watch.look()] == [0, 1, 0]
    assert await watch.kept() == [("a.jsonl", len(LINE))]
    assert [path.parent.name for path in watch.folder.glob("taken/*/*")] == ["2026-08-31"]
    assert list(watch.folder.glob("*.jsonl")) == []
    await watch.house.read_all()
    assert await watch.house.all("select subject from fact where type = 'payout.reported'") == [("po_1",)]


async def test_a_file_that_grows_or_says_that_it_is_unfinished_is_left_alone(watch: Watch) -> None:
    for name in ("b.tmp", "c.PART", ".d.jsonl", "e.jsonl.filepart", "f.partial"):
        (watch.folder / name).write_bytes(LINE)
    (watch.folder / "link.jsonl").symlink_to(watch.folder / "b.tmp")
    for size in (1, 2, 3):
        (watch.folder / "a.jsonl").write_bytes(LINE * size)
        assert await watch.look() == 0
    assert await watch.look() == 1
    assert await watch.look() == 0
    assert await watch.kept() == [("a.jsonl", 3 * len(LINE))]


async def test_an_idle_folder_asks_the_database_each_third_of_a_lease_and_sees_a_file_at_once(watch: Watch) -> None:
    said = set()
    for _ in range(10):
        await watch.look(seconds=1)
        [(heartbeat,)] = await watch.house.all("select heartbeat_at from feed")
        said.add(heartbeat)
    assert len(said) == 3
    (watch.folder / "a.jsonl").write_bytes(LINE)
    assert [await watch.look(seconds=1) for _ in range(2)] == [0, 1]


async def test_a_file_holds_still_for_two_seconds_from_when_a_second_look_began(watch: Watch) -> None:
    watch.folders = watcher(watch.house, settle=SETTLE)
    (watch.folder / "a.jsonl").write_bytes(LINE)
    assert [await watch.look(seconds=0.5) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("half", [LINE[:9], b"<Document><A>1</A>"], ids=["no_end", "cut"])
async def test_a_look_whose_worker_stood_still_before_it_does_not_make_a_file_older(watch: Watch, half: bytes) -> None:
    watch.folders = watcher(watch.house, settle=SETTLE)
    began = watch.house.now
    watch.house.later(seconds=7200)
    (watch.folder / "a").write_bytes(half)
    await watch.folders.step(began)
    assert [await watch.look(seconds=1), await watch.look(seconds=1)] == [0, 0]


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0"?>\n<!-- camt -->\n<Document xmlns="urn:x"><A>1</A>',
        b"\xef\xbb\xbf<Document><A></A></Docum",
        b"<ns:Document><A></A></A>",
        b"<?xml version='1.0'",
        b"",
    ],
)
async def test_a_file_that_reads_as_cut_waits_until_its_deadline_before_it_is_a_reject(
    watch: Watch, content: bytes
) -> None:
    (watch.folder / "a.xml").write_bytes(content)
    assert [await watch.look(), await watch.look(), await watch.look(seconds=600)] == [0, 0, 0]
    assert await watch.look(seconds=300) == 1
    await watch.house.read_all()
    rejected = [end["rejected"] > 0 for end in await watch.house.ends()]
    assert rejected == [bool(content)], "the till reads nothing out of nothing"


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0"?>\n<Document xmlns="urn:x"><A>1</A></Document>\n',
        b"<ns:Document></ns:Document >\n<!-- end -->\n",
        b"{1: no XML at all",
    ],
)
async def test_a_whole_file_does_not_wait(watch: Watch, content: bytes) -> None:
    (watch.folder / "a.xml").write_bytes(content)
    assert [await watch.look(), await watch.look()] == [0, 1]


async def test_a_crash_between_keeping_and_moving_keeps_it_once(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    (watch.folder / "a.jsonl").write_bytes(LINE)
    await watch.look()
    with monkeypatch.context() as crash:
        crash.setattr(folders, "put_away", _die)
        with pytest.raises(Killed):
            await watch.look()
    assert len(await watch.kept()) == 1
    watch.folders = watcher(watch.house)
    assert [await watch.look(), await watch.look()] == [0, 1]
    assert len(await watch.kept()) == 1
    assert watch.taken() == ["a.jsonl"]
    await watch.house.read_all()
    assert await watch.house.all("select count(*) from fact where type = 'payout.reported'") == [(1,)]


async def test_the_same_bytes_again_are_the_same_receipt_and_no_file_is_overwritten(watch: Watch) -> None:
    for content in (LINE, LINE, b'{"payout": "po_2"}'):
        (watch.folder / "a.jsonl").write_bytes(content)
        await watch.look()
        assert await watch.look() == 1
    assert len(await watch.kept()) == 2
    assert watch.taken() == ["a.2.jsonl", "a.3.jsonl", "a.jsonl"]


async def test_a_file_that_is_replaced_while_it_is_kept_is_taken_as_well(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_away, path = files.put_away, watch.folder / "a.jsonl"

    def replaced(*given: object) -> bool:
        path.unlink()
        path.write_bytes(b'{"payout": "po_2"}')
        return put_away(*given)  # type: ignore[arg-type]  # the real one's arguments, handed through

    path.write_bytes(LINE)
    await watch.look()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(folders, "put_away", replaced)
        await watch.look()
    assert watch.taken() == []
    await watch.look()
    assert await watch.look() == 1
    assert len(await watch.kept()) == 2


async def test_a_file_that_changes_while_it_is_read_is_not_kept_half(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = watch.folder / "a.jsonl"
    path.write_bytes(LINE)
    await watch.look()
    monkeypatch.setattr("nostro.ingress.folders.seems_cut", lambda *_: bool(path.write_bytes(LINE * 2)) and False)
    assert await watch.look() == 0
    assert await watch.kept() == []


async def test_a_folder_that_can_not_be_written_to_is_read_once_and_left_as_it_is(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)  # root may write anywhere: mode bits would prove nothing
    (watch.folder / "a.jsonl").write_bytes(LINE)
    assert [await watch.look(), await watch.look(), await watch.look()] == [0, 1, 0]
    watch.folders = watcher(watch.house)
    assert [await watch.look(), await watch.look()] == [0, 0]
    assert (watch.folder / "a.jsonl").exists()
    assert watch.house.counted.seen["receipts", "till", "file", "new"] == 1
    assert ("receipts", "till", "file", "known") not in watch.house.counted.seen


async def test_new_files_are_seen_among_more_taken_ones_than_a_look_counts(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "FILES_SEEN", 2)
    monkeypatch.setattr(folders, "put_away", lambda *_: False)
    for n in range(9):
        (watch.folder / f"{n}.jsonl").write_bytes(b'{"payout": "po_%d"}' % n)
        await watch.look()
        assert await watch.look() == 1
        await watch.house.read_all()
    watch.folders = watcher(watch.house)
    assert [await watch.look(), await watch.look()] == [0, 0]
    assert ("files", "till", "cut_off") not in watch.house.counted.seen
    assert ("receipts", "till", "file", "known") not in watch.house.counted.seen


async def test_more_waiting_files_than_a_look_counts_are_told_and_all_are_taken(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "FILES_SEEN", 2)
    monkeypatch.setattr(folders, "put_away", lambda *_: False)
    for n in range(5):
        (watch.folder / f"{n}.jsonl").write_bytes(b'{"payout": "po_%d"}' % n)
    taken = []
    for _ in range(8):
        taken.append(await watch.look())
        await watch.house.read_all()
    assert taken == [0, 2, 0, 2, 0, 1, 0, 0]
    assert watch.house.counted.seen["files", "till", "cut_off"] == 4
    assert ("receipts", "till", "file", "known") not in watch.house.counted.seen, "what was taken stays known"


async def test_files_stay_outside_while_the_backlog_is_full(watch: Watch) -> None:
    for n in range(3):
        await watch.house.take({"payout": f"po_{n}"}, kind="act")
    (watch.folder / "a.jsonl").write_bytes(LINE)
    await watch.look()
    await watch.house.limits.step(watch.house.now)
    assert await watch.look() == 0
    await watch.house.read_all()
    assert [await watch.look(), await watch.look()] == [0, 1]


async def test_a_file_beyond_the_limit_stays_and_is_told(watch: Watch) -> None:
    (watch.folder / "a.jsonl").write_bytes(b"x" * 4097)
    assert [await watch.look() for _ in range(4)] == [0] * 4
    assert watch.house.counted.seen["files", "till", "refused"] == 3
    await watch.house.read_all()
    [(reason, sentence)] = await watch.house.all("select reason, sentence from exception_case")
    assert reason == "unreadable"
    assert "a.jsonl has 4097 bytes and till takes 4096 at most" in str(sentence)
    assert await watch.house.all("select count(*) from receipt") == [(1,)]
    assert (watch.folder / "a.jsonl").exists()


async def test_one_worker_watches_a_folder_and_another_takes_over(watch: Watch) -> None:
    other = watcher(watch.house, "worker-2")
    await watch.look()
    (watch.folder / "a.jsonl").write_bytes(LINE)
    taken = []
    for _ in range(8):
        watch.house.later(seconds=3)
        taken.append(await other.step(watch.house.now))
    assert taken[:4] == [0, 0, 0, 0], "the lease of the first one holds"
    assert sum(taken) == 1


async def test_a_large_file_is_kept_in_parts(watch: Watch) -> None:
    connection = watch.house.connections["till"]
    watch.house.connections["till"] = replace(connection, connector=till(body_limit=1 << 30))
    lines = b"\n".join(b'{"payout": "po_%d", "padding": "%s"}' % (n, b"x" * 1000) for n in range(3000))
    (watch.folder / "a.jsonl").write_bytes(lines)
    await watch.look()
    assert await watch.look() == 1
    assert await watch.house.all("select count(*), max(lane) from receipt_part, reading") == [(3, 2)]
    await watch.house.read_all()
    [end] = await watch.house.ends()
    assert (end["items"], end["read"]) == (3000, 3000)


async def test_a_folder_that_is_gone_is_told_and_watched_again(watch: Watch) -> None:
    moved = watch.folder.with_name("elsewhere")
    watch.folder.rename(moved)
    assert await watch.look() == 0
    [(note,)] = await watch.house.all("select note from feed")
    assert str(note).startswith("The folder can't be read")
    moved.rename(watch.folder)
    (watch.folder / "a.jsonl").write_bytes(LINE)
    await watch.look()
    assert await watch.look() == 1
    assert await watch.house.all("select note from feed") == [("",)]


def _die(*_: object) -> bool:
    raise Killed
