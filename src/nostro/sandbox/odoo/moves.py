"""Journal entries and invoices: draft, post, set back, delete, reverse."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from nostro.sandbox.odoo import matching
from nostro.sandbox.odoo.call import Call, checked
from nostro.sandbox.odoo.entries import (
    SALES,
    add_line,
    add_taxes,
    begin,
    free_name,
    post,
    refresh,
    refuse_if_locked,
    term_lines,
)
from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.tables import Row

_TYPES = SALES | {"entry", "in_invoice", "in_refund"}
_FREE_WHEN_POSTED = frozenset({"ref", "narration", "payment_reference", "invoice_origin", "invoice_date_due"})


def create(call: Call, vals: Mapping[str, Any]) -> Row:
    """A draft entry or invoice with its lines; an unbalanced one is refused here already."""
    vals = checked("account.move", vals)
    kind = vals.get("move_type", "entry")
    if kind not in _TYPES:
        raise Fault("ValueError", f"Wrong value for account.move.move_type: {kind!r}")
    if vals.get("state", "draft") != "draft":
        raise Fault(
            "UserError",
            "You cannot create a move already in the posted state. Please create a draft move and post it after.",
        )
    journal = _journal(call, vals, kind)
    plain = {key: value for key, value in vals.items() if value and key not in {"line_ids", "invoice_line_ids"}}
    due = {"invoice_date_due": call.today} if kind in SALES else {}
    asked = {"date": vals.get("date") or vals.get("invoice_date") or call.today}
    move = begin(call, journal, {**due, **plain, **asked})
    if kind in SALES:
        _add_invoice_lines(call, move, vals.get("invoice_line_ids") or [])
    _change_lines(call, move, vals.get("line_ids") or [])
    return move


def _change_lines(call: Call, move: Row, commands: Sequence[Any]) -> None:
    """Lines added (0), changed (1) or all taken away (5); what doesn't balance afterwards is refused."""
    added = []
    for command, ident, vals in commands:
        if command == 0:
            added.append(add_line(call, move, checked("account.move.line", vals)))
        elif command == 1:
            call.update("account.move.line", call.row("account.move.line", ident), **checked("account.move.line", vals))
        elif command == 5:
            for line in call.lines(move):
                call.tables.delete("account.move.line", line)
        else:
            raise Fault("ValueError", f"Wrong value for account.move.line_ids: command {command}")
    add_taxes(call, move, added)
    if sum(line["balance"] for line in call.lines(move)):
        long = f"The move (Draft Entry ({move['ref'] or ''})) is not balanced."
        raise Fault("UserError", long if call.version < 19 else "The entry is not balanced.")
    refresh(call, move)


def _journal(call: Call, vals: Mapping[str, Any], kind: str) -> Row:
    if vals.get("journal_id"):
        return call.rows("account.journal", [vals["journal_id"]])[0]
    wanted = "sale" if kind in SALES else "general"
    journals = call.tables.of("account.journal").values()
    return next(row for row in journals if row["company_id"] == call.companies[0] and row["type"] == wanted)


def _add_invoice_lines(call: Call, move: Row, commands: Sequence[Any]) -> None:
    """Product lines on the journal's income account and one receivable line; the stand-in knows no taxes."""
    sign = -1 if move["move_type"] == "out_invoice" else 1
    income = call.row("account.journal", move["journal_id"])["default_account_id"]
    total = Decimal(0)
    for _, _, line in commands:
        price = call.rounded(line.get("price_unit"), move["currency_id"])
        amount = call.rounded(price * Decimal(str(line.get("quantity", 1))), move["currency_id"])
        total += amount
        more = {"quantity": Decimal(str(line.get("quantity", 1))), "price_unit": price, "display_type": "product"}
        vals = {"account_id": income, "name": line.get("name"), "amount_currency": sign * amount, **more}
        add_line(call, move, {**vals, "currency_id": move["currency_id"], "partner_id": move["partner_id"]})
    account = call.tables.of("res.company")[move["company_id"]]["receivable"]
    balance = -sum(line["balance"] for line in call.lines(move))
    vals = {"account_id": account, "amount_currency": -sign * total, "balance": balance, "display_type": "payment_term"}
    more = {
        "currency_id": move["currency_id"],
        "partner_id": move["partner_id"],
        "date_maturity": move["invoice_date_due"],
    }
    add_line(call, move, {**vals, **more})


