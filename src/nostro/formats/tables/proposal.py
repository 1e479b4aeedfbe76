"""A profile for a table that nobody declared: proposed from its first rows, with what was guessed and what can't be.

A proposal with open questions is never used. One without is, and every statement read through it says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError

from nostro.formats.reading import BEGINNING_BYTES, Beginning, Unreadable
from nostro.formats.tables.cells import Cell, day, number, text
from nostro.formats.tables.chain import Chain
from nostro.formats.tables.profile import Columns, DateOrder, Profile
from nostro.formats.tables.rows import ZIP, Row, text_rows
from nostro.formats.tables.words import currency_in, meaning_of
from nostro.model.failures import FormatRefused
from nostro.model.money import EXPONENTS

ROWS = 200
"""Rows that a proposal is made from."""
_DELIMITERS = (";", ",", "\t", "|")
_HEADER_WITHIN = 60
_DOTTED = re.compile(r"\d{1,2}\.\d{1,2}\.\d")


class Guess(NamedTuple):
    """What was guessed, and how surely: 1 is proved by the file, 0.5 a habit of banks."""

    value: str
    confidence: float


@dataclass(slots=True)
class Proposal:
    """A profile, or what stands against one. `questions`: what only the bank or its customer can know."""

    profile: Profile | None = None
    guesses: dict[str, Guess] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)

    @property
    def confidence(self) -> float:
        """How surely all of it is right: as surely as its weakest guess."""
        return min((guess.confidence for guess in self.guesses.values()), default=0.0)

    @property
    def usable(self) -> bool:
        """Whether nothing is left open."""
        return self.profile is not None and not self.questions


def propose(beginning: Beginning) -> Proposal:
    """A proposal for the beginning of a CSV. Of an XLSX, which can't be read in part, `propose_rows` makes one."""
    if beginning.raw.startswith(ZIP):
        return Proposal(questions=["A workbook can't be read in part: its rows are needed."])
    delimiter = delimiter_of(beginning.lines)
    is_cut = len(beginning.raw) >= BEGINNING_BYTES
    lines = beginning.lines[:-1] if is_cut else beginning.lines
    return propose_rows(list(text_rows(enumerate(lines, start=1), delimiter)), delimiter)


def delimiter_of(lines: Sequence[str]) -> str:
    """The delimiter that finds most known column names on one line; else the one that stands most often."""

    def known(delimiter: str) -> tuple[int, int]:
        found = [len(_named(row.cells)) for row in text_rows(enumerate(lines[:_HEADER_WITHIN]), delimiter)]
        return max(found, default=0), sum(line.count(delimiter) for line in lines[:_HEADER_WITHIN])

    return max(_DELIMITERS, key=known)


def is_table(beginning: Beginning) -> bool:
    """Whether some line names a column of days and one of amounts; a workbook is one by its parts."""
    if beginning.raw.startswith(ZIP):
        return b"xl/" in beginning.raw
    if beginning.is_xml or "\x00" in beginning.text[:4096]:
        return False
    delimiter = delimiter_of(beginning.lines)
    first = islice(text_rows(enumerate(beginning.lines, start=1), delimiter), _HEADER_WITHIN)
    return any(_is_header(_named(row.cells)) for row in first)


