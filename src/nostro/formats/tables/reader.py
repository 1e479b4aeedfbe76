"""A table through its profile: statements with entries, located rejects and the chain of running balances."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nostro.formats.line_statements import LineItem, Running, account_as_told, trimmed
from nostro.formats.reading import Unreadable, if_readable
from nostro.formats.tables.cells import Cell, day, name_of, number, text
from nostro.formats.tables.chain import Chain
from nostro.formats.tables.ending import COMPARED, CUT, refuse_cut, unproven, without
from nostro.formats.tables.profile import CANONICAL, Marked, Profile
from nostro.formats.tables.row_words import balance_of_row, state_of
from nostro.formats.tables.rows import Row, places_of
from nostro.formats.tables.sections import ANOTHER, Names, Sections
from nostro.model.canonical import digest
from nostro.model.failures import FormatRefused
from nostro.model.money import NO_CURRENCY, TOLD_CURRENCIES, Amount, plain, usual_digits
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told
from nostro.model.statements import (
    Balance,
    Charge,
    Direction,
    EntryState,
    Exchange,
    References,
    Source,
    StatementHead,
)

_HEADER_WITHIN = 100
_LABELLED = ("booking_date", "remittance", "counterparty", "code")
"""Columns in which a row may say that it is a balance."""
_NOTED = 20
_MARK = 3  # so short that a name and its number have room in field 20 of an MT940
_NEEDED = frozenset(
    {"bank_account", "booking_date", "amount", "debit", "credit", "direction", "fee", "currency", "status"}
)
"""What makes another entry when it is cut."""
_TOLD = _NEEDED | {"value_date", "balance", "original_amount"}
"""What is not told when it may be cut."""
_EITHER = frozenset({"debit", "credit"})
_FOLLOWS = _EITHER | {"amount", "balance"}


@dataclass(slots=True)
class _Walk:
    """Where the walk through the rows is."""

    profile: Profile
    format: str
    notes: Sequence[tuple[str, str]] = ()
    noted: int = 0
    places: dict[str, list[int]] = field(default_factory=dict)
    statements: int = 0
    running: Running | None = None
    account: str = ""
    chain: Chain = field(default_factory=Chain)
    marked: list[tuple[str, Amount, int]] = field(default_factory=list)
    labelled: list[tuple[Balance, int]] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    unread: list[tuple[str, str]] = field(default_factory=list)
    line: int = 0
    names: Names = field(default_factory=Names)
    before: deque[Row] = field(default_factory=lambda: deque(maxlen=COMPARED))

    def row(self, row: Row) -> Iterator[LineItem]:
        """A row of the table's body."""
        self.line = row.line
        if row.is_empty or self.takes_balance(row):
            return
        cut = self._cut(row)
        told = self._text(row, "bank_account") or self.profile.bank_account
        account = self.account if "bank_account" in cut else told
        if self.running is None or account != self.account:
            yield from self._close()
            yield self._begin(account, row)
        running = self.running
        if running is None:  # pragma: no cover - it was begun
            return
        if not self._text(row, "booking_date") and not self._has_amount(row):
            running.note("line", f"line {row.line}: it holds neither a date nor an amount, and was left out")
            return
        if cut:
            row = without(row, (place for name in cut for place in self.places[name]))
        if self._is_balance(running, row):
            return
        if cut & _NEEDED:
            yield running.reject(CUT, row.line)
            return
        if cut:
            running.note("whole", f"line {row.line}: {CUT}")
        yield self._entry(running, row)

    def _entry(self, running: Running, row: Row) -> LineItem:
        """A movement, or why it is none."""
        amount: Amount | None = None
        try:
            state = self._state(running, row)
            amount, direction = self._amount(row, self._currency(row))
            running_balance = self._running_balance(row)
            entry = running.entry(self._fields(row, amount, direction, state), row.line)
        except Unreadable as unreadable:
            self.chain.gap()
            return running.reject(str(unreadable), row.line, amount)
        if state == "booked":
            self.chain.add(amount.value if direction == "credit" else -amount.value, running_balance, row.line)
        return entry

    def _cut(self, row: Row) -> frozenset[str]:
        """What of the row is not proven to be whole. A running balance that follows proves all that it follows from."""
        if row.ended:
            self.before.append(row)
            return frozenset()
        cut = _TOLD & set(unproven(row, self.before, self.places, self.profile.decimal))
        if len(cut & _EITHER) == 1 and self._says_either(row, *(_EITHER - cut), *(cut & _EITHER)):
            cut -= _EITHER
        return cut - self._proved(row) if cut & _FOLLOWS else cut

    def _says_either(self, row: Row, one: str, other: str) -> bool:
        """Of debit and credit a row has one: the other lacks nothing."""
        return not self._text(row, other) and bool(if_readable(number, self._cell(row, one), self.profile.decimal))

    def _proved(self, row: Row) -> frozenset[str]:
        """A balance that follows from its row's amount proves both; one that the row before leads to, itself."""
        try:
            value, balance, last = self._signed(row), self._running_balance(row), self.chain.last
            value = (-value if self.profile.inverse else value) - self._fee(row, self._currency(row))
        except Unreadable:
            return frozenset()
        if last is None or balance not in (last[1] + value, last[1] - last[0]):
            return frozenset()
        return _FOLLOWS if balance == last[1] + value else frozenset({"balance"})

    def _is_balance(self, running: Running, row: Row) -> bool:
        """Whether a row among the movements is none by its label: a balance is taken, a sum is only told."""
        places = [place for name in _LABELLED for place in self.places.get(name, ()) if place < len(row.cells)]
        code = balance_of_row(row.cells[place] for place in places)
        if not code or self.profile.name == CANONICAL.name:
            return False
        running.note("line", f"line {row.line}: by its words it is a balance or a sum and no movement")
        if code == "sum":
            return True
        try:
            currency, told = self._currency(row), self._running_balance(row)
            if told is None:
                amount, direction = self._amount(row, currency)
                told = amount.value if direction == "credit" else -amount.value
            else:
                self.chain.add(Decimal(0), told, row.line)
            on = if_readable(day, self._cell(row, "booking_date"), self.profile.date_order)
            self.labelled.append((Balance(code=code, amount=self._balance(told, currency), on=on), row.line))
        except Unreadable as unreadable:
            running.note("opening" if code == "OPBD" else "closing", f"line {row.line}: {unreadable}")
        return True

    def _state(self, running: Running, row: Row) -> EntryState:
        """Whether the money has moved. What a word nobody knows means is settled later: it is not booked by a guess."""
        said = self._text(row, "status")
        state = state_of(said)
        if state is None and said not in self.unknown and len(self.unknown) < _NOTED:
            self.unknown.add(said)
            running.note("status", f"line {row.line}: the status {said[:40]} is not known: it is taken as pending")
        return state or "pending"

    def booked_on(self, row: Row) -> str:
        """What stands where the day of booking does."""
        return self._text(row, "booking_date")

    def finish(self, another: int, held: Iterable[Row]) -> Iterator[LineItem]:
        """All rows are read. `another`: where another table begins (0: nowhere); `held`: what was held back before."""
        for row in held:
            yield from self.row(row)
        if self.running is None:
            yield self._begin(self.profile.bank_account, Row(self.line, []))
        if another and self.running is not None:
            yield self.running.reject(ANOTHER, another)
        yield from self._close()

    def _begin(self, account: str, row: Row) -> StatementHead:
        self.statements += 1
        self.account, self.chain = account, Chain()
        currency = self.profile.currency or self._currency_of(row)
        head = StatementHead(
            kind="statement",
            statement_id=self._name(account, row),
            bank_account=account_as_told(account, currency),
            currency=currency,
            source=Source(where=f"table[{self.statements}]", line=row.line),
            format=self.format,
        )
        self.running, self.noted, self.labelled, self.unknown = Running(head), 0, [], set()
        self._note(self.running)
        if not currency:
            self.running.note("currency", "no currency is told: declare it in a profile")
        return head

    def _note(self, running: Running) -> None:
        """What was found out about the file since the last time, told beside the statement."""
        for name, detail in self.notes[self.noted :]:
            running.note(name, detail)
        self.noted = len(self.notes)

    def _name(self, account: str, row: Row) -> str:
        """What the statement is called by, since nothing in a table names it: its first row's day, and a mark of that
        row's amount and balance. What is alike under the same name was told before.
        """
        told = (if_readable(self._signed, row), if_readable(self._running_balance, row))
        mark = digest([plain(one.normalize()) for one in told if one is not None]).hex()
        return self.names.another(account, f"{self._first_day(row)}-{mark[:_MARK]}")

    def _first_day(self, row: Row) -> str:
        try:
            found = day(self._cell(row, "booking_date"), self.profile.date_order)
        except Unreadable:
            found = None
        return found.isoformat() if found else str(self.statements)

    def _close(self) -> Iterator[LineItem]:
        running = self.running
        if running is None:
            return
        self._note(running)
        self.running = None
        for name, detail in self.unread:
            running.note(name, detail)
        currency = running.head.currency or NO_CURRENCY
        ends = self.marked or [(code, self._balance(value, currency), at) for code, value, at in self.chain.ends()]
        told = {code: (Balance(code=code, amount=amount), at) for code, amount, at in ends}
        for balance, at in (told | {balance.code: (balance, at) for balance, at in self.labelled}).values():
            running.take_balance(balance, at)
        for line, expected, said in self.chain.broken()[:_NOTED]:
            running.note("chain", f"line {line}: the amounts lead to {expected}, told is {said}")
        if self.chain.counted:
            detail = f"{len(self.chain.broken())} of {self.chain.counted} running balances don't follow"
            running.held("chain", detail, ok=not self.chain.broken())
        yield running.end()

    @staticmethod
    def _balance(value: Decimal, currency: str) -> Amount:
        return Amount(value=trimmed(value, currency), currency=currency)

    def takes_balance(self, row: Row) -> bool:
        """A line that is an opening or closing balance by its label."""
        for code, mark in (("OPBD", self.profile.opening), ("CLBD", self.profile.closing)):
            if mark is not None and _is_marked(row, mark):
                self._take_balance(code, row, mark)
                return True
        return False

    def _take_balance(self, code: str, row: Row, mark: Marked) -> None:
        try:
            refuse_cut(row, (), {"balance": [mark.column - 1]}, self.profile.decimal)
            value = number(row.cells[mark.column - 1], self.profile.decimal)
        except Unreadable as unreadable:
            self.unread.append(("opening" if code == "OPBD" else "closing", f"line {row.line}: {unreadable}"))
            return
        if value is not None:
            self.marked.append((code, self._balance(value, self.profile.currency or NO_CURRENCY), row.line))

    def _amount(self, row: Row, currency: str) -> tuple[Amount, Direction]:
        """The amount and its direction. Raises `Unreadable`."""
        value = trimmed(self._signed(row), currency)
        exponent = value.as_tuple().exponent
        ours = self.profile.name == CANONICAL.name
        if not ours and exponent == -3 and usual_digits(currency) == 2 and 0 < abs(value) < 1000:
            raise Unreadable("the amount can be read in two ways: three digits follow its decimal mark")
        value = (-value if self.profile.inverse else value) - self._fee(row, currency)
        return Amount(value=abs(value), currency=currency), "debit" if value < 0 else "credit"

    def _fee(self, row: Row, currency: str) -> Decimal:
        """What the bank took beside the amount. Raises `Unreadable`."""
        return trimmed(abs(number(self._cell(row, "fee"), self.profile.decimal) or Decimal(0)), currency)

    def _signed(self, row: Row) -> Decimal:
        decimal = self.profile.decimal
        if not self.profile.columns.amount:
            debit, credit = (number(self._cell(row, name), decimal) for name in ("debit", "credit"))
            if debit is None and credit is None:
                raise Unreadable("there is no amount")
            taken = debit or Decimal(0)
            return (credit or Decimal(0)) - (-taken if self.profile.debits_negative else taken)
        value = number(self._cell(row, "amount"), decimal)
        if value is None:
            raise Unreadable("there is no amount")
        if not self.profile.columns.direction:
            return value
        word = self._text(row, "direction").casefold()
        if word in self.profile.debit_words:
            return -abs(value)
        if word in self.profile.credit_words:
            return abs(value)
        raise Unreadable("the word beside the amount is neither a debit nor a credit")

    def _has_amount(self, row: Row) -> bool:
        return any(self._text(row, name) for name in ("amount", "debit", "credit"))

    def _currency(self, row: Row) -> str:
        """The entry's currency. Raises `Unreadable`."""
        currency = self._text(row, "currency").upper() or self.profile.currency or NO_CURRENCY
        if currency not in TOLD_CURRENCIES and currency != NO_CURRENCY:
            raise Unreadable("the currency is not in ISO 4217")
        return currency

    def _currency_of(self, row: Row) -> str:
        currency = self._text(row, "currency").upper()
        return currency if currency in TOLD_CURRENCIES else ""

    def _running_balance(self, row: Row) -> Decimal | None:
        return number(self._cell(row, "balance"), self.profile.decimal)

    def _fields(self, row: Row, amount: Amount, direction: Direction, state: EntryState) -> dict[str, Any]:
        order = self.profile.date_order
        booked = day(self._cell(row, "booking_date"), order)
        if booked is None and state == "booked":
            raise Unreadable("there is no date")
        fee = self._fee(row, amount.currency)
        name = self._text(row, "counterparty") or self._text(row, "payee" if direction == "debit" else "payer")
        lines = [self._text(row, "remittance", place) for place in range(len(self.places.get("remittance", ())))]
        return {
            "amount": amount,
            "direction": direction,
            "state": state,
            "booking_date": booked,
            "value_date": day(self._cell(row, "value_date"), order),
            "references": References(**{field: told(self._text(row, name)) for field, name in _REFERENCES.items()}),
            "bank_transaction_code": self._text(row, "code"),
            "remittance": tuple(line for line in lines if line),
            "counterparty": Party(name=name) if name else None,
            "counterparty_account": self._other_account(row),
            "exchange": self._exchange(row),
            "charges": (Charge(amount=Amount(value=fee, currency=amount.currency), included=True),) if fee else (),
        }

    def _other_account(self, row: Row) -> BankAccount | None:
        said, bic = self._text(row, "counterparty_account"), self._text(row, "counterparty_bic")
        return account_as_told(said, bic=bic) if said or bic else None

    def _exchange(self, row: Row) -> Exchange | None:
        currency = self._text(row, "original_currency").upper()
        value = number(self._cell(row, "original_amount"), self.profile.decimal)
        if not value or currency not in TOLD_CURRENCIES:
            return None
        return Exchange(instructed=Amount(value=abs(value), currency=currency), source_currency=currency)

    def _cell(self, row: Row, name: str, place: int = 0) -> Cell:
        places = self.places.get(name, ())
        return row.cells[places[place]] if place < len(places) and places[place] < len(row.cells) else ""

    def _text(self, row: Row, name: str, place: int = 0) -> str:
        return text(self._cell(row, name, place))


