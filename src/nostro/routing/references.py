"""The `reference` and `parked` tables, a batch at a time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nostro.model.canonical import canonical, parse
from nostro.model.ids import Subject, short_digest
from nostro.model.references import Reference
from nostro.store.arrivals import Arrival
from nostro.store.database import Statements, Transaction
from nostro.store.keys import Keys

SQL = Statements("routing")
PERSONAL = frozenset({"iban", "email", "partner"})
"""Kinds whose values are never kept in clear beside a parked fact."""
UNREADABLE = "parked.unreadable"
"""The type of an arrival that stands for something parked that can't be understood: its `reason` says why."""


class Index:
    """Where the references of a batch lead, as the database knew it, plus what the batch itself claims."""

    def __init__(self) -> None:
        self._by: dict[tuple[Reference, str], list[Subject]] = {}

    def add(self, reference: Reference, subject: Subject) -> None:
        """From now on the reference leads there."""
        self._by.setdefault((reference, subject.process), []).append(subject)

    def subjects(self, reference: Reference, process: str) -> list[Subject]:
        """The subjects of a process that the reference leads to."""
        return self._by.get((reference, process), [])


@dataclass(frozen=True, slots=True)
class Claim:
    """A reference for a subject, and the digest of the fact that says so."""

    reference: Reference
    subject: Subject
    by: bytes


@dataclass(frozen=True, slots=True)
class Parking:
    """Something to park: its arrival, and the (process, reference) pairs that would let it go on, strongest first."""

    kind: str
    process: str
    subject: str
    arrival: Arrival
    until: datetime
    awaits: tuple[tuple[str, Reference], ...]


async def look_up(tx: Transaction, keys: Keys, references: Iterable[Reference]) -> Index:
    """Where references lead, in one statement."""
    index = Index()
    asked: dict[tuple[int, str, bytes], Reference] = {}
    for reference in references:
        shard, digest = keys.reference(reference)
        asked[shard, reference.kind, digest] = reference
    if asked:
        names = sorted(asked)
        for row in await tx.rows(
            SQL.resolve, shards=[n[0] for n in names], kinds=[n[1] for n in names], digests=[n[2] for n in names]
        ):
            index.add(asked[row.shard, row.kind, row.digest], Subject(row.process, row.subject))
    return index


async def claim_all(tx: Transaction, keys: Keys, claims: Sequence[Claim], at: datetime) -> bool:
    """Claims references; False when one of them was claimed by somebody else meanwhile."""
    if not claims:
        return True
    rows = await tx.rows(SQL.claim, at=at, **_columns(keys, claims))
    return len(rows) == len(
        {(keys.reference(claim.reference), claim.reference.kind, claim.subject.process) for claim in claims}
    )


async def register_all(tx: Transaction, keys: Keys, claims: Sequence[Claim], at: datetime) -> None:
    """Registers references that lead to subjects from now on; those that do so already stay."""
    if claims:
        await tx.run(SQL.register, at=at, **_columns(keys, claims))


async def own_all(tx: Transaction, keys: Keys, claims: Sequence[Claim]) -> None:
    """Hands claims over to facts that their subjects took in and that identify them too.

    A subject can take in another fact before the one that claimed: should that one be disowned, the claim stays.
    """
    if claims:
        await tx.run(SQL.own, **_columns(keys, claims))


async def give_back(tx: Transaction, disowned: Sequence[tuple[Subject, bytes]]) -> None:
    """Frees what facts had claimed for subjects that turned out not to be theirs."""
    if disowned:
        await tx.run(
            SQL.give_back,
            subject_shards=[subject.shard for subject, _ in disowned],
            processes=[subject.process for subject, _ in disowned],
            subjects=[subject.id for subject, _ in disowned],
            bys=[by for _, by in disowned],
        )


async def give_lanes(tx: Transaction, subjects: Collection[Subject]) -> dict[Subject, int]:
    """The lanes of those subjects that exist."""
    if not subjects:
        return {}
    ordered = sorted(subjects)
    rows = await tx.rows(
        SQL.lanes,
        shards=[s.shard for s in ordered],
        processes=[s.process for s in ordered],
        subjects=[s.id for s in ordered],
    )
    return {Subject(row.process, row.subject): row.lane for row in rows}


