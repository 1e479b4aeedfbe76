"""`audit verify`.

Recomputes every leaf, checks every checkpoint, and compares both with what anchors outside the database say.

Change, deletion and reordering are found and located by shard and position; cutting off the end by checkpoints and
anchors. What a checkpoint has signed holds for ever: a later one, signed over what was changed since, doesn't replace
it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nostro.model.facts import RecoveryClosed, RecoveryOpened, join
from nostro.model.ids import SHARDS
from nostro.store.database import Database, Row, Statements
from nostro.store.log import FactRow, genesis, leaf_of
from nostro.store.sealing import FIRST, Checkpoint, Head, head_of

SQL = Statements("audit")
STRETCH = 2000
DIGEST_BYTES = 32
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
    seals = await _seals(database, public)
    findings = list(seals.findings)
    recoveries: list[FactRow] = []
    async with database.transaction() as tx:
        heads = {row.shard: Head(row.position, bytes(row.head)) for row in await tx.rows(SQL.heads)}
        lost = await tx.rows(SQL.unread_receipts, limit=100)
        behind = await tx.rows(SQL.behind_heads)
    facts = 0
    for shard in range(SHARDS):
        walk = _Walk(shard, heads.get(shard), seals.leaves(shard), progress)
        walked, found = await walk.run(database, genesis(deployment, shard))
        recoveries += walk.recoveries
        facts += walked
        findings += found
    findings += [
        Finding("changed", f"shard {row.shard} position {row.position}", "A fact stands behind its shard's end.")
        for row in behind
    ]
    findings += [
        Finding("receipt", f"shard {r.shard} position {r.position}", f"Receipt {r.receipt} was read, and is gone.")
        for r in lost
    ]
    cuts, unexplained = held_against(anchors, seals, cuts_of(recoveries))
    findings += unexplained
    return Verdict(facts, len(seals.numbers), max(facts - seals.sealed, 0), tuple(findings), cuts)


@dataclass(slots=True)
class _Heads:
    """What checkpoints name of a shard: positions, and the leaves there one behind the other."""

    positions: array[int] = field(default_factory=lambda: array("q"))
    digests: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Seals:
    """What trusted checkpoints say, and what is wrong with it.

    In few bytes each: there are up to 17,000 a day for ever, and each names all shards, of which few have moved.
    """

    numbers: array[int] = field(default_factory=lambda: array("q"))
    digests: bytearray = field(default_factory=bytearray)
    findings: list[Finding] = field(default_factory=list)
    _newest: dict[int, str] = field(default_factory=dict)
    _last: dict[int, str] = field(default_factory=dict)
    _heads: dict[int, _Heads] = field(default_factory=dict)

    @property
    def sealed(self) -> int:
        """How many facts the newest of them seals."""
        return sum(head_of(told).position for told in self._last.values())

    def add(self, checkpoint: Checkpoint) -> None:
        """The next one."""
        where, named = f"checkpoint {checkpoint.number}", checkpoint.named()
        self.numbers.append(checkpoint.number)
        self.digests += checkpoint.digest
        if len(named) != SHARDS:
            sentence = "It leaves out shards: what was cut off there is not missed."
            self.findings.append(Finding("checkpoint", where, sentence))
        for shard, told in named.items():
            if self._newest.get(shard) != told:
                self._moved(where, shard, head_of(told))
        self._newest |= named
        self._last = named

    def _moved(self, where: str, shard: int, head: Head) -> None:
        of = self._heads.setdefault(shard, _Heads())
        reached = of.positions[-1] if of.positions else 0
        if head.position < reached:
            sentence = f"Shard {shard} had been sealed up to {reached}, and stood at {head.position} then."
            self.findings.append(Finding("cut_off", where, sentence))
        of.positions.append(head.position)
        of.digests += head.leaf

    def holds(self, anchor: Anchor) -> bool:
        """Whether the anchored checkpoint is one of these."""
        place = bisect_left(self.numbers, anchor.number)
        known = self.digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]
        return place < len(self.numbers) and self.numbers[place] == anchor.number and known == anchor.digest

    def leaves(self, shard: int) -> dict[int, set[bytes]]:
        """The leaves that they name of a shard, by position.

        Two at one position: the shard was changed between the two, and sealed anew.
        """
        of, leaves = self._heads.get(shard, _Heads()), dict[int, set[bytes]]()
        for place, position in enumerate(of.positions):
            if position:
                leaf = bytes(of.digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES])
                leaves.setdefault(position, set()).add(leaf)
        return leaves


@dataclass(slots=True)
class _Walk:
    """Recomputes one shard's chain, and picks up the facts that open and close recoveries on the way.

    Up to `head`, where the shard stood: what the house appends meanwhile is for the next time. None: its row is gone.
    """

    shard: int
    head: Head | None
    sealed: Mapping[int, set[bytes]]
    progress: Callable[[int], None]
    recoveries: list[FactRow] = field(default_factory=list)

    async def run(self, database: Database, start: bytes) -> tuple[int, list[Finding]]:
        """Goes on behind a flaw from the leaf that is stored there, so that each flaw is found by itself."""
        findings: list[Finding] = []
        leaf, position, walked = start, 0, 0
        upto = None if self.head is None else self.head.position
        while True:
            async with database.transaction() as tx:
                told = await tx.rows(SQL.chain, shard=self.shard, after=position, limit=STRETCH)
            rows = [FactRow._make(row) for row in told if upto is None or row.position <= upto]
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
        if self.head is None:
            sentence = "The row that says where it stands is gone."
            findings.append(Finding("missing", f"shard {self.shard}", sentence))
        elif position != self.head.position or leaf != self.head.leaf:
            sentence = (
                f"The log ends at position {position}, its shard stood at {self.head.position}: facts were cut off."
            )
            findings.append(Finding("cut_off", f"shard {self.shard} after position {position}", sentence))
        return findings + [
            Finding("cut_off", f"shard {self.shard} position {number}", "A checkpoint sealed a fact here that is gone.")
            for number in sorted(self.sealed)
            if number > position
        ]


def _flaws(row: FactRow, position: int, leaf: bytes, sealed: Mapping[int, set[bytes]]) -> list[Finding]:
    where = f"shard {row.shard} position {row.position}"
    if row.position != position + 1:
        gone = f"Facts {position + 1} to {row.position - 1} are missing."
        return [Finding("missing", f"shard {row.shard} position {position + 1}", gone)]
    if row.leaf != leaf_of(leaf, row):
        return [Finding("changed", where, f"This {row.type} of {row.process}/{row.subject} is not what was sealed.")]
    if sealed.get(row.position, set()) - {row.leaf}:
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


def held_against(anchors: Iterable[Anchor], seals: Seals, cuts: Sequence[Cut]) -> tuple[tuple[Cut, ...], list[Finding]]:
    """Anchors that the database doesn't hold: explained by a cut that two people stand for, or findings."""
    findings: list[Finding] = []
    counted: Counter[int] = Counter()
    for anchor in anchors:
        if seals.holds(anchor):
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


async def _seals(database: Database, public: Ed25519PublicKey) -> Seals:
    seals = Seals()
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
                told = Finding("checkpoint", f"checkpoint {checkpoint.number}", f"Not trustworthy: {flaw}.")
                seals.findings.append(told)
            else:
                seals.add(checkpoint)
            number, previous = checkpoint.number, checkpoint.digest
    return seals


def _checkpoint(row: Row) -> Checkpoint:
    number, at, heads, previous, digest, signature, key = row
    return Checkpoint(number, at, bytes(heads), bytes(previous), bytes(digest), bytes(signature), key)
