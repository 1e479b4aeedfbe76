"""NACHA files, streaming: per batch its head, its entries and located rejects, and its end with the control totals.

Nacha Operating Rules and Guidelines, Appendix Three "ACH Record Format Specifications", all entry classes. A batch is a
message of its own: it has its company, its dates and totals, and a bank's file of a day holds payments, returns and
notifications of change side by side. The file's own totals stand at the end of its last batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from nostro.formats.nacha.blocking import WIDTH, unblocked
from nostro.formats.nacha.entries import Entries, answers, dollars
from nostro.formats.nacha.headers import BatchHeader, FileHeader
from nostro.formats.nacha.totals import BatchTotals, Totals, file_checks
from nostro.formats.reading import Unreadable, if_readable
from nostro.model.failures import FormatRefused
from nostro.model.messages import (
    Envelope,
    Instruction,
    MessageEnd,
    MessageHead,
    MessageKind,
    PaymentStatus,
)
from nostro.model.money import Amount
from nostro.model.statements import Check, Reject, Source

NachaItem = MessageHead | Instruction | PaymentStatus | MessageEnd | Reject

ADDENDA_KEPT: Final = 10_000
"""A CTX entry has at most 9,999 addenda."""
_BEFORE: Final = 100
"""Lines of a mainframe's job that may stand before the file."""


def read_nacha(chunks: Iterable[bytes]) -> Iterator[NachaItem]:
    """Per batch a head, what it holds, and an end with the checks. A batch that is cut off has no end.

    Raises `FormatRefused` before anything was yielded when the bytes are no NACHA file.
    """
    walk = _Walk()
    try:
        for line, record in unblocked(chunks):
            walk.records += 1
            kind, batch = record[0], walk.batch
            if kind == "6" and batch is not None:
                yield from batch.finish_entry()
                batch.line, batch.record = line, record
            elif kind == "7" and batch is not None and batch.record:
                batch.add(record)
            else:
                yield from walk.take(line, record)
    except FormatRefused as refused:
        if not walk.began:
            raise
        yield Reject(where=walk.where, why=refused.sentence)
    yield from walk.finish()


@dataclass(slots=True)
class _Batch:
    """The batch that streams by, and its entry that waits for its addenda."""

    file: FileHeader
    header: BatchHeader
    entries: Entries
    totals: BatchTotals = field(default_factory=BatchTotals)
    kind: MessageKind | None = None
    line: int = 0
    record: str = ""
    addenda: list[str] = field(default_factory=list)
    addenda_count: int = 0
    early: list[Reject] = field(default_factory=list)
    cut: bool = False
    """The file ends here."""

    def add(self, record: str) -> None:
        """An addenda record of the present entry."""
        self.addenda_count += 1
        if self.addenda_count <= ADDENDA_KEPT:
            self.addenda.append(record)

    def finish_entry(self) -> tuple[NachaItem, ...]:
        """The entry that is complete now, with the batch's head before the first one."""
        if not self.record:
            return ()
        line, record, addenda = self.line, self.record, self.addenda
        self.totals.take(line, record, self.addenda_count, self.header)
        self.record = ""
        if addenda:
            self.addenda, self.addenda_count = [], 0
        head: tuple[NachaItem, ...] = () if self.kind else self.begin(record, addenda)
        read = self.entries.notice if self.kind in _NOTICES else self.entries.instruction
        told: NachaItem
        if self.cut and not _whole(record, addenda):
            return (*head, self.reject(line, "the file ends within this entry", if_readable(_amount, record)))
        try:
            told = read(line, record, addenda)
            self.totals.entries += 1
        except Unreadable as unreadable:
            told = self.reject(line, str(unreadable), if_readable(_amount, record))
        return (*head, told)

    def reject(self, line: int, why: str, amount: Amount | None = None) -> Reject:
        """Something of the batch that can't be read."""
        self.totals.rejected += 1
        return Reject(where=self.header.where, why=why, line=line, amount=amount)

    def stray(self, line: int, why: str) -> tuple[NachaItem, ...]:
        """A record that does not belong there. Before the first entry it waits for the head."""
        told = self.reject(line, why)
        if self.kind:
            return (told,)
        self.early.append(told)
        return self.begin("", []) if len(self.early) >= _BEFORE else ()

    def begin(self, record: str, addenda: list[str]) -> tuple[NachaItem, ...]:
        """The head, and what was met before it."""
        return (self.head(record, addenda), *self.early)

    def head(self, record: str, addenda: list[str]) -> MessageHead:
        """The head. Whether the batch pays, returns or tells changes is known from its first entry."""
        file, header = self.file, self.header
        self.kind = kind = _kind(header, record, addenda)
        others = {"service_class": header.service_class, "entry_class": header.entry_class, **header.others}
        others |= {"description": header.description, "odfi": header.odfi, **file.names}
        return MessageHead(
            kind=kind,
            message_id="-".join(part for part in (file.origin, file.mark, header.number) if part),
            created_at=file.created_at,
            created_on=file.created_on,
            initiating_party=header.company,
            envelope=Envelope(sender=file.origin, receiver=file.destination, service="ACH"),
            others={name: said for name, said in others.items() if said},
            source=Source(where=header.where, line=header.line or None),
            format=f"NACHA {header.entry_class}".strip(),
        )

    def end(self) -> Iterator[NachaItem]:
        """What is left of the batch but its end, which waits for the file's totals."""
        yield from self.finish_entry()
        if not self.kind:
            yield from self.begin("", [])


def _whole(record: str, addenda: list[str]) -> bool:
    """Whether an entry behind which the file ends has all of its records.

    Its last addenda record says whether it came back: what did must not be told as a new payment.
    """
    last = addenda[-1] if addenda else record
    return len(last) >= WIDTH and (last[1:3] in _LAST_ADDENDA if addenda else record[_HAS_ADDENDA] == "0")


