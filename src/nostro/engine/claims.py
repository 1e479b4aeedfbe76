"""What a slot drives next: dispatches that are due again, and new ones from the oldest ready commands.

Lanes take turns by their shares; none is ever left out. Of an ordering key, and of a subject, only one command is under
way, so that an unknown outcome blocks these two and nothing else. The key decides which slot a command leaves over,
whatever shard its subject is on: the commands of several subjects that work on one statement line have one slot, and
take turns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nostro.connectors.kit.manifest import Once, Operation
from nostro.egress.connections import OpenConnection
from nostro.egress.journal import Slot
from nostro.model.clock import Now
from nostro.model.failures import LostRace
from nostro.model.ids import SHARDS
from nostro.store.arrivals import LANES
from nostro.store.database import Database, Row, Statements, Together, Transaction
from nostro.store.entropy import Entropy
from nostro.store.wire import Answer

SQL = Statements("dispatch")
SHARES = {"critical": 0.70, "standard": 0.25, "bulk": 0.05}
ENGINE = "engine"
_LANES = list(range(len(LANES)))
PATIENCE = {"critical": timedelta(0), "standard": timedelta(seconds=5), "bulk": timedelta(minutes=1)}
"""Who has waited for a turn for so long isn't passed (business time)."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who waits for a turn: the most critical lane of them, and whether all of them came lately."""

    lane: int
    lately: bool


