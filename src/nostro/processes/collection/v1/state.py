"""What a collection knows of its open item and of the payments for it."""

from __future__ import annotations

from datetime import date
from typing import Literal

from nostro.model.base import Kept
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
from nostro.model.payments import Credit, Incoming, Payment
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import Steps

PAYMENTS_LIMIT = 50
"""Payments and credits that one item holds each. What comes above it is a case, and nothing is done with it."""


class Registered(Kept):
    """A payment that the ERP's own provider registered before its capture was told to us."""

    payment: str
    provider_reference: str
    amount: Money
    company: str = ""


class CreditNote(Kept):
    """A credit note that takes this invoice back, wholly or in part."""

    move_id: int
    amount: Money


class Assignment(Kept):
    """A person says what becomes of money that is over: `refund` it, or another item or payout gets it as `name`."""

    source: str
    name: str
    to: str
    subject: str
    amount: Money


class Recall(Kept):
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
        return tuple([one for one in self.incoming if one.over > 0])

    @property
    def movable(self) -> tuple[Incoming, ...]:
        """Of what is over, what a person can use for something else."""
        return self.spare

    @property
    def cleared(self) -> int:
        """What our payments and credits clear of the item, less what was lost or returned."""
        currency, cleared = self.currency, 0
        for one in self.incoming:
            cleared += one.cleared if one.amount.currency == currency else 0
        for told in self.expected:
            cleared += told.amount.minor if told.amount.currency == currency else 0
        return cleared

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
        for payment in self.payments:
            if payment.source == charge_id:
                return payment
        return next((p for p in self.payments if payment_id and p.payment_id == payment_id), None)

    def credit(self, source: str) -> Credit | None:
        """The credit that came with that movement or charge."""
        return next((c for c in self.credits if c.source == source), None)

    def still_moved(self, given: Assignment) -> int:
        """What of a move was not recalled."""
        back = sum(recall.amount.minor for recall in self.recalls if recall.name == given.name)
        return given.amount.minor - back if given.to == "collection" else 0
