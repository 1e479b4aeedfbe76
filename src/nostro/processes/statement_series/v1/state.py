"""The statements of one bank account that were told lately, as links of a chain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

from nostro.model.base import Value
from nostro.model.facts import Fact, StatementReceived
from nostro.model.money import Amount
from nostro.processes.kit.decision import State

LINKS_KEPT = 60
"""About three months of business days; what is older was proven or shown long ago."""


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


class SeriesState(State):
    """The chain, oldest first. `seen_on`: the first day of which any document of the bank account told."""

    account: str = ""
    seen_on: date | None = None
    links: tuple[Link, ...] = ()

    @property
    def last(self) -> Link | None:
        """The newest statement."""
        return self.links[-1] if self.links else None

    def pairs(self) -> Iterator[tuple[Link, Link]]:
        """Each statement with the one after it."""
        yield from zip(self.links, self.links[1:], strict=False)


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact."""
    assert isinstance(data, SeriesState)
    body = fact.body
    if not isinstance(body, StatementReceived):
        return data
    day = _day(body) or fact.received_at.date()
    data = data.model_copy(update={"account": body.account, "seen_on": min(data.seen_on or day, day)})
    if body.kind != "statement":
        return data
    known = next((link for link in data.links if _same(link, body)), None)
    link = _link(body) if known is None else _told_again(known, body)
    links = sorted((*(one for one in data.links if one is not known), link), key=_order)
    kept = links[-LINKS_KEPT:]
    since = data.seen_on if len(kept) == len(links) else kept[0].day  # what is forgotten is not missing
    return data.model_copy(update={"links": tuple(kept), "seen_on": since})


def _order(link: Link) -> tuple[date, int, str]:
    return link.day or date.min, link.sequence or 0, link.statement_id


def _same(link: Link, body: StatementReceived) -> bool:
    """The same statement: by its number within its year, since numbers begin anew, else by its id."""
    day = _day(body)
    if link.sequence is not None and body.sequence is not None:
        same_year = link.day is None or day is None or link.day.year == day.year
        return link.sequence == body.sequence and same_year
    return link.statement_id == _plain_id(body)


def _link(body: StatementReceived) -> Link:
    return Link(
        statement_id=_plain_id(body),
        sequence=body.sequence,
        day=_day(body),
        opening=body.opening,
        closing=body.closing,
        digests=(body.content_digest,),
        pages=(body.page,),
        last_page=body.page if body.last_page else None,
        flaws=_flaws(body),
    )


def _told_again(link: Link, body: StatementReceived) -> Link:
    """Another page of it, the same once more, or with another content: then the newest counts."""
    if body.page not in link.pages:
        return link.model_copy(
            update={
                "pages": tuple(sorted((*link.pages, body.page))),
                "last_page": body.page if body.last_page else link.last_page,
                "opening": link.opening or body.opening,
                "closing": body.closing or link.closing,
                "digests": (*link.digests, body.content_digest),
                "flaws": (*link.flaws, *_flaws(body)),
            }
        )
    if body.content_digest in link.digests:
        return link.model_copy(update={"news": link.news or "doubled"})
    return _link(body).model_copy(update={"news": "restated", "digests": (*link.digests, body.content_digest)})


def _plain_id(body: StatementReceived) -> str:
    return body.statement_id.rpartition("#")[0] if body.page > 1 else body.statement_id


def _day(body: StatementReceived) -> date | None:
    return body.to_date or body.from_date or (date.fromisoformat(body.created_at[:10]) if body.created_at else None)


def _flaws(body: StatementReceived) -> tuple[str, ...]:
    return tuple(f"{check.name}: {check.detail}" for check in body.checks[:_FLAWS])


_FLAWS = 3
