"""Recovery after a restore: what the engine itself does when the facts that open and close one come into the log.

The outside is ahead of a restored database. From its opening on every command, old or newly decided, begins with a
look-up (`claims`): its first Act is journaled as begun and not sent, so that it goes the way of every Act of which
nobody knows whether it was done.
"""

from __future__ import annotations

from nostro.model.clock import Now
from nostro.model.facts import Fact, FactBody, RecoveryClosed, RecoveryOpened
from nostro.store.database import Statements, Transaction

SQL = Statements("recovery")
RECOVERIES = (RecoveryOpened, RecoveryClosed)


def recovering(epoch: int) -> bool:
    """Whether every command begins with its look-up: an even life of the database began with a restore.

    Opening a recovery begins an even life, and closing it an odd one.
    """
    return epoch % 2 == 0


async def serve_recovery(tx: Transaction, fact: Fact, body: FactBody, now: Now) -> None:
    """In the database transaction that takes the fact into the log. What comes too late changes nothing."""
    if isinstance(body, RecoveryOpened):
        await _open(tx, fact, body, now)
    elif isinstance(body, RecoveryClosed):
        await _close(tx, fact, body, now)


async def _open(tx: Transaction, fact: Fact, body: RecoveryOpened, now: Now) -> None:
    """Leases first: whoever writes under one holds it, and has written before or can't any more."""
    await tx.run(SQL.fence_everybody, machine=now.machine)
    if await tx.row(SQL.begin_life, epoch=body.epoch) is None:
        return
    told = {"epoch": body.epoch, "since": body.since, "kept": body.kept, "lost": body.lost, "at": now.business}
    await tx.run(SQL.add_recovery, **told, actor=fact.actor, behalf=fact.on_behalf_of, reason=fact.reason)
    await tx.run(SQL.rewind_feeds, since=body.since, at=now.business)
    await tx.run(SQL.take_back_commands)
    await tx.run(SQL.leave_dispatches)


async def _close(tx: Transaction, fact: Fact, body: RecoveryClosed, now: Now) -> None:
    if await tx.row(SQL.close_recovery, epoch=body.epoch, at=now.business, actor=fact.actor) is not None:
        await tx.row(SQL.begin_life, epoch=body.epoch + 1)
