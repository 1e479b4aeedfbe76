"""Payments of customers and payouts of their providers: how far each has come, when it is final, and its amounts.

Amounts that belong together are whole minor units of one currency (`applied`, `over`, `moved`). A payment or credit
clears of an open item only what `applied` says; the rest is over until somebody moves it or gives it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal, Self, get_args

from nostro.model.base import Kept, Value, changed
from nostro.model.money import Money

Attempt = Literal["pending", "requires_action", "authorised", "failed", "cancelled"]
"""How far a payment has come that nobody has captured: no money of ours moved."""
Lifecycle = Literal["captured", "booked", "paid_out"]
"""What money in has reached, as the posting policy asks: at the provider, on the bank account, settled by the provider.

Refunds and disputes take from its amounts and leave this as it is.
"""
RefundStage = Literal["pending", "succeeded", "failed", "cancelled"]
DisputeStage = Literal["inquiry", "open", "under_review", "won", "lost"]
PayoutStage = Literal["pending", "in_transit", "paid", "failed", "cancelled"]

_CHARGEBACK = timedelta(days=120)
"""The card networks' usual time for a chargeback."""
TAKEN_BACK_WITHIN: Mapping[str, timedelta | None] = {
    **dict.fromkeys(("card", "card_present", "link"), _CHARGEBACK),
    "sepa_debit": timedelta(weeks=8),  # SDD Core rulebook: refund without giving a reason
    "us_bank_account": timedelta(days=60),  # Nacha: return of an unauthorised debit of a consumer
    "acss_debit": timedelta(days=90),  # Payments Canada, rule H1
    "bacs_debit": None,  # the Direct Debit Guarantee knows no end
    "au_becs_debit": timedelta(days=7 * 365),  # Stripe, "BECS Direct Debit payments in Australia": disputes
}
"""Method -> how long its scheme lets the payer have the money back; None: for ever. What stands nowhere here is final
at once."""


class Finality(Value):
    """Until when a scheme lets money go back: provisional before `final_on`, final from then on; None: never final."""

    final_on: date | None

    @classmethod
    def of(cls, method: str, received_on: date) -> Self:
        """The finality of money that came in by that method on that day."""
        within = TAKEN_BACK_WITHIN.get(method, timedelta())
        return cls(final_on=None if within is None else received_on + within)

    def on(self, day: date) -> str:
        """What is to be said of it on a day."""
        if self.final_on is None:
            return "provisional for ever"
        return f"final since {self.final_on}" if self.final_on <= day else f"provisional until {self.final_on}"


class Share(Kept):
    """Whence money that went back was taken: what was over, what cleared this item.

    `moved` is what another item has of it and would have to give up: of a dispute that is not decided yet.
    """

    over: int = 0
    applied: int = 0
    moved: int = 0


class Refund(Kept):
    """Money given back through the PSP. `share` is set when it first succeeded, `note` is its credit note's move."""

    refund_id: str
    amount: Money
    refunded_on: date
    succeeded: bool = False
    failed: bool = False
    share: Share = Share()
    note: int = 0

    @property
    def live(self) -> bool:
        """Whether the payer has the money."""
        return self.succeeded and not self.failed


class Dispute(Kept):
    """A card holder's objection. `opened`: more than an inquiry. `share` is set when the PSP first took the money."""

    dispute_id: str
    amount: Money
    disputed_on: date
    reason: str = ""
    evidence_due_at: str = ""
    opened: bool = False
    withdrawn: bool = False
    reinstated: bool = False
    won: bool = False
    lost: bool = False
    closed_on: date | None = None
    reinstated_on: date | None = None
    share: Share = Share()

    @property
    def live(self) -> bool:
        """Whether the money is gone from the PSP's balance."""
        return self.withdrawn and not self.reinstated

    @property
    def decided(self) -> bool:
        """Whether nothing more is awaited: lost, or won and whatever was taken is back."""
        return self.lost or self.reinstated or (self.won and not self.withdrawn)

    @property
    def cost(self) -> bool:
        """Whether the money is lost for good."""
        return self.lost and self.live


class Incoming(Kept):
    """Money that came in. `source` is its charge or bank movement; `connection` is set when a PSP brought it.

    `registered` is the ERP's payment id, `company` its value there in company currency, a decimal text.
    """

    source: str
    connection: str = ""
    payment_id: str = ""
    method: str
    received_on: date
    amount: Money
    applied: int = 0
    moved: int = 0
    registered: str = ""
    company: str = ""

    @property
    def reached(self) -> tuple[Lifecycle, ...]:
        """All that it has reached, in that order."""
        return ("captured",)

    @property
    def finality(self) -> Finality:
        """Until when its scheme lets it go back."""
        return Finality.of(self.method, self.received_on)

    @property
    def shares(self) -> tuple[Share, ...]:
        """What went back of it."""
        return ()

    @property
    def losses(self) -> tuple[Share, ...]:
        """What went back of it and is to be paid again."""
        return self.shares

    @property
    def over(self) -> int:
        """What of it clears nothing and is still here."""
        over = self.amount.minor - self.applied - self.moved
        for share in self.shares:
            over -= share.over
        return over

    @property
    def cleared(self) -> int:
        """What of it clears the item and was not lost."""
        cleared = self.applied
        for share in self.losses:
            cleared -= share.applied
        return cleared

    def take_back(self, minor: int) -> Share:
        """Whence an amount that goes back is taken: first what is over, then what was applied, then what was moved."""
        over = min(minor, max(0, self.over))
        applied = min(minor - over, max(0, self.applied - sum(share.applied for share in self.shares)))
        return Share(over=over, applied=applied, moved=minor - over - applied)


