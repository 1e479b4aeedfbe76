"""Which shards this worker holds: leases on machine time, shared out evenly, fenced by tokens.

A worker whose release lacks what a shard needs refuses it and says so beside its name, so that the others share that
shard among themselves. After a while it tries again: a newer bundle may have made it able. So it says, too, whether it
can work under the bundle that was published last: whoever can't has no part in the slots (`sending`).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from nostro.engine.rank import Rank, rank_of
from nostro.model.canonical import canonical, parse
from nostro.model.clock import Now
from nostro.model.ids import SHARDS
from nostro.store.database import Database, Row, Statements, Transaction
from nostro.store.migrate import release

SQL = Statements("engine")
LEASE = timedelta(seconds=10)
FORGOTTEN = timedelta(days=1)
"""A worker that was not seen for so long is no more."""
MARGIN = timedelta(seconds=2)
"""A shard is left alone this long before its lease ends."""
REFUSED_FOR = timedelta(seconds=60)
logger = structlog.get_logger("nostro.tenure")


@dataclass(slots=True)
class HeldShard:
    """A shard as its holder knows it: only the holder moves it, so memory and row agree while the token holds."""

    number: int
    token: int
    position: int
    head: bytes
    bundle: bytes | None
    activations: int


@dataclass(frozen=True, slots=True)
class Share:
    """Shards that some workers share, and how many of them are this one's."""

    among: frozenset[int]
    fair: int


async def nothing(_: Transaction) -> bool:
    """No bundle is asked for."""
    return False


