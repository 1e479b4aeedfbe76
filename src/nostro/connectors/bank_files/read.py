"""A bank's file as facts: one per entry, one per statement, and everything else with a stated reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from nostro.connectors.bank_files.entries import Document
from nostro.connectors.kit.reading import UNREADABLE, IgnoredItem, Item, ReadItem, ReceiptView, RejectItem, why
from nostro.formats import reading as formats
from nostro.formats.checks import page_balances, page_of
from nostro.model.canonical import digest
from nostro.model.entities import LegalEntity
from nostro.model.facts import EntryReported, StatementListed, StatementReceived
from nostro.model.facts.bank import ListedLine
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, PaymentStatus
from nostro.model.money import Amount, InexactAmountError, plain
from nostro.model.parties import same_account
from nostro.model.statements import (
    Check,
    Entry,
    Reject,
    Source,
    StatementEnd,
    StatementHead,
)

_MT = ("MT94", "MT950")
"""Statements and interim reports of SWIFT: field 20 need not differ."""
_UNNAMED = ("CODA", "Norma 43", "CFONB 120")
"""Statements that nothing but their days and balances tells apart: some banks send several a day."""
LISTED = 200
"""Lines of a statement that are told together. Of a longer one nobody compares what it lists when it is restated."""
INFORMATION = "information_entry"
"""An entry that the bank tells for information only (`INFO`): it will never be booked."""


def read(receipt: ReceiptView) -> Iterator[Item]:
    """The items of a receipt, in its order."""
    # All formats together take a second to import: no command that reads no file should wait for them.
    from nostro.formats.catalogue import UNKNOWN, tell  # noqa: PLC0415 - see above

    try:
        for document in tell(receipt.chunks):
            if document.format is None:
                yield RejectItem(where=document.member, why=UNKNOWN)
            else:
                yield from _read_document(receipt, document.member, document.items)
    except FormatRefused as refused:
        yield RejectItem(where="", why=refused.sentence)


def _read_document(receipt: ReceiptView, where: str, told: Iterable[formats.Item]) -> Iterator[Item]:
    try:
        reading = _Reading(receipt, where)
        for item in told:
            yield from reading.take(item)
        yield from reading.close()
    except FormatRefused as refused:
        yield RejectItem(where=where, why=refused.sentence)


@dataclass(slots=True)
class _Owned:
    entity: LegalEntity
    document: Document
    content: hashlib._Hash = field(default_factory=hashlib.sha256)
    lines: list[ListedLine] = field(default_factory=list)
    booked: int = 0

    def lists(self, report: EntryReported) -> None:
        """What the statement lists, up to as many lines as are told."""
        self.content.update(f"{report.fingerprint}/{report.ordinal}\n".encode())
        if report.kind == "statement" and report.booked:
            self.booked += 1
            if self.booked <= LISTED:
                day = report.booking_date or report.value_date
                more = {"day": day, "servicer_reference": report.servicer_reference}
                self.lines.append(ListedLine(amount=report.amount, direction=report.direction, **more))


@dataclass(slots=True)
class _Reading:
    """A document while it streams by. `owned` is the present statement, None where its bank account is nobody's."""

    receipt: ReceiptView
    where: str
    head: StatementHead | None = None
    owned: _Owned | None = None
    strange: int = 0
    strange_sum: Decimal = Decimal(0)

    def take(self, item: formats.Item) -> Iterator[Item]:
        """The items that follow from one of the format's."""
        match item:
            case StatementHead():
                self.head, self.strange, self.strange_sum = item, 0, Decimal(0)
                self.owned = _owner(self.receipt, item, item.currency)
            case Entry() if self.owned is not None:
                yield self._entry(self._owned_in(self.owned, item.amount.currency), item)
            case Reject():
                yield RejectItem(where=self._located(item.where, item.line), why=item.why, amount=item.amount)
            case StatementEnd() if self.owned is not None:
                yield self._told(self.owned, item)
                self.head = self.owned = None
            case StatementEnd():
                yield from self.close()
            case Entry():
                self.strange += 1
                same = self.head is not None and item.amount.currency == self.head.currency
                self.strange_sum += item.amount.value if same else 0
            case Instruction() | PaymentStatus() | MessageEnd():
                pass  # rejected with their message's head
            case _:
                yield self._no_statement(item)

    def _no_statement(self, item: formats.Item) -> RejectItem:
        """Messages about payments, invoices, tables of rates: known, and none of this connection's."""
        kind, source = getattr(item, "kind", "document"), getattr(item, "source", Source(where=""))
        why = f"a file of the kind {kind} is no statement: this connection takes statements, reports and notifications"
        return RejectItem(where=self._located(source.where, source.line), why=why)

    def close(self) -> Iterator[Item]:
        """A statement that nobody declared, as one reject with its sum; one that was cut has been told already."""
        head, owned = self.head, self.owned
        self.head = self.owned = None
        if head is None or owned is not None:
            return
        ending = head.bank_account.identification[-4:] or "nothing"
        currency = head.currency
        why = f"no entity declares this bank account (it ends in {ending}); {self.strange} entries were not taken in"
        total = Amount(value=self.strange_sum, currency=currency) if currency and self.strange else None
        yield RejectItem(where=self._located(head.source.where, head.source.line), why=why, amount=total)

    def _owned_in(self, owned: _Owned, currency: str) -> _Owned:
        """The first entry's currency decides where the head's is not told, or is not one of ours."""
        account, head = owned.document.account, owned.document.head
        if not owned.document.told_before and account.currency not in (head.currency, currency):
            self.owned = owned = _owner(self.receipt, head, currency) or owned
        return owned

    def _entry(self, owned: _Owned, entry: Entry) -> Item:
        document = owned.document
        where = self._located(entry.source.where, entry.source.line)
        if entry.state == "information":
            return IgnoredItem(kind=INFORMATION, amount=entry.signed)
        if entry.amount.currency != document.account.currency:
            foreign = f"the entry is in {entry.amount.currency}, the bank account in {document.account.currency}"
            return RejectItem(where=where, why=foreign, amount=entry.signed)
        try:
            report = document.report(entry)
        except InexactAmountError:
            finer = f"the amount is finer than the smallest unit of {entry.amount.currency}"
            return RejectItem(where=where, why=finer, amount=entry.signed)
        except UNREADABLE as flaw:
            return RejectItem(where=where, why=why(flaw), amount=entry.signed)
        owned.lists(report)
        occurred_at = self._occurred_at(document.head)
        return ReadItem(facts=(report,), entity=owned.entity.id, occurred_at=occurred_at, amount=entry.signed)

    def _told(self, owned: _Owned, end: StatementEnd) -> Item:
        try:
            return self._statement(owned, end)
        except UNREADABLE as flaw:
            source = owned.document.head.source
            return RejectItem(where=self._located(source.where, source.line), why=why(flaw))

    def _statement(self, owned: _Owned, end: StatementEnd) -> ReadItem:
        document, head = owned.document, owned.document.head.completed(end)
        opening, closing = head.opening, head.closing
        currency = document.account.currency
        balances = [balance and balance.content for balance in (opening, closing)]
        told = [head.sequence, head.legal_sequence, *balances, owned.content.digest()]
        page, last_page = page_of(head, end)
        begins, ends = page_balances(head.balances) if head.kind == "statement" else (opening, closing)
        received = StatementReceived(
            account=document.account.id,
            kind=head.kind,
            statement_id=document.statement_id,
            sequence=head.sequence or head.legal_sequence or None,  # banks that don't count say 0
            page=page,
            last_page=last_page,
            created_at=head.created_at.isoformat() if head.created_at else "",
            from_date=head.from_date,
            to_date=head.to_date or (ends.on if ends else None),
            opening=opening.amount if opening else None,
            closing=closing.amount if closing else None,
            interim_opening=begins.amount if begins and not opening else None,
            interim_closing=ends.amount if ends and not closing else None,
            entries=end.entries,
            booked_sum=Amount(value=end.totals.get(currency, Decimal(0)), currency=currency),
            content_digest=digest(told).hex()[:32],
            checks=_failed(end),
        )
        told_at = self._occurred_at(head)
        facts = (received, _listed(owned, received, told_at)) if head.kind == "statement" else (received,)
        return ReadItem(facts=facts, entity=owned.entity.id, occurred_at=told_at)

    def _occurred_at(self, head: StatementHead) -> datetime:
        """When the bank made the document. A time without zone is read as UTC, but never as later than the receipt."""
        received, created = self.receipt.received_at, head.created_at
        if created is None:
            return received
        return created.astimezone(UTC) if created.tzinfo else min(created.replace(tzinfo=UTC), received)

    def _located(self, where: str, line: int | None) -> str:
        located = f"{self.where}:{where}".removeprefix(":")
        return f"{located}, line {line}" if line else located


