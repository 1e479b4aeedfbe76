"""What a payout knows: sums of its lines by kind, never the lines themselves, and what arrived at the bank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Self

from pydantic import Field

from nostro.model.base import Kept
from nostro.model.facts import (
    CommandReleased,
    CommandSettled,
    Fact,
    FactBody,
    FactCorrected,
    PayoutCredited,
    PayoutLineReported,
    PayoutReissued,
    PayoutReported,
)
from nostro.model.money import Money
from nostro.model.payments import Payout
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import Steps, but, same

TAKEN_OVER = frozenset({"charge", "refund", "refund_failure", "dispute", "dispute_reversal", "payout_failure"})
"""Kinds of lines whose money another subject held until they were told here."""
UNKNOWN = frozenset({"transfer", "other"})
"""Kinds that nothing says how to book."""


class Total(Kept):
    """How many lines of a kind there are, and their sums in minor units of the payout's currency."""

    count: int = 0
    gross: int = 0
    fee: int = 0


class Cost(Kept):
    """What the PSP kept of a payout, in minor units: earned, corrected, held back."""

    fees: int = 0
    adjustments: int = 0
    reserve: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.fees + self.adjustments + self.reserve

    def less(self, other: Cost) -> Cost:
        """What of it is not in the other."""
        return Cost(
            fees=self.fees - other.fees,
            adjustments=self.adjustments - other.adjustments,
            reserve=self.reserve - other.reserve,
        )


class Arrival(Kept):
    """A bank movement that is this payout."""

    movement: str
    amount: Money
    booked_on: date


class PayoutState(State):
    """One payout. `entries` are the costs that were worked out each time its lines added up: each is one booking."""

    payout: Payout = Payout()
    currency: str = ""
    totals: dict[str, Total] = Field(default_factory=dict)
    strange: int = 0
    arrivals: tuple[Arrival, ...] = ()
    entries: tuple[Cost, ...] = ()
    reissued_by: str = ""
    reissued: int = 0
    steps: Steps = Steps()
    corrected: str = ""

    @property
    def net(self) -> int:
        """What the lines add up to."""
        return sum(total.gross - total.fee for total in self.totals.values())

    @property
    def count(self) -> int:
        """How many lines were told."""
        return sum(total.count for total in self.totals.values())

    @property
    def adds_up(self) -> bool:
        """Whether its lines add up to it."""
        amount = self.payout.amount
        return amount is not None and self.count > 0 and self.net == amount.minor

    @property
    def complete(self) -> bool:
        """Whether the lines of an automatic payout that was sent add up to it."""
        return self.payout.underway and self.payout.automatic and self.adds_up

    @property
    def arrived(self) -> int:
        """What the bank booked in the payout's currency."""
        return sum(arrival.amount.minor for arrival in self.arrivals if arrival.amount.currency == self.currency)

    @property
    def cost(self) -> Cost:
        """What the PSP kept, by the lines told so far."""
        totals, none = self.totals, Total()
        return Cost(
            fees=sum(total.fee for total in totals.values()) - totals.get("fee", none).gross,
            adjustments=-totals.get("adjustment", none).gross,
            reserve=-totals.get("reserve_hold", none).gross - totals.get("reserve_release", none).gross,
        )

    def gross(self, kinds: frozenset[str]) -> int:
        """The gross sum of some kinds of lines."""
        return sum(total.gross for kind, total in self.totals.items() if kind in kinds)

    def worked_out(self) -> Self:
        """With a booking more when the lines add up and their cost is not that of the bookings before."""
        if not self.complete:
            return self
        booked = self.cost
        for entry in self.entries:
            booked = booked.less(entry)
        return self if booked == Cost() else but(self, entries=(*self.entries, booked))


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact."""
    assert isinstance(data, PayoutState)
    step = _STEPS.get(type(fact.body))
    return step(data, fact.body).worked_out() if step else data


def _reported(data: PayoutState, body: PayoutReported) -> PayoutState:
    told = Payout(stage=body.state, **same(body, "connection payout_id amount arrives_on automatic"))
    return but(data, payout=data.payout.after(told), currency=body.amount.currency)


def _line(data: PayoutState, body: PayoutLineReported) -> PayoutState:
    payout = but(data.payout, **same(body, "connection payout_id"))
    named = but(data, currency=data.currency or body.gross.currency, payout=payout)
    if body.gross.currency != named.currency:
        return but(named, strange=data.strange + 1)
    known = data.totals.get(body.kind, Total())
    total = Total(count=known.count + 1, gross=known.gross + body.gross.minor, fee=known.fee + body.fee.minor)
    return but(named, totals={**data.totals, body.kind: total})


def _arrived(data: PayoutState, body: PayoutCredited) -> PayoutState:
    return but(data, arrivals=(*data.arrivals, Arrival(**same(body, "movement amount booked_on"))))


def _reissued(data: PayoutState, body: PayoutReissued) -> PayoutState:
    return but(data, reissued_by=body.by, reissued=data.reissued + body.amount.minor)


def _settled(data: PayoutState, body: CommandSettled) -> PayoutState:
    return but(data, steps=data.steps.settled(body))


def _released(data: PayoutState, body: CommandReleased) -> PayoutState:
    return but(data, steps=data.steps.released(body))


def _corrected(data: PayoutState, body: FactCorrected) -> PayoutState:
    return but(data, corrected=body.why)


_STEPS: Mapping[type[FactBody], Callable[[PayoutState, Any], PayoutState]] = {
    PayoutReported: _reported,
    PayoutLineReported: _line,
    PayoutCredited: _arrived,
    PayoutReissued: _reissued,
    CommandSettled: _settled,
    CommandReleased: _released,
    FactCorrected: _corrected,
}
