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
from nostro.formats.iso20022.entry import Around, read_detail, read_entry
from nostro.formats.iso20022.head import HeadParts, format_of, page_of
from nostro.formats.iso20022.stream import BrokenXml, events, release
from nostro.formats.iso20022.tree import Element, Tree, Unreadable, amount, find, line_of, local, plain, text
from nostro.model.base import unchecked
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.statements import Check, Detail, Entry, Reject, ReportKind, Source, StatementEnd, StatementHead

CamtItem = StatementHead | Entry | Reject | StatementEnd

DETAILS_KEPT = 1_000
"""Details of one entry that are handed on; all of them are counted and summed."""
_MESSAGE = re.compile(r"(BkToCstmrStmt|BkToCstmrAcctRpt|BkToCstmrDbtCdtNtfctn)(V\d\d)?")
_KINDS: dict[str, ReportKind] = {
    "BkToCstmrStmt": "statement",
    "BkToCstmrAcctRpt": "report",
    "BkToCstmrDbtCdtNtfctn": "notification",
}
_source = unchecked(Source)
_STATEMENTS = frozenset({"Stmt", "Rpt", "Ntfctn"})
_VERSIONS = ("", *(f"V{number:02}" for number in range(1, 14)))
NAMES = (
    *(kind + version for kind in _KINDS for version in _VERSIONS),
    *sorted(_STATEMENTS),
    "GrpHdr",
    "Ntry",
    "TxDtls",
)
"""The elements whose beginnings and ends matter."""


def read_camt(chunks: Iterable[bytes]) -> Iterator[CamtItem]:
    """Per statement its head, its entries and located rejects in the document's order, and its end with the checks.

    Raises `FormatRefused` before anything was yielded when the bytes are no camt.052, 053 or 054. Where XML breaks or
    is cut later, a `Reject` says where, and the statement has no end: its entries are the caller's to judge.
    """
    walk = _Walk()
    try:
        for kind, element in events(chunks, NAMES):
            yield from walk.start(element) if kind == "start" else walk.end(element)
    except BrokenXml as broken:
        if walk.message is None:
            raise FormatRefused(f"This is no XML of a bank statement: {broken.why} (line {broken.line}).") from None
        yield Reject(where=walk.where, why=f"the XML breaks off or is broken here: {broken.why}", line=broken.line)
        return
    yield from walk.finish()


@dataclass(slots=True)
class _Statement:
    """The statement that streams by."""

    element: Element
    parts: HeadParts
    sums: Sums = field(default_factory=Sums)
    headed: bool = False
    entry: Element | None = None
    details: list[Detail] = field(default_factory=list)
    batch: BatchSum = field(default_factory=BatchSum)
    broken_details: list[Check] = field(default_factory=list)
    _around: Around | None = None

    @property
    def entry_where(self) -> str:
        """Where the present entry stands."""
        return f"{self.parts.source.where}/Ntry[{self.sums.entries + self.sums.rejected + 1}]"

    def begin(self, entry: Element) -> None:
        """An entry begins."""
        self.entry, self.details, self.batch, self.broken_details = entry, [], BatchSum(), []
        self._around = None

    @property
    def around(self) -> Around:
        """What the present entry is in. Details that name no currency are in their entry's."""
        if self._around is None:
            amounts = self.entry.iterchildren("{*}Amt") if self.entry is not None else iter(())
            told = next((amount.get("Ccy", "") for amount in amounts), "")
            parts = self.parts
            self._around = Around(parts.kind, parts.bank_account.identification, told or parts.currency)
        return self._around

    def take_heads(self) -> None:
        """Whatever stands before the next entry, or after the last one."""
        for child in list(self.element):
            if child is self.entry:
                break
            if (name := local(child)) != "Ntry":
                self.parts.take(name, child)
                self.element.remove(child)


