"""Rates in CSV: ECB (a day a line), Bank of England, HMRC (an area a line), Fed H.10, and the SNB's data portal."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from nostro.formats.rates.publishers import (
    PUBLISHERS,
    Gathered,
    Observation,
    Period,
    Periods,
    RateItem,
    day,
    month_of,
    unit,
)
from nostro.formats.rates.series import BOE_SERIES, Series, fed_series
from nostro.formats.text import Ending, lines
from nostro.model.failures import FormatRefused
from nostro.model.rates import Observed
from nostro.model.statements import Reject, Source

COLUMNS = 1_000
_DATE = re.compile(r"\d\d/\d\d/\d{4}|\d{4}-\d\d-\d\d", re.ASCII)
_HMRC = frozenset({"currency code", "start date", "end date"})
_CUT = "the file ends in this line, without a line end behind it: its last value may be cut"


class _Row(NamedTuple):
    """A line and its cells. `whole`: not the last one, within which the file may be cut."""

    line: int
    cells: list[str]
    whole: bool = True


Rows = Iterator[_Row]


def read_rates_csv(chunks: Iterable[bytes]) -> Iterator[RateItem]:
    """One table a day or period, and located rejects. Raises `FormatRefused` for a CSV of another kind."""
    lost: list[Reject] = []
    rows = _rows(chunks, lost)
    first = next(rows, None)
    reader = reader_of(first.cells) if first else None
    if first is None or reader is None:
        raise FormatRefused("This is no CSV of exchange rates that Nostro knows.")
    told = False
    for item in chain(reader(first, rows), lost):
        told = True
        yield item
    if not told:
        yield Reject(where=f"line {first.line}", line=first.line, why="there are no rates below the heading")


def reader_of(cells: list[str]) -> Callable[[_Row, Rows], Iterator[RateItem]] | None:
    """Who reads a file whose first line is this."""
    names = [cell.casefold() for cell in cells]
    if len(cells) > 1 and cells[0] == "Date" and all(_CODE.fullmatch(cell) for cell in cells[1:] if cell):
        return _days_of_ecb
    if cells[0].upper() == "DATE" and any(_boe(cell) in BOE_SERIES for cell in cells[1:]):
        return _days_of_boe
    if "currency code" in names and any("currency units per" in name for name in names):
        return _months_of_hmrc
    if cells[0] == "Series Description" and len(cells) > 1:
        return _days_of_fed
    if cells[:2] == ["CubeId", "devkum"]:
        return _months_of_snb
    return None


_CODE = re.compile(r"[A-Z]{3}")


def _rows(chunks: Iterable[bytes], lost: list[Reject]) -> Rows:
    """The lines that say something. Of one in which the file ends the last value is left out, where it may be cut: it
    is no quoted one, no whole date, and in no column of HMRC's that nothing is read from.
    """
    ending, held, before, closed, read = Ending(), None, 0, False, COLUMNS
    for line, told in lines(chunks, ending=ending):
        if not told.strip():
            continue
        if held is not None:
            before, read = len(held.cells), min(read, _columns_read(held.cells))
            yield held
        separator = ";" if told.count(";") > told.count(",") else ","
        cells = next(csv.reader([told], delimiter=separator, skipinitialspace=True), [])
        held, closed = _Row(line, [cell.strip() for cell in cells[:COLUMNS]]) if cells else None, told.endswith('"')
    if held is not None and held.cells:
        closed = len(held.cells) >= before and bool(closed or _DATE.fullmatch(held.cells[-1]))
        closed = closed or len(held.cells) > read
    if held is not None and ending.lacks and not closed:
        lost.append(Reject(where=f"line {held.line}", line=held.line, why=_CUT))
        held = _Row(held.line, held.cells[:-1], whole=False)
    if held is not None and held.cells:
        yield held


def _columns_read(head: list[str]) -> int:
    """As far as HMRC's columns are read, where this is their heading; of others all of them are."""
    names = [cell.casefold() for cell in head]
    if "end date" not in names or not any("units per" in name for name in names):
        return COLUMNS
    return max(n for n, name in enumerate(names, start=1) if name in _HMRC or "units per" in name)


def _days_of_ecb(head: _Row, rows: Rows) -> Iterator[RateItem]:
    """A column a currency."""
    for row in rows:
        yield from _day(row, list(zip(head.cells[1:], row.cells[1:], strict=False)), "ECB")
        yield from _cut(row, head)