@dataclass(slots=True)
class Tenure:
    """The `step(now)` that takes, renews and gives back shards. A dead worker's shards move within the lease's 10 s.

    `lacks_newest`: whether this release can't work under the bundle that was published last. `serves`: the connections
    of which this worker takes slots; None: all.
    """

    database: Database
    worker: str
    versions: dict[str, int]
    shards: dict[int, HeldShard] = field(default_factory=dict)
    refused: dict[int, datetime] = field(default_factory=dict)
    lacks_newest: Callable[[Transaction], Awaitable[bool]] = nothing
    serves: Sequence[str] | None = None
    _until: datetime | None = None
    _renewed: datetime | None = None

    async def step(self, now: Now) -> int:
        """How many shards changed hands. Does its work every third of a lease.

        At once when one is free, when it failed before, or when the clock was set back.
        """
        recently = self._renewed is not None and timedelta() <= now.machine - self._renewed < LEASE / 3
        at = {"now": now.machine, "beyond": now.machine + 2 * LEASE}
        if recently and not await self.database.look(SQL.free_shards, **at, refused=sorted(self.refused)):
            return 0
        self.refused = {number: until for number, until in self.refused.items() if until > now.machine}
        until = now.machine + LEASE
        taken: list[Any] = []
        async with self.database.transaction() as tx:
            rank, shares = await self._shares(tx, now)
            mine = dict(self.shards)  # the decider may lose one of them meanwhile
            kept = {number for share in shares for number in rank.shards(share.among & set(mine))[: share.fair]}
            rows = await tx.rows(SQL.renew_shards, until=until, holder=self.worker, **_tokens(mine, mine))
            renewed = {row.shard for row in rows} & kept
            if surplus := set(mine) - kept:  # behind the others, since all are locked in one order
                await tx.run(SQL.release_shards, now=now.machine, **_tokens(mine, surplus))
            taking = {**at, "until": until, "holder": self.worker}
            for share in shares:
                limit = max(0, share.fair - len(share.among & renewed))
                if limit:
                    taken += await tx.rows(SQL.take_shards, **taking, among=rank.shards(share.among), limit=limit)
        before = set(self.shards)
        self.shards = {number: held for number, held in self.shards.items() if number in renewed}
        self.shards |= {row.shard: _held(row) for row in taken}
        self._until, self._renewed = until, now.machine
        return len(before ^ set(self.shards))

    def held(self, now: Now) -> list[int]:
        """The shards that may be worked on at this instant."""
        if self._until is None or now.machine >= self._until - MARGIN:
            return []
        return sorted(self.shards)

    def holds_all(self) -> bool:
        """Whether no other worker holds any."""
        return len(self.shards) == SHARDS

    def lost(self, numbers: Iterable[int]) -> None:
        """Forgets shards whose fence said no."""
        for number in numbers:
            self.shards.pop(number, None)

    def compare(self, rows: Mapping[int, Row]) -> bool:
        """Whether shards aren't what they were believed to be; then they are what their rows say, or forgotten.

        One that is further on under the same token was moved by a commit of ours whose outcome nobody told us.
        """
        off = [number for number, row in rows.items() if not _agree(self.shards.get(number), row)]
        for number in off:
            mine = self.shards.pop(number, None)
            if mine and rows[number].token == mine.token and rows[number].position > mine.position:
                self.shards[number] = _held(rows[number])
        return bool(off)

    async def refuse(self, whys: Mapping[int, str], now: Now) -> None:
        """Gives back shards that need what this release lacks, each with its reason, and leaves them to others."""
        mine = {number: why for number, why in whys.items() if number in self.shards}
        tokens = _tokens(self.shards, mine)
        self.refused |= dict.fromkeys(mine, now.machine + REFUSED_FOR)
        async with self.database.transaction() as tx:
            await self._say(tx, now)  # before it locks shards, as a step does
            await tx.run(SQL.release_shards, now=now.machine, **tokens)
        self.lost(mine)
        for why in sorted(set(mine.values())):
            shards = [number for number in sorted(mine) if mine[number] == why]
            logger.warning("shards_refused", shards=shards, sentence=why, runbook="docs/operate/worker-refuses.md")

    async def release(self, now: Now) -> None:
        """Gives everything back and is no more, so that nobody waits for leases to end."""
        async with self.database.transaction() as tx:
            await tx.run(SQL.release_shards, now=now.machine, **_tokens(self.shards, self.shards))
            await tx.run(SQL.forget_worker, id=self.worker)
        self.shards = {}

    async def _say(self, tx: Transaction, now: Now) -> None:
        lacking = await self.lacks_newest(tx)
        told = canonical({
            "processes": self.versions, "refuses": sorted(self.refused), "lacks_newest": lacking, "serves": self.serves,
            "release": release(),
        })  # fmt: skip
        await tx.run(SQL.see_worker, id=self.worker, now=now.machine, versions=told)
        await tx.run(SQL.forget_workers, before=now.machine - FORGOTTEN)

    async def _shares(self, tx: Transaction, now: Now) -> tuple[Rank, list[Share]]:
        """What everybody can do is shared by all, what somebody refuses by those who can do it."""
        await self._say(tx, now)
        rows = await tx.rows(SQL.live_workers, alive_after=now.machine - LEASE, beyond=now.machine + LEASE)
        others = [_refuses(row.versions) for row in rows if row.id != self.worker]
        refused = frozenset(self.refused)
        contested = refused.union(*others)
        common = frozenset(range(SHARDS)) - contested
        shares = [Share(common, math.ceil(len(common) / (1 + len(others))))]
        if contested - refused:
            able = 1 + sum(not other & (contested - refused) for other in others)
            shares.append(Share(contested - refused, math.ceil(len(contested - refused) / able)))
        return rank_of(self.worker, [row.id for row in rows]), shares


def sending(worker: str, living: Iterable[Row]) -> set[str]:
    """Who shares the slots: who can work under the bundle that was published last, of `worker` and all that live.

    Where nobody can, all of them: nothing leaves, and polls go on.
    """
    lacking = {row.id: parse(row.versions).get("lacks_newest") is True for row in living}
    everybody = {worker, *lacking}
    return {name for name in everybody if not lacking.get(name)} or everybody


def served_by(told: bytes) -> frozenset[str] | None:
    """The connections of which a worker takes slots; None where it doesn't say, as of an earlier release: all."""
    serves = parse(told).get("serves")
    return frozenset(serves) if isinstance(serves, list) else None


def _tokens(held: Mapping[int, HeldShard], numbers: Iterable[int]) -> dict[str, list[int]]:
    chosen = sorted(numbers)
    return {"shards": chosen, "tokens": [held[number].token for number in chosen]}


def _held(row: Row) -> HeldShard:
    return HeldShard(row.shard, row.token, row.position, row.head, row.bundle, row.activations)


def _agree(mine: HeldShard | None, row: Row) -> bool:
    return mine is not None and (row.token, row.position) == (mine.token, mine.position)


def _refuses(told: bytes) -> frozenset[int]:
    """The shards that a worker refuses; a worker of another release may say it otherwise, or not at all."""
    refused = parse(told).get("refuses", [])
    return frozenset(refused) if isinstance(refused, list) else frozenset()
