"""Makes an empty database Nostro's own, and recognises one that isn't what the settings think."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nostro.model.failures import LandscapeRefused
from nostro.model.ids import SHARDS
from nostro.store.database import Database, Statements
from nostro.store.entropy import Entropy
from nostro.store.keys import Keys
from nostro.store.log import genesis
from nostro.store.migrate import migrate, partition

SQL = Statements("install")


@dataclass(frozen=True, slots=True)
class Deployment:
    """What this database is. `quarantine` says why nothing may leave; empty: it may."""

    id: bytes
    environment: str
    epoch: int
    quarantine: str


async def install(database: Database, keys: Keys, environment: str, entropy: Entropy, at: datetime) -> Deployment:
    """Migrates, makes partitions and, once, the deployment and its shards. `at`: business time, UTC.

    Raises `LandscapeRefused` when the master key or the environment is another than the one that the database was
    made with.
    """
    await migrate(database.url)
    check = keys.index("deployment", "check")
    async with database.transaction() as tx:
        await partition(tx, at.date())
        made = await tx.row(
            SQL.deploy, id=entropy.bytes(16), shards=SHARDS, environment=environment, check=check, at=at
        )
        if made is not None:
            numbers = list(range(SHARDS))
            await tx.run(SQL.make_shards, shards=numbers, heads=[genesis(made.id, n) for n in numbers])
        row = await tx.row(SQL.deployment)
    if row is None or row.index_check != check:
        message = "This master key is not the one that the database was made with."
        raise LandscapeRefused(message, "Give the right `master_key`, or another database; nothing was changed.")
    if row.environment != environment:
        message = f"The database belongs to environment {row.environment}, the landscape says {environment}."
        raise LandscapeRefused(message, "Use the database of this environment; nothing was changed.")
    return Deployment(bytes(row.id), row.environment, row.epoch, row.quarantine)
