"""The statements of one bank account that were told lately, as links of a chain."""

from __future__ import annotations

from datetime import date

from nostro.model.facts import Fact, StatementReceived
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but
from nostro.processes.statement_series.v1.chain import Link, joined

LINKS_KEPT = 60
"""About three months of business days; what is older was proven or shown long ago."""


class SeriesState(State):
    """The chain, oldest first. `seen_on`: the first day of which any document of the bank account told."""

    account: str = ""
    seen_on: date | None = None
    links: tuple[Link, ...] = ()

    @property
    def last(self) -> Link | None:
        """The newest statement."""
        return self.links[-1] if self.links else None


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact."""
    assert isinstance(data, SeriesState)
    body = fact.body
    if not isinstance(body, StatementReceived):
        return data
    day = day_of(body) or fact.received_at.date()
    data = but(data, account=body.account, seen_on=min(data.seen_on or day, day))
    if body.kind != "statement":
        return data
    links = joined(data.links, _link(body))
    kept = links[-LINKS_KEPT:]
    since = data.seen_on if len(kept) == len(links) else kept[0].day  # what is forgotten is not missing
    return but(data, links=tuple(kept), seen_on=since)


def _link(body: StatementReceived) -> Link:
    return Link(
        statement_id=plain_id(body),
        sequence=body.sequence,
        day=day_of(body),
        opening=body.opening,
        closing=body.closing,
        digests=(body.content_digest,),
        pages=(body.page,),
        last_page=body.page if body.last_page else None,
        flaws=flaws_of(body),
    )


def plain_id(body: StatementReceived) -> str:
    """The bank's id, without the page."""
    return body.statement_id.rpartition("#")[0] if body.page > 1 else body.statement_id


def day_of(body: StatementReceived) -> date | None:
    """The day that a statement, or a page of it, is of."""
    return body.to_date or body.from_date or (date.fromisoformat(body.created_at[:10]) if body.created_at else None)


def flaws_of(body: StatementReceived) -> tuple[str, ...]:
    """What it says wrongly of itself, the first few."""
    return tuple(f"{check.name}: {check.detail}" for check in body.checks[:_FLAWS])


_FLAWS = 3
