"""What Nostro wants done outside, in canonical terms.

Connectors declare which of these they can do; the landscape says which connection does which intent for which entity.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from nostro.model.base import ConfidentialText, Value
from nostro.model.money import Money


class Intent(Value):
    """One effect wanted. `operation` is its name in manifests, landscape and metrics; most move or book money.

    An intent with a `connection` of its own goes there; for the others the landscape says which connection does it
    for the entity. `makes`: the kind of the id under which what is made by it is known on the other side, as the ids of
    its outcome bear it; "": it makes nothing that is gone on with.
    """

    operation: ClassVar[str]
    moves_money: ClassVar[bool] = True
    makes: ClassVar[str] = ""
    entity: str

    @property
    def works_on(self) -> str:
        """What on the other side only one command at a time may work on, whichever subject asks; "": its own affair."""
        return ""


def _statement_line(number: int | None) -> str:
    return f"statement_line/{number}" if number is not None else ""


class RegisterCustomerPayment(Intent):
    """Register a customer's payment of an open item in Odoo, by default at capture into the PSP's clearing account.

    `journal` and `payment_method_line` are Odoo ids from the landscape; `memo` is the invoice number, the connector
    adds our correlation id. `provider_reference` is the PSP's id by which a payment that Odoo registered itself is
    found and adopted.
    """

    operation: ClassVar[str] = "register_customer_payment"
    makes: ClassVar[str] = "payment"
    kind: Literal["register_customer_payment"] = "register_customer_payment"
    move_id: int
    amount: Money
    paid_on: date
    journal: int
    memo: str
    provider_reference: str = ""


class BookStatementLine(Intent):
    """Book a bank movement as a statement line. `amount` is signed: a credit to the account is positive.

    With `counterpart` (`receivable` needs `move_id` of the invoice; `account` needs `counterpart_account`) the line's
    other side is put there at once and, for an invoice, reconciled with it; without, it stays on suspense for a person.
    """

    operation: ClassVar[str] = "book_statement_line"
    makes: ClassVar[str] = "statement_line"
    kind: Literal["book_statement_line"] = "book_statement_line"
    journal: int
    amount: Money
    booked_on: date
    reference: str
    counterpart: Literal["suspense", "receivable", "account"] = "suspense"
    move_id: int | None = None
    counterpart_account: int | None = None
    foreign: Money | None = None
    text: ConfidentialText = None
    partner_name: ConfidentialText = None
    account_number: ConfidentialText = None


class Reconcile(Intent):
    """Match a booked statement line, payment or journal entry with the open line of an invoice or credit note.

    `entry` is the move id of a journal entry that has a receivable line of its own.
    """

    operation: ClassVar[str] = "reconcile"
    kind: Literal["reconcile"] = "reconcile"
    move_id: int
    statement_line: int | None = None
    payment: int | None = None
    entry: int | None = None

    @property
    def works_on(self) -> str:
        """The line: a collective credit is matched with the items of several collections."""
        return _statement_line(self.statement_line)


RECEIVABLE_OF_MOVE = 0
"""An `EntryLine.account` that stands for the receivable account (and partner) of `partner_of_move`."""


class EntryLine(Value):
    """One line of a journal entry.

    `balance` is signed in company currency: a debit is positive. `foreign` pins the other side. `account` is the ERP's
    id, or `RECEIVABLE_OF_MOVE`.
    """

    account: int
    balance: Money
    label: str
    foreign: Money | None = None
    partner_of_move: int | None = None


class BookJournalEntry(Intent):
    """Book a journal entry (fees, reserves, chargebacks). Lines balance to zero.

    `reconcile_with` is an invoice's move whose receivable line the entry's receivable line reopens or closes.
    """

    operation: ClassVar[str] = "book_journal_entry"
    makes: ClassVar[str] = "move"
    kind: Literal["book_journal_entry"] = "book_journal_entry"
    journal: int
    booked_on: date
    label: str
    lines: tuple[EntryLine, ...]
    reconcile_with: int | None = None


class ReopenInvoice(Intent):
    """Take back a registered payment: the invoice is open again (chargeback, late return, double register).

    With `payment`: its receivable line is unmatched from the invoice and matched with an entry in `journal` that debits
    receivable and credits `account`. With `statement_line`: it is unmatched and put back on suspense, where the bank's
    return faces it, a statement line of its own (`journal` and `account` are 0).
    """

    operation: ClassVar[str] = "reopen_invoice"
    kind: Literal["reopen_invoice"] = "reopen_invoice"
    move_id: int
    payment: int | None = None
    statement_line: int | None = None
    amount: Money
    booked_on: date
    journal: int
    account: int
    label: str

    @property
    def works_on(self) -> str:
        """The line, as for its match."""
        return _statement_line(self.statement_line)


class RefundPayment(Intent):
    """Pay back a captured payment through its PSP."""

    operation: ClassVar[str] = "refund_payment"
    makes: ClassVar[str] = "refund"
    kind: Literal["refund_payment"] = "refund_payment"
    connection: str
    payment_id: str
    amount: Money
    reason: str = ""


class AnnotatePayment(Intent):
    """Write our correlation id and the invoice number into the PSP's metadata."""

    operation: ClassVar[str] = "annotate_payment"
    moves_money: ClassVar[bool] = False
    kind: Literal["annotate_payment"] = "annotate_payment"
    connection: str
    payment_id: str
    invoice_number: str


class Reread(Intent):
    """Read a receipt again, after a fix. Served by Nostro itself; needs no connection."""

    operation: ClassVar[str] = "reread"
    moves_money: ClassVar[bool] = False
    kind: Literal["reread"] = "reread"
    receipt: str


AnyIntent = Annotated[
    RegisterCustomerPayment
    | BookStatementLine
    | Reconcile
    | BookJournalEntry
    | ReopenInvoice
    | RefundPayment
    | AnnotatePayment
    | Reread,
    Field(discriminator="kind"),
]
INTENTS: tuple[type[Intent], ...] = (
    RegisterCustomerPayment,
    BookStatementLine,
    Reconcile,
    BookJournalEntry,
    ReopenInvoice,
    RefundPayment,
    AnnotatePayment,
    Reread,
)
INTENTS_BY_OPERATION: dict[str, type[Intent]] = {intent.operation: intent for intent in INTENTS}
