"""A process as the engine knows it, and the one function that takes a fact in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from nostro.ledger import Holding
from nostro.model.facts import DeadlineFellDue, Fact
from nostro.model.facts.house import Target
from nostro.model.failures import Threw
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.model.references import Reference
from nostro.model.unchanging import unchanging
from nostro.processes.kit.decision import CaseOpening, Decision, Instance, Rules, State
from nostro.processes.kit.machine import NEW, Machine, Waiting

T = TypeVar("T")
STALE = "stale: older than what was absorbed"
PASSED = "stale: the state that this deadline belonged to has passed"
UNEXPECTED = "unexpected_fact"
"""The case that is opened when a fact has no edge in its subject's state: never silent, money could be in it."""


@unchanging(frozen=True, slots=True)
class Begin:
    """The subject that a fact concerns or starts.

    `identity`: references that identify it, strongest first. When one of them is known already, the fact goes to the
    subject that holds it and nothing is begun. They are claimed together with the arrival, so that two tellings can't
    start two subjects.
    """

    subject: str
    identity: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a process: an instance keeps the version that it began with.

    `late`: fact types of which it hears news, too, that are older than what was absorbed. It minds their order itself.
    """

    machine: Machine
    initial: State
    evolve: Callable[[State, Fact], State]
    decide: Callable[[Instance, State, Fact, Rules], Decision]
    late: frozenset[str] = frozenset()

    def state(self, told: Mapping[str, object]) -> State:
        """A state as it is stored; confidential fields may be absent."""
        return type(self.initial).model_validate(told)

    def stored_state(self, body: bytes) -> State:
        """The same of canonical bytes that are all of it."""
        return type(self.initial).model_validate_json(body)


def asked(say: Callable[[Fact], T], fact: Fact) -> T:
    """What a process says of a fact. Raises `Threw`, whatever it throws: that stops this fact, and no other."""
    try:
        return say(fact)
    except Exception as error:  # whatever it is, it is about this fact
        raise Threw(error) from error


def holds_nothing(_: Instance, __: Rules) -> Sequence[Holding]:
    """For processes through which no money passes."""
    return ()


@dataclass(frozen=True, slots=True)
class Process:
    """A business process: how facts find their subjects, and its versions (the last one is begun with).

    - `begins(fact)`: the subject that the fact starts or surely concerns, or None; not asked of what the engine
    addresses to a subject (without an owner);
    - `correlates(fact)`: references to look up, strongest first, when it begins nothing;
    - `registers(fact)`: references that lead to this subject from now on;
    - `orphaned(fact)`: the subject for a fact whose references led nowhere until its deadline, or None: then it is a
    case.
    - `moves(state, target)`: what a person moves who matches the subject with the target, a sum per currency; None
    where nobody can.
    - `worth(state, step)`: what the command of a step is about that names no amount itself; None where all do.
    - `holds(instance, rules)`: what the subject says that it holds on the transit ledger's accounts, for the proof.
    """

    name: str
    versions: tuple[Version, ...]
    begins: Callable[[Fact], Begin | None]
    correlates: Callable[[Fact], Sequence[Reference]]
    registers: Callable[[Fact], Sequence[Reference]]
    orphaned: Callable[[Fact], Begin | None]
    park_seconds: int = 900
    lane: str = "standard"
    moves: Callable[[State, Target], Sequence[Money]] | None = None
    worth: Callable[[State, str], Money | None] | None = None
    holds: Callable[[Instance, Rules], Sequence[Holding]] = holds_nothing

    def version(self, number: int) -> Version:
        """The version; raises `IndexError` for one that this release lacks."""
        if number < 1:
            raise IndexError(number)
        return self.versions[number - 1]

    def new(self, subject: str, entity: str) -> Instance:
        """A subject before its first fact."""
        version = len(self.versions)
        return Instance(Subject(self.name, subject), entity, version, 0, NEW, self.versions[-1].initial)


@unchanging(frozen=True, slots=True)
class Transition:
    """A fact taken in: the instance afterwards, the decision, and when its waiting state falls due (business time).

    `deadline` without `due_at`: the deadline that was set before goes on.
    """

    before: Instance
    after: Instance
    decision: Decision
    deadline: str = ""
    due_at: datetime | None = None


def take_in(process: Process, instance: Instance, fact: Fact, rules: Rules, at: datetime) -> Transition:
    """Decide one fact. Pure. `at` is the business time of the decision.

    News older by its sender's order than what the subject has absorbed, unless the version hears it, and facts without
    an edge in this state, are kept and change nothing. Raises `ValueError` when the decision leaves the table.
    """
    version, body, absorbed = process.version(instance.version), fact.body, instance.absorbed
    if stream := body.stream:
        order = body.order or fact.sender_order
        if order < absorbed.get(stream, ""):
            if body.fact_type not in version.late:
                return _unchanged(instance, STALE)
        else:
            absorbed = {**absorbed, stream: order}
    machine = version.machine
    targets = machine.edges.get((instance.state, body.fact_type))
    if isinstance(body, DeadlineFellDue) and body.revision != instance.deadline_revision:
        return _unchanged(instance, PASSED)
    if targets is None:
        return _unexpected(instance, fact)
    data = version.evolve(instance.data, fact)
    decision = version.decide(instance, data, fact, rules)
    _hold_to_table(machine, instance, fact, targets, decision)
    awaited, due_at, since = _awaited(machine, instance, decision, at)
    subject, revision = instance.subject, instance.revision + 1
    after = Instance(
        subject, instance.entity, instance.version, revision, decision.to, data, absorbed, since, decision.calls
    )
    return Transition(instance, after, decision, awaited, due_at)


def _unchanged(instance: Instance, rule: str, *opens: CaseOpening) -> Transition:
    return Transition(instance, instance.heard(), Decision(instance.state, rule, opens=opens))


def _unexpected(instance: Instance, fact: Fact) -> Transition:
    sentence = (
        f"{fact.type} arrived while the {instance.subject.process} was {instance.state}; nothing was done with it."
    )
    return _unchanged(instance, UNEXPECTED, CaseOpening(UNEXPECTED, sentence))


def _awaited(machine: Machine, before: Instance, decision: Decision, at: datetime) -> tuple[str, datetime | None, int]:
    """The deadline of the state that is reached, when it falls due if it is set now, and since which revision it is."""
    state = machine.states[decision.to]
    if not isinstance(state, Waiting):
        return "", None, 0
    if decision.due_at is None and before.state == decision.to and before.deadline_revision:
        return state.deadline, None, before.deadline_revision
    return state.deadline, decision.due_at or at + state.within, before.revision + 1


def _hold_to_table(
    machine: Machine, instance: Instance, fact: Fact, targets: frozenset[str], decision: Decision
) -> None:
    if decision.to not in targets:
        message = f"{instance.subject}: {fact.type} in {instance.state} may not lead to {decision.to}"
        raise ValueError(message)
    for wanted in decision.intents:
        effect = machine.effects.get(wanted.step.partition("-")[0])
        if effect is None or effect.operation != wanted.intent.operation:
            message = f"{instance.subject}: step {wanted.step} ({wanted.intent.operation}) is not declared as an effect"
            raise ValueError(message)
    for case in decision.opens:
        if case.reason not in machine.case_reasons:
            message = f"{instance.subject}: case reason {case.reason} is not declared"
            raise ValueError(message)
