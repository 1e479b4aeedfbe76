"""A database that is behind its newest anchor was restored: what it sent since is not in it, so nothing may leave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nostro.model.failures import OutOfService
from nostro.store.audit import Anchor
from nostro.store.database import Database, Row, Statements, Transaction

SQL = Statements("engine")
RECOVERY = Statements("recovery")
AUDIT = Statements("audit")


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest anchor that a process knows. `doubt`: why there may be a newer one; empty: there is none."""

    anchor: Anchor | None
    doubt: str = ""

    def demand_no_doubt(self) -> None:
        """Raises `OutOfService` where nobody can say whether the database was restored."""
        if self.doubt:
            sentence = f"{self.doubt} Whether the database was restored can't be said."
            raise OutOfService(sentence, "Bring the anchors' place back.", runbook="anchors-gone")


async def quarantine_if_behind(database: Database, newest: Anchor | None) -> str:
    """Why nothing may leave from now on.

    Empty when the database knows the newest anchor, or lives a later life than it: a recovery has begun one. Set once,
    lifted by a person.
    """
    if newest is None:
        return ""
    async with database.transaction() as tx:
        why = await why_behind(tx, newest)
        if why:
            await tx.run(SQL.quarantine, why=why)
    return why


async def why_unsure(database: Database, missing: Sequence[Path]) -> str:
    """Why nobody can say whether the database is behind its newest anchor; empty: it can be said.

    `missing`: files of anchors that are not there. They never were where no checkpoint was ever anchored.
    """
    if not missing:
        return ""
    async with database.transaction() as tx:
        row = await tx.row(AUDIT.newest_anchored)
    if row is None:
        return ""
    return f"Checkpoint {row.number} was anchored outside, and {', '.join(map(str, missing))} is not there."


async def why_behind(tx: Transaction, newest: Anchor) -> str:
    """What speaks for a restore; empty when nothing does."""
    life = await tx.row(AUDIT.life)
    if life is None or life.epoch > newest.epoch:
        return ""
    row = await tx.row(SQL.checkpoint_digest, number=newest.number)
    if row is not None and bytes(row.digest) == newest.digest:
        return ""
    return f"The database does not hold checkpoint {newest.number}, which is anchored outside: it was restored."


def put_back(number: int) -> str:
    """Why nothing may leave where a checkpoint that a process has seen in the database isn't in it any more."""
    return f"The database lacks checkpoint {number}, which was in it: it was restored under a running process."


async def quarantine_if_put_back(tx: Transaction, seen: int) -> bool:
    """Whether the newest checkpoint is older than one that this process has seen: a dump was put back into the running
    database, which breaks no connection. Then it is noted that nothing may leave.
    """
    newest = await tx.row(RECOVERY.newest_number)
    if newest is None or newest.number >= seen:
        return False
    await tx.run(SQL.quarantine, why=put_back(seen))
    return True


async def present_run(database: Database) -> Row:
    """Which run of PostgreSQL answers now. To be asked before it is looked at: another one is known by it."""
    [run] = await database.look(SQL.run_of_database)
    return run


def guard(
    newest: Callable[[], Awaitable[Newest]], known: str, trusted: Row | None = None
) -> Callable[[Transaction], Awaitable[str]]:
    """Looks at each connection that a running process makes anew: a restore breaks all that it had.

    What the process remembers (leases, keys, half-read receipts) would be mistaken for what is in the restored
    database. So its quarantine is noted, and the process gets no connection any more. `known`: the quarantine in which
    it began.

    While the newest anchor is in doubt, only that run of PostgreSQL is trusted which was last looked at without: by any
    other one `OutOfService` is raised, since a restore would not be noticed. `trusted`: the one that was looked at so
    when the process began.
    """

    async def look(tx: Transaction) -> str:
        nonlocal trusted
        told = await newest()
        why = await why_behind(tx, told.anchor) if told.anchor is not None else ""
        if why and why != known:
            await tx.run(SQL.quarantine, why=why)
            return why
        run = await tx.row(SQL.run_of_database)
        if run != trusted:
            told.demand_no_doubt()
            trusted = run
        return ""

    return look


async def newest_shared(database: Database, anchors: Iterable[Anchor]) -> int:
    """The newest checkpoint that both the database and the anchors hold; without anchors the database's newest."""
    known: Sequence[Anchor] = sorted(anchors, key=lambda anchor: anchor.rank, reverse=True)
    async with database.transaction() as tx:
        row = await tx.row(RECOVERY.newest_number)
        newest = int(row.number) if row else 0
        if not known:
            return newest
        for anchor in known:
            held = await tx.row(SQL.checkpoint_digest, number=anchor.number) if anchor.number <= newest else None
            if held is not None and bytes(held.digest) == anchor.digest:
                return anchor.number
    return 0
