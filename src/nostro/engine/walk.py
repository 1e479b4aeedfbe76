"""Walk along the log: every fact with the subject as it stood before it, and what it makes of it again.

Memory is bounded: a stretch of the log, and the subjects that were met last. One that was let go and comes again is
folded anew from its own facts. No database transaction is open meanwhile: the server ends who idles in one, and large
states take long.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from nostro.engine.transition import houseless, transition
from nostro.model.facts import Fact
from nostro.model.ids import Subject
from nostro.model.unchanging import unchanging
from nostro.processes.kit.decision import Instance, Rules
from nostro.processes.kit.digest import decision_digest
from nostro.processes.kit.machine import NEW
from nostro.processes.kit.process import Process, Transition
from nostro.store.blobs import open_fact
from nostro.store.database import Database, Row, Statements, Transaction
from nostro.store.keys import DataKey, Keys
from nostro.store.log import FactRow

AUDIT = Statements("audit")
ENGINE = Statements("engine")
STRETCH = 2000
HELD = 20_000
"""So many subjects are held at once."""


@unchanging(frozen=True, slots=True)
class Step:
    """A fact taken in again. `taken` is None when that failed; `failure` says how. `fact` is None: it can't be read."""

    row: FactRow
    fact: Fact | None
    before: Instance
    taken: Transition | None
    failure: str = ""

    @property
    def equal(self) -> bool:
        """Whether the decision is the one that was recorded."""
        if self.taken is None:
            return False
        same = decision_digest(self.before.subject, self.taken.decision) == self.row.decided
        return same and self.taken.after.revision == self.row.revision

    @property
    def after(self) -> Instance:
        """Where the subject goes on from: the recorded state, so that one difference doesn't hide the next."""
        taken = self.taken.after if self.taken else replace(self.before, revision=self.row.revision)
        return taken if taken.state == self.row.state_after else replace(taken, state=self.row.state_after)


@dataclass(slots=True)
class Walk:
    """Takes facts in again under the bundles that are recorded with them."""

    database: Database
    keys: Keys
    processes: Mapping[str, Process]
    rules_from: Callable[[bytes], Rules]
    held: int = HELD
    folded_again: int = 0
    _rules: dict[bytes, Rules] = field(default_factory=dict)
    _lacking: dict[bytes, str] = field(default_factory=dict)
    """Why there are no rules of a bundle."""
    _met: OrderedDict[tuple[str, str], Instance] = field(default_factory=OrderedDict)

    async def shard(self, shard: int) -> AsyncIterator[list[Step]]:
        """The shard's log in order, a stretch at a time."""
        position = 0
        while True:
            async with self.database.transaction() as tx:
                told = await tx.rows(AUDIT.chain, shard=shard, after=position, limit=STRETCH)
                rows = [FactRow._make(row) for row in told]
                opened = await self._opened(tx, rows)
            steps = [self.again(row, fact) or await self._folded(row, fact) for row, fact in opened]
            if not rows:
                self._met.clear()
                return
            yield steps
            position = rows[-1].position

    async def subject(self, subject: Subject, until: int) -> list[Step]:
        """All that one subject took in, up to a position of its shard's log."""
        place = {"shard": subject.shard, "process": subject.process, "subject": subject.id}
        async with self.database.transaction() as tx:
            rows = [FactRow._make(row) for row in await tx.rows(ENGINE.history, **place) if row.position <= until]
            opened = await self._opened(tx, rows)
        steps: list[Step] = []
        for row, fact in opened:
            steps.append(self.take(row, fact, steps[-1].after if steps else self.new(row)))
        return steps

    def again(self, row: FactRow, fact: Fact | str) -> Step | None:
        """The next fact of its shard. None when its subject was let go, and has to be folded anew."""
        before = self._met.pop((row.process, row.subject), None)
        if before is None:
            if row.revision > 1:
                return None
            before = self.new(row)
        return self._meet(self.take(row, fact, before))

    def new(self, row: FactRow) -> Instance:
        """The subject before its first fact, in the version that it began with."""
        process = self.processes.get(row.process)
        if process is None or not 1 <= row.version <= len(process.versions):
            return replace(houseless(Subject(row.process, row.subject), row.entity), version=row.version)
        subject, initial = Subject(row.process, row.subject), process.version(row.version).initial
        return Instance(subject, row.entity, row.version, 0, NEW, initial)

    def take(self, row: FactRow, fact: Fact | str, before: Instance) -> Step:
        """One fact again, or why it can't be read. Whatever a decision throws is a finding, not the end of the walk."""
        if isinstance(fact, str):
            return Step(row, None, before, None, fact)
        try:
            taken = transition(
                self.processes.get(row.process), before, fact, self._rules.get(row.bundle), decided_at(row)
            )
        except Exception as error:  # noqa: BLE001 - told as this fact's difference, the walk goes on
            return Step(row, fact, before, None, self._lacking.get(row.bundle) or f"threw {type(error).__name__}")
        return Step(row, fact, before, taken)

    def rules_of(self, row: FactRow) -> Rules | None:
        """The rules under which a fact was decided; None before the first bundle."""
        return self._rules.get(row.bundle)

    async def _opened(self, tx: Transaction, rows: list[FactRow]) -> list[tuple[FactRow, Fact | str]]:
        known = await self.keys.load(tx, {row.data_key for row in rows if row.data_key is not None})
        for digest in sorted({row.bundle for row in rows} - set(self._rules) - set(self._lacking) - {b""}):
            self._understand(digest, await tx.row(ENGINE.bundle, digest=digest))
        return [(row, self._read(row, known)) for row in rows]

    def _read(self, row: FactRow, known: Mapping[bytes, DataKey | None]) -> Fact | str:
        """The fact; or why it can't be read, which is a finding as well."""
        try:
            return open_fact(self.keys, row, known)
        except Exception as error:  # noqa: BLE001 - whatever was done to a stored fact, the walk goes on
            return f"can't be read ({type(error).__name__})"

    def _understand(self, digest: bytes, row: Row | None) -> None:
        try:
            if row is None:
                self._lacking[digest] = f"bundle {digest.hex()[:12]} is missing"
            else:
                self._rules[digest] = self.rules_from(bytes(row.content))
        except Exception as error:  # noqa: BLE001 - told with each fact that was decided under it
            self._lacking[digest] = f"bundle {digest.hex()[:12]} can't be understood ({type(error).__name__})"

    async def _folded(self, row: FactRow, fact: Fact | str) -> Step:
        self.folded_again += 1
        past = await self.subject(Subject(row.process, row.subject), row.position - 1)
        return self._meet(self.take(row, fact, past[-1].after if past else self.new(row)))

    def _meet(self, step: Step) -> Step:
        self._met[step.row.process, step.row.subject] = step.after
        if len(self._met) > self.held:
            self._met.popitem(last=False)
        return step


def decided_at(row: FactRow) -> datetime:
    """The business time of the decision, in UTC."""
    return row.decided_at if row.decided_at.tzinfo is UTC else row.decided_at.astimezone(UTC)
