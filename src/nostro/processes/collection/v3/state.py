"""What the third version knows more: when the ERP had written each of our bookings, and on which journal they stand."""

from __future__ import annotations

from pydantic import Field

from nostro.model.payments import Incoming, Payment
from nostro.processes.collection.v1.effects import plain_step
from nostro.processes.collection.v2.state import CollectionStateV2
from nostro.processes.kit.following import StepEnd


class CollectionStateV3(CollectionStateV2):
    """In the ERP's own order: `told_at` is when it wrote the newest snapshot, `written` when our bookings, by step.

    `journals`: on which journal a payment stands there, by its id. `moments`: when things were told, an instant whose
    day on the entity's clocks only rules know (`days`), or the day itself where it was passed on.
    """

    told_at: str = ""
    written: dict[str, str] = Field(default_factory=dict)
    journals: dict[str, int] = Field(default_factory=dict)
    moments: dict[str, str] = Field(default_factory=dict)

    @property
    def undone(self) -> bool:
        """Whether the newest snapshot is younger than bookings of ours and lacks some of what they had matched."""
        if self.kind != "invoice" or self.withdrawn or self.total is None or self.residual is None:
            return False
        matched = sum(one.cleared for one in self.incoming if self._matched_before(one))
        return self.total.minor - self.residual.minor < min(matched, self.total.minor)

    def refund_end(self, source: str) -> StepEnd | None:
        """How the newest refund ended that a person had asked for, if it did."""
        asked = sum(given.source == source and given.to == "refund" for given in self.assignments)
        return self.steps.end(f"refund-{source}", asked - 1)

    def back_again(self, one: Payment) -> bool:
        """Whether the newest refund that a person had asked for was made, and has failed since."""
        end = self.refund_end(one.source)
        made = end.ids.get("refund", "") if end and end.there else ""
        return any(refund.refund_id == made and refund.failed for refund in one.refunds)

    def _matched_before(self, one: Incoming) -> bool:
        """Of the same second a snapshot may be older. What was lost and given back is `chargeback_reversed`'s."""
        if one.amount.currency != self.currency:
            return False
        if isinstance(one, Payment) and any(dispute.lost and dispute.reinstated for dispute in one.disputes):
            return False
        steps = (f"register-{one.source}", f"reconcile-{plain_step(one.source)}")
        return any(step in self.written and self.written[step] < self.told_at for step in steps)
