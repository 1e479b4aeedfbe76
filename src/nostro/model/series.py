"""The statements of one bank account as links of a chain: none missing, none doubled, each opening as one closed.

A link is a statement with its pages, and the pages of a statement are a chain of their own. Everything is known by the
statement's number and day (its id where it has no number), and by the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple

from nostro.model.base import Value, changed
from nostro.model.money import Amount

News = Literal["doubled", "restated"]
TELLINGS_KEPT = 20
"""Other contents that a page was told with, the newest ones: what comes again of those before counts as restated."""
_NEXT = 2
_SPAN = timedelta(days=31)
"""How far the days of a statement's pages can lie apart: a page is of the day that its last entry is of."""


class Page(Value):
    """One page of a statement, mostly the only one. Balances are signed, and its own: between pages the interim ones.

    `told_at`: when the bank made it, or else when it came. `others`: other contents that the same page was told with.
    `went_on`: some telling of it said that another page follows.
    """

    statement_id: str
    sequence: int | None = None
    day: date | None = None
    number: int = 1
    last: bool = True
    opening: Amount | None = None
    closing: Amount | None = None
    told_at: datetime | None = None
    digest: str
    others: tuple[str, ...] = ()
    went_on: bool = False
    flaws: tuple[str, ...] = ()


class Link(Value):
    """One statement: its pages by number, each as it was told last. `news`: what was told again of it.

    `behind`: pages of an older telling, which had more of them.
    """

    pages: tuple[Page, ...]
    behind: tuple[Page, ...] = ()
    news: tuple[News, ...] = ()

    @property
    def day(self) -> date | None:
        """The day of its last page that tells one."""
        return next((page.day for page in reversed(self.pages) if page.day), None)

    @property
    def since(self) -> date | None:
        """The day of its first page that tells one."""
        return next((page.day for page in self.pages if page.day), None)

    @property
    def sequence(self) -> int | None:
        """Its number."""
        return self.pages[0].sequence

    @property
    def title(self) -> str:
        """For people."""
        named = self.pages[0]
        return f"statement {named.sequence if named.sequence is not None else named.statement_id}"

    @property
    def opening(self) -> Amount | None:
        """The first page's opening balance."""
        first = self.pages[0]
        return first.opening if first.number == 1 else None

    @property
    def closing(self) -> Amount | None:
        """The last page's closing balance."""
        last = self.pages[-1]
        return last.closing if last.last else None

    @property
    def ended(self) -> bool:
        """Whether its last page is there."""
        return self.pages[-1].last

    @property
    def flaws(self) -> tuple[str, ...]:
        """What its pages say wrongly of themselves."""
        return tuple(flaw for page in self.pages for flaw in page.flaws)

    def page(self, number: int) -> Page | None:
        """One of its pages, an older telling's included."""
        return next((page for page in (*self.pages, *self.behind) if page.number == number), None)


class Break(NamedTuple):
    """Where a series is broken: a reason of the statement series' cases, a sentence, and the page in question."""

    reason: str
    sentence: str
    page: Page


def joined(links: Sequence[Link], new: Page) -> list[Link]:
    """The chain with a page of a statement more, oldest first; in whatever order they come, it becomes the same."""
    known = min((link for link in links if _same(link, new)), key=lambda link: _apart(link.day, new.day), default=None)
    link = Link(pages=(new,)) if known is None else _told_again(known, new)
    return sorted((*(one for one in links if one is not known), link), key=order)


def breaks(links: Sequence[Link], *, more: bool = False) -> Iterator[Break]:
    """Missing pages and statements, and balances that don't follow. A statement without entries is a link as any.

    `more`: the newest statement's last pages are still to come.
    """
    for link in links:
        if missing := ", ".join(_missing(link, more=more and link is links[-1])):
            yield Break(
                "statement_missing", f"Of {link.title} of {link.day} page {missing} is missing.", link.pages[-1]
            )
        yield from _between_pages(link)
    for before, after in pairwise(links):
        gap = _gap(before, after)
        if gap:
            sentence = f"Between {before.title} and {after.title}, {gap} are missing."
            yield Break("statement_missing", sentence, after.pages[0])
        elif before.closing and after.opening and before.closing.value != after.opening.value:
            sentence = (
                f"{before.title} of {before.day} closes with {before.closing.value}, "
                f"{after.title} of {after.day} opens with {after.opening.value} {after.opening.currency}."
            )
            yield Break("balance_chain_broken", sentence, after.pages[0])


