"""Writing and posting journal entries, whoever asked for them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nostro.sandbox.odoo.call import Call
from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.numbering import SALES, accounting_date, take_name
from nostro.sandbox.odoo.standing import refresh
from nostro.sandbox.odoo.tables import Row


def begin(call: Call, journal: Row, told: Mapping[str, Any]) -> Row:
    """An empty draft in a journal and its company, in the journal's currency, unless told otherwise."""
    company = journal["company_id"]
    currency = journal["currency_id"] or call.currency_of(company)
    blank = {"move_type": "entry", "state": "draft", "payment_state": "not_paid", "date": call.today}
    where = {"journal_id": journal["id"], "company_id": company, "currency_id": currency}
    return call.insert("account.move", {**blank, **where, **told})


def add_line(call: Call, move: Row, vals: Mapping[str, Any]) -> Row:
    """A line with both its amounts; what is not given is worked out by Odoo's own rate of the entry's day."""
    own = call.currency_of(move["company_id"])
    currency = vals.get("currency_id") or own
    account = call.rows("account.account", [vals["account_id"]])[0]
    balance = vals.get("balance")
    if balance is None and ("debit" in vals or "credit" in vals):
        balance = Decimal(str(vals.get("debit") or 0)) - Decimal(str(vals.get("credit") or 0))
    foreign = vals.get("amount_currency")
    if balance is None:
        foreign = call.rounded(foreign, currency)
        balance = call.convert(foreign, currency, own, move["company_id"], move["date"])
    balance = call.rounded(balance, own)
    if foreign is None or currency == own:
        foreign = call.convert(balance, own, currency, move["company_id"], move["date"])
    foreign = call.rounded(foreign, currency)
    open_account = account["reconcile"] or account["account_type"] == "asset_cash"
    amounts = {"balance": balance, "amount_currency": foreign, "currency_id": currency}
    left = {"amount_residual": balance, "amount_residual_currency": foreign} if open_account else {}
    kept = {key: value for key, value in vals.items() if key not in {"debit", "credit"}}
    return call.insert("account.move.line", {**kept, "move_id": move["id"], **amounts, **left})


def post(call: Call, move: Row) -> None:
    """Post one draft."""
    if move["state"] != "draft":
        raise Fault("UserError", f"The entry {move['name']} (id {move['id']}) must be in draft.")
    if not call.lines(move):
        raise Fault("UserError", "You need to add a line before posting.")
    if move["move_type"] in SALES and not move["partner_id"]:
        raise Fault("UserError", "The 'Customer' field is required to validate the invoice.")
    asked = (move["invoice_date"] or call.today) if move["move_type"] in SALES else move["date"]
    if move["move_type"] in SALES:
        call.update("account.move", move, invoice_date=asked)
    call.update("account.move", move, date=accounting_date(call, move, asked))
    name = move["name"] or take_name(call, move)
    changes: dict[str, Any] = {"state": "posted", "name": name}
    country = call.row("res.company", move["company_id"])["country_code"]
    if move["move_type"] == "out_invoice" and not move["payment_reference"] and country != "CH":
        changes["payment_reference"] = name
    call.update("account.move", move, **changes)
    refresh(call, move)
