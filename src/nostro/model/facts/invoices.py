"""Facts about open items, told by an ERP. Owner: `collection`."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from nostro.model.base import ConfidentialText
from nostro.model.canonical import digest
from nostro.model.facts.base import FactBody, PaymentNews
from nostro.model.money import Money
from nostro.model.references import Reference


class InvoicePosted(FactBody):
    """A posted customer invoice or credit note as the ERP shows it at `changed_at`.

    A snapshot, told again at each change.

    `residual` is what the ERP still holds open; `reverses_move` the invoice that a credit note takes back. `changed_at`
    is the ERP's write date (UTC text, seconds): its own order.
    """

    fact_type: ClassVar[str] = "invoice.posted"
    owner: ClassVar[str] = "collection"

    connection: str
    database: str
    move_id: int
    number: str
    kind: Literal["invoice", "credit_note"]
    partner_id: int
    issued_on: date
    due_on: date | None = None
    total: Money
    residual: Money
    payment_reference: str = ""
    payment_state: str = ""
    changed_at: str
    reverses_move: int | None = None
    partner_name: ConfidentialText = None
    partner_email: ConfidentialText = None

    @property
    def worth(self) -> Money:
        """What it asks for; a credit note gives it back."""
        return self.total if self.kind == "invoice" else -self.total

    @property
    def stream(self) -> str:
        """The invoice, of which its subject has one only."""
        return "invoice"

    def natural_key(self) -> str:
        """Connection, move, write date and content: the ERP's write date has seconds only, and states come back."""
        told = digest(self.model_copy(update={"partner_name": None, "partner_email": None})).hex()[:16]
        return f"{self.connection}/{self.database}/{self.move_id}/{self.changed_at}/{told}"

    def party(self) -> Reference | None:
        """The customer."""
        return Reference.to("partner", f"{self.connection}/{self.partner_id}")


class InvoiceWithdrawn(FactBody):
    """An invoice that was posted is now draft, cancelled or gone; one that is gone tells no number any more."""

    fact_type: ClassVar[str] = "invoice.withdrawn"
    owner: ClassVar[str] = "collection"

    connection: str
    database: str
    move_id: int
    number: str
    why: Literal["draft", "cancelled", "gone"]
    changed_at: str

    @property
    def stream(self) -> str:
        """The same one as of its postings."""
        return "invoice"

    def natural_key(self) -> str:
        """Connection, move and write date."""
        return f"{self.connection}/{self.database}/{self.move_id}/{self.changed_at}/{self.why}"


class PaymentRegistered(PaymentNews):
    """A customer payment stands in the ERP, whoever registered it.

    What its own provider registered is adopted, never doubled.

    `company_amount` is its value in company currency. `correlation` is our id when its memo carries one;
    `provider_reference` the PSP's id when it carries that.
    """

    fact_type: ClassVar[str] = "payment.registered"

    connection: str
    database: str
    payment_id: int
    amount: Money
    paid_on: date
    journal: int
    move_ids: tuple[int, ...]
    correlation: str = ""
    provider_reference: str = ""
    company_amount: Money | None = None
    state: str
    changed_at: str
    memo: ConfidentialText = None

    @property
    def stream(self) -> str:
        """The payment: an item may have several, and their write dates say nothing about each other."""
        return f"registered/{self.database}/{self.payment_id}"

    @property
    def order(self) -> str:
        """The payment's write date: the envelope of a copy has the order of what had it passed on."""
        return self.changed_at

    def natural_key(self) -> str:
        """Connection, payment, write date and content."""
        told = digest(self.model_copy(update={"memo": None})).hex()[:16]
        return f"{self.connection}/{self.database}/{self.payment_id}/{self.changed_at}/{told}"
