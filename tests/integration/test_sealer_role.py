"""A dump holds no roles: put back on another server, it lacks the one under which the log is sealed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from nostro.engine.checkpoints import Checkpoints
from nostro.model.clock import Now
from nostro.store.audit import Anchor
from nostro.store.database import Database
from nostro.store.embedded import EmbeddedServer
from nostro.store.entropy import SeededEntropy
from nostro.store.install import install
from nostro.store.keys import Keys
from nostro.store.migrate import migrate
from tests.integration.test_audit import SEAL
from tests.places import quick_folder

AT = datetime(2026, 8, 31, 9, tzinfo=UTC)
KEYS = Keys({1: bytes(32)}, SeededEntropy(7))
WITHOUT_IT = "drop owned by nostro_checkpoint; drop role nostro_checkpoint"
"""As `pg_restore` leaves it: what was granted to it was refused."""
NOBODY = "create role nobody login password 'x' in role pg_read_all_data; grant create on schema public to nobody"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of our own, whose roles are nobody else's."""
    above = Path(tempfile.mkdtemp(prefix="nostro sealer ", dir=quick_folder()))
    above.chmod(0o711)
    with EmbeddedServer(above / "state") as server:
        yield server.url()
    shutil.rmtree(above)


async def nowhere(_: Anchor, __: datetime) -> None:
    """Nobody else keeps it."""


@pytest.mark.asyncio
async def test_what_was_put_back_without_it_is_sealed_from_its_next_start_on(url: str) -> None:
    async with Database(url, size=2) as database:
        await install(database, KEYS, "test", SeededEntropy(1), AT)
    with psycopg.connect(url) as connection:
        connection.execute(WITHOUT_IT)
    async with Database(url, size=2) as database:
        await install(database, KEYS, "test", SeededEntropy(2), AT)
        assert await Checkpoints(database, SEAL, nowhere).step(Now(AT, AT)) == 1
        later = AT + timedelta(seconds=5)
        assert await Checkpoints(database, SEAL, nowhere).step(Now(later, later)) == 0


@pytest.mark.asyncio
async def test_who_may_not_make_it_works_on_without(url: str) -> None:
    async with Database(url, size=2) as database:
        await install(database, KEYS, "test", SeededEntropy(1), AT)
    with psycopg.connect(url) as connection:
        connection.execute(WITHOUT_IT)
        connection.execute(NOBODY)
    assert await migrate(f"postgresql://nobody:x@{url.partition('@')[2]}") == []
