"""Erases a person: their data keys are destroyed, and with them every confidential field that they protect.

Seals cover ciphertext and stay whole. Raw receipts that speak of nobody else are destroyed too; a statement file with
other people in it keeps its bytes until its retention ends, one of which something is not decided yet until it is and
somebody asks again, and the result says of how many that is so. Of a receipt that nobody has read yet nobody knows of
whom it speaks: ask again when it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nostro.model.references import Reference
from nostro.store.database import Database, Statements, Transaction
from nostro.store.keys import Keys

SQL = Statements("audit")
KEYS = Statements("keys")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased.

    `held`: data keys under a legal hold, left alone. `receipts_kept`: raw receipts that speak of others too, or of what
    is not decided yet. `subjects` need their state rebuilt from the log; those too that took in what was sealed under
    keys which were destroyed before: some of it may have been on its way then.
    """

    keys: int
    held: int
    receipts: int
    receipts_kept: int
    subjects: tuple[tuple[str, str], ...]


async def erase(database: Database, keys: Keys, party: Sequence[Reference], actor: str, at: datetime) -> Erasure:
    """Destroys what is kept under any of a person's identifiers (IBAN, e-mail, partner id).

    Asked again it finds the same subjects and receipts: what a crash, or whoever rebuilds the states, left is made up
    for then. `at`: business time, UTC.
    """
    digests = [keys.index(reference.kind, reference.indexed) for reference in party]

    async def work(tx: Transaction) -> Erasure:
        rows = await tx.rows(SQL.keys_of_party, parties=digests)
        living = [row for row in rows if row.destroyed_at is None]
        free = [bytes(row.id) for row in living if row.held_until is None or row.held_until <= at]
        dead = [*free, *(bytes(row.id) for row in rows if row.destroyed_at is not None)]
        receipts = await tx.rows(SQL.receipts_of_keys, ids=dead)
        subjects = await tx.rows(SQL.subjects_of_keys, ids=dead)
        await tx.run(SQL.destroy_keys, ids=free, at=at, actor=actor)
        alone = [row.receipt for row in receipts if row.alone]
        destroyed = await tx.run(SQL.destroy_receipts, ids=alone)
        await tx.run(SQL.drop_references, digests=digests, kinds=sorted({reference.kind for reference in party}))
        await tx.run(KEYS.count_erasure)
        return Erasure(
            keys=len(free),
            held=len(living) - len(free),
            receipts=destroyed,
            receipts_kept=len(receipts) - len(alone),
            subjects=tuple((row.process, row.subject) for row in subjects),
        )

    done = await database.done(work)
    keys.forget()
    return done
