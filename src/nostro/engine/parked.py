"""Parked facts and look-ups go on.

A look-up is answered as soon as a reference leads anywhere, with every subject that the strongest one leads to; a fact
goes on when a reference leads to exactly one, and no stronger one to others alone. Past its deadline a look-up is
answered with nothing, unless its subject has asked again since and that waits still: what is asked last is all that is
still asked. A fact goes where its process says that orphans go; what this release can't ask is left to a newer one.

Whoever writes a reference wakes what waits for it. Two sides can miss each other while committing, and who is woken
again just when he is laid to rest sleeps on. So what is parked is joined with references again, in turn, a part each
second: all of it would be work without end where much is parked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from nostro.engine.fitness import lacks_fact
from nostro.engine.hops import answered
from nostro.model.canonical import canonical
from nostro.model.clock import Now
from nostro.model.facts import Fact, LookupAnswered
from nostro.model.facts.house import Target
from nostro.model.failures import POISON, LostRace, name_of
from nostro.model.ids import Subject, short_digest
from nostro.processes.kit.process import Process, asked
from nostro.routing.bounds import alone, bounded
from nostro.routing.references import UNREADABLE, Index, arrival_from, claim_all, give_lanes, look_up, said_entity
from nostro.routing.route import begun
from nostro.store.arrivals import Arrival, Blob, arrival_for, put
from nostro.store.blobs import open_fact
from nostro.store.database import Database, Statements, Transaction
from nostro.store.keys import DataKey, Keys

SQL = Statements("routing")
logger = structlog.get_logger("nostro.parked")
BATCH = 500
ROUND = 250
"""So many of all that is parked are looked at in a step, though nothing woke them: some 10 ms of work."""
LEFT = timedelta(minutes=1)
"""What this release can't ask is looked at again after so long."""
BEGINNING = (-1, b"")
"""Before everything that is parked."""


@dataclass(slots=True)
class Rejoin:
    """The `step(now)` that lets parked facts and look-ups go on. `_after`: up to where it has looked on its round."""

    database: Database
    keys: Keys
    processes: Mapping[str, Process]
    _after: tuple[int, bytes] = BEGINNING

    async def step(self, now: Now) -> int:
        """How many went on. A lost race leaves them parked for the next step."""
        try:
            async with self.database.transaction() as tx:
                led, after = await self._look_round(tx)
                names = {"shards": [row.shard for row in led], "ids": [row.id for row in led]}
                rows = await tx.rows(SQL.rejoin, now=now.business, limit=BATCH, **names)
                done = await self._go_on(tx, rows, now) if rows else 0
        except LostRace:
            return 0
        if len(rows) < BATCH:
            self._after = after
        return done

    async def _look_round(self, tx: Transaction) -> tuple[list[Any], tuple[int, bytes]]:
        """What a reference leads on, of what was woken and of the next part of the round; and where that part ends."""
        shard, after = self._after
        rows = await tx.rows(SQL.look_round, shard=shard, after=after, limit=ROUND)
        stale = [row for row in rows if row.woken and not row.leads]
        if stale:
            await tx.run(SQL.rest, shards=[row.shard for row in stale], ids=[row.id for row in stale])
        part = [row for row in rows if not row.woken]
        return [row for row in rows if row.leads], (part[-1].shard, part[-1].id) if len(part) == ROUND else BEGINNING

    async def _go_on(self, tx: Transaction, parked: Sequence[Any], now: Now) -> int:
        hits: dict[bytes, list[Any]] = {}
        for hit in await tx.rows(SQL.hits, ids=[row.id for row in parked]):
            hits.setdefault(hit.parked, []).append(hit)
        # References come, and are given back, since `_look_round`: what they lead to is asked of what is locked by now.
        led = {row.id: _leads_to(hits.get(row.id, [])) for row in parked}
        rows = [row for row in parked if row.expired or (row.id in hits if row.kind == "lookup" else led[row.id])]
        known = await self.keys.load(tx, {row.data_key for row in rows if row.data_key is not None})
        kept, arrivals = [], list[Arrival]()
        for row in rows:
            try:
                kept.append((arrival_from(row.arrival, row.sealed_body, row.data_key), row))
            except POISON as error:
                arrivals.append(_unreadable(row, error, now))
        over = [arrival for arrival, row in kept if row.kind == "lookup" and row.id not in hits]
        silent = await _spoken_for(tx, over, now) if over else set()
        left = list[Any]()
        for arrival, row in sorted(kept, key=lambda each: (each[0].at, each[0].item, each[0].key)):
            if arrival.key in silent:
                continue
            if row.kind == "lookup":
                strongest = [hit for hit in hits.get(row.id, []) if hit.strength == hits[row.id][0].strength]
                arrivals.append(_answer(arrival, strongest, now))
            elif not led[row.id] and self._lacks(row.process, arrival):
                left.append(row)
            else:
                told = await self._fact(tx, row.process, arrival, _Found(led[row.id], known), now)
                arrivals.append(told._replace(at=now.business + timedelta(microseconds=len(arrivals))))
        if left:
            await tx.run(SQL.leave, until=now.business + LEFT, **_named(left))
        await tx.run(SQL.unpark, **_named([row for row in rows if row not in left]))
        lanes = await give_lanes(tx, {Subject(a.process, a.subject) for a in arrivals})
        return await put(tx, [a._replace(lane=lanes.get(Subject(a.process, a.subject), a.lane)) for a in arrivals])

    def _lacks(self, process: str, arrival: Arrival) -> bool:
        return process not in self.processes or bool(lacks_fact(arrival.type, arrival.type_version))

    async def _fact(self, tx: Transaction, process: str, arrival: Arrival, found: _Found, now: Now) -> Arrival:
        subject = found.subject or await self._orphan(tx, process, arrival, found, now)
        key = short_digest(f"{arrival.type}:{arrival.natural_key}", str(subject))
        return arrival._replace(shard=subject.shard, process=subject.process, subject=subject.id, key=key)

    async def _orphan(self, tx: Transaction, name: str, arrival: Arrival, found: _Found, now: Now) -> Subject:
        """Where its process says that it goes. What can't be asked goes to a subject of its own, which is set aside."""
        nowhere = alone(name, f"{arrival.type}:{arrival.natural_key}")
        try:
            process, fact = self.processes[name], open_fact(self.keys, arrival, found.known)
            begin = asked(process.orphaned, fact)
            if begin is not None:
                bounded(Subject(name, begin.subject), fact)
        except POISON as error:
            logger.warning("orphan_poisoned", process=name, type=arrival.type, failure=name_of(error))
            return nowhere
        if begin is None:
            return nowhere
        index = await look_up(tx, self.keys, begin.identity) if begin.identity else Index()
        claims: list[Any] = []
        subject = begun(process, fact, begin, index, claims)
        if not await claim_all(tx, self.keys, claims, now.business):
            message = "Another worker claimed the same identity first."
            raise LostRace(message)
        return subject


