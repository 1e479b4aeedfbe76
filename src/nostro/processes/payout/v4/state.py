"""What the fourth version knows more: whether the time for a payout's lines has passed."""

from __future__ import annotations

from nostro.model.facts import DeadlineFellDue, Fact
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but
from nostro.processes.payout.v1.state import PayoutState
from nostro.processes.payout.v1.state import evolve as evolve_v1

AWAITED = ("collecting", "lacking")
"""The deadlines by which its lines have to be there."""


class PayoutStateV4(PayoutState):
    """`waited`: the time has passed in which the lines that are missing should have come."""

    waited: bool = False

    @property
    def complete(self) -> bool:
        """Whether the lines of an automatic payout add up to it, be it that it was sent or that it failed."""
        return (self.payout.underway or self.payout.failed) and self.payout.automatic and self.adds_up

    @property
    def lacks(self) -> bool:
        """Whether its report or lines are still awaited; nobody tells the lines of one that was made by hand."""
        known = self.payout.underway or self.payout.failed or self.reissued_by
        return not self.complete and (self.payout.automatic or not known)


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact. What is complete and then lacks lines again is given the same time once more."""
    after = evolve_v1(data, fact)
    assert isinstance(after, PayoutStateV4)
    passed = isinstance(fact.body, DeadlineFellDue) and fact.body.name in AWAITED
    waited = (after.waited or passed) and not after.complete
    return after if waited == after.waited else but(after, waited=waited)
