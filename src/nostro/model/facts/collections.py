"""Facts that other processes tell a collection. Owner: `collection`."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from nostro.model.base import ConfidentialText
from nostro.model.facts.base import FactBody, PaymentNews
from nostro.model.money import Money


class CollectionCredited(FactBody):
    """A booked bank movement pays (part of) this open item.

    Emitted by `bank_movement` when a reference or a person says so.

    `statement_line` is the ERP's id once the movement is booked there, empty while it isn't.
    """

    fact_type: ClassVar[str] = "collection.credited"
    owner: ClassVar[str] = "collection"

    subject: str
    movement: str
    amount: Money
    booked_on: date
    statement_line: str = ""
    by: Literal["reference", "person"] = "reference"

    def natural_key(self) -> str:
        """Movement and target."""
        return f"{self.movement}/{self.subject}"


class CollectionReturned(FactBody):
    """A credit that had paid this item went back to the payer (late return, reversal). Emitted by `bank_movement`."""

    fact_type: ClassVar[str] = "collection.returned"
    owner: ClassVar[str] = "collection"

    subject: str
    movement: str
    original_movement: str
    amount: Money
    booked_on: date
    reason: str = ""

    def natural_key(self) -> str:
        """Movement, what it takes back, and target."""
        return f"{self.movement}/{self.original_movement}/{self.subject}"


class MoneyUnapplied(FactBody):
    """Money arrived that no reference leads from. It becomes a collection of kind `unapplied`, and a case.

    `leads` are the references (kind, value) that may still lead to an open item when that comes late.
    """

    fact_type: ClassVar[str] = "money.unapplied"
    owner: ClassVar[str] = "collection"

    movement: str
    amount: Money
    booked_on: date
    statement_line: str = ""
    leads: tuple[tuple[str, str], ...] = ()
    payer_name: ConfidentialText = None
    payer_iban: ConfidentialText = None
    remittance: ConfidentialText = None

    def natural_key(self) -> str:
        """The movement."""
        return self.movement

    def begins(self, entity: str) -> str:
        """The collection that this money is until it is matched: `bank_movement` tells its returns there."""
        return f"{entity}/unapplied/{self.movement}"


class CollectionPaidOut(PaymentNews):
    """A payout line of this collection: its charge, refund or dispute is settled by the PSP. Emitted by `payout`."""

    fact_type: ClassVar[str] = "collection.paid_out"

    connection: str
    charge_id: str
    line_id: str
    payout_id: str
    kind: Literal["charge", "refund", "refund_failure", "dispute", "dispute_reversal"]
    gross: Money
    fee: Money
    presentment: Money | None = None
    source_id: str = ""

    def natural_key(self) -> str:
        """Connection and balance transaction."""
        return self.onward(f"{self.connection}/{self.line_id}")


class CollectionPaymentMoved(FactBody):
    """A card payment that one collection could not use pays another open item, as a person says.

    Emitted by `collection`. `origin` is the collection that keeps the payment's story at the PSP: refunds and disputes
    arrive there.
    """

    fact_type: ClassVar[str] = "collection.payment_moved"
    owner: ClassVar[str] = "collection"

    subject: str
    origin: str
    connection: str
    charge_id: str
    payment_id: str = ""
    amount: Money
    method: str
    captured_on: date

    def natural_key(self) -> str:
        """The charge, whence and whither."""
        return f"{self.connection}/{self.charge_id}/{self.origin}/{self.subject}"


class CollectionCreditNoted(FactBody):
    """A credit note takes this invoice back, wholly or in part. Emitted by the credit note's own collection."""

    fact_type: ClassVar[str] = "collection.credit_noted"
    owner: ClassVar[str] = "collection"

    subject: str
    move_id: int
    number: str
    amount: Money

    def natural_key(self) -> str:
        """Credit note and invoice."""
        return f"{self.subject}/{self.move_id}"


class CollectionCreditNoteChanged(FactBody):
    """What of a credit note that an invoice was told of stands now: nought once the ERP withdrew it.

    Told again when it is posted anew. Emitted by the credit note's own collection; `changed_at` is the ERP's.
    """

    fact_type: ClassVar[str] = "collection.credit_note_changed"
    owner: ClassVar[str] = "collection"

    subject: str
    move_id: int
    number: str
    amount: Money
    changed_at: str

    def natural_key(self) -> str:
        """Credit note and invoice, when it changed, and to what."""
        return f"{self.subject}/{self.move_id}/{self.changed_at}/{self.amount.minor}"