def action_post(call: Call, ids: Sequence[int]) -> bool:
    """Number and date the entries; a date in a locked period is replaced silently. All or none."""
    for move in call.rows("account.move", ids):
        post(call, move)
        if move["move_type"] == "out_refund" and move["reversed_entry_id"]:
            _match_with_original(call, move)
    return False


def _match_with_original(call: Call, refund: Row) -> None:
    """A credit note made from an open invoice is matched with it when it is posted."""
    original = call.row("account.move", refund["reversed_entry_id"])
    both = [*term_lines(call, original), *term_lines(call, refund)]
    if not any(line["reconciled"] for line in both):
        matching.reconcile(call, both)


def write(call: Call, ids: Sequence[int], vals: Mapping[str, Any]) -> bool:
    """Labels may change when posted; partner, days and lines may not. Of a draft all may."""
    vals = checked("account.move", vals)
    for move in call.rows("account.move", ids):
        fixed = [key for key in vals if key not in _FREE_WHEN_POSTED]
        if move["state"] == "posted" and fixed:
            text = f"You cannot modify the following readonly fields on a posted move: {', '.join(fixed)}"
            raise Fault("UserError", text)
        call.update("account.move", move, **{key: value for key, value in vals.items() if key != "line_ids"})
        if "line_ids" in vals:
            _change_lines(call, move, vals["line_ids"])
    return True


def button_draft(call: Call, ids: Sequence[int]) -> None:
    """Set back to draft, number kept. Version 18 undoes the match of a paid invoice, 19 keeps it."""
    for move in call.rows("account.move", ids):
        if move["state"] == "draft":
            raise Fault("UserError", "Only posted/cancelled journal entries can be reset to draft.")
        refuse_if_locked(call, move)
        if call.version < 19:
            matching.unmatch(call, [line for line in call.lines(move) if line["matching_number"]])
        call.update("account.move", move, state="draft")
        refresh(call, move)


def button_cancel(call: Call, ids: Sequence[int]) -> None:
    """Cancel drafts, number kept; one that is posted is set back first. Matches are undone, a payment goes with it."""
    button_draft(call, [move["id"] for move in call.rows("account.move", ids) if move["state"] == "posted"])
    for move in call.rows("account.move", ids):
        matching.unmatch(call, [line for line in call.lines(move) if line["matching_number"]])
        call.update("account.move", move, state="cancel")
        refresh(call, move)
        if move["origin_payment_id"]:
            call.update("account.payment", call.row("account.payment", move["origin_payment_id"]), state="canceled")


def unlink(call: Call, ids: Sequence[int]) -> bool:
    """Delete drafts; their numbers are given to the next documents, and nothing tells that they were there."""
    for move in call.rows("account.move", ids):
        if move["state"] == "posted":
            raise Fault(
                "UserError",
                "You can't delete a posted journal item. Don't play games with your accounting records; "
                "reset the journal entry to draft before deleting it.",
            )
        lines = call.lines(move)
        matching.unmatch(call, [line for line in lines if line["matching_number"]])
        free_name(call, move)
        for line in lines:
            call.tables.delete("account.move.line", line)
        call.tables.delete("account.move", move)
    return True


def reverse(call: Call, move: Row, day: str, reason: str) -> Row:
    """A draft credit note over the whole invoice."""
    products = [line for line in call.lines(move) if line["display_type"] == "product"]
    lines = [[0, 0, {key: line[key] for key in ("name", "quantity", "price_unit")}] for line in products]
    same = {key: move[key] for key in ("partner_id", "currency_id", "journal_id")}
    told = {"move_type": "out_refund", "ref": f"Reversal of: {move['name']}, {reason}", "invoice_date": day}
    return create(call, {**same, **told, "reversed_entry_id": move["id"], "invoice_line_ids": lines})
