"""CFONB 120, streaming: statements of French banks. Records 01 (old balance), 04, 05 (movements), 07 (new balance).

CFONB, "Relevé de compte sur support informatique, 120 caractères".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nostro.formats.cfonb.amounts import signed
from nostro.formats.cfonb.qualifiers import TOLD, gather
from nostro.formats.cfonb.rib import rib
from nostro.formats.line_statements import (
    LineItem,
    Running,
    Strays,
    amount_zone,
    day_if_any,
    fixed_width,
    negative,
    walked,
    zone,
)
from nostro.formats.reading import Beginning, Unreadable
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.references import told as really_told
from nostro.model.statements import Balance, Direction, ReturnInformation, Source, StatementHead

RECORD = 120
_OLD = re.compile(
    r"01[A-Z0-9 ]{5}.{4}[A-Z0-9 ]{5}(?:[A-Z]{3}[0-9 ]| {4}).[A-Z0-9 ]{11}.{2}.{6}.{50}[ \d]{5,13}[\d{}A-R]"
)
_CURRENCY = slice(16, 20)
"""Zones 17 to 20: the currency and its decimals."""


def is_cfonb120(beginning: Beginning) -> bool:
    """Whether one of the first lines is an old balance."""
    return any(_OLD.match(line) for line in beginning.lines[:5])


def read_cfonb120(chunks: Iterable[bytes]) -> Iterator[LineItem]:
    """Per statement its head, entries and located rejects, and its end. Raises `FormatRefused` where there is none."""
    return walked(_Walk(), _with_currency(fixed_width(chunks, RECORD)))


def _with_currency(records: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Balances without a currency (LCL's habit) are in that of the movement behind the old one."""
    held: tuple[int, str] | None = None
    told = ""
    for number, record in records:
        if held is not None:
            told = record[_CURRENCY] if record[:2] == "04" else " " * 4
            yield held[0], _filled(held[1], told)
            held = None
        if record[:2] == "01" and not record[_CURRENCY].strip():
            held = number, record
        else:
            yield number, _filled(record, told) if record[:2] == "07" else record
    if held is not None:
        yield held


def _filled(record: str, told: str) -> str:
    if not told or record[_CURRENCY].strip():
        return record
    return f"{record[: _CURRENCY.start]}{told}{record[_CURRENCY.stop :]}"


@dataclass(slots=True)
class _Movement:
    """A record 04 with its records 05."""

    line: int
    record: str
    told: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Walk:
    """Where the walk through the file is."""

    line: int = 0
    statements: int = 0
    running: Running | None = None
    movement: _Movement | None = None
    strays: Strays = field(default_factory=Strays)

    def take(self, number: int, record: str) -> Iterator[LineItem]:
        """One record."""
        self.line = number
        kind, running = record[:2], self.running
        if kind == "01":
            if running is not None:
                running.note("closing", "there is no new balance")
                yield from self._close(running)
            yield from self.strays.begin()
            yield self._begin(record)
        elif running is None:
            yield from self.strays.take(number, tells_money=kind == "04")
        elif kind == "05" and self.movement is not None:
            if len(self.movement.told) < TOLD:
                self.movement.told.append((zone(record, 46, 48), record[48:118], self.line))
        else:
            yield from self._flush(running)
            yield from self._other(running, kind, record)

    def finish(self) -> Iterator[LineItem]:
        """The file is read to its end."""
        if self.running is not None:
            yield from self._flush(self.running)
            yield self.running.cut(self.line, "there is no new balance")
        elif not self.statements:
            raise FormatRefused("There is no record of an old balance: this is no CFONB 120 file.")

    def _begin(self, record: str) -> StatementHead:
        self.statements += 1
        currency = zone(record, 17, 19)
        account = rib(zone(record, 3, 7), zone(record, 12, 16), zone(record, 22, 32), currency)
        on = day_if_any(zone(record, 35, 40))
        head = StatementHead(
            kind="statement",
            statement_id=on.isoformat() if on else str(self.statements),
            bank_account=account,
            currency=currency,
            from_date=on,
            source=Source(where=f"statement[{self.statements}]", line=self.line),
            format="CFONB 120",
        )
        self.running = Running(head)
        self.running.add_balance("opening", self.line, lambda: _balance("OPBD", record))
        return self.running.open()

    def _other(self, running: Running, kind: str, record: str) -> Iterator[LineItem]:
        if kind == "04":
            self.movement = _Movement(self.line, record)
        elif kind == "07":
            running.add_balance("closing", self.line, lambda: _balance("CLBD", record))
            if _place(record) != _place_of(running):
                running.note("account", f"line {self.line}: the new balance is of another account than the old one")
            yield from self._close(running)
        else:
            sentence = "a complement stands after no movement" if kind == "05" else "the record is of no known kind"
            yield running.reject(sentence, self.line)

    def _flush(self, running: Running) -> Iterator[LineItem]:
        """The movement before is complete."""
        movement, self.movement = self.movement, None
        if movement is None:
            return
        try:
            yield running.entry(_fields(running, movement), movement.line)
        except Unreadable as unreadable:
            yield running.reject(str(unreadable), movement.line)

    def _close(self, running: Running) -> Iterator[LineItem]:
        yield from self._flush(running)
        self.running = None
        yield running.end()


def _fields(running: Running, movement: _Movement) -> dict[str, Any]:
    record, line = movement.record, movement.line
    amount = _amount(record)
    direction: Direction = "debit" if amount.value.is_signed() else "credit"
    if _place(record) != _place_of(running):
        running.note("account", f"{running.where}, line {line}: the movement is of another account")
    try:
        told = gather(movement.told)
    except Unreadable as unreadable:
        running.note("complement", f"{running.where}, line {line}: {unreadable}")
        told = gather(one for one in movement.told if one[0] not in ("MMO", "FEE"))
    told.references |= _references(record)
    if number := really_told(zone(record, 82, 88)):
        told.others["entry_number"] = number
    label = " ".join(record[48:79].split())
    reason = zone(record, 41, 42).strip("0")
    return {
        "amount": negative(amount) if direction == "debit" else amount,
        "direction": direction,
        "state": "booked",
        "booking_date": running.day(zone(record, 35, 40), "dmy", line, "booking date"),
        "value_date": running.day(zone(record, 43, 48), "dmy", line, "value date"),
        "bank_transaction_code": zone(record, 33, 34),
        "remittance": (label, *told.lines) if label else tuple(told.lines),
        "returned": ReturnInformation(proprietary=zone(record, 41, 42)) if reason else None,
        **told.fields(direction),
    }


def _references(record: str) -> dict[str, str]:
    """The reference of the movement (the bank's, or the payer's own); and the bank's internal code."""
    reference = really_told(zone(record, 105, 120))
    return {"entry": reference} if reference else {}


def _amount(record: str) -> Amount:
    """The signed amount of a record. Raises `Unreadable`."""
    return signed(amount_zone(record, 91, 104), zone(record, 20, 20), zone(record, 17, 19))


def _balance(code: str, record: str) -> Balance:
    return Balance(code=code, amount=_amount(record), on=day_if_any(zone(record, 35, 40)))


def _place(record: str) -> str:
    """The account's number in any record. Movements may name another bank or branch of the same house."""
    return zone(record, 22, 32)


def _place_of(running: Running) -> str:
    return running.head.bank_account.other[10:21]
