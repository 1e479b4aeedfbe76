"""What the sixth version knows more: which refund is matched with which credit note, and what of a note stands."""

from __future__ import annotations

from nostro.model.base import Kept
from nostro.model.money import Money
from nostro.processes.collection.v5.state import CollectionStateV5

MATCHES_KEPT = 200
"""Matches of one item. Of what comes above it a person matches refunds and credit notes."""


class Match(Kept):
    """`minor` of a refund is matched with a credit note, or with the entry that took another refund back.

    `void`: that is over, since the note was withdrawn or the refund failed before it was done.
    """

    refund: str
    note: int
    minor: int
    void: bool = False


class CollectionStateV6(CollectionStateV5):
    """`matches`: all that ever were; of one refund they are told apart by their order. `Refund.note` says nothing here.

    Of a credit note: `stood` is what its invoice was told last of what stands, `stood_at` when that had changed.
    """

    matches: tuple[Match, ...] = ()
    stood: Money | None = None
    stood_at: str = ""

    def occurrences(self) -> list[tuple[Match, int]]:
        """Each match with its place among those of its refund."""
        times: dict[str, int] = {}
        found: list[tuple[Match, int]] = []
        for match in self.matches:
            found.append((match, times.get(match.refund, 0)))
            times[match.refund] = times.get(match.refund, 0) + 1
        return found

    def made(self, source: str) -> set[str]:
        """The refunds of a payment that we made because a person had asked for them."""
        ends = [self.steps.end(f"refund-{source}", n) for n in range(len(self.assignments))]
        return {end.ids["refund"] for end in ends if end is not None and end.there and "refund" in end.ids}
