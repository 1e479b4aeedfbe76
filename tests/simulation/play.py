"""One seed lived through: workers whose steps are called in an order that the seed draws, and a world that disturbs."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from nostro.egress.anchors import Anchors
from nostro.engine.activation import activate
from nostro.model.clock import Now
from nostro.model.failures import Failure
from nostro.model.ids import SHARDS
from nostro.processes.registry import PROCESSES
from nostro.runtime.clock import Clock
from nostro.runtime.demo.summary import SQL
from nostro.runtime.house import House
from nostro.runtime.loops import Loop
from nostro.runtime.workers import Wiring, Worker
from nostro.sandbox.entropy import chance
from nostro.sandbox.server import write_step
from nostro.sandbox.wire import Delivery
from nostro.store.database import Statements
from nostro.store.entropy import SeededEntropy
from nostro.store.install import Deployment
from nostro.store.keys import Keys
from nostro.store.log import genesis
from nostro.store.sealing import SealKey
from tests.simulation.database import Connections, Freely, SimulatedDatabase, empty, rows
from tests.simulation.door import deliver
from tests.simulation.ground import Ground, ground
from tests.simulation.life import LIFE, LOOP, MACHINE, Carrier, Course, Killed, Life

INSTALL = Statements("install")
KEEPERS = {"limits": 30, "tenure": 1, "slots": 1, "checkpoints": 20, "partitions": 600}
"""Loops that look after leases and seals, and after how many seconds of machine time they are asked again."""
HOPELESS = timedelta(seconds=30)
TURNS = 20_000
SECOND = timedelta(seconds=1)
POLLING = 0.1
CLOSING = timedelta(hours=12)
QUIET = timedelta(minutes=35)
"""So long after the end everything that polls every quarter of an hour has polled."""


class Endless(Exception):
    """It doesn't come to rest."""


