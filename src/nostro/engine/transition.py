"""One fact taken in by its subject: the same function live and in replay. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from nostro.model.facts import CaseClosed, CommandReleased, Fact
from nostro.model.ids import Subject
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.processes.kit.process import Process, Transition, take_in
from nostro.routing.route import HOUSE

SERVED = "engine: served"
"""The rule of facts that the engine itself serves: activations, releases, closed cases."""
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
    if rules is None:
        raise LookupError(fact.key)
    return take_in(process, instance, fact, rules, at)


def houseless(subject: Subject, entity: str) -> Instance:
    """A subject of the house itself, or of a process that this release lacks: it has no state of its own."""
    return Instance(subject, entity, 1, 0, "new", State())


def _served(instance: Instance) -> Transition:
    return Transition(instance, instance.heard(), Decision(instance.state, SERVED))
