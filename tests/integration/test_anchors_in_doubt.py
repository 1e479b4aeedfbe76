"""What a running process does while the place of its anchors says nothing, or not the truth."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from nostro.egress.anchors import Anchors, FolderAnchor
from nostro.model.failures import DatabaseRestored, OutOfService
from nostro.store.audit import Anchor
from nostro.store.database import Database
from nostro.store.embedded import EmbeddedServer
from nostro.store.quarantine import Newest, guard
from tests.databases import fresh_database
from tests.dispatch_world import installed
from tests.integration.synthetic import House
from tests.integration.test_recover import EVERYBODY_ELSE, Sealed, begun, transacted, until_told

pytestmark = pytest.mark.asyncio
Away = Callable[[Anchors], AbstractContextManager[None]]


@pytest_asyncio.fixture
async def sealed(database_url: str, tmp_path: Path) -> AsyncIterator[Sealed]:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        made = Sealed(house, begun(tmp_path / "anchors"))
        await made.business("po_1")
        await made.business("po_2")
        yield made


def busy() -> list[threading.Thread]:
    """The threads in which something is done at the anchors."""
    return [thread for thread in threading.enumerate() if thread.name == "anchors"]


@contextmanager
def hanging(anchors: Anchors) -> Iterator[None]:
    """As a mount does whose machine is away: who opens a file waits."""
    file = anchors.folders[0].file
    away = file.rename(file.with_suffix(".away"))
    os.mkfifo(file)
    try:
        yield
    finally:
        let_go = os.open(file, os.O_RDWR)
        for thread in busy():
            thread.join(10)
        os.close(let_go)
        away.rename(file)


@contextmanager
def gone(anchors: Anchors) -> Iterator[None]:
    """As a mount that is no more: there is nothing."""
    folder = anchors.folders[0].folder
    away = folder.rename(folder.with_name("away"))
    yield
    away.rename(folder)


@contextmanager
def refused(anchors: Anchors) -> Iterator[None]:
    """As a mount does that gives up by itself."""
    file = anchors.folders[0].file
    away = file.rename(file.with_suffix(".away"))
    file.mkdir()
    yield
    file.rmdir()
    away.rename(file)


async def anew(database: Database, times: int = 1) -> None:
    """Each time on a connection that was just made."""
    for _ in range(times):
        await database._pool.drain()
        await transacted(database)


async def test_a_process_goes_on_while_its_anchors_hang(sealed: Sealed) -> None:
    anchors, turns = Anchors(sealed.anchors.places), 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    async with Database(sealed.house.database.url, size=2) as database:
        database.guard = guard(anchors.newest, "")
        await anew(database)
        turning = asyncio.create_task(turn())
        with hanging(anchors):
            began = time.monotonic()
            await anew(database, times=8)
            assert time.monotonic() - began < 10, "who was given up is not waited for again"
            assert len(busy()) == 1
        assert turns > 50
        turning.cancel()
    assert await anchors.newest() == Newest(anchors.readable()[-1])


@pytest.mark.parametrize("away", [hanging, gone, refused])
async def test_a_restore_is_noticed_by_what_the_process_knew_before_its_anchors_were_away(
    sealed: Sealed, away: Away
) -> None:
    anchors = Anchors(sealed.anchors.places)
    async with Database(sealed.house.database.url, size=2) as database:
        database.guard = guard(anchors.newest, "")
        await anew(database)
        await sealed.lose(after=1)
        with away(anchors):
            await sealed.house.all(EVERYBODY_ELSE)
            with pytest.raises(DatabaseRestored):
                await until_told(database)


@pytest.mark.parametrize("away", [hanging, gone, refused])
async def test_no_other_run_of_postgresql_is_trusted_while_a_restore_would_not_be_noticed(
    sealed: Sealed, postgres_server: EmbeddedServer, migrated_template: str, away: Away
) -> None:
    """What was anchored since by others this process doesn't know: a restore may have lost it."""
    anchors = Anchors(sealed.anchors.places)
    look = guard(anchors.newest, "")
    with fresh_database(postgres_server, migrated_template) as url:
        async with installed(url) as other:
            await other_life(other)
            async with sealed.house.database.transaction() as tx:
                assert await look(tx) == ""
            with away(anchors):
                async with sealed.house.database.transaction() as tx:
                    assert await look(tx) == ""
                async with other.transaction() as tx:
                    with pytest.raises(OutOfService, match=r"The anchors in .*anchors\.jsonl .* can't be said"):
                        await look(tx)
            async with other.transaction() as tx:
                assert await look(tx) == ""


async def other_life(database: Database) -> None:
    """No anchor speaks against it."""
    async with database.transaction() as tx:
        await tx.execute(b"update deployment set epoch = 3")


async def test_a_process_that_knows_no_anchor_trusts_nothing_while_they_hang(sealed: Sealed) -> None:
    look = guard(Anchors(sealed.anchors.places).newest, "")
    with hanging(sealed.anchors):
        async with sealed.house.database.transaction() as tx:
            with pytest.raises(OutOfService, match="give no answer"):
                await look(tx)


async def test_a_folder_that_hangs_keeps_no_other_place_from_its_anchors(
    sealed: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, append, at = threading.Event(), FolderAnchor._append, datetime(2026, 8, 31, tzinfo=UTC)
    anchors = Anchors([*sealed.anchors.places, *begun(tmp_path / "other").places])
    first, second = anchors.folders

    def hangs(place: FolderAnchor, line: bytes) -> None:
        if place is first:
            answered.wait(20)
        append(place, line)

    monkeypatch.setattr("nostro.egress.anchors.COMMAND_SECONDS", 0.2)
    monkeypatch.setattr(FolderAnchor, "_append", hangs)
    third, fourth = Anchor(3, b"3" * 32), Anchor(4, b"4" * 32)
    for anchor in (third, fourth):
        with pytest.raises(OutOfService, match="gives no answer"):
            await asyncio.wait_for(anchors.put(anchor, at), 5)
    async with asyncio.timeout(5):
        while len(busy()) > 1:  # noqa: ASYNC110 - a thread that has answered ends by itself
            await asyncio.sleep(0.01)
    assert len(busy()) == 1
    assert second.read() == [third, fourth]
    answered.set()
    busy()[0].join(10)
    await anchors.put(fourth, at)
    assert first.read()[-2:] == [third, fourth]


async def test_who_wants_all_of_them_does_not_stand_still_where_they_hang(sealed: Sealed) -> None:
    assert [anchor.number for anchor in await sealed.anchors.all()] == [1, 2]
    with hanging(sealed.anchors), pytest.raises(OutOfService, match="give no answer"):
        await sealed.anchors.all(0.2)
