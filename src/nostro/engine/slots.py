"""Which slots of connections this worker holds: leases on machine time, shared out evenly, fenced by tokens.

In how many slots a connection is divided the database says, to all workers alike, whatever rules they began with: the
one that began last has said it. So each key is one slot's at any time, and each dispatch has one driver.

Who can't work under the bundle that was published last lets its slots go to those who can. And each slot is shared
among those that serve its connection: a worker that began before a landscape was published knows nothing of a new one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nostro.egress.connections import Connections
from nostro.egress.journal import Slot
from nostro.egress.line import Pace
from nostro.engine.rank import Rank, rank_of
from nostro.engine.tenure import sending, served_by
from nostro.model.clock import Now
from nostro.store.database import Database, Row, Statements, Transaction

SQL = Statements("dispatch")
ENGINE = Statements("engine")
LEASE = timedelta(seconds=10)
MARGIN = timedelta(seconds=2)
"""Nothing is begun on a slot this long before its lease ends."""
Name = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Share:
    """Slots that the same workers serve, this one's place among those, and how many of the slots are its own."""

    among: frozenset[Name]
    rank: Rank
    fair: int


@dataclass(slots=True)
class Slots:
    """The `step(now)` that takes, renews and gives back slots. A dead worker's slots move within the lease's 10 s.

    One that is given to another worker moves when no call is under way on it, within a lease at the latest. `busy`: who
    knows that, by connection.
    """

    database: Database
    worker: str
    connections: Connections
    busy: dict[str, Callable[[Slot], bool]] = field(default_factory=dict)
    _mine: dict[Name, Slot] = field(default_factory=dict)
    _leaving: dict[Name, datetime] = field(default_factory=dict)
    _paces: dict[tuple[str, int, int], Pace] = field(default_factory=dict)
    _until: datetime | None = None
    _renewed: datetime | None = None

    async def step(self, now: Now) -> int:
        """How many slots changed hands. Does its work every third of a lease.

        At once when one is free or leaves, when it failed before, or when the clock was set back.
        """
        recently = self._renewed is not None and timedelta() <= now.machine - self._renewed < LEASE / 3
        served = self.served()
        rests = recently and not self._leaving
        at = {"now": now.machine, "beyond": now.machine + 2 * LEASE}
        if rests and not await self.database.look(SQL.free_slots, **at, names=served):
            return 0
        until = now.machine + LEASE
        async with self.database.transaction() as tx:
            if self._renewed is None:
                await self._divide(tx, now)
            divided = {row.name: row.slots for row in await tx.rows(SQL.divided, names=served)}
            wanted = [(name, n) for name, slots in divided.items() for n in range(slots)]
            shares = await self._shares(tx, wanted, now)
            mine = dict(self._mine)  # the drives may lose one of them meanwhile
            kept = {name for share in shares for name in share.rank.slots(share.among & set(mine))[: share.fair]}
            given = self._given(set(mine) - kept, now)
            renewed = await tx.rows(SQL.renew_slots, until=until, holder=self.worker, **_tokens(mine, mine))
            names = {(row.name, row.slot) for row in renewed} - given
            if given:  # behind the others, since all are locked in one order
                await tx.run(SQL.release_slots, now=now.machine, **_tokens(mine, given))
            taking, taken = {**at, "until": until, "holder": self.worker}, list[Row]()
            for share in shares:
                limit = share.fair - len(share.among & names)
                if limit > 0:
                    columns = _columns(share.rank.slots(share.among))
                    taken += await tx.rows(SQL.take_slots, **taking, **columns, limit=limit)
        before = set(self._mine.values())
        self._mine = {name: slot for name, slot in self._mine.items() if name in names}
        self._mine |= {
            (row.name, row.slot): Slot(row.name, row.slot, divided[row.name], row.token, self.worker) for row in taken
        }
        self._leaving = {name: since for name, since in self._leaving.items() if name not in given}
        self._until, self._renewed = until, now.machine
        return len(before ^ set(self._mine.values()))

    def _given(self, surplus: Iterable[Name], now: Now) -> set[Name]:
        """Those of the surplus that are given away now; on the others nothing is begun any more."""
        self._leaving = {name: self._leaving.get(name, now.machine) for name in surplus}
        return {
            name
            for name, since in self._leaving.items()
            if now.machine - since >= LEASE or not self._is_busy(self._mine[name])
        }

    def _is_busy(self, slot: Slot) -> bool:
        return slot.connection in self.busy and self.busy[slot.connection](slot)

    def held(self, connection: str, now: Now) -> list[Slot]:
        """The slots of a connection on which something may be begun at this instant."""
        if self._until is None or now.machine >= self._until - MARGIN:
            return []
        mine = sorted(self._mine.items())
        return [slot for name, slot in mine if name[0] == connection and name not in self._leaving]

    def pace(self, slot: Slot) -> Pace:
        """The slot's turns, for everything that its worker sends on it: commands and polls."""
        rate = self.connections[slot.connection].slot_rate(slot.of)
        return self._paces.setdefault((slot.connection, slot.number, slot.of), Pace(rate))

    def first_free(self, connection: str, now: Now) -> Pace | None:
        """Of the slots that are held now, the one whose turn comes first: for polls. None: others may poll."""
        return min(map(self.pace, self.held(connection, now)), key=lambda pace: pace.free_at, default=None)

    def has(self, slot: Slot) -> bool:
        """Whether a slot is still this worker's, as far as it knows."""
        return self._mine.get((slot.connection, slot.number)) == slot

    def lost(self, slot: Slot) -> None:
        """Forgets a slot whose fence said no."""
        if self.has(slot):
            del self._mine[slot.connection, slot.number]

    async def release(self, now: Now) -> None:
        """Gives everything back, so that nobody waits for leases to end."""
        async with self.database.transaction() as tx:
            await tx.run(SQL.release_slots, now=now.machine, **_tokens(self._mine, self._mine))
        self._mine = {}

    async def _divide(self, tx: Transaction, now: Now) -> None:
        """Says in how many slots connections are divided. Where it was another number, nobody goes on by that one."""
        wanted = [(name, n) for name in self.served() for n in range(self.connections[name].slots)]
        await tx.run(SQL.make_slots, now=now.machine, **_columns(wanted))
        others = await tx.rows(SQL.divide, names=[name for name, _ in wanted])
        if others:
            await tx.run(SQL.take_away_slots, names=[row.name for row in others], now=now.machine)

    def served(self) -> list[str]:
        """The connections over which something is sent."""
        return sorted(name for name, connection in self.connections.items() if connection.connector.wire is not None)

    async def _shares(self, tx: Transaction, wanted: Iterable[Name], now: Now) -> list[Share]:
        """The slots by who shares them: who can send, and serves their connection. Mostly that is everybody."""
        rows = await tx.rows(ENGINE.live_workers, alive_after=now.machine - LEASE, beyond=now.machine + LEASE)
        among = sending(self.worker, rows)
        serves = {row.id: served_by(row.versions) for row in rows if row.id != self.worker}
        shared: dict[frozenset[str], set[Name]] = {}
        for name in wanted:
            whose = frozenset(one for one in among if (of := serves.get(one)) is None or name[0] in of)
            shared.setdefault(whose, set()).add(name)
        return [self._share(whose, names) for whose, names in shared.items()]

    def _share(self, whose: frozenset[str], names: set[Name]) -> Share:
        rank = rank_of(self.worker, whose)
        return Share(frozenset(names), rank, math.ceil(len(names) / rank.of) if self.worker in whose else 0)


def _tokens(held: Mapping[Name, Slot], names: Iterable[Name]) -> dict[str, list[object]]:
    chosen = sorted(names)
    return {**_columns(chosen), "tokens": [held[name].token for name in chosen]}


def _columns(names: Sequence[Name]) -> dict[str, list[object]]:
    return {"names": [name for name, _ in names], "slots": [slot for _, slot in names]}
