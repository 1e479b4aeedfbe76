"""The fifth version's effects, but for the matches of refunds with credit notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from nostro.model.intents import Reconcile
from nostro.processes.collection.v1.effects import Scene, number
from nostro.processes.collection.v5.effects import wanted as wanted_v5
from nostro.processes.collection.v6.state import CollectionStateV6
from nostro.processes.kit.decision import Wanted
from nostro.processes.kit.following import Effect


def wanted(scene: Scene, before: Iterable[Wanted] = ()) -> tuple[Wanted, ...]:
    """Every effect that the state calls for, those that were asked for `before` included."""
    data = scene.data
    assert isinstance(data, CollectionStateV6)
    others = tuple([one for one in wanted_v5(scene, before) if not one.step.startswith("match-")])
    return (*others, *data.steps.put_together(_matches(scene, data), before)) if data.matches else others


def _matches(scene: Scene, data: CollectionStateV6) -> Iterator[Effect]:
    """A booked refund is matched with its credit note."""
    for match, occurrence in data.occurrences():
        end = data.steps.end(f"refunded-{match.refund}")
        entry = number(end.ids.get("move", "")) if end and end.there else None
        if entry and not match.void:
            intent = partial(Reconcile, entity=scene.entity.id, move_id=match.note, entry=entry)
            yield f"match-{match.refund}", occurrence, intent
