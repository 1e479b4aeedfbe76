"""What stands in the columns of a list of payments that no line names: enough to propose, never enough to pay by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nostro.formats.nacha.entries import is_routing_number
from nostro.formats.tables.cells import Cell, text
from nostro.formats.tables.contents import FEWEST_ALIKE, is_day, is_exact, is_iban
from nostro.formats.tables.rows import Row
from nostro.model.money import EXPONENTS

_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(slots=True)
class PaymentContents:
    """The lines that hold an amount beside other things, and what their columns seem to hold, by number from 1.

    `unused`: columns of which nothing is known, and what a person may recognise them by.
    """

    body: list[Row]
    columns: dict[str, int] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    def cells(self, column: int) -> list[Cell]:
        """What stands in a column, from 0, where something does."""
        return [row.cells[column] for row in self.body if column < len(row.cells) and text(row.cells[column])]

    def take(self, column: int) -> None:
        """Finds out what a column, from 0, holds."""
        cells = self.cells(column)
        if not cells:
            return
        kind = next((name for name in self._kinds(cells) if name not in self.columns), "")
        if kind:
            self.columns[kind] = column + 1
        else:
            self.unused.append(f"column {column + 1}, {_alike(cells)}")

    def _kinds(self, cells: Sequence[Cell]) -> Iterator[str]:
        told = {text(cell) for cell in cells}
        if all(map(is_day, cells)):
            yield "execution_date"
        elif all(map(is_exact, cells)):
            yield "amount"
        elif all(map(is_iban, told)):
            # One account in every line is the payer's; of few lines nobody knows.
            yield "debtor_account" if len(told) == 1 and len(cells) >= FEWEST_ALIKE else "creditor_account"
        elif all(map(is_routing_number, told)):
            yield "creditor_clearing_id"
        elif all(map(_BIC.fullmatch, told)) and any(
            any(sign.isdigit() for sign in said) or len(said) > 8 for said in told
        ):
            yield "debtor_bic" if len(told) == 1 and len(cells) >= FEWEST_ALIKE else "creditor_bic"
        elif told <= EXPONENTS.keys():
            yield "currency"
        elif all(map(_COUNTRY.fullmatch, told)):
            yield "creditor_country"
        elif all(any(sign.isalpha() for sign in said) for said in told):
            yield "creditor"


def _alike(cells: Sequence[Cell]) -> str:
    if all(is_exact(cell) for cell in cells):
        return "amounts too"
    if all(text(cell).isdecimal() for cell in cells):
        return "numbers"
    return "texts" if any(any(sign.isalpha() for sign in text(cell)) for cell in cells) else "signs"


def payment_contents(rows: Sequence[Row]) -> PaymentContents | None:
    """What the lines hold; None where none holds an amount beside two other things."""
    found = [row for row in rows if sum(bool(text(cell)) for cell in row.cells) > 2 and any(map(is_exact, row.cells))]
    if not found:
        return None
    width = Counter(len(row.cells) for row in found).most_common(1)[0][0]
    whole = PaymentContents([row for row in found if len(row.cells) == width])
    for column in range(width):
        whole.take(column)
    return whole
