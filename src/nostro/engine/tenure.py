"""Which shards this worker holds: leases on machine time, shared out evenly, fenced by tokens."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nostro.model.canonical import canonical
from nostro.model.clock import Now
from nostro.model.ids import SHARDS
from nostro.store.database import Database, Statements

SQL = Statements("engine")
LEASE = timedelta(seconds=10)
MARGIN = timedelta(seconds=2)
"""A shard is left alone this long before its lease ends."""


@dataclass(slots=True)
class HeldShard:
    """A shard as its holder knows it: only the holder moves it, so memory and row agree while the token holds."""

    number: int
    token: int
    position: int
    head: bytes
    bundle: bytes | None
    activations: int


@dataclass(slots=True)
class Tenure:
    """The `step(now)` that takes, renews and gives back shards. A dead worker's shards move within the lease's 10 s."""

    database: Database
    worker: str
    versions: dict[str, int]
    shards: dict[int, HeldShard] = field(default_factory=dict)
    _until: datetime | None = None
    _renewed: datetime | None = None

    async def step(self, now: Now) -> int:
        """How many shards changed hands. Does its work every third of a lease, and at once when it holds none."""
        if self._renewed is not None and self.shards and now.machine - self._renewed < LEASE / 3:
            return 0
        self._renewed = now.machine
        async with self.database.transaction() as tx:
            await tx.run(SQL.see_worker, id=self.worker, now=now.machine, versions=canonical(self.versions))
            alive = await tx.row(SQL.count_workers, alive_after=now.machine - LEASE)
            fair = math.ceil(SHARDS / max(1, alive.count if alive else 1))
            surplus = sorted(self.shards)[fair:]
            await tx.run(SQL.release_shards, now=now.machine, **self._tokens(surplus))
            kept = [number for number in self.shards if number not in surplus]
            until = now.machine + LEASE
            renewed = {
                row.shard
                for row in await tx.rows(SQL.renew_shards, until=until, holder=self.worker, **self._tokens(kept))
            }
            taken = await tx.rows(
                SQL.take_shards, now=now.machine, until=until, holder=self.worker, limit=max(0, fair - len(renewed))
            )
        before = set(self.shards)
        self.shards = {number: held for number, held in self.shards.items() if number in renewed}
        self.shards |= {
            r.shard: HeldShard(r.shard, r.token, r.position, r.head, r.bundle, r.activations) for r in taken
        }
        self._until = until
        return len(before ^ set(self.shards))

    def held(self, now: Now) -> list[int]:
        """The shards that may be worked on at this instant."""
        if self._until is None or now.machine >= self._until - MARGIN:
            return []
        return sorted(self.shards)

    def lost(self, numbers: Iterable[int]) -> None:
        """Forgets shards whose fence said no."""
        for number in numbers:
            self.shards.pop(number, None)

    async def release(self, now: Now) -> None:
        """Gives everything back, so that nobody waits for leases to end."""
        async with self.database.transaction() as tx:
            await tx.run(SQL.release_shards, now=now.machine, **self._tokens(self.shards))
        self.shards = {}

    def _tokens(self, numbers: Iterable[int]) -> dict[str, list[int]]:
        chosen = list(numbers)
        return {"shards": chosen, "tokens": [self.shards[number].token for number in chosen]}
