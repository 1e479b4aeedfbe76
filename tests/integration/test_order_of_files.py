"""Files are read in the order in which they were delivered, and after a restore in that order again.

What a movement is called, and so the id that it bears outside, comes from whichever report told it first.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from nostro.ingress.limits import Limit
from tests.integration.watched_folder import Watch, watching

pytestmark = pytest.mark.asyncio
NAMES = ("d", "b", "e", "a", "c")
QUEUE = "select name from reading join receipt on id = receipt order by run_at, reading.shard, receipt"
LOST = "truncate receipt, receipt_part, reading, seen"


@pytest_asyncio.fixture
async def watch(database_url: str, tmp_path: Path) -> AsyncIterator[Watch]:
    async with watching(database_url, tmp_path) as made:
        made.house.limits.limit = Limit()
        yield made


def deliver(watch: Watch) -> None:
    """Each a moment after the one before."""
    for n, name in enumerate(NAMES):
        file = watch.folder / f"{name}.jsonl"
        file.write_bytes(b'{"payout": "po_%b"}\n' % name.encode())
        os.utime(file, ns=(n * 1000, n * 1000))


async def queued(watch: Watch) -> list[str]:
    return [str(name)[0] for (name,) in await watch.house.all(QUEUE)]


async def test_what_one_look_takes_is_read_in_the_order_of_its_delivery(watch: Watch) -> None:
    deliver(watch)
    assert [await watch.look(), await watch.look()] == [0, len(NAMES)]
    assert await queued(watch) == list(NAMES)


async def test_what_a_restore_lost_is_read_in_that_order_again(watch: Watch) -> None:
    deliver(watch)
    await watch.look()
    await watch.look()
    async with watch.house.database.transaction() as tx:
        await tx.execute(LOST.encode())
    await watch.house.all("update feed set rewind_to = run_at returning 1")
    await watch.look(seconds=4)
    assert await queued(watch) == list(NAMES)


async def test_a_part_at_a_time_too(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(watch)
    await watch.look()
    await watch.look()
    async with watch.house.database.transaction() as tx:
        await tx.execute(LOST.encode())
    for module in ("files", "folders"):
        monkeypatch.setattr(f"nostro.ingress.{module}.FILES_AT_ONCE", 2)
    await watch.house.all("update feed set rewind_to = run_at returning 1")
    for _ in range(3):
        await watch.look(seconds=4)
        await watch.house.all("update reading set lane = 1 returning 1")
    assert await queued(watch) == list(NAMES)
    assert await watch.house.all("select cursor from feed") == [("",)]
