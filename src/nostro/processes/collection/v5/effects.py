"""The third version's effects, but for refunds of money that was used for something else after they had failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nostro.processes.collection.v1.effects import Scene
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.collection.v3.effects import wanted as wanted_v3
from nostro.processes.kit.decision import Wanted


def wanted(scene: Scene, before: Iterable[Wanted] = ()) -> tuple[Wanted, ...]:
    """Every effect that the state calls for, those that were asked for `before` included."""
    found, void = wanted_v3(scene, before), set(_void(scene.data))
    return tuple([one for one in found if (one.step, one.occurrence) not in void]) if void else found


def _void(data: CollectionState) -> Iterator[tuple[str, int]]:
    """Refunds, as step and occurrence, whose money a person has used otherwise since. Released, they ask nothing."""
    times: dict[str, int] = {}
    for n, given in enumerate(data.assignments):
        if given.to == "refund":
            if any(later.source == given.source and later.to != "refund" for later in data.assignments[n + 1 :]):
                yield f"refund-{given.source}", times.get(given.source, 0)
            times[given.source] = times.get(given.source, 0) + 1
