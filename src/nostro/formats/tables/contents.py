"""What stands in columns that no name tells: days, amounts, the running balance that proves them, IBANs, currencies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import permutations
from typing import NamedTuple, get_args

from nostro.formats.reading import Unreadable, if_readable
from nostro.formats.tables.cells import Cell, day, number, text
from nostro.formats.tables.chain import Chain
from nostro.formats.tables.profile import CREDIT_WORDS, DEBIT_WORDS, DateOrder
from nostro.formats.tables.rows import Row
from nostro.model.money import EXPONENTS
from nostro.model.parties import valid_iban

_EXACT = re.compile(r"[.,]\d{2,3}\D*$|^\s*[+-]|-\s*$", re.ASCII)
_SHORTEST_CHAIN = 2
FEWEST_ALIKE = 3
"""Rows in which the same account has to stand before it may be the statement's own."""
_MOST_AMOUNTS = 6
_ORDERS: Sequence[DateOrder] = get_args(DateOrder)


class Arrangement(NamedTuple):
    """Which columns hold the amounts, with the sign and the mark with which the running balances follow from them."""

    amounts: Mapping[str, int]
    decimal: str
    inverse: bool = False
    debits_negative: bool = False


@dataclass(slots=True)
class Contents:
    """The rows that hold a day and an amount, and what their columns hold, by number from 0."""

    body: list[Row]
    header: Row | None
    days: list[int] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)
    ibans: list[int] = field(default_factory=list)
    currencies: list[int] = field(default_factory=list)
    directions: list[int] = field(default_factory=list)
    texts: list[int] = field(default_factory=list)

    def cells(self, column: int) -> list[Cell]:
        """What stands in a column, empty cells too."""
        return [_cell(row, column) for row in self.body]

    def arrangements(self) -> list[Arrangement]:
        """Each way to read the amounts in which every running balance follows from the one before."""
        return [way for way in self._ways() if self._is_chain(way)]

    def _ways(self) -> Iterator[Arrangement]:
        for mark in (".", ","):
            for amount, balance in permutations(self.amounts[:_MOST_AMOUNTS], 2):
                told = {"amount": amount, "balance": balance}
                yield from (Arrangement(told, mark, inverse=inverse) for inverse in (False, True))
                yield from (Arrangement({**told, "direction": word}, mark) for word in self.directions)
            for debit, credit, balance in permutations(self.amounts[:_MOST_AMOUNTS], 3):
                told = {"debit": debit, "credit": credit, "balance": balance}
                yield from (Arrangement(told, mark, debits_negative=negative) for negative in (False, True))

    def _is_chain(self, way: Arrangement) -> bool:
        chain = Chain()
        for row in self.body:
            try:
                amount, balance = _amount(row, way), number(_cell(row, way.amounts["balance"]), way.decimal)
            except Unreadable:
                return False
            if amount is None or balance is None:
                return False
            chain.add(amount, balance, row.line)
        # A column of nothing but zeros beside one that never changes proves nothing.
        changes = len({text(cell) for cell in self.cells(way.amounts["balance"])}) > 1
        return chain.counted >= _SHORTEST_CHAIN and not chain.broken() and changes

    def signed(self, way: Arrangement) -> Iterator[tuple[Decimal | None, Cell]]:
        """The amounts and balances as they are read so."""
        return ((_amount(row, way), _cell(row, way.amounts["balance"])) for row in self.body)

    def exclude(self, one: int, other: int) -> bool:
        """Whether in each row just one of two columns says something but nothing."""
        pairs = zip(self.cells(one), self.cells(other), strict=True)
        return all(_says(first) != _says(second) for first, second in pairs)

    def is_negative(self, column: int) -> bool:
        """Whether a minus stands in a column of amounts."""
        return any(text(cell).startswith("-") for cell in self.cells(column))


def _amount(row: Row, way: Arrangement) -> Decimal | None:
    if "amount" not in way.amounts:
        debit, credit = (number(_cell(row, way.amounts[name]), way.decimal) for name in ("debit", "credit"))
        if bool(debit) == bool(credit):
            return None
        if debit and (debit < 0) != way.debits_negative:
            return None
        return (credit or Decimal(0)) - abs(debit or Decimal(0))
    value = number(_cell(row, way.amounts["amount"]), way.decimal)
    if value is None:
        return None
    if "direction" in way.amounts:
        return -abs(value) if text(_cell(row, way.amounts["direction"])).casefold() in DEBIT_WORDS else abs(value)
    return -value if way.inverse else value


def contents(rows: Sequence[Row]) -> Contents | None:
    """What the rows hold; None where no row holds a day and an amount."""
    found = [row for row in rows if _holds_both(row)]
    if not found:
        return None
    width = Counter(len(row.cells) for row in found).most_common(1)[0][0]
    body = [row for row in found if len(row.cells) == width]
    before = [row for row in rows if row.line < body[0].line and not row.is_empty]
    header = before[-1] if before and _is_header(before[-1], width) else None
    whole = Contents(body, header)
    for column in range(width):
        _sort(whole, column)
    return whole if whole.days and whole.amounts else None


def share(rows: Sequence[Row]) -> float:
    """How many of the rows in which something stands hold a day and an amount."""
    filled = [row for row in rows if not row.is_empty]
    return sum(map(_holds_both, filled)) / len(filled) if filled else 0.0


def _holds_both(row: Row) -> bool:
    return len(row.cells) > 1 and any(map(is_day, row.cells)) and any(map(is_exact, row.cells))


def _is_header(row: Row, width: int) -> bool:
    names = [text(cell) for cell in row.cells]
    return len(names) == width and sum(map(bool, names)) * 2 > width and not any(map(_is_number, row.cells))


def _sort(whole: Contents, column: int) -> None:
    """Puts a column where what stands in it belongs."""
    cells = [cell for cell in whole.cells(column) if text(cell)]
    told = {text(cell) for cell in cells}
    if not cells:
        return
    if all(map(is_day, cells)):
        whole.days.append(column)
    elif all(map(_is_number, cells)) and any(map(is_exact, cells)):
        whole.amounts.append(column)
    elif all(map(is_iban, told)):
        whole.ibans.append(column)
    elif told <= EXPONENTS.keys():
        whole.currencies.append(column)
    elif {said.casefold() for said in told} <= {*DEBIT_WORDS, *CREDIT_WORDS}:
        whole.directions.append(column)
    else:
        whole.texts.append(column)


def is_constant(whole: Contents, column: int) -> bool:
    """Whether the same stands in each row of a column, of rows enough to say so."""
    return len({text(cell) for cell in whole.cells(column)}) == 1 and len(whole.body) >= FEWEST_ALIKE


def _says(cell: Cell) -> bool:
    return any(letter in "123456789" for letter in text(cell))


def is_iban(said: str) -> bool:
    """Whether it is an IBAN, however it is spaced."""
    return valid_iban("".join(said.split()).upper())


def _cell(row: Row, column: int) -> Cell:
    return row.cells[column] if column < len(row.cells) else ""


def is_day(cell: Cell) -> bool:
    """Whether it is a day of the calendar, in whatever order."""
    return any(if_readable(day, cell, order) is not None for order in _ORDERS)


def _is_number(cell: Cell) -> bool:
    return any(if_readable(number, cell, mark) is not None for mark in (".", ","))


def is_exact(cell: Cell) -> bool:
    """A number that is an amount by how it is written: with two decimals, or a sign."""
    return isinstance(cell, Decimal) or (bool(_EXACT.search(text(cell))) and _is_number(cell) and not is_day(cell))
