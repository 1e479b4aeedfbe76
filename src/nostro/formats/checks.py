"""What must hold within a document: balances, control totals, batches. What does not is reported, never refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from nostro.model.money import plain
from nostro.model.statements import (
    CLOSING,
    OPENING,
    Balance,
    Check,
    Detail,
    Direction,
    Entry,
    StatementEnd,
    StatementHead,
    balance_of,
)

_LOCATED = 100
"""How many failed checks of single entries are told one by one."""
_NOTHING = Decimal(0)


class Control(NamedTuple):
    """What the sender says how many entries of some directions there are, and what they sum to, without a sign."""

    name: str
    entries: int | None
    total: Decimal | None
    directions: tuple[Direction, ...] = ("credit", "debit")


@dataclass(slots=True)
class BatchSum:
    """The details of one entry, summed as they stream by: signed; None once one of them tells no comparable amount."""

    count: int = 0
    total: Decimal | None = _NOTHING
    charges: Decimal = _NOTHING
    currency: str = ""

    def add(self, detail: Detail) -> None:
        """One detail more."""
        self.count += 1
        told = detail.amount
        if told is None or self.total is None or (self.currency and told.currency != self.currency):
            self.total = None
            return
        self.currency = told.currency
        self.total += told.value if detail.direction == "credit" else -told.value
        for charge in detail.charges:
            self.charges += charge.amount.value if charge.amount.currency == told.currency else _NOTHING


@dataclass(slots=True)
class Sums:
    """Running sums of a document's entries. `paged`: an interim balance is that of a page of it."""

    entries: int = 0
    rejected: int = 0
    gross: dict[Direction, Decimal] = field(default_factory=lambda: {"credit": _NOTHING, "debit": _NOTHING})
    counts: dict[Direction, int] = field(default_factory=lambda: {"credit": 0, "debit": 0})
    totals: dict[str, Decimal] = field(default_factory=dict)
    failed: list[Check] = field(default_factory=list)
    paged: bool = False

    def add(self, entry: Entry, batch: BatchSum | None = None, said_count: str = "") -> None:
        """One entry more, with the sum of its details where there are any."""
        self.entries += 1
        direction, amount = entry.direction, entry.amount
        value = amount.value
        self.gross[direction] += value
        self.counts[direction] += 1
        if entry.state == "booked":
            totals, currency = self.totals, amount.currency
            totals[currency] = totals.get(currency, _NOTHING) + (value if direction == "credit" else -value)
        if batch is not None:
            for check in _batch_checks(entry, batch, said_count):
                self.fail(check)

    def fail(self, check: Check) -> None:
        """A check of one entry that does not hold."""
        if len(self.failed) < _LOCATED:
            self.failed.append(check)

    def end(
        self, balances: Sequence[Balance], controls: Sequence[Control] = (), checks: Iterable[Check] = ()
    ) -> StatementEnd:
        """The document's end, with its own `checks` before those of the arithmetic."""
        return StatementEnd(
            entries=self.entries,
            rejected=self.rejected,
            totals=self.totals,
            balances=tuple(balances),
            checks=(*checks, *self.checks(balances, controls)),
        )

    def checks(self, balances: Sequence[Balance], controls: Sequence[Control]) -> Iterator[Check]:
        """The document's checks, failed ones of single entries first."""
        yield from self.failed
        yield from self._balance(balances)
        for control in controls:
            yield from self._control(control)

    def _balance(self, balances: Sequence[Balance]) -> Iterator[Check]:
        opening, closing = page_balances(balances) if self.paged else _bounds(balances)
        if opening is None or closing is None:
            return
        currencies = {opening.amount.currency, closing.amount.currency, *self.totals}
        if len(currencies) > 1:
            yield Check(name="balance", ok=False, detail=f"balances and entries are in {', '.join(sorted(currencies))}")
            return
        reached = opening.amount.value + self.totals.get(opening.amount.currency, _NOTHING)
        told = closing.amount.value
        yield self._check("balance", reached == told, f"the entries lead to {plain(reached)}, told is {plain(told)}")

    def _control(self, control: Control) -> Iterator[Check]:
        directions = control.directions
        both = len(directions) > 1
        count = sum(self.counts[direction] for direction in directions) + (self.rejected if both else 0)
        if control.entries is not None:
            name = f"{control.name}/NbOfNtries"
            yield self._check(name, count == control.entries, f"{control.entries} are told, {count} are there")
        if control.total is not None:
            gross = sum((self.gross[direction] for direction in directions), _NOTHING)
            # Some banks put the net of credits and debits where the standard has their sum.
            net = abs(self.gross["credit"] - self.gross["debit"]) if both else gross
            detail = f"{plain(control.total)} is told, the entries make {plain(gross)}"
            yield self._check(f"{control.name}/Sum", control.total in (gross, net), detail)

    def _check(self, name: str, ok: bool, otherwise: str) -> Check:  # noqa: FBT001 - the check's own verdict
        unread = f" ({self.rejected} could not be read)" if self.rejected else ""
        return Check(name=name, ok=ok, detail="" if ok else otherwise + unread)


def _bounds(balances: Sequence[Balance]) -> tuple[Balance | None, Balance | None]:
    return balance_of(balances, OPENING), balance_of(balances, CLOSING)


def page_balances(balances: Sequence[Balance]) -> tuple[Balance | None, Balance | None]:
    """Where a statement or one page of it begins and ends: between pages stand interim balances (ITBD)."""
    opening, closing = _bounds(balances)
    interim = [balance for balance in balances if balance.code == "ITBD"]
    if opening is None and len(interim) > (closing is None):
        opening = interim.pop(0)
    return opening, closing or (interim[-1] if opening and interim else None)


def page_of(head: StatementHead, end: StatementEnd) -> tuple[int, bool]:
    """Which page of its statement this is, and whether it is the last; `head` is completed.

    In camt the pages may be those of a message that holds several statements: one whose entries lead from its booked
    opening balance to its booked closing one is whole, wherever it stands. In MT940 each page has two such balances.
    """
    opening, closing = _bounds(head.balances)
    if opening and closing and head.format.startswith("camt"):
        moved = end.totals.get(opening.amount.currency, _NOTHING)
        if not end.rejected and opening.amount.value + moved == closing.amount.value:
            return 1, True
    return head.page or 1, head.last_page is not False


def _signed(entry: Entry) -> Decimal:
    return entry.amount.value if entry.direction == "credit" else -entry.amount.value


def _batch_checks(entry: Entry, batch: BatchSum, said_count: str) -> Sequence[Check]:
    count, total, told = batch.count, batch.total, _signed(entry)
    comparable = count and total is not None and batch.currency == entry.amount.currency
    own = sum((one.amount.value for one in entry.charges if one.amount.currency == batch.currency), _NOTHING)
    charged = (batch.charges, -batch.charges, own, -own)
    fits = comparable and (total == told or total in [told + charge for charge in charged])
    # One detail that holds the whole amount is how some banks tell a batch: nothing is missing.
    counted = said_count.isdecimal() and count and not (fits and count == 1)
    flaws: list[tuple[str, str]] = []
    if counted and said_count.lstrip("0") != str(count):
        flaws.append(("batch/NbOfTxs", f"{said_count[:18]} are told, {count} are there"))
    if comparable and total is not None and not fits:
        flaws.append(("batch", f"the details make {plain(total)}, the entry {plain(told)}"))
    if not flaws:
        return ()
    where = f"{entry.source.where}, line {entry.source.line}"
    return [Check(name=name, ok=False, detail=f"{where}: {flaw}") for name, flaw in flaws]
