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
from nostro.formats.iso20022.entry import STATE_CODES, Around, read_detail, read_entry, state_said
from nostro.formats.iso20022.envelope import HEADERS, envelope_of
from nostro.formats.iso20022.head import HeadParts, page_of
from nostro.formats.iso20022.listening import Cut
from nostro.formats.iso20022.message_types import message_type
from nostro.formats.iso20022.pieces import Lead, cuts
from nostro.formats.iso20022.places import ONE_BY_ONE, Place, Role
from nostro.formats.iso20022.told import CURRENCY, NOTHING, Table, Told, amount_of
from nostro.formats.iso20022.unread import unread_of
from nostro.formats.reading import Unread, Unreadable, if_readable, why
from nostro.formats.xml import BrokenXml
from nostro.model.base import whole_maker
from nostro.model.failures import FormatRefused
from nostro.model.messages import Envelope
from nostro.model.statements import Check, Detail, Entry, Reject, ReportKind, Source, StatementEnd, StatementHead

CamtItem = StatementHead | Entry | Reject | StatementEnd

DETAILS_KEPT = 1_000
"""Details of one entry that are handed on; all of them are counted and summed."""
_MESSAGE = re.compile(r"(BkToCstmrStmt|BkToCstmrAcctRpt|BkToCstmrDbtCdtNtfctn)(V\d\d)?")
_KINDS: dict[str, tuple[ReportKind, str]] = {
    "BkToCstmrStmt": ("statement", "camt.053"),
    "BkToCstmrAcctRpt": ("report", "camt.052"),
    "BkToCstmrDbtCdtNtfctn": ("notification", "camt.054"),
}
_made_source = whole_maker(Source)
_STATES_TOLD = frozenset({"", *STATE_CODES.values()})
_STATEMENTS = frozenset({"Stmt", "Rpt", "Ntfctn"})
_IN_STATEMENT = 2
_HEADER = Table({"AddtlInf": ("AddtlInf",), "MsgRcpt": ("MsgRcpt/Nm",), "OrgnlBizQry": ("OrgnlBizQry/MsgId",)})
"""What else of a message's header statements tell: a Swiss bank says there whether it is only a test."""


def cut_so(above: Place, name: str) -> int:
    """How statements are cut: what stands before, heads in pieces, entries, and apart from these their transactions."""
    if above.role == Role.BEFORE:
        if _MESSAGE.fullmatch(name):
            return Role.MESSAGE
        return Role.PIECE if message_type(name) or name in HEADERS else Role.BEFORE
    if above.role == Role.MESSAGE:
        return Role.GROUP if name in _STATEMENTS else Role.PIECE
    if above.role == Role.GROUP:
        return Role.ANNOUNCED if name == "Ntry" else Role.PIECE
    return Role.APART if name == "TxDtls" else Role.REPEATED if name in ONE_BY_ONE else Role.INSIDE


def read_camt(chunks: Iterable[bytes]) -> Iterator[CamtItem]:
    """Per statement its head, its entries and located rejects in the document's order, and its end with the checks.

    Raises `FormatRefused` before anything was yielded when the bytes are no camt.052, 053 or 054. Where XML breaks or
    is cut later, a `Reject` says where, and the statement has no end: its entries are the caller's to judge.
    """
    walk = _Walk()
    try:
        for cut in cuts(chunks, cut_so, walk.flaws):
            yield from walk.begin(cut) if cut.told is None else walk.take(cut, cut.told)
    except BrokenXml as broken:
        if not walk.where_message:
            raise broken.refused("a bank statement") from None
        yield broken.reject(walk.where)
        return
    yield from walk.finish()


def unread_of_camt(chunks: Iterable[bytes]) -> Iterable[Unread]:
    """What of statements no field takes, as far as the XML can be read."""
    return unread_of(cuts(chunks, cut_so), _Walk())


