"""Bank movements as statement lines at Odoo: one Act for a batch, and one more for each line that pays an open item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nostro.connectors.kit.dialogue import Seen, Settled, Stopped, asked, ensure, ready
from nostro.connectors.kit.manifest import Order
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.entries import Chart, by_company, chart, in_currency, redated, vals_or_ends
from nostro.connectors.odoo.matching import in_company, match
from nostro.connectors.odoo.wire import Row, ref, say, search
from nostro.model.base import text_of
from nostro.model.calls import Act, Exchange
from nostro.model.intents import BookStatementLine
from nostro.model.outcomes import Outcome, done

_MODEL = "account.bank.statement.line"
_FIELDS = "ref date amount move_id is_reconciled"


def book_statement_lines(orders: Sequence[Order], _: OdooConfig) -> Exchange[Sequence[Outcome]]:
    """Statement lines with our id as `ref`: Odoo itself has no import id and takes the same line twice."""
    intents = {order.correlation: order.intent for order in orders}
    lines = {name: intent for name, intent in intents.items() if isinstance(intent, BookStatementLine)}
    try:
        settled = yield from _book(lines)
    except Stopped as stop:
        return [stop.outcome] * len(orders)
    outcomes = []
    for order in orders:
        name = order.correlation
        outcomes.append(settled.ended.get(name) or (yield from _finish(name, lines[name], settled)))
    return outcomes


def _book(lines: Mapping[str, BookStatementLine]) -> Exchange[Settled[Row]]:
    moves = {line.move_id for line in lines.values() if line.counterpart == "receivable" and line.move_id is not None}
    codes = {line.foreign.currency for line in lines.values() if line.foreign is not None}
    known = yield from chart({line.journal for line in lines.values()}, moves, codes)
    settled: Settled[Row] = Settled()
    vals = vals_or_ends(lines, lambda name, line: _vals(name, line, known), settled.ended)
    for company, names in by_company({name: lines[name].journal for name in vals}, known).items():
        made = yield from _create(names, vals, company)
        settled.there |= made.there
        settled.ended |= made.ended
        settled.sent |= made.sent
    return settled


def _create(names: Sequence[str], vals: Mapping[str, Any], company: int) -> Exchange[Settled[Row]]:
    def look_up(wanted: Sequence[str]) -> Exchange[Seen[Row]]:
        reply = yield from asked(search(_MODEL, [["ref", "in", list(wanted)]], _FIELDS, order="id desc"))
        return Seen(reply, {row["ref"]: row for row in reply.content} if reply.ok else {})

    def act(missing: Sequence[str]) -> Act:
        wanted = [vals[name] for name in missing]
        return Act(say(_MODEL, "create", vals_list=wanted, context=in_company(company)), missing[0])

    return (yield from ensure(names, look_up, ready(act)))


def _vals(name: str, line: BookStatementLine, known: Chart) -> dict[str, Any]:
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
    return vals | _counterpart(line, known)


def _counterpart(line: BookStatementLine, known: Chart) -> dict[str, Any]:
    if line.counterpart == "receivable":
        term = known.receivable[line.move_id or 0]
        return {"counterpart_account_id": ref(term["account_id"]), "partner_id": ref(term["partner_id"])}
    return {"counterpart_account_id": line.counterpart_account} if line.counterpart == "account" else {}


def _finish(name: str, line: BookStatementLine, settled: Settled[Row]) -> Exchange[Outcome]:
    """The line's ids and its date as Odoo took it; and the match with the open item, if something there is open."""
    row = settled.there[name]
    move, notes = ref(row["move_id"]), redated(row["date"], line.booked_on.isoformat())
    if line.counterpart == "receivable" and line.move_id is not None:
        matched = yield from match(name, move, line.move_id)
        if name in matched.ended:
            return matched.ended[name]
        notes |= {"matched": "yes" if matched.there[name].matched else "no"}
    return done(adopted=name not in settled.sent, statement_line=row["id"], move=move, notes=notes)
