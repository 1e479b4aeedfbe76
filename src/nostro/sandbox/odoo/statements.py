"""Bank statement lines: created and posted at once, on suspense or on a counterpart account given at creation."""

from collections.abc import Mapping, Sequence
from typing import Any

from nostro.sandbox.odoo.call import Call, checked
from nostro.sandbox.odoo.entries import accounting_date, add_line, add_taxes, begin, post, refuse_if_locked
from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.tables import Row

_MODEL = "account.bank.statement.line"


def create(call: Call, vals: Mapping[str, Any]) -> Row:
    """One line and its posted entry. Nothing is unique here: the same line twice is two lines."""
    call.need(accountant=True, what="Bank Statement Line")
    vals = checked(_MODEL, vals, required=("journal_id", "date"))
    journal = call.rows("account.journal", [vals["journal_id"]])[0]
    own = call.currency_of(journal["company_id"])
    currency = journal["currency_id"] or own
    foreign = vals.get("foreign_currency_id") or False
    told = {
        "company_id": journal["company_id"],
        "currency_id": currency,
        "amount": call.rounded(vals.get("amount"), currency),
        "amount_currency": call.rounded(vals.get("amount_currency"), foreign or currency),
    }
    move = begin(call, journal, {key: vals.get(key) or False for key in ("ref", "partner_id")})
    day = accounting_date(call, move, vals.get("date") or call.today)
    call.update("account.move", move, date=day)
    line = call.insert(_MODEL, {**vals, **told, "move_id": move["id"], "date": day})
    call.update("account.move", move, statement_line_id=line["id"])
    _add_lines(call, line, vals.get("counterpart_account_id") or journal["suspense_account_id"])
    post(call, move)
    call.update(_MODEL, line, name=move["name"])
    return line


def _add_lines(call: Call, line: Row, counterpart: int) -> None:
    """Bank side in the journal's currency, other side in the foreign one when the bank told it."""
    move = call.row("account.move", line["move_id"])
    journal = call.row("account.journal", line["journal_id"])
    own = call.currency_of(line["company_id"])
    balance = call.convert(line["amount"], line["currency_id"], own, line["company_id"], line["date"])
    same = {"partner_id": line["partner_id"], "name": line["payment_ref"]}
    bank = {"account_id": journal["default_account_id"], "currency_id": line["currency_id"]}
    here = add_line(call, move, {**same, **bank, "balance": balance, "amount_currency": line["amount"]})
    foreign = line["foreign_currency_id"]
    other = line["amount_currency"] if foreign else line["amount"]
    there = {"account_id": counterpart, "currency_id": foreign or line["currency_id"]}
    other_side = add_line(call, move, {**same, **there, "balance": -balance, "amount_currency": -other})
    add_taxes(call, move, [here, other_side])


def on_suspense(call: Call, line: Row) -> list[Row]:
    """What nobody has explained yet. Empty means `is_reconciled`, whether or not the other side is matched."""
    suspense = call.row("account.journal", line["journal_id"])["suspense_account_id"]
    lines = call.lines(call.row("account.move", line["move_id"]))
    return [one for one in lines if one["account_id"] == suspense]


def write_move_lines(call: Call, ids: Sequence[int], vals: Mapping[str, Any]) -> bool:
    """`account.move.line.write`: a label, or account and partner of a line on suspense; amounts never when posted."""
    vals = checked("account.move.line", vals)
    for line in call.rows("account.move.line", ids):
        move = call.row("account.move", line["move_id"])
        if {"balance", "debit", "credit", "amount_currency"} & set(vals):
            raise Fault("UserError", "The entry is not balanced.")
        changes = dict(vals)
        if "account_id" in vals:
            refuse_if_locked(call, move)
            if line["matching_number"]:
                raise Fault("UserError", "You cannot do this modification on a reconciled journal entry.")
            account = call.rows("account.account", [vals["account_id"]])[0]
            left = account["reconcile"] or account["account_type"] == "asset_cash"
            for open_amount, whole in (("amount_residual", "balance"), ("amount_residual_currency", "amount_currency")):
                changes[open_amount] = line[whole] if left else 0 * line[whole]
        call.update("account.move.line", line, **changes)
    return True
