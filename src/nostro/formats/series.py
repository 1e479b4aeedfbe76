"""Statements of several files held against each other: missing, doubled, restated, late, and breaks of the balances."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from nostro.formats.checks import page_balances, page_of
from nostro.formats.identity import EntryIds
from nostro.formats.reading import Item
from nostro.model.base import Value
from nostro.model.canonical import digest
from nostro.model.series import Break, Link, Page, breaks, joined, order, repetitions
from nostro.model.statements import Entry, Source, StatementEnd, StatementHead

_WARNINGS = frozenset({"statement_doubled", "statement_restated", "statement_late", "statement_of_no_day"})
_REMEDIES = {
    "statement_missing": "Have the bank send it again, and validate it with the others.",
    "statement_doubled": "Keep one of them.",
    "statement_restated": "Hold both against the bank's portal; book the newest.",
    "statement_late": "Whatever was built on the later one alone is to be looked at again.",
    "statement_of_no_day": "Ask the bank whether it sends empty statements; if so, have these sent again.",
    "balance_chain_broken": "Have the bank send what lies between them, or the one that is wrong.",
}
_FRIDAY = 4
_TWICE = re.compile(r"( of \d{4}-\d\d-\d\d)\1")
"""The day of a statement whose name is its day."""


class Flaw(Value):
    """Something that is wrong: where (`file`, then a line or XPath), by which rule, and what to do about it.

    `severity` is `error` where a receiver may refuse the file, else `warning`.
    """

    file: str
    where: str
    line: int | None = None
    rule: str
    sentence: str
    remedy: str = ""
    severity: str = "error"


class _Place(NamedTuple):
    """Where a statement or a page of it stands, when the bank made it, and its first day."""

    file: str
    source: Source
    created_at: datetime | None
    first_day: date | None


@dataclass(slots=True)
class Chain:
    """The statements of one bank account by what they are called: nearly all are called otherwise than the others."""

    called: dict[int | str, list[Link]] = field(default_factory=dict)
    names: dict[str, int | str] = field(default_factory=dict)

    def add(self, page: Page) -> None:
        """One more, or one of them again, maybe by another name."""
        name = page.statement_id if page.sequence is None else page.sequence
        if page.opening and page.closing:
            name = self.names.setdefault(page.digest, name)
        self.called[name] = joined(self.called.get(name, ()), page)

    @property
    def links(self) -> list[Link]:
        """Oldest first."""
        return sorted((link for links in self.called.values() for link in links), key=order)


@dataclass(slots=True)
class Series:
    """The statements that were read, by bank account and currency. A report or notification is no link."""

    chains: dict[tuple[str, str], Chain] = field(default_factory=dict)
    places: dict[str, _Place] = field(default_factory=dict)
    head: StatementHead | None = None
    ids: EntryIds | None = None
    content: bytes = b""

    def hear(self, item: Item, file: str) -> None:
        """An item more of a file."""
        match item:
            case StatementHead():
                self.head = item if item.kind == "statement" else None
                self.ids, self.content = EntryIds.of_statement(item), b""
            case Entry() if self.head is not None and self.ids is not None:
                self.content = hashlib.sha256(self.content + self.ids.next(item).encode()).digest()
            case StatementEnd() if self.head is not None:
                self._take(self.head, item, file)
                self.head = None
            case _:
                pass

    def flaws(self) -> Iterator[Flaw]:
        """What is wrong between the statements of each bank account, oldest first."""
        for links in (chain.links for chain in self.chains.values()):
            yield from map(self._flaw, breaks(links))
            for link in links:
                yield from map(self._flaw, repetitions(link))
            for before, after in pairwise(links):
                yield from map(self._flaw, self._between(before, after))

    def _take(self, head: StatementHead, end: StatementEnd, file: str) -> None:
        head = head.completed(end)
        opening, closing = page_balances(head.balances)
        day = head.to_date or (closing.on if closing else None) or head.from_date or head.created_on
        sequence = head.sequence or head.legal_sequence or None  # 0 stands for none
        number, last = page_of(head, end)
        key = (head.bank_account.identification, head.currency or head.bank_account.currency)
        balances = [balance and balance.content for balance in (opening, closing)]
        told = digest([*key, sequence, day, *balances, number, self.content]).hex()[:32]
        created = head.created_at
        page = Page(
            statement_id=_name(head, day) or file,
            sequence=sequence,
            day=day,
            number=number,
            last=last,
            opening=opening.amount if opening else None,
            closing=closing.amount if closing else None,
            told_at=created if created is None or created.tzinfo else created.replace(tzinfo=UTC),
            digest=told,
            went_on=not last,
        )
        self.places[told] = _Place(file, head.source, created, head.from_date)
        self.chains.setdefault(key, Chain()).add(page)

    def _between(self, before: Link, after: Link) -> Iterator[Break]:
        """What numbers and balances don't tell: days without any statement, and one that was made after the next."""
        one, other = self.places[before.pages[-1].digest], self.places[after.pages[0].digest]
        made, then = (place.created_at.replace(tzinfo=None) if place.created_at else None for place in (one, other))
        if made and then and made.date() > then.date():
            sentence = f"{before.title} of {before.day} was made on {made.date()}, after {after.title} of {after.day}."
            yield Break("statement_late", sentence, before.pages[-1])
        if before.sequence is None or after.sequence is None:
            days = list(_weekdays(before.day, other.first_day))
            if days:
                sentence = f"There is no statement of {days[0]} to {days[-1]}, not even one without entries."
                yield Break("statement_of_no_day", sentence, after.pages[0])

    def _flaw(self, found: Break) -> Flaw:
        place = self.places[found.page.digest]
        return Flaw(
            file=place.file,
            where=place.source.where,
            line=place.source.line,
            rule=found.reason,
            sentence=_TWICE.sub(r"\1", f"{found.sentence[:1].upper()}{found.sentence[1:]}"),
            remedy=_REMEDIES[found.reason],
            severity="warning" if found.reason in _WARNINGS else "error",
        )


def _name(head: StatementHead, day: date | None) -> str:
    """Its id, with its day where it has no number: some banks call all their statements alike."""
    unnumbered = not (head.sequence or head.legal_sequence)
    return f"{head.statement_id} of {day}" if unnumbered and day else head.statement_id


def _weekdays(after: date | None, before: date | None) -> Iterator[date]:
    """The days between, Saturdays and Sundays left out: banks book nothing then."""
    day = after + timedelta(days=1) if after and before else None
    while day is not None and before is not None and day < before:
        if day.weekday() <= _FRIDAY:
            yield day
        day += timedelta(days=1)
