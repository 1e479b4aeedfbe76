"""What led to an arrival: facts that subjects told each other, and questions that followed each other.

Both are bounded, each by itself. A question is a look-up that a subject asks, or a fact that it passes on, since it is
another's: a collective credit asks for each of its invoices in turn, the hundredth of a day's equal fees asks each of
those before it, and neither is a circle. One number holds both, and releases that know of facts alone can go on with
it: the facts, less `QUESTION` for each question since the last of them.
"""

from __future__ import annotations

from nostro.model.failures import Endless
from nostro.processes.kit.decision import Decision

HOPS = 64
"""So many facts may lead to each other, subject to subject: then the one that would tell the next is set aside."""
QUESTIONS = 500
"""So many questions may follow each other: look-ups that are each asked when the one before was answered."""
QUESTION = HOPS + 1


def emitted(hops: int, *, passed_on: bool = False) -> int:
    """Of a fact that a subject tells another: that one has asked nothing yet, unless it is `passed_on`."""
    return hops - QUESTION if passed_on else hops % QUESTION + 1


def answered(hops: int) -> int:
    """Of the answer to a look-up."""
    return hops - QUESTION


def bound(hops: int, decision: Decision) -> None:
    """Raises `Endless` when subjects have told each other facts, or asked, for ever."""
    if decision.emits and hops % QUESTION >= HOPS:
        raise Endless(f"{HOPS} facts in a row led to each other, and it would tell another.")
    if (decision.lookup is not None or decision.disowns) and -(hops // QUESTION) >= QUESTIONS:
        raise Endless(f"{QUESTIONS} questions in a row followed each other, and it would ask another.")
