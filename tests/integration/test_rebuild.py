"""States that are rebuilt from the log while their subjects go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from nostro.engine.batch import SubjectRow
from nostro.engine.deciding import load_subjects
from nostro.engine.rebuild import Rebuild
from nostro.model.ids import Subject
from nostro.store.database import Database
from tests.dispatch_world import installed
from tests.integration.synthetic import House, as_fact, line, payout

pytestmark = pytest.mark.asyncio
BLOCKED = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with installed(database_url) as opened:
        yield opened


async def test_a_state_that_is_rebuilt_while_a_fact_is_decided_keeps_what_the_fact_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(database)
    await house.begin()
    await house.tell([as_fact(payout("po_1"))])
    await house.settle()
    await house.tell([as_fact(line("po_1", "txn_1"))])
    began, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> dict[Subject, SubjectRow]:  # noqa: ANN401 - whatever it is given
        loaded = await load_subjects(*given)
        began.set()
        await goes_on.wait()
        return loaded

    monkeypatch.setattr("nostro.engine.decide.load_subjects", slow)
    decided = asyncio.create_task(house.decider.step(house.now))
    await began.wait()
    rebuilt = asyncio.create_task(Rebuild(database, house.keys, house.processes).run([Subject("payout", "po_1")]))
    while await house.all(BLOCKED) != [(1,)]:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    goes_on.set()
    assert (await decided, (await rebuilt).states) == (1, 1)
    assert await house.all("select convert_from(body, 'UTF8')::json ->> 'lines' from subject") == [("1",)]


@pytest.mark.parametrize("lost", ["position = 1", "position = 2", "position = 3"])
async def test_a_state_of_which_a_fact_is_gone_stays_as_it_is(database: Database, lost: str) -> None:
    """Folded from what is left it would say less than was told, and the ledger more."""
    house = House(database)
    await house.begin()
    subject = Subject("payout", "po_1")
    for fact in (payout("po_1"), line("po_1", "txn_1"), line("po_1", "txn_2")):
        await house.tell([as_fact(fact)])
        await house.settle()
    before = await house.all("select body from subject")
    facts = "select position from fact where process = 'payout' order by position"
    [first, *_] = [int(str(position)) for (position,) in await house.all(facts)]
    gone = f"delete from fact where shard = {subject.shard} and {lost} + {first - 1} returning 1"
    assert await house.all(gone) == [(1,)]
    rebuilt = await Rebuild(database, house.keys, house.processes).run([subject])
    assert (rebuilt.states, rebuilt.left) == (0, (subject,))
    assert await house.all("select body from subject") == before
