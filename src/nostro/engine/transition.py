"""One fact taken in by its subject: the same function live and in replay. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from nostro.model.facts import CaseClosed, CommandReleased, Fact, MatchConfirmed
from nostro.model.ids import Subject
from nostro.model.money import Money
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.processes.kit.process import Process, Transition, take_in
from nostro.routing.route import HOUSE

SERVED = "engine: served"
"""The rule of facts that the engine itself serves: activations, releases, closed cases."""
NOT_AS_SEEN = "engine: not heard, it is no longer what the person saw"
"""The rule of a match that would move something else by now."""
_OF_PEOPLE = frozenset({CommandReleased, CaseClosed})


def transition(
    process: Process | None, instance: Instance, fact: Fact, rules: Rules | None, at: datetime
) -> Transition:
    """What the fact makes of the subject.

    Raises whatever a decision raises, and `LookupError` without process or rules.
    """
    if instance.subject.process == HOUSE:
        return _served(replace(instance, revision=0))  # nothing is kept of the house's own subjects but the log
    if process is None:
        raise LookupError(instance.subject.process)
    if type(fact.body) in _OF_PEOPLE:
        machine = process.version(instance.version).machine
        if (instance.state, fact.type) not in machine.edges:
            return _served(instance)
    if type(fact.body) is MatchConfirmed and not _as_seen(process, instance, fact.body):
        return _served(instance, NOT_AS_SEEN)
    if rules is None:
        raise LookupError(fact.key)
    return take_in(process, instance, fact, rules, at)


def houseless(subject: Subject, entity: str) -> Instance:
    """A subject of the house itself, or of a process that this release lacks: it has no state of its own."""
    return Instance(subject, entity, 1, 0, "new", State())


def _served(instance: Instance, rule: str = SERVED) -> Transition:
    return Transition(instance, instance.heard(), Decision(instance.state, rule))


def _as_seen(process: Process, instance: Instance, body: MatchConfirmed) -> bool:
    """Whether a match moves just what its person saw, and had a right to.

    What a process says that it moves decides here: of a state that is in use it has to say the same for ever.
    """
    if body.sums is None:
        return True
    moves = process.moves(instance.data, body.target) if process.moves else ()
    return body.sums == in_order(moves)


def in_order(sums: Iterable[Money]) -> tuple[Money, ...]:
    """Sums of one currency each, in the order of the currencies."""
    return tuple(sorted(sums, key=lambda money: money.currency))
