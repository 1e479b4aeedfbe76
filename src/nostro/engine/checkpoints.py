"""Checkpoints.

Every five seconds the heads of all shards are signed, and what was signed is anchored outside the database.

Its own loop; two sealers take turns. It sets the role `nostro_checkpoint`, which may read heads and add checkpoints and
nothing else. A checkpoint that was in the database and isn't any more tells that a dump was put back into it: that
breaks no connection, so that nobody else would notice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nostro.model.clock import Now
from nostro.model.failures import DatabaseRestored
from nostro.store.audit import Anchor
from nostro.store.database import REMEMBERS, Database, Row, Statements, Transaction
from nostro.store.quarantine import put_back
from nostro.store.sealing import FIRST, Head, SealKey, sign

SQL = Statements("audit")
ENGINE = Statements("engine")
EVERY = timedelta(seconds=5)
GIVEN_UP = timedelta(minutes=1)
"""An anchor that isn't known to stand after so long is put again."""


@dataclass(slots=True)
class Checkpoints:
    """The `step(now)` that seals. `anchor` puts a checkpoint's number and digest outside the database."""

    database: Database
    key: SealKey
    anchor: Callable[[Anchor, datetime], Awaitable[None]]
    _last: datetime | None = field(default=None)
    _seen: Anchor | None = field(default=None)
    """The newest checkpoint that was in the database."""

    async def step(self, now: Now) -> int:
        """As `seal`, when it is time again."""
        if self._last is not None and now.machine - self._last < EVERY:
            return 0
        self._last = now.machine
        return await self.seal(now)

    async def seal(self, now: Now) -> int:
        """1 when a checkpoint was signed or anchored.

        Nothing is signed when nothing was appended since the last one. That one is anchored again where it isn't known
        to be: a restore to before it would not be noticed, for as long as the house has nothing to do. In
        quarantine neither: it may be the wrong database, and what was anchored of it would outlive it.
        """
        async with self.database.transaction() as tx:
            await tx.run(SQL.as_sealer)
            await tx.run(SQL.one_sealer)
            newest = await tx.row(SQL.newest_checkpoint)
            gone = await self._gone(tx, newest)
            stands = None if gone else await self._sealed(tx, newest, now)
        if gone:
            await self._end(gone)
        if stands is None:
            return 0
        self._seen, again = stands
        self.database.sealed = self._seen.number
        if not again:
            return 0
        anchor = self._seen
        await self.anchor(anchor, now.business)
        async with self.database.transaction() as tx:
            await tx.run(SQL.anchored, number=anchor.number, at=now.business)
        return 1

    async def _sealed(self, tx: Transaction, newest: Row | None, now: Now) -> tuple[Anchor, bool] | None:
        """The checkpoint that is the newest now, and whether it has to be anchored. None where nothing is sealed."""
        life = await tx.row(SQL.life)
        if life is None or life.quarantine:
            return None
        heads = {row.shard: Head(row.position, bytes(row.head)) for row in await tx.rows(SQL.heads)}
        number, previous = (newest.number + 1, bytes(newest.digest)) if newest else (1, FIRST)
        signed = sign(self.key, number, now.business, heads, previous)
        if newest is not None and bytes(newest.heads) == signed.heads:
            again = newest.anchored_at is None and now.business - newest.at >= GIVEN_UP
            return Anchor(newest.number, bytes(newest.digest), life.epoch), again
        await tx.run(
            SQL.add_checkpoint,
            number=signed.number,
            at=signed.at,
            heads=signed.heads,
            previous=signed.previous,
            digest=signed.digest,
            signature=signed.signature,
            key_id=signed.key_id,
        )
        return Anchor(signed.number, signed.digest, life.epoch), True

    async def _gone(self, tx: Transaction, newest: Row | None) -> str:
        """What speaks for a restore under this process; empty: nothing."""
        seen = self._seen
        if seen is None:
            return ""
        held = newest
        if newest is not None and newest.number > seen.number:
            held = await tx.row(ENGINE.checkpoint_digest, number=seen.number)
        if held is not None and bytes(held.digest) == seen.digest:
            return ""
        return put_back(seen.number)

    async def _end(self, why: str) -> None:
        """Raises `DatabaseRestored`, once it is noted that nothing may leave."""
        async with self.database.transaction() as tx:
            await tx.run(ENGINE.quarantine, why=why)
        raise DatabaseRestored(why, REMEMBERS, runbook="quarantine")
