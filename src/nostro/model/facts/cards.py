"""Facts that a payment provider tells. Owners: `collection` for payments, `payout` for payouts and their lines.

Bodies hold only what never changes about the event, so that webhook and poll tell the very same fact.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from nostro.model.base import ConfidentialText
from nostro.model.facts.base import FactBody, PaymentNews
from nostro.model.money import Money, PlainDecimal
from nostro.model.payments import Attempt, DisputeStage, PayoutStage, RefundStage
from nostro.model.references import Reference


class PaymentCaptured(PaymentNews):
    """A card (or wallet, or debit) payment was captured: the PSP owes us the money.

    `invoice_hint` is the invoice number or reference that the payment carries in its metadata or description.
    """

    fact_type: ClassVar[str] = "payment.captured"

    connection: str
    charge_id: str
    payment_id: str = ""
    amount: Money
    method: str = "card"
    captured_on: date
    invoice_hint: str = ""
    correlation: str = ""
    payer_email: ConfidentialText = None
    payer_name: ConfidentialText = None
    description: ConfidentialText = None

    def natural_key(self) -> str:
        """Connection and charge."""
        return self.onward(f"{self.connection}/{self.charge_id}")

    def party(self) -> Reference | None:
        """The payer, by e-mail."""
        return (
            Reference.to("email", self.payer_email) if isinstance(self.payer_email, str) and self.payer_email else None
        )


class PaymentAttempted(FactBody):
    """Something short of capture happened to a payment. An unknown vendor status is `pending`."""

    fact_type: ClassVar[str] = "payment.attempted"
    owner: ClassVar[str] = "collection"

    connection: str
    payment_id: str
    amount: Money
    state: Attempt
    vendor_status: str
    invoice_hint: str = ""
    at: str

    @property
    def stream(self) -> str:
        """All attempts of a subject together: they are kept for the trace only."""
        return "attempt"

    def natural_key(self) -> str:
        """Connection, payment, state and its time."""
        return f"{self.connection}/{self.payment_id}/{self.vendor_status}/{self.at}"


class RefundReported(PaymentNews):
    """A refund's state at the PSP."""

    fact_type: ClassVar[str] = "refund.reported"

    connection: str
    refund_id: str
    charge_id: str
    payment_id: str = ""
    amount: Money
    state: RefundStage
    refunded_on: date
    correlation: str = ""

    def natural_key(self) -> str:
        """Connection, refund and state."""
        return self.onward(f"{self.connection}/{self.refund_id}/{self.state}")


class DisputeReported(PaymentNews):
    """A dispute's (chargeback's) state at the PSP.

    `withdrawn` is what the PSP took from our balance, less what it gave back.
    """

    fact_type: ClassVar[str] = "dispute.reported"

    connection: str
    dispute_id: str
    charge_id: str
    payment_id: str = ""
    amount: Money
    state: DisputeStage
    funds: Literal["kept", "withdrawn", "reinstated"]
    reason: str = ""
    evidence_due_at: str = ""
    disputed_on: date

    def natural_key(self) -> str:
        """Connection, dispute, state and what happened to the funds."""
        return self.onward(f"{self.connection}/{self.dispute_id}/{self.state}/{self.funds}")


class PayoutReported(FactBody):
    """A payout's state at the PSP. `amount` is negative when the PSP debits our bank account.

    The trace id and the day of arrival become known, or change, while the state stays: told again, they are news.
    """

    fact_type: ClassVar[str] = "payout.reported"
    owner: ClassVar[str] = "payout"

    connection: str
    payout_id: str
    amount: Money
    arrives_on: date
    state: PayoutStage
    automatic: bool = True
    trace_id: str = ""
    statement_descriptor: str = ""

    def natural_key(self) -> str:
        """Connection, payout, state, and what becomes known or moves later: the arrival day and the trace id."""
        return f"{self.connection}/{self.payout_id}/{self.state}/{self.arrives_on}/{self.trace_id}"


LineKind = Literal[
    "charge",
    "refund",
    "refund_failure",
    "dispute",
    "dispute_reversal",
    "fee",
    "reserve_hold",
    "reserve_release",
    "adjustment",
    "transfer",
    "payout_failure",
    "other",
]
"""What a balance transaction is.

`payout_failure`: a failed payout (`source_id`) came back to the balance. The payout's own line is none of them: a
reader leaves it out.
"""


class PayoutLineReported(FactBody):
    """One balance transaction of a payout, in settlement currency.

    `gross` - `fee` = `net`, all signed as the PSP's balance sees them. `presentment` is what the payer was charged (or
    got back: negative) when that is another currency, `rate` the PSP's. `fee_parts` splits the fee by the PSP's own
    kinds (processing, application, tax).
    """

    fact_type: ClassVar[str] = "payout.line_reported"
    owner: ClassVar[str] = "payout"

    connection: str
    line_id: str
    payout_id: str
    kind: LineKind
    vendor_kind: str
    source_id: str = ""
    charge_id: str = ""
    gross: Money
    fee: Money
    fee_parts: dict[str, Money] = {}
    net: Money
    presentment: Money | None = None
    rate: PlainDecimal | None = None
    available_on: date | None = None

    @property
    def worth(self) -> Money:
        """What it changes of the balance: `net`, if the PSP's own three figures agree."""
        return self.gross - self.fee

    def natural_key(self) -> str:
        """Connection and balance transaction."""
        return f"{self.connection}/{self.line_id}"


class PayoutCredited(FactBody):
    """A bank movement is this payout arriving (or, when negative, being debited). Emitted by `bank_movement`."""

    fact_type: ClassVar[str] = "payout.credited"
    owner: ClassVar[str] = "payout"

    payout_id: str
    movement: str
    amount: Money
    booked_on: date

    def natural_key(self) -> str:
        """Payout and movement."""
        return f"{self.payout_id}/{self.movement}"


class PayoutReissued(FactBody):
    """A failed payout's money left again with another payout, `by`.

    Emitted by `payout`; `subject` is the failed one.
    """

    fact_type: ClassVar[str] = "payout.reissued"
    owner: ClassVar[str] = "payout"

    subject: str
    by: str
    amount: Money

    def natural_key(self) -> str:
        """The failed payout and the one that carried its money."""
        return f"{self.subject}/{self.by}"