def _listed(owned: _Owned, received: StatementReceived, told_at: datetime) -> StatementListed:
    """The statement's lines. It is the same statement under another id, if day and number are the same."""
    page = f"#{received.page}" if received.page > 1 else ""
    day = received.to_date or received.from_date
    numbered = f"{day}/{received.sequence}{page}" if day and received.sequence else received.statement_id
    all_told = owned.booked <= LISTED
    return StatementListed(
        account=received.account,
        statement=numbered,
        statement_id=received.statement_id,
        told_at=told_at.astimezone(UTC).isoformat(timespec="microseconds"),
        content_digest=received.content_digest,
        lines=tuple(owned.lines) if all_told else (),
        left_out=0 if all_told else owned.booked,
    )


def _owner(receipt: ReceiptView, head: StatementHead, currency: str) -> _Owned | None:
    """Whose statement it is. The currency decides between bank accounts that share an identification."""
    found = [
        (entity, account)
        for entity in receipt.entities
        for account in entity.bank_accounts
        if account.connection == receipt.connection
        and same_account(account.identification, head.bank_account.identification)
    ]
    found = [pair for pair in found if pair[1].currency == currency] or found
    if not found:
        return None
    entity, account = found[0]
    opening, _ = page_balances(head.balances)
    profile = receipt.config.profile(account.profile)
    document = Document(
        account=account,
        head=head,
        statement_id=_statement_id(receipt, head),
        repeats=head.kind == "report" and profile.intraday == "cumulative",
        scheme=profile.references,
        place=opening.amount.value if opening and head.kind == "statement" else None,
    )
    return _Owned(entity, document)


