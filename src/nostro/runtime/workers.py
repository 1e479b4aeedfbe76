"""A worker: every loop of the house with its step, and the door where webhooks come in."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import structlog
from fastapi import FastAPI
from starlette.applications import Starlette

from nostro.egress.connections import OpenConnection
from nostro.egress.http import HttpTransport
from nostro.egress.line import Line
from nostro.egress.tracing import UNTRACED, Traces
from nostro.egress.transport import Transport
from nostro.engine.checkpoints import Checkpoints
from nostro.engine.deadlines import Deadlines
from nostro.engine.decide import Decider
from nostro.engine.dispatch import Dispatcher
from nostro.engine.dispatch import House as DispatchHouse
from nostro.engine.fitness import demand_versions, fitting_rules
from nostro.engine.modes import Modes
from nostro.engine.parked import Rejoin
from nostro.engine.slots import Slots
from nostro.engine.tenure import Tenure
from nostro.gateway.app import build_app
from nostro.gateway.health import Health, build_health_app
from nostro.gateway.webhooks import Door
from nostro.governance.bundle import PEOPLE
from nostro.ingress.folders import Folders
from nostro.ingress.leases import Leases
from nostro.ingress.limits import Limit, Limits
from nostro.ingress.pins import Pins
from nostro.ingress.polls import Polls
from nostro.ingress.reading import Readings
from nostro.ingress.receiving import Intake
from nostro.model.clock import Now
from nostro.model.failures import DatabaseUnavailable, LostRace, OutOfService
from nostro.processes.kit.decision import Rules
from nostro.runtime.house import House
from nostro.runtime.loops import Loop, Loops
from nostro.runtime.spans import exporting
from nostro.runtime.telemetry import Metrics
from nostro.runtime.watchdog import Watchdog, watched_connector, watched_processes
from nostro.store.entropy import Entropy
from nostro.store.migrate import RUNBOOK, partition
from nostro.store.nudges import Nudges
from nostro.store.waiting import cancels

PARTITIONS_EVERY = timedelta(hours=6)
HELD_BY_FILES = timedelta(seconds=2)
RETURN_SECONDS = 4.0
"""So long a worker that ends tries to give back what it holds."""
logger = structlog.get_logger("nostro.worker")
Step = tuple[str, Callable[[Now], Awaitable[int]], float]
"""A loop's name, its step, and how many seconds it rests when it found nothing."""
Guard = Callable[[OpenConnection, Transport], Transport]


def unguarded(_: OpenConnection, transport: Transport) -> Transport:
    """Everything may pass."""
    return transport


FOLLOWS = {
    "tenure": ("tenure",),
    "slots": ("slots", "tenure"),
    "read": ("folders", "poll"),
    "decide": ("read", "route", "deadlines", "dispatch"),
    "dispatch": ("decide",),
}
"""Which loops make work for which. What one worker lets go of, another one takes."""


def follows_of(name: str) -> tuple[str, ...]:
    """The loops whose work ends a loop's rest, by its kind."""
    return FOLLOWS.get(name.partition(" ")[0], ())


@dataclass(slots=True)
class Worker:
    """Made by `open_worker`. `loops` in the order in which a receipt crosses the house."""

    house: House
    loops: Sequence[Loop]
    tenure: Tenure
    slots: Slots
    dispatchers: Sequence[Dispatcher]
    checkpoints: Checkpoints
    leases: Leases
    folders: Folders
    readings: Readings
    limits: Limits
    metrics: Metrics
    door: FastAPI
    health: Starlette
    runner: Loops | None = None

    async def step(self) -> int:
        """Every loop's step once; how much work was done in all. For the demo and for tests."""
        done = 0
        for loop in self.loops:
            done += await loop.step(await self.house.now())
        return done

    async def run(self, stop: asyncio.Event, begun: Callable[[], None] = lambda: None) -> None:
        """All loops until `stop`; then gives back what this worker holds.

        `begun` is called when nothing stands against it any more: from then on it outlives a database that goes away.
        Raises `ReleaseTooOld` when an instance needs a version that this release lacks, `DatabaseUnavailable` when
        nobody can say: then it has not begun.
        """
        await demand_versions(self.house.database, self.house.processes)
        begun()
        revive = self.house.server.ensure_running if self.house.server else lambda: None
        nudges = Nudges(self.house.database, self.tenure.worker, self.tenure.holds_all)
        self.runner = Loops(self.house.clock, stop, revive, nudges)
        try:
            await self.runner.run(self.loops)
        finally:
            await self.leave(nudges)

    async def leave(self, nudges: Nudges | None = None) -> None:
        """Rests, and says so. Where the database can't be reached, or says nothing: not for long, and no failure; what
        is held is free when its leases end.
        """
        try:
            async with asyncio.timeout(RETURN_SECONDS):
                await self.rest()
                if nudges is not None:
                    await nudges.say(["tenure"])
        except (OutOfService, LostRace, TimeoutError) as failure:
            logger.warning("not_given_back", failure=type(failure).__name__)

    async def rest(self) -> None:
        """Drops what is under way and gives back whatever it leases, so that nobody waits for leases to end.

        What was appended since the last checkpoint is sealed: a restore of what this worker leaves is always noticed.
        """
        await asyncio.gather(*(dispatcher.stop() for dispatcher in self.dispatchers))
        now = await self.house.now()
        await self.tenure.release(now)
        await self.slots.release(now)
        await self.folders.stop()
        await self.leases.release(now)
        await self.readings.release(now)
        await self.checkpoints.seal(now)


