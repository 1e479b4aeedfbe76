"""Dispatch: commands leave over the slots that this worker holds, and their outcomes come back as facts.

One `Dispatcher` a connection, so that a partner that hangs holds up nobody else's. A drive is a task; a step begins
what there is room for and gives the tasks a moment. Whatever ends a task, its dispatch stays in the database and is
driven again from its journal.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from nostro.egress.breaker import Breaker
from nostro.egress.connections import OpenConnection
from nostro.egress.drive import Held
from nostro.egress.journal import SQL, FencedWrites, Journal, Slot, Write, fence, names
from nostro.egress.line import Clock, Count, Health, Line, silent
from nostro.egress.shell import Rested, Shell
from nostro.egress.tracing import UNTRACED, Traces
from nostro.egress.transport import Transport
from nostro.engine.batch import Command
from nostro.engine.claims import ANYBODY, NOBODY, Claims, Dispatch, Taken, Waiting
from nostro.engine.departures import Departure, grouped
from nostro.engine.endings import Ending, Told
from nostro.engine.jobs import Loaded, load_jobs, traced
from nostro.engine.modes import InForce, RulesOf
from nostro.engine.recover import recovering
from nostro.engine.seats import Seat
from nostro.engine.settle import end, outcomes_of, told_by
from nostro.engine.slots import Slots
from nostro.engine.spans import dispatched
from nostro.model.clock import Now
from nostro.model.failures import Failure, LostRace, OutOfService, StatementRefused
from nostro.store.arrivals import put_ahead
from nostro.store.database import Database, Row, Transaction
from nostro.store.entropy import Entropy
from nostro.store.keys import Keys

MOMENT_SECONDS = 0.05
STUMBLED = timedelta(seconds=5)
STUMBLES = 5
"""A dispatch whose driving failed so often in a way that nobody foresaw is held for a person, with the cause."""
logger = structlog.get_logger("nostro.dispatch")


async def alone(_ending: Ending, _clock: Clock) -> bool:
    """Nobody decides here."""
    return False


@dataclass(frozen=True, slots=True)
class House:
    """What all dispatchers of a worker share. `transports` makes the transport of a connection's slot.

    `decides`: whether this worker is the one that decides about a shard, as far as it knows. `ends`: whether it could
    write an end together with what is decided of it. `rules_of`: a bundle's rules; None where no rules are known.
    """

    database: Database
    keys: Keys
    slots: Slots
    transports: Callable[[OpenConnection, int], Transport]
    clock: Clock
    entropy: Entropy
    count: Count = silent
    traces: Traces = UNTRACED
    decides: Callable[[int], bool] = lambda _: False
    ends: Callable[[Ending, Clock], Awaitable[bool]] = alone
    rules_of: RulesOf | None = None


@dataclass(slots=True)
class Dispatcher:
    """The `step(now)` of one connection."""

    house: House
    connection: OpenConnection
    moment_seconds: float = MOMENT_SECONDS
    _claims: Claims = field(init=False)
    _breaker: Breaker = field(init=False)
    _seats: dict[int, Seat] = field(default_factory=dict)
    _stumbled: dict[bytes, datetime] = field(default_factory=dict)
    _stumbles: Counter[bytes] = field(default_factory=Counter)
    _elsewhere: bool = False

    def __post_init__(self) -> None:
        """Begins with an empty memory: all that counts is in the database."""
        self._claims = Claims(self.connection, self.house.entropy)
        self._breaker = Breaker(self.connection.id, Health())
        self.house.slots.busy[self.connection.id] = self._is_busy

    async def step(self, now: Now) -> int:
        """How many dispatches were begun or ended."""
        self._leave()
        self._stumbled = {d: until for d, until in self._stumbled.items() if until > now.machine}
        begun = 0
        for slot in self.house.slots.held(self.connection.id, now):
            begun += await self._begin(self._seat(slot), now)
        return begun + await self._moment()

    def elsewhere(self) -> bool:
        """Whether outcomes since this was asked before are for another worker to decide."""
        told, self._elsewhere = self._elsewhere, False
        return told

    def offer(self, commands: Sequence[Command], now: Now) -> list[Departure]:
        """Dispatches of commands that are being decided, as far as there are places that are nobody else's turn."""
        slots = self.house.slots.held(self.connection.id, now) if self._breaker.rests else []
        return [
            departure
            for slot in slots
            if (seat := self._seat(slot)).slot == slot
            for departure in self._departing(seat, commands, now)
        ]

    def _departing(self, seat: Seat, commands: Sequence[Command], now: Now) -> list[Departure]:
        slot, found = seat.slot, list[Departure]()
        mine = [command for command in commands if command.order_shard % slot.of == slot.number]
        operations = self.connection.connector.manifest.operations
        for members in grouped(mine, operations):
            name, first = self.house.entropy.bytes(16), members[0]
            fills = 2 * len(members) >= operations[first.operation].batch
            if seat.takes(name, first.lane, now, fills=fills):
                dispatch = Dispatch(first.shard, name, first.operation, now.business, look_up_first=False)
                found.append(Departure(slot, dispatch, members))
        return found

    def depart(self, departure: Departure) -> None:
        """What was committed leaves over the slot that it was written for, if that is still worked on."""
        seat, name = self._seats.get(departure.slot.number), departure.dispatch.id
        if seat is None or seat.slot != departure.slot:
            return
        seat.offered.discard(name)
        if departure.left:
            seat.running[name] = asyncio.create_task(self._depart(seat, departure), name=f"dispatch {name.hex()}")

    @property
    def running(self) -> int:
        """How many dispatches are being driven."""
        return sum(len(seat.running) for seat in self._seats.values())

    async def stop(self, grace_seconds: float = 2.0) -> None:
        """Lets calls under way end for a while, then drops everything where it is. Nothing begins any more, nor what is
        decided of the replies that come meanwhile.

        Whoever has the slots next goes on from the journals.
        """
        seats, self._seats = self._seats, {}  # without its seat nothing departs
        tasks = [task for seat in seats.values() for task in seat.running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _leave(self) -> None:
        """Lets go of slots that were lost. Near the end of a lease drives go on: the fence guards what they write."""
        for number, seat in list(self._seats.items()):
            if not self.house.slots.has(seat.slot):
                for task in seat.running.values():
                    task.cancel()
                del self._seats[number]

    def _is_busy(self, slot: Slot) -> bool:
        seat = self._seats.get(slot.number)
        return seat is not None and bool(seat.running or seat.offered or seat.claimed)

    def _seat(self, slot: Slot) -> Seat:
        if slot.number not in self._seats:
            house = self.house
            line = Line(
                self.connection,
                house.transports(self.connection, slot.number),
                house.clock,
                house.count,
                self._breaker.health,
                house.traces,
                house.slots.pace(slot),
            )
            journal = Journal(FencedWrites(house.database, slot), house.keys)
            self._seats[slot.number] = Seat(slot, line, journal, self.connection.slot_concurrency(slot.of))
        return self._seats[slot.number]

    async def _begin(self, seat: Seat, now: Now) -> int:
        places, away = seat.free(now), self._away(seat)
        if not places:
            return 0
        if self._breaker.rests and (seat.held or seat.waits == NOBODY.lane):  # else a look says nothing new
            there = await self._claims.anything(self.house.database, seat.slot, away, now)
            seat.looked(now, ANYBODY if there.found else NOBODY)  # also where its place is taken meanwhile
            seat.held = there.held
            if there.held or not there.found:
                return 0
            places, away = seat.free(now), self._away(seat)
            if not places:
                return 0
        try:
            with seat.claims(places):
                async with self.house.database.transaction() as tx:
                    loaded, waiting = await self._claim(tx, seat, places, away, now)
        except LostRace as race:
            logger.info("claim_lost", connection=self.connection.id, slot=seat.slot.number, sentence=race.sentence)
            await self._check(seat)
            return 0
        seat.looked(now, waiting)
        for job in loaded:
            task = asyncio.create_task(self._drive(seat, job), name=f"dispatch {job.dispatch.id.hex()}")
            seat.running[job.dispatch.id] = task
        return len(loaded)

    def _away(self, seat: Seat) -> list[bytes]:
        return [*seat.running, *seat.offered, *self._stumbled]

    async def _claim(
        self, tx: Transaction, seat: Seat, places: int, away: Sequence[bytes], now: Now
    ) -> tuple[list[Loaded], Waiting]:
        async with tx.together() as asked:
            fenced = await asked.run(SQL.fence_slot, **names(seat.slot))
            newest = await asked.run(SQL.in_force)
            due, ready = await self._claims.ask(asked, seat.slot, places, away, now)
        stands, in_force = fenced.row(), await self._in_force(tx, newest.row())
        departed = {*seat.running, *seat.offered}  # also since it was asked
        rows = [[row for row in due.rows() if row.id not in departed], ready.rows()]
        nothing = bool(stands.quarantine) or in_force.lacking
        if in_force.lacking and not seat.held:
            logger.warning("sends_nothing", connection=self.connection.id, slot=seat.slot.number)
        if not nothing:
            places = await self._breaker.allows(tx, stands, now, places, self.running)
        seat.held = nothing or places <= 0
        if seat.held:
            return [], ANYBODY if any(rows) else NOBODY
        after_restore = recovering(stands.epoch)
        if not after_restore:
            rows[1] = in_force.ready_to_leave(self.connection.id, rows[1])
        taken = await self._claims.take(tx, seat.slot, places, rows, now, recovering=after_restore)
        loaded = await self._load(tx, taken, in_force.bundle)
        return [in_force.kept_back(self.connection.id, one) for one in loaded], taken.waiting

    async def _in_force(self, tx: Transaction, published: Row | None) -> InForce:
        if self.house.rules_of is None or published is None:
            return InForce()
        return InForce(published.digest, await self.house.rules_of(tx, published.digest))

    async def _load(self, tx: Transaction, taken: Taken, bundle: bytes | None = None) -> list[Loaded]:
        loaded = await load_jobs(tx, self.house.keys, self.connection, taken)
        loaded = [replace(one, bundle=bundle) for one in loaded]
        return await traced(tx, loaded) if self.house.traces.on else loaded

    async def _check(self, seat: Seat) -> None:
        """Forgets the slot if its fence says no."""
        try:
            async with self.house.database.transaction() as tx:
                await fence(tx, seat.slot)
        except LostRace:
            self.house.slots.lost(seat.slot)

    async def _moment(self) -> int:
        """Lets the drives go on for a moment, or until one of them has ended. How many have."""
        running = [task for seat in self._seats.values() for task in seat.running.values()]
        if not running:
            return 0
        done, _ = await asyncio.wait(running, timeout=self.moment_seconds, return_when=asyncio.FIRST_COMPLETED)
        for seat in self._seats.values():
            seat.running = {dispatch: task for dispatch, task in seat.running.items() if task not in done}
        return len(done)

    async def _depart(self, seat: Seat, departure: Departure) -> None:
        """If it can't be loaded, a claim finds it open, and resumes it."""
        with contextlib.suppress(OutOfService, LostRace):
            async with self.house.database.transaction() as tx:
                taken = Taken(begun=[(departure.dispatch, departure.left)])
                [loaded] = await self._load(tx, taken, departure.bundle)
            await self._drive(seat, loaded)

    async def _drive(self, seat: Seat, loaded: Loaded) -> None:
        """A drive that fails leaves its dispatch to the next one."""
        names = {"connection": self.connection.id, "dispatch": loaded.dispatch.id.hex()}
        try:
            await self._driven(seat, loaded)
            del self._stumbles[loaded.dispatch.id]
        except LostRace as race:
            logger.info("slot_lost", **names, sentence=race.sentence)
        except OutOfService as failure:
            logger.warning("drive_broke_off", **names, failure=type(failure).__name__)
        except Exception as error:  # told; the dispatch stays in the database and is driven again
            logger.exception("drive_failed", **names)
            await self._stumble(seat, loaded, error)

    async def _stumble(self, seat: Seat, loaded: Loaded, error: Exception) -> None:
        """Leaves the dispatch alone for a moment; after several it is a person's."""
        dispatch = loaded.dispatch.id
        self._stumbles[dispatch] += 1
        self._stumbled[dispatch] = (await self.house.clock()).machine + STUMBLED
        if self._stumbles[dispatch] >= STUMBLES:
            why = f"Driving it failed {STUMBLES} times ({type(error).__name__})."
            with contextlib.suppress(Exception):  # then it is tried again like any other
                await self._driven(seat, replace(loaded, job=Held(why)))

    async def _driven(self, seat: Seat, loaded: Loaded) -> None:
        began = self.house.traces.now()
        if isinstance(loaded.job, Held):
            rested = Rested(loaded.job)
        else:
            journal = replace(seat.journal, bundle=loaded.bundle)
            rested = await Shell(seat.line, journal, self.house.entropy, loaded.job).run()
        await self._end(seat, loaded, rested)
        self._elsewhere |= not all(self.house.decides(row.shard) for row in loaded.members)
        self._tell(loaded, rested)
        if self.house.traces.on:
            told = {"connection": self.connection.id, "operation": loaded.dispatch.operation}
            told |= {"end": type(rested.end).__name__.lower()}
            self.house.traces.tell(dispatched(loaded.members, loaded.traces, told, began))

    async def _end(self, seat: Seat, loaded: Loaded, rested: Rested) -> None:
        """Commits it; together with what is decided of it, where that can be."""
        now = await self.house.clock()

        async def ended(tx: Transaction) -> None:
            await end(tx, loaded, rested)  # first: what has ended already has its reply too, and says so
            if rested.reply is not None:
                await rested.reply(tx)

        try:
            told = told_by(loaded, rested, self.connection.id, now)
            if told and await self._decided(seat, ended, told):
                return

            async def queued(tx: Transaction) -> None:
                await ended(tx)
                await put_ahead(tx, told)

            await seat.journal.write(queued)
        except Exception:  # what came back is kept, whatever stands against what follows from it
            if rested.reply is not None:
                with contextlib.suppress(StatementRefused, LostRace):
                    await seat.journal.write(rested.reply)
            raise

    async def _decided(self, seat: Seat, ended: Write, told: Sequence[Told]) -> bool:
        ending = Ending(seat.slot, ended, told)
        with seat.ends(ending):
            try:
                return await self.house.ends(ending, self.house.clock)
            except Failure as failure:
                logger.info("ended_alone", connection=self.connection.id, failure=type(failure).__name__)
            except Exception:  # told as the decider's own loop tells it; the dispatch ends by itself
                logger.exception("ended_alone", connection=self.connection.id)
        return ending.committed

    def _tell(self, loaded: Loaded, rested: Rested) -> None:
        names = {"connection": self.connection.id, "operation": loaded.dispatch.operation}
        self.house.count("drives", 1, **names, end=type(rested.end).__name__.lower())
        if isinstance(rested.end, Held):
            logger.warning("dispatch_held", **names, dispatch=loaded.dispatch.id.hex(), sentence=rested.end.sentence)
        outcomes = outcomes_of(loaded, rested)
        for kind, many in Counter([outcome.kind for outcome in outcomes]).items():
            self.house.count("commands_settled", many, **names, outcome=kind.value)
        settled = logger.bind(**names)
        for row, outcome in zip(loaded.members, outcomes, strict=False):
            settled.info("command_settled", correlation=row.correlation, outcome=outcome.kind.value)
