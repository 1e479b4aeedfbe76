"""What follows from a state, compared with what followed from the state before.

A process whose effects, cases, facts and postings are functions of its state decides by difference: what is new is
asked, what is gone is closed or taken back. So the order in which the facts of one story arrive changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

from pydantic import Field

from nostro.ledger import changes
from nostro.model.base import Kept, Value, changed
from nostro.model.facts import CommandReleased, CommandSettled, DeadlineFellDue, Fact, FactBody
from nostro.model.ids import IdempotencyKey
from nostro.model.intents import Intent
from nostro.model.money import Money
from nostro.model.outcomes import OutcomeKind
from nostro.model.unchanging import unchanging
from nostro.processes.kit.decision import Calls, CaseOpening, Instance, Posting, Rules, State, Wanted

V = TypeVar("V", bound=Value | Kept)
_OTHERWISE = ("amount", "open", "state")
"""Notes of an outcome that say that what is there is not quite what was asked."""
_THERE = (OutcomeKind.DONE, OutcomeKind.ADOPTED)
_QUIET = frozenset({*_THERE, OutcomeKind.DISCARDED})


class StepEnd(Kept):
    """How a step ended. `booked_on` and `otherwise` say where the ERP's booking differs from what was asked."""

    kind: OutcomeKind
    generation: int
    ids: dict[str, str] = Field(default_factory=dict)
    booked_on: str = ""
    otherwise: str = ""
    sentence: str = ""

    @property
    def there(self) -> bool:
        """Whether the effect exists outside."""
        return self.kind in _THERE


class Steps(Kept):
    """How the steps of a subject ended, by `step/occurrence`, and which are asked again after a proven failure."""

    ends: dict[str, StepEnd] = Field(default_factory=dict)
    generations: dict[str, int] = Field(default_factory=dict)

    def settled(self, body: CommandSettled) -> Steps:
        """With a command's end. An older generation's, or a hand-over told after the final end, changes nothing."""
        name = f"{body.step}/{body.occurrence}"
        known, told = self.ends.get(name), body.outcome
        if body.generation < self.generations.get(name, 0) or (known and told.kind is OutcomeKind.HANDED_OVER):
            return self
        end = StepEnd(
            kind=told.kind,
            generation=body.generation,
            ids=told.ids,
            booked_on=told.notes.get("date", ""),
            otherwise=", ".join(f"{name}: {told.notes[name]}" for name in _OTHERWISE if name in told.notes),
            sentence=told.sentence,
        )
        return but(self, ends={**self.ends, name: end})

    def released(self, body: CommandReleased) -> Steps:
        """A person wants a step that had provably failed to be tried again: one generation more.

        Who saw it before it had failed, or saw an earlier generation, has not said so.
        """
        key = IdempotencyKey.parse(body.key)
        name = f"{key.step}/{key.occurrence}"
        end = self.ends.get(name)
        if body.verdict != "release" or end is None or end.kind is not OutcomeKind.FAILED:
            return self
        if body.status is not None and (body.status, key.generation) != (OutcomeKind.FAILED, end.generation):
            return self
        ends = {step: other for step, other in self.ends.items() if step != name}
        return Steps(ends=ends, generations={**self.generations, name: end.generation + 1})

    def generation(self, step: str, occurrence: int = 0) -> int:
        """The generation that a step is at."""
        return self.generations.get(f"{step}/{occurrence}", 0)

    def end(self, step: str, occurrence: int = 0) -> StepEnd | None:
        """How the step ended, if it did."""
        return self.ends.get(f"{step}/{occurrence}")

    def there(self, step: str) -> bool:
        """Whether the step's effect exists outside."""
        end = self.end(step)
        return end is not None and end.there

    def failures(self, kind: OutcomeKind) -> list[tuple[str, StepEnd]]:
        """The steps that ended this way, in the order of their names."""
        return sorted([(name, end) for name, end in self.ends.items() if end.kind is kind], key=itemgetter(0))

    @property
    def troubled(self) -> bool:
        """Whether any step failed or was handed over to a person."""
        return not _QUIET.issuperset([end.kind for end in self.ends.values()])

    def fresh(self, before: Sequence[Wanted], after: Sequence[Wanted]) -> tuple[Wanted, ...]:
        """What is to be asked now: wanted, not wanted before, and not ended already."""
        if not after or after is before:
            return ()
        asked, ends = {_name(wanted) for wanted in before}, self.ends
        return tuple([w for w in after if _name(w) not in asked and f"{w.step}/{w.occurrence}" not in ends])

    def pending(self, wanted: Iterable[Wanted]) -> tuple[Wanted, ...]:
        """What is wanted and has not ended."""
        ends = self.ends
        return tuple([w for w in wanted if f"{w.step}/{w.occurrence}" not in ends])

    def put_together(self, those: Iterable[Effect], before: Iterable[Wanted]) -> tuple[Wanted, ...]:
        """What is wanted. What was wanted before under the same name is that effect for ever: it isn't made again."""
        known = {_name(wanted): wanted for wanted in before}
        found: list[Wanted] = []
        for step, occurrence, intent in those:
            generation = self.generations.get(f"{step}/{occurrence}", 0) if self.generations else 0
            told = known.get((step, occurrence, generation))
            found.append(told or Wanted(step, intent(), occurrence, generation))
        return tuple(found)