ANYBODY = Waiting(0, lately=False)
NOBODY = Waiting(len(LANES), lately=True)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A dialogue of a slot. Its shard is that of its first member, on the same slot as all the others."""

    shard: int
    id: bytes
    operation: str
    began_at: datetime
    look_up_first: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """Dispatches that go on, and those that begin, with the rows of their members in order.

    `waiting`: who may be left.
    """

    resumed: Sequence[Dispatch] = ()
    begun: Sequence[tuple[Dispatch, Sequence[Row]]] = ()
    waiting: Waiting = NOBODY


@dataclass(slots=True)
class Turns:
    """Whose turn it is: over time each waiting lane has its share, and none waits for ever."""

    credits: list[float] = field(default_factory=lambda: [0.0] * len(LANES))

    def next(self, waiting: Sequence[bool]) -> int:
        """The lane whose turn it is among those where something waits; at least one does."""
        lanes = [number for number in range(len(LANES)) if waiting[number]]
        for number in lanes:
            self.credits[number] += SHARES[LANES[number]]
        chosen = max(lanes, key=lambda number: (self.credits[number], -number))
        self.credits[chosen] -= sum(SHARES[LANES[number]] for number in lanes)
        return chosen


@dataclass(slots=True)
class Claims:
    """Claims for the slots of one connection."""

    connection: OpenConnection
    entropy: Entropy
    turns: Turns = field(default_factory=Turns)

    async def anything(self, database: Database, slot: Slot, away: Sequence[bytes], now: Now) -> Row:
        """Whether there may be something to take (`found`), and whether nothing may leave (`held`).

        `away`: what is not to be taken now.
        """
        whose = {"connection": slot.connection, "operations": self._operations(), "shards": _shards(slot)}
        asked = {"slots": slot.of, "slot": slot.number, "running": list(away), "business": now.business}
        [row] = await database.look(SQL.anything, **whose, **asked, lanes=_LANES)
        return row

    async def ask(
        self, sent: Together, slot: Slot, places: int, away: Sequence[bytes], now: Now
    ) -> tuple[Answer, Answer]:
        """What there is for `places` dispatches: those due again, and commands. `away`: what is not to be taken now."""
        due = await sent.run(SQL.due_dispatches, **self._due(slot, places, away, now))
        return due, await sent.run(SQL.ready_commands, **self._ready(slot, places, now))

    async def take(
        self, tx: Transaction, slot: Slot, places: int, offered: Sequence[Sequence[Row]], now: Now, *, recovering: bool
    ) -> Taken:
        """At most `places` dispatches of what `ask` was answered, the slot's from here on."""
        due, ready = map(_by_lane, offered)
        oldest = [rows[0].since if rows else None for rows in ready]
        per_shard = self._per_shard(slot, places)
        read = min(self._limit(places), per_shard)
        more, cut = [len(rows) >= read for rows in ready], [_is_cut(rows, per_shard) for rows in ready]
        resumed: list[Dispatch] = []
        begun: list[tuple[Dispatch, list[Row]]] = []
        while len(resumed) + len(begun) < places and any(due) | any(ready):
            lane = self.turns.next([bool(due[n] or ready[n]) for n in range(len(LANES))])
            if due[lane]:
                row = due[lane].pop(0)
                resumed.append(Dispatch(row.shard, row.id, row.operation, row.began_at, row.look_up_first))
            else:
                begun.append(self._group(ready[lane], now, recovering=recovering))
        full = len(resumed) + len(begun) >= places  # else only what was not read can be left
        left = [n for n in range(len(LANES)) if due[n] or ready[n] or (more if full else cut)[n]]
        waiting = NOBODY
        if left:
            waiting = Waiting(left[0], lately=not any(due) and all(_came_lately(n, oldest[n], now) for n in left))
        await self._resume(tx, resumed)
        return Taken(resumed, await self._begin(tx, slot, begun, now), waiting)

    def _due(self, slot: Slot, places: int, away: Sequence[bytes], now: Now) -> dict[str, object]:
        return {
            "connection": slot.connection,
            "slots": slot.of,
            "slot": slot.number,
            "running": list(away),
            "business": now.business,
            "machine": now.machine,
            "lanes": _LANES,
            "limit": places + 1,  # of each lane: one more shows that there are others
        }

    def _ready(self, slot: Slot, places: int, now: Now) -> dict[str, object]:
        return {
            "connection": slot.connection,
            "operations": self._operations(),
            "shards": _shards(slot),
            "lanes": _LANES,
            "business": now.business,
            "limit": self._limit(places),
            "per_shard": self._per_shard(slot, places),
        }

    def _operations(self) -> list[str]:
        return sorted(self.connection.connector.manifest.operations)

    def _limit(self, places: int) -> int:
        """So many commands may be taken."""
        return places * max(operation.batch for operation in self.connection.connector.manifest.operations.values())

    def _per_shard(self, slot: Slot, places: int) -> int:
        """So many are read of each shard and lane; where fewer were found, there are no others.

        Two at least: one alone would seem to be a crowd.
        """
        return max(2, 1 + 2 * self._limit(places) * slot.of // SHARDS)

    def _group(self, ready: list[Row], now: Now, *, recovering: bool) -> tuple[Dispatch, list[Row]]:
        """The oldest command, and others like it as far as its operation takes batches; takes them off `ready`."""
        operation = self.connection.connector.manifest.operations[ready[0].operation]
        like = self._kind(ready[0], operation, recovering=recovering)
        members: list[Row] = []
        left: list[Row] = []
        for n, row in enumerate(ready):
            if len(members) == operation.batch:
                left += ready[n:]
                break
            fits = self._kind(row, operation, recovering=recovering) == like
            (members if fits else left).append(row)
        ready[:] = left
        dispatch = Dispatch(members[0].shard, self.entropy.bytes(16), operation.name, now.business, like[2])
        return dispatch, members

    def _kind(self, row: Row, operation: Operation, *, recovering: bool) -> tuple[str, str, bool]:
        """Operation, entity, and whether it was perhaps done before: by an earlier dispatch, or before a restore.

        Where there is no look-up, a person's release is the decision to do it (again); after a restore only once he was
        told that nobody knows whether it was done.
        """
        lost = recovering or row.restored
        decided = operation.once is Once.PERSON and row.actor != ENGINE and (row.before or not lost)
        return row.operation, row.entity, not decided and (lost or row.before)

    async def _resume(self, tx: Transaction, resumed: Sequence[Dispatch]) -> None:
        names = {"shards": [d.shard for d in resumed], "ids": [d.id for d in resumed]}
        if resumed and len(await tx.rows(SQL.resume_dispatches, **names)) != len(resumed):
            raise LostRace("A dispatch ended meanwhile.")

    async def _begin(
        self, tx: Transaction, slot: Slot, begun: Sequence[tuple[Dispatch, Sequence[Row]]], now: Now
    ) -> list[tuple[Dispatch, Sequence[Row]]]:
        if not begun:
            return []
        members = [(d.id, n, row.shard, row.key) for d, rows in begun for n, row in enumerate(rows)]
        ids, numbers, shards, keys = (list(column) for column in zip(*members, strict=True))
        taking = {"command_shards": shards, "keys": keys, "dispatches": ids}
        async with tx.together() as sent:
            answer = await sent.run(SQL.take_commands, **taking)
            await sent.run(
                SQL.add_dispatches,
                connection=slot.connection,
                slot=slot.number,
                business=now.business,
                shards=[d.shard for d, _ in begun],
                ids=[d.id for d, _ in begun],
                operations=[d.operation for d, _ in begun],
                lanes=[rows[0].lane for _, rows in begun],
                look_up_first=[d.look_up_first for d, _ in begun],
                ns=numbers,
                **taking,
            )
        taken = {(row.shard, row.key): row for row in answer.rows()}
        if len(taken) != len(members):
            raise LostRace("A command isn't ready any more.")
        return [(dispatch, [taken[row.shard, row.key] for row in rows]) for dispatch, rows in begun]


def _shards(slot: Slot) -> list[int]:
    """Those whose ordering keys are the slot's."""
    return list(range(slot.number, SHARDS, slot.of))


def _by_lane(rows: Sequence[Row]) -> list[list[Row]]:
    lanes: list[list[Row]] = [[] for _ in LANES]
    for row in rows:
        lanes[row.lane].append(row)
    return lanes


def _is_cut(rows: Sequence[Row], per_shard: int) -> bool:
    """Whether some shard may have more of a lane than were read."""
    return max(Counter(row.order_shard for row in rows).values(), default=0) >= per_shard


def _came_lately(lane: int, since: datetime | None, now: Now) -> bool:
    """Whether nobody of a lane has lost his patience. `since`: when the oldest of them came."""
    return since is None or since > now.business - PATIENCE[LANES[lane]]
