"""What the sender of a message counted and summed, against what was read of it. What differs is told, never refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.formats.iso20022.told import Told
from nostro.formats.iso20022.values import decimal
from nostro.formats.reading import if_readable
from nostro.model.messages import Instruction, MessageEnd, PaymentStatus
from nostro.model.money import plain
from nostro.model.statements import Check

_FAILED = 100
"""How many flaws of single payments are told one by one."""
_COUNTS = ("GrpHdr/NbOfTxs", "CtrlData/NbOfTxs")
_SUMS = (
    "GrpHdr/CtrlSum", "CtrlData/CtrlSum", "GrpHdr/TtlIntrBkSttlmAmt", "GrpHdr/TtlRtrdIntrBkSttlmAmt",
    "GrpHdr/TtlRvsdIntrBkSttlmAmt",
)  # fmt: skip


@dataclass(slots=True)
class Counted:
    """Payments (or statuses of payments) of a message or of a group in it. `total` adds amounts of any currency."""

    payments: int = 0
    rejected: int = 0
    total: Decimal = Decimal(0)

    def add(self, read: Instruction | PaymentStatus) -> None:
        """One payment more."""
        self.payments += 1
        told = read.amount or (read.equivalent if isinstance(read, Instruction) else None)
        if told:
            self.total += told.value

    def counts(self, said: str) -> Iterator[Check]:
        """How many were told beside how many are there."""
        if said.isdecimal():
            there = self.payments + self.rejected
            ok = there == int(said[:18])
            yield Check(
                name="NbOfTxs", ok=ok, detail="" if ok else f"{said[:18]} are told, {there} are there{self._unread}"
            )

    def summed(self, name: str, said: str) -> Iterator[Check]:
        """What they were told to make beside what they make."""
        total = if_readable(decimal, said)
        if total is not None:
            ok = total == self.total
            detail = f"{plain(total)} is told, the payments make {plain(self.total)}{self._unread}"
            yield Check(name=name, ok=ok, detail="" if ok else detail)

    @property
    def _unread(self) -> str:
        return f" ({self.rejected} could not be read)" if self.rejected else ""


@dataclass(slots=True)
class Ending:
    """What a message's end will tell. `uncountable`: something in it stands for payments that are not there."""

    counted: Counted = field(default_factory=Counted)
    told: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    uncountable: bool = False

    def add(self, read: Instruction | PaymentStatus) -> None:
        """One payment or status more."""
        self.told += 1
        if read.amount and not (isinstance(read, PaymentStatus) and read.level != "transaction"):
            currency = read.amount.currency
            self.totals[currency] = self.totals.get(currency, Decimal(0)) + read.amount.value

    def fail(self, name: str, detail: str) -> None:
        """Something that does not hold."""
        if len(self.checks) < _FAILED:
            self.checks.append(Check(name=name, ok=False, detail=detail))

    def group(self, where: str, told: Told, counted: Counted) -> None:
        """A group is complete: what its sender counted otherwise is told."""
        for check in (*counted.counts(told.text("NbOfTxs")), *counted.summed("CtrlSum", told.text("CtrlSum"))):
            if not check.ok:
                self.fail(check.name, f"{where}: {check.detail}")

    def end(self, message: Told, *, answered: bool) -> MessageEnd:
        """The end, with what the header counted. `answered`: the head itself is a status already."""
        if not (self.told or self.counted.rejected or answered):
            self.fail("payments", "the message holds no payment and no status")
        if not self.uncountable:
            self.checks += self.counted.counts(message.text(*_COUNTS))
            for path in _SUMS:
                self.checks += self.counted.summed(path.rpartition("/")[2], message.text(path))
        return MessageEnd(
            items=self.told, rejected=self.counted.rejected, totals=self.totals, checks=tuple(self.checks)
        )
