"""A file with a name that is no text, and whatever else is wrong with one, holds up no other file or folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from nostro.ingress import files, folders
from nostro.ingress.leases import LEASE
from nostro.ingress.receiving import Intake
from nostro.model.failures import StatementRefused
from nostro.store.receipts import KeptReceipt, Received
from tests.integration.intake_house import TillConfig
from tests.integration.watched_folder import LINE, Watch, watcher, watching

pytestmark = pytest.mark.asyncio
LATIN = b"Kontoauszug_M\xe4rz.jsonl"
"""As a bank's SFTP puts it there: no UTF-8."""


@pytest_asyncio.fixture
async def watch(database_url: str, tmp_path: Path) -> AsyncIterator[Watch]:
    async with watching(database_url, tmp_path) as made:
        yield made


def write(folder: Path, name: bytes, content: bytes = LINE) -> None:
    (folder / os.fsdecode(name)).write_bytes(content)


async def test_a_file_whose_name_is_no_utf_8_is_read_like_any_other(watch: Watch) -> None:
    write(watch.folder, LATIN)
    write(watch.folder, LATIN.replace(b"\xe4", b"\xe5"), b'{"payout": "po_2"}')
    assert [await watch.look(), await watch.look(), await watch.look()] == [0, 2, 0]
    assert await watch.kept() == [("Kontoauszug_M\ufffdrz.jsonl", len(LINE))] * 2
    assert sorted(path.name for path in watch.folder.glob("taken/*/*")) == sorted(
        os.fsdecode(LATIN.replace(b"\xe4", letter)) for letter in (b"\xe4", b"\xe5")
    )
    await watch.house.read_all()
    assert await watch.house.all("select count(*) from fact where type = 'payout.reported'") == [(2,)]


async def test_so_it_is_where_the_folder_can_not_be_written_to(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "put_away", lambda *_: False)
    write(watch.folder, LATIN)
    write(watch.folder, LATIN.replace(b"\xe4", b"\xe5"), b'{"payout": "po_2"}')
    assert [await watch.look(), await watch.look(), await watch.look()] == [0, 2, 0]
    watch.folders = watcher(watch.house)
    assert [await watch.look(), await watch.look()] == [0, 0]
    assert len(await watch.kept()) == 2
    assert ("receipts", "till", "file", "known") not in watch.house.counted.seen


async def test_so_it_is_when_what_was_put_away_is_read_again(watch: Watch) -> None:
    for name in (LATIN, b"a.jsonl", b"z.jsonl"):
        write(watch.folder, name, b'{"payout": "%d"}' % len(name))
    assert [await watch.look(), await watch.look()] == [0, 3]
    await watch.house.read_all()
    await watch.house.all("update feed set rewind_to = run_at returning 1")
    await watch.look(seconds=4)
    assert watch.house.counted.seen["files", "till", "again"] == 3
    assert await watch.house.all("select cursor from feed") == [("",)], "and then it is at its end"


async def test_a_file_with_such_a_name_beyond_the_limit_is_told_by_it(watch: Watch) -> None:
    write(watch.folder, LATIN, b"x" * 4097)
    assert [await watch.look() for _ in range(3)] == [0] * 3
    await watch.house.read_all()
    [(sentence,)] = await watch.house.all("select sentence from exception_case")
    assert "Kontoauszug_M\ufffdrz.jsonl has 4097 bytes" in str(sentence)


def spoil(watch: Watch, monkeypatch: pytest.MonkeyPatch, bad: str, flaw: Exception) -> None:
    """Files of that name can't be kept."""
    keep = Intake.take_stream

    async def take_stream(self: Intake, received: Received, *given: Any) -> KeptReceipt:  # noqa: ANN401 - handed through
        if received.name == bad:
            raise flaw
        return await keep(self, received, *given)

    monkeypatch.setattr(Intake, "take_stream", take_stream)


