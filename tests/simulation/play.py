"""One seed lived through: workers whose steps are called in an order that the seed draws, and a world that disturbs."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from nostro.engine.fitness import demand_versions
from nostro.model.failures import Failure, ReleaseTooOld
from nostro.runtime.demo.summary import SQL
from nostro.runtime.house import House
from nostro.runtime.loops import Loop
from nostro.runtime.workers import Wiring, Worker
from nostro.sandbox.server import write_step
from nostro.sandbox.wire import Delivery, FileStep
from tests.simulation.asking import Asking
from tests.simulation.database import Connections, rows
from tests.simulation.door import deliver, not_kept
from tests.simulation.happenings import Happenings
from tests.simulation.houses import Houses
from tests.simulation.life import DISPATCH, LIFE, LOOP, MACHINE, Carrier, Course, Killed, Life
from tests.simulation.rejects import DAMAGED

KEEPERS = {"limits": 30, "tenure": 2, "slots": 2, "modes": 2, "checkpoints": 20, "partitions": 600}
"""Loops that look after leases, modes and seals, and after how many seconds of machine time they are asked again."""
CHANGING_HANDS = ("tenure", "slots")
"""The keepers whose work makes work for others."""
HOPELESS = timedelta(seconds=30)
"""So long after a worker was disturbed every lease of the dead has ended, and no call of theirs can leave any more."""
AGAIN = timedelta(seconds=4)
"""Who found nothing looks again after so much machine time: leases are asked for every third of their ten seconds."""
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
    older: bool = False
    """Whether its release lacks the newest versions."""
    busy: dict[str, asyncio.Task[int]] = field(default_factory=dict)
    untried: set[str] = field(default_factory=set)
    """Loops that haven't looked yet: before it has, nobody knows whether a loop would find something."""
    vain: set[str] = field(default_factory=set)
    """Loops that looked since the last news and found nothing, whatever seems to be due."""
    kept: dict[str, datetime] = field(default_factory=dict)
    keepers: list[Loop] = field(init=False)

    def __post_init__(self) -> None:
        self.keepers = [loop for loop in self.worker.loops if loop.name in KEEPERS]


