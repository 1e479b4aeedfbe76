"""Taking a payment back at Odoo, with both stories kept: the payment's match with its payout is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nostro.connectors.kit.dialogue import Seen, Stopped, ensure, left_standing, ready
from nostro.connectors.kit.manifest import Order
from nostro.connectors.odoo.booking import by_ref, redated
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.drafts import place, taken_back, withdrawn_by_somebody
from nostro.connectors.odoo.entries import book
from nostro.connectors.odoo.matching import look_at, match, move_line, paying_move, receivable_lines, row_of, seen_pair
from nostro.connectors.odoo.wire import in_company, ref, say
from nostro.model.calls import Act, Exchange
from nostro.model.failures import FailureKind
from nostro.model.intents import RECEIVABLE_OF_MOVE, BookJournalEntry, EntryLine, ReopenInvoice
from nostro.model.outcomes import Outcome, done, failed, handed_over

_PART = "Only a part of the credit went back: a person matches the rest of it."


def reopen_invoice(order: Order, _: OdooConfig) -> Exchange[Outcome]:
    """Open the invoice again: a payment by an entry, a statement line by putting it back on suspense."""
    intent = order.intent
    assert isinstance(intent, ReopenInvoice)
    if intent.payment is None:
        return (yield from _off_statement_line(order.correlation, intent))
    return (yield from _off_payment(order, intent, intent.payment))


def _off_payment(order: Order, intent: ReopenInvoice, payment: int) -> Exchange[Outcome]:
    """An entry debits receivable; the payment is taken off the invoice and put on the entry.

    What the entry does not use up of it (a dispute about a part) goes back to the invoice.
    """
    name = order.correlation
    try:
        paying = yield from paying_move(None, payment, None)
    except Stopped as stop:  # somebody has deleted it
        return (yield from _unless_booked(order, stop.outcome))
    gone = yield from _gone(order, paying)
    if gone is not None:
        return gone
    booked = yield from book({name: replace(order, intent=_reversal(intent))})
    if name in booked.ended:
        return booked.ended[name]
    entry = booked.there[name]
    if taken_back(entry):
        return withdrawn_by_somebody("account.move", entry)
    ended = yield from _take_off(name, paying, intent.move_id, entry["id"])
    for target in (entry["id"], intent.move_id):
        if ended is None:
            settled = yield from match(name, paying, target)
            ended = settled.ended.get(name)
            pair = settled.there.get(name)
            if pair and target == entry["id"] and (pair.taken_back or not pair.matched):
                ended = failed(FailureKind.CONFLICT, "The payment can't be put on it, or was taken back.")
    if ended is not None:
        return left_standing(place("account.move", entry["id"]), ended)
    notes = redated(entry["date"], intent.booked_on.isoformat())
    return done(move=intent.move_id, entry=entry["id"], notes=notes)


def _gone(order: Order, paying: int) -> Exchange[Outcome | None]:
    """How it ended where somebody has taken the payment back himself: the entry would do so a second time."""
    if any(line["parent_state"] == "posted" for line in (yield from receivable_lines(paying))):
        return None
    ended = failed(FailureKind.CONFLICT, "The payment is not posted any more: somebody has taken it back.")
    return (yield from _unless_booked(order, ended))


def _unless_booked(order: Order, ended: Outcome) -> Exchange[Outcome]:
    """How it ended; with an entry of ours there, that is no failure."""
    seen = yield from by_ref("account.move", "ref state", [order], ["move_type", "=", "entry"])
    entry = seen.there.get(order.correlation)
    if seen.reply.ok and not entry:
        return ended
    return left_standing(place("account.move", entry["id"]) if entry else "An entry of ours, perhaps,", ended)


def _reversal(intent: ReopenInvoice) -> BookJournalEntry:
    owed = {"account": RECEIVABLE_OF_MOVE, "partner_of_move": intent.move_id}
    lines = (
        EntryLine(balance=intent.amount, label=intent.label, **owed),
        EntryLine(account=intent.account, balance=-intent.amount, label=intent.label),
    )
    told = {"journal": intent.journal, "booked_on": intent.booked_on, "label": intent.label}
    return BookJournalEntry(entity=intent.entity, lines=lines, **told)


def _take_off(name: str, paying: int, item: int, entry: int = 0) -> Exchange[Outcome | None]:
    """Unmatch, unless the payment is matched with our entry already: then that has been done.

    Odoo undoes all matches of a line: those with other invoices too.
    """

    def look_up(_: Sequence[str]) -> Exchange[Seen[Any]]:
        reply, pair = yield from look_at(paying, item)
        if reply.ok and pair.matched and entry:
            reply, with_entry = yield from look_at(paying, entry)
            if with_entry.matched:
                return Seen(reply, {name: with_entry})
        return Seen(reply, {} if pair.matched else {name: pair})

    pair = yield from seen_pair(paying, item)
    if not pair.paying:
        return failed(FailureKind.CONFLICT, "The payment has no receivable line that could be taken off the invoice.")
    line = pair.paying[0]
    context = in_company(ref(line["company_id"]))
    act = Act(say("account.move.line", "remove_move_reconcile", ids=[line["id"]], context=context), name)
    settled = yield from ensure([name], look_up, ready(lambda _: act))
    return settled.ended.get(name)


def _off_statement_line(name: str, intent: ReopenInvoice) -> Exchange[Outcome]:
    """Back on suspense, where the bank's return, a statement line of its own, faces it. Left open on the customer, the
    credit would be free money that somebody matches again.
    """
    line = yield from row_of("account.bank.statement.line", intent.statement_line or 0, "move_id journal_id amount")
    if abs(line["amount"]) != intent.amount.value:
        return handed_over(_PART)
    paying = ref(line["move_id"])
    journal = yield from row_of("account.journal", ref(line["journal_id"]), "suspense_account_id")
    suspense = ref(journal["suspense_account_id"])
    pair = yield from seen_pair(paying, intent.move_id)
    if not pair.paying:  # it is there already
        return done(adopted=True, move=intent.move_id)
    ended = yield from _take_off(name, paying, intent.move_id)
    ended = ended or (yield from move_line(name, pair.paying[0], {"account_id": suspense}))
    return ended or done(move=intent.move_id)