@pytest.mark.parametrize("flaw", [UnicodeEncodeError("utf-8", "x", 0, 1, "no"), StatementRefused("No."), KeyError("x")])
async def test_whatever_is_wrong_with_a_file_is_told_and_holds_up_no_other_file_or_folder(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flaw: Exception
) -> None:
    behind = watch.folder.with_name("behind")
    behind.mkdir()
    connection = replace(watch.house.connection, id="zoo", config=TillConfig(folder=str(behind)))
    watch.house.connections["zoo"] = connection
    with monkeypatch.context() as meanwhile:
        spoil(watch, meanwhile, "a.jsonl", flaw)
        write(watch.folder, b"a.jsonl")
        for folder in (watch.folder, behind):
            write(folder, b"b.jsonl", b'{"payout": "po_2"}')
        assert [await watch.look(), await watch.look(), await watch.look()] == [0, 2, 0]
        assert "file_failed" in capsys.readouterr().out
        assert watch.house.counted.seen["files", "till", "failed"] == 2
        assert (watch.folder / "a.jsonl").exists()
    assert await watch.look() == 1, "it waited"


async def test_whatever_is_wrong_with_a_file_that_was_put_away_the_others_are_read_again(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (b"a.jsonl", b"b.jsonl", b"c.jsonl"):
        write(watch.folder, name, b'{"payout": "%b"}' % name)
    assert [await watch.look(), await watch.look()] == [0, 3]
    await watch.house.read_all()
    await watch.house.all("update feed set rewind_to = run_at returning 1")
    with monkeypatch.context() as meanwhile:
        spoil(watch, meanwhile, "b.jsonl", KeyError("x"))
        await watch.look(seconds=4)
        assert watch.house.counted.seen["files", "till", "again"] == 2
        assert "a.jsonl" in str(await watch.house.all("select cursor from feed")), "it isn't passed over"
    await watch.look(seconds=4)
    assert watch.house.counted.seen["files", "till", "again"] == 2, "they are not read each second for it"
    await watch.look(seconds=61)
    assert watch.house.counted.seen["files", "till", "again"] == 4
    assert await watch.house.all("select cursor from feed") == [("",)]


async def test_what_fails_among_many_that_were_put_away_holds_up_none_behind_it(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (files, folders):
        monkeypatch.setattr(module, "FILES_AT_ONCE", 2)
    for n in range(6):
        write(watch.folder, b"%d.jsonl" % n, b'{"payout": "%d"}' % n)
    for taken in (0, 2, 2, 2):
        assert await watch.look() == taken
        await watch.house.read_all()
    await watch.house.all("update feed set rewind_to = run_at returning 1")
    with monkeypatch.context() as meanwhile:
        spoil(watch, meanwhile, "1.jsonl", PermissionError("x"))
        for _ in range(4):
            await watch.look(seconds=4)
        assert watch.house.counted.seen["files", "till", "again"] == 5
        assert "0.jsonl" in str(await watch.house.all("select cursor from feed")), "it isn't passed over"
    for _ in range(4):
        await watch.look(seconds=61)
    assert watch.house.counted.seen["files", "till", "again"] == 10
    assert await watch.house.all("select cursor from feed") == [("",)]


async def test_whatever_is_wrong_with_a_folder_the_others_are_watched(watch: Watch) -> None:
    behind = watch.folder.with_name("behind")
    behind.mkdir()
    watch.house.connections["zoo"] = replace(watch.house.connection, id="zoo", config=TillConfig(folder=str(behind)))
    await watch.look()
    await watch.house.all("update feed set cursor = 'no JSON' where connection = 'till' returning 1")
    write(behind, b"b.jsonl")
    assert [await watch.look(seconds=4), await watch.look(seconds=4)] == [0, 1]
    assert watch.house.counted.seen["files", "till", "failed"] == 2


async def test_a_folder_behind_one_that_lasted_is_leased_from_when_it_is_looked_at(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = watch.folder.with_name("behind")
    behind.mkdir()
    watch.house.connections["zoo"] = replace(watch.house.connection, id="zoo", config=TillConfig(folder=str(behind)))
    listed = folders._list

    def slowly(folder: Path, *given: Any) -> Any:  # noqa: ANN401 - the real one's
        if folder == watch.folder:
            watch.house.later(seconds=15)
        return listed(folder, *given)

    monkeypatch.setattr(folders, "_list", slowly)
    await watch.look()
    [(until,)] = await watch.house.all("select until from lease where name = 'zoo/folder'")
    assert until == watch.house.now.machine + LEASE
