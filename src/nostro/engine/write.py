"""Writes a batch of decisions: the fence first, then the log, then everything that follows."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from nostro.egress.journal import fence_all
from nostro.engine.batch import Batch, Case, Closing, Command, SubjectRow, candidates, columns, waves
from nostro.engine.departures import Departure
from nostro.engine.endings import Told
from nostro.engine.parked import lookup_arrival
from nostro.engine.tenure import HeldShard
from nostro.model.base import confidential_fields
from nostro.model.canonical import canonical
from nostro.model.clock import Now
from nostro.model.facts import Fact, split_fields
from nostro.model.facts.house import Target
from nostro.model.ids import Subject, shard_of, short_digest
from nostro.processes.kit.decision import CaseOpening
from nostro.processes.kit.process import Process
from nostro.routing.references import Parking, arrival_bytes, give_back, look_up, own_all, park_all, register_all
from nostro.routing.route import HOUSE, route
from nostro.store.arrivals import Arrival, put, put_ahead
from nostro.store.database import Statements, Transaction
from nostro.store.keys import Keys
from nostro.store.log import FactRow
from nostro.store.wire import Answer

SQL = Statements("engine")
ROUTING = Statements("routing")
Key = tuple[int, bytes]
"""A command's shard and idempotency key."""
TAKEN = {"shards": "shard", "lanes": "lane", "ats": "at", "items": "item", "keys": "key"}
"""Where `append` finds an arrival: its parameters, and the columns of an arrival that they hold."""
LOGGED = {
    "positions": "position",
    "versions": "version",
    "revisions": "revision",
    "states_before": "state_before",
    "states_after": "state_after",
    "rules": "rule",
    "digests": "decided",
    "bundles": "bundle",
    "leaves": "leaf",
}
"""What it adds to that: its parameters, and the columns of the log."""
DEPARTING = (
    *("departing", "departing_shards", "departing_operations", "departing_connections"),
    *("slots", "tokens", "holders"),
)
REUSED_KEY = "same_key_other_content"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes batches. Holds what all of them need."""

    keys: Keys
    processes: Mapping[str, Process]

    async def write(
        self,
        tx: Transaction,
        batch: Batch,
        moved: Mapping[int, tuple[HeldShard, HeldShard]],
        now: Now,
        leaving: Sequence[Departure] = (),
        *,
        at_once: bool = False,
    ) -> Answer | None:
        """What was opened of commands, with the dispatches that they left with; told when it is committed.

        `at_once`: all of it may travel with the commit, where nothing hangs on an answer. Raises `LostRace` when a
        fence says no, `at_once` also when a key was used before: then nothing of the batch is written.
        """
        await fence_all(tx, (ending.slot for ending in batch.endings))
        for ending in batch.endings:
            await ending.write(tx)
        await put_ahead(tx, batch.left)
        await self._append(tx, batch, moved, now)
        first = {(command.shard, command.key): command for command in reversed(batch.commands)}
        at_once = at_once and len(first) == len(batch.commands) and _is_all(batch)
        await self._subjects(tx, self._changed(batch))
        await self._deadlines(tx, batch)
        await self._settled(tx, batch, now)
        opened = await self._commands(tx, first, leaving, now, fresh=at_once)
        await self._postings(tx, batch)
        if not at_once:
            await tx.answered()
            await self._follow(tx, batch, first, opened, now)
        return opened

    async def _follow(
        self, tx: Transaction, batch: Batch, first: Mapping[Key, Command], opened: Answer | None, now: Now
    ) -> None:
        """What hangs on answers."""
        if opened is not None:
            await self._used_again(tx, batch, first, {(row.shard, row.key) for row in opened.rows()})
        await own_all(tx, self.keys, batch.owned)
        await give_back(tx, batch.disowned)
        await register_all(tx, self.keys, batch.registers, now.business)
        await self._answer(tx, batch, now)
        if batch.emitted:
            routed = await route(tx, self.keys, self.processes, batch.emitted, now.business)
            _told_again(batch, [batch.emitted[n].fact for n, _ in routed.differences])
        for receipt, number in batch.rereads:
            await tx.run(SQL.reread, shard=shard_of(receipt), receipt=receipt, number=number, at=now.business)
        await self._cases(tx, batch, now)
        await self._poison(tx, batch, now)
        await put(tx, batch.direct)

    async def _append(
        self, tx: Transaction, batch: Batch, moved: Mapping[int, tuple[HeldShard, HeldShard]], now: Now
    ) -> None:
        shards = [
            (b.number, b.token, b.position, a.position, a.head, a.bundle, a.activations)
            for b, a in (moved[number] for number in sorted(moved))
        ]
        pairs = [pair for pair in zip(batch.decided, batch.facts, strict=True) if type(pair[0]) is not Told]
        poisoned = [arrival for arrival in batch.poisoned if type(arrival) is not Told]
        taken = columns([*(arrival for arrival, _ in pairs), *poisoned], Arrival._fields)
        facts, without = columns([fact for _, fact in pairs], FactRow._fields), [None] * len(poisoned)
        await tx.ahead(
            SQL.append,
            month=now.business.date().replace(day=1),
            decided_at=now.business,
            **columns(shards, ("moved", "tokens", "expected", "reached", "heads", "in_force", "activations")),
            **{name: taken[column] for name, column in TAKEN.items()},
            **{name: facts[column] + without for name, column in LOGGED.items()},
        )
        told = [fact for arrival, fact in zip(batch.decided, batch.facts, strict=True) if type(arrival) is Told]
        if told:
            await tx.ahead(SQL.log, **columns(told, FactRow._fields))

    async def _subjects(self, tx: Transaction, changed: Sequence[tuple[Subject, SubjectRow]]) -> None:
        rows = [self._subject(subject, row) for subject, row in changed]
        names = (
            "shards",
            "processes",
            "subjects",
            "entities",
            "versions",
            "revisions",
            "states",
            "lanes",
            "bodies",
            "sealed",
            "data_keys",
            "absorbed",
            "deadline_revisions",
            "positions",
            "poisoned",
        )
        if rows:
            await tx.ahead(SQL.save_subjects, **columns(rows, names))

    def _changed(self, batch: Batch) -> list[tuple[Subject, SubjectRow]]:
        """The house's own subjects have no state."""
        return [(s, row) for s, row in sorted(batch.subjects.items()) if row.changed and s.process != HOUSE]

    def _subject(self, subject: Subject, row: SubjectRow) -> tuple[Any, ...]:
        instance = row.instance
        clear, secret = split_fields(instance.data, confidential_fields(type(instance.data)))
        sealed = None if secret is None else row.seal(self.keys, secret, f"subject:{subject}")
        return (
            subject.shard,
            subject.process,
            subject.id,
            instance.entity,
            instance.version,
            instance.revision,
            instance.state,
            row.lane,
            clear,
            sealed,
            row.data_key,
            canonical(dict(instance.absorbed)) if instance.absorbed else b"{}",
            instance.deadline_revision,
            row.position,
            row.poisoned,
        )

    async def _deadlines(self, tx: Transaction, batch: Batch) -> None:
        deadlines = sorted(batch.deadlines.items())
        kept = [(s.shard, *s, *due) for s, due in deadlines if due is not None]
        gone = [(s.shard, *s) for s, due in deadlines if due is None]
        if kept:
            await tx.ahead(
                SQL.set_deadlines, **columns(kept, ("shards", "processes", "subjects", "names", "dues", "revisions"))
            )
        if gone:
            await tx.ahead(SQL.drop_deadlines, **columns(gone, ("shards", "processes", "subjects")))

    async def _settled(self, tx: Transaction, batch: Batch, now: Now) -> None:
        if batch.settled:
            await tx.ahead(
                SQL.settle_commands, at=now.business, **columns(batch.settled, ("shards", "keys", "outcomes", "ids"))
            )
        if batch.handed_over:
            await tx.ahead(SQL.hand_over_commands, **columns(batch.handed_over, ("shards", "keys", "notes")))

    async def _commands(
        self, tx: Transaction, commands: Mapping[Key, Command], leaving: Sequence[Departure], now: Now, *, fresh: bool
    ) -> Answer | None:
        if not commands:
            return None
        rows = [commands[name] for name in sorted(commands)]
        away = {(c.shard, c.key): d.dispatch.id for d in leaving for c in d.commands}
        told = [
            (
                *(d.dispatch.id, d.dispatch.shard, d.dispatch.operation),
                *(d.slot.connection, d.slot.number, d.slot.token, d.slot.holder),
            )
            for d in leaving
        ]
        return await tx.ahead(
            SQL.open_commands,
            at=now.business,
            all_fresh=fresh,
            dispatches=[away.get((row.shard, row.key)) for row in rows],
            **columns(rows, Command._fields),
            **columns(told, DEPARTING),
        )

    async def _used_again(
        self, tx: Transaction, batch: Batch, first: Mapping[Key, Command], fresh: Container[Key]
    ) -> None:
        """The same key with another content is a case, never a replay: what it stood for first stays."""
        known = sorted(name for name in first if name not in fresh)
        stands = {name: command.content for name, command in first.items()}
        if known:
            told = {"shards": [n[0] for n in known], "keys": [n[1] for n in known]}
            stands |= {(row.shard, row.key): row.content for row in await tx.rows(ROUTING.told, **told)}
        for command in batch.commands:
            if command.content != stands[command.shard, command.key]:
                sentence = f"Step {command.step} was decided again with another content; the first one stands."
                subject = Subject(command.process, command.subject)
                batch.cases.append(Case(subject, command.entity, command.position, CaseOpening(REUSED_KEY, sentence)))

    async def _postings(self, tx: Transaction, batch: Batch) -> None:
        rows = [
            (
                f.shard,
                f.position,
                n,
                f.month,
                f.entity,
                p.debit,
                p.credit,
                p.amount.currency,
                p.amount.minor,
                f.process,
                f.subject,
            )
            for f, n, p in batch.postings
        ]
        names = (
            "shards",
            "positions",
            "ns",
            "months",
            "entities",
            "debits",
            "credits",
            "currencies",
            "minors",
            "processes",
            "subjects",
        )
        if rows:
            await tx.ahead(SQL.add_postings, **columns(rows, names))

    async def _answer(self, tx: Transaction, batch: Batch, now: Now) -> None:
        """Look-ups that can be answered at once are; the others are parked until a reference leads somewhere."""
        index = await look_up(tx, self.keys, [r for asked in batch.lookups for r in asked.lookup.references])
        parking: list[Parking] = []
        for entry in batch.lookups:
            found = next(
                (
                    targets
                    for reference in entry.lookup.references
                    if (
                        targets := tuple(
                            Target(process=s.process, subject=s.id, kind=reference.kind, value=reference.value)
                            for process in entry.lookup.processes
                            for s in index.subjects(reference, process)
                        )
                    )
                ),
                (),
            )
            if found:
                batch.direct.append(lookup_arrival(entry.asked, found, now))
            else:
                until = now.business + timedelta(seconds=entry.lookup.wait_seconds)
                awaits = tuple((process, r) for r in entry.lookup.references for process in entry.lookup.processes)
                parking.append(Parking("lookup", entry.asked.process, entry.asked.subject, entry.asked, until, awaits))
        await park_all(tx, self.keys, parking, now.business)

    async def _cases(self, tx: Transaction, batch: Batch, now: Now) -> None:
        """In the order in which they were opened and closed: what one batch opened, a later fact of it may close."""
        for wave in waves(batch.cases):
            closed = [(c.subject.shard, c.subject.process, c.subject.id, c.reason, c.actor)
                      for c in wave if isinstance(c, Closing)]  # fmt: skip
            names: tuple[str, ...] = ("shards", "processes", "subjects", "reasons", "actors")
            if closed:
                await tx.run(SQL.close_cases, at=now.business, **columns(closed, names))
            rows = [_case(c) for c in wave if isinstance(c, Case)]
            names = ("shards", "ids", "processes", "subjects", "entities", "reasons", "sentences")
            names += ("currencies", "minors", "candidates", "positions")
            if rows:
                await tx.run(SQL.open_cases, at=now.business, **columns(rows, names))

    async def _poison(self, tx: Transaction, batch: Batch, now: Now) -> None:
        rows = [
            (a.shard, short_digest("poison", a.key), a.process, a.subject, arrival_bytes(a), a.sealed_body, a.data_key)
            for a in batch.poisoned
        ]
        names = ("shards", "ids", "processes", "subjects", "arrivals", "sealed", "data_keys")
        marked = [(s.shard, s.process, s.id) for s in sorted(batch.unreadable)]
        if marked:
            await tx.run(SQL.mark_poisoned, **columns(marked, ("shards", "processes", "subjects")))
        if rows:
            await tx.run(SQL.poison, at=now.business, **columns(rows, names))