_HAS_ADDENDA = slice(78, 79)
_LAST_ADDENDA = ("05", "98", "99")
_NOTICES = ("mandate_change", "payment_status")


def _kind(header: BatchHeader, record: str, addenda: list[str]) -> MessageKind:
    if header.entry_class == "COR":
        return "mandate_change"
    if answers(header):
        return "payment_status"
    came_back = record[2:3] in ("1", "6") or any(one[1:3] == "99" for one in addenda)
    return "payment_return" if came_back else "payment_initiation"


def _amount(record: str) -> Amount:
    return Amount(value=dollars(record[29:39], 10), currency="USD")


@dataclass(slots=True)
class _Walk:
    """Where the walk through the file is. A batch's end is held until its file's control record may have come."""

    file: FileHeader = field(default_factory=FileHeader)
    files: int = 0
    batches: int = 0
    batches_of_file: int = 0
    records: int = 0
    batch: _Batch | None = None
    totals: Totals = field(default_factory=Totals)
    advices: bool = False
    held: MessageEnd | None = None
    controlled: bool = False
    before: list[int] = field(default_factory=list)

    @property
    def began(self) -> bool:
        """Whether a file header, a batch or an entry was met."""
        return self.files > 0 or self.batches > 0

    @property
    def where(self) -> str:
        """The innermost thing that is being read."""
        return self.batch.header.where if self.batch else f"file[{max(self.files, 1)}]"

    def take(self, line: int, record: str) -> Iterator[NachaItem]:
        """Any record but an entry in its place and its addenda."""
        kind = record[0]
        if kind == "1":
            yield from self._begin_file(line, record)
        elif kind == "5":
            yield from self._begin_batch(BatchHeader.of(record, line, self.batches + 1, self.file))
        elif kind == "6":
            yield from self._begin_batch(BatchHeader(self.batches + 1, 0))
            if self.batch:
                self.batch.line, self.batch.record = line, record
        elif kind == "8" and self.batch:
            yield from self._end_batch(record)
        elif kind == "9" and self.began:
            yield from self._end_file(record)
        elif not self.began:
            self._wait(line)
        else:
            yield from self._stray(line, kind)

    def finish(self) -> Iterator[NachaItem]:
        """The bytes end."""
        if not self.began:
            raise FormatRefused("This is no NACHA file: it has neither a file header nor a batch header.")
        if self.batch:
            self.batch.cut = True
            yield from self.batch.end()
            yield Reject(where=self.where, why="the file ends before the batch's control record")
            return
        yield from self._close_file("")

    def _wait(self, line: int) -> None:
        self.before.append(line)
        if len(self.before) > _BEFORE:
            raise FormatRefused("This is no NACHA file: it does not begin with a file header.")

    def _stray(self, line: int, kind: str) -> tuple[NachaItem, ...]:
        known = {"7": "an addenda record without an entry", "8": "a batch control record without a batch"}
        why = known.get(kind, "this is no record of a NACHA file")
        return self.batch.stray(line, why) if self.batch else (Reject(where=self.where, why=why, line=line),)

    def _begin_file(self, line: int, record: str) -> Iterator[NachaItem]:
        if self.began:
            yield from self._close_file("")
        self.files += 1
        self.file = FileHeader.of(record, line, self.files)
        self.totals, self.batches_of_file, self.records, self.controlled = Totals(), 0, 1, False

    def _begin_batch(self, header: BatchHeader) -> Iterator[NachaItem]:
        yield from self._end_batch("")
        yield from self._let_go()
        self.batches += 1
        self.batches_of_file += 1
        self.advices = header.entry_class == "ADV"
        self.batch = _Batch(self.file, header, Entries(header))

    def _end_batch(self, control: str) -> Iterator[NachaItem]:
        batch = self.batch
        if batch is None:
            return
        yield from batch.end()
        self.totals.add(batch.totals)
        ascending = batch.kind == "payment_initiation"
        self.held = MessageEnd(
            items=batch.totals.entries,
            rejected=batch.totals.rejected,
            totals=batch.totals.dollars,
            checks=tuple(batch.totals.of_batch(batch.header, control, ascending=ascending)),
        )
        self.batch = None

    def _end_file(self, record: str) -> Iterator[NachaItem]:
        if self.controlled:
            self.records -= 1
            return
        yield from self._close_file(record if record.strip("9 ") else "")

    def _close_file(self, control: str) -> Iterator[NachaItem]:
        if self.controlled:
            return
        self.controlled = True
        yield from self._end_batch("")
        if not self.batches_of_file:
            yield self._empty()
            self.held = MessageEnd(items=0, rejected=0)
        checks = file_checks(self.totals, self.batches_of_file, self.records, control, advices=self.advices)
        yield from self._let_go(tuple(checks))

    def _empty(self) -> MessageHead:
        """A file without batches: a bank tells so that nothing came back."""
        file = self.file
        return MessageHead(
            kind="payment_initiation",
            message_id="-".join(part for part in (file.origin, file.mark) if part),
            created_at=file.created_at,
            created_on=file.created_on,
            envelope=Envelope(sender=file.origin, receiver=file.destination, service="ACH"),
            others=file.names,
            source=Source(where=f"file[{self.files}]", line=file.line),
            format="NACHA",
        )

    def _let_go(self, checks: tuple[Check, ...] = ()) -> Iterator[NachaItem]:
        if self.held is not None:
            end, self.held = self.held, None
            yield end.model_copy(update={"checks": (*end.checks, *checks)}) if checks else end