def name_of(entropy: Entropy) -> str:
    """`host-chance-process`. Containers may share a host's name, and each call its process 1: two that took themselves
    for one would use each other's leases past the fence.
    """
    return f"{platform.node()}-{entropy.bytes(4).hex()}-{os.getpid()}"


@asynccontextmanager
async def open_worker(
    house: House, *, name: str = "", settle: timedelta = HELD_BY_FILES, guard: Guard = unguarded
) -> AsyncIterator[Worker]:
    """A worker of a house, with a name of its own (`name_of`) unless told otherwise. `settle`: how long files must hold
    still.

    `guard` may stand between a connection and its transport, and refuse what it would send.
    """
    async with AsyncExitStack() as stack:
        wiring = Wiring(house, name or name_of(house.entropy), settle, stack, guard)
        worker = await wiring.worker()
        try:
            yield worker
        finally:
            if worker.runner is None:
                await worker.leave()


@dataclass(slots=True)
class Wiring:
    """Puts a worker together. `carrier` makes what carries calls: sockets, unless somebody simulates them.

    `rules_from` makes rules of a bundle's bytes.
    """

    house: House
    name: str
    settle: timedelta
    stack: AsyncExitStack
    guard: Guard = unguarded
    carrier: Callable[[], AbstractAsyncContextManager[Transport]] = HttpTransport
    rules_from: Callable[[bytes], Rules] = fitting_rules
    metrics: Metrics = field(default_factory=Metrics)
    traces: Traces = UNTRACED
    _ages: dict[str, float] = field(default_factory=dict)

    async def worker(self) -> Worker:
        """Everything, wired. What is pure in processes and connectors is watched: it has to come to an end."""
        dog = self.stack.enter_context(Watchdog())
        self.house = replace(
            self.house,
            processes=watched_processes(dog, self.house.processes),
            connections={
                name: replace(one, connector=watched_connector(dog, one.connector))
                for name, one in self.house.connections.items()
            },
        )
        house, count = self.house, self.metrics.count
        limits = Limits(house.database, Limit(folders=(house.state,)), self.metrics.put, self._companies())
        self.traces = self.stack.enter_context(exporting())
        intake = Intake(house.database, house.keys, limits, count, self.traces)
        tenure = Tenure(house.database, self.name, {name: len(p.versions) for name, p in house.processes.items()})
        slots = Slots(house.database, self.name, house.connections)
        tenure.serves = slots.served()
        leases, readings = Leases(house.database, self.name), self._readings(limits)
        folders = self._folders(intake, leases)
        checkpoints = Checkpoints(house.database, house.seal_key, house.anchors.put)
        decider = self._decider(tenure)
        dispatchers = await self._dispatchers(slots, decider)
        decider.exits |= {dispatcher.connection.id: dispatcher for dispatcher in dispatchers}
        elsewhere = {f"dispatch {d.connection.id}": d.elsewhere for d in dispatchers} | {"decide": decider.elsewhere}
        steps = [
            ("limits", limits.step, 1.0),
            ("tenure", self._told(tenure), 1.0),
            ("slots", slots.step, 1.0),
            ("folders", folders.step, 1.0),
            *await self._polls(intake, slots, leases),
            ("read", readings.step, 0.1),
            ("route", Rejoin(house.database, house.keys, house.processes).step, 1.0),
            ("decide", decider.step, 0.05),
            ("modes", Modes(house.database, tenure, decider.rules_of).step, 1.0),
            ("deadlines", Deadlines(house.database, tenure).step, 1.0),
            *((f"dispatch {d.connection.id}", d.step, 0.1) for d in dispatchers),
            ("checkpoints", checkpoints.step, 1.0),
            ("partitions", Partitions(house).step, 60.0),
        ]
        door = Door(house.connections, intake, limits, house.now, count, self.metrics.time)
        return Worker(
            house=house,
            loops=[
                Loop(name, self._timed(name, step), idle, follows_of(name), elsewhere.get(name, lambda: True))
                for name, step, idle in steps
            ],
            tenure=tenure,
            slots=slots,
            dispatchers=dispatchers,
            checkpoints=checkpoints,
            leases=leases,
            folders=folders,
            readings=readings,
            limits=limits,
            metrics=self.metrics,
            door=build_app(door),
            health=build_health_app(self._health(limits)),
        )

    def _health(self, limits: Limits) -> Health:
        house, metrics = self.house, self.metrics
        return Health(house.database, house.connections, limits, house.now, self._lateness, metrics.registry, metrics)

    def _companies(self) -> Mapping[str, frozenset[str]]:
        """For whom each connection works."""
        every = self.house.connections.items()
        return {name: frozenset(entity.id for entity in one.entities) for name, one in every if name != PEOPLE}

    def _told(self, tenure: Tenure) -> Callable[[Now], Awaitable[int]]:
        async def step(now: Now) -> int:
            done = await tenure.step(now)
            self.metrics.put("shards_held", len(tenure.shards))
            self.metrics.put("shards_refused", len(tenure.refused))
            return done

        return step

    def _decider(self, tenure: Tenure) -> Decider:
        house = self.house
        return Decider(house.database, house.keys, house.processes, tenure, self.rules_from, traces=self.traces)

    def _readings(self, limits: Limits) -> Readings:
        house = self.house
        return Readings(
            house.database,
            house.keys,
            house.processes,
            house.connections,
            limits.lane_full,
            limits.reads,
            self.metrics.count,
            self.traces,
        )

    def _folders(self, intake: Intake, leases: Leases) -> Folders:
        house, settle, count = self.house, self.settle, self.metrics.count
        return Folders(
            house.database, house.connections, intake, leases, intake.limits, house.now, settle=settle, count=count
        )

    async def _polls(self, intake: Intake, slots: Slots, leases: Leases) -> list[Step]:
        """Polls and pins, a loop each."""
        house, count, steps = self.house, self.metrics.count, list[Step]()
        for connection in house.connections.values():
            if connection.connector.manifest.feeds and connection.connector.wire is not None:
                line = await self._line(connection, slots)
                polls = Polls(house.database, line, intake, leases, house.entropy, count)
                steps.append((f"poll {connection.id}", polls.step, 1.0))
            if connection.connector.identify is not None:
                pins = Pins(house.database, await self._line(connection, slots), leases)
                steps.append((f"pin {connection.id}", pins.step, 5.0))
        return steps

    async def _line(self, connection: OpenConnection, slots: Slots) -> Line:
        """A line beside the slots, that takes its turns among theirs."""
        line = Line(connection, await self._transport(connection), self.house.now, self.metrics.count)
        line.offers = partial(slots.first_free, connection.id)
        return line

    async def _transport(self, connection: OpenConnection) -> Transport:
        return self.guard(connection, await self.stack.enter_async_context(self.carrier()))

    async def _dispatchers(self, slots: Slots, decider: Decider) -> list[Dispatcher]:
        house = self.house
        serving = [c for c in house.connections.values() if c.connector.manifest.operations and c.connector.wire]
        transports: dict[tuple[str, int], Transport] = {}
        for connection in serving:
            for slot in range(connection.slots):
                transports[connection.id, slot] = await self._transport(connection)
        shared = DispatchHouse(
            house.database,
            house.keys,
            slots,
            lambda connection, slot: transports[connection.id, slot % connection.slots],
            house.now,
            house.entropy,
            self.metrics.count,
            self.traces,
            decides=lambda shard: shard in decider.tenure.shards,
            ends=decider.ends,
            rules_of=decider.rules_of,
        )
        return [Dispatcher(shared, connection) for connection in serving]

    def _timed(self, name: str, step: Callable[[Now], Awaitable[int]]) -> Callable[[Now], Awaitable[int]]:
        failed = partial(self.metrics.count, "loop_failures", loop=name)
        failed(0)  # it is there before the first: a counter that begins with 1 never rose

        async def timed(now: Now) -> int:
            began = asyncio.get_running_loop().time()
            self._ages.setdefault(name, began)  # what never ends its first step is late too
            try:
                done = await step(now)
            except LostRace:  # expected, and no failure
                raise
            except asyncio.CancelledError:
                if not cancels():  # of something that it waited for
                    failed()
                raise
            except Exception as failure:  # only counted here: whoever runs the loop tells it
                failed()
                if isinstance(failure, OutOfService) and not isinstance(failure, DatabaseUnavailable):
                    # It waits for what another has to end, and says so: as a worker it is ready.
                    self._ages[name] = asyncio.get_running_loop().time()
                raise
            ended = asyncio.get_running_loop().time()
            self._ages[name] = ended
            self.metrics.time("loop_step_seconds", ended - began, loop=name)
            self.metrics.count("loop_work", done, loop=name)
            return done

        return timed

    def _lateness(self) -> Mapping[str, float]:
        now = asyncio.get_running_loop().time()
        return {name: now - ended for name, ended in self._ages.items()}


@dataclass(slots=True)
class Partitions:
    """The `step(now)` that makes the coming months' partitions ahead of time."""

    house: House
    _done: Now | None = None

    async def step(self, now: Now) -> int:
        """1 when it looked; four times a day, and when business time has run on. Raises `OutOfService`: tried again."""
        if self._done is not None and abs(now.business - self._done.business) < PARTITIONS_EVERY:
            return 0
        async with self.house.database.transaction() as tx:
            missing = await partition(tx, now.business.date())
        if missing:
            message = f"The partitions {', '.join(missing)} wait: a vacuum or a change of the schema is under way."
            raise OutOfService(message, "They are tried again.", runbook=RUNBOOK)
        self._done = now
        return 1