@dataclass(frozen=True, slots=True)
class _Found:
    """What is at hand about a parked fact: the subject that it is led to, and the data keys of its batch."""

    subject: Subject | None
    known: Mapping[bytes, DataKey | None]


def _named(rows: Sequence[Any]) -> dict[str, list[Any]]:
    return {"shards": [row.shard for row in rows], "ids": [row.id for row in rows]}


def _leads_to(hits: Sequence[Any]) -> Subject | None:
    """The one subject of a fact, by its hits, the strongest first; `look_round` asks the same of the database."""
    subjects: dict[int, set[Subject]] = {}
    for hit in hits:
        subjects.setdefault(hit.strength, set()).add(Subject(hit.process, hit.subject))
    stronger = list[set[Subject]]()
    for one in subjects.values():
        if len(one) == 1 and all(one <= others for others in stronger):
            return next(iter(one))
        stronger.append(one)
    return None


async def _spoken_for(tx: Transaction, over: Sequence[Arrival], now: Now) -> set[bytes]:
    """Of look-ups whose time is over, by their keys, those whose subject has asked another one since that waits still.

    `since` doesn't tell which came later: one batch of decisions may have asked both.
    """
    subjects = sorted({Subject(arrival.process, arrival.subject) for arrival in over})
    names = {"shards": [s.shard for s in subjects], "processes": [s.process for s in subjects]}
    last: dict[Subject, int] = {}
    for row in await tx.rows(SQL.asked_of, **names, subjects=[s.id for s in subjects], now=now.business):
        with suppress(*POISON):  # what can't be understood speaks for nobody
            place = arrival_from(row.arrival, None, None).cause_position or 0
            subject = Subject(row.process, row.subject)
            last[subject] = max(place, last.get(subject, 0))
    return {one.key for one in over if last.get(Subject(one.process, one.subject), 0) > (one.cause_position or 0)}


def _unreadable(row: Any, error: Exception, now: Now) -> Arrival:  # noqa: ANN401 - a row of `parked`
    """What can't be understood of what was parked, on its way to a subject of its own, which is set aside with it."""
    failure = type(error).__name__
    logger.warning("parked_unreadable", process=row.process, id=row.id.hex(), failure=failure)
    subject = Subject(row.process, f"parked/{row.id.hex()}")
    why = (
        f"A {row.kind} that was parked since {row.since:%Y-%m-%d %H:%M} UTC can't be understood ({failure}): it was "
        "damaged where it is stored. What is left of it is kept. Put its row back from a backup, as the runbook shows; "
        "closing alone opens this case again."
    )
    return Arrival(
        shard=subject.shard, lane=1, at=now.business, item=0, key=short_digest("unreadable", str(subject)),
        process=row.process, subject=subject.id, entity=said_entity(row.arrival), type=UNREADABLE, type_version=1,
        natural_key=row.id.hex(), origin="engine", receipt=None, cause_shard=None, cause_position=None,
        body=bytes(row.arrival), sealed_body=row.sealed_body, data_key=row.data_key, actor="engine", on_behalf_of="",
        reason=why, occurred_at=now.business, received_at=now.business, sender_order="",
    )  # fmt: skip


def _answer(asked: Arrival, strongest: Sequence[Any], now: Now) -> Arrival:
    targets = tuple(Target(process=h.process, subject=h.subject, kind=h.kind, value=h.value) for h in strongest)
    return lookup_arrival(asked, targets, now)


def lookup_arrival(asked: Arrival, targets: tuple[Target, ...], now: Now) -> Arrival:
    """The answer to a look-up, on its way to who asked. `asked` is the arrival that was parked for it."""
    body = LookupAnswered(lookup=asked.natural_key, targets=targets)
    fact = Fact(
        body=body, entity=asked.entity, origin="engine", actor="engine", occurred_at=now.business,
        received_at=now.business
    )  # fmt: skip
    subject = Subject(asked.process, asked.subject)
    return arrival_for(fact, Blob(canonical(body)), subject, asked.lane, now.business)._replace(
        cause_shard=asked.cause_shard,
        cause_position=asked.cause_position,
        hops=answered(asked.hops),
    )
