"""What the fifth version sees in what it knows: which of the money that is over is on its way back."""

from __future__ import annotations

from nostro.model.outcomes import OutcomeKind
from nostro.model.payments import Incoming, Payment
from nostro.processes.collection.v3.state import CollectionStateV3


class CollectionStateV5(CollectionStateV3):
    """As the third version's; what is stored is the same."""

    @property
    def movable(self) -> tuple[Incoming, ...]:
        """Of what is over, what isn't on its way back to the payer."""
        return tuple([one for one in self.spare if not self.on_its_way_back(one)])

    def on_its_way_back(self, one: Incoming) -> bool:
        """Whether a person has asked that it is given back, and that was neither refused nor has failed.

        A refund that was made is on its way until the PSP says how it ended.
        """
        if not isinstance(one, Payment) or not self._asked_back(one):
            return False
        end = self.refund_end(one.source)
        if end is None or end.kind is OutcomeKind.HANDED_OVER:
            return True
        made = end.ids.get("refund", "")
        return end.there and not any(r.refund_id == made and (r.succeeded or r.failed) for r in one.refunds)

    def back_again(self, one: Payment) -> bool:
        """Also what a second person had refused to give back: he, or another one, may think better of it."""
        end = self.refund_end(one.source)
        return super().back_again(one) or (end is not None and end.kind is OutcomeKind.DISCARDED)

    def _asked_back(self, one: Payment) -> bool:
        return any(given.source == one.source and given.to == "refund" for given in self.assignments)