@dataclass(slots=True)
class Play:
    """What `play` drives. `houses`: how its house is opened."""

    course: Course
    connections: Connections
    houses: Houses
    workers_wanted: int = 2
    runs: list[Running] = field(default_factory=list)
    lives: int = 0
    turns: int = 0
    news: int = 0
    """How often something happened after which it is worth looking again."""
    news_at: datetime = MACHINE
    struck: int = 0
    disturbed_at: datetime = MACHINE
    """When a worker was struck, slept or was missing last."""
    begins_at: list[tuple[datetime, bool]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    """Receipts of which a sender was told that they are kept."""
    deliveries: dict[asyncio.Task[None], None] = field(default_factory=dict)
    polling: bool = True
    """Whether feeds are polled before time goes on: webhooks tell most, and polls what they lost."""
    hinted: bool = False
    known: set[str] = field(default_factory=set)
    asking: Asking = field(init=False)
    folders: list[Path] = field(init=False)
    house: House = field(init=False)
    happening: Happenings = field(init=False)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    # The house

    async def open(self) -> None:
        """A house is founded, and its workers begin."""
        self.folders = [self.houses.files / code.lower() for code in self.houses.codes]
        self.house = await self.houses.found()
        self.happening = Happenings(self.houses, self.house, self.course)
        self.asking = Asking(self.connections)
        for _ in range(self.workers_wanted):
            await self._begin_life()

    async def _begin_life(self, *, older: bool | None = None) -> None:
        """`older`: by which release; by default the first life's is the older one, where there are two."""
        self.lives += 1
        life = Life(f"worker-{self.lives}", self.course)
        older = older if older is not None else bool(self.houses.told.release) and self.lives == 1
        house = self.houses.house(life, life.name, older=older)
        try:
            await demand_versions(self.house.database, house.processes)
        except ReleaseTooOld as failure:
            self.course.tell(f"{life.name} of the older release may not begin: {failure.sentence}")
            older, house = False, self.houses.house(life, life.name)
        paths = {name: one.url.partition("//")[2].partition("/")[2] for name, one in house.connections.items()}
        wiring = Wiring(
            house, life.name, timedelta(0), self.stack, lambda one, _: Carrier(life, paths[one.id]), Carrier.nothing
        )
        worker = await wiring.worker()
        later = {"partitions": self.course.now().machine + timedelta(seconds=300 * self.course.chance.random())}
        self.known |= {loop.name for loop in worker.loops}
        untried = {loop.name for loop in worker.loops} - set(KEEPERS)
        self.runs.append(Running(life, worker, older, untried=untried, kept=later))
        self.course.tell(f"{life.name} begins{' with an older release' if older else ''}")

    # Turns

    async def live(self, until: datetime) -> None:
        """Until business time has come to `until`."""
        while self.course.now().business < until:
            await self._turn(until)

    async def rest(self, until: datetime) -> None:
        """Until nothing is under way any more, and nobody is missing who might find something.

        Raises `Endless` when that is not before `until`.
        """
        quiet = self.course.now().business + QUIET
        while (early := self._early(quiet)) or self._in_motion() or not self._calm() or self._unheard():
            self.polling = True
            if self.course.now().business > until:
                raise Endless(f"{self._under_way()} things are still under way")
            await self._turn(until if early else None)

    def _early(self, quiet: datetime) -> bool:
        """Whether business time has to go on before all is done."""
        return self.course.now().business < quiet or bool(self._under_way() or self.happening.agenda)

    def _unheard(self) -> bool:
        """Whether a feed is due that somebody could poll: of two of its turns, the second may bring the news."""
        feeds = {loop for loop in self.asking.due(self.course.now()) if loop.startswith("poll ")}
        return any(loop.name in feeds for run in self.runs if run.life.awake for loop in self._wanted(run, feeds))

    async def close(self) -> None:
        """The workers go home, and give back what they hold: nobody has to wait for their leases to end."""
        for run in self.runs:
            if not run.life.dead:
                mark = LIFE.set(run.life)
                await asyncio.create_task(run.worker.rest())
                LIFE.reset(mark)

    def _under_way(self) -> int:
        return sum(map(int, rows(self.connections, SQL.under_way, {})[0]))

    async def _turn(self, until: datetime | None) -> None:
        """`until`: business time goes on to it at most when nothing is to be done; `None`: the machines' alone does."""
        self.turns += 1
        if self.turns > TURNS:
            raise Endless(f"not at rest after {TURNS} turns")
        await self._bury()
        await self._happen()
        self._carry()
        self._notice()
        due = self._due()
        self._keep()
        started = self._start(due)
        waiting = until is None or bool(due) or self.disturbed_at == self.course.now().machine
        await self._breathe(started, waiting=waiting)
        self._collect()
        if until and not self._in_motion() and not self.deliveries and (not due or self._hopeless(due)):
            self._leap(until)

    async def _happen(self) -> None:
        """What is due now of what is done to the house itself."""
        for what in self.happening.due():
            self._hear_news()
            if what == "replace a worker" and self.runs:
                newer = [run for run in self.runs if not run.older]
                self.course.chance.choice(newer or self.runs).life.leave()
            elif what == "something bad":
                self._bring(self.happening.bring())
            elif what != "replace a worker":
                await self.happening.do(what)
            if what == "open a recovery":  # it takes every slot and feed from whoever holds it
                self.disturbed_at = self.course.now().machine
        self.polling = self.polling or self.happening.recovering

    def _notice(self) -> None:
        """A worker that was struck, sleeps or is missing; and that it is time to look again."""
        machine, struck = self.course.now().machine, len(self.course.struck)
        if struck != self.struck or self.begins_at or not all(run.life.awake for run in self.runs):
            self.struck, self.disturbed_at = struck, machine
        if machine - self.news_at > AGAIN:
            self._hear_news()

    def _hear_news(self) -> None:
        self.news, self.news_at = self.news + 1, self.course.now().machine
        for run in self.runs:
            run.vain.clear()

    def _hopeless(self, due: set[str]) -> bool:
        """Whether what is due can't be done before something else happens: all looked, and nobody's lease goes on."""
        return self._calm() and not any(self._wanted(run, due) for run in self.runs if run.life.awake)

    def _calm(self) -> bool:
        """Whether nobody was disturbed for so long that every lease of the dead has ended."""
        struck = len(self.course.struck) != self.struck
        return not struck and self.course.now().machine - self.disturbed_at > HOPELESS

    async def _breathe(self, started: int, *, waiting: bool) -> None:
        """Machine time passes: little while there is work, more when everybody waits for a lease or a reply."""
        if started:
            await asyncio.sleep(self.course.chance.random() * 0.01)
            return
        moving = [task for run in self.runs if run.life.awake for task in run.life.tasks]
        if moving:
            await asyncio.wait(moving, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(1.0 if waiting else 0.1)

    def _due(self) -> set[str]:
        """Loops that would find something to do."""
        found = self.asking.due(self.course.now())
        due = {name for name in found if name in self.known and self._polled(name)}
        looked_into = self.happening.recovering or any(map(_holds_files, self.folders))
        return due | ({"folders"} if looked_into else set())

    def _polled(self, loop: str) -> bool:
        """Providers are polled now and then; Odoo, which only hints at what is new, whenever it did."""
        if not loop.startswith(("poll ", "pin ")):
            return True
        return self.polling or (self.hinted and loop == "poll odoo")

    def _start(self, due: set[str]) -> int:
        """Begins steps of loops that would find something to do; how many."""
        started = 0
        able = [(run, loops) for run in self.runs if run.life.awake and (loops := self._wanted(run, due))]
        for run, loops in self.course.chance.sample(able, min(len(able), self.course.chance.choice((1, 1, 2)))):
            for loop in self.course.chance.sample(loops, min(len(loops), 2)):
                run.untried.discard(loop.name)
                self._step(run, loop)
                started += 1
        return started

    def _wanted(self, run: Running, due: set[str]) -> list[Loop]:
        """Loops of a worker that would find something, as far as anybody knows."""
        wanted = (due - run.vain) | run.untried
        driven = [one for one in run.worker.dispatchers if one.running]
        if driven and sum(one.running for one in driven) > sum(
            task.get_name().startswith(DISPATCH) for task in run.life.tasks
        ):
            wanted |= {f"{DISPATCH}{one.connection.id}" for one in driven}
        loops = [loop for loop in run.worker.loops if loop.name in wanted and loop.name not in run.busy]
        return [loop for loop in loops if self.asking.may(run.worker, loop.name, self.course.now())]

    def _keep(self) -> None:
        machine = self.course.now().machine
        for run in self.runs:
            for loop in run.keepers if run.life.awake else ():
                if loop.name not in run.busy and machine >= run.kept.get(loop.name, machine):
                    run.kept[loop.name] = machine + timedelta(seconds=KEEPERS[loop.name])
                    self._step(run, loop)

    def _step(self, run: Running, loop: Loop) -> None:
        mark, name = LIFE.set(run.life), LOOP.set(loop.name)
        run.busy[loop.name] = asyncio.create_task(self._once(run, loop), name=f"{run.life.name} {loop.name}")
        LIFE.reset(mark)
        LOOP.reset(name)

    async def _once(self, run: Running, loop: Loop) -> int:
        news, done, refused = self.news, 0, set(run.worker.tenure.refused)
        try:
            done = await loop.step(self.course.now())
        except Failure as failure:
            self.course.tell(f"{run.life.name} {loop.name}: {type(failure).__name__}: {failure.sentence}")
            run.untried |= {loop.name} - set(KEEPERS)  # a feed that it has not made yet is due to nobody
        except Exception as error:  # noqa: BLE001 - what no loop of the house may raise is a flaw of the house
            self.course.flaws.append(f"{loop.name} raised {error!r}")
        if set(run.worker.tenure.refused) - refused:
            self.course.tell(f"{run.life.name} leaves shards to a newer release")
        if loop.name == "slots" and done:
            self.course.changes += [self.course.seconds] * done
            self.disturbed_at = self.course.now().machine  # a feed stays with who polls there no more
        if not done and news == self.news:
            run.vain.add(loop.name)
        return done

    def _collect(self) -> None:
        fruits = 0
        for run in self.runs:
            for name, task in list(run.busy.items()):
                if task.done():
                    del run.busy[name]
                    if name in CHANGING_HANDS or name not in KEEPERS:
                        fruits += 0 if task.cancelled() or task.exception() else task.result()
        under_way = {task: None for task in self.deliveries if not task.done()}
        if fruits or len(under_way) < len(self.deliveries):
            self._hear_news()
        self.deliveries = under_way

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
            self.begins_at.append((self.course.now().machine + delay, run.older))
        for due in [due for due in self.begins_at if due[0] <= self.course.now().machine]:
            self.begins_at.remove(due)
            await self._begin_life(older=due[1])

    # The world outside

    def _carry(self) -> None:
        """Files and webhooks that are due now."""
        if self.course.is_still():
            return
        self.course.follow()
        for step in self.course.world.take_files():
            self._bring(step)
        for sent in self.course.world.take_deliveries():
            self._bring(sent)
        self.course.looked()

    def _bring(self, brought: FileStep | tuple[str, Delivery]) -> None:
        """A file is written, or a webhook sent."""
        if isinstance(brought, FileStep):
            name = brought.rename_to or brought.name
            write_step(self.houses.files, brought)
            moment = self.course.world.now.timestamp()
            os.utime(self.houses.files / brought.folder / name, (moment, moment))
            self.course.tell(f"{brought.folder} writes {name}")
            self._hear_news()
        else:
            self.hinted = self.hinted or brought[0].startswith("odoo")
            self.deliveries[asyncio.create_task(self._deliver(*brought))] = None

    async def _deliver(self, path: str, delivery: Delivery) -> None:
        awake = [run for run in self.runs if run.life.awake]
        status = None
        if awake:
            run = self.course.chance.choice(awake)
            LIFE.set(run.life)
            LOOP.set("door")
            status = await self._answered(run, delivery)
        self.course.tell(f"{path} sends a webhook to {run.life.name if awake else 'nobody'}: {status}")
        self.course.follow()
        if delivery.reference == DAMAGED:
            self.happening.answered(status)
        else:
            self.course.world.report(path, delivery.reference, status)

    async def _answered(self, run: Running, delivery: Delivery) -> int | None:
        answer = asyncio.create_task(deliver(run.worker.door, delivery))
        try:
            status, receipt = await answer
            told = [receipt] if status == 200 else []
            self.acknowledged += told
            self.course.flaws += not_kept(self.connections, told)  # a poll could bring it by the end
            return status
        except (Killed, asyncio.CancelledError):
            return None

    def _leap(self, until: datetime) -> None:
        """Business time goes on to the next thing that happens."""
        now = self.course.now().business
        waits = [row.at for row in rows(self.connections, SQL.next_wait, {"now": now}) if row.at is not None]
        dues = [due for due in (self.course.world.next_due(), *waits) if due is not None]
        dues += [one.at for one in self.happening.agenda[:1]]
        to = min([until, *(max(due, now + SECOND) for due in dues)])
        self.course.leap += max(to - now, timedelta(0))
        self._hear_news()
        self.polling, self.hinted = self.course.chance.random() < POLLING, False


def _holds_files(folder: Path) -> bool:
    """Looked at often, so names alone: files have an ending, the folders of what was taken have none."""
    return any("." in name for name in os.listdir(folder))  # noqa: PTH208 - a `Path` for each name costs more than it
