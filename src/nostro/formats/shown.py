"""The public shape of what was read: what `nostro parse` prints, one JSON object a line, and its JSON Schema.

Every member is always there: null, an empty text or an empty list where nothing was told. Amounts are
`{"value": "12.34", "currency": "EUR"}`, dates bare, instants ISO 8601 (without a zone where the sender said none).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, Self

import orjson
from pydantic import BaseModel, Field

from nostro.formats.codes import Legend, NamedCode
from nostro.formats.qr_bill.bill import QrBillContent
from nostro.formats.reading import Item
from nostro.model.base import Value, unchecked
from nostro.model.invoices import InvoiceContent
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.money import Amount, plain
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.rates import RateTableContent
from nostro.model.remittance import Document
from nostro.model.statements import (
    Balance,
    Charge,
    Check,
    Detail,
    Direction,
    Entry,
    EntryState,
    Exchange,
    References,
    Reject,
    ReportKind,
    ReturnInformation,
    Source,
    StatementEnd,
    StatementHead,
)


class ShownSource(Source):
    """Where something stands: in which file (and member of an archive), at which line or XPath."""

    file: str = ""


class ShownBalance(Value):
    """A balance: negative when the bank account is overdrawn. `code` is ISO 20022's."""

    code: str
    amount: Amount
    date: date | None
    source: Source | None

    @classmethod
    def of(cls, told: Balance | None) -> Self | None:
        """The balance as it is shown."""
        return cls(code=told.code, amount=told.amount, date=told.on, source=told.source) if told else None


class ShownCounterparty(Value):
    """Who stands on the other side."""

    name: str
    bank_account: BankAccount | None
    address: Address | None
    ids: dict[str, str]
    country: str

    @staticmethod
    def of(party: Party | None, account: BankAccount | None) -> ShownCounterparty | None:
        """The counterparty, or None when neither it nor its bank account was told."""
        if party is None and account is None:
            return None
        who = party or Party()
        return _shown_counterparty(
            name=who.name, bank_account=account, address=who.address, ids=who.ids, country=who.country
        )


class ShownDetail(Value):
    """One payment inside an entry. `ultimate_counterparty`: who stands behind the counterparty, where that is told.

    `own_account`: our number as the other side named it, where it is not the statement's; `own_ultimate`: who stands
    behind us. Codes are told where they are not the entry's.
    """

    amount: Amount | None
    direction: Direction | None
    references: References
    counterparty: ShownCounterparty | None
    ultimate_counterparty: ShownCounterparty | None
    remittance: str
    exchange: Exchange | None
    charges: tuple[Charge, ...]
    returned: ReturnInformation | None
    purpose: str
    local_instrument: str
    settlement_date: date | None
    tax: Amount | None
    bank_transaction_code: str
    proprietary_code: str
    own_account: BankAccount | None
    own_ultimate: Party | None
    documents: tuple[Document, ...]
    additional: str
    source: Source | None

    @staticmethod
    def of(told: Detail) -> ShownDetail:
        """The detail as it is shown."""
        return _shown_detail(
            amount=told.amount,
            direction=told.direction,
            references=told.references,
            counterparty=ShownCounterparty.of(told.counterparty, told.counterparty_account),
            ultimate_counterparty=ShownCounterparty.of(told.ultimate_counterparty, None),
            remittance=" ".join(told.remittance),
            exchange=told.exchange,
            charges=told.charges,
            returned=told.returned,
            purpose=told.purpose,
            local_instrument=told.local_instrument or "",
            settlement_date=told.settlement_date,
            tax=told.tax,
            bank_transaction_code=told.bank_transaction_code or "",
            proprietary_code=told.proprietary_code or "",
            own_account=told.own_account,
            own_ultimate=told.own_ultimate,
            documents=told.documents or (),
            additional=told.additional,
            source=told.source,
        )


class ShownEntry(Value):
    """An entry of a statement, report or notification. `details_total` counts details that are not listed too."""

    entry_id: str
    amount: Amount
    direction: Direction
    status: EntryState
    reversal: bool
    booking_date: date | None
    value_date: date | None
    references: References
    bank_transaction_code: str
    proprietary_code: str
    remittance: str
    counterparty: ShownCounterparty | None
    exchange: Exchange | None
    charges: tuple[Charge, ...]
    returned: ReturnInformation | None
    additional: str
    details: tuple[ShownDetail, ...]
    details_total: int
    source: ShownSource

    @staticmethod
    def of(entry: Entry, entry_id: str, file: str) -> ShownEntry:
        """The entry as it is shown."""
        return _shown_entry(
            entry_id=entry_id,
            amount=entry.amount,
            direction=entry.direction,
            status=entry.state,
            reversal=entry.reversal,
            booking_date=entry.booking_date,
            value_date=entry.value_date,
            references=entry.references,
            bank_transaction_code=entry.bank_transaction_code,
            proprietary_code=entry.proprietary_code or "",
            remittance=" ".join(entry.remittance),
            counterparty=ShownCounterparty.of(entry.counterparty, entry.counterparty_account),
            exchange=entry.exchange,
            charges=entry.charges,
            returned=entry.returned,
            additional=entry.additional,
            details=tuple(ShownDetail.of(detail) for detail in entry.details),
            details_total=entry.details_total,
            source=shown_source(entry.source, file),
        )


