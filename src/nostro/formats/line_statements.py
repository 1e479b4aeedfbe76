"""What the readers of statements in lines share: zones, days, scaled amounts, and the statement that streams by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from nostro.formats.checks import BatchSum, Control, Sums
from nostro.formats.reading import Unreadable, if_readable, why
from nostro.formats.text import begun, decode, lines
from nostro.model.base import changed
from nostro.model.money import NO_CURRENCY, UNMINTED, Amount, exponent
from nostro.model.parties import BankAccount
from nostro.model.statements import Balance, Check, Entry, Reject, Source, StatementEnd, StatementHead

Told_co = TypeVar("Told_co", covariant=True)
LineItem = StatementHead | Entry | Reject | StatementEnd

DETAILS_KEPT = 1_000
"""Details of one entry that are handed on; all of them are counted and summed."""
_CENTURY = 80
"""Years of two digits up to here are of the 21st century."""
_DIGITS = 24
_NOTED = 100
_SHORT = 12
"""What is no longer than this is no IBAN."""


def zone(line: str, first: int, last: int) -> str:
    """The text from one position to another, as specifications count: from 1, both included. Without blanks around."""
    return line[first - 1 : last].strip()


def amount_zone(line: str, first: int, last: int) -> str:
    """As `zone`, of an amount: it stands at the right, so that of one with blanks there the end is missing.

    Raises `Unreadable`: where a file is cut within it, less would be told than was moved.
    """
    found = zone(line, first, last)
    if found and line[last - 1 : last].strip() == "":
        raise Unreadable("the record ends within its amount")
    return found


def fixed_width(
    chunks: Iterable[bytes], width: int, read: Callable[[bytes], str] = decode
) -> Iterator[tuple[int, str]]:
    """Records of a fixed width with their line numbers; of a file without line ends, with their own numbers.

    `read` decodes what is read by itself.
    """
    held, given = begun(chunks, 2 * width + 1)
    whole, beginning = chain((held,), given), held[: 2 * width]
    if len(beginning) > width and not set(beginning) & set(b"\r\n\x00"):
        yield from _blocks(whole, width, read)
        return
    for number, line in lines(whole, read=read):
        pieces = range(0, len(line), width) if len(line) >= 2 * width else (0,)
        for start in pieces:
            if record := line[start : start + width].rstrip():
                yield number, record.ljust(width)


class Walk(Protocol[Told_co]):
    """Where a walk through records is."""

    def take(self, number: int, record: str) -> Iterator[Told_co]:
        """One record."""

    def finish(self) -> Iterator[Told_co]:
        """The file is read to its end."""


def walked(walk: Walk[Told_co], records: Iterable[tuple[int, str]]) -> Iterator[Told_co]:
    """What a walk yields from all records."""
    for number, record in records:
        yield from walk.take(number, record)
    yield from walk.finish()


def _blocks(chunks: Iterable[bytes], width: int, read: Callable[[bytes], str]) -> Iterator[tuple[int, str]]:
    number, held = 0, b""
    for chunk in chunks:
        held += chunk
        whole = len(held) // width
        for place in range(whole):
            number += 1
            yield number, read(held[place * width : (place + 1) * width])
        held = held[whole * width :]
    if rest := read(held).rstrip():
        yield number + 1, rest.ljust(width)


def day(said: str, order: str = "dmy") -> date | None:
    """A day of six digits in the order `dmy` or `ymd`; None where the zone is empty. Raises `Unreadable`."""
    if not said.strip("0 "):
        return None
    parts = {part: said[2 * place : 2 * place + 2] for place, part in enumerate(order)}
    if len(said) != 6 or not (said.isascii() and said.isdecimal()):
        raise Unreadable("a date is not of six digits")
    year = int(parts["y"]) + (2000 if int(parts["y"]) < _CENTURY else 1900)
    try:
        return date(year, int(parts["m"]), int(parts["d"]))
    except ValueError:
        raise Unreadable("a date is in no calendar") from None


def day_if_any(said: str, order: str = "dmy") -> date | None:
    """A day; None for what is none."""
    return if_readable(day, said, order)


def whole_number(said: str) -> int | None:
    """A count or a total in digits; None for anything else."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= _DIGITS else None


def scaled(said: str, decimals: int, currency: str) -> Amount:
    """An amount that is told in digits, without a point. Zeros beyond the currency's own are left out.

    Raises `Unreadable`.
    """
    if whole_number(said) is None:
        raise Unreadable("the amount is not of digits" if said else "there is no amount")
    spare = decimals - _exponent(currency)
    while spare > 0 and said.endswith("0"):
        said, decimals, spare = said[:-1], decimals - 1, spare - 1
    return Amount(value=Decimal(int(said or "0")).scaleb(-decimals), currency=currency)