@dataclass(slots=True)
class _Statement:
    """The statement that streams by. `line`: where its entry begins, 0 between entries; `told`: what that tells."""

    parts: HeadParts
    sums: Sums = field(default_factory=Sums)
    headed: bool = False
    line: int = 0
    entry_where: str = ""
    told: Told = NOTHING
    details: list[Detail] = field(default_factory=list)
    batch: BatchSum = field(default_factory=BatchSum)
    broken_details: list[Check] = field(default_factory=list)
    around: Around | None = None
    within: Around | None = None
    """What the present entry's transactions are in, as far as it has told that."""

    def begin(self, line: int) -> None:
        """An entry begins."""
        self.line, self.details, self.batch, self.broken_details = line, [], BatchSum(), []
        self.tell(NOTHING)
        self.entry_where = f"{self.parts.source.where}/Ntry[{self.sums.entries + self.sums.rejected + 1}]"

    def tell(self, told: Told) -> None:
        """What the present entry tells so far."""
        self.told, self.within = told, None

    def take_detail(self, told: Told, line: int) -> None:
        """One transaction of the present entry. Those that name no currency are in their entry's."""
        # Of all that the entry holds, since there may be several NtryDtls.
        source = _made_source({"where": f"descendant::TxDtls[{self.batch.count + 1}]", "line": line})
        within = self.within = self.within or self._around(self.told)
        try:
            detail = read_detail(told, self.told, within, source)
        except (Unreadable, ValidationError) as error:
            sentence = f"{self.entry_where}, line {line}: {why(error)}"
            self.broken_details.append(Check(name="detail", ok=False, detail=sentence))
            self.batch.add(Detail())
        else:
            self.batch.add(detail)
            if len(self.details) < DETAILS_KEPT:
                self.details.append(detail)

    def entry(self, told: Told) -> Entry | Reject:
        """The present entry, complete."""
        source = _made_source({"where": self.entry_where, "line": self.line})
        self.line = 0
        try:
            entry = read_entry(told, tuple(self.details), self.batch.count, self._around(told), source)
        except (Unreadable, ValidationError) as error:
            self.sums.rejected += 1
            amount = if_readable(amount_of, told, "Amt", self.parts.currency) if told.holds("Amt") else None
            return Reject(where=source.where, why=why(error), line=source.line, amount=amount)
        if entry.state == "pending" and (said := state_said(told)).upper() not in _STATES_TOLD:
            sentence = f"{source.where}, line {source.line}: {said} is no state that ISO 20022 knows: not booked"
            self.sums.fail(Check(name="state", ok=False, detail=sentence))
        self.sums.add(entry, self.batch, told.text("NtryDtls/Btch/NbOfTxs", "Btch/NbOfTxs"))
        for check in self.broken_details:
            self.sums.fail(check)
        return entry

    def _around(self, entry: Told) -> Around:
        currency = entry.text("Amt" + CURRENCY) or self.parts.currency
        if self.around is None or self.around.currency != currency:
            self.around = Around(self.parts.kind, self.parts.bank_account.identification, currency)
        return self.around


