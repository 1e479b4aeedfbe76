"""`audit verify`.

Recomputes every leaf, checks every checkpoint, and compares both with what anchors outside the database say.

Change, deletion and reordering are found and located by shard and position; cutting off the end by checkpoints and
anchors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nostro.model.ids import SHARDS
from nostro.store.database import Database, Row, Statements
from nostro.store.log import FactRow, genesis, leaf_of
from nostro.store.sealing import FIRST, Checkpoint, Head

SQL = Statements("audit")
STRETCH = 2000


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint's number and digest as it stands outside the database."""

    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and where."""

    kind: str  # changed, missing, cut_off, checkpoint, anchor, receipt
    where: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at, and what was found.

    `unsealed` facts came after the newest checkpoint: their seal is still to come.
    """

    facts: int
    checkpoints: int
    unsealed: int
    findings: tuple[Finding, ...]


async def verify(
    database: Database,
    deployment: bytes,
    public: Ed25519PublicKey,
    anchors: Iterable[Anchor],
    progress: Callable[[int], None] = lambda _: None,
) -> Verdict:
    """Walks the whole log in stretches of 2,000 facts; `progress` hears how many facts were walked since."""
    signed, findings = await _checkpoints(database, public, list(anchors))
    wanted: dict[int, dict[int, bytes]] = {}
    for checkpoint in signed:
        for shard, head in checkpoint.shard_heads().items():
            if head.position:
                wanted.setdefault(shard, {})[head.position] = head.leaf
    async with database.transaction() as tx:
        heads = {row.shard: Head(row.position, bytes(row.head)) for row in await tx.rows(SQL.heads)}
        lost = await tx.rows(SQL.unread_receipts, limit=100)
    facts = 0
    for shard in range(SHARDS):
        walked, found = await _walk(
            database, shard, genesis(deployment, shard), heads[shard], wanted.get(shard, {}), progress
        )
        facts += walked
        findings += found
    findings += [
        Finding("receipt", f"shard {r.shard} position {r.position}", f"Receipt {r.receipt} was read, and is gone.")
        for r in lost
    ]
    sealed = sum(head.position for head in signed[-1].shard_heads().values()) if signed else 0
    return Verdict(facts, len(signed), facts - sealed if facts > sealed else 0, tuple(findings))


async def _walk(
    database: Database,
    shard: int,
    start: bytes,
    head: Head,
    sealed: dict[int, bytes],
    progress: Callable[[int], None],
) -> tuple[int, list[Finding]]:
    """Recomputes one shard's chain.

    Goes on behind a flaw from the leaf that is stored there, so that each flaw is found by itself.
    """
    findings: list[Finding] = []
    leaf, position, walked = start, 0, 0
    while True:
        async with database.transaction() as tx:
            rows = [FactRow(*row) for row in await tx.rows(SQL.chain, shard=shard, after=position, limit=STRETCH)]
        if not rows:
            break
        for row in rows:
            findings += _flaws(row, position, leaf, sealed)
            leaf, position = row.leaf, row.position
        walked += len(rows)
        progress(len(rows))
    if position != head.position or leaf != head.leaf:
        sentence = f"The log ends at position {position}, its shard stood at {head.position}: facts were cut off."
        findings.append(Finding("cut_off", f"shard {shard} after position {position}", sentence))
    findings += [
        Finding("cut_off", f"shard {shard} position {number}", "A checkpoint sealed a fact here that is gone.")
        for number in sorted(sealed)
        if number > position
    ]
    return walked, findings


def _flaws(row: FactRow, position: int, leaf: bytes, sealed: dict[int, bytes]) -> list[Finding]:
    where = f"shard {row.shard} position {row.position}"
    if row.position != position + 1:
        gone = f"Facts {position + 1} to {row.position - 1} are missing."
        return [Finding("missing", f"shard {row.shard} position {position + 1}", gone)]
    if row.leaf != leaf_of(leaf, row):
        return [Finding("changed", where, f"This {row.type} of {row.process}/{row.subject} is not what was sealed.")]
    if row.position in sealed and sealed[row.position] != row.leaf:
        return [Finding("changed", where, "The chain was sealed anew: a signed checkpoint names another leaf here.")]
    return []


async def _checkpoints(
    database: Database, public: Ed25519PublicKey, anchors: list[Anchor]
) -> tuple[list[Checkpoint], list[Finding]]:
    signed: list[Checkpoint] = []
    findings: list[Finding] = []
    number, previous = 0, FIRST
    while True:
        async with database.transaction() as tx:
            rows = [_checkpoint(row) for row in await tx.rows(SQL.checkpoints, after=number, limit=STRETCH)]
        if not rows:
            break
        for checkpoint in rows:
            flaw = checkpoint.flaw(public)
            if not flaw and (checkpoint.number != number + 1 or checkpoint.previous != previous):
                flaw = f"it does not follow checkpoint {number}"
            if flaw:
                findings.append(Finding("checkpoint", f"checkpoint {checkpoint.number}", f"Not trustworthy: {flaw}."))
            else:
                signed.append(checkpoint)
            number, previous = checkpoint.number, checkpoint.digest
    known = {checkpoint.number: checkpoint.digest for checkpoint in signed}
    for anchor in anchors:
        if known.get(anchor.number) != anchor.digest:
            sentence = "An anchor outside the database names a checkpoint that the database lacks or holds differently."
            findings.append(Finding("anchor", f"checkpoint {anchor.number}", sentence))
    return signed, findings


def _checkpoint(row: Row) -> Checkpoint:
    number, at, heads, previous, digest, signature, key = row
    return Checkpoint(number, at, bytes(heads), bytes(previous), bytes(digest), bytes(signature), key)
