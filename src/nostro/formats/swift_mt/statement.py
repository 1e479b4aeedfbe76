"""MT940, MT942 and MT950: the head, the entries and the end of a statement or an interim report.

SWIFT User Handbook, category 9. Statements of banks lack fields, double them or put them elsewhere: each is read all
the same, and what is wrong is said in a check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from nostro.formats.checks import Control, Sums
from nostro.formats.reading import Unreadable
from nostro.formats.swift_mt.blocks import STATEMENT_TAGS, Field, Piece
from nostro.formats.swift_mt.entry import entry_of
from nostro.formats.swift_mt.free_text import lines_of
from nostro.formats.swift_mt.line import amount_in, read_line
from nostro.formats.swift_mt.values import BALANCE_CODES, about, balance, bank_account, moment, summed
from nostro.model.base import changed, maker, whole_maker
from nostro.model.money import TOLD_CURRENCIES, Amount
from nostro.model.parties import BankAccount
from nostro.model.statements import (
    Balance,
    Check,
    Direction,
    Entry,
    Reject,
    ReportKind,
    Source,
    StatementEnd,
    StatementHead,
)

_made_head = maker(StatementHead)
_made_source = whole_maker(Source)
StatementItem = StatementHead | Entry | Reject | StatementEnd

_INTERIM = frozenset({"34F", "13D", "13", "90C", "90D"})
_BALANCES = frozenset(BALANCE_CODES)
_OPENING, _CLOSING = frozenset({"60", "60F", "60M"}), frozenset({"62", "62F", "62M"})
_ENTRIES_END = _CLOSING | {"64", "65", "90C", "90D"}
_AMONG_ENTRIES = frozenset({"61", "86", "NS", "NSF"})
_ONCE = _OPENING | _CLOSING | {"25", "25P", "28", "28C"}
_DIRECTIONS: dict[str, Direction] = {"90C": "credit", "90D": "debit"}
_PAGES = 99_999
_NO_ACCOUNT = BankAccount()


@dataclass(slots=True)
class Pages:
    """How the message before went: its bank account and number; its page and last balance if another is to follow."""

    identification: str = ""
    number: int | None = None
    page: int | None = None
    balance: Amount | None = None


@dataclass(slots=True)
class Statement:
    """The statement that streams by, piece by piece."""

    piece: Piece
    pages: Pages
    format: str = ""
    kind: ReportKind = "statement"
    head: StatementHead | None = None
    account: BankAccount = _NO_ACCOUNT
    currency: str = ""
    balances: list[Balance] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    numbers: tuple[int | None, int | None] = (None, None)
    page: int | None = None
    last_page: bool | None = None
    created_at: datetime | None = None
    line: Field | None = None
    information: list[str] = field(default_factory=list)
    own_words: list[str] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    seen: set[str] = field(default_factory=set)
    where: str = ""

    def take(self, piece: Piece) -> Iterator[StatementItem]:
        """A piece of the message: the first one begins the statement, the last one ends it."""
        self.piece = piece
        if piece.first:
            self._begin(piece)
        else:
            self._gather(piece)
        if self.head is None:
            self.head = self._head()
            yield self.head
        yield from self._entries(piece)
        if piece.last:
            yield from self._end(piece)

    def _begin(self, piece: Piece) -> None:
        kind = piece.carrier.type
        if kind not in ("940", "942", "950"):
            tags = {tag for tag, _, _ in piece.fields}
            kind = "942" if tags & _INTERIM and not tags & _OPENING else "940"
        self.format, self.kind = f"MT{kind}", "report" if kind == "942" else "statement"
        self.where = f"{self.format}[{piece.number}]"
        self._gather(piece)

    # What the head needs, which is looked for before the entries

    def _gather(self, piece: Piece) -> None:
        for told in piece.fields:
            if told.tag not in _AMONG_ENTRIES:
                self._take_one(told)
        if piece.flooded:
            self._fail("text", piece.flooded, "a field has more lines than any has; the rest of them is left out")

    def _take_one(self, told: Field) -> None:
        once = "28" if told.tag == "28C" else told.tag
        if once in self.seen and told.tag in _ONCE:
            self._fail("field", told.line, f"field {told.tag} is told twice in one statement; the first one counts")
            return
        self.seen.add(once)
        try:
            self._take_value(told)
        except (Unreadable, ValidationError) as error:
            why = str(error) if isinstance(error, Unreadable) else "it can't be taken as told"
            self._fail("field", told.line, f"field {told.tag}: {why}")

    def _take_value(self, told: Field) -> None:
        tag, said = told.tag, told.joined
        if tag in _BALANCES:
            self._take_balance(told)
        elif tag in ("25", "25P"):
            self.account = bank_account(told.text[0], told.text[1].strip() if len(told.text) > 1 else "")
            self.currency = self.currency or self.account.currency
        elif tag in ("28", "28C"):
            self.numbers = _numbers(said)
        elif tag in ("13", "13D"):
            self.created_at = moment(said)
        elif tag == "34F":
            self._take_floor(said)
        elif tag in _DIRECTIONS:
            count, currency, _, total = summed(said)
            self.currency = self.currency or (currency if currency in TOLD_CURRENCIES else "")
            self.controls.append(Control(tag, count, total, (_DIRECTIONS[tag],)))
        elif tag in ("20", "21"):
            self.others.setdefault(tag, said.strip())
        elif tag not in STATEMENT_TAGS:
            self._fail("field", told.line, f"field {tag} belongs to no statement")

    def _take_balance(self, told: Field) -> None:
        if told.tag in _CLOSING:
            self.last_page = told.tag != "62M"
        found, wrong = balance(told.tag, told.joined, self.currency or self.account.currency)
        for one in wrong:
            self._fail(about(one), told.line, f"field {told.tag}: {one}")
        if found.amount.currency != self.currency:
            self._take_currency(told, found.amount.currency)
        source = _made_source({"where": f"{self.where}/{told.tag}", "line": told.line})
        self.balances.append(changed(found, {"source": source}))

    def _take_currency(self, told: Field, currency: str) -> None:
        """Entries tell none: it is that of the first balance. What stands behind the account's number may be none."""
        if self.currency == self.account.currency and not self.balances:
            if self.currency:
                why = f"the balance is in {currency}, though {self.currency} stands behind the account's number"
                self._fail("currency", told.line, why)
                self.account = self.account.model_copy(update={"currency": currency})
            self.currency = ""
        self.currency = self.currency or currency

    def _take_floor(self, said: str) -> None:
        _, currency, mark, total = summed(said)
        self.currency = self.currency or (currency if currency in TOLD_CURRENCIES else "")
        self.others[f"34F{mark}"] = f"{currency} {total}"

    def _head(self) -> StatementHead:
        self._non_swift()
        number, told = self.numbers
        page = self.page = self._next_page(number, told)
        days = {one.code: one.on for one in reversed(self.balances)}
        opened, closed = days.get("OPBD"), days.get("CLBD")
        return _made_head(
            {
                "kind": self.kind,
                "statement_id": self.others.pop("20", ""),
                "bank_account": self.account,
                "currency": self.account.currency or self.currency,
                "sequence": number,
                "page": page,
                "last_page": self.last_page if page or self.last_page is False else None,
                "created_at": self.created_at,
                "created_on": self.created_at.date() if self.created_at else closed,
                "from_date": opened,
                "to_date": closed,
                "balances": tuple(self.balances),
                "others": dict(self.others),
                "source": _made_source({"where": self.where, "line": self.piece.line}),
                "format": self.format,
            },
        )

    def _next_page(self, number: int | None, told: int | None) -> int | None:
        """The page as told. One that tells none goes on where the message before broke off; so does one that tells an
        earlier one (`:28:1/1` on each) and begins with the balance that the one before ended with.
        """
        before = self.pages
        same = (before.identification, before.number) == (self.account.identification, number)
        if not (before.page and same and "60M" in self.seen):
            return told
        goes_on = told is None or (told <= before.page and self._balance("OPBD") == before.balance)
        return before.page + 1 if goes_on else told

    def _balance(self, code: str) -> Amount | None:
        return next((one.amount for one in self.balances if one.code == code), None)

    def _non_swift(self) -> None:
        """Fields NS before the entries, in which German banks tell the account's owner and name."""
        for told in self.piece.fields:
            if told.tag == "61":
                return
            if told.tag in ("NS", "NSF"):
                named = {line[:2]: line[2:].strip() for line in told.text if line[:2].isdecimal()}
                update = {"owner": named.get("22", ""), "name": named.get("23", "")}
                self.account = self.account.model_copy(update=update)
                self.others |= {f"NS{number}": said for number, said in named.items() if said}

    # Entries

    def _entries(self, piece: Piece) -> Iterator[StatementItem]:
        for told in piece.fields:
            tag = told.tag
            if tag == "86":
                (self.information if self.line else self.own_words).extend(told.text)
            elif tag == "61":
                if self.line:
                    yield self._flush(self.line, ends=False)
                self.line = told
            elif tag in ("NS", "NSF"):
                self.information.extend(f"\x00{line}" for line in told.text if self.line)
            elif tag in _ENTRIES_END:
                if self.line:
                    yield self._flush(self.line, ends=False)
            elif self.line:
                # Some files have another tag in front of what field 86 tells.
                self._fail("field", told.line, f"field {tag} stands among the entries; it is read as text of the entry")
                self.information.extend(told.text)

    def _flush(self, told: Field, *, ends: bool) -> Entry | Reject:
        """The entry that was gathered."""
        information = self.information
        self.line, self.information = None, []
        sums = self.sums
        where = f"{self.where}/61[{sums.entries + sums.rejected + 1}]"
        source = _made_source({"where": where, "line": told.line})
        try:
            line = read_line(told.text, self.currency, ends=ends)
            entry = entry_of(line, information, self.currency, source, interim=self.kind == "report")
        except (Unreadable, ValidationError) as error:
            sums.rejected += 1
            why = str(error) if isinstance(error, Unreadable) else "it can't be taken as told"
            return Reject(where=source.where, why=why, line=told.line, amount=self._amount(told))
        for wrong in line.wrong:
            self._fail(about(wrong), told.line, wrong)
        sums.add(entry)
        return entry

    def _amount(self, told: Field) -> Amount | None:
        value = amount_in(told.text, self.currency)
        return (
            Amount(value=value, currency=self.currency)
            if value is not None and self.currency in TOLD_CURRENCIES
            else None
        )

    # The end

    def _end(self, piece: Piece) -> Iterator[StatementItem]:
        closed = bool(self.seen & _CLOSING) or self.kind == "report"
        if self.line:
            yield self._flush(self.line, ends=not closed)
        if piece.cut:
            self.sums.rejected += 1
            yield Reject(where=self.where, why="the message breaks off: its end is missing", line=piece.line)
        checks = list(self._checks(closed=closed))
        update: dict[str, object] = {"additional": " ".join(lines_of(self.own_words))}
        if self.kind == "statement":
            closed_on = next((one.on for one in self.balances if one.code == "CLBD"), None)
            goes_on = self.last_page is False
            update |= {"to_date": closed_on, "last_page": self.last_page if self.page or goes_on else None}
            pages = self.pages
            pages.identification, pages.number = self.account.identification, self.numbers[0]
            pages.page, pages.balance = ((self.page or 1), self._balance("CLBD")) if goes_on else (None, None)
        yield self.sums.end(self.balances, self.controls, checks).model_copy(update=update)

    def _checks(self, *, closed: bool) -> Iterator[Check]:
        if not closed:
            yield Check(name="closing", ok=False, detail="no closing balance is told")
        if self.kind == "statement" and not self.seen & _OPENING:
            yield Check(name="opening", ok=False, detail="no opening balance is told")

    def _fail(self, name: str, line: int, why: str) -> None:
        self.sums.fail(Check(name=name, ok=False, detail=f"line {line}: {why}"))


def _numbers(told: str) -> tuple[int | None, int | None]:
    """Statement and page number of field 28C (`5n[/5n]`). Banks that don't count say 0."""
    number, _, page = told.strip().partition("/")
    found = [int(said) if (said := part.strip()).isdecimal() and len(said) <= 18 else 0 for part in (number, page)]
    return found[0] or None, found[1] if 0 < found[1] <= _PAGES else None
