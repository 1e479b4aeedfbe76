"""Statements, reports and notifications of banks, and their entries, with ISO 20022's business names.

Amounts are >= 0 with a `direction`; only balances are signed (a debit balance is negative).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from nostro.model.base import Value
from nostro.model.money import Amount, PlainDecimal
from nostro.model.parties import BankAccount, Party
from nostro.model.remittance import Document

ReportKind = Literal["statement", "report", "notification"]  # camt.053, camt.052, camt.054
Direction = Literal["credit", "debit"]
EntryState = Literal["booked", "pending", "information", "future"]


class Source(Value):
    """Where in the received bytes something stands: the XPath or line, so that a person can be shown it.

    `where` of a detail or a charge begins below the entry or payment that it stands in.
    """

    where: str
    line: int | None = None


class Check(Value):
    """Something about a document that does not hold: reported beside it, never a reason to refuse it."""

    name: str
    ok: bool
    detail: str = ""


class Balance(Value):
    """A signed balance on a day. `code` is ISO 20022's (OPBD, CLBD, ITBD, CLAV...)."""

    code: str
    amount: Amount
    on: date | None = None
    source: Source | None = None

    @property
    def content(self) -> Balance:
        """What it says, wherever it stands."""
        return self.model_copy(update={"source": None})


class References(Value):
    """Who calls this movement what."""

    end_to_end: str = ""
    account_servicer: str = ""
    entry: str = ""
    instruction: str = ""
    transaction: str = ""
    mandate: str = ""
    structured: str = ""
    message: str = ""
    payment_information: str = ""
    others: dict[str, str] = {}


class Exchange(Value):
    """A currency exchange inside an entry: what was instructed, and the bank's rate.

    The rate is as told: what one of `unit_currency` costs in the other currency, where that is told (`UnitCcy`).
    """

    instructed: Amount | None = None
    source_currency: str = ""
    target_currency: str = ""
    rate: PlainDecimal | None = None
    unit_currency: str | None = None
    contract: str | None = None
    counter_value: Amount | None = None


class Charge(Value):
    """A charge that the bank took. `included` says whether it is already inside the entry's amount."""

    amount: Amount
    direction: Direction = "debit"
    included: bool | None = None
    bearer: str = ""
    type: str | None = None
    source: Source | None = None


class ReturnInformation(Value):
    """Why a payment came back, who says so, and what it was called and how it was booked (`OrgnlBkTxCd`)."""

    code: str = ""
    proprietary: str = ""
    text: str = ""
    original: References | None = None
    originator: str | None = None
    original_code: str | None = None


class Detail(Value):
    """One transaction inside an entry.

    `counterparty` is whom the bank saw; where somebody stands behind it (a payment factory, a marketplace), that is the
    `ultimate_counterparty`. `own_account` is the number under which we were paid or paid, where it is not the
    statement's (a virtual account, a QR-IBAN), `own_ultimate` whose money it is on our side. Codes are told where they
    are not the entry's.
    """

    amount: Amount | None = None
    direction: Direction | None = None
    references: References = References()
    counterparty: Party | None = None
    counterparty_account: BankAccount | None = None
    remittance: tuple[str, ...] = ()
    exchange: Exchange | None = None
    charges: tuple[Charge, ...] = ()
    returned: ReturnInformation | None = None
    purpose: str = ""
    additional: str = ""
    ultimate_counterparty: Party | None = None
    documents: tuple[Document, ...] | None = None
    settlement_date: date | None = None
    local_instrument: str | None = None
    tax: Amount | None = None
    bank_transaction_code: str | None = None
    proprietary_code: str | None = None
    own_account: BankAccount | None = None
    own_ultimate: Party | None = None
    source: Source | None = None


class Entry(Value):
    """One line of a statement: a bank movement as this document tells it.

    `proprietary_code`: the bank's own code beside ISO's (a German GVC); alone it is the `bank_transaction_code`.
    """

    amount: Amount
    direction: Direction
    state: EntryState
    reversal: bool = False
    booking_date: date | None = None
    value_date: date | None = None
    references: References = References()
    bank_transaction_code: str = ""
    remittance: tuple[str, ...] = ()
    counterparty: Party | None = None
    counterparty_account: BankAccount | None = None
    exchange: Exchange | None = None
    charges: tuple[Charge, ...] = ()
    returned: ReturnInformation | None = None
    additional: str = ""
    details: tuple[Detail, ...] = ()
    details_total: int = 0
    proprietary_code: str | None = None
    source: Source

    @property
    def signed(self) -> Amount:
        """Its amount as the bank account sees it."""
        return (
            self.amount
            if self.direction == "credit"
            else Amount(value=-self.amount.value, currency=self.amount.currency)
        )


class StatementHead(Value):
    """A document about one bank account, without its entries, so that a file of a gigabyte can stream."""

    kind: ReportKind
    statement_id: str
    bank_account: BankAccount
    currency: str = ""
    sequence: int | None = None
    legal_sequence: int | None = None
    page: int | None = None
    last_page: bool | None = None
    created_at: datetime | None = None
    created_on: date | None = None
    from_date: date | None = None
    to_date: date | None = None
    balances: tuple[Balance, ...] = ()
    copy_mark: str = ""
    others: dict[str, str] = {}
    source: Source
    format: str = ""

    def completed(self, end: StatementEnd | None) -> StatementHead:
        """With what only the end of the document told: all balances, the last day, whether this page is the last."""
        if end is None:
            return self
        told = {"balances": end.balances or self.balances, "to_date": self.to_date or end.to_date}
        last = end.last_page if self.last_page is None else self.last_page
        return self.model_copy(update={**told, "last_page": last})

    def balance(self, codes: Sequence[str]) -> Balance | None:
        """The first balance with one of the codes, in the codes' order."""
        return balance_of(self.balances, codes)

    @property
    def opening(self) -> Balance | None:
        """The booked opening balance, or the previous closing one that stands for it."""
        return self.balance(OPENING)

    @property
    def closing(self) -> Balance | None:
        """The booked closing balance."""
        return self.balance(CLOSING)


def balance_of(balances: Sequence[Balance], codes: Sequence[str]) -> Balance | None:
    """The first balance with one of the codes, in the codes' order."""
    return next((balance for code in codes for balance in balances if balance.code == code), None)


OPENING = ("OPBD", "PRCD")
"""The booked opening balance, or the previous closing one that stands for it."""
CLOSING = ("CLBD",)


class StatementEnd(Value):
    """What is only known when a document has streamed by: counts, sums and checks.

    `totals` are signed sums of the booked entries, by currency; `balances` are all of the document's, those after the
    entries included. `to_date` and `last_page` are what the head says where the document tells them behind its entries.
    """

    entries: int
    rejected: int
    totals: dict[str, PlainDecimal] = {}
    balances: tuple[Balance, ...] = ()
    checks: tuple[Check, ...] = ()
    additional: str = ""
    to_date: date | None = None
    last_page: bool | None = None


class Reject(Value):
    """An item that couldn't be read: located, with its reason; everything else of the file is kept."""

    where: str
    why: str
    line: int | None = None
    amount: Amount | None = None