class Line(Kept):
    """A payout line of a payment. `gross` is signed as the PSP's balance sees it, in settlement currency."""

    line_id: str
    kind: str
    source_id: str = ""
    gross: Money
    presentment: Money | None = None
    settled_on: date


class Payment(Incoming):
    """A captured payment. `waited`: the time in which the ERP's own provider might register it has passed."""

    waited: bool = False
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def reached(self) -> tuple[Lifecycle, ...]:
        """Captured, and paid out once its line is in a payout."""
        return ("captured", "paid_out") if self.charge_line else ("captured",)

    @property
    def shares(self) -> tuple[Share, ...]:
        """What went back, of live refunds and disputes."""
        if not (self.refunds or self.disputes):
            return ()
        return (*(r.share for r in self.refunds if r.live), *(d.share for d in self.disputes if d.live))

    @property
    def losses(self) -> tuple[Share, ...]:
        """A refund is the credit note's matter; a lost dispute is to be paid again."""
        return tuple([d.share for d in self.disputes if d.cost]) if self.disputes else ()

    @property
    def held(self) -> int:
        """What the PSP still owes for it, in the payment's currency; negative when it took back more than it held."""
        held = self.amount.minor
        for refund in self.refunds:
            held -= refund.amount.minor if refund.live else 0
        for dispute in self.disputes:
            held -= dispute.amount.minor if dispute.live else 0
        for line in self.lines:
            held -= self.worth(line)
        return held

    @property
    def charge_line(self) -> Line | None:
        """The line that settled the charge itself."""
        for line in self.lines:
            if line.kind == "charge":
                return line
        return None

    def line_of(self, kind: str, source_id: str) -> Line | None:
        """The line that settled a refund or dispute; without its id, the only one of its kind."""
        alike = [line for line in self.lines if line.kind == kind]
        named = [line for line in alike if line.source_id == source_id]
        return named[0] if named else alike[0] if len(alike) == 1 and not alike[0].source_id else None

    def worth(self, line: Line) -> int:
        """A line as the payer saw it: in the payment's currency, signed as the PSP's balance sees it."""
        sign = -1 if line.gross.minor < 0 else 1
        for told in (line.presentment, line.gross):
            if told is not None and told.currency == self.amount.currency:
                return sign * abs(told.minor)
        known = {r.refund_id: r.amount.minor for r in self.refunds}
        known |= {d.dispute_id: d.amount.minor for d in self.disputes}
        return sign * (self.amount.minor if line.kind == "charge" else known.get(line.source_id, 0))


class Return(Kept):
    """A credit, or part of it, that went back to its payer."""

    movement: str
    amount: Money
    returned_on: date
    reason: str = ""
    share: Share = Share()


class Credit(Incoming):
    """Money that came with a bank movement, or with a card payment that another collection could not use."""

    method: str = "transfer"
    statement_line: str = ""
    returns: tuple[Return, ...] = ()

    @property
    def reached(self) -> tuple[Lifecycle, ...]:
        """Booked on our bank account, unless a provider brought it."""
        return ("captured",) if self.connection else ("booked",)

    @property
    def shares(self) -> tuple[Share, ...]:
        """What was returned."""
        return tuple([returned.share for returned in self.returns]) if self.returns else ()


class Payout(Kept):
    """A provider's payout as it was reported: an `amount` below zero is taken from our bank account.

    `stage` is empty until it was.
    """

    connection: str = ""
    payout_id: str = ""
    amount: Money | None = None
    arrives_on: date | None = None
    stage: PayoutStage | Literal[""] = ""
    automatic: bool = True

    @property
    def underway(self) -> bool:
        """Whether the provider has sent it."""
        return self.stage in ("in_transit", "paid")

    @property
    def failed(self) -> bool:
        """Whether its money stayed with, or went back to the provider."""
        return self.stage in ("failed", "cancelled")

    def after(self, told: Payout) -> Payout:
        """With another telling: the furthest stage counts, in whatever order they come; of two alike, the later day."""
        ahead = _STAGES.index(told.stage) - _STAGES.index(self.stage)
        if ahead < 0:
            return self
        days = [day for day in (told.arrives_on, self.arrives_on if ahead == 0 else None) if day]
        return changed(told, {"arrives_on": max(days, default=None)})


_STAGES = ("", *get_args(PayoutStage))
