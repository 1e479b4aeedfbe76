"""Statements of several files held against each other: missing, doubled, restated, late, and breaks of the balances."""

from __future__ import annotations

import hashlib
import re
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from nostro.formats.checks import page_balances
from nostro.formats.identity import EntryIds
from nostro.formats.reading import Item
from nostro.model.base import Value
from nostro.model.canonical import digest
from nostro.model.money import Amount
from nostro.model.series import Break, Link, breaks, joined, order, repetitions
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
    """Where a statement or a page of it stands, when the bank made it, its first day, and its two balances."""

    file: str
    source: Source
    created_at: datetime | None
    first_day: date | None
    page: int
    opening: Amount | None
    closing: Amount | None


@dataclass(slots=True)
class Chain:
    """The statements of one bank account, and what they are called: nearly all are another one than those before."""

    links: list[Link] = field(default_factory=list)
    called: set[int | str] = field(default_factory=set)
    unnumbered: set[str] = field(default_factory=set)

    def add(self, link: Link) -> None:
        """One more, or one of them again."""
        name = link.statement_id if link.sequence is None else link.sequence
        if name in self.called or link.statement_id in self.unnumbered:
            self.links = joined(self.links, link)
        else:
            insort(self.links, link, key=order)
        self.called |= {name, link.statement_id}
        if link.sequence is None:
            self.unnumbered.add(link.statement_id)


@dataclass(slots=True)
class Series:
    """The statements that were read, by bank account and currency. A report or notification is no link."""

    chains: dict[tuple[str, str], Chain] = field(default_factory=dict)
    places: dict[str, _Place] = field(default_factory=dict)
    doubled: set[str] = field(default_factory=set)
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
        for links in ([self._in_order(link) for link in chain.links] for chain in self.chains.values()):
            yield from map(self._flaw, breaks(links))
            for link in links:
                yield from self._pages(link)
                yield from map(self._flaw, repetitions(link))
                if link.news != "doubled" and self.doubled.intersection(link.digests):
                    yield from map(self._flaw, repetitions(link.model_copy(update={"news": "doubled"})))
            for before, after in pairwise(links):
                yield from map(self._flaw, self._between(before, after))

    def _take(self, head: StatementHead, end: StatementEnd, file: str) -> None:
        head = head.completed(end)
        opening, closing = page_balances(head.balances)
        day = head.to_date or (closing.on if closing else None) or head.from_date or head.created_on
        sequence = head.sequence or head.legal_sequence or None  # 0 stands for none
        page = head.page or 1
        key = (head.bank_account.identification, head.currency or head.bank_account.currency)
        balances = [balance and balance.content for balance in (opening, closing)]
        told = digest([*key, sequence, day, *balances, page, self.content]).hex()[:32]
        if told in self.places:
            self.doubled.add(told)
        link = Link(
            statement_id=_name(head, day) or file,
            sequence=sequence,
            day=day,
            opening=opening.amount if opening else None,
            closing=closing.amount if closing else None,
            digests=(told,),
            pages=(page,),
            last_page=page if head.last_page is not False else None,
        )
        self.places[told] = _Place(file, head.source, head.created_at, head.from_date, page, link.opening, link.closing)
        self.chains.setdefault(key, Chain()).add(link)

    def _told(self, link: Link) -> list[_Place]:
        """Its pages in their order; of one that was told again the newest."""
        pages = {place.page: place for place in (self.places[told] for told in link.digests)}
        return [pages[page] for page in sorted(pages)]

    def _in_order(self, link: Link) -> Link:
        """With all its pages, the first one's opening and the last one's closing, in whatever order they came."""
        pages = self._told(link)
        return link.model_copy(
            update={
                "pages": tuple(place.page for place in pages),
                "opening": pages[0].opening,
                "closing": pages[-1].closing,
            }
        )

    def _pages(self, link: Link) -> Iterator[Flaw]:
        """Pages that don't follow on each other, as far as none between them is missing."""
        for before, after in pairwise(self._told(link)):
            if before.closing and after.opening and after.page == before.page + 1 and before.closing != after.opening:
                sentence = (
                    f"Page {before.page} of {link.title} of {link.day} ends with {before.closing.value}, "
                    f"page {after.page} begins with {after.opening.value} {after.opening.currency}."
                )
                yield self._at(after, Break("balance_chain_broken", sentence, link))

    def _between(self, before: Link, after: Link) -> Iterator[Break]:
        """What numbers and balances don't tell: days without any statement, and one that was made after the next."""
        one, other = self.places[before.digests[-1]], self.places[after.digests[-1]]
        made, then = (place.created_at.replace(tzinfo=None) if place.created_at else None for place in (one, other))
        if made and then and made.date() > then.date():
            sentence = f"{before.title} of {before.day} was made on {made.date()}, after {after.title} of {after.day}."
            yield Break("statement_late", sentence, before)
        if before.sequence is None or after.sequence is None:
            days = list(_weekdays(before.day, other.first_day))
            if days:
                sentence = f"There is no statement of {days[0]} to {days[-1]}, not even one without entries."
                yield Break("statement_of_no_day", sentence, after)

    def _flaw(self, found: Break) -> Flaw:
        return self._at(self.places[found.link.digests[-1]], found)

    @staticmethod
    def _at(place: _Place, found: Break) -> Flaw:
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
