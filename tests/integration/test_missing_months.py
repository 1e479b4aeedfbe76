"""A month whose partitions are not there yet: nothing is set aside for it, and all goes on once they are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nostro.model.failures import OutOfService
from nostro.projections.worklist import open_cases
from nostro.store.database import Database
from nostro.store.migrate import partition
from tests.integration.synthetic import House, as_fact, payout

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with Database(database_url, size=4) as database:
        house = House(database)
        await house.begin()
        yield house


async def test_what_is_decided_in_a_month_without_partitions_waits_for_them(house: House) -> None:
    await house.tell([as_fact(payout("po_1")), as_fact(payout("po_2"))])
    house.later(days=200)
    await house.tenure.step(house.now)
    with pytest.raises(OutOfService, match="month"):
        await house.settle()
    assert await house.all("select 1 from parked") == []
    async with house.database.transaction() as tx:
        assert await partition(tx, house.now.business.date()) == []
    await house.settle()
    assert await house.all("select subject from fact where process = 'payout' order by 1") == [("po_1",), ("po_2",)]
    assert await open_cases(house.database) == []
