"""Checkpoints.

Every five seconds the heads of all shards are signed, and what was signed is anchored outside the database.

Its own loop; two sealers take turns. It sets the role `nostro_checkpoint`, which may read heads and add checkpoints and
nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nostro.model.clock import Now
from nostro.store.audit import Anchor
from nostro.store.database import Database, Statements
from nostro.store.sealing import FIRST, Head, SealKey, sign

SQL = Statements("audit")
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
            life = await tx.row(SQL.life)
            if life is None or life.quarantine:
                return 0
            heads = {row.shard: Head(row.position, bytes(row.head)) for row in await tx.rows(SQL.heads)}
            newest = await tx.row(SQL.newest_checkpoint)
            number, previous = (newest.number + 1, bytes(newest.digest)) if newest else (1, FIRST)
            signed = sign(self.key, number, now.business, heads, previous)
            if newest is None or bytes(newest.heads) != signed.heads:
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
                anchor = Anchor(signed.number, signed.digest, life.epoch)
            elif newest.anchored_at is None and now.business - newest.at >= GIVEN_UP:
                anchor = Anchor(newest.number, bytes(newest.digest), life.epoch)
            else:
                return 0
        await self.anchor(anchor, now.business)
        async with self.database.transaction() as tx:
            await tx.run(SQL.anchored, number=anchor.number, at=now.business)
        return 1
