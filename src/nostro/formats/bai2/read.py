"""BAI2, streaming: files of groups of accounts, with balances, summaries, movements and control totals.

BAI, "Cash Management Balance Reporting Specifications" version 2: records 01, 02, 03, 16, 49, 88, 98, 99.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.formats.bai2.fields import body, physical, raw_number
from nostro.formats.bai2.reported import ReportedAccount, begin
from nostro.formats.line_statements import LineItem, whole_number
from nostro.formats.reading import Beginning
from nostro.formats.text import lines
from nostro.model.failures import FormatRefused
from nostro.model.statements import Reject

_HEADER = re.compile(r"01,[^,]*,[^,]*,\d{6,8},[\d:]{0,8},[^,]*,")
_CODES = frozenset({"01", "02", "03", "16", "49", "88", "98", "99"})
_LETTERS = 16_384
_AMOUNT = 2
"""Where the amount stands among the fields of record 16."""
_CONTINUATIONS = 1_000
"""Continuations that are kept of one record."""


def is_bai2(beginning: Beginning) -> bool:
    """Whether one of the first lines is a file header."""
    return any(_HEADER.match(line.strip()) for line in beginning.lines[:5])


def read_bai2(chunks: Iterable[bytes]) -> Iterator[LineItem]:
    """Per account of each group a statement or report. Raises `FormatRefused` where there is none.

    An account's end waits for the trailers of its group and file, whose checks stand in the last account's.
    """
    walk = _Walk()
    for number, line in lines(chunks):
        for record in physical(line):
            yield from walk.take(number, record)
    yield from walk.finish()


@dataclass(slots=True)
class _Logical:
    """A record with its continuations."""

    line: int
    code: str
    bodies: list[str]


@dataclass(slots=True)
class _Level:
    """What a trailer counts: physical records, what stands below it, and the sum of their totals, as written."""

    records: int = 0
    members: int = 0
    total: Decimal = Decimal(0)


@dataclass(slots=True)
class _Walk:
    """Where the walk through the file is."""

    line: int = 0
    accounts: int = 0
    known: bool = False
    file: list[str] = field(default_factory=list)
    group: list[str] = field(default_factory=list)
    record: _Logical | None = None
    account: ReportedAccount | None = None
    ended: ReportedAccount | None = None
    open: list[str] = field(default_factory=list)
    in_account: _Level = field(default_factory=_Level)
    in_group: _Level = field(default_factory=_Level)
    in_file: _Level = field(default_factory=_Level)

    def take(self, number: int, record: str) -> Iterator[LineItem]:
        """One physical record."""
        self.line = number
        code = record[:2]
        if code not in _CODES or record[2:3] not in (",", "/", ""):
            yield from self._loose(record)
            return
        self.known = True
        if code == "88" and self.record is not None:
            self._count()
            self._continue(record[3:])
            return
        yield from self._complete()
        self._start_counting(code)
        self._count()
        self.record = _Logical(number, code, [body(record)])

    def finish(self) -> Iterator[LineItem]:
        """The file is read to its end."""
        if self.record is not None and self.record.code == "16" and self.account is not None:
            yield from self._last(self.account, self.record)
        yield from self._complete()
        if not self.known:
            raise FormatRefused("There is no BAI2 record in this file.")
        if self.account is not None:
            yield from self._give_ended()
            yield self.account.running.cut(self.line, "there is no account trailer (49)")
            return
        if self.ended is not None and self.open:
            self.ended.running.note("file", f"the file ends without its trailers ({', '.join(reversed(self.open))})")
        yield from self._give_ended()
        if not self.accounts:
            yield Reject(where="file", why="the file holds no account", line=self.line)

    def _last(self, account: ReportedAccount, record: _Logical) -> Iterator[LineItem]:
        """A movement behind which the file ends: of one that does not get beyond its amount some digits may lack."""
        told = ",".join(record.bodies).split(",")
        if len(told) <= _AMOUNT + 1:
            self.record = None
            yield account.running.reject("the file ends within the amount", record.line)

    def _start_counting(self, code: str) -> None:
        if code == "01":
            self.in_file = _Level()
        elif code == "02":
            self.in_group = _Level()
        elif code == "03":
            self.in_account = _Level()

    def _count(self) -> None:
        for level in (self.in_account, self.in_group, self.in_file):
            level.records += 1

    def _continue(self, said: str) -> None:
        if self.record is not None and len(self.record.bodies) < _CONTINUATIONS:
            self.record.bodies.append(body(said[:_LETTERS]))

    def _loose(self, record: str) -> Iterator[LineItem]:
        """A line that begins with no code: the text of a movement that a bank wrapped without saying so."""
        if self.record is not None and self.record.code == "16":
            self._continue(record)
        elif self.known:
            where = self.account.running.where if self.account else "file"
            yield Reject(where=where, why="the line begins with no record code of BAI2", line=self.line)

    def _complete(self) -> Iterator[LineItem]:
        """The logical record before is complete."""
        record, self.record = self.record, None
        if record is None:
            return
        if record.code == "01":
            self.file, self.open = ",".join(record.bodies).split(","), ["99"]
        elif record.code == "02":
            yield from self._lacking_trailer()
            self.open = [*(code for code in self.open if code == "99"), "98"]
            self.group = ",".join(record.bodies).split(",")
        elif record.code == "03":
            yield from self._begin(record)
        elif record.code in ("16", "88"):
            yield from self._movement(record)
        else:
            yield from self._trailer(record)

    def _begin(self, record: _Logical) -> Iterator[LineItem]:
        yield from self._lacking_trailer()
        yield from self._give_ended()
        self.accounts += 1
        told = ",".join(record.bodies).split(",")
        self.account = begin(self.file, self.group, told, self.accounts, record.line)
        yield self.account.running.head

    def _movement(self, record: _Logical) -> Iterator[LineItem]:
        if self.account is None:
            why = "a movement stands in no account" if record.code == "16" else "a continuation continues nothing"
            yield Reject(where="file", why=why, line=record.line)
        elif record.code == "88":
            yield self.account.running.reject("a continuation continues nothing", record.line)
        else:
            yield from self.account.movement(record.bodies, record.line)

    def _trailer(self, record: _Logical) -> Iterator[LineItem]:
        """A trailer closes its level: 49 an account, 98 a group, 99 the file."""
        told = ",".join(record.bodies).split(",")
        if record.code == "49":
            if self.account is None:
                yield Reject(where="file", why="an account trailer (49) ends no account", line=record.line)
                return
            self.in_account.total = self.account.total
            self.account, self.ended = None, self.account
            self.in_group.members += 1
        else:
            self.open = [code for code in self.open if code > record.code]
            yield from self._lacking_trailer()
        if self.ended is None:
            return
        self._check(self.ended, record.code, told)

    def _check(self, ended: ReportedAccount, code: str, told: list[str]) -> None:
        """Compares what a trailer says: the total, how many stand below it (98, 99), and the physical records."""
        name, level, above = {
            "49": ("account", self.in_account, self.in_group),
            "98": ("group", self.in_group, self.in_file),
            "99": ("file", self.in_file, _Level()),
        }[code]
        total = raw_number(told[1]) if len(told) > 1 else None
        if code == "98":
            above.members += 1
        if total is not None:
            above.total += total
            ended.running.held(f"{name}/total", f"{told[1]} is told, {level.total} is there", ok=total == level.total)
        counts = [(f"{name}/records", told[-1], level.records)]
        if code != "49" and len(told) > 3:
            counts.append((f"{name}/{'accounts' if code == '98' else 'groups'}", told[2], level.members))
        for check, said, there in counts:
            number = whole_number(said.strip())
            if number is not None and len(told) > 2:
                ended.running.held(check, f"{number} are told, {there} are there", ok=number == there)

    def _lacking_trailer(self) -> Iterator[LineItem]:
        """An account that no trailer ended."""
        if self.account is None:
            return
        yield from self._give_ended()
        self.account.running.note("account", "there is no account trailer (49)")
        self.account, self.ended = None, self.account

    def _give_ended(self) -> Iterator[LineItem]:
        if self.ended is not None:
            yield self.ended.end()
            self.ended = None
