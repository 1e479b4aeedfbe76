"""Batches of statement lines and journal entries: what they refer to is read once, and each company's go in one Act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nostro.connectors.kit.dialogue import Seen, Settled, Stopped, answered, asked, left_standing
from nostro.connectors.kit.manifest import Order
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.matching import match
from nostro.connectors.odoo.wire import Row, label, ref, search
from nostro.model.calls import Exchange
from nostro.model.failures import FailureKind
from nostro.model.intents import BookJournalEntry, BookStatementLine
from nostro.model.money import Money
from nostro.model.outcomes import Outcome, failed, handed_over

Vals = dict[str, Any]
Orders = Mapping[str, Order]
"""Orders by their correlation ids."""
Create = Callable[[Orders, Mapping[str, Vals], int], Exchange[Settled[Row]]]
"""(orders, what to write by name, company) -> what stands there afterwards."""
Find = Callable[[Orders, Mapping[str, Outcome]], Exchange[Settled[Row]]]
"""(orders that can't be said, why) -> what stands there of an earlier call; the rest has ended."""
_CANCELLED = "cancel"
_RANKS = {_CANCELLED: 0, "draft": 1}


@dataclass(frozen=True, slots=True)
class Chart:
    """What a batch refers to, read beforehand.

    Company and currency by journal, currency by company, receivable line by move, currency id by ISO code.
    """

    company: Mapping[int, int]
    currency: Mapping[int, str]
    own: Mapping[int, str]
    receivable: Mapping[int, Row]
    currency_id: Mapping[str, int]


def chart(journals: set[int], moves: set[int], codes: set[str]) -> Exchange[Chart]:
    """Read what a batch refers to; raises `Stopped`. What is missing is missing in the chart, too."""
    books = yield from answered(search("account.journal", [["id", "in", sorted(journals)]], "company_id currency_id"))
    companies = sorted({ref(row["company_id"]) for row in books})
    owners = yield from answered(search("res.company", [["id", "in", companies]], "currency_id"))
    terms: list[Row] = []
    if moves:
        wanted = [["move_id", "in", sorted(moves)], ["account_type", "=", "asset_receivable"]]
        asked_for = search("account.move.line", wanted, "move_id account_id partner_id", order="id desc")
        terms = yield from answered(asked_for)
    ids: list[Row] = []
    if codes:
        ids = yield from answered(search("res.currency", [["name", "in", sorted(codes)]], "name"))
    own = {row["id"]: label(row["currency_id"]) for row in owners}
    return Chart(
        company={row["id"]: ref(row["company_id"]) for row in books},
        currency={row["id"]: label(row["currency_id"]) or own[ref(row["company_id"])] for row in books},
        own=own,
        receivable={ref(row["move_id"]): row for row in terms},
        currency_id={row["name"]: row["id"] for row in ids},
    )


def batch(
    book: Callable[[Orders], Exchange[Settled[Row]]],
    finish: Callable[[str, Any, Settled[Row]], Exchange[Outcome]],
) -> Callable[[Sequence[Order], OdooConfig], Exchange[Sequence[Outcome]]]:
    """The exchange of an operation: `book` orders by name, then `finish` each that stands there."""

    def exchange(orders: Sequence[Order], _: OdooConfig) -> Exchange[Sequence[Outcome]]:
        try:
            settled = yield from book({order.correlation: order for order in orders})
        except Stopped as stop:
            return [stop.outcome] * len(orders)
        outcomes = []
        for order in orders:
            name = order.correlation
            outcomes.append(settled.ended.get(name) or (yield from finish(name, order.intent, settled)))
        return outcomes

    return exchange


def by_company(
    orders: Orders, known: Chart, vals_of: Callable[[str, Any], Vals], create: Create, find: Find
) -> Exchange[Settled[Row]]:
    """Book what can be said at Odoo, company by company; the rest has failed, unless an earlier call has done it.

    What it refers to may be gone by the time that a lost reply is looked up.
    """
    settled: Settled[Row] = Settled()
    vals: dict[str, Vals] = {}
    refused: dict[str, Outcome] = {}
    for name, order in orders.items():
        try:
            vals[name] = vals_of(name, order.intent)
        except KeyError as missing:
            refused[name] = failed(FailureKind.NOT_FOUND, f"Odoo does not show what this needs: {missing}.")
        except ValueError as flaw:
            refused[name] = failed(FailureKind.INVALID, str(flaw))
    where = {name: known.company[_journal(orders[name])] for name in vals}
    for company in dict.fromkeys(where.values()):
        those = {name: orders[name] for name in vals if where[name] == company}
        _add(settled, (yield from create(those, vals, company)))
    if refused:
        _add(settled, (yield from find({name: orders[name] for name in refused}, refused)))
    return settled


def _add(settled: Settled[Row], made: Settled[Row]) -> None:
    settled.there |= made.there
    settled.ended |= made.ended
    settled.sent |= made.sent


def standing(seen: Seen[Row], refused: Mapping[str, Outcome]) -> Settled[Row]:
    """What stands there though it can't be said any more; the rest has ended as it was refused."""
    if seen.reply.failure:
        unknown = handed_over(f"The look-up was refused: {seen.reply.sentence}", seen.reply.failure)
        return Settled(ended=dict.fromkeys(refused, unknown))
    return Settled(dict(seen.there), {name: ended for name, ended in refused.items() if name not in seen.there})


def _journal(order: Order) -> int:
    assert isinstance(order.intent, BookStatementLine | BookJournalEntry)
    return order.intent.journal


def by_ref(model: str, fields: str, orders: Iterable[Order], *also: list[Any]) -> Exchange[Seen[Row]]:
    """What stands at Odoo under our ids, whichever try has left it; of several the first that is posted.

    What a person has cancelled is not done again by itself. Of an earlier try it is gone.
    """
    known = {ident: order for order in orders for ident in order.ids}
    reply = yield from asked(search(model, [["ref", "in", list(known)], *also], fields, order="id desc"))
    there: dict[str, Row] = {}
    for row in sorted(reply.content if reply.ok else (), key=lambda row: _RANKS.get(row.get("state"), 2)):
        name = known[row["ref"]].correlation
        if row.get("state") != _CANCELLED or row["ref"] == name:
            there[name] = row
    return Seen(reply, there)


def matched(name: str, outcome: Outcome, paying: int, item: int) -> Exchange[Outcome]:
    """The outcome after what was booked is matched with the open item, if something there is open."""
    settled = yield from match(name, paying, item)
    if name in settled.ended:
        what = ", ".join(f"{kind} {ident}" for kind, ident in outcome.ids.items())
        return left_standing(what, settled.ended[name])
    said = "yes" if settled.there[name].matched else "no"
    return outcome.model_copy(update={"notes": {**outcome.notes, "matched": said}})


def redated(there: str, wanted: str) -> dict[str, str]:
    """A locked period is no error to Odoo: it moves the date in silence."""
    return {} if there == wanted else {"date": there}


def in_currency(amount: Money, wanted: str) -> Decimal:
    """The number that is written; raises `ValueError` where Odoo would read it in another currency."""
    if amount.currency != wanted:
        raise ValueError(f"The amount is in {amount.currency}, the books there are in {wanted}.")
    return amount.value
