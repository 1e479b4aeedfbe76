"""Facts that banks tell. Owners: `statement_series` for statements, `bank_movement` for entries."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from nostro.model.base import CONFIDENTIAL, ConfidentialText, Erased
from nostro.model.facts.base import FactBody
from nostro.model.money import Amount, Money
from nostro.model.references import Reference
from nostro.model.statements import Check, Entry, ReportKind


class StatementReceived(FactBody):
    """One statement, report or notification was read.

    Balances are signed; `account` is the bank account's id in the landscape.

    `digest` tells a doubled statement (same) from a restated one (same id, other content).
    """

    fact_type: ClassVar[str] = "statement.received"
    owner: ClassVar[str] = "statement_series"

    account: str
    kind: ReportKind
    statement_id: str
    sequence: int | None = None
    created_at: str = ""
    from_date: date | None = None
    to_date: date | None = None
    opening: Amount | None = None
    closing: Amount | None = None
    entries: int
    booked_sum: Amount | None = None
    content_digest: str
    checks: tuple[Check, ...] = ()

    def natural_key(self) -> str:
        """Account, kind, statement id and content: a doubled one is the same fact, a restated one another."""
        return f"{self.account}/{self.kind}/{self.statement_id}/{self.content_digest}"


class EntryReported(FactBody):
    """One entry of a statement, report or notification: one *report* of a bank movement.

    `fingerprint` and `ordinal` identify it within its document where the bank gives no reference. `amount` is >= 0 with
    `direction`; `reversal` says that it takes back an earlier movement.
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
    structured: str = ""
    invoice_hints: tuple[str, ...] = ()
    bank_transaction_code: str = ""
    return_reason: str = ""
    original_end_to_end: str = ""
    instructed: Amount | None = None
    charges: Amount | None = None
    fingerprint: str
    ordinal: int = 0
    details: int = 0
    counterparty_name: ConfidentialText = None
    counterparty_iban: ConfidentialText = None
    remittance: ConfidentialText = None
    entry: Annotated[Entry | Erased | None, CONFIDENTIAL] = None

    def natural_key(self) -> str:
        """Account, kind, statement, the bank's reference or the fingerprint, and the ordinal among equals."""
        name = self.servicer_reference or self.entry_reference or self.fingerprint
        return f"{self.account}/{self.kind}/{self.statement_id}/{name}/{self.ordinal}"

    def party(self) -> Reference | None:
        """The counterparty, by IBAN."""
        if isinstance(self.counterparty_iban, str) and self.counterparty_iban:
            return Reference.to("iban", self.counterparty_iban)
        return None
