"""Lockbox files, streaming: per lockbox and day a remittance advice with one payment a cheque."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.formats.lockbox.layout import BAI, Layout, cheque_fields
from nostro.formats.nacha.headers import day
from nostro.formats.reading import Beginning, Format
from nostro.formats.text import lines
from nostro.model.failures import FormatRefused
from nostro.model.messages import Envelope, Instruction, MessageEnd, MessageHead
from nostro.model.money import Amount, plain
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.remittance import Document
from nostro.model.statements import Check, References, Reject, Source

LockboxItem = MessageHead | Instruction | MessageEnd | Reject

_DOCUMENTS = 10_000
_SERVICE = "400"


def read_lockbox(chunks: Iterable[bytes], layout: Layout = BAI) -> Iterator[LockboxItem]:
    """Per lockbox and day a head, its cheques and located rejects, and an end with the bank's totals checked.

    Raises `FormatRefused` before anything was yielded when the bytes are no lockbox file.
    """
    walk = _Walk(layout)
    for line, told in lines(chunks):
        if told.strip():
            yield from walk.take(line, told)
    yield from walk.finish()


@dataclass(slots=True)
class _Sum:
    """Cheques and cents of a batch or of a lockbox."""

    count: int = 0
    cents: int = 0

    def add(self, cents: int) -> None:
        """A cheque more."""
        self.count += 1
        self.cents += cents


@dataclass(slots=True)
class _Open:
    """The lockbox that streams by."""

    number: str
    date: str
    batch: _Sum = field(default_factory=_Sum)
    whole: _Sum = field(default_factory=_Sum)
    rejected: int = 0
    checks: list[Check] = field(default_factory=list)


@dataclass(slots=True)
class _Walk:
    """Where the walk through the file is."""

    layout: Layout
    file: dict[str, str] = field(default_factory=dict)
    records: int = 0
    lockboxes: int = 0
    lockbox: _Open | None = None
    cheque: dict[str, str] | None = None
    line: int = 0
    documents: list[Document] = field(default_factory=list)
    held: MessageEnd | None = None

    def take(self, line: int, told: str) -> Iterator[LockboxItem]:
        """A record."""
        kind = told[0]
        self.records += 1
        places = self.layout.get(kind)
        if places is None or (kind != "1" and not self.file):
            if not self.file:
                raise FormatRefused("This is no lockbox file: it does not begin with a header record.")
            yield self._reject("this is no record of a lockbox file", line)
            return
        cheque = kind == "6"
        fields = cheque_fields(told, self.layout) if cheque else {name: told[at].strip() for name, at in places.items()}
        if kind != "4":
            yield from self._settle()
        if kind in "12":
            self.file |= {f"{kind}.{name}": said for name, said in fields.items()}
        elif kind == "5":
            yield from self._begin(fields, line)
        elif kind == "6":
            yield from self._begin_cheque(fields, line)
        elif kind == "4":
            yield from self._invoice(fields, line)
        else:
            yield from self._total(kind, fields)

    def finish(self) -> Iterator[LockboxItem]:
        """The bytes end."""
        if not self.file:
            raise FormatRefused("This is no lockbox file: it does not begin with a header record.")
        yield from self._settle()
        yield from self._let_go(Check(name="file/records", ok=False, detail="there is no total of the file"))
        if self.lockbox is not None:
            yield Reject(where=self._where, why="the file ends before the lockbox's total")
        elif not self.lockboxes:
            yield Reject(where="file", why="the file ends before its first lockbox", line=self.records)

    @property
    def _where(self) -> str:
        return f"lockbox[{max(self.lockboxes, 1)}]"

    def _begin(self, fields: dict[str, str], line: int) -> Iterator[LockboxItem]:
        number, date = fields.get("lockbox", ""), fields.get("date", "")
        if self.lockbox is not None and (self.lockbox.number, self.lockbox.date) == (number, date):
            return
        yield from self._end([Check(name="lockbox/total", ok=False, detail="there is no total")])
        yield from self._let_go()
        self.lockboxes += 1
        self.lockbox = _Open(number, date)
        on = day(date) or day(self.file.get("1.date", ""))
        origin, receiver = self.file.get("1.origin", ""), self.file.get("1.destination", "")
        yield MessageHead(
            kind="remittance_advice",
            message_id="-".join(part for part in (number, date) if part),
            created_on=on,
            envelope=Envelope(sender=origin, receiver=receiver, service="lockbox"),
            others={"lockbox": number} if number else {},
            source=Source(where=self._where, line=line),
            format="BAI lockbox",
        )

    def _begin_cheque(self, fields: dict[str, str], line: int) -> Iterator[LockboxItem]:
        if self.lockbox is None:
            # Some banks leave the lockbox's own header out.
            yield from self._begin({}, line)
        self.cheque, self.line, self.documents = fields, line, []

    def _invoice(self, fields: dict[str, str], line: int) -> Iterator[LockboxItem]:
        cheque = self.cheque
        same = ("batch", "item")
        if cheque is None or any(fields.get(name) != cheque.get(name) for name in same if name in fields):
            yield self._reject("an overflow record without its cheque", line)
        elif len(self.documents) < _DOCUMENTS:
            self.documents += _documents(fields)

    def _settle(self) -> Iterator[LockboxItem]:
        """The cheque that is complete now."""
        cheque, lockbox = self.cheque, self.lockbox
        if cheque is None or lockbox is None:
            return
        self.cheque = None
        said = cheque.get("amount", "")
        if not said.isdecimal() or cheque.get("cut"):
            why = "the amount is no number" if not said.isdecimal() else "the record ends within its amount"
            yield self._reject(why, self.line)
            return
        lockbox.batch.add(int(said))
        lockbox.whole.add(int(said))
        yield self._payment(cheque, lockbox)

    def _payment(self, cheque: dict[str, str], lockbox: _Open) -> Instruction:
        known = {name: said for name in ("cheque", "item") if (said := really_told(cheque.get(name, "")))}
        return Instruction(
            method="cheque",
            amount=_dollars(cheque["amount"]),
            group=cheque.get("batch", ""),
            references=References(end_to_end=really_told(cheque.get("cheque", "")).lstrip("0"), others=known),
            execution_date=day(cheque.get("date", "")),
            settlement_date=day(lockbox.date),
            debtor=Party(name=cheque.get("payer", "")),
            creditor=Party(name=cheque["payee"]) if cheque.get("payee") else None,
            debtor_account=BankAccount(other=cheque.get("account", ""), clearing_id=cheque.get("routing", "")),
            documents=(*_documents(cheque), *self.documents),
            others={"lockbox": lockbox.number} if lockbox.number else {},
            source=Source(where=self._where, line=self.line),
        )

    def _total(self, kind: str, fields: dict[str, str]) -> Iterator[LockboxItem]:
        lockbox = self.lockbox
        if kind == "9":
            if not self.lockboxes:
                # A day without any cheque is told, too.
                yield from self._begin({}, self.records)
                yield from self._end([])
            yield from self._end([Check(name="lockbox/total", ok=False, detail="there is no total")])
            yield from self._let_go(_number("file/records", fields.get("count", ""), self.records))
        elif lockbox is None:
            yield self._reject("a total without a lockbox", self.records)
        elif kind == "7":
            lockbox.checks += _compared("batch", fields, lockbox.batch)
            lockbox.batch = _Sum()
        else:
            yield from self._end(_compared("lockbox", fields, lockbox.whole))

    def _end(self, checks: list[Check]) -> Iterator[LockboxItem]:
        lockbox = self.lockbox
        if lockbox is None:
            return
        yield from self._let_go()
        self.lockbox = None
        self.held = MessageEnd(
            items=lockbox.whole.count,
            rejected=lockbox.rejected,
            totals={"USD": Decimal(lockbox.whole.cents).scaleb(-2)} if lockbox.whole.count else {},
            checks=(*lockbox.checks, *checks),
        )

    def _let_go(self, *checks: Check) -> Iterator[LockboxItem]:
        if self.held is not None:
            end, self.held = self.held, None
            yield end.model_copy(update={"checks": (*end.checks, *checks)})

    def _reject(self, why: str, line: int) -> Reject:
        if self.lockbox is not None:
            self.lockbox.rejected += 1
        return Reject(where=self._where, why=why, line=line)


def _documents(fields: dict[str, str]) -> list[Document]:
    """The invoice that a record names, with what is paid and deducted of it."""
    invoice = really_told(fields.get("invoice", ""))
    if not (invoice or fields.get("paid", "").strip("0") or fields.get("deducted", "").strip("0")):
        return []
    paid, deducted = _dollars(fields.get("paid", "")), _dollars(fields.get("deducted", ""))
    return [Document(number=invoice, type=fields.get("reason", ""), remitted=paid, discount=deducted)]


def _dollars(cents: str) -> Amount | None:
    return Amount(value=Decimal(int(cents)).scaleb(-2), currency="USD") if cents.isdecimal() else None


def _compared(name: str, told: dict[str, str], there: _Sum) -> list[Check]:
    count = _number(f"{name}/count", told.get("count", ""), there.count)
    said = told.get("total", "")
    ok = said.isdecimal() and int(said) == there.cents
    amounts = [plain(Decimal(cents).scaleb(-2)) for cents in (int(said) if said.isdecimal() else 0, there.cents)]
    return [
        count,
        Check(name=f"{name}/total", ok=ok, detail="" if ok else f"{amounts[0]} is told, {amounts[1]} is there"),
    ]


def _number(name: str, told: str, there: int) -> Check:
    ok = told.isdecimal() and int(told) == there
    said = str(int(told)) if told.isdecimal() else "no number"
    return Check(name=name, ok=ok, detail="" if ok else f"{said} is told, {there} is there")


def _is_lockbox(beginning: Beginning) -> bool:
    told = [line for line in beginning.lines[:3] if line.strip()]
    if len(told) < 2 or not (told[0].startswith("1") and told[1].startswith("2")):
        return False
    places = BAI["2"]
    dated = told[0][BAI["1"]["date"]]
    return told[1][places["service"]] == _SERVICE and len(dated) == 6 and dated.isdecimal()


LOCKBOX: Sequence[Format] = (Format("lockbox", "Lockbox (BAI)", _is_lockbox, read_lockbox, proven=False),)
