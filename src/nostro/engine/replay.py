"""Replay: take every fact in again, in the log's order, and compare with what was decided when it happened.

Under the recorded bundles nothing may differ; under another one the differences show what new rules would have done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC

from nostro.engine.transition import houseless, transition
from nostro.model.facts import Fact
from nostro.model.ids import SHARDS, Subject
from nostro.processes.kit.decision import Instance, Rules
from nostro.processes.kit.digest import decision_digest
from nostro.processes.kit.process import Process
from nostro.store.arrivals import COLUMNS as ARRIVAL_COLUMNS
from nostro.store.arrivals import Arrival
from nostro.store.blobs import open_fact
from nostro.store.database import Database, Statements, Transaction
from nostro.store.keys import Keys
from nostro.store.log import FactRow

AUDIT = Statements("audit")
ENGINE = Statements("engine")
STRETCH = 2000
_SHARED = tuple(name for name in ARRIVAL_COLUMNS if name in FactRow.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that replay took in otherwise."""

    shard: int
    position: int
    subject: str
    type: str
    recorded: str
    replayed: str


@dataclass(slots=True)
class Replay:
    """Replays shards. `under`: a bundle's digest to decide everything under, or None for the recorded ones.

    With `differing` rules a subject goes on from its *recorded* state, so that one difference doesn't hide the next.
    """

    database: Database
    keys: Keys
    processes: Mapping[str, Process]
    rules_from: Callable[[bytes], Rules]
    under: bytes | None = None

    async def run(self, progress: Callable[[int], None] = lambda _: None) -> tuple[int, list[Difference]]:
        """How many facts were replayed, and what differed."""
        total, differences = 0, list[Difference]()
        for shard in range(SHARDS):
            count, found = await self._shard(shard, progress)
            total += count
            differences += found
        return total, differences

    async def _shard(self, shard: int, progress: Callable[[int], None]) -> tuple[int, list[Difference]]:
        position, count = 0, 0
        instances: dict[Subject, Instance] = {}
        rules: dict[bytes, Rules] = {}
        differences: list[Difference] = []
        while True:
            async with self.database.transaction() as tx:
                rows = [FactRow(*row) for row in await tx.rows(AUDIT.chain, shard=shard, after=position, limit=STRETCH)]
                known = await self.keys.load(tx, {row.data_key for row in rows if row.data_key is not None})
                for digest in {self.under or row.bundle for row in rows} - set(rules) - {b""}:
                    rules[digest] = await self._rules(tx, digest)
            if not rows:
                return count, differences
            for row in rows:
                fact = open_fact(self.keys, arrival_of(row), known)
                difference = self._take(row, fact, instances, rules.get(self.under or row.bundle))
                differences += [difference] if difference else []
            position, count = rows[-1].position, count + len(rows)
            progress(len(rows))

    async def _rules(self, tx: Transaction, digest: bytes) -> Rules:
        row = await tx.row(ENGINE.bundle, digest=digest)
        if row is None:
            raise LookupError(digest.hex())
        return self.rules_from(bytes(row.content))

    def _take(
        self, row: FactRow, fact: Fact, instances: dict[Subject, Instance], rules: Rules | None
    ) -> Difference | None:
        subject = Subject(row.process, row.subject)
        process = self.processes.get(row.process)
        new = process.new(row.subject, row.entity) if process else houseless(subject, row.entity)
        before = instances.get(subject, new)
        taken = transition(process, before, fact, rules, row.decided_at.astimezone(UTC))
        instances[subject] = replace(taken.after, state=row.state_after)
        if decision_digest(subject, taken.decision) == row.decided and taken.after.revision == row.revision:
            return None
        replayed = f"{taken.after.state} ({taken.decision.rule})"
        return Difference(row.shard, row.position, str(subject), row.type, f"{row.state_after} ({row.rule})", replayed)


def arrival_of(row: FactRow) -> Arrival:
    """The part of a row that is a fact, as it once arrived."""
    shared = {name: getattr(row, name) for name in _SHARED}
    return Arrival(**shared, lane=1, at=row.decided_at, key=b"")
