"""Messages about payments: instructions, their statuses, returns and cancellations, with ISO 20022's business names.

A message is told as a stream, so that a file of any size fits in memory: its `MessageHead`, its items in the document's
order, and its `MessageEnd`. Amounts are >= 0; who pays whom is said by `debtor` and `creditor`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, SkipValidation

from nostro.model.base import Value
from nostro.model.money import Amount, PlainDecimal
from nostro.model.parties import BankAccount, Party
from nostro.model.remittance import Document
from nostro.model.statements import Charge, Check, Exchange, References, ReturnInformation, Source

MessageKind = Literal[
    "payment_initiation",  # pain.001, pain.008, pain.013, MT101, NACHA, Bacs Standard 18, CFONB 160
    "payment_status",  # pain.002, pain.014, pacs.002, Bacs and NACHA advices
    "interbank_payment",  # pacs.003, pacs.008, pacs.009, pacs.010, MT103, MT202
    "payment_return",  # pacs.004, returned NACHA entries, ARUDD
    "payment_cancellation",  # camt.055, camt.056
    "investigation",  # camt.026, camt.028, camt.029, camt.035
    "status_request",  # pacs.028
    "reporting_request",  # camt.060
    "notice_to_receive",  # camt.057, camt.058
    "remittance_advice",  # remt.001
    "mandate_change",  # ADDACS, AUDDIS, AWACS
    "billing_statement",  # camt.086
]
Method = Literal["credit_transfer", "direct_debit", "request_to_pay", "cheque", "prenote", ""]
Level = Literal["message", "group", "transaction"]


class OriginalMessage(Value):
    """The message that this one answers or takes back."""

    message_id: str = ""
    name: str = ""
    created_at: datetime | None = None
    count: int | None = None
    control_sum: PlainDecimal | None = None


class Envelope(Value):
    """What carried the message: the business application header (head.001) or a network's own."""

    sender: str = ""
    receiver: str = ""
    business_message_id: str = ""
    definition: str = ""
    service: str = ""
    possible_duplicate: bool = False


class Reason(Value):
    """Why: a code of an external code set (`AC04`, `RCVC`, `R01`), or the bank's own; what it says besides, and who."""

    code: str = ""
    proprietary: str = ""
    text: str = ""
    originator: str | None = None


class Case(Value):
    """An exception that banks talk about: its id with who opened it, and from whom it went to whom (`Case`, `Assgnmt`).

    camt.026, 028, 029, 055, 056 and 087: the payments that it is about are the message's, as instructions (with the
    reason in `returned`) or, in an answer, as statuses.
    """

    case_id: str
    creator: str = ""
    assigner: str = ""
    assignee: str = ""
    reopened: bool | None = None


class MessageHead(Value):
    """A message without its items. `declared_*` is what the sender counted: never believed, always checked."""

    kind: MessageKind
    message_id: str
    created_at: datetime | None = None
    created_on: date | None = None
    initiating_party: Party | None = None
    original: OriginalMessage | None = None
    status: str = ""
    reasons: tuple[Reason, ...] = ()
    declared_count: int | None = None
    declared_sum: PlainDecimal | None = None
    envelope: Envelope | None = None
    case: Case | None = None
    others: dict[str, str] = {}
    source: Source
    format: str = ""


class Mandate(Value):
    """A payer's permission to collect (EPC "SEPA Direct Debit Rulebook", AT-T001 and on)."""

    mandate_id: str = ""
    signed_on: date | None = None
    sequence: str = ""
    creditor_id: str = ""
    amended_from: str = ""


class RequestTerms(Value):
    """What a request to pay allows and asks for (pain.013: `XpryDt` and `PmtCond`); None where nothing is told."""

    expires_at: datetime | None = None
    expires_on: date | None = None
    amount_changeable: bool | None = None
    early_payment: bool | None = None
    guaranteed: bool | None = None
    delay_penalty: str = ""
    early_discount: Amount | None = None
    early_discount_percentage: PlainDecimal | None = None


class Instruction(Value):
    """One payment as it is instructed, passed on, requested or returned.

    `group` names the batch in it (`PmtInfId`, a NACHA batch); `amount` is in the currency that is moved, `equivalent`
    what the payer wants to spend of another one, `original_amount` what the payment had moved of which another amount
    comes back. Dates have no zone.
    """

    method: Method = "credit_transfer"
    amount: Amount | None = None
    equivalent: Amount | None = None
    original_amount: Amount | None = None
    group: str = ""
    references: References = References()
    execution_date: date | None = None
    settlement_date: date | None = None
    debtor: Party | None = None
    debtor_account: BankAccount | None = None
    ultimate_debtor: Party | None = None
    creditor: Party | None = None
    creditor_account: BankAccount | None = None
    ultimate_creditor: Party | None = None
    agents: tuple[BankAccount, ...] = ()
    charge_bearer: str = ""
    service_level: str = ""
    local_instrument: str = ""
    category_purpose: str = ""
    purpose: str = ""
    priority: str = ""
    batch_booking: bool | None = None
    mandate: Mandate | None = None
    remittance: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()
    exchange: Exchange | None = None
    charges: tuple[Charge, ...] = ()
    returned: ReturnInformation | None = None
    regulatory: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()
    request: RequestTerms | None = None
    others: dict[str, str] = {}
    source: Source


Streamed = Annotated[tuple[Instruction, ...] | SkipValidation[Iterable[Instruction]], Field(union_mode="left_to_right")]
"""Payments, or what reads them while they are written (put in by `model_copy`, which reads none of them)."""


class PaymentStatus(Value):
    """What became of a message, a group in it or one payment: the sender's own code, and what the answer refers to.

    `counts` and `sums` of its payments are by their status.

    `references` are those of the original; `references.others` may hold the answerer's own (`status_id`).
    """

    level: Level
    status: str
    reasons: tuple[Reason, ...] = ()
    group: str = ""
    references: References = References()
    original: OriginalMessage | None = None
    amount: Amount | None = None
    execution_date: date | None = None
    accepted_at: datetime | None = None
    debtor: Party | None = None
    debtor_account: BankAccount | None = None
    creditor: Party | None = None
    creditor_account: BankAccount | None = None
    counts: dict[str, int] = {}
    sums: dict[str, PlainDecimal] | None = None
    charges: tuple[Charge, ...] = ()
    others: dict[str, str] = {}
    source: Source


class MessageEnd(Value):
    """What is only known when a message has streamed by. `totals`: sums of its items' amounts, by currency."""

    items: int
    rejected: int
    totals: dict[str, PlainDecimal] = {}
    checks: tuple[Check, ...] = ()
