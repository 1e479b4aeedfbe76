"""Changes at Odoo by `write_date`, as a cursor that misses nothing.

`write_date` is the start of the writing database transaction, kept in microseconds and told in seconds, and a slow
transaction shows its rows late. So a walk begins an overlap before the newest second that was seen, compares with `>=`
only (`>` means different things on 18 and 19), and goes on from the last second of a page, re-reading it; where one
second holds more than a page (400 invoices of one import), that second is walked by id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from nostro.connectors.kit.cursors import state_of, turned
from nostro.connectors.kit.manifest import Feed
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.wire import Row, search
from nostro.model.calls import FetchPage, Message
from nostro.model.canonical import canonical

_FORMAT = "%Y-%m-%d %H:%M:%S"
_BEGINNING = "1970-01-01 00:00:00"

INVOICE = """name state move_type partner_id company_id currency_id amount_total amount_residual invoice_date
invoice_date_due payment_reference payment_state reversed_entry_id write_date"""
PAYMENT = """name memo state amount currency_id date journal_id company_id reconciled_invoice_ids
amount_company_currency_signed write_date"""


@dataclass(frozen=True, slots=True)
class _Changes:
    """The changes of one model. Cursor: `from` (the walk's second), `after` (id within it), `seen` (newest)."""

    name: str
    model: str
    domain: tuple[tuple[str, str, Any], ...]
    fields: str
    every_seconds: int

    def fetch(self, cursor: str, config: OdooConfig, _: datetime) -> Message:
        state = state_of(cursor)
        start = state.get("from") or _moved(state.get("seen", _BEGINNING), -config.overlap_seconds)
        domain: list[Any] = [*map(list, self.domain), ["write_date", ">=", start]]
        if "after" not in state:
            return self._page(domain, "write_date, id", config)
        domain += [["write_date", "<", _moved(start, 1)], ["id", ">", state["after"]]]
        return self._page(domain, "id", config)

    def _page(self, domain: list[Any], order: str, config: OdooConfig) -> Message:
        return search(self.model, domain, self.fields, order=order, limit=config.page_size)

    def page(self, cursor: str, rows: list[Row], config: OdooConfig) -> FetchPage:
        state = state_of(cursor)
        seen = {"seen": state["seen"]} if "seen" in state else {}
        full = len(rows) >= config.page_size
        if "after" in state:
            then = {"from": state["from"], "after": rows[-1]["id"]} if full else {"from": _moved(state["from"], 1)}
            return turned(state, seen | then, rows, more=True)
        if full:
            last = rows[-1]["write_date"]
            then = {"from": last, "after": 0} if last == rows[0]["write_date"] else {"from": last}
            return turned(state, seen | then, rows, more=True)
        newest = max([state.get("from", ""), state.get("seen", ""), *(row["write_date"] for row in rows)])
        return turned(state, {"seen": newest} if newest else {}, rows, more=False)

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


SALES = ("out_invoice", "out_refund")
FEEDS: Mapping[str, Feed] = {
    "invoices": _Changes("invoices", "account.move", (("move_type", "in", SALES),), INVOICE, 60).feed(),
    "payments": _Changes(
        "payments",
        "account.payment",
        (("partner_type", "=", "customer"), ("payment_type", "=", "inbound")),
        PAYMENT,
        60,
    ).feed(),
}
