"""What a decision says, and what it may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from typing import Protocol

from nostro.governance.answers import Mode, PostingRule, Service
from nostro.model.bank_days import CutOff, LocalRule
from nostro.model.base import Kept
from nostro.model.entities import LegalEntity
from nostro.model.facts import FactBody
from nostro.model.ids import IdempotencyKey, Subject
from nostro.model.intents import Intent
from nostro.model.money import Money
from nostro.model.references import Reference
from nostro.model.unchanging import unchanging

__all__ = [
    "Calls",
    "CaseOpening",
    "Decision",
    "Instance",
    "Lookup",
    "Mode",
    "Posting",
    "PostingRule",
    "Rules",
    "Service",
    "State",
    "Wanted",
]


class Rules(Protocol):
    """What a decision may know besides state and fact: the active bundle, materialised. Nothing here reads a clock."""

    @property
    def bundle(self) -> str:
        """The bundle's digest (hex)."""

    def entity(self, entity: str) -> LegalEntity:
        """The legal entity; raises `KeyError` when the bundle doesn't know it."""

    def posting(self, entity: str, method: str, state: str) -> PostingRule:
        """The posting policy's answer. No row means: does not post (deny)."""

    def serves(self, entity: str, operation: str) -> Service:
        """Which connection does this for the entity; raises `KeyError` when none does."""

    def mode(self, connection: str, operation: str, entity: str = "") -> Mode:
        """The lower of the connection's mode and its interfaces'. Unknown: observe. No entity: the lowest of all."""

    def limit(self, name: str, entity: str, otherwise: int) -> int:
        """A whole-number setting of the entity (tolerances in minor units, waits in seconds)."""

    def day(self, entity: str, at: datetime) -> date:
        """The day of an instant in the entity's books: on its own clocks. Raises `LookupError` as `cut_off` does."""

    def cut_off(self, rule: LocalRule, day: date, later: int = 0) -> CutOff:
        """The rule's cut-off `later` bank business days after `day` (0: that day or the next one).

        Raises `LookupError` outside of what the bundle's calendars and zones cover.
        """


@unchanging(frozen=True, slots=True)
class Wanted:
    """An intent with the step that names it within its subject: same step and occurrence, same effect, for ever.

    Put business ids into the step (`register-ch_123`), so that it needs no counter.
    """

    step: str
    intent: Intent
    occurrence: int = 0
    generation: int = 0

    def key(self, subject: Subject) -> IdempotencyKey:
        """The idempotency key."""
        return IdempotencyKey(subject.process, subject.id, self.step, self.occurrence, self.generation)

    def key_text(self, subject: Subject) -> str:
        """The idempotency key's text."""
        return f"{subject.process}/{subject.id}/{self.step}/{self.occurrence}/{self.generation}"


@unchanging(frozen=True, slots=True)
class Lookup:
    """Ask which subjects these references lead to, strongest first.

    The answer arrives as `lookup.answered` at this subject. Who asks again asks all that is still open: while that
    waits, nothing is said when the time of what was asked before is over.
    """

    references: tuple[Reference, ...]
    wait_seconds: int
    processes: tuple[str, ...]


@unchanging(frozen=True, slots=True)
class CaseOpening:
    """Something for a person. `reason` is a runbook's name; one open case a reason and subject."""

    reason: str
    sentence: str
    amount: Money | None = None
    candidates: tuple[str, ...] = ()


@unchanging(frozen=True, slots=True)
class Posting:
    """One move of money in the transit ledger: `amount` leaves `credit` and enters `debit`.

    Accounts are `kind/entity/detail`, e.g. `customer/DE/...`, `psp/DE/stripe-de`, `bank/DE/main`, `fees/DE/stripe-de`.
    """

    debit: str
    credit: str
    amount: Money


class State(Kept):
    """Base of every process's frozen state. Lists stay bounded; confidential fields are marked as in facts."""


@unchanging(frozen=True, slots=True)
class Calls:
    """All that a state (`data`) calls for under some rules, asked for or not: a function of these two alone.

    What the state after one fact calls for is what the state before the next one called for: it is worked out once.
    """

    data: State
    rules: Rules | None
    wanted: tuple[Wanted, ...]
    cases: Mapping[str, CaseOpening]
    told: tuple[tuple[str, FactBody], ...]
    postings: Mapping[str, Posting]


@unchanging(frozen=True, slots=True)
class Decision:
    """What follows from a fact in a state. `to` is the process state afterwards; `rule` says which rule explains it.

    `disowns`: the fact turned out to concern another subject; what it claimed for this one at routing is given back,
    and a fact among `emits` begins the right one. `calls`: what the state after it calls for, for who takes the next
    fact in.
    """

    to: str
    rule: str = ""
    intents: tuple[Wanted, ...] = ()
    emits: tuple[FactBody, ...] = ()
    lookup: Lookup | None = None
    opens: tuple[CaseOpening, ...] = ()
    closes: tuple[str, ...] = ()
    postings: tuple[Posting, ...] = ()
    due_at: datetime | None = None
    disowns: bool = False
    calls: Calls | None = field(default=None, compare=False, repr=False)


@unchanging(frozen=True, slots=True)
class Instance:
    """A subject as its decision sees it. `absorbed` holds, per stream, the newest sender order that it has taken in.

    `deadline_revision` is the revision at which the present deadline was set, 0 when nothing is awaited. `calls` may
    hold what its state calls for; it says nothing that the state and the rules don't.
    """

    subject: Subject
    entity: str
    version: int
    revision: int
    state: str
    data: State
    absorbed: Mapping[str, str] = field(default_factory=dict)
    deadline_revision: int = 0
    calls: Calls | None = field(default=None, compare=False, repr=False)

    def heard(self) -> Instance:
        """After a fact that changed nothing."""
        revision, since = self.revision + 1, self.deadline_revision
        return Instance(
            self.subject, self.entity, self.version, revision, self.state, self.data, self.absorbed, since, self.calls
        )
