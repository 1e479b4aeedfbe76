"""Replay: take every fact in again, in the log's order.

Under the recorded bundles nothing may differ from what was decided when it happened, and the state rows have to be what
the log makes of them. Under another bundle the differences say what its rules would have done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nostro.engine.batch import SubjectRow
from nostro.engine.deciding import load_subjects
from nostro.engine.difference import Change, Effect, Kind, change, effects_of
from nostro.engine.difference_in_money import Totals, leading
from nostro.engine.transition import transition
from nostro.engine.walk import Step, Walk, decided_at
from nostro.model.facts import Fact
from nostro.model.ids import SHARDS, Subject
from nostro.processes.kit.decision import Instance, Lookup, Rules
from nostro.processes.kit.process import Process, Transition
from nostro.store.database import Database, Statements
from nostro.store.keys import Keys

SQL = Statements("replay")
SHOWN = 1000
"""So many differences, or subjects that differ in one currency, are told one by one; all are added up."""
OF_A_SHARD = 20_000
"""So many subjects of the shard at hand are kept with their changes until it is known which are the largest."""
Progress = Callable[[int], None]


def silent(_: int) -> None:
    """Shows nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that replay took in otherwise, or a state row that isn't what the log makes of it."""

    shard: int
    position: int
    subject: str
    type: str
    recorded: str
    replayed: str


@dataclass(slots=True)
class Replay:
    """Decides everything again under the recorded bundles. `differing` counts what the list has no room for."""

    database: Database
    keys: Keys
    processes: Mapping[str, Process]
    rules_from: Callable[[bytes], Rules]
    differing: int = 0

    async def run(self, progress: Progress = silent) -> tuple[int, list[Difference]]:
        """How many facts were replayed, and what differed: the first 1,000."""
        walk = Walk(self.database, self.keys, self.processes, self.rules_from)
        count, differences = 0, list[Difference]()
        for shard in range(SHARDS):
            async for steps in walk.shard(shard):
                for step in steps:
                    if not step.equal:
                        self.differing += 1
                        differences += [_difference(step)] if len(differences) < SHOWN else []
                count += len(steps)
                progress(len(steps))
        return count, differences


@dataclass(slots=True)
class Check:
    """Compares a sample of state rows, and every decision behind them, with the log. Each day another sample."""

    database: Database
    keys: Keys
    processes: Mapping[str, Process]
    rules_from: Callable[[bytes], Rules]
    facts: int = 0
    subjects: int = 0

    async def run(self, day: str, sample: int, progress: Progress = silent) -> list[Difference]:
        """What differs among about `sample` subjects, evenly from all shards. `day` chooses them."""
        walk = Walk(self.database, self.keys, self.processes, self.rules_from)
        differences: list[Difference] = []
        for shard in range(SHARDS):
            limit = sample // SHARDS + (shard < sample % SHARDS)
            async with self.database.transaction() as tx:
                chosen = await tx.rows(SQL.sample, shard=shard, day=day, limit=limit)
            for row in chosen:
                differences += await self._compared(walk, Subject(row.process, row.subject))
            self.subjects += len(chosen)
            progress(len(chosen))
        return differences[:SHOWN]

    async def _compared(self, walk: Walk, subject: Subject) -> list[Difference]:
        """State row first, then the log up to the row's position: a worker may go on meanwhile."""
        place = {"shard": subject.shard, "process": subject.process, "subject": subject.id}
        async with self.database.transaction() as tx:
            row = await tx.row(SQL.subject, **place)
        assert row is not None
        steps = await walk.subject(subject, row.position)
        self.facts += len(steps)
        differences = [_difference(step) for step in steps if not step.equal]
        if row.poisoned or not steps or any(step.taken is None for step in steps):
            return differences  # what the facts make of the row isn't known
        async with self.database.transaction() as tx:
            held = (await load_subjects(tx, self.keys, self.processes, [subject], SQL.state_rows))[subject]
        told = unlike(held, steps[-1].after)
        if not told or held.position != row.position:
            return differences
        return [*differences, _row_differs(steps[-1], told)]


