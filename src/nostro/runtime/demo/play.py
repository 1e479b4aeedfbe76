"""The two days with Nostro, and what is to be told of them at their end."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from nostro.projections.trace import trace
from nostro.runtime.demo.drive import LATE_EFFECTS
from nostro.runtime.demo.judge import Judgement, judge
from nostro.runtime.demo.landscape import Grounds, write_landscape
from nostro.runtime.demo.page import Lookout, Report
from nostro.runtime.demo.proof import differences
from nostro.runtime.demo.running import Running, Told, running
from nostro.runtime.demo.summary import summarise
from nostro.sandbox.judgement import intended
from nostro.sandbox.odoo import OdooBooks
from nostro.sandbox.run import SandboxSettings, build_server
from nostro.sandbox.scenario import Scenario
from nostro.sandbox.stage import END, ODOO, START, TUESDAY
from nostro.sandbox.world import World
from nostro.store.entropy import SystemEntropy


@dataclass(frozen=True, slots=True)
class Stage:
    """Nostro in the demo's world."""

    running: Running
    scenario: Scenario

    @property
    def world(self) -> World:
        """The world outside."""
        return self.running.server.world

    async def live(self, told: Told) -> None:
        """Live through the days, and go on until nothing is under way."""
        await self.running.drive(told).to(END + LATE_EFFECTS)
        await self.running.close_books(told)


@asynccontextmanager
async def staged(grounds: Grounds, *, seed: int, size: int, faults: bool = True) -> AsyncIterator[Stage]:
    """Write the landscape and start everything; nothing has happened yet."""
    settings = SandboxSettings(
        grounds.files, seed=seed, size=size, port=grounds.sandbox, webhooks=grounds.webhooks(), faults=faults
    )
    server, scenario = build_server(settings)
    odoo = server.world.systems[ODOO]
    assert isinstance(odoo, OdooBooks)
    write_landscape(grounds, odoo.landscape(), SystemEntropy())
    async with running(server, grounds) as both:
        yield Stage(both, scenario)


async def judged(stage: Stage, naive: Judgement, *, stays_up: bool) -> Report:
    """Read everything that the page tells."""
    books = stage.world.books()
    outside: dict[str, Any] = books["systems"]
    house = stage.running.house
    summary = await summarise(house.database, outside, stage.world.now)
    verdict = judge(intended(stage.scenario, stage.world), outside[ODOO], TUESDAY)
    met: Counter[str] = Counter()
    for faults in books["faults"].values():
        met.update({name: count for name, count in faults.items() if name != "none"})
    return Report(
        seed=stage.scenario.seed,
        from_to=(START, stage.world.now),
        summary=summary,
        nostro=verdict,
        differences=await differences(house, summary, verdict, outside),
        naive=naive,
        faults=met,
        lookout=await _lookout(stage, stays_up=stays_up),
    )


async def _lookout(stage: Stage, *, stays_up: bool) -> Lookout:
    """Only references that a trace really finds."""
    special, results = stage.scenario.specials, stage.world.results
    wanted = [
        (special["paid_twice"], "name", "an invoice that somebody paid twice (and others of its number)"),
        (f"card/{special['chargeback']}", "id", "a card payment that was charged back"),
        ("credit/unknown", "servicer_reference", "money from nobody known, by the bank's reference"),
        (special["adopted"], "name", "an invoice whose payment Odoo itself had registered"),
    ]
    told = [(str(results[act][field]), why) for act, field, why in wanted if act in results]
    house, grounds = stage.running.house, stage.running.grounds
    found = [(text, why) for text, why in told if (await trace(house.database, house.keys, text, house.scopes)).facts]
    return Lookout(grounds, found, stays_up)
