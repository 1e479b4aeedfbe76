"""Bank movements as statement lines at Odoo: one Act for a batch, and one more for each line that pays an open item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nostro.connectors.kit.dialogue import Seen, Settled, ensure, ready
from nostro.connectors.kit.manifest import Order
from nostro.connectors.odoo.booking import (
    Chart,
    Orders,
    Vals,
    batch,
    by_company,
    by_ref,
    chart,
    in_currency,
    matched,
    redated,
    standing,
)
from nostro.connectors.odoo.wire import Row, as_told, ref, say
from nostro.model.base import text_of
from nostro.model.calls import Act, Exchange
from nostro.model.intents import BookStatementLine
from nostro.model.outcomes import Outcome, done

_MODEL = "account.bank.statement.line"


def _book(orders: Orders) -> Exchange[Settled[Row]]:
    lines = [order.intent for order in orders.values() if isinstance(order.intent, BookStatementLine)]
    moves = {line.move_id for line in lines if line.counterpart == "receivable" and line.move_id is not None}
    codes = {line.foreign.currency for line in lines if line.foreign is not None}
    known = yield from chart({line.journal for line in lines}, moves, codes)
    return (yield from by_company(orders, known, lambda name, line: _vals(name, line, known), _create, _find))


def _look_up(orders: Iterable[Order]) -> Exchange[Seen[Row]]:
    return (yield from by_ref(_MODEL, "ref date amount move_id is_reconciled", orders))


def _find(orders: Orders, refused: Mapping[str, Outcome]) -> Exchange[Settled[Row]]:
    return standing((yield from _look_up(orders.values())), refused)


def _create(orders: Orders, vals: Mapping[str, Vals], company: int) -> Exchange[Settled[Row]]:
    def look_up(wanted: Sequence[str]) -> Exchange[Seen[Row]]:
        return (yield from _look_up([orders[name] for name in wanted]))

    def act(missing: Sequence[str]) -> Act:
        wanted = [vals[name] for name in missing]
        return Act(say(_MODEL, "create", vals_list=wanted, context=as_told(company)), missing[0])

    return (yield from ensure(list(orders), look_up, ready(act)))


def _vals(name: str, line: BookStatementLine, known: Chart) -> Vals:
    vals: dict[str, Any] = {
        "journal_id": line.journal,
        "date": line.booked_on.isoformat(),
        "ref": name,
        "payment_ref": text_of(line.text) or line.reference,
        "amount": in_currency(line.amount, known.currency[line.journal]),
    }
    vals |= {"partner_name": line.partner_name} if isinstance(line.partner_name, str) else {}
    vals |= {"account_number": line.account_number} if isinstance(line.account_number, str) else {}
    if line.foreign is not None and line.foreign.currency in known.currency_id:  # else it isn't active there
        value = abs(line.foreign.value).copy_sign(line.amount.value)
        vals |= {"foreign_currency_id": known.currency_id[line.foreign.currency], "amount_currency": value}
    if line.counterpart == "receivable":
        term = known.receivable[line.move_id or 0]
        return vals | {"counterpart_account_id": ref(term["account_id"]), "partner_id": ref(term["partner_id"])}
    return vals | ({"counterpart_account_id": line.counterpart_account} if line.counterpart == "account" else {})


def _finish(name: str, line: BookStatementLine, settled: Settled[Row]) -> Exchange[Outcome]:
    """The line's ids and its date as Odoo took it; and the match with the open item, if something there is open."""
    row = settled.there[name]
    move, notes = ref(row["move_id"]), redated(row["date"], line.booked_on.isoformat())
    outcome = done(adopted=name not in settled.sent, statement_line=row["id"], move=move, notes=notes)
    if line.counterpart != "receivable" or line.move_id is None:
        return outcome
    return (yield from matched(name, outcome, move, line.move_id))


book_statement_lines = batch(_book, _finish)
"""Statement lines with our id as `ref`: Odoo itself has no import id and takes the same line twice."""