def propose_rows(rows: Sequence[Row], delimiter: str = "") -> Proposal:
    """A proposal for a table's first rows."""
    proposal = Proposal()
    header = next((row for row in rows[:_HEADER_WITHIN] if _is_header(_named(row.cells))), None)
    if header is None:
        proposal.questions.append("No line names a column of days and one of amounts: say which columns they are.")
        return proposal
    places = _named(header.cells)
    body = [row for row in rows if row.line > header.line and _has_day(row, places)][:ROWS]
    if "currency" not in places and (said := _values(body, places, "value_date") - {""}) and said <= EXPONENTS.keys():
        # `Valuta` is the value date in German, and the currency in Swedish.
        places["currency"] = places.pop("value_date")
    proposal.guesses["header"] = Guess(f"line {header.line}", 0.9)
    given: dict[str, Any] = {"columns": _columns(header, places), "delimiter": delimiter}
    given["currency"] = _told_currency(proposal, header, places)
    given["date_order"] = _order(proposal, [row.cells[places["booking_date"]] for row in body])
    given["decimal"] = _decimal(proposal, body, places)
    if {"currency", "original_amount"} <= set(places) and "original_currency" not in places:
        proposal.questions.append("The currency can be that of the amount or of the original one: say which.")
    if "counterparty_account" not in places and len(_values(body, places, "bank_account")) > 1:
        proposal.questions.append("The account's column can be that of the statement or of the other side: say which.")
    if not proposal.questions:
        given |= _signs(proposal, body, places, given["decimal"])
    try:
        proposal.profile = Profile.model_validate(given)
    except ValidationError:
        proposal.questions.append("The columns of amounts could not be told apart.")
    return proposal


def _named(cells: Iterable[Cell]) -> dict[str, int]:
    """What the known names in a row stand for; the first of several."""
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        meaning = meaning_of(cell) if isinstance(cell, str) and len(cell) < 80 else ""
        if meaning:
            found.setdefault(meaning, place)
    if "booking_date" not in found and "value_date" in found:
        found["booking_date"] = found.pop("value_date")
    return found


def _is_header(places: dict[str, int]) -> bool:
    return "booking_date" in places and ("amount" in places or {"debit", "credit"} <= set(places))


def _has_day(row: Row, places: dict[str, int]) -> bool:
    place = places["booking_date"]
    return place < len(row.cells) and any(letter.isdigit() for letter in text(row.cells[place]))


def _columns(header: Row, places: dict[str, int]) -> Columns:
    """The columns by name; all that tell words become remittance."""
    names: dict[str, Any] = {meaning: text(header.cells[place]) for meaning, place in places.items()}
    words = [text(cell) for cell in header.cells if meaning_of(text(cell)) == "remittance"]
    names["remittance"] = tuple(dict.fromkeys(words))
    if "amount" in names:
        names.pop("debit", None)
        names.pop("credit", None)
    return Columns.model_validate(names)


def _order(proposal: Proposal, cells: Sequence[Cell]) -> DateOrder:
    """The order in which all the dates are in the calendar; a question when more than one is, and they differ."""
    fitting: dict[DateOrder, list[object]] = {}
    for order in get_args(DateOrder):
        days = _tried(partial(day, order=order), cells)
        if days is not None:
            fitting[order] = days
    fitting = {order: days for order, days in fitting.items() if order != "ymd" or _four_first(cells)}
    if "dmy" in fitting and all(_DOTTED.match(text(cell)) for cell in cells):
        # Nobody writes a month, a dot and a day.
        fitting.pop("mdy", None)
    if not fitting:
        proposal.questions.append("The dates are in no order that is known: day, month and year mix.")
        return "ymd"
    readings = list(fitting.values())
    if any(reading != readings[0] for reading in readings):
        proposal.questions.append("The dates can begin with the day or with the month: say which (date_order).")
    found = next(iter(fitting))
    proposal.guesses["date_order"] = Guess(found, 1.0)
    return found


def _four_first(cells: Iterable[Cell]) -> bool:
    return all(not isinstance(cell, str) or cell.strip()[:4].isdigit() for cell in cells)


def _tried(read: Callable[[Cell], object], cells: Iterable[Cell]) -> list[object] | None:
    """What all the cells read as; None when one of them can't be read."""
    try:
        return [read(cell) for cell in cells]
    except Unreadable:
        return None


