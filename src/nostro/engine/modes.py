"""What may still leave of what was decided before a mode was lowered.

A decision gives its commands the mode of its own rules. Where the rules that came into force since are more careful, a
command that has not left goes to a person: in *propose* unless one had let it go, in *observe* whoever had, as nothing
is written there. What was in a dispatch before may have been done: that is looked up still, and nothing more is sent.
Raising a mode lets nothing go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from nostro.egress.shell import Job
from nostro.engine.batch import columns
from nostro.engine.claims import ENGINE
from nostro.engine.deciding import MODES
from nostro.engine.jobs import Loaded
from nostro.engine.tenure import Tenure
from nostro.model.clock import Now
from nostro.processes.kit.decision import Rules
from nostro.store.database import Database, Row, Statements, Transaction

SQL = Statements("dispatch")
BATCH = 1000
"""So many commands go to a person in one database transaction."""
RulesOf = Callable[[Transaction, bytes], Awaitable[Rules | None]]
"""A bundle's rules; None where this release can't work under it."""


def kept_back(rules: Rules, connection: str, loaded: Loaded) -> Loaded:
    """A dispatch that was begun before: as it is, or looked up only."""
    for row in loaded.members if isinstance(loaded.job, Job) else ():
        mode = "act" if row.key_text is None else rules.mode(connection, row.operation, row.entity)
        if mode == "observe" or (mode == "propose" and row.actor == ENGINE):
            assert isinstance(loaded.job, Job)
            why = (
                f"{connection} is in {mode} for {row.operation} by now: what had begun was looked up, and nothing sent."
            )
            return replace(loaded, job=replace(loaded.job, kept_back=why))
    return loaded


@dataclass(slots=True)
class Modes:
    """The `step(now)` that keeps back what rules in force on the held shards let leave no more."""

    database: Database
    tenure: Tenure
    rules_of: RulesOf
    _minded: dict[int, bytes] = field(default_factory=dict)
    """Under which bundle nothing of a shard is left that would have to be kept back."""

    async def step(self, now: Now) -> int:
        """How many commands went to a person; at most 1,000 of the shards of each bundle."""
        held = self.tenure.held(now)
        self._minded = {shard: bundle for shard, bundle in self._minded.items() if shard in self.tenure.shards}
        changed: dict[bytes, list[int]] = defaultdict(list)
        for shard in held:
            bundle = self.tenure.shards[shard].bundle
            if bundle is not None and bundle != self._minded.get(shard):
                changed[bundle].append(shard)
        kept = 0
        for bundle, shards in changed.items():
            count = await self._mind(bundle, shards)
            if count < BATCH:
                self._minded |= dict.fromkeys(shards, bundle)
            kept += count
        return kept

    async def in_force(self, tx: Transaction) -> Rules | None:
        """The rules that were published last; None before the first, and where this release can't work under them."""
        row = await tx.row(SQL.in_force)
        return await self.rules_of(tx, row.digest) if row is not None else None

    async def _mind(self, bundle: bytes, shards: list[int]) -> int:
        async with self.database.transaction() as tx:
            rules = await self.rules_of(tx, bundle)
            if rules is None:  # whoever can work under it takes these shards, and looks then
                return 0
            lowered = list(_lowered(rules, await tx.rows(SQL.ready_kinds)))
            if not lowered:
                return 0
            kinds = columns(lowered, ("connections", "operations", "entities", "modes", "statuses"))
            at = {"shards": shards, "bundle": bundle, "limit": BATCH, "engine": ENGINE}
            return len(await tx.rows(SQL.keep_back, **kinds, **at))


def _lowered(rules: Rules, kinds: Iterable[Row]) -> Iterator[tuple[str, str, str, str, str]]:
    """Of what is ready somewhere, what would not leave by itself under these rules."""
    for row in kinds:
        mode = rules.mode(row.connection, row.operation, row.entity)
        if mode != "act":
            yield row.connection, row.operation, row.entity, mode, MODES[mode]
