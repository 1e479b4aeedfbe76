"""The end of an upgrade waits for whoever of the last release may come back, though he is not connected now."""

from __future__ import annotations

import psycopg
import pytest

from nostro.model.canonical import canonical
from nostro.model.failures import OutOfService
from nostro.store import migrate as module
from nostro.store.migrate import Migration, Phase, finish

pytestmark = pytest.mark.asyncio
LAST = Migration("9999_last.sql", Phase.AFTER, "-- phase: after the new code\nselect 1")
SEEN = "insert into worker values ('w', clock_timestamp(), clock_timestamp() - %s * interval '1 second', %s)"


@pytest.fixture(autouse=True)
def _one_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    every = (*module.migrations(), LAST)
    monkeypatch.setattr(module, "migrations", lambda: every)


def seen(url: str, seconds_ago: int, **says: object) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(SEEN, (seconds_ago, canonical({"processes": {}, **says})))


@pytest.mark.parametrize("says", [{}, {"release": "nostro 0017_from_here_as_seen.sql"}])
async def test_a_worker_of_the_last_release_that_was_seen_a_moment_ago_stands_against_it(
    database_url: str, says: dict[str, object]
) -> None:
    """PostgreSQL was started anew, or a pool stands between: he would come back to what he can't work with."""
    seen(database_url, 5, **says)
    with pytest.raises(OutOfService, match="1 workers of an older release were seen in the last minute"):
        await finish(database_url)


async def test_one_that_is_gone_for_a_minute_or_of_this_release_does_not(database_url: str) -> None:
    seen(database_url, 61)
    with psycopg.connect(database_url) as connection:
        connection.execute("update worker set id = 'gone'")
    seen(database_url, 5, release=module.release())
    assert await finish(database_url) == [LAST.name]