def _statement_id(receipt: ReceiptView, head: StatementHead) -> str:
    """The bank's id, with the page from the second on: equal entries on two pages are two entries.

    Many banks call all their MT940 or CODA files alike, or not at all: the number tells those apart, or day and opening
    balance where they count none.
    """
    said, number = head.statement_id or receipt.id, head.sequence or head.legal_sequence
    whole = (head.page or 1) == 1 and head.last_page is not False
    if number and head.format.startswith(_MT):
        said += f"/{number}"
    elif whole and not number and head.format.startswith((*_MT, *_UNNAMED)):
        said += f" of {_time_of(head) or receipt.id}" + _from(head)
    return f"{said}#{head.page}" if head.page and head.page > 1 else said


def _time_of(head: StatementHead) -> date | datetime | None:
    """The day of a statement; of interim reports there are several a day."""
    day = head.to_date or head.from_date or head.created_on
    return day if head.kind == "statement" else head.created_at or day


def _from(head: StatementHead) -> str:
    return f" from {plain(head.opening.amount.value)}" if head.opening else ""


def _failed(end: StatementEnd) -> tuple[Check, ...]:
    failed = tuple(check for check in end.checks if not check.ok)
    if not end.rejected:
        return failed
    return (*failed, Check(name="rejected", ok=False, detail=f"{end.rejected} entries could not be read"))
