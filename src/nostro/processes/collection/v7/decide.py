"""The sixth version's decisions; what no item asks for waits for no provider of the ERP's."""

from __future__ import annotations

from dataclasses import replace

from nostro.model.facts import Fact
from nostro.model.payments import Payment
from nostro.model.unchanging import unchanging
from nostro.processes.collection.v1.decide import Sight, decided
from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v3.days import dated
from nostro.processes.collection.v4.decide import SceneV4
from nostro.processes.collection.v6.cases import cases
from nostro.processes.collection.v6.decide import MACHINE as MACHINE_V6
from nostro.processes.collection.v6.decide import told
from nostro.processes.collection.v6.effects import wanted
from nostro.processes.kit.decision import Decision, Instance, Rules, State

MACHINE = replace(MACHINE_V6, version=7)


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and where the collection stands now."""
    return decided(instance, data, fact, rules, SIGHT)


@unchanging(frozen=True, slots=True)
class SceneV7(SceneV4):
    """As ever; but money without an item has waited before it came here, and nothing ends another wait."""

    def awaits_provider(self, payment: Payment) -> bool:
        """Whether the ERP's own provider may still register this payment."""
        return self.data.kind != "unapplied" and SceneV4.awaits_provider(self, payment)


def seen(scene: Scene) -> Scene:
    """The collection with all its days."""
    return dated(SceneV7(scene.subject, scene.entity, scene.rules, scene.data))


SIGHT = Sight(wanted, cases, told, seen, MACHINE)
