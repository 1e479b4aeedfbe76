"""Cheque issue files by a bank's profile. Counts and totals are worked out; what does not fit is refused, never cut."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from nostro.formats.positive_pay.profiles import Column, IssueProfile
from nostro.model.base import Value
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.parties import BankAccount


class Cheque(Value):
    """A cheque that was written, or is void."""

    bank_account: BankAccount
    number: str
    amount: Amount
    issued_on: date
    payee: str
    void: bool = False


def write_positive_pay(cheques: Iterable[Cheque], profile: IssueProfile) -> Iterator[bytes]:
    """The file, line by line. Raises `FormatRefused` with the field, the rule and the remedy."""
    written = _Written(profile)
    if profile.heading:
        yield _line([column.name for column in profile.columns], profile)
    for cheque in cheques:
        written.add(cheque)
        yield _line([written.cell(column, cheque) for column in profile.columns], profile)
    if not written.count:
        raise FormatRefused("A cheque issue file holds at least one cheque.", "Write no file.")
    if profile.trailer:
        yield _line([written.cell(column, None) for column in profile.trailer], profile)


@dataclass(slots=True)
class _Written:
    """What was written so far."""

    profile: IssueProfile
    count: int = 0
    total: Decimal = Decimal(0)
    known: set[tuple[str, str, bool]] = field(default_factory=set)

    def add(self, cheque: Cheque) -> None:
        """A cheque more. The same one twice would be refused by the bank, or paid twice."""
        self.count += 1
        if self.count > self.profile.most:
            raise _refused("file", f"holds at most {self.profile.most} cheques", self.count)
        key = (cheque.bank_account.identification, cheque.number.lstrip("0"), cheque.void)
        if key in self.known:
            raise _refused("cheque number", "is there once for each account", self.count)
        self.known.add(key)
        if not (cheque.number.isascii() and cheque.number.isdecimal()):
            raise _refused("cheque number", "has digits only", self.count)
        value = cheque.amount.value
        if cheque.amount.currency != "USD" or value <= 0 or value != value.quantize(Decimal("0.01")):
            raise _refused("amount", "is in USD, more than nothing, with at most two decimals", self.count)
        self.total += value

    def cell(self, column: Column, cheque: Cheque | None) -> str:
        """What a column holds, filled up to its width."""
        said = self._summed(column) if cheque is None else self._told(column, cheque)
        name = column.name or column.told
        if not (said.isascii() and said.isprintable()):
            raise _refused(name, "takes printable ASCII only", self.count)
        if not column.width:
            return said
        if len(said) > column.width:
            raise _refused(name, f"has at most {column.width} characters", self.count)
        return said.rjust(column.width, column.fill) if column.right else said.ljust(column.width, column.fill)

    def _told(self, column: Column, cheque: Cheque) -> str:
        match column.told:
            case "amount":
                return _money(cheque.amount.value, cents=column.cents)
            case "issued":
                return cheque.issued_on.strftime(column.date)
            case "mark":
                return self.profile.void_mark if cheque.void else self.profile.issued_mark
            case "payee":
                return self._payee(cheque)
            case "routing" | "account" | "cheque":
                return self._needed(column.told, cheque)
        return self._summed(column)

    def _payee(self, cheque: Cheque) -> str:
        said = " ".join(cheque.payee.split())
        if not said and not cheque.void:
            raise _refused("payee", "is needed: without one the bank pays whoever stands on the cheque", self.count)
        return said

    def _needed(self, told: str, cheque: Cheque) -> str:
        account = cheque.bank_account
        said = {"routing": account.clearing_id, "account": account.identification, "cheque": cheque.number}[told]
        if not said:
            raise _refused(told, "is needed", self.count)
        return said

    def _summed(self, column: Column) -> str:
        match column.told:
            case "count":
                return str(self.count)
            case "total":
                return _money(self.total, cents=column.cents)
            case "fixed":
                return column.text
        raise _refused(column.told, "belongs to a cheque and to no trailer", self.count)


def _money(value: Decimal, *, cents: bool) -> str:
    return str(int(value * 100)) if cents else f"{value:.2f}"


def _line(cells: list[str], profile: IssueProfile) -> bytes:
    if not profile.separator:
        return ("".join(cells) + profile.line_end).encode("ascii")
    held = io.StringIO()
    csv.writer(held, delimiter=profile.separator, lineterminator=profile.line_end).writerow(cells)
    return held.getvalue().encode("ascii")


def _refused(name: str, rule: str, number: int) -> FormatRefused:
    return FormatRefused(f"Cheque {number}: the {name} {rule}.", f"Correct the {name}, or the bank's profile.")