@dataclass(slots=True)
class Running:
    """A life with its worker, and which of its loops are in a step."""

    life: Life
    worker: Worker
    busy: dict[str, asyncio.Task[int]] = field(default_factory=dict)
    untried: set[str] = field(default_factory=set)
    """Loops that haven't looked yet: before it has, nobody knows whether a loop would find something."""
    kept: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Play:
    """What `play` drives. `codes`: the companies; `files`: where their banks put files."""

    course: Course
    connections: Connections
    codes: tuple[str, ...]
    files: Path
    seed: int
    workers_wanted: int = 2
    runs: list[Running] = field(default_factory=list)
    lives: int = 0
    turns: int = 0
    vain: int = 0
    """Steps in a row that found nothing to do."""
    fruitful_at: datetime = MACHINE
    begins_at: list[datetime] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    """Receipts of which a sender was told that they are kept."""
    deliveries: dict[asyncio.Task[None], None] = field(default_factory=dict)
    polling: bool = True
    """Whether feeds are polled before time goes on: webhooks tell most, and polls what they lost."""
    hinted: bool = False
    marked: tuple[object, ...] = ()
    found: set[str] = field(default_factory=set)
    house: House = field(init=False)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    # The house

    async def open(self) -> None:
        """An empty database becomes a house whose landscape is published."""
        empty(self.connections)
        self.house = self._house(Freely(), "outside")
        now = self.course.now()
        async with self.house.database.transaction() as tx:
            check = self.house.keys.index("deployment", "check")
            named = {"id": self.house.deployment.id, "shards": SHARDS, "environment": "test", "check": check}
            await tx.row(INSTALL.deploy, **named, at=now.business)
            heads = [genesis(self.house.deployment.id, number) for number in range(SHARDS)]
            await tx.run(INSTALL.make_shards, shards=list(range(SHARDS)), heads=heads)
        await activate(self.house.database, self.house.keys, ground().content, "engine", "at its first start", now)
        for _ in range(self.workers_wanted):
            await self._begin_life()

    def _house(self, gate: Life | Freely, name: str) -> House:
        base: Ground = ground()
        database = SimulatedDatabase(self.connections, gate)
        entropy = SeededEntropy(chance(self.seed, name).getrandbits(64))
        return House(
            folder=base.land.folder,
            state=self.files / "nowhere",
            land=base.land,
            database=database,
            keys=Keys({1: base.master}, entropy),
            entropy=entropy,
            clock=Told(database, course=self.course),
            deployment=Deployment(f"simulated-{self.seed:06}".encode()[-16:].rjust(16), "test", 1, ""),
            quarantine="",
            anchors=Anchors([]),
            seal_key=SealKey.from_text(base.seal),
            rules=base.rules,
            connections=base.connections_for(self.codes, self.files),
            processes={process.name: process for process in PROCESSES},
        )

    async def _begin_life(self) -> None:
        self.lives += 1
        life = Life(f"worker-{self.lives}", self.course)
        house = self._house(life, life.name)
        paths = {name: one.url.partition("//")[2].partition("/")[2] for name, one in house.connections.items()}
        wiring = Wiring(
            house, life.name, timedelta(0), self.stack, lambda one, _: Carrier(life, paths[one.id]), Carrier.nothing
        )
        worker = await wiring.worker()
        later = {"partitions": self.course.now().machine + timedelta(seconds=300 * self.course.chance.random())}
        self.runs.append(Running(life, worker, untried={loop.name for loop in worker.loops} - set(KEEPERS), kept=later))
        self.course.tell(f"{life.name} begins")

    # Turns

    async def live(self, until: datetime) -> None:
        """Until business time has come to `until`."""
        while self.course.now().business < until:
            await self._turn(until)

    async def rest(self, until: datetime) -> None:
        """Until nothing is under way any more. Raises `Endless` when that is not before `until`."""
        begun = self.course.now().business
        while self.course.now().business < begun + QUIET or self._under_way():
            self.polling = True
            if self.course.now().business > until:
                raise Endless(f"{self._under_way()} things are still under way")
            await self._turn(until)

    async def close(self) -> None:
        """The workers go home, and the leases of those who died end."""
        for run in self.runs:
            if not run.life.dead:
                mark = LIFE.set(run.life)
                await asyncio.create_task(run.worker.rest())
                LIFE.reset(mark)
        await asyncio.sleep(60)

    def _under_way(self) -> int:
        return int(rows(self.connections, SQL.under_way, {})[0].things)

    async def _turn(self, until: datetime) -> None:
        self.turns += 1
        if self.turns > TURNS:
            raise Endless(f"not at rest after {TURNS} turns")
        await self._bury()
        self._carry()
        due = self._due()
        self._keep()
        started = self._start(due)
        await self._breathe(started)
        self._collect()
        if not self._in_motion() and not self.deliveries and (not due or self._hopeless()):
            self._leap(until)

    def _hopeless(self) -> bool:
        """Whether what is due can't be done before something else happens: every lease of the dead has ended."""
        return bool(self.runs) and self.course.now().machine - self.fruitful_at > HOPELESS

    async def _breathe(self, started: int) -> None:
        """Machine time passes: little while there is work, more when everybody waits for a lease or a reply."""
        if started and self.vain < 6 * len(self.runs):
            await asyncio.sleep(self.course.chance.random() * 0.01)
            return
        moving = [task for run in self.runs if run.life.awake for task in run.life.tasks]
        if moving and self.vain < 6 * len(self.runs):
            await asyncio.wait(moving, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        else:
            missing = self.begins_at or not all(run.life.awake for run in self.runs) or self.vain > 12 * len(self.runs)
            await asyncio.sleep(1.0 if missing else 0.1)

    def _due(self) -> set[str]:
        """Loops that would find something to do; asked again when something was written or time has gone on."""
        mark = (self.connections.spoken, self.course.now().business.replace(microsecond=0), self.polling, self.hinted)
        if mark != self.marked:
            self.found = self._look()
            self.marked = (self.connections.spoken, *mark[1:])
        return self.found | ({"folders"} if any(self.files.glob("*/*.*")) else set())

    def _look(self) -> set[str]:
        due = {row.loop for row in rows(self.connections, SQL.due, {"now": self.course.now().business})}
        known = {loop.name for run in self.runs for loop in run.worker.loops}
        return {name for name in due if name in known and self._polled(name)}

    def _polled(self, loop: str) -> bool:
        """Providers are polled now and then; Odoo, which only hints at what is new, whenever it did."""
        if not loop.startswith("poll "):
            return True
        return self.polling or (self.hinted and loop == "poll odoo")

    def _start(self, due: set[str]) -> int:
        """Begins steps of loops that would find something to do; how many."""
        started = 0
        awake = [run for run in self.runs if run.life.awake]
        for run in self.course.chance.sample(awake, min(len(awake), self.course.chance.choice((1, 1, 2)))):
            wanted = (
                due | run.untried | {f"dispatch {one.connection.id}" for one in run.worker.dispatchers if one.running}
            )
            loops = [loop for loop in run.worker.loops if loop.name in wanted and loop.name not in run.busy]
            for loop in self.course.chance.sample(loops, min(len(loops), 2)):
                run.untried.discard(loop.name)
                self._step(run, loop)
                started += 1
        return started

    def _keep(self) -> None:
        machine = self.course.now().machine
        for run in self.runs:
            for loop in run.worker.loops if run.life.awake else ():
                rest = KEEPERS.get(loop.name)
                if rest is None or loop.name in run.busy or machine < run.kept.get(loop.name, machine):
                    continue
                run.kept[loop.name] = machine + timedelta(seconds=rest)
                self._step(run, loop)

    def _step(self, run: Running, loop: Loop) -> None:
        mark, name = LIFE.set(run.life), LOOP.set(loop.name)
        run.busy[loop.name] = asyncio.create_task(self._once(run, loop), name=f"{run.life.name} {loop.name}")
        LIFE.reset(mark)
        LOOP.reset(name)

    async def _once(self, run: Running, loop: Loop) -> int:
        try:
            return await loop.step(self.course.now())
        except Failure as failure:
            self.course.tell(f"{run.life.name} {loop.name}: {type(failure).__name__}: {failure.sentence}")
        except Exception as error:  # noqa: BLE001 - what no loop of the house may raise is a flaw of the house
            self.course.flaws.append(f"{loop.name} raised {error!r}")
        return 0

    def _collect(self) -> None:
        for run in self.runs:
            for name, task in list(run.busy.items()):
                if task.done():
                    del run.busy[name]
                    done = 0 if task.cancelled() or task.exception() else task.result()
                    if name not in KEEPERS:
                        self.vain = 0 if done else self.vain + 1
                        self.fruitful_at = self.course.now().machine if done else self.fruitful_at
        self.deliveries = {task: None for task in self.deliveries if not task.done()}

    def _in_motion(self) -> bool:
        """Whether somebody who is awake is in a step or drives a dialogue."""
        return any(
            run.busy or any(one.running for one in run.worker.dispatchers) for run in self.runs if run.life.awake
        )

    async def _bury(self) -> None:
        """The dead leave; who takes their place comes a little later."""
        for run in [run for run in self.runs if run.life.dead]:
            self.runs.remove(run)
            delay = timedelta(seconds=self.course.chance.choice((0, 1, 15)))
            self.begins_at.append(self.course.now().machine + delay)
        for due in [at for at in self.begins_at if at <= self.course.now().machine]:
            self.begins_at.remove(due)
            await self._begin_life()

    # The world outside

    def _carry(self) -> None:
        """Files and webhooks that are due now."""
        self.course.follow()
        for step in self.course.world.take_files():
            write_step(self.files, step)
            moment = self.course.world.now.timestamp()
            os.utime(self.files / step.folder / (step.rename_to or step.name), (moment, moment))
            self.course.tell(f"{step.folder} writes {step.rename_to or step.name}")
        for path, delivery in self.course.world.take_deliveries():
            self.hinted = self.hinted or path.startswith("odoo")
            task = asyncio.create_task(self._deliver(path, delivery))
            self.deliveries[task] = None

    async def _deliver(self, path: str, delivery: Delivery) -> None:
        awake = [run for run in self.runs if run.life.awake]
        status = None
        if awake:
            run = self.course.chance.choice(awake)
            LIFE.set(run.life)
            LOOP.set("door")
            status = await self._answered(run, delivery)
        self.course.tell(f"{path} sends a webhook to {run.life.name if awake else 'nobody'}: {status}")
        self.course.world.report(path, delivery.reference, status)

    async def _answered(self, run: Running, delivery: Delivery) -> int | None:
        answer = asyncio.create_task(deliver(run.worker.door, delivery))
        try:
            status, receipt = await answer
            self.acknowledged += [receipt] if receipt else []
            return status
        except (Killed, asyncio.CancelledError):
            return None

    def _leap(self, until: datetime) -> None:
        """Business time goes on to the next thing that happens."""
        now = self.course.now().business
        waits = [row.at for row in rows(self.connections, SQL.next_wait, {"now": now}) if row.at is not None]
        dues = [due for due in (self.course.world.next_due(), *waits) if due is not None]
        to = min([until, *(max(due, now + SECOND) for due in dues)])
        self.course.leap += max(to - now, timedelta(0))
        self.fruitful_at = self.course.now().machine
        self.polling, self.hinted = self.course.chance.random() < POLLING, False


class Told(Clock):
    """The clock of a worker in a simulation."""

    __slots__ = ("course",)

    def __init__(self, database: SimulatedDatabase, *, course: Course) -> None:
        super().__init__(database)
        self.course = course

    async def now(self) -> Now:
        """Both clocks."""
        return self.course.now()