def _days_of_boe(head: _Row, rows: Rows) -> Iterator[RateItem]:
    """A column a series; one that is none of spot rates into sterling is named in a reject."""
    currencies = [BOE_SERIES.get(_boe(cell), "") for cell in head.cells[1:]]
    for place, currency in enumerate(currencies, start=2):
        if not currency and head.cells[place - 1]:
            yield Reject(where=f"column {place}", line=head.line, why="the series is no spot rate into sterling")
    for row in rows:
        told = [pair for pair in zip(currencies, row.cells[1:], strict=False) if pair[0]]
        yield from _day(row, told, "BoE")
        yield from _cut(row, head)


def _boe(cell: str) -> str:
    """The series of a column: its code alone, or the last word of its title (`Spot exchange rate, ... XUDLERS`)."""
    return cell.rpartition(" ")[2]


def _cut(row: _Row, head: _Row) -> Iterator[Reject]:
    """A line that ends early: its last value may be cut, too."""
    if row.whole and len(row.cells) < len(head.cells):
        yield Reject(
            where=f"line {row.line}", line=row.line, why="the line has fewer values than the heading has columns"
        )


def _day(row: _Row, told: list[tuple[str, str]], publisher: str) -> Iterator[RateItem]:
    source = Source(where=f"line {row.line}", line=row.line)
    on = day(row.cells[0])
    if on is None:
        yield Reject(where=source.where, line=row.line, why="the line begins with no date")
        return
    gathered = Gathered(PUBLISHERS[publisher])
    for currency, said in told:
        if currency:
            gathered.add(currency, said, source)
    yield from gathered.table(Period(on), source, f"{publisher} CSV")


def _months_of_hmrc(head: _Row, rows: Rows) -> Iterator[RateItem]:
    """A line an area, with the dates between which its rate holds."""
    names = [cell.casefold() for cell in head.cells]
    code, units = names.index("currency code"), next(n for n, name in enumerate(names) if "units per" in name)
    edges = [names.index(name) if name in names else None for name in ("start date", "end date")]
    periods = Periods(PUBLISHERS["HMRC"], "HMRC CSV")
    for row in rows:
        if not row.whole:
            continue
        cells = [*row.cells, *[""] * COLUMNS]
        first, last = (day(cells[place]) if place is not None else None for place in edges)
        period = Period(first, first, last, "monthly", "")
        periods.add(period, Observation(cells[code], cells[units], f"line {row.line}", row.line))
    yield from periods.tables()


def _days_of_fed(head: _Row, rows: Rows) -> Iterator[RateItem]:
    """Six lines of description, the last of which names the series; then a day a line."""
    series: list[Series | None] = []
    multipliers: list[str] = []
    for row in rows:
        if row.cells[0].startswith("Multiplier"):
            multipliers = row.cells[1:]
        if row.cells[0].startswith("Time Period"):
            series = [fed_series(cell) for cell in row.cells[1:]]
            break
    if not any(series):
        yield Reject(where=f"line {head.line}", line=head.line, why="no series of exchange rates is named")
        return
    periods = Periods(PUBLISHERS["Fed"], "Fed H.10 CSV")
    pers = [unit(said) for said in (*multipliers, *[""] * len(series))]
    for row in rows:
        where, on = f"line {row.line}", day(row.cells[0])
        for told, per, said in zip(series, pers, row.cells[1:], strict=False):
            if told is not None:
                period = Period(on, frequency=told.frequency, observed=told.observed)
                periods.add(period, Observation(told.currency, said, where, row.line, per, told.quoted))
    yield from periods.tables()


_UNIT = re.compile(r"([A-Z]{3})(\d{1,9})", re.ASCII)
_OBSERVED: dict[str, Observed] = {"M0": "average", "M1": "period_end"}


def _months_of_snb(head: _Row, rows: Rows) -> Iterator[RateItem]:
    """Month, kind of rate (M0 the average, M1 the month's end), currency with its unit (`JPY100`), francs."""
    periods = Periods(PUBLISHERS["SNB"], f"SNB {head.cells[1]} CSV")
    for row in rows:
        found = _UNIT.fullmatch(row.cells[2]) if row.whole and len(row.cells) > 3 else None
        if found is None:
            continue
        first, last = month_of(row.cells[0])
        period = Period(last, first, last, "monthly", _OBSERVED.get(row.cells[1], ""))
        periods.add(period, Observation(found[1], row.cells[3], f"line {row.line}", row.line, unit(found[2])))
    yield from periods.tables()
