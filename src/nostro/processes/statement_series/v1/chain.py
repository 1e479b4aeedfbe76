"""The chain of the first two versions: pages fold into their statement as they come. See also `model/series.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Literal, NamedTuple

from nostro.model.base import Value
from nostro.model.money import Amount


class Link(Value):
    """One statement with all its pages. `news`: how it was told again, if it was."""

    statement_id: str
    sequence: int | None = None
    day: date | None = None
    opening: Amount | None = None
    closing: Amount | None = None
    digests: tuple[str, ...]
    pages: tuple[int, ...] = (1,)
    last_page: int | None = None
    flaws: tuple[str, ...] = ()
    news: Literal["", "doubled", "restated"] = ""

    @property
    def title(self) -> str:
        """For people."""
        return f"statement {self.sequence}" if self.sequence is not None else f"statement {self.statement_id}"

    @property
    def missing_pages(self) -> tuple[int, ...]:
        """Pages before the last one that is known which were not told."""
        return tuple(page for page in range(1, max(self.pages) + 1) if page not in self.pages)


class Break(NamedTuple):
    """Where a series is broken: a reason of the statement series' cases, a sentence, and the statement in question."""

    reason: str
    sentence: str
    link: Link


def joined(links: Sequence[Link], new: Link) -> list[Link]:
    """The chain with a statement (or one page of it) more, oldest first."""
    known = next((link for link in links if _same(link, new)), None)
    link = new if known is None else _told_again(known, new)
    return sorted((*(one for one in links if one is not known), link), key=order)


def breaks(links: Sequence[Link]) -> Iterator[Break]:
    """Missing pages and statements, and balances that don't follow. A statement without entries is a link as any."""
    for link in links:
        if link.missing_pages:
            pages = ", ".join(str(page) for page in link.missing_pages)
            yield Break("statement_missing", f"Of {link.title} of {link.day} page {pages} is missing.", link)
    for before, after in pairwise(links):
        gap = _gap(before, after)
        if gap:
            sentence = f"Between {before.title} and {after.title}, {gap} are missing."
            yield Break("statement_missing", sentence, after)
        elif before.closing and after.opening and before.closing.value != after.opening.value:
            sentence = (
                f"{before.title} of {before.day} closes with {before.closing.value}, "
                f"{after.title} of {after.day} opens with {after.opening.value} {after.opening.currency}."
            )
            yield Break("balance_chain_broken", sentence, after)


def repetitions(link: Link) -> Iterator[Break]:
    """That it was told again."""
    if link.news == "doubled":
        sentence = f"The bank sent {link.title} of {link.day} twice. Nothing counts twice."
        yield Break("statement_doubled", sentence, link)
    if link.news == "restated":
        sentence = f"The bank sent {link.title} of {link.day} again with another content. The newest counts."
        yield Break("statement_restated", sentence, link)


def order(link: Link) -> tuple[date, int, str]:
    """Where it stands in the chain."""
    return link.day or date.min, link.sequence or 0, link.statement_id


def _same(link: Link, new: Link) -> bool:
    """The same statement: by its number within its year, since numbers begin anew, else by its id."""
    if link.sequence is not None and new.sequence is not None:
        same_year = link.day is None or new.day is None or link.day.year == new.day.year
        return link.sequence == new.sequence and same_year
    return link.statement_id == new.statement_id


def _told_again(link: Link, new: Link) -> Link:
    """Another page of it, the same once more, or with another content: then the newest counts."""
    if new.pages[0] not in link.pages:
        return link.model_copy(
            update={
                "pages": tuple(sorted((*link.pages, *new.pages))),
                "last_page": new.last_page or link.last_page,
                "opening": link.opening or new.opening,
                "closing": new.closing or link.closing,
                "digests": (*link.digests, *new.digests),
                "flaws": (*link.flaws, *new.flaws),
            }
        )
    if new.digests[0] in link.digests:
        return link.model_copy(update={"news": link.news or "doubled"})
    return new.model_copy(update={"news": "restated", "digests": (*link.digests, *new.digests)})


def _gap(before: Link, after: Link) -> int:
    """How many numbers are missing. A smaller number begins anew, as at the turn of a year."""
    if before.sequence is None or after.sequence is None:
        return 0
    return max(0, after.sequence - before.sequence - 1)
