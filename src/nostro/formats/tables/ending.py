"""A table whose last line has no line end may be cut there: what of that row is not proven to be whole.

Many programs end their tables so, and nothing is missing: what the other rows prove is taken. A number has as many
decimals as theirs, a day ends as theirs do. Of what isn't proven less could be told than was moved, or another day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from nostro.formats.reading import Unreadable
from nostro.formats.tables.cells import text
from nostro.formats.tables.rows import Row
from nostro.model.money import EXPONENTS
from nostro.model.parties import valid_iban

COMPARED = 50
"""Rows before the last one that are held for it."""
CUT = "the file ends in this line, without a line end behind it: some of it may be missing"
_NUMBERS = frozenset({"amount", "debit", "credit", "fee", "balance", "original_amount"})
_DAYS = frozenset({"booking_date", "value_date", "execution_date"})
_IDS = frozenset(
    f"{side}_{number}" for side in ("creditor", "debtor") for number in ("account", "bic", "clearing_id")
) | {"bank_account", "currency", "end_to_end", "instruction", "structured", "cheque_number"}  # fmt: skip
_MATTERING = _NUMBERS | _DAYS | _IDS | {"direction", "status"}
_DECIMALS, _DAY, _YEAR = 2, 2, 4
_BIC_SIGNS = (8, 11)


def unproven(row: Row, before: Sequence[Row], places: Mapping[str, Sequence[int]], decimal: str) -> Iterator[str]:
    """What the last cell of a row may have told longer, and what the row lacks while others have it: columns' names.

    It is for a row without a line end. Of words nothing can be proven.
    """
    last = len(row.cells) - 1
    for name, columns in places.items():
        for place in columns:
            said = text(row.cells[place]) if place <= last else ""
            others = [told for other in before if place < len(other.cells) and (told := text(other.cells[place]))]
            lacks = place > last or (place == last and not said and name in _MATTERING)
            lacks &= bool(others or not before)
            if lacks or (said and place == last and not _is_whole(name, said, others, decimal)):
                yield name


def refuse_cut(row: Row, before: Sequence[Row], places: Mapping[str, Sequence[int]], decimal: str) -> None:
    """Raise `Unreadable` for a row of which anything is not proven to be whole."""
    if not row.ended and any(unproven(row, before, places, decimal)):
        raise Unreadable(CUT)


def without(row: Row, places: Iterable[int]) -> Row:
    """The row, less the cells in those places."""
    left_out = set(places)
    return row._replace(cells=["" if place in left_out else cell for place, cell in enumerate(row.cells)])


def _is_whole(name: str, said: str, others: Sequence[str], decimal: str) -> bool:
    if name in _NUMBERS:
        return _is_whole_number(said, others, decimal)
    if name in _DAYS:
        return _ends_alike(said, others)
    if name not in _IDS or said.upper() in EXPONENTS or valid_iban("".join(said.split()).upper()):
        return True
    return (name.endswith("_bic") and len(said) in _BIC_SIGNS) or {len(other) for other in others} == {len(said)}


def _is_whole_number(said: str, others: Sequence[str], decimal: str) -> bool:
    """Whether it has as many decimals as any other, two at least, and a sign or word behind it where one may stand."""
    decimals, behind = _tail(said, decimal)
    told = [_tail(other, decimal) for other in others]
    return decimals == max([_DECIMALS, *(length for length, _ in told)]) and (behind or not any(end for _, end in told))


def _tail(said: str, decimal: str) -> tuple[int, bool]:
    """How many decimals there are, and whether something stands behind them."""
    digits = said.rstrip("+-)€$£ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz ")
    _, _, decimals = digits.rpartition(decimal) if decimal in digits else ("", "", "")
    return len(decimals), digits != said


def _ends_alike(said: str, others: Sequence[str]) -> bool:
    """Whether a day ends with as many digits as all others; alone, as whole days do that tell a year of four."""
    lengths = {_digits_behind(other) for other in others} or {_DAY if said[: len("2026")].isdecimal() else _YEAR}
    return lengths == {_digits_behind(said)}


def _digits_behind(said: str) -> int:
    return len(said) - len(said.rstrip("0123456789"))
