"""An entry of a statement as the report of a bank movement."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from nostro.connectors.bank_files.hints import hints
from nostro.model.base import changed
from nostro.model.canonical import digest
from nostro.model.entities import HouseBankAccount
from nostro.model.facts.bank import EntryPart, EntryReported
from nostro.model.money import Amount, InexactAmountError, Money
from nostro.model.references import told
from nostro.model.statements import Charge, Detail, Entry, StatementHead

PARTS = 100
"""Details of a collective entry that are told as parts of their own; a larger one stays whole, for a person."""
_DETAILS_KEPT = 20


@dataclass(slots=True)
class Document:
    """One statement while its entries stream by: whose it is, and what was counted so far.

    `place` is the booked balance before the next entry, as far as the document says an opening balance.
    """

    account: HouseBankAccount
    head: StatementHead
    statement_id: str
    repeats: bool = False
    scheme: Literal["unknown", "own", "shared"] = "unknown"
    place: Decimal | None = None
    told_before: Counter[int] = field(default_factory=Counter)

    def report(self, entry: Entry) -> EntryReported:
        """The entry as a fact. Raises `InexactAmountError` for an amount finer than its currency.

        Whatever it raises, the next entry's place is right.
        """
        place = self._place(entry)
        references, money = entry.references, entry.amount.to_money()
        end_to_end = "" if entry.details_total > 1 else told(references.end_to_end)
        back = entry.returned is not None or entry.reversal
        report = EntryReported(
            account=self.account.id,
            kind=self.head.kind,
            statement_id=self.statement_id,
            amount=money,
            direction=entry.direction,
            booked=entry.state == "booked",
            reversal=entry.reversal,
            booking_date=entry.booking_date,
            value_date=entry.value_date,
            servicer_reference=told(references.account_servicer),
            entry_reference=told(references.entry),
            uetr=_uetr(entry),
            end_to_end=end_to_end,
            structured=told(references.structured),
            invoice_hints=hints((*entry.remittance, entry.additional, end_to_end)),
            parts=_parts(entry),
            bank_transaction_code=entry.bank_transaction_code,
            return_reason=(entry.returned.code or entry.returned.proprietary) if entry.returned else "",
            original_end_to_end=end_to_end if back else "",
            instructed=entry.exchange.instructed if entry.exchange else None,
            charges=_sum(entry.charges),
            fingerprint="",
            place=place,
            repeats=self.repeats,
            scheme=self.scheme,
            details=entry.details_total,
            counterparty_name=entry.counterparty.name or None if entry.counterparty else None,
            counterparty_iban=entry.counterparty_account.identification if entry.counterparty_account else None,
            remittance=" ".join(entry.remittance) or entry.additional or None,
            entry=_kept(entry),
        )
        return self._numbered(report)

    def _numbered(self, report: EntryReported) -> EntryReported:
        fingerprint = digest([*_plain_marks(report), report.servicer_reference, report.entry_reference, report.uetr])
        content = digest([*_plain_marks(report), *_personal_marks(report)])
        stands = digest([report.amount, report.direction, report.booking_date, report.booked, report.place])
        return report.model_copy(
            update={
                "fingerprint": fingerprint.hex()[:32],
                "ordinal": self._count(fingerprint),
                "twin": self._count(content),
                "rank": self._count(stands) if report.kind == "statement" else 0,
            }
        )

    def _count(self, mark: bytes) -> int:
        """How many entries of this document bore the same mark before."""
        key = int.from_bytes(mark[:8], "big")
        self.told_before[key] += 1
        return self.told_before[key] - 1

    def _place(self, entry: Entry) -> Amount | None:
        if self.place is None or entry.state != "booked":
            return None
        place = Amount(value=self.place, currency=entry.amount.currency)
        self.place += entry.amount.value if entry.direction == "credit" else -entry.amount.value
        return place


def _kept(entry: Entry) -> Entry:
    """What the fact keeps of the entry: the receipt and the entry's own place lead to all that stands in it."""
    details = tuple(
        changed(detail, {"source": None, "charges": _without_places(detail.charges)})
        for detail in entry.details[:_DETAILS_KEPT]
    )
    return changed(entry, {"details": details, "charges": _without_places(entry.charges)})


def _without_places(charges: tuple[Charge, ...]) -> tuple[Charge, ...]:
    return tuple(changed(charge, {"source": None}) for charge in charges)


def _plain_marks(report: EntryReported) -> list[object]:
    """What identifies an entry and says nothing about a person."""
    dates = (report.booking_date, report.value_date, report.booked)
    amount = (report.account, report.amount, report.direction, report.reversal)
    return [*amount, *dates, report.bank_transaction_code, report.end_to_end, report.structured]


def _personal_marks(report: EntryReported) -> list[object]:
    """What else tells two entries apart: counted here, never stored as a digest, which could be guessed."""
    said = unicodedata.normalize("NFKC", str(report.remittance or ""))
    return [report.counterparty_iban, report.counterparty_name, said]


def _uetr(entry: Entry) -> str:
    """The payment's world-wide id; of a collective entry a digest over those of its payments, if each has one."""
    told = sorted(detail.references.others.get("UETR", "").lower() for detail in entry.details)
    if len(told) != entry.details_total or not all(told):
        return ""
    return told[0] if len(told) == 1 else digest(told).hex()[:32] if told else ""


def _parts(entry: Entry) -> tuple[EntryPart, ...]:
    """The payments inside a collective entry, where each tells its amount in the entry's currency."""
    if not 1 < entry.details_total <= min(PARTS, len(entry.details)):
        return ()
    parts = [part for detail in entry.details if (part := _part(detail, entry)) is not None]
    total = sum(part.amount.minor for part in parts)
    return tuple(parts) if len(parts) == entry.details_total and total == entry.amount.to_money().minor else ()


def _part(detail: Detail, entry: Entry) -> EntryPart | None:
    if detail.amount is None or detail.amount.currency != entry.amount.currency or detail.direction != entry.direction:
        return None
    refs = detail.references
    said = (*detail.remittance, detail.additional, told(refs.end_to_end))
    return EntryPart(
        amount=_money(detail.amount),
        end_to_end=told(refs.end_to_end),
        structured=told(refs.structured),
        invoice_hints=hints(said)[:_PART_HINTS],
    )


_PART_HINTS = 3


def _money(amount: Amount) -> Money:
    try:
        return amount.to_money()
    except InexactAmountError:
        return Money.zero(amount.currency)  # the parts then don't make the whole, and are not told


def _sum(charges: tuple[Charge, ...]) -> Amount | None:
    """Charges in the currency of the first one."""
    if not charges:
        return None
    currency = charges[0].amount.currency
    return Amount(
        value=sum((c.amount.value for c in charges if c.amount.currency == currency), Decimal(0)), currency=currency
    )
