"""Matching at Odoo: receivable lines of two moves, once; a line that still stands on suspense is moved first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nostro.connectors.kit.dialogue import Seen, Settled, Stopped, answered, asked, ensure, ready
from nostro.connectors.kit.manifest import Order
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.wire import Row, in_company, ref, say, search
from nostro.model.calls import Act, Exchange, Reply
from nostro.model.failures import FailureKind
from nostro.model.intents import Reconcile
from nostro.model.outcomes import Outcome, done, failed, handed_over

LINE = "move_id account_id account_type partner_id company_id balance amount_residual reconciled date parent_state"
_CASH = ("asset_cash", "liability_credit_card")
_RECEIVABLE = "asset_receivable"
_NOTHING = "One side has nothing open any more or is a draft, or both stand on the same side."
_LOOSE = "The line is open on the customer's account, not on suspense (/odoo/account.move/{paying})."


@dataclass(frozen=True, slots=True)
class Pair:
    """The receivable lines of a paying move and of an open item, and since when they are matched with each other."""

    paying: tuple[Row, ...]
    item: tuple[Row, ...]
    matched_at: str

    @property
    def matched(self) -> bool:
        """Whether they are matched."""
        return bool(self.matched_at)

    @property
    def taken_back(self) -> bool:
        """Whether a person has taken one of them back, match or no match: 19 keeps and makes matches of drafts."""
        return any(row["parent_state"] != "posted" for row in (*self.paying, *self.item))

    @property
    def open_lines(self) -> tuple[Row, ...]:
        """What can be matched: open posted lines of both on one account, of opposite signs; else nothing."""
        payers = [row for row in self.paying if _open(row)]
        if not payers:
            return ()
        payer = payers[0]
        items = [row for row in self.item if _open(row) and row["account_id"] == payer["account_id"]]
        facing = tuple(row for row in items if (row["amount_residual"] > 0) != (payer["amount_residual"] > 0))
        return (payer, *facing) if facing else ()


def _open(line: Row) -> bool:
    return not line["reconciled"] and line["parent_state"] == "posted"


def row_of(model: str, ident: int, fields: str) -> Exchange[Row]:
    """One row; raises `Stopped` when it is not there."""
    rows = yield from answered(search(model, [["id", "=", ident]], fields))
    if not rows:
        raise Stopped(_gone(model, ident))
    row: Row = rows[0]
    return row


def _gone(model: str, ident: int) -> Outcome:
    return failed(FailureKind.NOT_FOUND, f"Odoo has no {model} {ident} any more that the user may see.")


def look_at(paying: int, item: int) -> Exchange[tuple[Reply, Pair]]:
    """Both moves' receivable lines as they stand. A paying line that nothing has touched is matched with nothing."""
    wanted = [["move_id", "in", [paying, item]], ["account_type", "=", _RECEIVABLE]]
    reply = yield from asked(search("account.move.line", wanted, LINE, order="id"))
    rows = reply.content if reply.ok else []
    payers = tuple(row for row in rows if ref(row["move_id"]) == paying)
    items = tuple(row for row in rows if ref(row["move_id"]) == item)
    matched_at = ""
    if any(row["reconciled"] or row["amount_residual"] != row["balance"] for row in payers):
        ids = [row["id"] for row in (*payers, *items)]
        both = [["debit_move_id", "in", ids], ["credit_move_id", "in", ids]]
        reply = yield from asked(search("account.partial.reconcile", both, "create_date"))
        matched_at = max((row["create_date"] for row in reply.content), default="") if reply.ok else ""
    return reply, Pair(payers, items, matched_at)


def seen_pair(paying: int, item: int) -> Exchange[Pair]:
    """The same where nothing has been done yet; raises `Stopped` when the question is refused."""
    reply, pair = yield from look_at(paying, item)
    if reply.failure:
        raise Stopped(handed_over(f"A question was refused: {reply.sentence}", reply.failure))
    return pair


def receivable_lines(move: int) -> Exchange[Sequence[Row]]:
    """A move's receivable lines; raises `Stopped` when the question is refused."""
    wanted = [["move_id", "=", move], ["account_type", "=", _RECEIVABLE]]
    rows: Sequence[Row] = yield from answered(search("account.move.line", wanted, LINE, order="id"))
    return rows