@dataclass(slots=True)
class _Walk:
    """Where the walk through the document is, and what it has gathered."""

    message: Element | None = None
    where_message: str = ""
    line: int = 0
    kind: ReportKind = "statement"
    format: str = ""
    created: str = ""
    page: tuple[int | None, bool | None] = (None, None)
    statements: int = 0
    statement: _Statement | None = None

    @property
    def where(self) -> str:
        """The innermost thing that is being read."""
        if self.statement is None:
            return self.where_message
        return self.statement.entry_where if self.statement.entry is not None else self.statement.parts.source.where

    def start(self, element: Element) -> Iterator[CamtItem]:
        """An element begins; its children are not there yet."""
        name, parent, statement = local(element), element.getparent(), self.statement
        if self.message is None:
            self._find_message(name, element)
        elif name in _STATEMENTS and parent is self.message:
            self._begin_statement(name, element)
        elif statement is not None and name == "Ntry" and parent is statement.element:
            statement.begin(element)
            yield from self._head(statement)

    def end(self, element: Element) -> Iterator[CamtItem]:
        """An element is complete; what isn't read by now is freed all the same."""
        statement = self.statement
        if element is self.message:
            return
        if statement is not None and statement.entry is not None:
            if element is statement.entry:
                yield self._entry(statement, element)
                statement.entry = None
            elif local(element) == "TxDtls":
                self._take_detail(statement, element)
        elif statement is not None and element is statement.element:
            yield from self._head(statement)
            yield statement.sums.end(statement.parts.balances, statement.parts.controls, statement.parts.checks)
            self.statement = None
        elif local(element) == "GrpHdr":
            told = plain(element)
            self.created, self.page = text(told, "CreDtTm"), page_of(find(told, "MsgPgntn"))
        release(element)

    def finish(self) -> Iterator[CamtItem]:
        """The document is read to its end."""
        if self.message is None:
            raise FormatRefused("There is no camt.052, camt.053 or camt.054 message in this XML.")
        if not self.statements:
            why = "the message holds no statement, report or notification"
            yield Reject(where=self.where_message, why=why, line=self.line)

    def _find_message(self, name: str, element: Element) -> None:
        found = _MESSAGE.fullmatch(name)
        if found:
            self.kind = _KINDS[found[1]]
            self.format = format_of(element, self.kind)
            above = [local(one) for one in element.iterancestors()]
            self.message, self.where_message = element, "/" + "/".join([*reversed(above), name])
            self.line = line_of(element)

    def _begin_statement(self, name: str, element: Element) -> None:
        self.statements += 1
        source = Source(where=f"{self.where_message}/{name}[{self.statements}]", line=line_of(element))
        self.statement = _Statement(element, HeadParts(self.kind, source, self.format, self.page, self.created))

    def _take_detail(self, statement: _Statement, element: Element) -> None:
        try:
            detail = read_detail(plain(element), statement.entry, statement.around)
        except (Unreadable, ValidationError) as error:
            where = f"{statement.entry_where}, line {line_of(element)}: {_why(error)}"
            statement.broken_details.append(Check(name="detail", ok=False, detail=where))
            statement.batch.add(Detail())
        else:
            statement.batch.add(detail)
            if len(statement.details) < DETAILS_KEPT:
                statement.details.append(detail)

    def _entry(self, statement: _Statement, element: Element) -> Entry | Reject:
        where, parts, batch, told = statement.entry_where, statement.parts, statement.batch, plain(element)
        source = _source(where=where, line=line_of(element))
        try:
            entry = read_entry(told, tuple(statement.details), batch.count, statement.around, source)
        except (Unreadable, ValidationError) as error:
            statement.sums.rejected += 1
            return Reject(where=where, why=_why(error), line=source.line, amount=_amount_of(told, parts.currency))
        statement.sums.add(entry, batch, text(told, "NtryDtls/Btch/NbOfTxs", "Btch/NbOfTxs"))
        for check in statement.broken_details:
            statement.sums.fail(check)
        return entry

    def _head(self, statement: _Statement) -> Iterator[StatementHead]:
        statement.take_heads()
        if not statement.headed:
            statement.headed = True
            yield statement.parts.head()


def _amount_of(entry: Tree, currency: str) -> Amount | None:
    """The amount of an entry that can't be read otherwise, so that the item equation holds by amount too."""
    try:
        return amount(find(entry, "Amt"), currency)
    except Unreadable:
        return None


def _why(error: Unreadable | ValidationError) -> str:
    """What is wrong, without the content: pydantic's own sentences would quote it."""
    if isinstance(error, Unreadable):
        return str(error)
    fields = {"/".join(str(part) for part in flaw["loc"]) for flaw in error.errors(include_input=False)}
    return f"{', '.join(sorted(fields))} can't be taken as told"
