"""The fourth version's decisions about a state in which money that is on its way back is used for nothing else."""

from __future__ import annotations

from dataclasses import replace

from nostro.model.facts import Fact
from nostro.processes.collection.v1.decide import Sight, decided, told
from nostro.processes.collection.v4.decide import MACHINE as MACHINE_V4
from nostro.processes.collection.v4.decide import seen
from nostro.processes.collection.v5.cases import cases
from nostro.processes.collection.v5.effects import wanted
from nostro.processes.kit.decision import Decision, Instance, Rules, State

MACHINE = replace(MACHINE_V4, version=5)
SIGHT = Sight(wanted, cases, told, seen)


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and where the collection stands now."""
    return decided(instance, data, fact, rules, SIGHT)
