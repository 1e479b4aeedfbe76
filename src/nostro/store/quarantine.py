"""A database that is behind its newest anchor was restored: what it sent since is not in it, so nothing may leave."""

from __future__ import annotations

from nostro.store.audit import Anchor
from nostro.store.database import Database, Statements

SQL = Statements("engine")


async def quarantine_if_behind(database: Database, newest: Anchor | None) -> str:
    """Why nothing may leave from now on.

    Empty when the database knows the newest anchor. Set once, lifted by a person.
    """
    if newest is None:
        return ""
    async with database.transaction() as tx:
        row = await tx.row(SQL.checkpoint_digest, number=newest.number)
        if row is not None and bytes(row.digest) == newest.digest:
            return ""
        why = f"The database does not hold checkpoint {newest.number}, which is anchored outside: it was restored."
        await tx.run(SQL.quarantine, why=why)
    return why
