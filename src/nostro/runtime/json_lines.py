"""Documents as JSON lines while they stream by, so that a file of any size fits in memory; and a table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import BinaryIO

from nostro.formats import shown
from nostro.formats.catalogue import REMEDY, Told, tell
from nostro.formats.codes import Legend
from nostro.formats.identity import EntryIds
from nostro.formats.reading import Format, Item
from nostro.formats.series import Series
from nostro.formats.tables.guesses import ProfileNeeded
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.statements import Entry, Reject, StatementEnd, StatementHead
from nostro.runtime.cli_frame import DONE, WRONG
from nostro.runtime.output import Output, clean, table
from nostro.runtime.summary import COLUMNS, End, Head, Row, Tally, row, row_of_whole

REFUSED = 2


@dataclass(slots=True)
class _Open:
    """The document that is being written: its head, the list in it that is being filled, and what waits for its end."""

    name: str
    any: bool = False
    head: Head | None = None
    ids: EntryIds | None = None
    legend: Legend = field(default_factory=Legend)
    filling: str = ""
    tally: Tally = field(default_factory=Tally)
    rejects: list[Reject] = field(default_factory=list)


@dataclass(slots=True)
class Lines:
    """Writes the documents of files. `as_lines`: rejects among them; `quiet`: only what `summary` needs.

    `declared`: the format that everything is read as, where a profile says so.
    """

    out: BinaryIO
    output: Output
    as_lines: bool = False
    quiet: bool = False
    declared: Format | None = None
    code: int = DONE
    unknown: bool = False
    rows: list[Row] = field(default_factory=list)
    series: Series = field(default_factory=Series)

    def file(self, name: str, chunks: Callable[[], Iterator[bytes]]) -> None:
        """Every document in a file. What is of no known format beside others that are is one more reject."""
        documents = refused = 0
        try:
            for told in tell(chunks, PurePath(name).name, self.declared):
                documents += 1
                refused += not self._document(told, f"{name}:{told.member}" if told.member else name)
        except FormatRefused as error:
            refused += 1
            self._refuse(name, str(error))
        if refused:
            self.code = max(self.code, WRONG if documents > refused else REFUSED)

    def summary(self) -> None:
        """What was read, as a table, and what is missing or doubled between statements of one bank account."""
        self.output.console.print(table("", COLUMNS, self.rows))
        for flaw in self.series.flaws():
            self.output.console.print(clean(f"! {flaw.file}: {flaw.rule}: {flaw.sentence}"), soft_wrap=True)

    def remedy(self) -> None:
        """What to do about files of no known format: once, however many there were."""
        if self.unknown and not self.as_lines:
            self.output.note(REMEDY)

    def _document(self, told: Told, name: str) -> bool:
        """Whether anything of it could be read."""
        if told.format is None:
            self.unknown = True
            self._refuse(name, told.refusal)
            return False
        open_document = _Open(name)
        try:
            for item in told.items:
                self._take(open_document, item)
        except FormatRefused as refused:
            if not open_document.any:
                self._refuse(name, str(refused), refused)
                return False
            open_document.rejects.append(Reject(where="", why=str(refused)))
        self._close(open_document, None)
        return True

    def _take(self, document: _Open, item: Item) -> None:
        document.any = True
        if self.quiet:
            self.series.hear(item, document.name)
        match item:
            case StatementHead() | MessageHead():
                self._close(document, None)
                document.head, document.tally, document.filling = item, Tally(), ""
                document.legend = Legend(item)
                document.ids = EntryIds.of_statement(item) if isinstance(item, StatementHead) else None
                told = shown.head_shown(item, document.name)
                self._write(b"{" + b",".join(shown.members(told)))
            case Entry() | Instruction() | PaymentStatus():
                self._add(document, item)
            case StatementEnd() | MessageEnd():
                self._close(document, item)
            case Reject():
                document.rejects.append(item)
            case _:
                told = shown.whole_shown(item, document.name)
                self._write(shown.json_of(told) + b"\n")
                document.legend = Legend()
                document.legend.take(item)
                self.rows.append(row_of_whole(document.name, told, document.legend.told()))

    def _add(self, document: _Open, item: Entry | Instruction | PaymentStatus) -> None:
        name = shown.LISTS[type(item)]
        opening = b"," if name == document.filling else self._end_of_list(document) + b"," + shown.json_of(name) + b":["
        document.filling = name
        document.tally.take(item)
        document.legend.take(item)
        told: object = item
        if isinstance(item, Entry) and document.ids is not None:
            told = shown.ShownEntry.of(item, document.ids.next(item), document.name)
        self._write(opening + shown.json_of(told))

    @staticmethod
    def _end_of_list(document: _Open) -> bytes:
        return b"]" if document.filling else b""

    def _close(self, document: _Open, end: End | None) -> None:
        """The end of what is open; then what was rejected in it, since a line can't stand inside a line."""
        if document.head is not None:
            empty = "entries" if isinstance(document.head, StatementHead) else "payments"
            closing = self._end_of_list(document) or b"," + shown.json_of(empty) + b":[]"
            codes = document.legend.told()
            told = shown.end_shown(document.head, end, codes)
            self._write(closing + b"," + b",".join(shown.members(told)) + b"}\n")
            self.rows.append(row(document.name, document.head, document.tally, end, codes))
            document.head = None
        for reject in document.rejects:
            self._reject(reject, document.name)
        document.rejects.clear()

    def _refuse(self, name: str, sentence: str, refused: FormatRefused | None = None) -> None:
        self._tell(Reject(where="", why=sentence), name)
        if isinstance(refused, ProfileNeeded):
            self.output.aside_as_it_is(f"# {name or 'standard input'}\n{refused.proposal}")

    def _reject(self, reject: Reject, name: str) -> None:
        self.code = max(self.code, WRONG)
        self._tell(reject, name)

    def _tell(self, reject: Reject, name: str) -> None:
        if self.as_lines:
            self.out.write(shown.json_of(shown.reject_shown(reject, name)) + b"\n")
        else:
            line = f", line {reject.line}" if reject.line else ""
            place = ":".join(part for part in (name or "standard input", reject.where) if part)
            self.output.aside.print(clean(f"{place}{line}: {reject.why}"), soft_wrap=True)

    def _write(self, told: bytes) -> None:
        if not self.quiet:
            self.out.write(told)
