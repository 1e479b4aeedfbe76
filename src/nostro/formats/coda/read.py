"""CODA, streaming: records 0 to 9 of 128 characters, as statements, entries with their details, and checks.

Febelfin, "Standard for the coded statement of account (CODA)" 2.6. A movement that totals others is one entry; what it
totals are its details (the last level of them, where totals hold totals).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import ValidationError

from nostro.formats.checks import BatchSum, Control
from nostro.formats.coda.movement import RECORD, Movement, account_of
from nostro.formats.line_statements import (
    DETAILS_KEPT,
    LineItem,
    Running,
    Strays,
    day_if_any,
    fixed_width,
    negative,
    scaled,
    walked,
    whole_number,
    zone,
)
from nostro.formats.reading import Beginning, Unreadable, if_readable, why
from nostro.model.failures import FormatRefused
from nostro.model.parties import BankAccount
from nostro.model.statements import Balance, Detail, Direction, Reject, Source, StatementHead

_HEADER = re.compile(r"0(?:0000|    )\d{6}[\d ]{3}05[D ]")
_COUNTED = frozenset("1238")
_TOTALS: tuple[tuple[Direction, int], ...] = (("debit", 23), ("credit", 38))
"""Where the trailer tells sums."""
_DETAIL_TYPES = frozenset("56789")
"""First digits of transaction codes that say: this is part of another movement."""


def is_coda(beginning: Beginning) -> bool:
    """Whether one of the first lines is a header record."""
    return any(_HEADER.match(line) for line in beginning.lines[:5])


def read_coda(chunks: Iterable[bytes]) -> Iterator[LineItem]:
    """Per statement its head, entries and located rejects, and its end. Raises `FormatRefused` where there is none."""
    return walked(_Walk(), fixed_width(chunks, RECORD))


@dataclass(slots=True)
class _Group:
    """A movement, and its details while they stream by."""

    top: Movement
    last: Movement
    details: list[Detail] = field(default_factory=list)
    batch: BatchSum = field(default_factory=BatchSum)
    open: list[str] = field(default_factory=list)
    broken: bool = False


@dataclass(slots=True)
class _Walk:
    """Where the walk through the file is."""

    line: int = 0
    statements: int = 0
    header: str = ""
    headed: bool = False
    running: Running | None = None
    group: _Group | None = None
    closed: bool = False
    counted: int = 0
    refused: str = ""
    strays: Strays = field(default_factory=Strays)

    def take(self, number: int, record: str) -> Iterator[LineItem]:
        """One record."""
        self.line = number
        kind = record[:2] if record[0] in "23" else record[0]
        self.counted += record[0] in _COUNTED
        if kind == "0":
            yield from self._close("there is no trailer record")
            self.header, self.counted, self.headed = record, 0, True
        elif kind == "1":
            yield from self._close("there is no trailer record")
            self.counted = 1
            yield from self.strays.begin()
            yield self._begin(record)
        elif self.running is None:
            yield from self.strays.take(number, tells_money=kind == "21")
        elif kind == "21":
            yield from self._movement(self.running, Movement(number, record))
        elif kind in _FOLLOWING:
            yield from self._following(self.running, record)
        else:
            yield from self._rest(self.running, kind, record)

    def finish(self) -> Iterator[LineItem]:
        """The file is read to its end."""
        if self.running is not None and not self.closed:
            yield from self._flush(self.running)
            yield self.running.cut(self.line, "there is no new balance")
            return
        yield from self._close("there is no trailer record")
        if not self.statements:
            raise FormatRefused("There is no record of an old balance: this is no CODA file.")
        if self.headed:
            yield Reject(where="file", why="the file ends behind a header: there is no old balance", line=self.line)

    def _begin(self, record: str) -> StatementHead:
        self.statements += 1
        self.closed = self.headed = False
        self.running = _statement(self.header.ljust(RECORD), record, self.statements, self.line)
        return self.running.head

    def _movement(self, running: Running, movement: Movement) -> Iterator[LineItem]:
        group = self.group
        if movement.is_detail and group is not None and group.top.number == movement.number:
            self._add_last(running, group)
            group.last = movement
            return
        yield from self._flush(running)
        if movement.is_detail and movement.number == self.refused:
            yield running.reject("the movement that it is a part of could not be read", movement.line)
        elif movement.is_detail and movement.first[53] in _DETAIL_TYPES:
            yield running.reject("the movement that it is a part of is not in the file", movement.line)
        else:
            self.group = _Group(movement, movement, open=[movement.level] if movement.level else [])

    def _following(self, running: Running, record: str) -> Iterator[LineItem]:
        if self.group is not None and self.group.last.number == record[2:6]:
            self.group.last.take(record)
        elif record[2:6] != self.refused:
            yield running.reject("a record continues a movement that is not before it", self.line)

    def _rest(self, running: Running, kind: str, record: str) -> Iterator[LineItem]:
        if kind == "8":
            yield from self._flush(running)
            self._new_balance(running, record)
        elif kind == "9":
            yield from self._flush(running)
            self._trailer(running, record)
            yield from self._close("there is no new balance" if not self.closed else "")
        elif kind != "4":
            yield running.reject("the record is of no kind that CODA has", self.line)

    def _add_last(self, running: Running, group: _Group) -> None:
        """The detail that is complete. A total within a total is none: what it totals follows."""
        movement = group.last
        if movement is group.top:
            return
        level = movement.level
        if level and level not in group.open:
            group.open.append(level)
            return
        if level:
            del group.open[group.open.index(level) :]
        try:
            fields = movement.fields(running.head.currency)
            source = Source(where=f"detail[{group.batch.count + 1}]", line=movement.line)
            detail = Detail(**fields, purpose=movement.purpose, source=source)
        except (Unreadable, ValidationError) as error:
            running.note("detail", f"{running.where}, line {movement.line}: {why(error)}")
            detail = Detail()
        group.batch.add(detail)
        if len(group.details) < DETAILS_KEPT:
            group.details.append(detail)

    def _flush(self, running: Running) -> Iterator[LineItem]:
        """The movement before is complete."""
        group, self.group = self.group, None
        if group is None:
            return
        self._add_last(running, group)
        top = group.top
        try:
            fields = top.fields(running.head.currency)
        except Unreadable as unreadable:
            self.refused = top.number
            yield running.reject(str(unreadable), top.line, if_readable(top.amount, running.head.currency))
            return
        fields |= {
            "state": "booked",
            "value_date": running.day(zone(top.first, 48, 53), "dmy", top.line, "value date"),
            "booking_date": running.day(zone(top.first, 116, 121), "dmy", top.line, "entry date"),
            "bank_transaction_code": zone(top.first, 54, 61),
            "details": tuple(group.details),
            "details_total": group.batch.count,
        }
        yield running.entry(fields, top.line, group.batch)

    def _new_balance(self, running: Running, record: str) -> None:
        self.closed = True
        account = _bank_account(record[0] + running_structure(record) + record[1:])
        if account.identification != running.head.bank_account.identification:
            running.note("account", f"line {self.line}: the new balance is of another account than the old one")
        running.add_balance("closing", self.line, lambda: _balance("CLBD", record[41:63], running.head.currency))

    def _trailer(self, running: Running, record: str) -> None:
        said = whole_number(zone(record, 17, 22))
        if said is not None:
            running.held("records", f"{said} are told, {self.counted} are there", ok=said == self.counted)
        for direction, first in _TOTALS:
            total = whole_number(zone(record, first, first + 14))
            if total is not None:
                running.controls.append(Control(direction, None, Decimal(total).scaleb(-3), (direction,)))

    def _close(self, lacking: str) -> Iterator[LineItem]:
        """The statement that is open ends here."""
        running = self.running
        if running is None:
            return
        yield from self._flush(running)
        if lacking:
            running.note("trailer", lacking)
        self.running, self.refused = None, ""
        yield running.end()


_FOLLOWING = frozenset({"22", "23", "31", "32", "33"})


def running_structure(record: str) -> str:
    """Record 8 tells no account structure: its account shows whether it is an IBAN."""
    return "2" if record[4:6].isalpha() else "0"


def _statement(header: str, record: str, number: int, line: int) -> Running:
    account = _bank_account(record).model_copy(
        update={
            "owner": zone(record, 65, 90),
            "name": zone(record, 91, 125),
            "bic": zone(header, 61, 71),
            "clearing_id": zone(header, 12, 14),
        }
    )
    created, sequence = day_if_any(zone(header, 6, 11)), whole_number(zone(record, 126, 128))
    year = created.year if created else ""
    head = StatementHead(
        kind="statement",
        statement_id=f"{year}/{sequence:03}" if sequence is not None else zone(header, 25, 34),
        bank_account=account,
        currency=account.currency,
        sequence=sequence,
        legal_sequence=whole_number(zone(record, 3, 5)),
        created_on=created,
        copy_mark="DUPL" if header[16] == "D" else "",
        source=Source(where=f"statement[{number}]", line=line),
        format="CODA",
    )
    running = Running(head)
    running.add_balance("opening", line, lambda: _balance("OPBD", record[42:64], account.currency))
    running.open()
    return running


def _bank_account(record: str) -> BankAccount:
    """The account in positions 6 to 42 of a record 1, by the structure in position 2."""
    structure, said = record[1], record[5:42]
    if structure == "0":
        currency = zone(said, 14, 16)
        return BankAccount(other=zone(said, 1, 12), scheme="BBAN", currency=currency)
    found = account_of(said)
    return found.model_copy(update={"currency": zone(said, 35, 37) or found.currency})


def _balance(code: str, said: str, currency: str) -> Balance:
    """A sign, fifteen digits with three decimals, and a day. Raises `Unreadable`."""
    told = scaled(said[1:16], 3, currency)
    return Balance(code=code, amount=negative(told) if said[0] == "1" else told, on=day_if_any(said[16:22]))