def _told_again(batch: Batch, facts: Iterable[Fact]) -> None:
    """A subject that tells another something known with other content: the first telling stands, a person looks."""
    told_by = {(entry.shard, entry.position): Subject(entry.process, entry.subject) for entry in batch.facts}
    for fact in facts:
        assert fact.cause is not None
        sentence = (
            f"{fact.type} {fact.body.natural_key()} was told again with another content; the first telling stands."
        )
        place = fact.cause.shard, fact.cause.number
        batch.cases.append(Case(told_by[place], fact.entity, fact.cause.number, CaseOpening(REUSED_KEY, sentence)))


def _is_all(batch: Batch) -> bool:
    """Whether nothing follows but states, deadlines, commands and postings."""
    references = batch.owned or batch.disowned or batch.registers
    told = batch.lookups or batch.emitted or batch.direct or batch.rereads
    return not (references or told or batch.cases or batch.poisoned or batch.unreadable)


def _case(case: Case) -> tuple[Any, ...]:
    subject, opening, amount = case.subject, case.opening, case.opening.amount
    worth = (amount.currency, amount.minor) if amount else (None, None)
    named = (subject.shard, case.id, subject.process, subject.id, case.entity, opening.reason, opening.sentence)
    return (*named, *worth, candidates(opening), case.position)
