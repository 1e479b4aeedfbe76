"""A proposed profile: what was guessed and how surely, what only a person can say, and all of it as YAML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, NamedTuple, get_args

from nostro.formats.reading import Unreadable
from nostro.formats.tables.cells import Cell, day, number, text
from nostro.formats.tables.profile import DateOrder, Profile
from nostro.formats.tables.rows import Row
from nostro.model.failures import FormatRefused

_DOTTED = re.compile(r"\d{1,2}\.\d{1,2}\.\d")
_WORDS = ((1.0, "proved by the file"), (0.8, "very likely"), (0.0, "only a habit of banks"))


class Guess(NamedTuple):
    """What was guessed, and how surely: 1 is proved by the file, 0.5 a habit of banks."""

    value: str
    confidence: float

    @property
    def sureness(self) -> str:
        """How surely, in words."""
        return next(word for least, word in _WORDS if self.confidence >= least)

    def __str__(self) -> str:
        return f"{self.value} ({self.sureness})"


class ProfileNeeded(FormatRefused):
    """A table says too little by itself. `proposal` is the beginning of its profile, as YAML."""

    def __init__(self, sentence: str, option: str, proposal: str) -> None:
        super().__init__(sentence, f"Complete the profile below, save it as YAML, and name it with {option} FILE.")
        self.proposal = proposal

    def asked_with(self, option: str) -> ProfileNeeded:
        """The same where the profile is named with another option."""
        return ProfileNeeded(self.sentence, option, self.proposal)


@dataclass(slots=True)
class Proposal:
    """A profile, or what stands against one. `questions`: what only the bank or its customer can know.

    `given` are the profile's fields as far as they are known; `unused` the columns that nothing was made of.
    """

    profile: Profile | None = None
    guesses: dict[str, Guess] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    @property
    def confidence(self) -> float:
        """How surely all of it is right: as surely as its weakest guess."""
        return min((guess.confidence for guess in self.guesses.values()), default=0.0)

    @property
    def usable(self) -> bool:
        """Whether nothing is left open."""
        return self.profile is not None and not self.questions

    def required(self) -> Profile:
        """The profile. Raises `ProfileNeeded` with the questions, and with what is known, when any is open."""
        if self.profile is None or self.questions:
            questions = " ".join(self.questions)
            raise ProfileNeeded(f"This table needs a profile. {questions}", "--profile", self.yaml())
        return self.profile

    def told(self) -> str:
        """The guesses as a sentence, for the check of a statement that was read through them."""
        parts = [f"{name}: {guess}" for name, guess in self.guesses.items()]
        unused = f"; not used: {', '.join(self.unused)[:400]}" if self.unused else ""
        return f"no profile was declared; guessed were {', '.join(parts)}{unused}"

    def yaml(self) -> str:
        """The profile as far as it is known, with how surely, and a line for each thing that a person has to say."""
        lines = [f"# {question}" for question in self.questions]
        for name, said in self.given.items():
            if name == "columns":
                lines += [
                    "columns:",
                    *(f"  {which}: {quoted(one)}{self._surely(which)}" for which, one in said.items()),
                ]
                lines += [f"  # not used: {one}" for one in self.unused]
            elif said not in ("", None):
                lines.append(f"{name}: {quoted(said)}{self._surely(name)}")
        if not self.given.get("currency") and "currency" not in self.given.get("columns", {}):
            lines.append("# currency: EUR  # no column tells it")
        return "\n".join(lines)

    def _surely(self, name: str) -> str:
        return f"  # {self.guesses[name].sureness}" if name in self.guesses else ""


def quoted(said: object) -> str:
    """A value as YAML."""
    if isinstance(said, list | tuple):
        return f"[{', '.join(map(quoted, said))}]"
    if isinstance(said, bool | int):
        return str(said).lower()
    escaped = str(said).replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


def date_order(proposal: Proposal, cells: Sequence[Cell]) -> DateOrder:
    """The order in which all the dates are in the calendar; a question when more than one is, and they differ."""
    fitting: dict[DateOrder, list[object]] = {}
    for order in get_args(DateOrder):
        days = _tried(partial(day, order=order), cells)
        if days is not None:
            fitting[order] = days
    years_first = None if _four_first(cells) else fitting.pop("ymd", None)
    if "dmy" in fitting and all(_DOTTED.match(text(cell)) for cell in cells):
        # Nobody writes a month, a dot and a day; or a year of two digits and a dot.
        fitting.pop("mdy", None)
        years_first = None
    if not fitting:
        proposal.questions.append("The dates are in no order that is known: day, month and year mix.")
        return "ymd"
    readings = list(fitting.values())
    is_open = any(reading != readings[0] for reading in readings)
    if is_open:
        proposal.questions.append("The dates can begin with the day or with the month: say which (date_order).")
    elif years_first and _may_begin_with_years(cells, years_first, readings[0]):
        proposal.questions.append("The dates can begin with the year or with the day: say which (date_order).")
        is_open = True
    found = next(iter(fitting))
    proposal.guesses["date_order"] = Guess(found, 0.5 if is_open else 1.0)
    return found


def _may_begin_with_years(cells: Iterable[Cell], years_first: Sequence[object], read: Sequence[object]) -> bool:
    """Whether years of two digits stand first: `26-08-30` and `26-08-31` are days in a row or the 26th of two Augusts.

    Of days that are as near to each other either way, only hyphens leave it open: few begin with a year and a slash.
    """
    apart, otherwise = _span(years_first), _span(read)
    return 2 * apart < otherwise or (2 * otherwise >= apart and all("-" in text(cell) for cell in cells if text(cell)))


def _span(days: Iterable[object]) -> int:
    """Over how many days they reach."""
    told = [one.toordinal() for one in days if isinstance(one, date)]
    return max(told, default=0) - min(told, default=0)


def _four_first(cells: Iterable[Cell]) -> bool:
    return all(not isinstance(cell, str) or cell.strip()[:4].isdigit() for cell in cells)


def _tried(read: Callable[[Cell], object], cells: Iterable[Cell]) -> list[object] | None:
    """What all the cells read as; None when one of them can't be read."""
    try:
        return [read(cell) for cell in cells]
    except Unreadable:
        return None


def decimal_mark(proposal: Proposal, body: Sequence[Row], places: Mapping[str, int]) -> str:
    """The decimal mark with which all the amounts are numbers; a question when both are, and they differ."""
    wanted = [places[name] for name in ("amount", "debit", "credit", "balance") if name in places]
    cells = [row.cells[place] for row in body for place in wanted if place < len(row.cells)]
    readings = {mark: _tried(partial(number, decimal=mark), cells) for mark in (".", ",")}
    fitting = {mark: found for mark, found in readings.items() if found is not None}
    is_open = len(fitting) > 1 and fitting["."] != fitting[","]
    if not fitting:
        proposal.questions.append("The amounts are no numbers: say how they are written (decimal).")
    elif is_open:
        proposal.questions.append("The decimal mark can be the point or the comma: say which (decimal).")
    found = next(iter(fitting), ".")
    proposal.guesses["decimal"] = Guess(found, 1.0 if len(fitting) == 1 else 0.5 if is_open else 0.8)
    return found
