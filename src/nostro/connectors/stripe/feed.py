"""What is polled at Stripe, as pure functions of a cursor. Sources: pages "Pagination" and "Payout reconciliation".

Lists come newest first. A walk goes from the head down to `since` less an overlap; only when it has ended does `since`
move to the newest that it saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from nostro.connectors.kit.cursors import State, cursor_of, state_of, turned
from nostro.connectors.kit.manifest import Feed
from nostro.connectors.stripe.config import StripeConfig
from nostro.model.calls import FetchPage, Message

_PAGE = 100
_HOUR, _DAY = 3_600, 86_400
_REMEMBERED = 500
"""Payouts whose lines were read, kept in the cursor: more than any account makes within the overlap."""
_NEVER = 1 << 40


@dataclass(frozen=True, slots=True)
class _Listing:
    """One list endpoint, read by creation time. The overlap is how long a thing may still change unheard."""

    name: str
    overlap_seconds: int
    every_seconds: int
    expand: tuple[str, ...] = ()

    def fetch(self, cursor: str, config: StripeConfig, at: datetime) -> Message:
        state = state_of(cursor)
        first = int(at.timestamp()) - config.first_load_days * _DAY
        since = max(state["since"] - self.overlap_seconds, 0) if "since" in state else first
        wish: dict[str, Any] = {"created[gte]": since, "limit": _PAGE}
        wish |= {"expand[]": list(self.expand)} if self.expand else {}
        wish |= {"starting_after": state["after"]} if "after" in state else {}
        return Message(f"/v1/{self.name}", wish, "GET")

    def page(self, cursor: str, content: Mapping[str, Any], _: StripeConfig) -> FetchPage:
        state, things = state_of(cursor), content["data"]
        newest = max([state.get("newest", 0), state.get("since", 0), *(thing["created"] for thing in things)])
        unchanging = [{**thing, "pending_webhooks": 0} for thing in things]
        if content["has_more"] and things:
            return turned(state, {**state, "newest": newest, "after": things[-1]["id"]}, unchanging, more=True)
        return turned(state, {"since": newest} if newest else {}, unchanging, more=False)

    def feed(self) -> Feed:
        return Feed(self.name, self.fetch, self.page, self.every_seconds, _rewound)


def _rewound(cursor: str, at: datetime) -> str:
    """A walk under way, and what is remembered of earlier ones, begins anew. Payouts whose lines wait to be read still
    do: they may be older than the walk goes back.
    """
    state = state_of(cursor)
    if "since" not in state:
        return ""
    waits: State = {"queue": state["queue"], "walked": []} if state.get("queue") else {}
    return cursor_of({"since": min(state["since"], int(at.timestamp())), **waits})


_PAYOUTS = _Listing("payouts", 7 * _DAY, 900)


def _fetch_payouts(cursor: str, config: StripeConfig, at: datetime) -> Message:
    """The payouts, and then the lines of each payout in the queue."""
    state = state_of(cursor)
    if not state.get("queue"):
        return _PAYOUTS.fetch(cursor, config, at)
    wish: dict[str, Any] = {"limit": _PAGE, "expand[]": ["data.source"]}
    wish |= {"starting_after": state["line"]} if state.get("line") else {}
    return Message(f"/v1/balance_transactions?payout={state['queue'][0]}", wish, "GET")


def _page_payouts(cursor: str, content: Mapping[str, Any], config: StripeConfig) -> FetchPage:
    """A payout that Stripe has not put together yet holds `since` back, so that it is met again."""
    state = state_of(cursor)
    if state.get("queue"):
        return _page_lines(state, content)
    page, walked = _PAYOUTS.page(cursor, content, config), state.get("walked", [])
    complete = [payout["id"] for payout in content["data"] if _lines_are(payout, "completed")]
    fresh = [*state.get("fresh", ()), *(ident for ident in complete if ident not in walked)]
    waiting = [payout["created"] for payout in content["data"] if _lines_are(payout, "in_progress")]
    oldest = min([*waiting, state.get("oldest", _NEVER)])
    then = {**state_of(page.cursor), "walked": walked}
    if page.more:
        return replace(page, cursor=cursor_of({**then, "fresh": fresh, "oldest": oldest}))
    held = {"since": oldest} if oldest < _NEVER else {}
    return replace(page, cursor=cursor_of({**then, **held, "queue": fresh}), more=bool(fresh))


def _page_lines(state: State, content: Mapping[str, Any]) -> FetchPage:
    lines = content["data"]
    if content["has_more"] and lines:
        return FetchPage(cursor_of({**state, "line": lines[-1]["id"]}), more=True, empty=False)
    done, *queue = state["queue"]
    rest = {name: value for name, value in state.items() if name != "line"}
    walked = [*state["walked"], done][-_REMEMBERED:]
    return FetchPage(cursor_of({**rest, "queue": queue, "walked": walked}), more=bool(queue), empty=not lines)


def _lines_are(payout: Mapping[str, Any], status: str) -> bool:
    """Stripe knows what is in an automatic payout once it has reconciled it; of a manual one it never does."""
    return bool(payout.get("reconciliation_status") == status)


FEEDS: Mapping[str, Feed] = {
    "events": _Listing("events", 300, 60).feed(),
    "charges": _Listing("charges", _HOUR, 900, ("data.balance_transaction",)).feed(),
    "refunds": _Listing("refunds", 30 * _DAY, 6 * _HOUR).feed(),
    "disputes": _Listing("disputes", 120 * _DAY, 6 * _HOUR).feed(),
    "payouts": Feed("payouts", _fetch_payouts, _page_payouts, _PAYOUTS.every_seconds, _rewound),
}
"""`events` finds lost webhooks; the others find what events don't show any more, and the lines of payouts."""
