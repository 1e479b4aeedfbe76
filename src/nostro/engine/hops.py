"""What led to an arrival: facts that subjects told each other, and look-ups that a subject asked one after the other.

Both are bounded, each by itself: a collective credit asks for each of its invoices in turn, and is no circle. One
number holds them, and releases that know of facts alone can go on with it: the facts, less `LOOKUP` for each look-up.
"""

from __future__ import annotations

from nostro.model.failures import Endless
from nostro.processes.kit.decision import Decision

HOPS = 64
"""So many facts may lead to each other, subject to subject: then the one that would tell the next is set aside."""
LOOKUPS = 500
"""So many look-ups of a subject may follow each other, each asked when the one before was answered."""
LOOKUP = HOPS + 1


def emitted(hops: int) -> int:
    """Of a fact that a subject tells another: that one has asked nothing yet."""
    return hops % LOOKUP + 1


def answered(hops: int) -> int:
    """Of the answer to a look-up."""
    return hops - LOOKUP


def bound(hops: int, decision: Decision) -> None:
    """Raises `Endless` when subjects have told each other facts, or one has asked look-ups, for ever."""
    if decision.emits and hops % LOOKUP >= HOPS:
        raise Endless(f"{HOPS} facts in a row led to each other, and it would tell another.")
    if decision.lookup is not None and -(hops // LOOKUP) >= LOOKUPS:
        raise Endless(f"{LOOKUPS} look-ups in a row followed each other, and it would ask another.")
