"""The demo from beginning to end: a plain script lives through the two days, then Nostro does, then both are judged."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from nostro.projections.trace import trace
from nostro.runtime.demo.drive import LATE_EFFECTS, Drive
from nostro.runtime.demo.judge import Judgement, judge
from nostro.runtime.demo.landscape import Grounds, write_landscape
from nostro.runtime.demo.page import Lookout, Report
from nostro.runtime.demo.proof import differences
from nostro.runtime.demo.summary import SQL, summarise
from nostro.runtime.house import House, open_house
from nostro.runtime.ports import listening
from nostro.runtime.workers import Worker, open_worker
from nostro.sandbox.judgement import intended
from nostro.sandbox.odoo import OdooBooks
from nostro.sandbox.run import SandboxSettings, build_server
from nostro.sandbox.scenario import Scenario
from nostro.sandbox.server import Server
from nostro.sandbox.stage import END, ODOO, START, TUESDAY
from nostro.store.entropy import SystemEntropy

CLOSING_STEP = timedelta(minutes=5)
CLOSING_STEPS = 24
"""Two hours after the end whatever was under way has ended, or something is wrong with it."""
OUTWARD = ("folders", "poll")
CALLS_PER_SECOND = 1000.0
SECOND = timedelta(seconds=1)
Told = Callable[[datetime], object]


@dataclass(slots=True)
class Stage:
    """Nostro in its sandbox, both running."""

    server: Server
    scenario: Scenario
    worker: Worker
    grounds: Grounds
    _looked_at: datetime = START
    _done: dict[str, int] = field(default_factory=dict)

    @property
    def house(self) -> House:
        """The house that the worker works for."""
        return self.worker.house

    def drive(self, told: Told) -> Drive:
        """Moves both on."""
        return Drive(self.server, self._react, self._waits, told)

    async def close_books(self, told: Told) -> None:
        """Go on after the end until nothing is under way, at most for two hours."""
        drive = self.drive(told)
        await drive.to(END + LATE_EFFECTS)
        for _ in range(CLOSING_STEPS):
            if not await self._busy():
                break
            await drive.to(self.server.world.now + CLOSING_STEP)

    async def stay_up(self) -> None:
        """Let time go on as it does, until cancelled."""
        drive = self.drive(lambda _now: None)
        while True:
            await asyncio.sleep(SECOND.total_seconds())
            await drive.to(self.server.world.now + SECOND)

    async def _react(self) -> int:
        """A step of every loop, side by side as in earnest; a dialogue that still goes on counts as work.

        Who looks outside and found nothing need not look again at the same moment, unless a webhook gave a hint.
        """
        now = await self.house.now()
        if now.business != self._looked_at or self._done.get("read"):
            self._looked_at, self._done = now.business, {}
        asking = [
            loop for loop in self.worker.loops if not loop.name.startswith(OUTWARD) or self._done.get(loop.name, 1)
        ]
        done = await asyncio.gather(*(loop.step(now) for loop in asking))
        self._done |= dict(zip((loop.name for loop in asking), done, strict=True))
        return sum(done) + sum(dispatcher.running for dispatcher in self.worker.dispatchers)

    async def _waits(self) -> datetime | None:
        async with self.house.database.transaction() as tx:
            row = await tx.row(SQL.next_wait, now=self.server.world.now)
        return row.at if row else None

    async def _busy(self) -> bool:
        async with self.house.database.transaction() as tx:
            row = await tx.row(SQL.under_way)
        return bool(row and row.things)


def _unpaced(house: House) -> House:
    """Business time runs a thousand times faster than calls may follow each other in earnest."""
    quick = {name: replace(one, calls_per_second=CALLS_PER_SECOND) for name, one in house.connections.items()}
    return replace(house, connections=quick)


@asynccontextmanager
async def staged(grounds: Grounds, *, seed: int, size: int, faults: bool = True) -> AsyncIterator[Stage]:
    """Write the landscape, start the sandbox and open the house; nothing has happened yet."""
    settings = SandboxSettings(
        grounds.files, seed=seed, size=size, port=grounds.sandbox, webhooks=grounds.webhooks, faults=faults
    )
    server, scenario = build_server(settings)
    odoo = server.world.systems[ODOO]
    assert isinstance(odoo, OdooBooks)
    for folder in grounds.webhooks:
        (grounds.files / folder).mkdir(parents=True, exist_ok=True)
    write_landscape(grounds, odoo.landscape(), SystemEntropy())
    await server.start()
    try:
        async with (
            open_house(grounds.landscape, grounds.state, business=lambda: server.world.now) as house,
            open_worker(_unpaced(house), settle=timedelta(0)) as worker,
            listening(worker.door, grounds.door),
            listening(worker.health, grounds.health),
        ):
            yield Stage(server, scenario, worker, grounds)
    finally:
        await server.stop()


async def judged(stage: Stage, naive: Judgement, *, stays_up: bool) -> Report:
    """Read everything that the page tells."""
    world = stage.server.world
    books = world.books()
    outside: dict[str, Any] = books["systems"]
    summary = await summarise(stage.house.database, outside, world.now)
    verdict = judge(intended(stage.scenario, world), outside[ODOO], TUESDAY)
    met: Counter[str] = Counter()
    for faults in books["faults"].values():
        met.update({name: count for name, count in faults.items() if name != "none"})
    return Report(
        seed=stage.scenario.seed,
        size=stage.scenario.size,
        from_to=(START, world.now),
        summary=summary,
        nostro=verdict,
        differences=await differences(stage.house, summary, verdict, outside),
        naive=naive,
        faults=met,
        lookout=await _lookout(stage, stays_up=stays_up),
    )


async def _lookout(stage: Stage, *, stays_up: bool) -> Lookout:
    """Only references that a trace really finds."""
    special = stage.scenario.specials
    wanted = [
        (special["paid_twice"], "name", "an invoice that somebody paid twice (and others of its number)"),
        (f"card/{special['chargeback']}", "id", "a card payment that was charged back"),
        ("credit/unknown", "servicer_reference", "money from nobody known, by the bank's reference"),
        (special["adopted"], "name", "an invoice whose payment Odoo itself had registered"),
    ]
    results = stage.server.world.results
    told = [(str(results[act][field]), why) for act, field, why in wanted if act in results]
    house = stage.house
    found = [(text, why) for text, why in told if (await trace(house.database, house.keys, text, house.scopes)).facts]
    ports = {"the webhook door": stage.grounds.door, "the sandbox (books under /books)": stage.grounds.sandbox}
    return Lookout(stage.grounds.landscape, ports, found, stays_up)
