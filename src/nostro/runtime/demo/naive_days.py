"""The two days with the plain script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from nostro.runtime.demo.drive import LATE_EFFECTS, Drive
from nostro.runtime.demo.judge import Judgement, judge
from nostro.runtime.demo.naive import Company, NaiveScript
from nostro.sandbox.judgement import intended
from nostro.sandbox.odoo import OdooBooks
from nostro.sandbox.run import SandboxSettings, build_server
from nostro.sandbox.stage import END, ENTITIES, ODOO, TUESDAY, Entity
from nostro.sandbox.world import World

KEY = "key-nostro"
"""The API key that the sandbox's Odoo gives to whoever integrates."""


async def live(
    files: Path,
    *,
    seed: int,
    size: int,
    faults: bool = True,
    told: Callable[[datetime], object] = lambda _now: None,
    say: Callable[[str], object] = lambda _line: None,
) -> Judgement:
    """Live through them in a sandbox of its own; returns what its Odoo's books then lack and hold twice."""
    script = NaiveScript(KEY, say)
    script.start()
    try:
        hooks = {e.psp.name: f"http://127.0.0.1:{script.port}/{e.psp.name}" for e in ENTITIES}
        settings = SandboxSettings(files, seed=seed, size=size, port=0, webhooks=hooks, faults=faults)
        server, scenario = build_server(settings)
        await server.start()
        try:
            script.connect(*_told_of(server.world, f"http://127.0.0.1:{server.port}"))
            await Drive(server, lambda: _read(script, files), _never, told).to(END)
            server.world.advance(END + LATE_EFFECTS)
        finally:
            await server.stop()
        wished, books = intended(scenario, server.world), server.world.systems[ODOO].books()
        return judge(wished, books, TUESDAY)
    finally:
        await asyncio.to_thread(script.stop)


def _told_of(world: World, base: str) -> tuple[str, dict[str, Company]]:
    """What somebody tells the script before it starts: where Odoo is, and each company's ids."""
    odoo = world.systems[ODOO]
    assert isinstance(odoo, OdooBooks)
    chart = odoo.landscape()
    return f"{base}/{ODOO}", {e.psp.name: _company(chart[f"Entity {e.code}"], e, base) for e in ENTITIES}


def _company(chart: Mapping[str, Any], entity: Entity, base: str) -> Company:
    journals, accounts = chart["journals"], chart["accounts"]
    return Company(
        company=chart["company"],
        bank_journal=journals["BNK1"],
        psp_journal=journals["STR1"],
        general_journal=journals["MISC"],
        clearing=chart["clearing"]["STR1"],
        fees=accounts["fees"],
        receivable=accounts["receivable"],
        stripe_url=f"{base}/{entity.psp_path}/v1",
        stripe_key=entity.psp.secret_key,
        webhook_secret=entity.psp.webhook_secrets[0],
    )


async def _read(script: NaiveScript, files: Path) -> int:
    for entity in ENTITIES:
        await asyncio.to_thread(script.read_files, entity.psp.name, files / entity.psp.name)
    return 0


async def _never() -> datetime | None:
    return None
