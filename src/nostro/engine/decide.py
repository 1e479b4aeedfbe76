"""Decide.

Take arrivals off the queues of the held shards, decide them in order, and write what follows in one database
transaction.

A decision that throws parks its subject and nothing else; a batch that the database refuses is halved until the
culprit stands alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate

import structlog

from nostro.egress.tracing import UNTRACED, Traces, roots
from nostro.engine.batch import Batch
from nostro.engine.deciding import Deciding, load_subjects
from nostro.engine.departures import Departures, Exit
from nostro.engine.fitness import understood
from nostro.engine.spans import decided
from nostro.engine.tenure import Tenure
from nostro.engine.write import Writer
from nostro.model.canonical import parse
from nostro.model.clock import Now
from nostro.model.facts import BundleActivated
from nostro.model.failures import POISON, LostRace, ReleaseTooOld
from nostro.processes.kit.decision import Rules
from nostro.processes.kit.process import Process
from nostro.routing.route import HOUSE
from nostro.store.arrivals import LANES, Arrival
from nostro.store.blobs import seal_all
from nostro.store.database import Database, Row, Statements, Transaction
from nostro.store.keys import Keys

SQL = Statements("engine")
SHARES = {"critical": 0.70, "standard": 0.25, "bulk": 0.05}
RACES = 3
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
    exits: Mapping[str, Exit] = field(default_factory=dict)
    _rules: dict[bytes, Rules] = field(default_factory=dict)
    _lacking: dict[bytes, str] = field(default_factory=dict)
    _told: datetime | None = None
    _elsewhere: bool = False
    _deeper: int = 0
    """How often what is asked of a shard is doubled."""
    _unsure: bool = False
    """The last step didn't end by itself: what it committed is not known, so that memory and rows may disagree."""

    async def step(self, now: Now) -> int:
        """How many arrivals were decided."""
        held = self.tenure.held(now)
        if not held:
            return 0
        if self._unsure:
            await self._check_tenure(held)
        self._unsure = True
        queue = await self._queue(held)
        done = await self._decide(queue, now) if queue else 0  # what comes before a shard's first bundle waits for it
        self._unsure = False
        return done

    def elsewhere(self) -> bool:
        """Whether what was decided since this was asked before may be work for another worker's dispatch.

        Commands that left with their decisions are none. What may have let others go (a release, an end) is.
        """
        told, self._elsewhere = self._elsewhere, False
        return told

    async def _queue(self, held: Sequence[int]) -> list[Arrival]:
        """The oldest arrivals, every lane with a share that never reaches zero.

        What a lane leaves unused goes to the next ones; so each is asked for all that could come to it.
        """
        shares = [max(1, int(self.batch_limit * SHARES[lane])) for lane in LANES]
        lanes = list(range(len(LANES)))
        limits = list(accumulate(shares))
        per_shard = min(self.batch_limit, (1 + 2 * self.batch_limit // len(held)) << self._deeper)
        told = {"lanes": lanes, "limits": limits, "shards": list(held), "per_shard": per_shard}
        rows = await self.database.look(SQL.queue, **told)
        queue: list[Arrival] = []
        unused = 0
        for number, share in enumerate(shares):
            taken = [row for row in rows if row.lane == number][: share + unused]
            unused += share - len(taken)
            queue += map(Arrival._make, taken)
        self._look_deeper(rows, limits, per_shard)
        return queue

    def _look_deeper(self, rows: Sequence[Row], limits: Sequence[int], per_shard: int) -> None:
        """Next time, where a lane's share was not filled although one of its shards has more."""
        found, lanes = Counter((row.lane, row.shard) for row in rows), Counter(row.lane for row in rows)
        longest = max(found.values(), default=0)
        if any(n == per_shard < self.batch_limit and lanes[lane] < limits[lane] for (lane, _), n in found.items()):
            self._deeper += 1
        elif longest < per_shard // 2:
            self._deeper = max(0, self._deeper - 1)

    async def _decide(self, queue: Sequence[Arrival], now: Now) -> int:
        for attempt in range(RACES):
            try:
                return await self._attempt(queue, now, at_once=attempt == 0)
            except LostRace as race:
                logger.info("race_lost", sentence=race.sentence, arrivals=len(queue))
                if await self._check_tenure({arrival.shard for arrival in queue}):
                    return 0
            except POISON as error:
                return await self._halve(queue, now, error)
        return 0

    async def _halve(self, queue: Sequence[Arrival], now: Now, error: Exception) -> int:
        if len(queue) == 1:
            logger.warning(
                "poisoned",
                process=queue[0].process,
                subject=queue[0].subject,
                type=queue[0].type,
                failure=type(error).__name__,
            )
            return await self._attempt(queue, now, poisonous=type(error).__name__)
        middle = len(queue) // 2
        return await self._decide(queue[:middle], now) + await self._decide(queue[middle:], now)

    async def _attempt(self, queue: Sequence[Arrival], now: Now, *, poisonous: str = "", at_once: bool = False) -> int:
        with Departures(self.exits) as leaving:
            return await self._attempted(queue, now, leaving, poisonous, at_once=at_once)

    async def _attempted(
        self, queue: Sequence[Arrival], now: Now, leaving: Departures, poisonous: str, *, at_once: bool
    ) -> int:
        began = self.traces.now()
        async with self.database.transaction() as tx:
            known = await self.keys.load(tx, {a.data_key for a in queue if a.data_key is not None})
            shards = {a.shard: self.tenure.shards[a.shard] for a in queue if a.shard in self.tenure.shards}
            bundles = {s.bundle for s in shards.values() if s.bundle} | _activated(queue)
            for digest in sorted(bundles):
                await self._understand(tx, digest)
            ruled = {number for number, shard in shards.items() if shard.bundle}
            arrivals = [a for a in queue if a.shard in ruled or (a.shard in shards and a.process == HOUSE)]
            if not arrivals:
                return 0
            batch = Batch(subjects=await load_subjects(tx, self.keys, self.processes, arrivals))
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


def _activated(queue: Sequence[Arrival]) -> set[bytes]:
    """Bundles that come into force within the batch."""
    bodies = [parse(arrival.body) for arrival in queue if arrival.type == BundleActivated.fact_type]
    return {bytes.fromhex(str(body["bundle"])) for body in bodies}
