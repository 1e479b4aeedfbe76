"""What was read, a row a document, for a person to hold against the bank's portal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.formats.codes import NamedCode
from nostro.model.invoices import Totals
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.money import EXPONENTS, Amount, plain
from nostro.model.statements import Balance, Entry, StatementEnd, StatementHead

Head = StatementHead | MessageHead
End = StatementEnd | MessageEnd
Row = tuple[str, ...]
COLUMNS = {"Document": "left", **dict.fromkeys(("Items", "Opening", "Credits", "Debits", "Sum", "Closing"), "right")}
_MEANINGS = 20
"""Of very many codes only so many are named."""


@dataclass(slots=True)
class Tally:
    """What a document's items add up to: how many there are, and the booked entries by direction and currency."""

    count: int = 0
    booked: Counter[tuple[str, str]] = field(default_factory=Counter)
    sums: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    """Entries that are not booked, by their state: they are in no sum."""

    def take(self, item: Entry | Instruction | PaymentStatus) -> None:
        """One item more."""
        self.count += 1
        if not isinstance(item, Entry):
            return
        if item.state != "booked":
            self.others[item.state] += 1
            return
        side = item.direction, item.amount.currency
        self.booked[side] += 1
        self.sums[side] = self.sums.get(side, Decimal()) + item.amount.value

    def told(self, direction: str) -> str:
        """The sums of a direction, a line each, with how many entries they are of."""
        sides = [side for side in self.sums if side[0] == direction]
        return _lines(f"{_money(self.sums[side], side[1])} ({self.booked[side]})" for side in sides)


def row(name: str, head: Head, tally: Tally, end: End | None, codes: Sequence[NamedCode]) -> Row:
    """A document, with what is wrong in it and what its codes mean below its name."""
    sums = _lines(_money(total, currency) for currency, total in end.totals.items()) if end else ""
    flaws = [f"! {check.name}: {check.detail}" for check in end.checks if not check.ok] if end else ["! cut off"]
    flaws += [f"! {end.rejected} rejected"] if end and end.rejected else []
    flaws += [f"  {count} {state}: in no sum" for state, count in tally.others.items()]
    flaws += _meanings(codes)
    if isinstance(head, MessageHead):
        return _lines((name, f"{head.kind} {head.message_id}", *flaws)), str(tally.count), "", "", "", sums, ""
    whole = head.completed(end if isinstance(end, StatementEnd) else None)
    named = (name, f"{head.kind} {head.statement_id}{_numbered(whole)}", head.bank_account.identification)
    return (
        _lines((*named, *flaws)), str(tally.count), _balance(whole.opening),
        tally.told("credit"), tally.told("debit"), sums, _balance(whole.closing),
    )  # fmt: skip


def row_of_whole(name: str, told: Mapping[str, object], codes: Sequence[NamedCode]) -> Row:
    """An invoice, a table of rates... as it is shown; the sum is what is to be paid."""
    number = told.get("number") or ""
    totals = told.get("totals")
    due = totals.payable if isinstance(totals, Totals) else told.get("amount")
    sums = _money(due.value, due.currency) if isinstance(due, Amount) else ""
    return _lines((name, f"{told['kind']} {number}", *_meanings(codes))), "1", "", "", "", sums, ""


def _numbered(head: StatementHead) -> str:
    """Its number and page, and the days that it is of."""
    number = "" if head.sequence is None else f", number {head.sequence}"
    page = "" if head.page is None else f", page {head.page}"
    days = dict.fromkeys(str(day) for day in (head.from_date, head.to_date) if day)
    return number + page + (f", {' to '.join(days)}" if days else "")


def _balance(told: Balance | None) -> str:
    return _lines((_money(told.amount.value, told.amount.currency), str(told.on or ""))).rstrip() if told else ""


def _money(value: Decimal, currency: str) -> str:
    """The amount with all the digits that it has, and as many as its currency has."""
    digits = EXPONENTS.get(currency, 0)
    finer = -int(value.as_tuple().exponent) >= digits
    return f"{plain(value if finer else value.quantize(Decimal(1).scaleb(-digits)))} {currency}"


def _meanings(codes: Sequence[NamedCode]) -> list[str]:
    """What the document's codes mean, a line each."""
    rest = len(codes) - _MEANINGS
    return [f"  {code}" for code in codes[:_MEANINGS]] + ([f"  and {rest} more codes"] if rest > 0 else [])


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
