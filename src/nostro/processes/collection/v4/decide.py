"""The third version's decisions, also about moments that the bundle's clocks do not reach."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from nostro.model.facts import Fact
from nostro.model.unchanging import unchanging
from nostro.processes.collection.v1.decide import Sight, decided, told
from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v3.days import dated
from nostro.processes.collection.v3.decide import MACHINE as MACHINE_V3
from nostro.processes.collection.v3.decide import cases
from nostro.processes.collection.v3.effects import wanted
from nostro.processes.kit.decision import Decision, Instance, Rules, State

MACHINE = replace(MACHINE_V3, version=4)


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and where the collection stands now."""
    return decided(instance, data, fact, rules, SIGHT)


@unchanging(frozen=True, slots=True)
class SceneV4(Scene):
    """As ever; but beyond the bundle's clocks a day is that of UTC, as it was for the first versions."""

    def day(self, at: datetime) -> date:
        """The day of an instant in the entity's books."""
        try:
            return self.rules.day(self.entity.id, at)
        except LookupError:
            return at.astimezone(UTC).date()


def seen(scene: Scene) -> Scene:
    """The collection with all its days."""
    return dated(SceneV4(scene.subject, scene.entity, scene.rules, scene.data))


SIGHT = Sight(wanted, cases, told, seen)
