"""`audit verify`.

Recomputes every leaf, checks every checkpoint, and compares both with what anchors outside the database say.

Change, deletion and reordering are found and located by shard and position; cutting off the end by checkpoints and
anchors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nostro.model.facts import RecoveryClosed, RecoveryOpened, join
from nostro.model.ids import SHARDS
from nostro.store.database import Database, Row, Statements
from nostro.store.log import FactRow, genesis, leaf_of
from nostro.store.sealing import FIRST, Checkpoint, Head

SQL = Statements("audit")
STRETCH = 2000
OPENED, CLOSED = RecoveryOpened.fact_type, RecoveryClosed.fact_type


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint's number and digest as it stands outside the database. `epoch`: in which life it was signed."""

    number: int
    digest: bytes
    epoch: int = 1

    @property
    def rank(self) -> tuple[int, int]:
        """A later life's checkpoints are newer than any of the lives before, whatever their numbers."""
        return self.epoch, self.number


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and where."""

    kind: str  # changed, missing, cut_off, checkpoint, anchor, receipt
    where: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Cut:
    """Lives of the database that a restore has lost, as the person says who opened the recovery.

    Of `anchors` the database doesn't hold, behind checkpoint `kept`, this is the explanation. A second person has to
    have `closed` it.
    """

    epoch: int
    since: datetime
    kept: int
    lost: int
    by: str
    reason: str
    closed: bool = False
    anchors: int = 0

    def explains(self, anchor: Anchor) -> bool:
        """Whether it was put outside by a life that was lost."""
        return anchor.epoch < self.epoch and anchor.number > self.kept


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at, and what was found.

    `unsealed` facts came after the newest checkpoint: their seal is still to come. `cuts` are told, and no flaws.
    """

    facts: int
    checkpoints: int
    unsealed: int
    findings: tuple[Finding, ...]
    cuts: tuple[Cut, ...] = ()


async def verify(
    database: Database,
    deployment: bytes,
    public: Ed25519PublicKey,
    anchors: Iterable[Anchor],
    progress: Callable[[int], None] = lambda _: None,
) -> Verdict:
    """Walks the whole log in stretches of 2,000 facts; `progress` hears how many facts were walked since."""
    signed, findings = await _checkpoints(database, public)
    recoveries: list[FactRow] = []
    wanted: dict[int, dict[int, bytes]] = {}
    for checkpoint in signed:
        named = checkpoint.shard_heads()
        if len(named) != SHARDS:
            sentence = "It leaves out shards: what was cut off there is not missed."
            findings.append(Finding("checkpoint", f"checkpoint {checkpoint.number}", sentence))
        for shard, head in named.items():
            if head.position:
                wanted.setdefault(shard, {})[head.position] = head.leaf
    async with database.transaction() as tx:
        heads = {row.shard: Head(row.position, bytes(row.head)) for row in await tx.rows(SQL.heads)}
        lost = await tx.rows(SQL.unread_receipts, limit=100)
    facts = 0
    for shard in range(SHARDS):
        walk = _Walk(shard, heads[shard], wanted.get(shard, {}), progress)
        walked, found = await walk.run(database, genesis(deployment, shard))
        recoveries += walk.recoveries
        facts += walked
        findings += found
    findings += [
        Finding("receipt", f"shard {r.shard} position {r.position}", f"Receipt {r.receipt} was read, and is gone.")
        for r in lost
    ]
    cuts, unexplained = held_against(anchors, signed, cuts_of(recoveries))
    findings += unexplained
    sealed = sum(head.position for head in signed[-1].shard_heads().values()) if signed else 0
    return Verdict(facts, len(signed), facts - sealed if facts > sealed else 0, tuple(findings), cuts)


