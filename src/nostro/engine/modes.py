"""What may still leave of what was decided before a mode was lowered.

A decision gives its commands the mode of its own rules. Where those that were published since are more careful, a
command that has not left goes to a person: in *propose* unless one had let it go, in *observe* whoever had, as nothing
is written there. What may have been done is looked up still, and nothing more is sent. From the publication on no call
begins under the rules before it (`start_call`). Raising a mode lets nothing go that went to a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import structlog

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
BATCH = 10_000
"""So many commands go to a person in one database transaction."""
LACKING = "This release can't work under the bundle that is in force there."
RulesOf = Callable[[Transaction, bytes], Awaitable[Rules | None]]
"""A bundle's rules; None where this release can't work under it."""
logger = structlog.get_logger("nostro.modes")


def leaves(rules: Rules, connection: str, command: Row) -> bool:
    """Whether a command may be sent, by its operation, its entity, and its actor: who let it go."""
    mode = rules.mode(connection, command.operation, command.entity)
    return mode == "act" or (mode == "propose" and command.actor != ENGINE)


@dataclass(frozen=True, slots=True)
class InForce:
    """What a claim goes by: the bundle that was published last, and its rules. Without a bundle all may leave."""

    bundle: bytes | None = None
    rules: Rules | None = None

    @property
    def lacking(self) -> bool:
        """Whether this release can't say what may leave: whoever can work under the bundle says so."""
        return self.bundle is not None and self.rules is None

    def ready_to_leave(self, connection: str, ready: list[Row]) -> list[Row]:
        """Of ready commands those that may be taken: what may have been done before too, since it is looked up."""
        if self.rules is None:
            return ready
        return [row for row in ready if row.before or row.restored or leaves(self.rules, connection, row)]

    def kept_back(self, connection: str, loaded: Loaded) -> Loaded:
        """A dispatch: as it is, or looked up only."""
        job, rules = loaded.job, self.rules
        if rules is None or not isinstance(job, Job):
            return loaded
        for row in loaded.members:
            if row.key_text and not leaves(rules, connection, row):
                mode = rules.mode(connection, row.operation, row.entity)
                why = f"{connection} is in {mode} for {row.operation} by now: nothing more is sent."
                begun = " A part may have been done before." if job.journal or job.look_up_first else ""
                return replace(loaded, job=replace(job, kept_back=f"{why}{begun}"))
        return loaded


@dataclass(slots=True)
class Modes:
    """The `step(now)` that keeps back what rules in force on the held shards let leave no more."""

    database: Database
    tenure: Tenure
    rules_of: RulesOf
    _minded: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Token and activations of a shard when nothing of it was left that would have to be kept back."""

    async def step(self, now: Now) -> int:
        """How many commands went to a person; at most 10,000 of the shards of each bundle."""
        held = {number: self.tenure.shards[number] for number in self.tenure.held(now)}
        stands = {number: (shard.token, shard.activations) for number, shard in held.items()}
        changed: dict[bytes, list[int]] = defaultdict(list)
        for number, shard in held.items():
            if shard.bundle is not None and self._minded.get(number) != stands[number]:
                changed[shard.bundle].append(number)
        kept = 0
        for bundle, shards in changed.items():
            count = await self._mind(bundle, shards, now)
            if count < BATCH:
                self._minded |= {number: stands[number] for number in shards}
            kept += count
        return kept

    async def _mind(self, bundle: bytes, shards: list[int], now: Now) -> int:
        async with self.database.transaction() as tx:
            rules = await self.rules_of(tx, bundle)
            kept = await self._keep_back(tx, rules, bundle, shards) if rules is not None else []
        if rules is None:  # whoever can work under it looks when he takes them
            await self.tenure.refuse(dict.fromkeys(shards, LACKING), now)
        if kept:
            logger.warning(
                "commands_kept_back", commands=len(kept), connections=sorted({row.connection for row in kept})
            )
        return len(kept)

    async def _keep_back(self, tx: Transaction, rules: Rules, bundle: bytes, shards: list[int]) -> list[Row]:
        lowered = list(_lowered(rules, await tx.rows(SQL.ready_kinds)))
        if not lowered:
            return []
        kinds = columns(lowered, ("connections", "operations", "entities", "modes", "statuses"))
        return await tx.rows(SQL.keep_back, **kinds, shards=shards, bundle=bundle, limit=BATCH, engine=ENGINE)


def _lowered(rules: Rules, kinds: Iterable[Row]) -> Iterator[tuple[str, str, str, str, str]]:
    """Of what is ready somewhere, what would not leave by itself under these rules."""
    for row in kinds:
        mode = rules.mode(row.connection, row.operation, row.entity)
        if mode != "act":
            yield row.connection, row.operation, row.entity, mode, MODES[mode]
