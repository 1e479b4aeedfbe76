"""camt.052, camt.053 and camt.054 of every version, streaming: heads, entries and ends as their bytes come.

ISO 20022 message definitions "Bank-to-Customer Cash Management", versions 1 to 13. Names are matched without namespace,
so that proprietary and missing ones are read too; an envelope around the document is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from nostro.formats.checks import BatchSum, Sums
from nostro.formats.iso20022.entry import read_detail, read_entry
from nostro.formats.iso20022.head import HeadParts, format_of, page_of
from nostro.formats.iso20022.stream import BrokenXml, events, release
from nostro.formats.iso20022.tree import Element, Unreadable, amount, find, line_of, local, text
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.statements import Check, Detail, Entry, Reject, ReportKind, Source, StatementEnd, StatementHead

CamtItem = StatementHead | Entry | Reject | StatementEnd

DETAILS_KEPT = 1_000
"""Details of one entry that are handed on; all of them are counted and summed."""
_UNRELEASED = 100_000
"""Elements that may wait to be read and freed: far more than any entry without its details has."""
_MESSAGE = re.compile(r"(BkToCstmrStmt|BkToCstmrAcctRpt|BkToCstmrDbtCdtNtfctn)(V\d\d)?")
_KINDS: dict[str, ReportKind] = {
    "BkToCstmrStmt": "statement",
    "BkToCstmrAcctRpt": "report",
    "BkToCstmrDbtCdtNtfctn": "notification",
}
_STATEMENTS = frozenset({"Stmt", "Rpt", "Ntfctn"})


def read_camt(chunks: Iterable[bytes]) -> Iterator[CamtItem]:
    """Per statement its head, its entries and located rejects in the document's order, and its end with the checks.

    Raises `FormatRefused` before anything was yielded when the bytes are no camt.052, 053 or 054. Where XML breaks or
    is cut later, a `Reject` says where, and the statement has no end: its entries are the caller's to judge.
    """
    walk = _Walk()
    try:
        for kind, element in events(chunks):
            yield from walk.start(element) if kind == "start" else walk.end(element)
    except BrokenXml as broken:
        if not walk.message_depth:
            raise FormatRefused(f"This is no XML of a bank statement: {broken.why} (line {broken.line}).") from None
        yield Reject(where=walk.where, why=f"the XML breaks off or is broken here: {broken.why}", line=broken.line)
        return
    yield from walk.finish()


@dataclass(slots=True)
class _Statement:
    """The statement that streams by."""

    parts: HeadParts
    sums: Sums = field(default_factory=Sums)
    headed: bool = False
    entry: Element | None = None
    details: list[Detail] = field(default_factory=list)
    batch: BatchSum = field(default_factory=BatchSum)
    broken_details: list[Check] = field(default_factory=list)

    @property
    def entry_where(self) -> str:
        """Where the present entry stands."""
        return f"{self.parts.source.where}/Ntry[{self.sums.entries + self.sums.rejected + 1}]"


@dataclass(slots=True)
class _Walk:
    """Where the walk through the document is, and what it has gathered."""

    path: list[str] = field(default_factory=list)
    message_depth: int = 0
    message_path: str = ""
    message_line: int = 0
    kind: ReportKind = "statement"
    format: str = ""
    created: str = ""
    page: tuple[int | None, bool | None] = (None, None)
    statements: int = 0
    statement: _Statement | None = None
    unreleased: int = 0

    @property
    def where(self) -> str:
        """The innermost thing that is being read."""
        if self.statement is None:
            return self.message_path
        return self.statement.entry_where if self.statement.entry is not None else self.statement.parts.source.where

    def start(self, element: Element) -> Iterator[CamtItem]:
        """An element begins; its children are not there yet."""
        name = local(element)
        self.path.append(name)
        self.unreleased += 1
        if self.unreleased > _UNRELEASED:
            raise BrokenXml(f"more than {_UNRELEASED} elements without an entry among them", line_of(element))
        depth = len(self.path) - self.message_depth
        if not self.message_depth:
            self._find_message(name, element)
        elif depth == 1 and name in _STATEMENTS:
            self._begin_statement(name, element)
        elif depth == 2 and name == "Ntry" and self.statement:
            yield from self._head(self.statement)
            self.statement.entry = element
            self.statement.details, self.statement.batch, self.statement.broken_details = [], BatchSum(), []

    def end(self, element: Element) -> Iterator[CamtItem]:
        """An element is complete."""
        depth = len(self.path) - self.message_depth
        name = self.path.pop()
        if not self.message_depth or depth < 1:
            return
        statement = self.statement
        if statement and statement.entry is not None and name == "TxDtls":
            self._take_detail(statement, element)
        elif statement and depth == 2:
            yield from self._take_child(statement, name, element)
        elif depth == 1:
            yield from self._take_top(name, element)

    def finish(self) -> Iterator[CamtItem]:
        """The document is read to its end."""
        if not self.message_depth:
            raise FormatRefused("There is no camt.052, camt.053 or camt.054 message in this XML.")
        if not self.statements:
            yield Reject(
                where=self.message_path,
                why="the message holds no statement, report or notification",
                line=self.message_line,
            )

    def _find_message(self, name: str, element: Element) -> None:
        found = _MESSAGE.fullmatch(name)
        if found:
            self.kind = _KINDS[found[1]]
            self.format = format_of(element, self.kind)
            self.message_depth, self.message_path = len(self.path), "/" + "/".join(self.path)
            self.message_line = line_of(element)

    def _begin_statement(self, name: str, element: Element) -> None:
        self.statements += 1
        source = Source(where=f"{self.message_path}/{name}[{self.statements}]", line=line_of(element))
        self.statement = _Statement(HeadParts(self.kind, source, self.format, self.page, self.created))

    def _take_top(self, name: str, element: Element) -> Iterator[CamtItem]:
        if name == "GrpHdr":
            self.created, self.page = text(element, "CreDtTm"), page_of(find(element, "MsgPgntn"))
        if name in _STATEMENTS and self.statement:
            yield from self._head(self.statement)
            yield self._end(self.statement)
            self.statement = None
        self._free(element)

    def _take_child(self, statement: _Statement, name: str, element: Element) -> Iterator[CamtItem]:
        if name == "Ntry":
            yield self._entry(statement, element)
            statement.entry = None
        else:
            statement.parts.take(name, element)
        self._free(element)

    def _take_detail(self, statement: _Statement, element: Element) -> None:
        entry, parts = statement.entry, statement.parts
        try:
            if entry is None:  # pragma: no cover - the caller asked
                return
            currency = entry_currency(entry) or parts.currency
            detail = read_detail(element, entry, parts.bank_account.identification, currency)
        except (Unreadable, ValidationError) as error:
            where = f"{statement.entry_where}, line {line_of(element)}: {_why(error)}"
            statement.broken_details.append(Check(name="detail", ok=False, detail=where))
            statement.batch.add(Detail())
        else:
            statement.batch.add(detail)
            if len(statement.details) < DETAILS_KEPT:
                statement.details.append(detail)
        self._free(element)

    def _entry(self, statement: _Statement, element: Element) -> Entry | Reject:
        where, parts, batch = statement.entry_where, statement.parts, statement.batch
        try:
            entry = read_entry(element, tuple(statement.details), batch.count, parts.kind, parts.currency)
        except (Unreadable, ValidationError) as error:
            statement.sums.rejected += 1
            return Reject(
                where=where, why=_why(error), line=line_of(element), amount=_amount_of(element, parts.currency)
            )
        entry = entry.model_copy(update={"source": Source(where=where, line=line_of(element))})
        statement.sums.add(entry, batch, text(element, "NtryDtls/Btch/NbOfTxs", "Btch/NbOfTxs"))
        for check in statement.broken_details:
            statement.sums.fail(check)
        return entry

    def _head(self, statement: _Statement) -> Iterator[StatementHead]:
        if not statement.headed:
            statement.headed = True
            yield statement.parts.head()

    def _end(self, statement: _Statement) -> StatementEnd:
        parts = statement.parts
        return statement.sums.end(parts.balances, parts.controls, parts.checks)

    def _free(self, element: Element) -> None:
        release(element)
        self.unreleased = len(self.path)


def entry_currency(entry: Element) -> str:
    """The currency of an entry's amount, for details that name none."""
    found = find(entry, "Amt")
    return found.get("Ccy", "") if found is not None else ""


def _amount_of(element: Element, currency: str) -> Amount | None:
    """The amount of an entry that can't be read otherwise, so that the item equation holds by amount too."""
    try:
        return amount(find(element, "Amt"), currency)
    except Unreadable:
        return None


def _why(error: Unreadable | ValidationError) -> str:
    """What is wrong, without the content: pydantic's own sentences would quote it."""
    if isinstance(error, Unreadable):
        return str(error)
    fields = {"/".join(str(part) for part in flaw["loc"]) for flaw in error.errors(include_input=False)}
    return f"{', '.join(sorted(fields))} can't be taken as told"
