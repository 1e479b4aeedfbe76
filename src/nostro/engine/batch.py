"""What a batch of decisions will write, gathered in memory and written in a handful of statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from nostro.engine.endings import Ending
from nostro.model.canonical import canonical, digest
from nostro.model.ids import Subject, case_id
from nostro.model.money import Money
from nostro.processes.kit.decision import CaseOpening, Instance, Lookup, Posting
from nostro.routing.references import Claim
from nostro.routing.route import Routable
from nostro.store.arrivals import Arrival
from nostro.store.keys import DataKey, Keys
from nostro.store.log import FactRow


@dataclass(slots=True)
class SubjectRow:
    """A subject in a batch: its instance, and what its row holds besides.

    `data_key`: the id of the data key under which its secrets are sealed, and `key` that key, unless it was destroyed.
    `unreadable`: its stored state can't be understood by this release; the row is left as it is, and set aside.
    `lacks`: what this release would need to go on with it; its shard is refused.
    """

    instance: Instance
    lane: int
    data_key: bytes | None = None
    position: int = 0
    poisoned: str = ""
    changed: bool = False
    unreadable: bool = False
    lacks: str = ""
    key: DataKey | None = None

    def seal(self, keys: Keys, secret: bytes, bound_to: str) -> bytes:
        """Something that it keeps to itself; opens only with the same `bound_to`. Raises `KeyError` without a key."""
        if self.key is None:
            raise KeyError(self.data_key)
        return keys.seal(self.key, secret, bound_to.encode())


@dataclass(frozen=True, slots=True)
class AskedLookup:
    """A look-up that a decision asked for."""

    lookup: Lookup
    asked: Arrival


class Command(NamedTuple):
    """A row of `command_open`, and the digest of its content. Rows of members of dispatches have its columns too."""

    shard: int
    key: bytes
    key_text: str
    correlation: str
    process: str
    subject: str
    step: str
    occurrence: int
    generation: int
    entity: str
    connection: str
    operation: str
    lane: int
    status: str
    ordering_key: str
    order_shard: int
    position: int
    n: int
    body: bytes
    sealed_body: bytes | None
    data_key: bytes | None
    bundle: bytes
    actor: str
    since: datetime
    content: bytes


@dataclass(frozen=True, slots=True)
class Case:
    """A case that a decision opens."""

    subject: Subject
    entity: str
    position: int
    opening: CaseOpening

    @property
    def id(self) -> str:
        """From subject, reason and position."""
        return case_id(str(self.subject), self.opening.reason, str(self.position))

    @property
    def about(self) -> tuple[Subject, str]:
        """Of which at most one is open."""
        return self.subject, self.opening.reason


@dataclass(frozen=True, slots=True)
class Closing:
    """The ground of a case is gone; or a person closes it."""

    subject: Subject
    reason: str
    actor: str = "engine"

    @property
    def about(self) -> tuple[Subject, str]:
        """As a case's."""
        return self.subject, self.reason


@dataclass(slots=True)
class Batch:
    """Everything that a database transaction of decisions writes. `decided`: the arrivals that became `facts`.

    `endings`: dispatches whose ends come with it.
    """

    subjects: dict[Subject, SubjectRow] = field(default_factory=dict)
    decided: list[Arrival] = field(default_factory=list)
    facts: list[FactRow] = field(default_factory=list)
    registers: list[Claim] = field(default_factory=list)
    owned: list[Claim] = field(default_factory=list)
    disowned: list[tuple[Subject, bytes]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    settled: list[tuple[int, bytes, str, bytes]] = field(default_factory=list)
    handed_over: list[tuple[int, bytes, str]] = field(default_factory=list)
    emitted: list[Routable] = field(default_factory=list)
    direct: list[Arrival] = field(default_factory=list)
    lookups: list[AskedLookup] = field(default_factory=list)
    cases: list[Case | Closing] = field(default_factory=list)
    deadlines: dict[Subject, tuple[str, Any, int] | None] = field(default_factory=dict)
    postings: list[tuple[FactRow, int, Posting]] = field(default_factory=list)
    rereads: list[tuple[bytes, int]] = field(default_factory=list)
    poisoned: list[Arrival] = field(default_factory=list)
    unreadable: set[Subject] = field(default_factory=set)
    endings: Sequence[Ending] = ()

    @property
    def left(self) -> list[Arrival]:
        """Outcomes of its endings that are neither decided nor set aside: they go to the queue."""
        taken = {id(arrival) for arrival in (*self.decided, *self.poisoned)} if self.endings else set()
        return [told for ending in self.endings for told in ending.told if id(told) not in taken]


def columns(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """Rows as one array per column, for statements that unnest them."""
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {name: [] for name in names}


def waves(said: Iterable[Case | Closing]) -> list[list[Case | Closing]]:
    """What was said of cases, in its order, so that a wave says one thing of each: the last of several openings."""
    found: list[dict[tuple[Subject, str], Case | Closing]] = []
    last: dict[tuple[Subject, str], int] = {}
    for one in said:
        key = one.about
        wave = last.get(key, 0)
        if key in last and type(found[wave][key]) is not type(one):
            wave += 1
        last[key] = wave
        if wave == len(found):
            found.append({})
        found[wave][key] = one
    return [list(wave.values()) for wave in found]


def candidates(opening: CaseOpening) -> bytes:
    """A case's candidates as canonical bytes."""
    return canonical(list(opening.candidates))


def words_of(sentence: str, amount: Money | None, candidates: bytes) -> str:
    """The digest (hex) of what a case says: each of these is another one when it comes to say something else."""
    return digest({"sentence": sentence, "amount": amount, "candidates": candidates}).hex()
