"""Ends of dispatches that are written together with what is decided of their outcomes.

A worker that ends a dispatch, and decides about its commands' subjects too, hands the outcomes to its decider in
memory: one database transaction ends the dispatch, and appends to the log. The outcomes are never on the queue. That is
so only where they pass nobody who waits there; else the dispatch ends by itself, and they arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from nostro.egress.journal import Slot, Write
from nostro.model.facts import Fact
from nostro.store.arrivals import Arrival


class Told(Arrival):
    """An arrival that comes with the end of its dispatch, and isn't on the queue.

    `fact`: what it tells, as whoever opens it finds it; it has nothing that is sealed.
    """

    fact: Fact

    @classmethod
    def of(cls, fact: Fact, arrival: Arrival) -> Self:
        """The fact, and its arrival at its subject."""
        told = cls._make(arrival)
        told.fact = fact
        return told


@dataclass(eq=False, slots=True)
class Ending:
    """A dispatch that ends. `write` writes its end and its last reply; behind the fence of its slot.

    `told`: its outcomes, in the order of its members.
    `committed`: so was its end, and each outcome was decided, set aside with its subject, or put on the queue.
    """

    slot: Slot
    write: Write
    told: Sequence[Told]
    committed: bool = False