_REFERENCES = {
    "account_servicer": "reference", "end_to_end": "end_to_end", "structured": "structured", "mandate": "mandate",
}  # fmt: skip


def _is_marked(row: Row, mark: Marked) -> bool:
    first = next((text(cell) for cell in row.cells if text(cell)), "")
    return name_of(first) == name_of(mark.label) and len(row.cells) >= mark.column


def read_rows(
    given: Iterable[Row], profile: Profile, format_name: str, notes: Sequence[tuple[str, str]] = ()
) -> Iterator[LineItem]:
    """The table's statements. Raises `FormatRefused` when no line names the profile's columns."""
    walk, sections, another = _Walk(profile, format_name, notes), Sections(profile), 0
    waiting: deque[Row] = deque()
    before: list[Row] = []
    for row in given:
        if row.line <= profile.skip_first:
            continue
        if not walk.places:
            walk.places = places_of(profile.columns, row.cells)
            if profile.header and not walk.places:
                before.append(row)
                if len(before) > _HEADER_WITHIN:
                    break
                continue
            if profile.header:
                for above in before:
                    walk.takes_balance(above)
                continue
        met = sections.meet(row, walk.booked_on(row), walk.places)
        if met == "another":
            another = row.line
            break
        if met == "row":
            waiting.append(row)
        if len(waiting) > profile.skip_last:
            yield from walk.row(waiting.popleft())
    if not walk.places:
        raise FormatRefused("No line of the table names the columns that the profile declares.")
    yield from walk.finish(another, waiting if another else ())
