"""Makes an empty database Nostro's own, and recognises one that isn't what the settings think."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nostro.model.failures import LandscapeRefused, OutOfService
from nostro.model.ids import SHARDS
from nostro.store.database import Database, Statements
from nostro.store.entropy import Entropy
from nostro.store.keys import Keys
from nostro.store.log import genesis
from nostro.store.migrate import RUNBOOK, migrate, partition

SQL = Statements("install")
_FORGETFUL = """
select name from pg_settings where name in ('fsync', 'synchronous_commit') and setting = 'off' order by name"""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What this database is. `quarantine` says why nothing may leave; empty: it may."""

    id: bytes
    environment: str
    epoch: int
    quarantine: str


async def demand_durable(database: Database) -> None:
    """Raises `OutOfService` for a PostgreSQL that says of what a crash may take that it is kept."""
    async with database.transaction() as tx:
        found = await tx.execute(_FORGETFUL)
        forgetful = [str(name) for (name,) in await found.fetchall()]
    if forgetful:
        message = (
            f"PostgreSQL has {' and '.join(f'{name}=off' for name in forgetful)}: a crash loses what it confirmed."
        )
        raise OutOfService(message, "Set it to on for Nostro's role, database and server. Nothing was begun.")


async def install(database: Database, keys: Keys, environment: str, entropy: Entropy, at: datetime) -> Deployment:
    """Migrates, makes partitions and, once, the deployment and its shards. `at`: business time, UTC.

    Raises `LandscapeRefused` when the master key or the environment is another than the one that the database was
    made with, `OutOfService` when this month has no place to be kept in.
    """
    await migrate(database.url)
    await _partitioned(database, at)
    check = keys.index("deployment", "check")
    async with database.transaction() as tx:
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


async def _partitioned(database: Database, at: datetime) -> None:
    """This month has to be there. The others are made ahead, and may be made another time.

    Processes that start together in a new database queue for them: on a busy machine the first may take long.
    """
    async with database.transaction() as tx:
        missing = await partition(tx, at.date(), queues=True)
    if any(name.endswith(f"{at:_%Y_%m}") for name in missing):
        message = "The partitions of this month wait: a vacuum or a change of the schema is under way."
        raise OutOfService(message, "Try again when that is over.", runbook=RUNBOOK)
