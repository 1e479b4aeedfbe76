"""Journal entries at Odoo: drafted and posted in batches, matched where that is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from nostro.connectors.kit.dialogue import Seen, Settled, ensure, ready
from nostro.connectors.odoo.booking import Chart, Vals, batch, by_company, by_ref, chart, in_currency, matched, redated
from nostro.connectors.odoo.wire import Row, in_company, ref, say
from nostro.model.calls import Act, Exchange
from nostro.model.intents import RECEIVABLE_OF_MOVE, BookJournalEntry, EntryLine
from nostro.model.outcomes import Outcome, done

_MODEL = "account.move"


def book(entries: Mapping[str, BookJournalEntry]) -> Exchange[Settled[Row]]:
    """Draft and post what is not there yet; raises `Stopped`."""
    lines = [line for entry in entries.values() for line in entry.lines]
    moves = {line.partner_of_move for line in lines if line.partner_of_move is not None}
    codes = {line.foreign.currency for line in lines if line.foreign is not None}
    known = yield from chart({entry.journal for entry in entries.values()}, moves, codes)
    return (yield from by_company(entries, known, lambda name, entry: _vals(name, entry, known), _post))


def _post(names: Sequence[str], vals: Mapping[str, Vals], company: int) -> Exchange[Settled[Row]]:
    """One Act drafts them, one posts them. The refused ones of either have ended."""

    def look_up(wanted: Sequence[str]) -> Exchange[Seen[Row]]:
        return (yield from by_ref(_MODEL, "ref state date name", wanted, ["move_type", "=", "entry"]))

    def posted(wanted: Sequence[str]) -> Exchange[Seen[Row]]:
        seen = yield from look_up(wanted)
        return Seen(seen.reply, {name: row for name, row in seen.there.items() if row["state"] != "draft"})

    def draft(missing: Sequence[str]) -> Act:
        wanted = [vals[name] for name in missing]
        return Act(say(_MODEL, "create", vals_list=wanted, context=in_company(company)), missing[0])

    def post(missing: Sequence[str]) -> Act:
        ids = [drafts.there[name]["id"] for name in missing]
        return Act(say(_MODEL, "action_post", ids=ids, context=in_company(company)), missing[0])

    drafts = yield from ensure(names, look_up, ready(draft))
    settled = yield from ensure([name for name in names if name in drafts.there], posted, ready(post))
    settled.ended |= drafts.ended
    return settled


def _vals(name: str, entry: BookJournalEntry, known: Chart) -> Vals:
    own = known.own[known.company[entry.journal]]
    lines = [[0, 0, _line(line, known, own)] for line in entry.lines]
    common = {"move_type": "entry", "journal_id": entry.journal, "date": entry.booked_on.isoformat()}
    return {**common, "ref": name, "line_ids": lines}


def _line(line: EntryLine, known: Chart, own: str) -> Vals:
    """Both amounts are given where there is a foreign one: else Odoo would work out the balance at its own rate."""
    term = known.receivable[line.partner_of_move] if line.partner_of_move is not None else None
    account = ref(term["account_id"]) if line.account == RECEIVABLE_OF_MOVE and term else line.account
    vals: Vals = {"account_id": account, "name": line.label, "balance": in_currency(line.balance, own)}
    if term is not None:
        vals["partner_id"] = ref(term["partner_id"])
    if line.foreign is not None:
        value = abs(line.foreign.value).copy_sign(line.balance.value if line.balance else line.foreign.value)
        vals |= {"currency_id": known.currency_id[line.foreign.currency], "amount_currency": Decimal(value)}
    return vals


def _finish(name: str, entry: BookJournalEntry, settled: Settled[Row]) -> Exchange[Outcome]:
    row = settled.there[name]
    notes = redated(row["date"], entry.booked_on.isoformat())
    outcome = done(adopted=name not in settled.sent, move=row["id"], notes=notes)
    if entry.reconcile_with is None:
        return outcome
    return (yield from matched(name, outcome, row["id"], entry.reconcile_with))


book_journal_entries = batch(book, _finish)
"""Entries with our id as `ref`: one Act drafts the batch, one posts it, one more matches where that is wanted."""
