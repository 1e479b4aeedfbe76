"""Activation: a bundle comes into force as a fact on every shard, in the order of that shard's own log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from nostro.model.canonical import canonical
from nostro.model.clock import Now
from nostro.model.facts import BundleActivated, Fact
from nostro.model.ids import Subject
from nostro.routing.route import HOUSE, Routable, route
from nostro.store.arrivals import Blob
from nostro.store.database import Database, Statements, Transaction
from nostro.store.keys import Keys

SQL = Statements("engine")
LANE = "critical"
"""However much waits on the other lanes, a rule that was changed is in force with the next batch."""


@dataclass(frozen=True, slots=True)
class Activation:
    """What was activated: the bundle's digest (hex), its number, and whether it was new."""

    digest: str
    number: int
    new: bool


async def active_bundle(database: Database) -> bytes | None:
    """The content of the bundle that was activated last, or None before the first one."""
    async with database.transaction() as tx:
        row = await tx.row(SQL.newest_activation)
    return bytes(row.content) if row else None


async def activate(database: Database, keys: Keys, content: bytes, actor: str, reason: str, now: Now) -> Activation:
    """Stores a bundle and sends its activation to every shard.

    The same bundle again, while in force, changes nothing. What the shard's log holds after its activation is decided
    under it, and nothing before; one with a lower number that arrives later changes nothing. Raises `LostRace` when
    others were first each time.
    """
    digest = hashlib.sha256(content).digest()

    async def work(tx: Transaction) -> Activation:
        shards = await tx.rows(SQL.lock_activations)
        newest = await tx.row(SQL.newest_activation)
        if newest is not None and bytes(newest.digest) == digest:
            return Activation(digest.hex(), newest.number, new=False)
        number = (newest.number if newest else 0) + 1
        await tx.run(SQL.add_bundle, digest=digest, content=content, at=now.business, actor=actor, number=number)
        bodies = [BundleActivated(bundle=digest.hex(), shard=row.shard, sequence=number) for row in shards]
        batch = [
            Routable(
                Fact(
                    body=body,
                    entity="",
                    origin="people",
                    actor=actor,
                    occurred_at=now.business,
                    received_at=now.business,
                    reason=reason,
                ),
                Blob(canonical(body)),
                Subject(HOUSE, body.natural_key()),
                LANE,
            )
            for body in bodies
        ]
        await route(tx, keys, {}, batch, now.business)
        return Activation(digest.hex(), number, new=True)

    return await database.done(work)
