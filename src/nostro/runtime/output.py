"""What commands print: for people tables and sentences, with `--json` exactly one object on standard output.

Progress and failures go to standard error, so that standard output can be piped. Text from outside is cleaned of
control characters: a payer's remittance must not steer somebody's terminal.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel
from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from nostro.model.canonical import instant_text
from nostro.model.entities import LegalEntity
from nostro.model.failures import Failure
from nostro.model.money import Amount, Money, plain

PIPE_COLUMNS = 200
_LEAST_COLUMNS = 8
"""Of text that may be broken: beside whole ids and amounts it must not vanish."""
RUNBOOKS = "docs/operate"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_FORMAT = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
Cell = str | Text | Money | None


def clean(text: str) -> str:
    """The text without what would move a cursor, hide or turn around other text."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def when(at: datetime, zone: ZoneInfo | None) -> str:
    """An instant on the wall clock of a zone, with UTC beside it: `2026-08-31 10:00:05 +0200 (08:00:05Z)`."""
    utc = at.astimezone(UTC)
    if zone is None or zone.key in ("UTC", "Etc/UTC"):
        return f"{utc:%Y-%m-%d %H:%M:%S}Z"
    local = at.astimezone(zone)
    beside = f"{utc:%H:%M:%S}Z" if local.date() == utc.date() else f"{utc:%Y-%m-%d %H:%M:%S}Z"
    return f"{local:%Y-%m-%d %H:%M:%S %z} ({beside})"


def zone_of(entity: LegalEntity | None) -> ZoneInfo | None:
    """Where an entity's people look at the clock; None: UTC."""
    return ZoneInfo(entity.zone) if entity else None


def age(span: timedelta) -> str:
    """How long something waits, in its largest unit: `45 s`, `12 min`, `3 h`, `2 d`."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def phrase(told: object) -> str:
    """A value of a canonical body as a person reads it."""
    if isinstance(told, Mapping):
        if set(told) == {"value", "currency"}:
            return f"{told['value']} {told['currency']}"
        return ", ".join(f"{name} {phrase(part)}" for name, part in told.items())
    if isinstance(told, bytes):
        return told.decode(errors="replace").strip("[]").replace('"', "")
    if isinstance(told, Sequence) and not isinstance(told, str):
        return "\n".join(phrase(part) for part in told)
    return "" if told is None else str(told)


def as_json(told: object) -> bytes:
    """JSON of dataclasses, mappings and values: money as `{"value", "currency"}`, instants in UTC with `Z`."""
    return orjson.dumps(told, default=_told, option=_FORMAT)


def _told(value: object) -> object:
    if isinstance(value, Money | Amount):
        return {"value": plain(value.value), "currency": value.currency}
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)


def table(title: str, columns: Mapping[str, str], rows: Sequence[Sequence[Cell]]) -> Table:
    """A table. `columns`: heading -> `left`, `right`, or `whole` for ids that must stay on one line to be copied."""
    made = _Table(title=title or None, title_justify="left", title_style="bold", header_style="bold")
    for heading, kind in columns.items():
        made.add_column(
            heading,
            justify="right" if kind == "right" else "left",
            no_wrap=kind != "left",
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else clean("" if cell is None else str(cell)) for cell in row))
    return made


def card(lines: Mapping[str, str], title: str = "") -> Table:
    """What is told of one thing, a line each; what is empty is left out."""
    made = Table(title=title or None, title_justify="left", title_style="bold", show_header=False)
    for name, told in lines.items():
        if told:
            made.add_row(name, clean(told))
    return made


class _Table(Table):
    """Where the terminal is too narrow for the columns beside each other, they stand below each other."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        least = [self._measure_column(console, options.update(width=PIPE_COLUMNS), column) for column in self.columns]
        wide = (m.maximum if c.no_wrap else _LEAST_COLUMNS for m, c in zip(least, self.columns, strict=True))
        if sum(wide) + len(least) + 1 <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        if self.title:
            yield Text(str(self.title), style="bold")
        for row in zip(*(column.cells for column in self.columns), strict=True):
            for column, cell in zip(self.columns, row, strict=True):
                yield Text.assemble((f"{column.header}: ", "bold"), cell) if cell else Text("", end="")
            yield Text("-" * options.max_width)


def _console(*, stderr: bool) -> Console:
    at_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    width = None if at_terminal or "COLUMNS" in os.environ else PIPE_COLUMNS
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command says what it found. `json`: one object for a program instead of text for a person."""

    json: bool = False
    console: Console = field(default_factory=lambda: _console(stderr=False))
    aside: Console = field(default_factory=lambda: _console(stderr=True))

    def show(self, told: object, draw: Callable[[Console], None]) -> None:
        """The result: `told` as JSON, or what `draw` makes of it."""
        if self.json:
            sys.stdout.buffer.write(as_json(told) + b"\n")
            sys.stdout.buffer.flush()
        else:
            draw(self.console)

    def note(self, sentence: str) -> None:
        """A sentence beside the result, for people only."""
        if not self.json:
            self._aside(sentence)

    def aside_as_it_is(self, text: str) -> None:
        """Lines that somebody is to save as they are, beside the result."""
        for line in text.splitlines():
            self.aside.print(clean(line), soft_wrap=True)

    def failure(self, failure: Failure) -> None:
        """What happened, what to do next, and where the runbook is."""
        runbook = f"{RUNBOOKS}/{failure.runbook}.md" if failure.runbook else ""
        for line in (failure.sentence, failure.remedy, f"Runbook: {runbook}" if runbook else ""):
            if line:
                self._aside(line)
        if self.json:
            told = {"kind": type(failure).__name__, "sentence": failure.sentence, "remedy": failure.remedy}
            self.show({"failure": {**told, "runbook": runbook}}, lambda _: None)

    def _aside(self, sentence: str) -> None:
        """At a terminal broken between words; elsewhere whole, since a log or a script takes it line by line."""
        self.aside.print(clean(sentence), soft_wrap=not self.aside.is_terminal)

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Shows how far a long work is; the body calls it with how much was done since.

        Where nobody sees a bar move, one that takes minutes (it has a `total`) is at least announced.
        """
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        quiet = self.json or not self.aside.is_terminal
        if quiet and total is not None:
            self.note(f"{what} ...")
        with Progress(*columns, TimeElapsedColumn(), console=self.aside, transient=True, disable=quiet) as bar:
            task = bar.add_task(what, total=total)
            yield lambda count: bar.advance(task, count)
