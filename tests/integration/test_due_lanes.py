"""Dispatches that have to come again have their lanes' shares too: a flood of one lane keeps no other one waiting."""

from __future__ import annotations

import pytest

from tests.dispatch_world import Worker, World, installed
from tests.toy_partner import operation

pytestmark = pytest.mark.asyncio
FLOOD = 40


@pytest.mark.parametrize("flooded, other", [("bulk", "critical"), ("critical", "bulk")])
async def test_what_is_due_again_is_taken_from_every_lane(database_url: str, flooded: str, other: str) -> None:
    """A partner that is busy for long has everybody come again: what came last and is urgent comes first."""
    async with installed(database_url) as database:
        world = World(database, operation("look_up"))
        busy = [True]
        world.partner.fault = lambda _: "busy" if busy[0] else ""
        for n in range(FLOOD):
            await world.want(f"po_{n}", lane=flooded)
        worker = Worker(world, "one")
        await worker.settle()
        world.later(1)
        urgent = await world.want("po_x", lane=other)
        await worker.settle()
        busy[0] = False
        world.later(60)
        while urgent not in dict(world.settled):
            await worker.step()
            await world.absorb()
        assert len(world.settled) <= (FLOOD // 4 if other == "critical" else FLOOD * 3 // 4)