def _exponent(currency: str) -> int:
    try:
        return exponent(currency)
    except ValueError:
        raise Unreadable("the currency is not in ISO 4217" if currency else "there is no currency") from None


def trimmed(value: Decimal, currency: str) -> Decimal:
    """The value without zeros beyond the currency's digits, and with those that it lacks of them."""
    digits = 2 if currency == NO_CURRENCY or currency in UNMINTED else _exponent(currency)
    whole = value.quantize(Decimal(1).scaleb(-digits)) if abs(value) < 10**20 else value
    return whole if whole == value else value


def account_as_told(said: str, currency: str = "", bic: str = "") -> BankAccount:
    """A bank account whose number somebody typed: an IBAN where it looks like one."""
    compact = "".join(said.split()).upper()
    is_iban = compact[:2].isalpha() and compact[2:4].isdigit() and len(compact) > _SHORT
    return BankAccount(iban=compact if is_iban else "", other="" if is_iban else said, bic=bic, currency=currency)


def negative(told: Amount) -> Amount:
    """The amount with the other sign, for a balance; nothing has none."""
    return Amount(value=-told.value, currency=told.currency) if told.value else told


@dataclass(slots=True)
class Running:
    """The statement that streams by. Its head is given away when it begins; balances and checks gather for its end."""

    head: StatementHead
    balances: list[Balance] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    controls: list[Control] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @property
    def where(self) -> str:
        """Where the next entry stands."""
        return f"{self.head.source.where}/entry[{self.sums.entries + self.sums.rejected + 1}]"

    def entry(self, fields: Mapping[str, Any], line: int, batch: BatchSum | None = None) -> Entry | Reject:
        """The next entry, counted and summed; or a located reject."""
        source = Source(where=self.where, line=line)
        try:
            entry = Entry(source=source, **fields)
        except ValidationError as error:
            return self.reject(why(error), line, fields.get("amount"))
        self.sums.add(entry, batch)
        return entry

    def reject(self, reason: str, line: int, amount: Amount | None = None) -> Reject:
        """An entry that can't be read."""
        where = self.where
        self.sums.rejected += 1
        return Reject(where=where, why=reason, line=line, amount=amount)

    def day(self, said: str, order: str, line: int, what: str) -> date | None:
        """A day of an entry. One that no calendar has is no reason to lose the entry: a check says so."""
        try:
            return day(said, order)
        except Unreadable as unreadable:
            self.note("date", f"{self.where}, line {line}: {what}: {unreadable}")
            return None

    def add_balance(self, name: str, line: int, balance: Callable[[], Balance]) -> None:
        """A balance, or a check of that name where it can't be read."""
        try:
            self.take_balance(balance(), line)
        except Unreadable as unreadable:
            self.note(name, f"line {line}: {unreadable}")

    def take_balance(self, balance: Balance, line: int | None) -> None:
        """A balance that was read in a line."""
        where = f"{self.head.source.where}/balance[{len(self.balances) + 1}]"
        self.balances.append(changed(balance, {"source": Source(where=where, line=line)}))

    def open(self) -> StatementHead:
        """The head, with the balances that were told before the entries."""
        self.head = self.head.model_copy(update={"balances": tuple(self.balances)})
        return self.head

    def note(self, name: str, detail: str) -> None:
        """Something that does not hold."""
        if len(self.checks) < _NOTED:
            self.checks.append(Check(name=name, ok=False, detail=detail))

    def held(self, name: str, otherwise: str, *, ok: bool) -> None:
        """A check with its verdict, and what is wrong where it does not hold."""
        self.checks.append(Check(name=name, ok=ok, detail="" if ok else otherwise))

    def end(self) -> StatementEnd:
        """The statement is complete."""
        return self.sums.end(self.balances, self.controls, self.checks)

    def cut(self, line: int, lacking: str) -> Reject:
        """The file ends before the statement does."""
        return Reject(where=self.head.source.where, why=f"the file ends within this statement: {lacking}", line=line)


@dataclass(slots=True)
class Strays:
    """Records outside of any statement. Those before the first are told once it is sure that this is such a file."""

    held: list[Reject] = field(default_factory=list)
    begun: bool = False

    def take(self, line: int, *, tells_money: bool) -> Iterator[Reject]:
        """A record. Lines of no known kind before the first statement are somebody's heading."""
        reject = Reject(where="file", why="a record stands outside of any statement", line=line)
        if self.begun:
            yield reject
        elif tells_money and len(self.held) < _NOTED:
            self.held.append(reject)

    def begin(self) -> Iterator[Reject]:
        """A statement begins."""
        self.begun = True
        yield from self.held
        self.held = []
