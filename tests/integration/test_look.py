"""The look at the queue: what it finds, and up to where nothing else waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from nostro.engine.look import Found, Look
from nostro.model.canonical import canonical
from nostro.model.ids import SHARDS, Subject
from nostro.store.arrivals import Arrival, Blob, arrival_for, put
from nostro.store.database import Database
from tests.dispatch_world import START, installed
from tests.integration.synthetic import as_fact, line

pytestmark = pytest.mark.asyncio
ONE, OTHER = Subject("payout", "po_1"), Subject("payout", "po_2")
HELD = range(SHARDS)
MOST = 40
"""At most so many are asked for: 28 of the critical lane, 38 with the standard one; two of each shard."""


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


def arrival(subject: Subject, second: float, lane: int = 1) -> Arrival:
    """What comes to a subject, so many seconds after the start."""
    fact, at = as_fact(line(subject.id, f"txn_{lane}_{second}")), START + timedelta(seconds=second)
    return arrival_for(fact, Blob(canonical(fact.body)), subject, lane, at)


async def look(database: Database, *waiting: Arrival) -> Found:
    async with database.transaction() as tx:
        await put(tx, waiting)
    return await Look().find(database, HELD, MOST)


def spread(count: int, lane: int = 1) -> list[Arrival]:
    """One a second, each on another shard."""
    subjects = {subject.shard: subject for subject in (Subject("payout", f"po_{n}") for n in range(1000))}
    return [arrival(subjects[n], n, lane) for n in range(count)]


async def test_where_all_was_found_nothing_else_waits(database: Database) -> None:
    found = await look(database, arrival(ONE, 1), arrival(ONE, 2, lane=0), arrival(OTHER, 1, lane=2))
    assert [one.lane for one in found.queue] == [0, 1, 2]
    assert all(found.nobody_passed(arrival(ONE, 9, lane)) for lane in range(3))


async def test_on_a_lane_that_has_more_nothing_waits_before_the_last_that_was_taken(database: Database) -> None:
    found = await look(database, *spread(60))
    last = max(one.at for one in found.queue)
    seconds = (last - START).total_seconds()
    assert 0 < len(found.queue) < 60
    assert found.nobody_passed(arrival(ONE, seconds - 0.5))
    assert not found.nobody_passed(arrival(ONE, seconds + 0.5))
    assert found.nobody_passed(arrival(ONE, 99, lane=0))
    assert not found.nobody_passed(arrival(ONE, 0, lane=2)), "while a more critical lane is behind"


async def test_nor_where_its_share_was_smaller_than_what_was_found(database: Database) -> None:
    found = await look(database, *spread(27, lane=0), *spread(20))
    taken = [one for one in found.queue if one.lane == 1]
    assert len(taken) == 11
    assert found.nobody_passed(arrival(ONE, 9.5))
    assert not found.nobody_passed(arrival(ONE, 10.5))


async def test_of_a_shard_that_has_more_nothing_waits_before_the_last_that_was_found(database: Database) -> None:
    assert ONE.shard != OTHER.shard
    found = await look(database, *(arrival(ONE, n) for n in range(5)))
    assert len(found.queue) == 2
    assert found.nobody_passed(arrival(ONE, 0.5))
    assert not found.nobody_passed(arrival(ONE, 1.5))
    assert found.nobody_passed(arrival(OTHER, 99))
    assert found.nobody_passed(arrival(ONE, 99, lane=0))
