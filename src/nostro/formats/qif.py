"""QIF, streaming: the Quicken Interchange Format, whose dates have no declared order and whose amounts no currency.

Intuit, "QIF file format". The order of dates is taken from the file where one of its dates proves it; else every entry
is rejected with the remedy, unless it was declared. An amount without a declared currency is told in none (ISO 4217's
own code for that), so that it becomes no money by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from nostro.formats.checks import BatchSum
from nostro.formats.line_statements import LineItem, Running, account_as_told, trimmed
from nostro.formats.ofx.values import decimal
from nostro.formats.reading import Beginning, Unreadable, if_readable
from nostro.formats.tables.row_words import balance_of_row
from nostro.formats.text import Ending, lines
from nostro.model.failures import FormatRefused
from nostro.model.money import NO_CURRENCY, Amount
from nostro.model.parties import Address, Party
from nostro.model.references import told as really_told
from nostro.model.statements import Balance, Detail, Direction, References, Source, StatementHead

_TYPE = re.compile(r"!\s*(?:Type:|Account|Option:|Clear:)", re.IGNORECASE)
_DAY = re.compile(r"(\d{1,4})\s*[/.\-]\s*(\d{1,2})\s*([/.\-'])\s*(\d{1,4})", re.ASCII)
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)", re.ASCII)
_MONEY = frozenset({"bank", "cash", "ccard", "oth a", "oth l"})
_HELD = 100_000
"""Entries that wait for a date that proves the order."""
_MAY_LACK = ("T", "U", "$", "D")
"""Amounts and days."""
_FIELDS = 500
_WRONG_ORDER = "the date can be read in two orders: declare which (date_order: dmy or mdy)"
_CHEQUE = re.compile(r"\d{1,20}")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a QIF file doesn't tell. Empty: it is not declared."""

    date_order: str = ""
    currency: str = ""
    bank_account: str = ""


def is_qif(beginning: Beginning) -> bool:
    """Whether the first line that says anything is a QIF header."""
    first = next((line.strip() for line in beginning.lines if line.strip()), "")
    return bool(_TYPE.match(first))


def read_qif(chunks: Iterable[bytes], declared: Declared | None = None) -> Iterator[LineItem]:
    """A statement for each account. Raises `FormatRefused` where there is no QIF header."""
    walk = _Walk(declared or Declared())
    walk.order = walk.declared.date_order
    ending = Ending()
    for number, line in lines(chunks, ending=ending):
        if line.strip():
            yield from walk.take(number, line.strip())
    yield from walk.finish(ending)


