"""Changes at Odoo by `write_date`, as a cursor that misses nothing.

`write_date` is the start of the writing database transaction, kept in microseconds and told in seconds, and a slow
transaction shows its rows late. So a walk begins an overlap before the newest second that was seen, compares with `>=`
only (`>` means different things on 18 and 19), and goes on from the last second of a page, re-reading it; where one
second holds more than a page (400 invoices of one import), that second is walked by id.

Deletes leave no tombstone. So the feed keeps the ids of what it told as open, and asks every so often which are there.

A company that our user is not allowed in leaves no trace in an answer either, and what is written there meanwhile is
older than what others have told when it is seen again. So after every second walk it is asked which companies are
seen: what is hidden for less than two walks is in the overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from nostro.connectors.kit.cursors import State, cursor_of, state_of, turned
from nostro.connectors.kit.manifest import Feed
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.wire import Row, in_company, ref, search
from nostro.model.calls import FetchPage, Message

_FORMAT = "%Y-%m-%d %H:%M:%S"
_BEGINNING = "1970-01-01 00:00:00"
_WALKS_PER_SWEEP = 15
HELD_AT_MOST = 10_000
"""Open items of each company that are swept, the newest ones: of the rest a posting meets "not found"."""
HIDDEN_IN_A_ROW = 100
"""So many items that a company refuses one after the other: it may not be seen at all any more."""

INVOICE = """name state move_type partner_id company_id currency_id amount_total amount_residual invoice_date
invoice_date_due payment_reference payment_state reversed_entry_id write_date"""
PAYMENT = """name memo state amount currency_id date journal_id company_id reconciled_invoice_ids
amount_company_currency_signed write_date"""


@dataclass(frozen=True, slots=True)
class _Changes:
    """The changes of one model.

    Cursor: `from` (the walk's second), `after` (id within it), `seen` (newest). After a walk `look`: which companies
    are seen (with `rest` not after the next one); `known` are those, `before` is `seen` of the look before, and `away`
    since when one is not seen any more. Where it `sweeps` also `held` (open items by company), `walks` (since the last
    sweep) and `sweep` (not there while it walks): the `companies` that are left, how far it is in the first of them
    (`last`), how many it asks for at once (`size`), and which were refused alone since the last answer (`hidden`).
    """

    name: str
    model: str
    domain: tuple[tuple[str, str, Any], ...]
    fields: str
    every_seconds: int
    sweeps: bool = False

    def fetch(self, cursor: str, config: OdooConfig, _: datetime) -> Message:
        state = state_of(cursor)
        if "look" in state:
            return search("account.journal", [["type", "=", "sale"]], "company_id", order="id")
        if "sweep" in state:
            return _sweep(state)
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
        if "look" in state:
            return _rested({**_looked(state, rows), "rest": 1})
        if "sweep" in state:
            return _swept(state, rows, config)
        kept = _lasting(state, "seen")
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
        page = turned(state, kept | {"seen": newest} if newest else {}, rows, more=False)
        if not newest:
            return page
        if "rest" not in state:
            return replace(page, cursor=cursor_of({**state_of(page.cursor), "look": {}}), more=True)
        rested = _rested(state_of(page.cursor))
        return replace(page, cursor=rested.cursor, more=rested.more)

    def feed(self) -> Feed:
        return Feed(self.name, self.fetch, self.page, self.every_seconds, _rewound, _refused)


def _rewound(cursor: str, at: datetime) -> str:
    """Back to the second in which the walk stands, or to an earlier one. What is held open stays so."""
    state = state_of(cursor)
    stood = [state[name] for name in ("from", "seen") if name in state]
    if not stood:
        return ""
    return cursor_of({**_lasting(state, "held"), "seen": min(*stood, at.astimezone(UTC).strftime(_FORMAT))})


def _lasting(state: State, *more: str) -> State:
    """What a cursor keeps over walks, and some more of it."""
    return {name: state[name] for name in ("walks", "known", "before", "away", *more) if name in state}


def _looked(state: State, rows: Sequence[Row]) -> State:
    """Which companies are seen. Of one that is seen again all is read since the look before it was missing."""
    there = {str(ref(row["company_id"])) for row in rows}
    since = min(state["seen"], state.get("before", state["seen"]))
    away = {company: since for company in state.get("known", ()) if company not in there} | state.get("away", {})
    seen = min([state["seen"], *(away[company] for company in away if company in there)])
    away = {company: second for company, second in away.items() if company not in there}
    then = {"seen": seen, "before": seen, "known": sorted({*there, *away}), "away": away}
    return {**{name: state[name] for name in state if name != "look"}, **then}


def _rested(state: State) -> FetchPage:
    """A walk is over; every so often the open items are swept before the next one."""
    if not state.get("held"):
        return FetchPage(cursor_of(state), more=False, empty=True)
    walks = state.get("walks", 0) + 1
    if walks < _WALKS_PER_SWEEP:
        return FetchPage(cursor_of({**state, "walks": walks}), more=False, empty=True)
    return FetchPage(cursor_of({**state, "walks": 0, "sweep": {}}), more=True, empty=True)


def _moved(second: str, by: int) -> str:
    moment = datetime.strptime(second, _FORMAT).replace(tzinfo=UTC)
    return (moment + timedelta(seconds=by)).strftime(_FORMAT)


# Deletes leave no trace: what we hold open is asked for by id


def _held(held: Mapping[str, list[int]], rows: Sequence[Row]) -> dict[str, list[int]]:
    """The open items by company, after these rows."""
    ids = {company: set(known) for company, known in held.items()}
    for row in rows:
        here = ids.setdefault(str(ref(row["company_id"])), set())
        (here.add if row["state"] == "posted" and row["amount_residual"] else here.discard)(row["id"])
    return {company: sorted(known)[-HELD_AT_MOST:] for company, known in ids.items() if known}


def _chunk(state: State) -> tuple[str, list[int]]:
    """The next open items to ask for: of one company, by id."""
    sweep = state["sweep"]
    company = sweep["companies"][0]
    return company, [one for one in state["held"][company] if one > sweep["last"]][: sweep["size"]]


def _sweep(state: State) -> Message:
    """Which companies are seen still, then their items. `read` leaves out what is gone, and refuses what is hidden.

    What was asked stands in the target, and so in the receipt's name; `since` is Odoo's newest second that was seen: no
    item that is gone told anything later.
    """
    if not state["sweep"]:
        return search("res.company", [["id", "in", sorted(map(int, state["held"]))]], "name")
    company, ids = _chunk(state)
    asked = urlencode({"company": company, "since": state["seen"], "ids": _listed(ids)})
    told = {"ids": ids, "fields": ["state"], "context": in_company(int(company))}
    return Message(f"account.move/read?{asked}", told)


def _swept(state: State, rows: Sequence[Row], config: OdooConfig) -> FetchPage:
    """An answer to the sweep. What was refused alone before is hidden: that the company still answers says so."""
    there = {row["id"] for row in rows}
    if not state["sweep"]:  # a company that the user doesn't see now says nothing about its items
        seen = sorted(company for company, ids in state["held"].items() if ids and int(company) in there)
        then = _of_companies(state, seen, config)
        return FetchPage(cursor_of(then), more="sweep" in then, empty=True)
    company, ids = _chunk(state)
    gone = [one for one in ids if one not in there]
    left = {*gone, *state["sweep"]["hidden"]}
    held = {**state["held"], company: [one for one in state["held"][company] if one not in left]}
    size = min(2 * state["sweep"]["size"], config.page_size)
    then = _onward({**state, "held": held}, config, last=ids[-1], size=size, hidden=[])
    event = f"gone/{company}/{_listed(gone)}" if gone else ""
    return FetchPage(cursor_of(then), more="sweep" in then, empty=not gone, event=event)


def _refused(cursor: str, config: OdooConfig) -> FetchPage | None:
    """A refused chunk is halved until what is hidden stands alone: one hidden item must not end what is told of others.

    Nothing is taken for gone. A company that refuses one after the other is left until the next sweep.
    """
    state = state_of(cursor)
    if "look" in state:
        return _rested({**{name: state[name] for name in state if name != "look"}, "rest": 1})
    if "sweep" not in state:
        return None
    if not state["sweep"]:
        return FetchPage(cursor_of(_of_companies(state, [], config)), more=False, empty=True)
    company, ids = _chunk(state)
    hidden = [*state["sweep"]["hidden"], *ids]
    if len(ids) > 1:
        then = _onward(state, config, size=len(ids) // 2)
    else:
        last = state["held"][company][-1] if len(hidden) >= HIDDEN_IN_A_ROW else ids[0]
        then = _onward(state, config, last=last, hidden=hidden)
    return FetchPage(cursor_of(then), more="sweep" in then, empty=True)


def _onward(state: State, config: OdooConfig, **changed: Any) -> State:  # noqa: ANN401 - JSON
    """The sweep as it goes on: in this company, else in the next one."""
    sweep = {**state["sweep"], **changed}
    company, *others = sweep["companies"]
    if any(one > sweep["last"] for one in state["held"][company]):
        return {**state, "sweep": sweep}
    return _of_companies(state, others, config)


def _of_companies(state: State, companies: Sequence[str], config: OdooConfig) -> State:
    """The sweep at the first item of the first of these companies; over when there is none."""
    walks = {name: state[name] for name in state if name != "sweep"}
    sweep = {"companies": companies, "last": 0, "size": config.page_size, "hidden": []}
    return {**walks, "sweep": sweep} if companies else walks


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