async def park_all(tx: Transaction, keys: Keys, parking: Sequence[Parking], at: datetime) -> int:
    """Parks arrivals with what they wait for."""
    if not parking:
        return 0
    arrivals = [entry.arrival for entry in parking]
    await tx.run(
        SQL.park,
        shards=[a.shard for a in arrivals],
        ids=[parked_id(entry) for entry in parking],
        kinds=[entry.kind for entry in parking],
        processes=[entry.process for entry in parking],
        subjects=[entry.subject for entry in parking],
        since=at,
        untils=[entry.until for entry in parking],
        arrivals=[arrival_bytes(a) for a in arrivals],
        sealed=[a.sealed_body for a in arrivals],
        data_keys=[a.data_key for a in arrivals],
    )
    rows = [row for entry in parking for row in _awaited(keys, entry)]
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(8)]
    names = ("shards", "kinds", "digests", "processes", "parked_shards", "parked", "strengths", "values")
    await tx.run(SQL.park_references, **dict(zip(names, columns, strict=True)))
    return len(parking)


def parked_id(entry: Parking) -> bytes:
    """16 bytes that name a parked fact or look-up."""
    return short_digest(entry.kind, entry.arrival.key)


def arrival_bytes(arrival: Arrival) -> bytes:
    """An arrival without its sealed body, as canonical bytes."""
    return canonical({name: getattr(arrival, name) for name in _KEPT})


def arrival_from(kept: bytes, sealed_body: bytes | None, data_key: bytes | None) -> Arrival:
    """The arrival again. Raises `ValueError` and its like when these are not the bytes of one."""
    given = parse(kept)
    values: dict[str, Any] = {name: _typed(name, given.get(name)) for name in _KEPT}
    values["hops"] = values["hops"] or 0  # an older release kept none
    if missing := [name for name in _KEPT if values[name] is None and name not in _OPTIONAL]:
        message = f"an arrival without {', '.join(missing)}"
        raise ValueError(message)
    return Arrival(**values, sealed_body=sealed_body, data_key=data_key)


def said_entity(kept: bytes) -> str:
    """The entity that the bytes of an arrival name, whatever else of them can't be understood; empty: none."""
    found = re.search(rb'"entity":"([^"\\\x00-\x1f]*)"', kept)
    return found[1].decode(errors="replace") if found else ""


_KEPT = tuple(column for column in Arrival._fields if column not in ("sealed_body", "data_key"))
_OPTIONAL = frozenset({"receipt", "cause_shard", "cause_position"})
_BYTES = frozenset({"key", "receipt", "body"})
_INSTANTS = frozenset({"at", "occurred_at", "received_at"})


def _typed(name: str, value: object) -> object:
    if value is None:
        return None
    if name in _BYTES:
        return bytes.fromhex(str(value))
    if name in _INSTANTS:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    return value


def _awaited(keys: Keys, entry: Parking) -> Iterable[tuple[object, ...]]:
    for strength, (process, reference) in enumerate(entry.awaits):
        shard, digest = keys.reference(reference)
        shown = "" if reference.kind in PERSONAL else reference.value
        yield shard, reference.kind, digest, process, entry.arrival.shard, parked_id(entry), strength, shown


def _columns(keys: Keys, claims: Sequence[Claim]) -> dict[str, list[Any]]:
    rows = sorted(
        {(*keys.reference(c.reference), c.reference.kind, c.subject, c.by) for c in claims},
        key=lambda r: (r[0], r[2], r[1], r[3]),
    )
    return {
        "shards": [row[0] for row in rows],
        "kinds": [row[2] for row in rows],
        "digests": [row[1] for row in rows],
        "processes": [row[3].process for row in rows],
        "subjects": [row[3].id for row in rows],
        "subject_shards": [row[3].shard for row in rows],
        "bys": [row[4] for row in rows],
    }
