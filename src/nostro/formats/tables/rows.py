"""The rows of a table, streaming: from CSV in any encoding, or from the first sheet of an XLSX."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

from nostro.formats.tables.cells import Cell, name_of, text
from nostro.formats.tables.profile import Column, Named
from nostro.formats.tables.words import names_columns
from nostro.formats.text import Ending, decode, gathered, lines
from nostro.model.failures import FormatRefused

ZIP = b"PK\x03\x04"
_COLUMNS = 300
_CELL = 4_000
_SPREAD = 30
"""Lines over which a quoted cell may run: a quote that nothing closes spoils no more than its own line."""
_FILE_BYTES = 67_108_864
_EXPANDED_BYTES = 536_870_912
_TEXTS_BYTES = 134_217_728
_MEMBERS = 2_000
_ROWS = 1_048_576
_HEADER_WITHIN = 60


class Row(NamedTuple):
    """A row with the number of its first line. `ended`: nothing can be missing behind it."""

    line: int
    cells: list[Cell]
    ended: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands in it."""
        return not any(cell for cell in self.cells if not isinstance(cell, str) or cell.strip())


def rows(
    chunks: Iterable[bytes], delimiter: str, encoding: str = "", sheet: str = "",
    read: Callable[[bytes], str] = decode, notes: list[tuple[str, str]] | None = None,
) -> Iterator[Row]:  # fmt: skip
    """The rows. `notes` hears of tables in other sheets.

    Raises `FormatRefused` for an XLSX that can't be opened or is beyond every limit.
    """
    given = iter(chunks)
    first = next(given, b"")
    whole = chain((first,), given)
    if first.startswith(ZIP):
        yield from sheet_rows(whole, sheet, [] if notes is None else notes)
    else:
        ending = Ending()
        yield from text_rows(lines(whole, encoding, read, ending), delimiter, ending)


def text_rows(numbered: Iterable[tuple[int, str]], delimiter: str, ending: Ending | None = None) -> Iterator[Row]:
    """The rows of a CSV: a quoted cell may hold the delimiter and line ends. `ending`: how the file ends."""
    held: tuple[Row, str] | None = None
    for following in _text_rows(numbered, delimiter):
        if held is not None:
            yield held[0]
        held = following
    if held is not None:
        row, said = held
        closes = said.endswith('"') and said.count('"') % 2 == 0
        yield row._replace(ended=closes or not (ending and ending.lacks))


def _text_rows(numbered: Iterable[tuple[int, str]], delimiter: str) -> Iterator[tuple[Row, str]]:
    """Each row, and how it is written."""
    waiting: deque[tuple[int, str]] = deque()
    source = iter(numbered)
    while True:
        line = waiting.popleft() if waiting else next(source, None)
        if line is None:
            return
        number, said = line
        taken: list[tuple[int, str]] = []
        while said.count('"') % 2 and len(taken) < _SPREAD:
            more = waiting.popleft() if waiting else next(source, None)
            if more is None:
                break
            taken.append(more)
            said += "\n" + more[1]
        if said.count('"') % 2:
            # Nothing closes the quote: the line stands for itself, and what was taken is read again.
            waiting.extendleft(reversed(taken))
            said = line[1]
        yield Row(number, _split(said, delimiter)), said


def _split(said: str, delimiter: str) -> list[Cell]:
    if '"' not in said:
        return [cell[:_CELL] for cell in said.split(delimiter, _COLUMNS)]
    try:
        found = next(csv.reader(io.StringIO(said, newline=""), delimiter=delimiter), [])
    except csv.Error:
        found = said.split(delimiter)
    return [cell[:_CELL] for cell in found[:_COLUMNS]]


def sheet_rows(chunks: Iterable[bytes], sheet: str, notes: list[tuple[str, str]]) -> Iterator[Row]:
    """The rows of a sheet: the one of that name, or the first. Formulas are as they were last worked out."""
    # It ships no types; and it takes a third of a second, which only who reads a workbook should wait.
    import openpyxl  # type: ignore[import-untyped]  # noqa: PLC0415 - see above

    held = io.BytesIO(gathered(chunks, _FILE_BYTES, "workbook"))
    try:
        _refuse_bombs(held)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells what it does without: default styles, drawings
            book = openpyxl.load_workbook(held, read_only=True, data_only=True)
        page = book[sheet] if sheet else book.worksheets[0]
        for number, cells in enumerate(page.iter_rows(max_row=_ROWS, max_col=_COLUMNS, values_only=True), start=1):
            yield Row(number, [_cell(value) for value in cells])
        for other in [] if sheet else book.worksheets[1:]:
            first = other.iter_rows(max_row=_HEADER_WITHIN, max_col=_COLUMNS, values_only=True)
            if any(names_columns(said for said in cells if isinstance(said, str)) for cells in first):
                detail = (
                    f"the sheet {other.title[:40]} holds a table too, which is not read: a profile names it (sheet)"
                )
                notes.append(("sheets", detail))
    except FormatRefused:
        raise
    except KeyError:
        raise FormatRefused("The workbook has no sheet of the name that the profile tells, or lacks a part.") from None
    except Exception as error:  # noqa: BLE001 - the library's readers fail in every way that a broken workbook has
        raise FormatRefused(f"The workbook can't be read ({type(error).__name__}).") from None


def _refuse_bombs(held: io.BytesIO) -> None:
    """Raises `FormatRefused` for what unpacks to too much, or declares XML entities."""
    with zipfile.ZipFile(held) as archive:
        members = archive.infolist()
        if len(members) > _MEMBERS or sum(member.file_size for member in members) > _EXPANDED_BYTES:
            raise FormatRefused(f"The workbook unpacks to more than {_EXPANDED_BYTES} bytes.")
        for member in members:
            if member.filename.endswith("sharedStrings.xml") and member.file_size > _TEXTS_BYTES:
                raise FormatRefused(f"The workbook's texts are larger than {_TEXTS_BYTES} bytes.")
            if member.filename.endswith((".xml", ".rels")):
                with archive.open(member) as opened:
                    if b"<!" in opened.read(1024).replace(b"<!--", b""):
                        raise FormatRefused("The workbook declares a document type of its own.")


def _cell(value: object) -> Cell:
    """A cell as Python has it: binary numbers with the 15 digits that sheets show, for sums bring noise behind them."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value)
    if isinstance(value, int | float):
        return Decimal(f"{value:.15g}" if isinstance(value, float) else value)
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else str(value)[:_CELL]


def places_of(columns: Named, cells: Sequence[Cell]) -> dict[str, list[int]]:
    """Where each thing stands in a row, from 0; nothing when the row lacks a name that is declared."""
    names = {name_of(cell): place for place, cell in reversed(list(enumerate(cells))) if text(cell)}
    found: dict[str, list[int]] = {}
    for field_name, column in columns.named().items():
        wanted: tuple[Column, ...] = column if isinstance(column, tuple) else (column,)
        places = [_place(one, names) for one in wanted]
        if None in places:
            return {}
        found[field_name] = [place for place in places if place is not None]
    return found


def _place(column: Column, names: Mapping[str, int]) -> int | None:
    return column - 1 if isinstance(column, int) else names.get(name_of(column))
