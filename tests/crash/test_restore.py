"""A base backup from the middle of a busy day is restored in place: the outside is ahead of the database from then on.

Nothing leaves until a person has opened a recovery; then everything that left since the backup is looked up, and what
came in is told again. By the books of all systems nothing is done twice and nothing is forgotten.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nostro.engine.replay import Replay
from nostro.governance.rules import Rules
from nostro.model.ids import SHARDS
from nostro.projections.worklist import balances
from nostro.runtime.clock import WORLD_CLOCK
from nostro.runtime.demo.drive import LATE_EFFECTS
from nostro.runtime.demo.judge import judge
from nostro.runtime.demo.landscape import Grounds
from nostro.runtime.demo.running import Running, running
from nostro.runtime.house import House
from nostro.sandbox.judgement import intended
from nostro.sandbox.server import Server
from nostro.sandbox.stage import MONDAY, ODOO, at
from nostro.store.audit import Verdict, verify
from nostro.store.database import Statements
from nostro.store.embedded_place import find_place
from tests.crash.backups import Backup, take_backup
from tests.crash.judging import acknowledged, differing, not_kept, not_once
from tests.crash.processes import NOSTRO, empty_grounds

SQL = Statements("recovery")
SEED = int(os.environ.get("NOSTRO_CRASH_SEED", "1"))
OPENS, BACKUP, DISASTER = at(MONDAY, 7, 20), at(MONDAY, 7, 22), at(MONDAY, 8)
LAST_ACT, CLOSES = at(MONDAY, 8, 5), at(MONDAY, 9, 30)
QUIET = timedelta(minutes=5)
"""How long the house is watched in quarantine."""
RECOVERED = timedelta(minutes=5)


class Life:
    """The world, and a house in it that is opened, lost and opened again."""

    def __init__(self, folder: Path) -> None:
        self.grounds: Grounds
        self.sandbox: Server
        self.grounds, self.sandbox, self.scenario = empty_grounds(folder, SEED, LAST_ACT)
        self.told: list[datetime] = []
        self.kept: frozenset[tuple[str, str]] = frozenset()
        """What was acknowledged when the backup began."""

    async def until(self, both: Running, end: datetime) -> None:
        """Live until then."""
        await both.drive(self.told.append).to(end)
        await both.worker.step()

    async def first_life(self) -> Backup:
        """The house opens when much has happened already, and a base backup is made while it works it off."""
        self.sandbox.world.advance(OPENS)
        async with running(self.sandbox, self.grounds) as both:
            await self.until(both, BACKUP)
            self.kept = frozenset(acknowledged(self.sandbox.world))
            backup = await asyncio.to_thread(take_backup, self.grounds.state)
            await self.until(both, DISASTER)
        return backup

    def effects(self) -> int:
        """How often Odoo's books name one of our ids."""
        books = self.sandbox.world.books()["systems"][ODOO]
        return json.dumps([books["moves"], books["payments"]], default=str).count("NOS")

    async def nostro(self, code: int, *words: str, as_person: str = "") -> Any:  # noqa: ANN401 - JSON
        """What a command prints that has to end with this code."""
        self.grounds.clock.write_text(self.sandbox.world.now.isoformat(), encoding="ascii")
        who = ("--as", as_person, "--passphrase-env", "PASSPHRASE", "--yes") if as_person else ()
        done = await asyncio.to_thread(
            subprocess.run,
            [*NOSTRO, *words, *who, "--json"],
            env=self._variables(as_person),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.stdout[-4000:]}\n{done.stderr[-2000:]}"
        return json.loads(done.stdout)

    def _variables(self, person: str) -> Mapping[str, str]:
        here = {"NOSTRO_LANDSCAPE": str(self.grounds.landscape), WORLD_CLOCK: str(self.grounds.clock)}
        secret = self.grounds.secrets / f"{person}.passphrase"
        return {**os.environ, **here, **({"PASSPHRASE": secret.read_text(encoding="utf-8")} if person else {})}


@pytest.mark.timeout(900)
def test_after_a_restore_nothing_is_done_twice_and_nothing_is_forgotten(tmp_path: Path) -> None:
    life = Life(tmp_path)
    try:
        asyncio.run(_restore_and_judge(life))
    finally:
        shutil.rmtree(find_place(life.grounds.state / "postgresql").home)