def repetitions(link: Link) -> Iterator[Break]:
    """That it was told again."""
    page = max(link.pages, key=lambda page: (bool(page.others), page.number))
    if "doubled" in link.news:
        sentence = f"The bank sent {link.title} of {link.day} twice. Nothing counts twice."
        yield Break("statement_doubled", sentence, page)
    if "restated" in link.news:
        sentence = f"The bank sent {link.title} of {link.day} again with another content. The newest counts."
        yield Break("statement_restated", sentence, page)


def order(link: Link) -> tuple[date, int, str]:
    """Where it stands in the chain."""
    return link.day or date.min, link.sequence or 0, link.pages[0].statement_id


def _same(link: Link, new: Page) -> bool:
    """The same statement: by number, else by id. Both are given again (each year, each month, each day): so by day."""
    known = link.page(new.number)
    if known is not None and known.digest == new.digest and new.opening and new.closing:
        return True
    one = known or link.pages[0]
    named = one.sequence == new.sequence and (new.sequence is not None or one.statement_id == new.statement_id)
    return named and _apart(one.day, new.day) <= (_SPAN if known is None else timedelta())


def _apart(one: date | None, other: date | None) -> timedelta:
    return abs(one - other) if one and other else timedelta()


def _told_again(link: Link, new: Page) -> Link:
    """Another page of it, the same once more, or with another content: then what the bank made last counts."""
    known = link.page(new.number)
    if known is None:
        return _with(link, new)
    again = new.digest in (known.digest, *known.others)
    newer = _newer(known, new, again=again)
    counts = new if newer else known
    told = dict.fromkeys((known.digest, new.digest, *known.others))
    others = tuple(digest for digest in told if digest != counts.digest)[:TELLINGS_KEPT]
    page = changed(counts, {"others": others, "went_on": known.went_on or new.went_on})
    news: set[News] = {*link.news, "doubled" if again else "restated"}
    if counts.digest != known.digest:
        news.add("restated")
    return changed(_with(link, page), {"news": tuple(sorted(news))})


def _newer(known: Page, new: Page, *, again: bool) -> bool:
    """Whether the new telling was made later. Of two that were made at once the one that came last counts."""
    if known.told_at is None or new.told_at is None or known.told_at == new.told_at:
        return not again
    return new.told_at > known.told_at


def _with(link: Link, new: Page) -> Link:
    """What was told anew with fewer pages ends at its last one: those behind it are of the older telling."""
    others = (page for page in (*link.pages, *link.behind) if page.number != new.number)
    pages = sorted((*others, new), key=lambda page: page.number)
    ends = [page for page in pages if page.last and page.went_on]
    end = max(ends, key=_made, default=None)
    behind = [page for page in pages if end and page.number > end.number and _made(page) <= _made(end)]
    return changed(link, {"pages": tuple(page for page in pages if page not in behind), "behind": tuple(behind)})


def _made(page: Page) -> float:
    return page.told_at.timestamp() if page.told_at else 0


def _missing(link: Link, *, more: bool) -> Iterator[str]:
    """Behind a last page none is missing: some banks number statements as others do pages, the days of a month, say."""
    known, ended = 0, False
    for page in link.pages:
        if page.number - known > 1 and not ended:
            yield f"{known + 1} to {page.number - 1}" if page.number - known > _NEXT else str(known + 1)
        known, ended = page.number, page.last
    if not ended and not more:
        yield str(known + 1)


def _between_pages(link: Link) -> Iterator[Break]:
    """Pages that don't follow on each other. Some banks say the statement's own two balances on each page of it."""
    for before, after in pairwise(link.pages):
        alike = (before.opening, before.closing) == (after.opening, after.closing)
        apart = after.number != before.number + 1 and not before.last
        if apart or alike or not before.closing or not after.opening:
            continue
        if before.closing.value != after.opening.value:
            sentence = (
                f"Page {before.number} of {link.title} of {link.day} ends with {before.closing.value}, "
                f"page {after.number} begins with {after.opening.value} {after.opening.currency}."
            )
            yield Break("balance_chain_broken", sentence, after)


def _gap(before: Link, after: Link) -> int:
    """How many numbers are missing. A smaller number begins anew, as at the turn of a year."""
    if before.sequence is None or after.sequence is None:
        return 0
    return max(0, after.sequence - before.sequence - 1)
