"""OFX 1 and 2, streaming: statements of bank accounts, credit cards and the cash of investment accounts.

OFX 2.2, chapters 11 (`STMTRS`, `CCSTMTRS`) and 13 (`INVSTMTRS`, of which only `INVBANKTRAN` are movements of money).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nostro.formats.line_statements import LineItem, Running
from nostro.formats.ofx.movement import read_movement
from nostro.formats.ofx.tags import Tag, tags
from nostro.formats.ofx.values import amount, bank_account, day, instant
from nostro.formats.reading import Beginning, Unreadable, if_readable
from nostro.model.failures import FormatRefused
from nostro.model.statements import Balance, Reject, Source, StatementHead

_OFX = re.compile(r"<OFX[\s>]", re.IGNORECASE)
_HEADER = re.compile(r"\s*(?:OFXHEADER\s*:|<\?OFX\s)", re.IGNORECASE)
_STATEMENTS = frozenset({"STMTRS", "CCSTMTRS", "INVSTMTRS"})
_MOVEMENTS = frozenset({"STMTTRN", "STMTTRNP"})
_ACCOUNTS = frozenset({"BANKACCTFROM", "CCACCTFROM", "INVACCTFROM"})
_BALANCES = {"LEDGERBAL": "CLBD", "AVAILBAL": "CLAV"}
_INSIDE = frozenset({"PAYEE", "BANKACCTTO", "CCACCTTO", "CURRENCY", "ORIGCURRENCY", "EXTDPAYEE", "IMAGEDATA"})
"""Aggregates of a movement: their elements are known by both names."""
_FIELDS = 200


def is_ofx(beginning: Beginning) -> bool:
    """Whether there is an `OFX` element, or a header that announces one."""
    text = beginning.text
    return bool(_HEADER.match(text) or _OFX.search(text[:4096]))


def read_ofx(chunks: Iterable[bytes]) -> Iterator[LineItem]:
    """Per account its head, entries and located rejects, and its end. Raises `FormatRefused` where there is no OFX."""
    walk = _Walk()
    for tag in tags(chunks):
        yield from walk.take(tag)
    yield from walk.finish()


@dataclass(slots=True)
class _Statement:
    """The statement that streams by: what stands before its movements, then the movements."""

    name: str
    line: int
    number: int
    fields: dict[str, str] = field(default_factory=dict)
    balances: list[tuple[str, dict[str, str], int]] = field(default_factory=list)
    running: Running | None = None
    securities: int = 0


@dataclass(slots=True)
class _Walk:
    """Where the walk through the tags is. `within`: the aggregate whose elements are gathered."""

    known: bool = False
    line: int = 1
    statements: int = 0
    created: str = ""
    statement: _Statement | None = None
    within: str = ""
    inside: str = ""
    line_of_movement: int = 0
    gathered: dict[str, str] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)
    refusals: int = 0

    def take(self, tag: Tag) -> Iterator[LineItem]:
        """One tag."""
        self.line = tag.line
        self.known = self.known or tag.name == "OFX"
        if not self.known:
            return
        if tag.name in _STATEMENTS:
            yield from self._finish_statement("" if tag.closing else "it has no end")
            self._begin(tag)
        elif self.statement is None:
            yield from self._outside(tag)
        elif tag.name in _MOVEMENTS:
            yield from self._complete(self.statement)
            if not tag.closing:
                self.within, self.line_of_movement, self.gathered = tag.name, tag.line, {}
        elif self.within:
            yield from self._gather(self.statement, tag)
        else:
            self._about(self.statement, tag)

    def finish(self) -> Iterator[LineItem]:
        """The file is read to its end."""
        if not self.known:
            raise FormatRefused("There is no OFX element in this file.")
        if self.statement is not None:
            statement = self.statement
            yield from self._complete(statement)
            yield from self._head(statement)
            if statement.running is not None:
                yield statement.running.cut(self.line, "it is never closed")
        elif not self.statements and not self.refusals:
            yield Reject(where="OFX", why="the file holds no statement", line=self.line)

    def _begin(self, tag: Tag) -> None:
        if not tag.closing:
            self.statements += 1
            self.statement = _Statement(tag.name, tag.line, self.statements)
            self.within = self.inside = ""

    def _outside(self, tag: Tag) -> Iterator[LineItem]:
        """Between statements: when the server answered, and with what result."""
        if tag.name == "DTSERVER" and tag.text:
            self.created = tag.text
        elif tag.name == "STATUS" and not tag.closing:
            self.answer = {}
        elif tag.name in ("CODE", "SEVERITY") and tag.text:
            self.answer[tag.name] = tag.text
            if self.answer.get("SEVERITY", "").upper() == "ERROR" and "CODE" in self.answer:
                self.refusals += 1
                code = (
                    self.answer["CODE"][:6]
                    if self.answer["CODE"].isascii() and self.answer["CODE"].isdecimal()
                    else "unknown"
                )
                yield Reject(where="OFX", why=f"the bank answered with an error (code {code})", line=tag.line)
                self.answer = {}

    def _gather(self, statement: _Statement, tag: Tag) -> Iterator[LineItem]:
        """A tag inside of a movement, an account or a balance."""
        if tag.name == self.within or (tag.closing and tag.name in ("BANKTRANLIST", "INVTRANLIST")):
            yield from self._complete(statement)
        elif tag.name in _INSIDE and tag.text and not tag.closing:
            # Some banks write the currency where its aggregate belongs.
            self.gathered.setdefault(f"{tag.name}/CURSYM" if "CURRENCY" in tag.name else tag.name, tag.text)
        elif tag.name in _INSIDE:
            self.inside = "" if tag.closing else tag.name
        elif tag.name in _ACCOUNTS | set(_BALANCES):
            yield from self._complete(statement)
            self._about(statement, tag)
        elif tag.text and len(self.gathered) < _FIELDS:
            self.gathered.setdefault(f"{self.inside}/{tag.name}" if self.inside else tag.name, tag.text)

    def _about(self, statement: _Statement, tag: Tag) -> None:
        """A tag of the statement itself."""
        if tag.name in _ACCOUNTS or tag.name in _BALANCES:
            if not tag.closing:
                self.within, self.line_of_movement, self.gathered = tag.name, tag.line, {}
        elif tag.name == "INVTRAN" and not tag.closing:
            statement.securities += 1
        elif tag.text and len(statement.fields) < _FIELDS:
            statement.fields.setdefault(tag.name, tag.text)

    def _complete(self, statement: _Statement) -> Iterator[LineItem]:
        """What was gathered is complete, whether it was closed or not."""
        name, self.within, self.inside = self.within, "", ""
        gathered, self.gathered = self.gathered, {}
        if name in _ACCOUNTS:
            statement.fields |= {f"{_ACCOUNT}/{key}": said for key, said in gathered.items()}
        elif name in _BALANCES:
            statement.balances.append((name, gathered, self.line_of_movement))
        elif name in _MOVEMENTS:
            yield from self._head(statement)
            if statement.running is not None:
                yield read_movement(statement.running, gathered, self.line_of_movement, pending=name == "STMTTRNP")

    def _head(self, statement: _Statement) -> Iterator[LineItem]:
        if statement.running is None:
            statement.running = _running(statement, self.created)
            yield statement.running.head

    def _finish_statement(self, lacking: str) -> Iterator[LineItem]:
        statement = self.statement
        if statement is None:
            return
        yield from self._complete(statement)
        yield from self._head(statement)
        self.statement = None
        if statement.running is None:
            return
        running = statement.running
        if lacking:
            running.note("closing", lacking)
        if statement.securities:
            running.note("securities", f"{statement.securities} movements of securities are not told")
        _add_balances(running, statement)
        yield running.end()


_ACCOUNT = "account"


def _running(statement: _Statement, created: str) -> Running:
    said = statement.fields
    account = bank_account({key.partition("/")[2]: told for key, told in said.items() if key.startswith(_ACCOUNT)})
    currency = said.get("CURDEF", "").upper()[:3]
    running_day = {name: if_readable(day, said.get(name, "")) for name in ("DTSTART", "DTEND", "DTASOF")}
    first, last = running_day["DTSTART"], running_day["DTEND"] or running_day["DTASOF"]
    head = StatementHead(
        kind="statement",
        statement_id="/".join(on.isoformat() for on in (first, last) if on) or str(statement.number),
        bank_account=account.model_copy(update={"currency": currency}),
        currency=currency,
        created_at=instant(created),
        created_on=if_readable(day, created),
        from_date=first,
        to_date=last,
        source=Source(where=f"{statement.name}[{statement.number}]", line=statement.line),
        format="OFX",
    )
    return Running(head)


def _add_balances(running: Running, statement: _Statement) -> None:
    """`LEDGERBAL` and `AVAILBAL`. An empty amount says that there is none."""
    for name, told, line in statement.balances[:20]:
        if not (said := told.get("BALAMT", "")):
            continue
        try:
            balance = amount(said, running.head.currency)
            on = if_readable(day, told.get("DTASOF", ""))
            running.take_balance(Balance(code=_BALANCES[name], amount=balance, on=on), line)
        except Unreadable as unreadable:
            running.note(name, f"line {line}: {unreadable}")
