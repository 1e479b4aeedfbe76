"""Norma 43, streaming: statements of Spanish banks. Records 11, 22, 23, 24, 33 and 88 of 80 characters.

AEB, "Información normalizada de cuenta corriente (Cuaderno 43)", June 2012.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from nostro.formats.checks import Control
from nostro.formats.line_statements import (
    LineItem,
    Running,
    Strays,
    amount_zone,
    day_if_any,
    fixed_width,
    negative,
    scaled,
    walked,
    whole_number,
    zone,
)
from nostro.formats.reading import Beginning, Unreadable, if_readable
from nostro.formats.text import decode
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.parties import BankAccount
from nostro.model.references import told
from nostro.model.statements import (
    Balance,
    Direction,
    Exchange,
    References,
    ReturnInformation,
    Source,
    StatementHead,
)

RECORD = 80
_HEADER = re.compile(r"11[\d ]{18}\d{12}[12]\d{14}[\dA-Z ]{3}[1-3 ]")
_COMPLEMENTS = 50
_DIRECTIONS: dict[str, Direction] = {"1": "debit", "2": "credit"}
_TOTALS: tuple[tuple[Direction, int], ...] = (("debit", 21), ("credit", 40))
"""Where record 33 tells counts and sums."""
_RETURNED = "14"
"""The common concept of what comes back unpaid."""
_CURRENCIES = {
    "978": "EUR", "840": "USD", "826": "GBP", "756": "CHF", "392": "JPY", "208": "DKK", "752": "SEK", "578": "NOK",
    "124": "CAD", "036": "AUD", "985": "PLN", "203": "CZK", "348": "HUF", "946": "RON", "504": "MAD", "484": "MXN",
    "986": "BRL", "156": "CNY", "344": "HKD", "702": "SGD", "949": "TRY", "710": "ZAR", "554": "NZD", "975": "BGN",
    "152": "CLP", "170": "COP", "604": "PEN", "032": "ARS", "376": "ILS", "784": "AED", "682": "SAR", "643": "RUB",
}  # fmt: skip
"""ISO 4217 numbers, as far as Spanish banks keep accounts or pay in them."""
_WEIGHTS = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)


def is_norma43(beginning: Beginning) -> bool:
    """Whether one of the first lines is an account's header."""
    return any(_HEADER.match(line) for line in beginning.lines[:5])


def read_norma43(chunks: Iterable[bytes]) -> Iterator[LineItem]:
    """Per statement its head, entries and located rejects, and its end. Raises `FormatRefused` where there is none."""
    return walked(_Walk(), fixed_width(chunks, RECORD, _Letters().read))


@dataclass(slots=True)
class _Letters:
    """Which code page a file is in: Windows-1252, or 850 of DOS, whichever makes Spanish of what is read."""

    page: str = "cp1252"

    def read(self, raw: bytes) -> str:
        """A record's text. Where it leaves the page open, it is that of the last one which did not."""
        with suppress(UnicodeDecodeError):
            return raw.decode()
        spanish = {page: _spanish(raw.decode(page, "replace")) for page in _PAGES}
        if len(set(spanish.values())) > 1:
            self.page = max(spanish, key=lambda page: spanish[page])
        return raw.decode(self.page, "replace") if spanish[self.page] else decode(raw)


_PAGES = ("cp1252", "cp850")
_LETTERS, _SIGNS = frozenset("áéíóúüñçàèòï"), frozenset("ºª·¿¡€")


def _spanish(text: str) -> int:
    """How many signs beyond ASCII stand where Spanish (or Catalan) has them: no small letter among capitals."""
    found = sum(sign in _SIGNS for sign in text)
    for word in _WORD.findall(text):
        beside = [letter for letter in word[1:] if letter.isascii()]
        large, small = any(map(str.isupper, beside)), any(map(str.islower, beside))
        for place, letter in enumerate(word):
            if letter.lower() in _LETTERS:
                found += not (large and letter.islower()) and not (small and place and letter.isupper())
    return found


_WORD = re.compile(r"[^\W\d_ºª]+")


