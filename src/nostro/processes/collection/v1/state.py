"""What a collection knows of its open item: amounts, not only a state, because money goes back and forth.

Amounts that belong together are whole minor units of one currency (`applied`, `over`, `moved`). A payment or credit
clears of the item only what `applied` says; the rest is over until somebody moves it or gives it back.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from nostro.model.base import Value
from nostro.model.facts import (
    CollectionCredited,
    CollectionPaidOut,
    CollectionPaymentMoved,
    CollectionReturned,
    DisputeReported,
    PaymentCaptured,
    PaymentRegistered,
    RefundReported,
)
from nostro.model.money import Money
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import Steps

PAYMENTS_LIMIT = 50
"""Payments and credits that one item holds each. What comes above it is a case, and nothing is done with it."""


class Share(Value):
    """Whence money that went back was taken: what was over, what cleared this item.

    `moved` is what another item has of it and would have to give up: of a dispute that is not decided yet.
    """

    over: int = 0
    applied: int = 0
    moved: int = 0


class Refund(Value):
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


class Dispute(Value):
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


class Incoming(Value):
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
        return self.amount.minor - self.applied - self.moved - sum(share.over for share in self.shares)

    @property
    def cleared(self) -> int:
        """What of it clears the item and was not lost."""
        return self.applied - sum(share.applied for share in self.losses)

    def take_back(self, minor: int) -> Share:
        """Whence an amount that goes back is taken: first what is over, then what was applied, then what was moved."""
        over = min(minor, max(0, self.over))
        applied = min(minor - over, max(0, self.applied - sum(share.applied for share in self.shares)))
        return Share(over=over, applied=applied, moved=minor - over - applied)


class Line(Value):
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
    def shares(self) -> tuple[Share, ...]:
        """What went back, of live refunds and disputes."""
        return tuple(r.share for r in self.refunds if r.live) + tuple(d.share for d in self.disputes if d.live)

    @property
    def losses(self) -> tuple[Share, ...]:
        """A refund is the credit note's matter; a lost dispute is to be paid again."""
        return tuple(d.share for d in self.disputes if d.cost)

    @property
    def held(self) -> int:
        """What the PSP still owes for it, in the payment's currency; negative when it took back more than it held."""
        back = (*(r.amount.minor for r in self.refunds if r.live), *(d.amount.minor for d in self.disputes if d.live))
        return self.amount.minor - sum(back) - sum(self.worth(line) for line in self.lines)

    @property
    def charge_line(self) -> Line | None:
        """The line that settled the charge itself."""
        return next((line for line in self.lines if line.kind == "charge"), None)

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


class Return(Value):
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
    def shares(self) -> tuple[Share, ...]:
        """What was returned."""
        return tuple(returned.share for returned in self.returns)


class Registered(Value):
    """A payment that the ERP's own provider registered before its capture was told to us."""

    payment: str
    provider_reference: str
    amount: Money
    company: str = ""


class CreditNote(Value):
    """A credit note that takes this invoice back, wholly or in part."""

    move_id: int
    amount: Money


class Assignment(Value):
    """A person says what becomes of money that is over: `refund` it, or another item or payout gets it as `name`."""

    source: str
    name: str
    to: str
    subject: str
    amount: Money


class Recall(Value):
    """Money that had been moved to another item (`subject`, as `name`) went back to the payer."""

    movement: str
    name: str
    subject: str
    amount: Money
    returned_on: date
    reason: str = ""


News = (
    PaymentCaptured
    | PaymentRegistered
    | RefundReported
    | DisputeReported
    | CollectionPaidOut
    | CollectionCredited
    | CollectionPaymentMoved
    | CollectionReturned
)
"""What can be told of money without an item, and is passed on as soon as the item is known."""
NEWS_LIMIT = 200
"""How much of it is kept. Money of which more is told waits for a person."""

Lead = tuple[str, str, str]
"""A reference that may lead to the item: kind, value, scope."""


class CollectionState(State):
    """One open item, or money without one (`unapplied`). `kind` is empty while only attempts and the like were told.

    `elsewhere` is what others paid of the item in the ERP, in minor units of `total`'s currency.

    Of money without an item: `leads` are still asked, `candidates` are the items that they led to. The one that it
    belongs to is `item`: from then on it holds nothing of its own, and all its `news` were passed on there.
    """

    kind: Literal["", "invoice", "credit_note", "unapplied"] = ""
    connection: str = ""
    database: str = ""
    move_id: int = 0
    number: str = ""
    partner_id: int = 0
    total: Money | None = None
    residual: Money | None = None
    elsewhere: int = 0
    reverses: int | None = None
    withdrawn: str = ""
    reopened: bool = False
    payments: tuple[Payment, ...] = ()
    credits: tuple[Credit, ...] = ()
    credit_notes: tuple[CreditNote, ...] = ()
    expected: tuple[Registered, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    recalls: tuple[Recall, ...] = ()
    steps: Steps = Steps()
    refused: int = 0
    strangers: tuple[str, ...] = ()
    corrected: str = ""
    attempt: str = ""
    news: tuple[News, ...] = ()
    leads: tuple[Lead, ...] = ()
    candidates: tuple[str, ...] = ()
    item: str = ""

    @property
    def currency(self) -> str:
        """The item's currency; empty for money without item."""
        return self.total.currency if self.total else ""

    @property
    def incoming(self) -> tuple[Incoming, ...]:
        """All payments and credits."""
        return (*self.payments, *self.credits)

    @property
    def spare(self) -> tuple[Incoming, ...]:
        """Payments and credits of which something is over."""
        return tuple(one for one in self.incoming if one.over > 0)

    @property
    def cleared(self) -> int:
        """What our payments and credits clear of the item, less what was lost or returned."""
        told = [(e.amount.currency, e.amount.minor) for e in self.expected]
        ours = [(one.amount.currency, one.cleared) for one in self.incoming]
        return sum(minor for currency, minor in (*ours, *told) if currency == self.currency)

    @property
    def outstanding(self) -> int:
        """What is still to be paid of the item, as far as we know."""
        if self.total is None or self.withdrawn:
            return 0
        if self.kind == "credit_note":
            return self.residual.minor if self.residual else 0
        return self.total.minor - self.cleared - self.elsewhere

    def room(self, money: Money) -> int:
        """How much of this money the item can take."""
        if self.kind != "invoice" or money.currency != self.currency:
            return 0
        return max(0, min(money.minor, self.outstanding))

    def payment(self, charge_id: str, payment_id: str = "") -> Payment | None:
        """The payment of that charge, or of that payment id."""
        by_charge = next((p for p in self.payments if p.source == charge_id), None)
        return by_charge or next((p for p in self.payments if payment_id and p.payment_id == payment_id), None)

    def credit(self, source: str) -> Credit | None:
        """The credit that came with that movement or charge."""
        return next((c for c in self.credits if c.source == source), None)

    def still_moved(self, given: Assignment) -> int:
        """What of a move was not recalled."""
        back = sum(recall.amount.minor for recall in self.recalls if recall.name == given.name)
        return given.amount.minor - back if given.to == "collection" else 0
