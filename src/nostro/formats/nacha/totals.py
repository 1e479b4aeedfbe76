"""Control totals of batches and files: entry hash, counts, debits and credits, compared with what was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.formats.nacha.codes import ADVICES, ENTRY_CODES
from nostro.formats.nacha.entries import is_routing_number
from nostro.formats.nacha.headers import BatchHeader
from nostro.model.money import plain
from nostro.model.statements import Check, Direction

_LOCATED = 100
"""How many failed checks of single entries are told one by one."""
_HASH = 10**10
_DIRECTIONS: dict[str, Direction] = {code: told.direction for code, told in ENTRY_CODES.items()} | dict(ADVICES)
_SERVICE = {"220": "credit", "225": "debit"}


@dataclass(slots=True)
class Totals:
    """Running totals, in cents."""

    records: int = 0
    hash: int = 0
    cents: dict[str, int] = field(default_factory=lambda: {"debit": 0, "credit": 0})

    def add(self, other: Totals) -> None:
        """A batch more."""
        self.records += other.records
        self.hash += other.hash
        for direction, cents in other.cents.items():
            self.cents[direction] += cents

    @property
    def dollars(self) -> dict[str, Decimal]:
        """Everything that moves, whichever way."""
        cents = sum(self.cents.values())
        return {"USD": Decimal(cents).scaleb(-2)} if cents else {}

    def checks(self, name: str, record: str, first: int, width: int) -> Iterator[Check]:
        """A control record's count, hash, debits and credits, which begin at `first`; amounts take `width` digits."""
        count_width = 6 if name == "batch" else 8
        hash_at = first + count_width
        sums_at = hash_at + 10
        yield _check(f"{name}/count", record[first:hash_at], self.records)
        yield _check(f"{name}/hash", record[hash_at:sums_at], self.hash % _HASH)
        yield _money(f"{name}/debits", record[sums_at : sums_at + width], self.cents["debit"])
        yield _money(f"{name}/credits", record[sums_at + width : sums_at + 2 * width], self.cents["credit"])


@dataclass(slots=True)
class BatchTotals(Totals):
    """The totals of one batch, and what does not hold of single entries."""

    entries: int = 0
    rejected: int = 0
    failed: list[Check] = field(default_factory=list)
    trace: str = ""
    out_of_order: int = 0

    def take(self, line: int, record: str, addenda: int, header: BatchHeader) -> None:
        """An entry, whether it could be read or not."""
        self.records += 1 + addenda
        routing, digits = record[3:12], record[27:39] if header.entry_class == "ADV" else record[29:39]
        if routing[:8].isdecimal():
            self.hash += int(routing[:8])
        if not is_routing_number(routing):
            self.fail("routing", line, "the check digit of the routing number is wrong")
        direction = _DIRECTIONS.get(record[1:3])
        if direction and digits.isdecimal():
            self.cents[direction] += int(digits)
        if (record[78:79] == "1") != (addenda > 0):
            self.fail("addenda", line, f"the entry says that it has {'no ' if addenda else ''}addenda")
        if (trace := record[79:94]) <= self.trace:
            self.out_of_order += 1
        self.trace = trace

    def fail(self, name: str, line: int, detail: str) -> None:
        """Something of one entry that does not hold."""
        if len(self.failed) < _LOCATED:
            self.failed.append(Check(name=name, ok=False, detail=f"line {line}: {detail}"))

    def of_batch(self, header: BatchHeader, control: str, *, ascending: bool) -> Iterator[Check]:
        """The checks of the batch, those of single entries first."""
        yield from self.failed
        if ascending and self.out_of_order:
            yield Check(name="trace", ok=False, detail=f"{self.out_of_order} trace numbers do not ascend")
        only = _SERVICE.get(header.service_class)
        other = self.cents["credit" if only == "debit" else "debit"] if only else 0
        if other:
            detail = f"service class {header.service_class} means {only}s only"
            yield Check(name="service_class", ok=False, detail=detail)
        if not control:
            yield Check(name="batch/control", ok=False, detail="there is no control record")
            return
        yield from self.checks("batch", control, 4, 20 if header.entry_class == "ADV" else 12)
        if header.line and control[87:94].strip() != header.number:
            yield Check(name="batch/number", ok=False, detail="header and control record differ in the batch number")


def _check(name: str, told: str, found: int) -> Check:
    said = told.strip()
    if not (said.isascii() and said.isdecimal()):
        return Check(name=name, ok=False, detail="the control record tells no number")
    ok = int(said) == found
    return Check(name=name, ok=ok, detail="" if ok else f"{int(said)} is told, {found} is there")


def _money(name: str, told: str, cents: int) -> Check:
    check = _check(name, told, cents)
    if check.ok or not told.strip().isdecimal():
        return check
    said, there = (plain(Decimal(value).scaleb(-2)) for value in (int(told), cents))
    return Check(name=name, ok=False, detail=f"{said} is told, {there} is there")


def file_checks(totals: Totals, batches: int, records: int, control: str, *, advices: bool) -> Iterator[Check]:
    """The checks of the file, when its control record is there; `records` counts it too."""
    if not control:
        yield Check(name="file/control", ok=False, detail="there is no file control record")
        return
    yield _check("file/batches", control[1:7], batches)
    blocks = control[7:13].strip()
    # Some senders count the batches' records only, or leave zeros: a wrong block count moves no money.
    if blocks.isdecimal() and int(blocks) != -(-records // 10):
        yield Check(name="file/blocks", ok=False, detail=f"{int(blocks)} are told, {-(-records // 10)} are there")
    yield from totals.checks("file", control, 13, 20 if advices else 12)