Effect = tuple[str, int, Callable[[], Intent]]
"""An effect that a state calls for: step, occurrence, and what makes its intent."""
NOTHING = Calls(State(), None, (), {}, (), {})


def called_for(instance: Instance, rules: Rules, work_out: Callable[[Any, Calls], Calls]) -> Calls:
    """What the instance's state calls for: as it is known of the decision before, else worked out of the state.

    A subject that has taken nothing in calls for nothing.
    """
    calls = instance.calls
    if calls is not None and calls.data is instance.data and calls.rules is rules:
        return calls
    return work_out(instance.data, NOTHING) if instance.revision else NOTHING


def with_keys(bodies: Iterable[FactBody]) -> tuple[tuple[str, FactBody], ...]:
    """Facts, each with its type and natural key."""
    return tuple([(f"{body.fact_type}:{body.natural_key()}", body) for body in bodies])


@unchanging(frozen=True, slots=True)
class CaseChanges:
    """The cases to open, and the reasons of those to close."""

    opens: tuple[CaseOpening, ...]
    closes: tuple[str, ...]


def case_changes(before: Mapping[str, CaseOpening], after: Mapping[str, CaseOpening]) -> CaseChanges:
    """Cases by reason: new or changed ones are opened, those whose ground is gone are closed."""
    if not (before or after) or before is after:
        return _NO_CHANGES
    opens = tuple([case for reason, case in after.items() if before.get(reason) != case])
    return CaseChanges(opens, tuple([reason for reason in before if reason not in after]))


_NO_CHANGES = CaseChanges((), ())


_ENDED = {OutcomeKind.FAILED: "booking_failed", OutcomeKind.HANDED_OVER: "booking_unknown"}


def booking_cases(steps: Steps, quiet: str = "-") -> Iterator[CaseOpening]:
    """Steps that provably failed, and those whose end nobody knows. `quiet`: kinds of steps that need nobody."""
    if not steps.troubled:
        return
    for kind, reason in _ENDED.items():
        ended = [f"{name}: {end.sentence or kind}" for name, end in steps.failures(kind) if not name.startswith(quiet)]
        if ended:
            yield CaseOpening(reason, " ".join(ended))


def with_worth(
    cases: Mapping[str, CaseOpening], steps: Steps, wanted: Iterable[Wanted], of: Callable[[Wanted], Money | None]
) -> dict[str, CaseOpening]:
    """The cases; those about bookings say what was to be booked, where that is of one currency. `of`: of one step."""
    told, asked = dict(cases), tuple(wanted)
    for kind, reason in _ENDED.items():
        if reason in told:
            names = {name for name, _ in steps.failures(kind)}
            known = [money for one in asked if f"{one.step}/{one.occurrence}" in names and (money := of(one))]
            alike = len({money.currency for money in known}) == 1
            amount = Money(minor=sum(abs(m.minor) for m in known), currency=known[0].currency) if alike else None
            told[reason] = replace(told[reason], amount=amount)
    return told


Overdue = Mapping[str, tuple[str, str]]
"""State -> the case that its deadline opens, with its sentence. Leaving the state closes it."""


def overdue(cases: Overdue, at: str, to: str, fact: Fact, amount: Money | None = None) -> tuple[CaseOpening, ...]:
    """The case of a deadline that has passed without the state being left."""
    late = isinstance(fact.body, DeadlineFellDue) and at == to and to in cases
    return (CaseOpening(*cases[to], amount),) if late else ()


def left(cases: Overdue, at: str, to: str) -> tuple[str, ...]:
    """The reason of the case that leaving a state closes."""
    return (cases[at][0],) if at in cases and at != to else ()


def new_facts(before: Sequence[tuple[str, FactBody]], after: Sequence[tuple[str, FactBody]]) -> tuple[FactBody, ...]:
    """Facts to emit that were not emitted before."""
    if not after or after is before:
        return ()
    told = {key for key, _ in before}
    return tuple([body for key, body in after if key not in told])


def new_postings(before: Mapping[str, Posting], after: Mapping[str, Posting]) -> tuple[Posting, ...]:
    """What the transit ledger has to move so that it shows the new state."""
    return tuple([Posting(*move) for move in changes(before, after)]) if before is not after else ()


def acts(rules: Rules, wanted: Iterable[Wanted]) -> bool:
    """Whether any of these effects leaves without a person: in *observe* and *propose* none is late."""
    return any(rules.mode(_connection(rules, w), w.intent.operation) == "act" for w in wanted)


def _connection(rules: Rules, wanted: Wanted) -> str:
    own = getattr(wanted.intent, "connection", "")
    return own or rules.serves(wanted.intent.entity, wanted.intent.operation).connection


def a_day_later(body: DeadlineFellDue) -> datetime:
    """When a deadline that had to be let pass is to be looked at again."""
    return datetime.fromisoformat(body.due_at) + timedelta(days=1)


def but(value: V, **changes: object) -> V:
    """The value with some fields changed."""
    return changed(value, changes)


def same(value: Value | Kept, names: str) -> dict[str, Any]:
    """Some fields of a value, by the names that another value has for them too."""
    return {name: getattr(value, name) for name in _split(names)}


@cache
def _split(names: str) -> tuple[str, ...]:
    return tuple(names.split())


def _name(wanted: Wanted) -> tuple[str, int, int]:
    return wanted.step, wanted.occurrence, wanted.generation