async def _restore_and_judge(life: Life) -> None:
    backup = await life.first_life()
    await asyncio.to_thread(backup.restore)
    async with running(life.sandbox, life.grounds) as both:
        assert both.house.quarantine
        await _leases_run_out(both)
        await _nothing_leaves(life, both)
        await _open(life, both)
        await _caught_up(life, both)
        await _close(life)
        await life.until(both, CLOSES)
        await both.close_books(life.told.append)
        assert await _adopted(both) > 0
        await _judge(life, both.house)
        await _prove(both)


async def _leases_run_out(both: Running) -> None:
    """The lost life's worker holds its shards in the backup, by the machine's clock: nobody decides what is theirs."""
    while len(both.worker.tenure.shards) < SHARDS:
        await asyncio.sleep(1)
        await both.worker.step()


async def _nothing_leaves(life: Life, both: Running) -> None:
    """Receipts come in and are decided. What a cut call left to happen later has happened by then."""
    await life.until(both, life.sandbox.world.now + LATE_EFFECTS)
    before = life.effects()
    await life.until(both, life.sandbox.world.now + QUIET)
    assert life.effects() == before > 0


async def _open(life: Life, both: Running) -> None:
    told = await life.nostro(1, "recover")
    assert told["quarantine"]
    assert {finding.kind for finding in (await _verdict(both)).findings} == {"anchor"}
    since = BACKUP.isoformat()
    await life.nostro(0, "recover", "--from", since, "--reason", "the disk was lost", as_person="treasurer")


async def _caught_up(life: Life, both: Running) -> None:
    """Every feed and folder is read to its end again; a feed that a fault meets at this instant counts as behind."""
    behind, connections = [True], sorted(both.house.connections)
    while behind:
        await life.until(both, life.sandbox.world.now + RECOVERED)
        async with both.house.database.transaction() as tx:
            behind = await tx.rows(SQL.feeds_behind, connections=connections)


async def _close(life: Life) -> None:
    told = await life.nostro(1, "recover")
    assert (told["open"], told["feeds_behind"]) == (True, []), told
    closing = ("recover", "--close", "--reason", "everything was looked up")
    refused = await life.nostro(2, *closing, as_person="treasurer")
    assert "cannot recover" in refused["failure"]["sentence"]
    await life.nostro(0, *closing, as_person="controller")


async def _adopted(both: Running) -> int:
    """Commands whose effect was found: done in the life that was lost."""
    async with both.house.database.transaction() as tx:
        query = "select count(*) as count from command_closed where outcome = 'adopted'"
        row = await (await tx.execute(query)).fetchone()
    return int(row.count) if row else 0


async def _judge(life: Life, house: House) -> None:
    world = life.sandbox.world
    wish, outside = intended(life.scenario, world), world.books()["systems"]
    assert any(one["booking_date"] == MONDAY.isoformat() for one in wish["movements"])
    verdict = judge(wish, outside[ODOO], MONDAY)
    assert (verdict.lost, verdict.doubled, verdict.misdated) == ((), (), ())
    assert [flaw async for flaw in not_once(house.database, outside)] == []
    assert life.kept
    assert await not_kept(house.database, life.kept) == []
    assert await differing(house, outside) == []


async def _verdict(both: Running) -> Verdict:
    house = both.house
    public = house.seal_key.private.public_key()
    return await verify(house.database, house.deployment.id, public, house.anchors.readable())


async def _prove(both: Running) -> None:
    """The cut is told with who stands for it; replay equals live; money in transit adds up."""
    house, verdict = both.house, await _verdict(both)
    assert verdict.findings == ()
    [cut] = verdict.cuts
    assert cut.anchors == cut.lost - cut.kept > 0
    assert (cut.by, cut.reason, cut.closed) == ("treasurer", "the disk was lost", True)
    count, differences = await Replay(house.database, house.keys, house.processes, Rules.from_bundle).run()
    assert count > 0
    assert differences == []
    sums: Counter[str] = Counter()
    for held in (await balances(house.database)).values():
        sums.update({money.currency: money.minor for money in held})
    assert sums
    assert not any(sums.values()), sums