def _decimal(proposal: Proposal, body: Sequence[Row], places: dict[str, int]) -> str:
    """The decimal mark with which all the amounts are numbers; a question when both are, and they differ."""
    wanted = [places[name] for name in ("amount", "debit", "credit", "balance") if name in places]
    cells = [row.cells[place] for row in body for place in wanted if place < len(row.cells)]
    readings = {mark: _tried(partial(number, decimal=mark), cells) for mark in (".", ",")}
    fitting = {mark: found for mark, found in readings.items() if found is not None}
    if not fitting:
        proposal.questions.append("The amounts are no numbers: say how they are written (decimal).")
    elif len(fitting) > 1 and fitting["."] != fitting[","]:
        proposal.questions.append("The decimal mark can be the point or the comma: say which (decimal).")
    found = next(iter(fitting), ".")
    proposal.guesses["decimal"] = Guess(found, 1.0 if len(fitting) == 1 else 0.8)
    return found


def _signs(proposal: Proposal, body: Sequence[Row], places: dict[str, int], decimal: str) -> dict[str, Any]:
    """What makes a debit: words, a minus, or the column. A chain of balances proves it."""

    def column(name: str) -> list[Decimal]:
        place = places.get(name)
        cells = [row.cells[place] for row in body if place is not None and place < len(row.cells)]
        return [value for cell in cells if (value := number(cell, decimal)) is not None and value]

    if "amount" not in places:
        signs = Counter(value < 0 for value in column("debit"))
        if len(signs) > 1:
            proposal.questions.append(
                "The debits have both signs: say what a minus among them means (debits_negative)."
            )
        proposal.guesses["debits_negative"] = Guess(str(bool(signs[True])), 0.9)
        return {"debits_negative": bool(signs[True])}
    if "direction" in places:
        place = places["direction"]
        first = next((row.cells[place] for row in body if place < len(row.cells)), "")
        proposal.guesses["direction"] = Guess(text(first), 0.9)
        return {}
    inverse = _proved_inverse(body, places, decimal)
    if inverse is None and body and all(value > 0 for value in column("amount")):
        proposal.questions.append("All amounts are positive: say which of them are debits (inverse, or a column).")
    proposal.guesses["inverse"] = Guess(str(bool(inverse)), 0.5 if inverse is None else 1.0)
    return {"inverse": bool(inverse)}


def _told_currency(proposal: Proposal, header: Row, places: dict[str, int]) -> str:
    """The currency that the amounts' column tells in its name."""
    named = (text(header.cells[places[name]]) for name in ("amount", "debit", "credit") if name in places)
    found = next((currency for name in named if (currency := currency_in(name))), "")
    if found:
        proposal.guesses["currency"] = Guess(found, 0.9)
    return found


def _values(body: Sequence[Row], places: dict[str, int], name: str) -> set[str]:
    """The different texts in a column."""
    place = places.get(name)
    return {text(row.cells[place]) for row in body if place is not None and place < len(row.cells)}


def _proved_inverse(body: Sequence[Row], places: dict[str, int], decimal: str) -> bool | None:
    """Whether the running balances prove that positive amounts are debits; None when they prove nothing."""
    if "balance" not in places:
        return None
    chains = {False: Chain(), True: Chain()}
    for row in body:
        if len(row.cells) <= max(places["amount"], places["balance"]):
            continue
        amount, balance = (number(row.cells[places[name]], decimal) for name in ("amount", "balance"))
        for inverse, chain in chains.items():
            chain.add(-(amount or Decimal(0)) if inverse else amount or Decimal(0), balance, row.line)
    held = [inverse for inverse, chain in chains.items() if chain.counted and not chain.broken()]
    return held[0] if len(held) == 1 else None


def told(proposal: Proposal) -> str:
    """The guesses as a sentence, for the check of a statement that was read through them."""
    parts = [f"{name}: {guess.value}" for name, guess in proposal.guesses.items()]
    return f"no profile was declared; guessed were {', '.join(parts)}"


def required(proposal: Proposal) -> Profile:
    """The profile. Raises `FormatRefused` with the questions when any is open."""
    if proposal.profile is None or proposal.questions:
        questions = " ".join(proposal.questions)
        raise FormatRefused(f"This table needs a profile (--profile). {questions}")
    return proposal.profile
