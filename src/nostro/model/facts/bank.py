"""Facts that banks tell. Owners: `statement_series` for statements, `bank_movement` for entries."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from nostro.model.base import CONFIDENTIAL, ConfidentialText, Erased, Value
from nostro.model.facts.base import FactBody
from nostro.model.money import Amount, Money
from nostro.model.references import Reference
from nostro.model.statements import Check, Entry, ReportKind


class StatementReceived(FactBody):
    """One statement, report or notification was read.

    Balances are signed; `account` is the bank account's id in the landscape. The `interim` ones are those that a page
    begins or ends with where it tells no booked one there.

    `content_digest` tells a doubled statement (same) from a restated one (same id, other content).
    """

    fact_type: ClassVar[str] = "statement.received"
    owner: ClassVar[str] = "statement_series"

    account: str
    kind: ReportKind
    statement_id: str
    sequence: int | None = None
    page: int = 1
    last_page: bool = True
    created_at: str = ""
    from_date: date | None = None
    to_date: date | None = None
    opening: Amount | None = None
    closing: Amount | None = None
    interim_opening: Amount | None = None
    interim_closing: Amount | None = None
    entries: int
    booked_sum: Amount | None = None
    content_digest: str
    checks: tuple[Check, ...] = ()

    def natural_key(self) -> str:
        """Account, kind, statement id, content and creation: a statement sent anew is news, though not its entries."""
        return f"{self.account}/{self.kind}/{self.statement_id}/{self.content_digest}/{self.created_at}"


class ListedLine(Value):
    """A booked entry as a statement lists it: enough to see whether it is listed again when that is restated."""

    amount: Money
    direction: Literal["credit", "debit"]
    day: date | None = None
    servicer_reference: str = ""


class StatementListed(FactBody):
    """What one statement lists, so that what a corrected one leaves out is seen.

    `statement` names it whatever document tells it: by day and number, else by the bank's id. `told_at`: when the bank
    made the document, as text that sorts. A statement of very many entries tells how many are `left_out`: all of them.
    """

    fact_type: ClassVar[str] = "statement.listed"
    owner: ClassVar[str] = "statement_series"

    account: str
    statement: str
    statement_id: str
    told_at: str
    content_digest: str
    lines: tuple[ListedLine, ...] = ()
    left_out: int = 0

    def natural_key(self) -> str:
        """The statement, its content and when it was made."""
        return f"{self.account}/{self.statement}/{self.statement_id}/{self.content_digest}/{self.told_at}"

    @property
    def stream(self) -> str:
        """The statement."""
        return "lines"

    @property
    def order(self) -> str:
        """When the bank made it."""
        return self.told_at


class EntryPart(Value):
    """One payment inside a collective entry, in the entry's direction."""

    amount: Money
    end_to_end: str = ""
    structured: str = ""
    invoice_hints: tuple[str, ...] = ()


class EntryReported(FactBody):
    """One entry of a statement, report or notification: one *report* of a bank movement.

    `amount` is >= 0 with `direction`; `reversal` says that it takes back an earlier movement. `parts` are the payments
    inside a collective entry; they sum to it.

    What tells this entry from others: `fingerprint` and `ordinal` name it within its document, without saying anything
    about a person; `twin` counts the entries before it that say the very same, payer and text included; `place` is the
    booked balance before it, and `rank` counts the entries of a statement before it with this amount at this place, or
    of this amount where there is none. `repeats`: documents of this kind tell again what earlier ones of the day told.
    `scheme`: whether all documents of this bank call a movement alike (`shared`), or statements otherwise (`own`).

    `probe`, `doubts` and `contrary` are not the bank's: a movement that this report does not belong to passes it on
    with them. `contrary`: one of the doubts shares an id of the bank's with it, and contradicts it otherwise. `known`:
    the movement that was asked first has another amount; it is the first of the doubts and has this one, or, where
    this is nothing, no doubt.
    """

    fact_type: ClassVar[str] = "statement.entry_reported"
    owner: ClassVar[str] = "bank_movement"

    account: str
    kind: ReportKind
    statement_id: str
    amount: Money
    direction: Literal["credit", "debit"]
    booked: bool
    reversal: bool = False
    booking_date: date | None = None
    value_date: date | None = None
    servicer_reference: str = ""
    entry_reference: str = ""
    end_to_end: str = ""
    uetr: str = ""
    structured: str = ""
    invoice_hints: tuple[str, ...] = ()
    parts: tuple[EntryPart, ...] = ()
    bank_transaction_code: str = ""
    return_reason: str = ""
    original_end_to_end: str = ""
    instructed: Amount | None = None
    charges: Amount | None = None
    fingerprint: str
    ordinal: int = 0
    twin: int = 0
    rank: int = 0
    place: Amount | None = None
    repeats: bool = False
    scheme: Literal["unknown", "own", "shared"] = "unknown"
    details: int = 0
    probe: int = 0
    doubts: tuple[str, ...] = ()
    contrary: bool = False
    known: Money | None = None
    counterparty_name: ConfidentialText = None
    counterparty_iban: ConfidentialText = None
    remittance: ConfidentialText = None
    entry: Annotated[Entry | Erased | None, CONFIDENTIAL] = None

    def natural_key(self) -> str:
        """Account, kind, statement, fingerprint and ordinal among equals, and how often it was passed on.

        Not the bank's own reference: Swiss entry references repeat within a day, and numbers begin anew each year.
        """
        passed = f"/{self.probe}" if self.probe else ""
        return f"{self.account}/{self.kind}/{self.statement_id}/{self.fingerprint}/{self.ordinal}{passed}"

    @property
    def worth(self) -> Money:
        """Its amount as the bank account sees it."""
        return self.amount if self.direction == "credit" else -self.amount

    def party(self) -> Reference | None:
        """The counterparty, by IBAN."""
        if isinstance(self.counterparty_iban, str) and self.counterparty_iban:
            return Reference.to("iban", self.counterparty_iban)
        return None


class MovementRelated(FactBody):
    """What another movement says of this one (`subject`): it took it back, or is the same, as a person found.

    Emitted by `bank_movement`. `amount` is `movement`'s, as the bank account sees it: what takes back a credit is
    negative. `stated`: a statement lists the one that is the same.
    """

    fact_type: ClassVar[str] = "movement.related"
    owner: ClassVar[str] = "bank_movement"

    subject: str
    movement: str
    relation: Literal["returned", "same"]
    amount: Money
    booked_on: date
    reason: str = ""
    stated: bool = False

    def natural_key(self) -> str:
        """Both movements and how they are related."""
        return f"{self.subject}/{self.movement}/{self.relation}"
