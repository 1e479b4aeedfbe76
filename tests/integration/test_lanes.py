"""Where one lane is saturated the others move: what is read and what is decided, in one step."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nostro.store.arrivals import lane_number
from tests.integration.intake_house import IntakeHouse, begun
from tests.integration.synthetic import as_fact, payout

pytestmark = pytest.mark.asyncio
BATCH, FLOOD, FEW = 20, 40, 5
FLOODED = pytest.mark.parametrize("flooded, other", [("critical", "bulk"), ("bulk", "critical")])


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[IntakeHouse]:
    house = await begun(database_url)
    yield house
    await house.database.__aexit__()


async def moved(house: IntakeHouse, table: str, lane: str) -> int:
    """How many payouts, named after their lane, are on their way or decided."""
    [(count,)] = await house.all(f"select count(*) from {table} where process = 'payout' and subject like '{lane}%'")
    assert isinstance(count, int)
    return count


def owed(lane: str) -> tuple[int, int]:
    """The least that a step moves of a lane: of a flood, and of a few beside a flood of the other lane."""
    return (14, FEW) if lane == "critical" else (1, 1)


@FLOODED
async def test_a_step_of_deciding_takes_from_every_lane(house: IntakeHouse, flooded: str, other: str) -> None:
    house.decider.batch_limit = BATCH
    names = [f"{flooded}_{n}" for n in range(FLOOD)] + [f"{other}_{n}" for n in range(FEW)]
    await house.tell([as_fact(payout(name)) for name in names])
    for lane in (flooded, other):
        await house.all(f"update arrival set lane = {lane_number(lane)} where subject like '{lane}%' returning 1")
    await house.decider.step(house.now)
    assert await moved(house, "subject", flooded) >= owed(flooded)[0]
    assert await moved(house, "subject", other) >= owed(other)[1]


@FLOODED
async def test_a_step_of_reading_takes_from_every_lane(
    house: IntakeHouse, monkeypatch: pytest.MonkeyPatch, flooded: str, other: str
) -> None:
    monkeypatch.setattr("nostro.ingress.reading.BATCH", BATCH)
    for lane, items in ((flooded, FLOOD), (other, FEW)):
        kept = await house.take(*({"payout": f"{lane}_{n}"} for n in range(items)))
        receipt = kept.id.hex()
        await house.all(f"update reading set lane = {lane_number(lane)} where receipt = '\\x{receipt}' returning 1")
    await house.readings.step(house.now)
    assert await moved(house, "arrival", flooded) >= owed(flooded)[0]
    assert await moved(house, "arrival", other) >= owed(other)[1]