@dataclass(slots=True)
class _Walk:
    """Recomputes one shard's chain, and picks up the facts that open and close recoveries on the way."""

    shard: int
    head: Head
    sealed: Mapping[int, bytes]
    progress: Callable[[int], None]
    recoveries: list[FactRow] = field(default_factory=list)

    async def run(self, database: Database, start: bytes) -> tuple[int, list[Finding]]:
        """Goes on behind a flaw from the leaf that is stored there, so that each flaw is found by itself."""
        findings: list[Finding] = []
        leaf, position, walked = start, 0, 0
        while True:
            async with database.transaction() as tx:
                told = await tx.rows(SQL.chain, shard=self.shard, after=position, limit=STRETCH)
            rows = [FactRow._make(row) for row in told]
            if not rows:
                break
            for row in rows:
                findings += _flaws(row, position, leaf, self.sealed)
                leaf, position = row.leaf, row.position
            self.recoveries += [row for row in rows if row.type in (OPENED, CLOSED)]
            walked += len(rows)
            self.progress(len(rows))
        return walked, findings + self._end(position, leaf)

    def _end(self, position: int, leaf: bytes) -> list[Finding]:
        findings = []
        if position != self.head.position or leaf != self.head.leaf:
            sentence = (
                f"The log ends at position {position}, its shard stood at {self.head.position}: facts were cut off."
            )
            findings.append(Finding("cut_off", f"shard {self.shard} after position {position}", sentence))
        return findings + [
            Finding("cut_off", f"shard {self.shard} position {number}", "A checkpoint sealed a fact here that is gone.")
            for number in sorted(self.sealed)
            if number > position
        ]


def _flaws(row: FactRow, position: int, leaf: bytes, sealed: Mapping[int, bytes]) -> list[Finding]:
    where = f"shard {row.shard} position {row.position}"
    if row.position != position + 1:
        gone = f"Facts {position + 1} to {row.position - 1} are missing."
        return [Finding("missing", f"shard {row.shard} position {position + 1}", gone)]
    if row.leaf != leaf_of(leaf, row):
        return [Finding("changed", where, f"This {row.type} of {row.process}/{row.subject} is not what was sealed.")]
    if row.position in sealed and sealed[row.position] != row.leaf:
        return [Finding("changed", where, "The chain was sealed anew: a signed checkpoint names another leaf here.")]
    return []


def cuts_of(recoveries: Iterable[FactRow]) -> list[Cut]:
    """What the log itself says of lives that were lost. Closing a later recovery closes the earlier ones."""
    told = [(row, join(row.type, row.type_version, row.body, None)) for row in recoveries]
    closed = max((body.epoch for _, body in told if isinstance(body, RecoveryClosed)), default=0)
    cuts = [
        Cut(body.epoch, body.since, body.kept, body.lost, row.actor, row.reason, closed=body.epoch <= closed)
        for row, body in told
        if isinstance(body, RecoveryOpened)
    ]
    return sorted(cuts, key=lambda cut: cut.epoch)


def held_against(
    anchors: Iterable[Anchor], signed: Iterable[Checkpoint], cuts: Sequence[Cut]
) -> tuple[tuple[Cut, ...], list[Finding]]:
    """Anchors that the database doesn't hold: explained by a cut that two people stand for, or findings."""
    known = {checkpoint.number: checkpoint.digest for checkpoint in signed}
    findings: list[Finding] = []
    counted: Counter[int] = Counter()
    for anchor in anchors:
        if known.get(anchor.number) == anchor.digest:
            continue
        cut = next((cut for cut in cuts if cut.explains(anchor)), None)
        if cut is not None:
            counted[cut.epoch] += 1
        else:
            sentence = "An anchor outside the database names a checkpoint that the database lacks or holds differently."
            findings.append(Finding("anchor", f"checkpoint {anchor.number}", sentence))
    told = tuple(replace(cut, anchors=counted[cut.epoch]) for cut in cuts)
    for cut in told:
        if not cut.closed:
            sentence = f"A restore cut off {cut.anchors} checkpoints; recovery {cut.epoch} says so and is still open."
            findings.append(Finding("cut_off", f"checkpoints {cut.kept + 1} to {cut.lost}", sentence))
    return told, findings


async def _checkpoints(database: Database, public: Ed25519PublicKey) -> tuple[list[Checkpoint], list[Finding]]:
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
    return signed, findings


def _checkpoint(row: Row) -> Checkpoint:
    number, at, heads, previous, digest, signature, key = row
    return Checkpoint(number, at, bytes(heads), bytes(previous), bytes(digest), bytes(signature), key)
