"""A worker that decides and sends, whose partner's replies wait until they are let go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from nostro.engine.decide import Decider
from nostro.model.calls import HttpReply, HttpRequest
from nostro.store.database import Database
from tests.dispatch_world import Mortal, Worker, World
from tests.integration.synthetic import House, as_fact, line, payout
from tests.toy_partner import operation

FACTS = "select type, natural_key from fact where subject = 'po_1' order by position"
SETTLED = "command.settled"


@dataclass
class Joined:
    """A worker that decides and sends, and a partner whose replies wait until they are let go."""

    deciding: House
    world: World
    worker: Worker
    replies: asyncio.Event

    async def decide(self, *payouts: str) -> None:
        """A line for each, so that each wants a command; it leaves with its decision."""
        await self.deciding.tell([as_fact(line(payout_id, f"txn_{n}")) for n, payout_id in enumerate(payouts)])
        await self.deciding.decider.step(self.deciding.now)
        effects, mortal = self.world.partner.effects, self.worker.mortal
        while effects.total() < len(payouts) and not mortal.dead:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)

    async def hear(self) -> None:
        """The replies come, and whatever is driven ends, what follows from it too."""
        self.replies.set()
        while self.worker.dispatcher.running:
            await self.worker.dispatcher._moment()

    async def kinds(self) -> list[str]:
        return [str(kind) for kind, _ in await self.world.all(FACTS)]

    async def queue(self) -> list[str]:
        return [str(kind) for (kind,) in await self.world.all("select type from arrival order by at, item, key")]


async def joined(database: Database, name: str = "one", gate: Any = None) -> Joined:  # noqa: ANN401 - stands for a database
    deciding = House(database, worker=name)
    await deciding.begin()
    world, replies = World(database, operation("their_key"), takes_keys=True, now=deciding.now), asyncio.Event()
    right = world.partner.send

    async def slow(request: HttpRequest, timeout_seconds: float) -> HttpReply:
        reply = await right(request, timeout_seconds)
        if request.url.endswith("/do"):
            await replies.wait()
        return reply

    world.partner.send = slow  # type: ignore[method-assign]  # the same partner, that lets us wait
    worker = Worker(world, name, gate or Mortal(database))
    join(deciding, worker)
    await worker.step()
    await deciding.tell([as_fact(payout("po_1")), as_fact(payout("po_2"))])
    await deciding.settle()
    return Joined(deciding, world, worker, replies)


def join(deciding: House, worker: Worker) -> None:
    """They are one process."""
    tenure, decider = deciding.tenure, deciding.decider
    decider.exits = {"psp": worker.dispatcher}
    house = worker.dispatcher.house
    worker.dispatcher.house = replace(house, decides=lambda shard: shard in tenure.shards, ends=decider.ends)


async def comes(decider: Decider, count: int = 1) -> None:
    """So many endings wait for a step."""
    while len(decider._endings) < count:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.001)


async def is_over(here: Joined, *, commands: int = 0) -> None:
    """Nothing of a dispatch is left, and of commands there are so many."""
    assert await here.world.all("select count(*) from dispatch") == [(0,)]
    assert await here.world.all("select count(*) from dispatch_member") == [(0,)]
    assert await here.world.all("select count(*) from command_open") == [(commands,)]