def unlike(held: SubjectRow, again: Instance) -> str:
    """What a state row says otherwise than the log makes of it; empty: nothing."""
    if held.unreadable or held.lacks:
        return "a state row that this release can't understand"
    wrong = [name for name in ("entity", "version", "revision", "state", "data", "absorbed", "deadline_revision")
             if getattr(held.instance, name) != getattr(again, name)]  # fmt: skip
    return f"a state row whose {', '.join(wrong)} is another" if wrong else ""


def _difference(step: Step) -> Difference:
    row, taken = step.row, step.taken
    replayed = f"{taken.after.state} ({taken.decision.rule})" if taken else step.failure
    recorded = f"{row.state_after} ({row.rule})"
    if replayed == recorded:
        replayed += ", with other effects"
    return Difference(row.shard, row.position, str(step.before.subject), row.type, recorded, replayed)


def _row_differs(step: Step, told: str) -> Difference:
    row = step.row
    what = f"what {row.revision} facts make of it"
    return Difference(row.shard, row.position, str(step.before.subject), "state row", told, what)


@dataclass(slots=True)
class WhatIf:
    """Decides everything under other rules too, and tells what would have followed from each fact instead.

    The facts are taken as they came: what the outside would have answered to other commands nobody knows, and what
    other subjects would have heard isn't followed. A subject goes on from its recorded state after each fact.
    """

    database: Database
    keys: Keys
    processes: Mapping[str, Process]
    rules_from: Callable[[bytes], Rules]
    rules: Rules
    totals: Totals = field(default_factory=Totals)
    facts: int = 0
    subjects: int = 0
    unlike: int = 0
    """Facts that differ under the recorded rules already: pure code was changed, what is told of them is less sure."""
    goes_on: Counter[Kind] = field(default_factory=Counter)
    """How many subjects would have another effect of a kind: what would have come of it later isn't followed."""
    waits: int = 0
    """Facts after which the subject would have waited until another time, or for another look-up."""
    uncounted: bool = False
    """Whether a shard had more subjects that differ than are kept: `subjects` and `goes_on` are at least so many."""

    async def run(self, progress: Progress = silent) -> list[Sequence[Change]]:
        """The changes by subject, of the first 1,000 subjects of each currency; `totals` holds all of them."""
        walk = Walk(self.database, self.keys, self.processes, self.rules_from)
        largest: list[Sequence[Change]] = []
        for shard in range(SHARDS):
            here: dict[str, list[Change]] = {}
            async for steps in walk.shard(shard):
                for step in steps:
                    self._compare(step, walk.rules_of(step.row), here)
                self.facts += len(steps)
                progress(len(steps))
            self.subjects += len(here)
            for changes in here.values():
                self.goes_on.update({e.kind for one in changes for e in (*one.was, *one.would)})
            largest = leading([*largest, *here.values()], SHOWN)
        return largest

    def _compare(self, step: Step, recorded: Rules | None, here: dict[str, list[Change]]) -> None:
        self.unlike += not step.equal
        taken, fact = step.taken, step.fact
        if taken is None or fact is None or recorded is None:
            return
        wanted, rule, waits = self._would(step, fact, taken)
        was, would = change(effects_of(taken, recorded), wanted)
        self.waits += waits
        if not (was or would):
            return
        row, subject = step.row, str(step.before.subject)
        one = Change(row.shard, row.position, subject, row.type, was, would, taken.decision.rule, rule)
        self.totals.add(one)
        if subject in here or len(here) < OF_A_SHARD:
            here.setdefault(subject, []).append(one)
        else:
            self.uncounted = True

    def _would(self, step: Step, fact: Fact, taken: Transition) -> tuple[Counter[Effect], str, bool]:
        """What these rules make of the fact: effects, their rule, and whether the subject would wait otherwise."""
        row, process = step.row, self.processes.get(step.row.process)
        try:
            other = transition(process, step.before, fact, self.rules, decided_at(row))
            return effects_of(other, self.rules), other.decision.rule, _waits(other) != _waits(taken)
        except Exception as error:  # noqa: BLE001 - rules that can't bear a fact would set its subject aside: told so
            stopped = Effect("stopped", row.entity, f"set aside: {type(error).__name__}")
            return Counter({stopped: 1}), "set aside", False


def _waits(taken: Transition) -> tuple[datetime | None, Lookup | None]:
    return taken.decision.due_at, taken.decision.lookup
