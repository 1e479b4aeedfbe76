"""Decide.

Take arrivals off the queues of the held shards, decide them in order, and write what follows in one database
transaction.

A decision that throws parks its subject and nothing else; of a batch that the database refuses the first half is tried,
until the culprit stands alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter

import structlog

from nostro.egress.line import Clock
from nostro.egress.tracing import UNTRACED, Traces, roots
from nostro.engine.batch import Batch
from nostro.engine.deciding import Deciding, load_subjects
from nostro.engine.departures import Departures, Exit
from nostro.engine.endings import Ending
from nostro.engine.fitness import understood
from nostro.engine.look import Found, Look
from nostro.engine.spans import decided
from nostro.engine.tenure import Tenure
from nostro.engine.write import Writer
from nostro.model.canonical import parse
from nostro.model.clock import Now
from nostro.model.facts import BundleActivated
from nostro.model.failures import POISON, LostRace, ReleaseTooOld, name_of
from nostro.model.ids import Subject
from nostro.processes.kit.decision import Rules
from nostro.processes.kit.process import Process
from nostro.routing.bounds import set_apart
from nostro.routing.route import HOUSE
from nostro.store.arrivals import Arrival
from nostro.store.blobs import seal_all
from nostro.store.database import Database, Statements, Transaction
from nostro.store.keys import Keys

SQL = Statements("engine")
DISPATCH = Statements("dispatch")
RACES = 3
BUNDLES = 100
"""The rules of more bundles than these are forgotten, and those that are still needed understood anew."""
TURNS = 12
"""So many steps of its worker an ending waits for one that takes it along; then it ends alone."""
WAIT_SECONDS = 1.0
"""Nor does it begin to wait for another one after so long: what its dispatch was answered is not kept until it ends."""
logger = structlog.get_logger("nostro.decide")


@dataclass(slots=True)
class Decider:
    """The `step(now)` that decides. `rules_from` makes rules from a bundle's bytes; `exits`: the connections over which
    this worker may send, by name.
    """

    database: Database
    keys: Keys
    processes: Mapping[str, Process]
    tenure: Tenure
    rules_from: Callable[[bytes], Rules]
    batch_limit: int = 500
    traces: Traces = UNTRACED
    exits: dict[str, Exit] = field(default_factory=dict)
    _rules: dict[bytes, Rules] = field(default_factory=dict)
    _lacking: dict[bytes, str] = field(default_factory=dict)
    _told: datetime | None = None
    _elsewhere: bool = False
    _look: Look = field(default_factory=Look)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _endings: list[Ending] = field(default_factory=list)
    """Those that wait for a step."""
    _done: int = 0
    _steps: int = 0
    _unsure: bool = False
    """The last step didn't end by itself: what it committed is not known, so that memory and rows may disagree."""

    def __post_init__(self) -> None:
        """Its worker says what it can work under."""
        self.tenure.lacks_newest = self.lacks_newest

    async def step(self, now: Now) -> int:
        """How many arrivals were decided since it was asked before: ends of dispatches make steps of their own."""
        before, idle = self._steps, not self._turn.locked()
        async with self._turn:
            if idle and self._steps == before:  # else `now` is older than what came meanwhile; whoever asks comes again
                self._done += await self._step(now)
            done, self._done = self._done, 0
        return done

    async def ends(self, ending: Ending, clock: Clock) -> bool:
        """Whether the end of a dispatch was committed together with what this worker decided of its outcomes.

        If not, or when it raises whatever a step raises, it is to be ended by itself.
        """
        if not all(told.shard in self.tenure.shards for told in ending.told):
            return False
        self._endings.append(ending)
        last, until = self._steps + TURNS, _time() + WAIT_SECONDS

        def waits() -> bool:
            return ending in self._endings and self._steps < last and _time() < until

        try:
            while waits() and await self._comes_to_its_turn(ending, until):
                try:
                    if waits():  # nobody else's step took it along
                        self._done += await self._step(await clock())
                finally:
                    self._turn.release()
        finally:
            if ending in self._endings:
                self._endings.remove(ending)
        return ending.committed

    async def _comes_to_its_turn(self, ending: Ending, until: float) -> bool:
        """Not after `until`, unless somebody's step has taken it along by then."""
        try:
            async with asyncio.timeout_at(until):
                return await self._turn.acquire()
        except TimeoutError:
            return ending not in self._endings and await self._turn.acquire()

    async def _step(self, now: Now) -> int:
        self._steps += 1
        held = self.tenure.held(now)
        if not held:
            return 0
        if self._unsure:
            await self._check_tenure(held)
        self._unsure = True
        waiting = list(self._endings)  # before the look, which so finds whatever was there before they came
        found = await self._look.find(self.database, held, self.batch_limit)
        endings = self._take_along(waiting, found, set(held))
        done = 0
        if found.queue or endings:  # what comes before a shard's first bundle waits for it
            done = await self._decide(found.queue, now, endings)
        self._unsure = False
        return done

    def _take_along(self, waiting: Sequence[Ending], found: Found, held: Container[int]) -> list[Ending]:
        """The oldest endings that pass nobody, as many as one more batch of the queue would hold."""
        taken: list[Ending] = []
        room = self.batch_limit
        for ending in waiting:
            if room <= 0:
                break
            may = all(told.shard in held and found.nobody_passed(told) for told in ending.told)
            if may and ending in self._endings:
                self._endings.remove(ending)
                taken.append(ending)
                room -= len(ending.told)
        return taken

    def elsewhere(self) -> bool:
        """Whether what was decided since this was asked before may be work for another worker's dispatch.

        Commands that left with their decisions are none. What may have let others go (a release, an end) is.
        """
        told, self._elsewhere = self._elsewhere, False
        return told

    async def _decide(self, queue: Sequence[Arrival], now: Now, endings: Sequence[Ending] = ()) -> int:
        """Whatever stands against it, endings are tried once: without them the queue is decided as ever."""
        for attempt in range(RACES):
            all_of = _in_order(queue, endings) if endings else queue
            try:
                return await self._attempt(all_of, now, endings, at_once=attempt == 0) if all_of else 0
            except LostRace as race:
                logger.info("race_lost", sentence=race.sentence, arrivals=len(all_of))
                if await self._check_tenure({arrival.shard for arrival in all_of}):
                    return 0
            except POISON as error:
                if not endings:
                    return await self._halve(queue, now, error)
            endings = ()
        return 0

    async def _halve(self, queue: Sequence[Arrival], now: Now, error: Exception) -> int:
        if len(queue) == 1:
            culprit = set_apart(queue[0])
            logger.warning(
                "poisoned",
                process=culprit.process,
                subject=culprit.subject,
                type=queue[0].type,
                failure=name_of(error),
            )
            return await self._attempt([culprit], now, poisonous=name_of(error))
        return await self._decide(queue[: len(queue) // 2], now)  # the rest comes with the next look, in its order

    async def _attempt(
        self,
        queue: Sequence[Arrival],
        now: Now,
        endings: Sequence[Ending] = (),
        *,
        poisonous: str = "",
        at_once: bool = False,
    ) -> int:
        with Departures(self.exits) as leaving:
            return await self._attempted(queue, now, endings, leaving, poisonous, at_once=at_once)

    async def _attempted(
        self,
        queue: Sequence[Arrival],
        now: Now,
        endings: Sequence[Ending],
        leaving: Departures,
        poisonous: str,
        *,
        at_once: bool,
    ) -> int:
        began = self.traces.now()
        async with self.database.transaction() as tx:
            known = await self.keys.load(tx, {a.data_key for a in queue if a.data_key is not None})
            shards = {a.shard: self.tenure.shards[a.shard] for a in queue if a.shard in self.tenure.shards}
            bundles = {s.bundle for s in shards.values() if s.bundle} | _activated(queue)
            await self._understand_all(tx, sorted(bundles))
            ruled = {number for number, shard in shards.items() if shard.bundle}
            arrivals = [a for a in queue if a.shard in ruled or (a.shard in shards and a.process == HOUSE)]
            if not arrivals:
                return 0
            subjects = {Subject(arrival.process, arrival.subject) for arrival in arrivals}
            batch = Batch(await load_subjects(tx, self.keys, self.processes, subjects), endings=endings)
            moving = {number: replace(shard) for number, shard in shards.items()}
            deciding = Deciding(
                self.keys,
                self.processes,
                known,
                self._rules,
                moving,
                batch,
                now,
                self._telling_from(now),
                self._lacking,
            )
            for arrival in arrivals:
                await deciding.take(tx, arrival, poisonous=poisonous)
            await self._seal_emitted(batch, now)
            moved = {number: (shards[number], moving[number]) for number in shards}
            leaving.offer(batch.commands, now)
            writer = Writer(self.keys, self.processes)
            opened = await writer.write(tx, batch, moved, now, leaving.all, at_once=at_once)
            if self.traces.on:
                named = await roots(tx, [(row.shard, row.position) for row in batch.facts])
        for ending in endings:
            ending.committed = True
        for number, (_, shard) in moved.items():
            if number in self.tenure.shards:
                self.tenure.shards[number] = shard
        if batch.emitted:
            self._told = deciding.telling_from + timedelta(microseconds=len(batch.emitted))
        left = leaving.leave(opened.rows()) if opened is not None else 0
        self._elsewhere |= not batch.commands or left < len(batch.commands)
        if self.traces.on:
            self.traces.tell(decided(batch.facts, named, began))
        if deciding.refused:
            await self.tenure.refuse(deciding.refused, now)
        return len(batch.decided) + len(batch.poisoned)

    def _telling_from(self, now: Now) -> datetime:
        """Behind everything that was told before, also where business time stands still."""
        return now.business if self._told is None else max(now.business, self._told)

    async def _seal_emitted(self, batch: Batch, now: Now) -> None:
        facts = [routable.fact for routable in batch.emitted]
        blobs = await seal_all(self.database, self.keys, facts, now.business)
        batch.emitted = [replace(r, blob=blob) for r, blob in zip(batch.emitted, blobs, strict=True)]

    async def rules_of(self, tx: Transaction, digest: bytes) -> Rules | None:
        """A bundle's rules; None where this release can't work under it."""
        await self._understand(tx, digest)
        return self._rules.get(digest)

    async def lacks_newest(self, tx: Transaction) -> bool:
        """Whether this release can't work under the bundle that was published last."""
        newest = await tx.row(DISPATCH.in_force)
        return newest is not None and await self.rules_of(tx, newest.digest) is None

    async def _understand_all(self, tx: Transaction, digests: Iterable[bytes]) -> None:
        if len(self._rules) + len(self._lacking) > BUNDLES:
            self._rules.clear()
            self._lacking.clear()
        for digest in digests:
            await self._understand(tx, digest)

    async def _understand(self, tx: Transaction, digest: bytes) -> None:
        """Notes the bundle's rules, or why this release can't work under it."""
        if digest in self._rules or digest in self._lacking:
            return
        row = await tx.row(SQL.bundle, digest=digest)
        try:
            self._rules[digest] = understood(self.rules_from, bytes(row.content) if row else None, digest)
        except ReleaseTooOld as failure:
            self._lacking[digest] = failure.sentence

    async def _check_tenure(self, shards: Iterable[int]) -> bool:
        """Whether some of these isn't as it was believed to be: then its arrivals are asked for anew."""
        numbers = sorted(self.tenure.shards.keys() & set(shards))
        async with self.database.transaction() as tx:
            rows = {row.shard: row for row in await tx.rows(SQL.held_shards, shards=numbers)}
        return self.tenure.compare(rows)


def _time() -> float:
    return asyncio.get_running_loop().time()


def _in_order(queue: Iterable[Arrival], endings: Iterable[Ending]) -> list[Arrival]:
    """Outcomes at their places among what waits, as if they were on the queue."""
    arrivals = [*queue, *(told for ending in endings for told in ending.told)]
    return sorted(arrivals, key=attrgetter("lane", "at", "item", "key"))


def _activated(queue: Sequence[Arrival]) -> set[bytes]:
    """Bundles that come into force within the batch."""
    digests = set[bytes]()
    for arrival in queue:
        if arrival.type == BundleActivated.fact_type:
            with suppress(*POISON):  # what can't be read is set aside when its turn comes
                digests.add(bytes.fromhex(str(parse(arrival.body)["bundle"])))
    return digests
