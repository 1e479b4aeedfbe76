"""A folder that can't be written to is remembered, and what is remembered is not written again by each look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from nostro.ingress.files import Sight, marked
from nostro.model.canonical import canonical
from tests.integration.watched_folder import LINE, Watch, watching

pytestmark = pytest.mark.asyncio
FILES = 2000


@pytest_asyncio.fixture
async def watch(database_url: str, tmp_path: Path) -> AsyncIterator[Watch]:
    async with watching(database_url, tmp_path) as made:
        yield made


async def remember(watch: Watch) -> None:
    """So many files were taken and can't be moved: what the feed remembers of them."""
    (watch.folder / "a.jsonl").write_bytes(LINE)
    for _ in range(3):
        await watch.look()
    marks = {}
    for number in range(FILES):
        path = watch.folder / f"CAMT053_CH9300762011623852957_2026{number:05d}.xml"
        path.write_bytes(b"x" * (number % 977))
        marks[marked(path.name)] = Sight.of(path.stat()).mark
    cursor = canonical(marks).decode()
    async with watch.house.database.transaction() as tx:
        await tx.execute(b"update feed set cursor = %s where connection = 'till'", (cursor,))


async def stored(watch: Watch) -> object:
    """Where the feed's memory is: a new place each time that it is written."""
    [(place,)] = await watch.house.all("select pg_column_toast_chunk_id(cursor) from feed where connection = 'till'")
    return place


async def test_a_look_that_changes_nothing_writes_no_memory(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.ingress.folders.put_away", lambda *_: False)
    await remember(watch)
    for _ in range(2):
        await watch.look(seconds=4)
    before = await stored(watch)
    assert before is not None
    beats = await watch.house.all("select heartbeat_at from feed where connection = 'till'")
    await watch.look(seconds=4)
    [(cursor,)] = await watch.house.all("select cursor from feed where connection = 'till'")
    assert str(cursor).count("CAMT053") == FILES
    assert await watch.house.all("select heartbeat_at from feed where connection = 'till'") != beats
    assert await stored(watch) == before
