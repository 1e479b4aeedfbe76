"""Route: which subject does a fact concern?

A batch is resolved in one statement. A fact that its process begins goes to the subject that holds one of its
identifying references, or to a new one that claims them; others follow their references, strongest first; what leads
nowhere is parked with a deadline. Runs inside the database transaction of whoever has the facts: a reading, or a
decision that emitted them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nostro.model.facts import BundleActivated, Fact, split
from nostro.model.failures import LostRace
from nostro.model.ids import Subject, shard_of, short_digest
from nostro.model.references import Reference
from nostro.processes.kit.process import Begin, Process, asked
from nostro.routing.bounds import alone, bounded
from nostro.routing.references import Claim, Index, Parking, claim_all, give_lanes, look_up, park_all
from nostro.store.arrivals import Arrival, Blob, arrival_for, lane_number, put
from nostro.store.database import Statements, Transaction
from nostro.store.keys import Keys

SQL = Statements("routing")
HOUSE = "house"
AFTER_ORPHANS = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Routable:
    """A fact with its stored form. `addressed_to`: the subject, for facts that no process owns.

    `lane`: where its subject begins if it is new, by default on its process' own.
    `at`: its place on its lane where that isn't the time of routing: facts of older receipts go first.
    `hops`: how many facts that subjects told each other led to it.
    """

    fact: Fact
    blob: Blob
    addressed_to: Subject | None = None
    lane: str = ""
    at: datetime | None = None
    hops: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """A natural key that was told before with another content: kept out, shown to a person."""

    fact: Fact
    first_receipt: bytes | None


@dataclass(slots=True)
class Routed:
    """What became of a batch. Indexes are places in the batch; `first`: the receipt that told a duplicate first."""

    duplicates: list[int] = field(default_factory=list)
    first: dict[int, bytes | None] = field(default_factory=dict)
    differences: list[tuple[int, Difference]] = field(default_factory=list)
    delivered: int = 0
    parked: int = 0


async def route(
    tx: Transaction, keys: Keys, processes: Mapping[str, Process], batch: Sequence[Routable], at: datetime
) -> Routed:
    """Writes arrivals, claims and parked facts for a batch. `at` is business time.

    Raises `LostRace` when somebody else claimed the same identity meanwhile: the caller repeats its database
    transaction. Raises `TooLong` when one of the batch is about something that is called by too long an id.
    """
    if not await keys.alive(tx, [r.blob.data_key for r in batch if r.blob.data_key is not None]):
        message = "A person was erased while their facts were sealed."
        raise LostRace(message)
    result = Routed()
    fresh = await _tell(tx, keys, batch, at, result)
    index = await look_up(tx, keys, [need for n in fresh for need in _needs(processes, batch[n])])
    claims: list[Claim] = []
    found: list[tuple[Routable, Subject]] = []
    parking: list[Parking] = []
    for n in fresh:
        routable = batch[n]
        subject = _subject(processes, routable, index, claims)
        if subject is None:
            parking.append(_park(processes, routable, at))
        else:
            found.append((routable, bounded(subject, routable.fact)))
    if not await claim_all(tx, keys, claims, at):
        message = "Another reading claimed the same identity first."
        raise LostRace(message)
    result.delivered = await deliver(tx, processes, found, at)
    result.parked = await park_all(tx, keys, parking, at)
    return result


async def deliver(
    tx: Transaction, processes: Mapping[str, Process], found: Sequence[tuple[Routable, Subject]], at: datetime
) -> int:
    """Puts facts onto the queues of their subjects, on the lane that the subject has or its first fact gives it."""
    lanes = await give_lanes(tx, {subject for _, subject in found})
    for routable, subject in found:
        lanes.setdefault(subject, _first_lane(processes.get(subject.process), routable))
    return await put(tx, [_arrival(routable, subject, lanes[subject], at) for routable, subject in found])


def follow(index: Index, process: str, references: Iterable[Reference]) -> tuple[Reference, list[Subject]] | None:
    """The strongest reference that leads anywhere within a process, and where it leads."""
    for reference in references:
        subjects = index.subjects(reference, process)
        if subjects:
            return reference, subjects
    return None


async def _tell(tx: Transaction, keys: Keys, batch: Sequence[Routable], at: datetime, result: Routed) -> list[int]:
    """Places of the facts that nobody told before, in the batch's order; notes the others in `result`."""
    names: dict[tuple[int, bytes], int] = {}
    repeated: list[int] = []
    for n, routable in enumerate(batch):
        name = told_name(routable.fact.key)
        if name in names:
            repeated.append(n)
        else:
            names[name] = n
    ordered = sorted(names)
    contents = {name: content_of(keys, batch[n].fact) for name, n in names.items()}
    new = {
        (row.shard, row.key)
        for row in await tx.rows(
            SQL.tell,
            shards=[shard for shard, _ in ordered],
            keys=[key for _, key in ordered],
            contents=[contents[name] for name in ordered],
            receipts=[batch[names[name]].fact.receipt for name in ordered],
            days=[at.date()] * len(ordered),
        )
    }
    told = await _told_before(tx, [name for name in ordered if name not in new])
    told |= {name: (contents[name], batch[names[name]].fact.receipt) for name in new}
    for n in sorted(repeated + [n for name, n in names.items() if name not in new]):
        content, receipt = told[told_name(batch[n].fact.key)]
        if content == content_of(keys, batch[n].fact):
            result.duplicates.append(n)
            result.first[n] = receipt
        else:
            result.differences.append((n, Difference(batch[n].fact, receipt)))
    return sorted(names[name] for name in new)