@dataclass(slots=True)
class _Movement:
    """The lines of one entry, by their letters."""

    line: int
    told: dict[str, list[str]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    """Of its parts' amounts (`$`)."""
    last: str = ""

    def first(self, letter: str) -> str:
        """The first line with that letter."""
        return next(iter(self.told.get(letter, ())), "")


@dataclass(slots=True)
class _Walk:
    """Where the walk through the file is. `order` is empty until a date proves it."""

    declared: Declared
    order: str = ""
    section: str = ""
    account: dict[str, list[str]] = field(default_factory=dict)
    statements: int = 0
    known: bool = False
    running: Running | None = None
    movement: _Movement | None = None
    waiting: list[_Movement] = field(default_factory=list)
    line: int = 0
    others: int = 0

    def take(self, number: int, line: str) -> Iterator[LineItem]:
        """One line."""
        self.line = number
        if line.startswith("!"):
            yield from self._header(line[1:].strip())
        elif not self.known:
            return
        elif line.startswith("^"):
            yield from self._complete()
        else:
            self.movement = self.movement or _Movement(number)
            if line.startswith("$"):
                self.movement.lines.append(number)
            if sum(map(len, self.movement.told.values())) < _FIELDS:
                self.movement.last = line[0].upper()
                self.movement.told.setdefault(self.movement.last, []).append(line[1:].strip())

    def finish(self, ending: Ending) -> Iterator[LineItem]:
        """The file is read to its end."""
        if not self.known:
            raise FormatRefused("There is no QIF header in this file.")
        unfinished = self.movement is not None
        if self.movement is not None and ending.lacks and self.movement.last in _MAY_LACK:
            # Of an amount or a day within which the file ends some digits may lack: it is none.
            self.movement.told[self.movement.last][-1] = ""
        yield from self._complete()
        yield from self._release()
        if self.running is None:
            yield from self._begin()
        if self.running is not None:
            if unfinished:
                self.running.note("closing", f"line {self.line}: the last entry has no end")
            if self.others:
                self.running.note("others", f"{self.others} entries of lists and investments are not told")
            yield self.running.end()

    def _header(self, said: str) -> Iterator[LineItem]:
        yield from self._complete()
        self.known = True
        kind, _, name = said.partition(":")
        if kind.casefold() == "type":
            self.section = name.strip().casefold()
            if self.section in _MONEY:
                yield from self._end_section()
                yield from self._begin()
        elif kind.casefold() == "account":
            self.section = "account"

    def _end_section(self) -> Iterator[LineItem]:
        if self.running is not None:
            yield from self._release()
            yield self.running.end()
            self.running = None

    def _begin(self) -> Iterator[LineItem]:
        self.statements += 1
        name = next(iter(self.account.get("N", ())), "")
        number, currency = self.declared.bank_account, self.declared.currency
        head = StatementHead(
            kind="statement",
            statement_id=str(self.statements),
            bank_account=account_as_told(number or name, currency).model_copy(update={"name": name if number else ""}),
            currency=currency,
            source=Source(where=f"statement[{self.statements}]", line=self.line),
            format="QIF",
        )
        self.running = Running(head)
        if not currency:
            self.running.note("currency", "no currency is told: declare it in a profile")
        yield head

    def _complete(self) -> Iterator[LineItem]:
        movement, self.movement = self.movement, None
        if movement is None:
            return
        if self.section == "account":
            self.account = movement.told
        elif self.section not in _MONEY:
            self.others += 1
        else:
            self.order = self.order or _proved(movement.first("D"))
            self.waiting.append(movement)
            clear = len(self.waiting) == 1 and _is_clear(movement.first("D"))
            if self.order or clear or len(self.waiting) >= _HELD:
                yield from self._release()

    def _release(self) -> Iterator[LineItem]:
        waiting, self.waiting = self.waiting, []
        running = self.running
        if running is None:
            return
        for movement in waiting:
            amount: Amount | None = None
            try:
                amount = _amount(movement, self.declared.currency or NO_CURRENCY)
                if balance_of_row([movement.first("P")]) == "OPBD":
                    # As Quicken begins an account: with what was there before, as if the account had paid itself.
                    on = if_readable(_day, movement.first("D"), self.order)
                    running.take_balance(Balance(code="OPBD", amount=amount, on=on), movement.line)
                    continue
                fields = _fields(movement, amount, self.order)
                yield running.entry(fields, movement.line, _summed(fields["details"]))
            except Unreadable as unreadable:
                unsigned = None if amount is None else Amount(value=abs(amount.value), currency=amount.currency)
                yield running.reject(str(unreadable), movement.line, unsigned)


def _parts(said: str) -> re.Match[str] | None:
    """A date's parts as written; one of eight digits begins with the year."""
    return _DAY.fullmatch(_COMPACT.sub(r"\1-\2-\3", said) if len(said) == len("YYYYMMDD") else said)


def _proved(said: str) -> str:
    """The order that a date proves, by a part that is no month, or by dots: nobody writes a month, a dot and a day."""
    found = _parts(said)
    if not found or len(found[1]) == 4:
        return ""
    first, second = int(found[1]), int(found[2])
    if first > 12 >= second or (found[3] == "." and second <= 12):
        return "dmy"
    return "mdy" if second > 12 >= first else ""


def _is_clear(said: str) -> bool:
    """Whether a date is the same in every order, so that nothing has to wait for one that proves it."""
    found = _parts(said)
    return found is None or len(found[1]) == 4 or int(found[1]) == int(found[2])


def _day(said: str, order: str) -> date:
    """A day in the order that was declared or proved. Raises `Unreadable`."""
    found = _parts(said)
    if found is None:
        raise Unreadable("the date is in no form that QIF has" if said else "there is no date")
    first, second, third = int(found[1]), int(found[2]), int(found[4])
    if len(found[1]) == 4:
        return _calendar(first, second, third)
    # Quicken writes the years from 2000 on behind an apostrophe.
    year = third if third > 99 else third + (2000 if found[3] == "'" or third < 70 else 1900)
    if not order and first != second:
        raise Unreadable(_WRONG_ORDER)
    return _calendar(year, second, first) if order == "dmy" else _calendar(year, first, second)


def _calendar(year: int, month: int, of_month: int) -> date:
    try:
        return date(year, month, of_month)
    except ValueError:
        raise Unreadable("the date is in no calendar") from None


def _amount(movement: _Movement, currency: str) -> Amount:
    """`T`, or `U` where it lacks. Raises `Unreadable`."""
    said = movement.first("T") or movement.first("U")
    return Amount(value=trimmed(decimal(said, currency), currency), currency=currency)


def _fields(movement: _Movement, amount: Amount, order: str) -> dict[str, Any]:
    direction: Direction = "debit" if amount.value < 0 else "credit"
    payee, memo, number = movement.first("P"), movement.first("M"), movement.first("N")
    address = tuple(line for line in movement.told.get("A", ()) if line)
    key = "ChqNb" if _CHEQUE.fullmatch(number) else "number"
    others = {key: really_told(number), "category": movement.first("L"), "cleared": movement.first("C")}
    details = _splits(movement, amount.currency)
    words = memo or payee
    return {
        "amount": Amount(value=abs(amount.value), currency=amount.currency),
        "direction": direction,
        "state": "booked",
        "booking_date": _day(movement.first("D"), order),
        "references": References(others={name: said for name, said in others.items() if said}),
        "remittance": (words,) if words else (),
        "counterparty": Party(name=payee, address=Address(lines=address) if address else None) if payee else None,
        "details": details,
        "details_total": len(details),
    }


def _summed(details: Iterable[Detail]) -> BatchSum:
    batch = BatchSum()
    for detail in details:
        batch.add(detail)
    return batch


def _splits(movement: _Movement, currency: str) -> tuple[Detail, ...]:
    """`S`, `E` and `$`: the parts of an entry by category. One whose amount can't be read has none."""
    categories, memos = movement.told.get("S", []), movement.told.get("E", [])
    details: list[Detail] = []
    for place, said in enumerate(movement.told.get("$", [])[:_FIELDS]):
        source = Source(where=f"$[{place + 1}]", line=movement.lines[place])
        try:
            value = decimal(said, currency)
        except Unreadable:
            details.append(Detail(source=source))
            continue
        details.append(
            Detail(
                amount=Amount(value=abs(value), currency=currency),
                direction="debit" if value < 0 else "credit",
                additional=categories[place] if place < len(categories) else "",
                remittance=(memos[place],) if place < len(memos) and memos[place] else (),
                source=source,
            )
        )
    return tuple(details)
