"""Changes at Odoo by `write_date`, as a cursor that misses nothing.

`write_date` is the start of the writing database transaction, kept in microseconds and told in seconds, and a slow
transaction shows its rows late. So a walk begins an overlap before the newest second that was seen, compares with `>=`
only (`>` means different things on 18 and 19), and goes on from the last second of a page, re-reading it; where one
second holds more than a page (400 invoices of one import), that second is walked by id.

Deletes leave no tombstone. So the feed keeps the ids of what it told as open, and asks every so often which are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from nostro.connectors.kit.cursors import State, state_of, turned
from nostro.connectors.kit.manifest import Feed
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.wire import Row, in_company, ref, search
from nostro.model.calls import FetchPage, Message
from nostro.model.canonical import canonical

_FORMAT = "%Y-%m-%d %H:%M:%S"
_BEGINNING = "1970-01-01 00:00:00"
_WALKS_PER_SWEEP = 15
HELD_AT_MOST = 10_000
"""Open items of each company that are swept, the newest ones: of the rest a posting meets "not found"."""

INVOICE = """name state move_type partner_id company_id currency_id amount_total amount_residual invoice_date
invoice_date_due payment_reference payment_state reversed_entry_id write_date"""
PAYMENT = """name memo state amount currency_id date journal_id company_id reconciled_invoice_ids
amount_company_currency_signed write_date"""


@dataclass(frozen=True, slots=True)
class _Changes:
    """The changes of one model.

    Cursor: `from` (the walk's second), `after` (id within it), `seen` (newest). Where it `sweeps` also `held` (open
    items by company), `walks` (since the last sweep) and `swept` (how far this one is; not there while it walks).
    """

    name: str
    model: str
    domain: tuple[tuple[str, str, Any], ...]
    fields: str
    every_seconds: int
    sweeps: bool = False

    def fetch(self, cursor: str, config: OdooConfig, _: datetime) -> Message:
        state = state_of(cursor)
        if "swept" in state:
            return _sweep(state, config)
        start = state.get("from") or _moved(state.get("seen", _BEGINNING), -config.overlap_seconds)
        domain: list[Any] = [*map(list, self.domain), ["write_date", ">=", start]]
        if "after" not in state:
            return self._asked(domain, "write_date, id", config)
        domain += [["write_date", "<", _moved(start, 1)], ["id", ">", state["after"]]]
        return self._asked(domain, "id", config)

    def _asked(self, domain: list[Any], order: str, config: OdooConfig) -> Message:
        return search(self.model, domain, self.fields, order=order, limit=config.page_size)

    def page(self, cursor: str, rows: list[Row], config: OdooConfig) -> FetchPage:
        state = state_of(cursor)
        if "swept" in state:
            return _swept(state, rows, config)
        kept: State = {name: state[name] for name in ("seen", "walks") if name in state}
        kept |= {"held": _held(state.get("held", {}), rows)} if self.sweeps else {}
        if len(rows) >= config.page_size:
            last = rows[-1]["write_date"]
            if "after" in state:
                then = {"from": state["from"], "after": rows[-1]["id"]}
            else:
                then = {"from": last, "after": 0} if last == rows[0]["write_date"] else {"from": last}
            return turned(state, kept | then, rows, more=True)
        if "after" in state:
            return turned(state, kept | {"from": _moved(state["from"], 1)}, rows, more=True)
        newest = max([state.get("from", ""), state.get("seen", ""), *(row["write_date"] for row in rows)])
        return self._walked(turned(state, kept | {"seen": newest} if newest else {}, rows, more=False))

    def _walked(self, page: FetchPage) -> FetchPage:
        """A walk has ended; every so often the open items are swept before the next one."""
        state = state_of(page.cursor)
        if not state.get("held"):
            return page
        walks = state.get("walks", 0) + 1
        if walks < _WALKS_PER_SWEEP:
            return replace(page, cursor=_text({**state, "walks": walks}))
        return replace(page, cursor=_text({**state, "walks": 0, "swept": []}), more=True)

    def feed(self) -> Feed:
        return Feed(self.name, self.fetch, self.page, self.every_seconds, _rewound)


def _rewound(cursor: str, at: datetime) -> str:
    """Back to the second in which the walk stands, or to an earlier one."""
    state = state_of(cursor)
    stood = [state[name] for name in ("from", "seen") if name in state]
    return canonical({"seen": min(*stood, at.astimezone(UTC).strftime(_FORMAT))}).decode() if stood else ""


def _moved(second: str, by: int) -> str:
    moment = datetime.strptime(second, _FORMAT).replace(tzinfo=UTC)
    return (moment + timedelta(seconds=by)).strftime(_FORMAT)


def _text(state: State) -> str:
    return canonical(state).decode()


# Deletes leave no trace: what we hold open is asked for by id


def _held(held: Mapping[str, list[int]], rows: Sequence[Row]) -> dict[str, list[int]]:
    """The open items by company, after these rows."""
    ids = {company: set(known) for company, known in held.items()}
    for row in rows:
        here = ids.setdefault(str(ref(row["company_id"])), set())
        (here.add if row["state"] == "posted" and row["amount_residual"] else here.discard)(row["id"])
    return {company: sorted(known)[-HELD_AT_MOST:] for company, known in ids.items() if known}


def _chunk(state: State, size: int) -> tuple[str, list[int]]:
    """The next open items to ask for: of one company, by id; none when the sweep is over."""
    company, last = state["swept"]
    for name in sorted(state["held"]):
        ids = [one for one in state["held"][name] if (name, one) > (company, last)]
        if ids:
            return name, ids[:size]
    return "", []


def _sweep(state: State, config: OdooConfig) -> Message:
    """Which companies are seen still, then their items. `read` leaves out what is gone, and refuses what is hidden.

    What was asked stands in the target, and so in the receipt's name; `since` is Odoo's newest second that was seen: no
    item that is gone told anything later.
    """
    if not state["swept"]:
        return search("res.company", [["id", "in", sorted(map(int, state["held"]))]], "name")
    company, ids = _chunk(state, config.page_size)
    asked = urlencode({"company": company, "since": state["seen"], "ids": _listed(ids)})
    told = {"ids": ids, "fields": ["state"], "context": in_company(int(company))}
    return Message(f"account.move/read?{asked}", told)


def _swept(state: State, rows: Sequence[Row], config: OdooConfig) -> FetchPage:
    there = {row["id"] for row in rows}
    if not state["swept"]:  # a company that the user sees no more says nothing about its items
        gone: list[int] = []
        held = {company: ids for company, ids in state["held"].items() if int(company) in there}
        then = {**state, "held": held, "swept": ["", 0]}
    else:
        company, ids = _chunk(state, config.page_size)
        gone = [one for one in ids if one not in there]
        held = {**state["held"], company: [one for one in state["held"][company] if one not in gone]}
        then = {**state, "held": held, "swept": [company, ids[-1]]}
    more = bool(_chunk(then, 1)[1])
    if not more:
        del then["swept"]
    event = f"gone/{company}/{_listed(gone)}" if gone else ""
    return FetchPage(_text(then), more=more, empty=not gone, event=event)


def _listed(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))


SALES = ("out_invoice", "out_refund")
FEEDS: Mapping[str, Feed] = {
    "invoices": _Changes("invoices", "account.move", (("move_type", "in", SALES),), INVOICE, 60, sweeps=True).feed(),
    "payments": _Changes(
        "payments",
        "account.payment",
        (("partner_type", "=", "customer"), ("payment_type", "=", "inbound")),
        PAYMENT,
        60,
    ).feed(),
}