async def _told_before(
    tx: Transaction, names: Sequence[tuple[int, bytes]]
) -> dict[tuple[int, bytes], tuple[bytes, bytes | None]]:
    if not names:
        return {}
    rows = await tx.rows(SQL.told, shards=[shard for shard, _ in names], keys=[key for _, key in names])
    return {(row.shard, row.key): (row.content, row.receipt) for row in rows}


def told_name(fact_key: str) -> tuple[int, bytes]:
    """Shard and key of a natural key in `seen`: by the key itself, so that another route can't pass it by."""
    return shard_of(fact_key), short_digest("fact", fact_key)


def content_of(keys: Keys, fact: Fact) -> bytes:
    """A keyed digest of what a fact says, confidential part included."""
    clear, secret = split(fact.body)
    return keys.fingerprint(clear, secret or b"")[:16]


def _owner(processes: Mapping[str, Process], fact: Fact) -> Process:
    return processes[fact.body.owner]


def _needs(processes: Mapping[str, Process], routable: Routable) -> list[Reference]:
    if routable.addressed_to is not None or routable.fact.body.owner == HOUSE:
        return []
    process = _owner(processes, routable.fact)
    begin = asked(process.begins, routable.fact)
    return list(begin.identity if begin is not None else asked(process.correlates, routable.fact))


def _subject(processes: Mapping[str, Process], routable: Routable, index: Index, claims: list[Claim]) -> Subject | None:
    fact = routable.fact
    if routable.addressed_to is not None:
        return routable.addressed_to
    if fact.body.owner == HOUSE:
        return Subject(HOUSE, fact.body.natural_key())
    process = _owner(processes, fact)
    begin = asked(process.begins, fact)
    if begin is not None:
        return begun(process, fact, begin, index, claims)
    hit = follow(index, process.name, asked(process.correlates, fact))
    return hit[1][0] if hit is not None and len(hit[1]) == 1 else None


def begun(process: Process, fact: Fact, begin: Begin, index: Index, claims: list[Claim]) -> Subject:
    """The subject that holds one of the identifying references, or the new one.

    What is free of them is claimed for it.
    """
    hit = follow(index, process.name, begin.identity)
    subject = hit[1][0] if hit is not None else Subject(process.name, begin.subject)
    for reference in begin.identity:
        if not index.subjects(reference, process.name):
            claims.append(Claim(reference, subject, short_digest("fact", fact.key)))
            index.add(reference, subject)
    return subject


def _park(processes: Mapping[str, Process], routable: Routable, at: datetime) -> Parking:
    """What begins nothing even as an orphan waits a little longer: what it is about may have come at the same time.

    Raises `TooLong` when it could go nowhere at its deadline.
    """
    process = _owner(processes, routable.fact)
    references = tuple(asked(process.correlates, routable.fact))
    waiting = Subject(process.name, f"parked/{routable.fact.key}")
    arrival = arrival_for(routable.fact, routable.blob, waiting, _first_lane(process, routable), routable.at or at)
    arrival = arrival._replace(hops=routable.hops)
    until = at + timedelta(seconds=process.park_seconds)
    orphan = asked(process.orphaned, routable.fact)
    bounded(alone(process.name, routable.fact.key), routable.fact)
    if orphan is None:
        until += AFTER_ORPHANS
    else:
        bounded(Subject(process.name, orphan.subject), routable.fact)
    return Parking(
        "fact", process.name, "", arrival, until, tuple((process.name, reference) for reference in references)
    )


def _first_lane(process: Process | None, routable: Routable) -> int:
    """The lane of a subject that begins with this fact."""
    return lane_number(routable.lane or (process.lane if process else "standard"))


def _arrival(routable: Routable, subject: Subject, lane: int, at: datetime) -> Arrival:
    arrival = arrival_for(routable.fact, routable.blob, subject, lane, routable.at or at)
    arrival = arrival._replace(hops=routable.hops) if routable.hops else arrival
    body = routable.fact.body
    return arrival._replace(shard=body.shard) if isinstance(body, BundleActivated) else arrival