@dataclass(slots=True)
class _Movement:
    """A record 22 with its records 23 and 24."""

    line: int
    record: str
    concepts: list[str] = field(default_factory=list)
    equivalent: str = ""


@dataclass(slots=True)
class _Walk:
    """Where the walk through the file is. A statement's end waits for record 88, which counts all records."""

    line: int = 0
    statements: int = 0
    records: int = 0
    running: Running | None = None
    movement: _Movement | None = None
    complete: Running | None = None
    strays: Strays = field(default_factory=Strays)

    def take(self, number: int, record: str) -> Iterator[LineItem]:
        """One record."""
        self.line = number
        kind, running = record[:2], self.running
        if kind == "11":
            yield from self._finish_before()
            self.records += 1
            yield from self.strays.begin()
            yield self._begin(record)
        elif kind == "88":
            yield from self._count(record)
        elif running is None:
            self.records += 1
            yield from self.strays.take(number, tells_money=kind == "22")
        else:
            self.records += 1
            yield from self._within(running, kind, record)

    def finish(self) -> Iterator[LineItem]:
        """The file is read to its end."""
        if self.running is not None:
            yield from self._flush(self.running)
            yield self.running.cut(self.line, "there is no record of its end (33)")
        elif not self.statements:
            raise FormatRefused("There is no header of an account: this is no Norma 43 file.")
        if self.complete is not None:
            yield self.complete.end()

    def _finish_before(self) -> Iterator[LineItem]:
        if self.running is not None:
            yield from self._flush(self.running)
            self.running.note("closing", "there is no record of its end (33)")
            yield self.running.end()
        if self.complete is not None:
            yield self.complete.end()
        self.running = self.complete = None

    def _begin(self, record: str) -> StatementHead:
        self.statements += 1
        self.running = _statement(record, self.statements, self.line)
        return self.running.head

    def _within(self, running: Running, kind: str, record: str) -> Iterator[LineItem]:
        movement = self.movement
        if kind == "23" and movement is not None:
            if len(movement.concepts) < _COMPLEMENTS:
                movement.concepts += [said for said in (zone(record, 5, 42), zone(record, 43, 80)) if said]
        elif kind == "24" and movement is not None:
            movement.equivalent = record
        else:
            yield from self._flush(running)
            yield from self._other(running, kind, record)

    def _other(self, running: Running, kind: str, record: str) -> Iterator[LineItem]:
        if kind == "22":
            self.movement = _Movement(self.line, record)
        elif kind == "33":
            _take_end(running, record, self.line)
            self.running, self.complete = None, running
        else:
            known = kind in ("23", "24")
            yield running.reject(
                "a complement stands after no movement" if known else "the record is of no known kind", self.line
            )

    def _count(self, record: str) -> Iterator[LineItem]:
        """Record 88 counts those before it; some banks count it too."""
        yield from self._flush(self.running) if self.running is not None else ()
        counted = self.complete or self.running
        said = whole_number(zone(record, 21, 26))
        if counted is not None and said is not None:
            ok = said in (self.records, self.records + 1)
            counted.held("records", f"{said} are told, {self.records} are there", ok=ok)
        self.records = 0

    def _flush(self, running: Running) -> Iterator[LineItem]:
        """The movement before is complete."""
        movement, self.movement = self.movement, None
        if movement is None:
            return
        try:
            yield running.entry(_fields(running, movement), movement.line)
        except Unreadable as unreadable:
            yield running.reject(str(unreadable), movement.line, if_readable(_amount, running, movement.record))


def _statement(record: str, number: int, line: int) -> Running:
    currency = currency_of(zone(record, 48, 50))
    first, last = day_if_any(zone(record, 21, 26), "ymd"), day_if_any(zone(record, 27, 32), "ymd")
    head = StatementHead(
        kind="statement",
        statement_id="/".join(on.isoformat() for on in (first, last) if on) or str(number),
        bank_account=bank_account(record[2:6], record[6:10], record[10:20]).model_copy(
            update={"currency": currency, "owner": zone(record, 52, 77)}
        ),
        currency=currency,
        from_date=first,
        to_date=last,
        source=Source(where=f"statement[{number}]", line=line),
        format="Norma 43",
    )
    running = Running(head)
    running.add_balance("opening", line, lambda: _balance("OPBD", record, 33, currency, first))
    running.open()
    return running