def match(name: str, paying: int, item: int) -> Exchange[Settled[Pair]]:
    """Match what is open between two moves. There is nothing more to do when they are, or when nothing can be."""
    newest: list[Pair] = []

    def look_up(_: Sequence[str]) -> Exchange[Seen[Pair]]:
        reply, pair = yield from look_at(paying, item)
        newest.append(pair)
        return Seen(reply, {name: pair} if pair.matched or not pair.open_lines else {})

    def act(_: Sequence[str]) -> Act:
        rows = newest[-1].open_lines
        context = in_company(ref(rows[0]["company_id"]))
        return Act(say("account.move.line", "reconcile", ids=[row["id"] for row in rows], context=context), name)

    return (yield from ensure([name], look_up, ready(act)))


def reconcile(order: Order, _: OdooConfig) -> Exchange[Outcome]:
    """Match a booked line, payment or entry with the open item that it pays."""
    intent, name = order.intent, order.correlation
    assert isinstance(intent, Reconcile)
    paying = yield from paying_move(intent.statement_line, intent.payment, intent.entry)
    if intent.statement_line is not None:
        ended = yield from _off_suspense(name, intent.statement_line, paying, intent.move_id)
        if ended is not None:
            return ended
    settled = yield from match(name, paying, intent.move_id)
    outcome = settled.ended.get(name)
    if outcome is None and not settled.there[name].matched:
        outcome = failed(FailureKind.CONFLICT, _NOTHING)
    if outcome is not None:
        return outcome if intent.statement_line is None else (yield from _told_where(outcome, paying))
    pair = settled.there[name]
    notes = {"written_at": pair.matched_at, **({"state": "draft"} if pair.taken_back else {})}
    return done(adopted=name not in settled.sent, move=intent.move_id, paying_move=paying, notes=notes)


def _told_where(ended: Outcome, paying: int) -> Exchange[Outcome]:
    """How it ended; and whether the line stands on the customer's account now, matched with nothing: nobody sees it on
    suspense any more.
    """
    if not any(_open(row) for row in (yield from receivable_lines(paying))):
        return ended
    return ended.model_copy(update={"sentence": f"{ended.sentence} {_LOOSE.format(paying=paying)}"})


def paying_move(statement_line: int | None, payment: int | None, entry: int | None) -> Exchange[int]:
    """The move behind a statement line or payment; raises `Stopped` when it is not there."""
    if entry is not None:
        return entry
    model = "account.payment" if payment is not None else "account.bank.statement.line"
    row = yield from row_of(model, payment or statement_line or 0, "move_id")
    return ref(row["move_id"])


def _off_suspense(name: str, line: int, move: int, item: int) -> Exchange[Outcome | None]:
    """Put the other side of a statement line on the open item's account, if it still stands on suspense.

    `is_reconciled` says just that: nothing is left on suspense. It does not say that anything is matched.
    """
    statement_line = yield from row_of("account.bank.statement.line", line, "is_reconciled")
    if statement_line["is_reconciled"]:
        return None
    rows = yield from answered(search("account.move.line", [["move_id", "in", [move, item]]], LINE, order="id"))
    loose = [row for row in rows if ref(row["move_id"]) == move and row["account_type"] not in (*_CASH, _RECEIVABLE)]
    open_sides = [row for row in rows if row["account_type"] == _RECEIVABLE]
    terms = [row for row in open_sides if ref(row["move_id"]) == item]
    if not loose and len(open_sides) > len(terms):
        return None  # one line may pay several items: the match of another one has moved it since we looked
    if not terms:
        return _gone("account.move", item)
    if len(loose) != 1:
        return failed(FailureKind.CONFLICT, "The statement line has no single line on suspense any more.")
    vals = {"account_id": ref(terms[0]["account_id"]), "partner_id": ref(terms[0]["partner_id"])}
    return (yield from move_line(name, loose[0], vals))


def move_line(name: str, line: Row, vals: dict[str, Any]) -> Exchange[Outcome | None]:
    """Put a journal item of a statement line on another account; the outcome if that failed."""

    def look_up(_: Sequence[str]) -> Exchange[Seen[Row]]:
        reply = yield from asked(search("account.move.line", [["id", "=", line["id"]]], LINE))
        there = reply.ok and bool(reply.content) and ref(reply.content[0]["account_id"]) == vals["account_id"]
        return Seen(reply, {name: reply.content[0]} if there else {})

    write = say("account.move.line", "write", ids=[line["id"]], vals=vals, context=in_company(ref(line["company_id"])))
    settled = yield from ensure([name], look_up, ready(lambda _: Act(write, name)))
    return settled.ended.get(name)
