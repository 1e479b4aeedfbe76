"""The fifth version's decisions; an invoice hears what of its credit note stands."""

from __future__ import annotations

from dataclasses import replace

from nostro.model.facts import CollectionCreditNoteChanged, Fact, FactBody
from nostro.processes.collection.v1.decide import Sight, decided
from nostro.processes.collection.v1.decide import told as told_v1
from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v1.machine import ITEM, RESTS, ROWS
from nostro.processes.collection.v4.decide import seen
from nostro.processes.collection.v5.decide import MACHINE as MACHINE_V5
from nostro.processes.collection.v6.cases import cases
from nostro.processes.collection.v6.effects import wanted
from nostro.processes.collection.v6.state import CollectionStateV6
from nostro.processes.kit.decision import Decision, Instance, Rules, State
from nostro.processes.kit.following import same
from nostro.processes.kit.machine import NEW, Row, edges_of

_CHANGED = ("collection.credit_note_changed",)
_MORE: tuple[Row, ...] = (
    ((NEW, "noted"), _CHANGED, ("noted",)),
    (ITEM, _CHANGED, ("booking",)),
    ((*RESTS, "in_transit"), _CHANGED, ("refund_open",)),
    (("refund_open",), _CHANGED, ("in_transit", *RESTS)),
    (("booking",), _CHANGED, ITEM),
)
MACHINE = replace(MACHINE_V5, version=6, edges=edges_of((*ROWS, *_MORE)))


def decide(instance: Instance, data: State, fact: Fact, rules: Rules) -> Decision:
    """What is new of effects, facts, cases and postings, and where the collection stands now."""
    return decided(instance, data, fact, rules, SIGHT)


def told(scene: Scene) -> tuple[FactBody, ...]:
    """What others hear from this collection."""
    data, bodies = scene.data, told_v1(scene)
    assert isinstance(data, CollectionStateV6)
    if not data.stood_at or data.stood is None:
        return bodies
    item = f"{scene.entity.id}/{data.database}/{data.reverses}"
    changed = CollectionCreditNoteChanged(
        subject=item, amount=data.stood, changed_at=data.stood_at, **same(data, "move_id number")
    )
    return (*bodies, changed)


SIGHT = Sight(wanted, cases, told, seen, MACHINE)