def bank_account(bank: str, branch: str, number: str) -> BankAccount:
    """The account as the 20 digits that stand in its IBAN, so that both names meet. Files leave out the check digits.

    AEB, "Código cuenta cliente": each check digit is 11 less the weighed sum by 11; 10 becomes 1 and 11 becomes 0.
    """
    if whole_number(bank + branch + number) is None:
        return BankAccount(other=(bank + branch + number).strip(), clearing_id=bank.strip())
    checked = _check_digit(f"00{bank}{branch}") + _check_digit(number)
    return BankAccount(other=bank + branch + checked + number, scheme="BBAN", clearing_id=bank)


def _check_digit(digits: str) -> str:
    left = 11 - sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11
    return {10: "1", 11: "0"}.get(left, str(left))


def currency_of(said: str) -> str:
    """A currency from its ISO 4217 number; some banks write its letters. An unknown number stays as it is."""
    return _CURRENCIES.get(said, said)


def _fields(running: Running, movement: _Movement) -> dict[str, Any]:
    record, line = movement.record, movement.line
    direction = _DIRECTIONS.get(record[27])
    if direction is None:
        raise Unreadable("the sign is neither 1 nor 2")
    others = {"document": told(zone(record, 43, 52)), "reference_1": told(zone(record, 53, 64)),
              "reference_2": told(zone(record, 65, 80)), "branch": told(zone(record, 7, 10))}  # fmt: skip
    return {
        "amount": _amount(running, record),
        "direction": direction,
        "state": "booked",
        "booking_date": running.day(zone(record, 11, 16), "ymd", line, "operation date"),
        "value_date": running.day(zone(record, 17, 22), "ymd", line, "value date"),
        "references": References(others={name: said for name, said in others.items() if said}),
        "bank_transaction_code": zone(record, 23, 27),
        "remittance": tuple(" ".join(said.split()) for said in movement.concepts),
        "returned": ReturnInformation(proprietary=zone(record, 23, 27)) if zone(record, 23, 24) == _RETURNED else None,
        "exchange": _exchange(running, movement),
    }


def _amount(running: Running, record: str) -> Amount:
    return scaled(amount_zone(record, 29, 42), 2, running.head.currency)


def _exchange(running: Running, movement: _Movement) -> Exchange | None:
    """Record 24: the amount in the currency that it came from."""
    if not movement.equivalent:
        return None
    currency = currency_of(zone(movement.equivalent, 5, 7))
    try:
        return Exchange(instructed=scaled(zone(movement.equivalent, 8, 21), 2, currency), source_currency=currency)
    except Unreadable as unreadable:
        running.note("equivalent", f"{running.where}, line {movement.line}: {unreadable}")
        return None


def _take_end(running: Running, record: str, line: int) -> None:
    """Record 33: counts and sums of both directions, and the new balance."""
    if record[2:20] != _place(running):
        running.note("account", f"line {line}: the end is of another account than the beginning")
    currency = running.head.currency
    for direction, first in _TOTALS:
        number, total = whole_number(zone(record, first, first + 4)), whole_number(zone(record, first + 5, first + 18))
        value = None if total is None else Decimal(total).scaleb(-2)
        running.controls.append(Control(direction, number, value, (direction,)))
    running.add_balance("closing", line, lambda: _balance("CLBD", record, 59, currency, running.head.to_date))


def _place(running: Running) -> str:
    whole = running.head.bank_account.other
    return whole[:8] + whole[10:] if running.head.bank_account.scheme else whole


def _balance(code: str, record: str, first: int, currency: str, on: date | None) -> Balance:
    """A sign and fourteen digits. Raises `Unreadable`."""
    told_amount = scaled(amount_zone(record, first + 1, first + 14), 2, currency)
    sign = _DIRECTIONS.get(record[first - 1])
    if sign is None:
        raise Unreadable("the balance's sign is neither 1 nor 2")
    return Balance(code=code, amount=negative(told_amount) if sign == "debit" else told_amount, on=on)