class ShownStatement(Value):
    """A statement (booked), an intraday report or a notification about one bank account, with all of its entries.

    `opening` and `closing` are the booked balances. `totals`: signed sums of the booked entries, by currency. `codes`:
    what the codes mean that its entries use.
    """

    kind: ReportKind
    source: ShownSource
    format: str
    statement_id: str
    bank_account: BankAccount
    currency: str
    sequence: int | None
    legal_sequence: int | None
    page: int | None
    last_page: bool | None
    created_at: datetime | None
    from_date: date | None
    to_date: date | None
    copy_mark: str
    others: dict[str, str]
    opening: ShownBalance | None
    closing: ShownBalance | None
    entries: tuple[ShownEntry, ...]
    balances: tuple[ShownBalance, ...]
    totals: dict[str, str]
    rejected: int
    checks: tuple[Check, ...]
    codes: tuple[NamedCode, ...]
    additional: str


class ShownReject(Value):
    """An item that could not be read; everything else of the file was."""

    kind: Literal["reject"] = "reject"
    source: ShownSource
    why: str
    amount: Amount | None


class ShownMessage(MessageHead):
    """A message about payments, with all of its payments or statuses."""

    source: ShownSource
    payments: tuple[Instruction, ...] = ()
    statuses: tuple[PaymentStatus, ...] = ()
    totals: dict[str, str] = Field(default={}, description="Sums of the payments' amounts, by currency.")
    rejected: int = 0
    checks: tuple[Check, ...] = ()
    codes: tuple[NamedCode, ...] = ()


class ShownInvoice(InvoiceContent):
    """An invoice or credit note, after the business terms of EN 16931, with what its codes mean."""

    kind: Literal["invoice"] = "invoice"
    source: ShownSource
    codes: tuple[NamedCode, ...] = ()


class ShownRateTable(RateTableContent):
    """The exchange rates of a day or period."""

    kind: Literal["rate_table"] = "rate_table"
    source: ShownSource


class ShownQrBill(QrBillContent):
    """A Swiss QR-bill."""

    kind: Literal["qr_bill"] = "qr_bill"
    source: ShownSource


def shown_source(source: Source, file: str) -> ShownSource:
    """A source with the file that it is in."""
    return _shown_source(file=file, where=source.where, line=source.line)


# Each field is one of a value that was read: none needs to be looked at again, a hundred thousand times.
_shown_source, _shown_counterparty = unchecked(ShownSource), unchecked(ShownCounterparty)
_shown_detail, _shown_entry = unchecked(ShownDetail), unchecked(ShownEntry)


def head_shown(head: StatementHead | MessageHead, file: str) -> dict[str, object]:
    """The members of a statement or message that stand before its items."""
    told: dict[str, object] = dict(head.__dict__)
    told["source"] = shown_source(head.source, file)
    if isinstance(head, StatementHead):
        del told["balances"], told["created_on"], told["to_date"], told["last_page"]
    return told


def end_shown(
    head: StatementHead | MessageHead, end: StatementEnd | MessageEnd | None, codes: Sequence[NamedCode] = ()
) -> dict[str, object]:
    """The members that stand after the items. No `end`: the document was cut off, which a reject says."""
    told: dict[str, object] = {
        "totals": {currency: plain(total) for currency, total in end.totals.items()} if end else {},
        "rejected": end.rejected if end else 1,
        "checks": end.checks if end else (Check(name="whole", ok=False, detail="the document is cut off"),),
        "codes": codes,
    }
    if isinstance(head, StatementHead):
        whole = head.completed(end if isinstance(end, StatementEnd) else None)
        told |= {"to_date": whole.to_date, "last_page": whole.last_page}
        told |= {"opening": ShownBalance.of(whole.opening), "closing": ShownBalance.of(whole.closing)}
        told["balances"] = [ShownBalance.of(balance) for balance in whole.balances]
        told["additional"] = end.additional if isinstance(end, StatementEnd) else ""
    return told


LISTS: Mapping[type[Item], str] = {Entry: "entries", Instruction: "payments", PaymentStatus: "statuses"}
"""Which list of its document an item stands in."""


def reject_shown(reject: Reject, file: str) -> ShownReject:
    """A reject with the file that it is in."""
    source = ShownSource(file=file, where=reject.where, line=reject.line)
    return ShownReject(source=source, why=reject.why, amount=reject.amount)


def whole_shown(whole: Any, file: str) -> dict[str, object]:  # noqa: ANN401 - any object that is whole in itself
    """An invoice, a table of rates... with its kind and the file that it is in."""
    told = {**whole.__dict__, "kind": whole.kind, "source": shown_source(whole.source, file)}
    if isinstance(whole, InvoiceContent):
        legend = Legend()
        legend.take(whole)
        told["codes"] = legend.told()
    return told


def json_of(told: object) -> bytes:
    """JSON on one line. Raises `TypeError` for a float: no amount is one."""
    return orjson.dumps(told, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS)


def _plain(value: object) -> object:
    match value:
        case BaseModel():
            return value.__dict__
        case Decimal():
            return plain(value)
        case datetime() | date():
            return value.isoformat()
        case frozenset() | set():
            return sorted(value)
    raise TypeError(type(value).__name__)


def members(told: Mapping[str, object]) -> Iterator[bytes]:
    """The members of an object as JSON, without the braces around them, for one that is written piece by piece."""
    for name, value in told.items():
        yield json_of(name) + b":" + json_of(value)
