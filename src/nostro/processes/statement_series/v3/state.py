"""The statements of one bank account that were told lately, page by page; or what one statement lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import accumulate

from nostro.model.base import changed
from nostro.model.facts import Fact, StatementListed, StatementReceived
from nostro.model.series import Link, Page, joined
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but
from nostro.processes.statement_series.v1.state import LINKS_KEPT, day_of, flaws_of, plain_id
from nostro.processes.statement_series.v2.state import Lines, listed

PAGES_KEPT = 300
"""Of bank accounts whose statements have very many pages fewer statements are kept, but always the newest two."""
_NEWEST = 2


class SeriesStateV3(Lines):
    """The chain, oldest first. `seen_on`: the first day of which any document of the bank account told."""

    seen_on: date | None = None
    links: tuple[Link, ...] = ()

    @property
    def last(self) -> Link | None:
        """The newest statement whose last page is there: a part of one is not what is awaited."""
        return next((link for link in reversed(self.links) if link.ended), None)


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact."""
    assert isinstance(data, SeriesStateV3)
    body = fact.body
    if isinstance(body, StatementListed):
        return listed(data, body)
    if not isinstance(body, StatementReceived):
        return data
    day = day_of(body) or fact.received_at.date()
    data = but(data, account=body.account, seen_on=min(data.seen_on or day, day))
    if body.kind != "statement":
        return data
    links = _quiet(data.links, joined(data.links, _page(body, fact)))
    kept = links[-_count(links) :]
    since = data.seen_on if len(kept) == len(links) else kept[0].day  # what is forgotten is not missing
    return but(data, links=tuple(kept), seen_on=since)


def _page(body: StatementReceived, fact: Fact) -> Page:
    return Page(
        statement_id=plain_id(body),
        sequence=body.sequence,
        day=day_of(body),
        number=body.page,
        last=body.last_page,
        opening=body.opening or body.interim_opening,
        closing=body.closing or body.interim_closing,
        told_at=fact.occurred_at,
        digest=body.content_digest,
        went_on=not body.last_page,
        flaws=flaws_of(body),
    )


def _quiet(before: Sequence[Link], links: list[Link]) -> list[Link]:
    """Once the next statement follows, what was told again before is no news any more."""
    followed = before and len(links) > len(before) and links[-1] is not before[-1]
    return [*(changed(link, {"news": ()}) for link in links[:-1]), links[-1]] if followed else links


def _count(links: Sequence[Link]) -> int:
    """How many of them are kept, counted from the newest."""
    pages = accumulate(len(link.pages) + len(link.behind) for link in reversed(links))
    return min(LINKS_KEPT, max(_NEWEST, sum(count <= PAGES_KEPT for count in pages)))