@dataclass(slots=True)
class _Walk:
    """Where the walk through the document is, and what it has gathered."""

    lead: Lead = field(default_factory=Lead)
    depth: int = 0
    where_message: str = ""
    line: int = 0
    kind: ReportKind = "statement"
    format: str = ""
    created: str = ""
    page: tuple[int | None, bool | None] = (None, None)
    others: dict[str, str] = field(default_factory=dict)
    envelope: Envelope | None = None
    enveloped: bool = False
    """Whether the envelope is that of a message which was read."""
    statements: int = 0
    number: int = 0
    """Of those, in its message."""
    statement: _Statement | None = None
    flaws: list[str] = field(default_factory=list)
    """What was mended in the bytes, and no statement has told yet."""

    @property
    def where(self) -> str:
        """The innermost thing that is being read."""
        if self.statement is None:
            return self.where_message
        return self.statement.entry_where if self.statement.line else self.statement.parts.source.where

    def place(self, cut: Cut) -> str:
        """Where a complete element stands."""
        below = cut.depth - self.depth
        if not self.depth or below <= 0:
            return self.lead.place(cut)
        if self.statement is None:
            return f"{self.where_message}/{cut.path}"
        within = self.statement
        if within.line:
            return within.entry_where + (f"/{cut.path}" if below > _IN_STATEMENT else "")
        return within.parts.source.where + (f"/{cut.path}" if below == _IN_STATEMENT else "")

    def copied(self, _: Cut) -> bool:
        """No element is read as part of another one, too."""
        return False

    @property
    def waits(self) -> bool:
        """Everything is read as it comes."""
        return False

    def begin(self, cut: Cut) -> Iterable[CamtItem]:
        """The message, what leads to it, a statement or an entry begins."""
        if not self.depth:
            self._lead(cut)
        elif self.statement is None:
            self.statements, self.number = self.statements + 1, self.number + 1
            source = Source(where=f"{self.where_message}/{cut.path}[{self.number}]", line=cut.line)
            parts = HeadParts(self.kind, source, self.format, self.page, self.created, others=self._others())
            self.statement = _Statement(parts)
            self.statement.sums.paged = self.kind == "statement"
        else:
            self.statement.begin(cut.line)
            if not self.statement.headed:
                return self._head(self.statement)
        return ()

    def take(self, cut: Cut, told: Told) -> Iterable[CamtItem]:
        """An element is complete, or tells what it is to what is in it."""
        statement, below = self.statement, cut.depth - self.depth
        if cut.so_far:
            if statement is not None:
                statement.tell(told)
        elif not self.depth:
            return self._before(cut, told)
        elif statement is None or below < _IN_STATEMENT:
            return self._around_statements(cut, told, below)
        elif below > _IN_STATEMENT:
            if statement.line:
                statement.take_detail(told, cut.line)
        elif cut.path == "Ntry":
            return (statement.entry(told),)
        else:
            statement.parts.take(cut.path, told, cut.line)
            statement.around = None
        return ()

    def _around_statements(self, cut: Cut, told: Told, below: int) -> Iterator[CamtItem]:
        """A statement is complete, or what stands beside or around it."""
        statement = self.statement
        if statement is not None and below == 1:
            yield from self._head(statement)
            for flaw in self.flaws:
                statement.sums.fail(Check(name="bytes", ok=False, detail=flaw))
            self.flaws.clear()
            end = statement.sums.end(statement.parts.balances, statement.parts.controls, statement.parts.checks)
            yield end.model_copy(update={"additional": statement.parts.additional})
            self.statement = None
        elif cut.path == "GrpHdr" and below == 1:
            self.created, self.page = told.text("CreDtTm"), page_of(told, "MsgPgntn/")
            self.others = told.fields(_HEADER)
        elif below == 0:
            self.depth, self.enveloped = 0, True

    def _before(self, cut: Cut, told: Told) -> Iterator[Reject]:
        """Something beside the messages is complete: a header, or a message that is no statement."""
        if cut.path.rpartition("/")[2] in HEADERS:
            self.envelope = envelope_of(told, None if self.enveloped else self.envelope)
            self.enveloped = False
        elif kind := message_type(cut.path):
            why = f"a {kind.name} beside bank statements is not read: give it in a file of its own"
            yield Reject(where=f"{self.lead.where}/{cut.path}", why=why, line=cut.line)

    def finish(self) -> Iterator[CamtItem]:
        """The document is read to its end."""
        if not self.where_message:
            raise FormatRefused("There is no camt.052, camt.053 or camt.054 message in this XML.")
        if not self.statements:
            why = "the message holds no statement, report or notification"
            yield Reject(where=self.where_message, why=why, line=self.line)

    def _lead(self, cut: Cut) -> None:
        self.lead.take(cut)
        found = _MESSAGE.fullmatch(cut.path)
        if found:
            self.kind, name = _KINDS[found[1]]
            self.format = self.lead.version(name, self.envelope.definition if self.envelope else "")
            self.depth, self.line, self.where_message = cut.depth, cut.line, self.lead.where
            self.created, self.page, self.others, self.number = "", (None, None), {}, 0

    def _others(self) -> dict[str, str]:
        """What the message says of all its statements, and who sent it to whom, by the names of `Envelope`."""
        carried = self.envelope.model_dump(exclude_defaults=True, exclude={"definition"}) if self.envelope else {}
        return {name: str(said).lower() if said is True else said for name, said in carried.items()} | self.others

    def _head(self, statement: _Statement) -> Iterator[StatementHead]:
        if not statement.headed:
            statement.headed = True
            yield statement.parts.head()
