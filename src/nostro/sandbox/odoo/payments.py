"""Payments, and the wizard that registers one on an invoice: create, post and match in one database transaction."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from nostro.sandbox.odoo import matching, moves
from nostro.sandbox.odoo.call import Call, checked
from nostro.sandbox.odoo.entries import accounting_date, add_line, begin, post, refresh_payment, term_lines
from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.tables import Row

_WAY = "account.payment.method.line"
_NOTHING_LEFT = {
    18: "You can't register a payment because there is nothing left to pay on the selected journal items.",
    19: "There's nothing left to pay for the selected journal items, so no payment registration is necessary. "
    "You've got your finances under control like a boss!",
}


def create(call: Call, vals: Mapping[str, Any]) -> Row:
    """A draft payment without journal entry."""
    vals = checked("account.payment", vals, required=("journal_id",))
    journal = call.rows("account.journal", [vals["journal_id"]])[0]
    company = call.row("res.company", journal["company_id"])
    currency = vals.get("currency_id") or journal["currency_id"] or company["currency_id"]
    amount = call.rounded(vals.get("amount"), currency)
    if amount < 0:
        raise Fault("ValidationError", "The operation cannot be completed: The payment amount cannot be negative.")
    inbound = vals.get("payment_type", "inbound") == "inbound"
    ways = call.rows(_WAY, journal[f"{'in' if inbound else 'out'}bound_payment_method_line_ids"])
    first = min(ways, key=lambda way: (way["sequence"], way["id"]))
    way = call.row(_WAY, vals.get("payment_method_line_id") or first["id"])
    fallback = company["outstanding_receipts" if inbound else "outstanding_payments"]
    told = {
        "payment_type": "inbound" if inbound else "outbound",
        "partner_type": vals.get("partner_type", "customer"),
        "state": "draft",
        "date": vals.get("date") or call.today,
        "amount": amount,
        "currency_id": currency,
        "company_id": company["id"],
        "payment_method_line_id": way["id"],
        "outstanding_account_id": way["payment_account_id"] or fallback,
        "destination_account_id": company["receivable"],
    }
    return call.insert("account.payment", {**vals, **told})


def action_post(call: Call, ids: Sequence[int]) -> None:
    """Post drafts; they stay open on the receivable account until somebody matches them.

    One that is posted or cancelled is left as it is, without a word.
    """
    for payment in call.rows("account.payment", ids):
        if payment["state"] == "draft" and payment["move_id"]:
            post(call, call.row("account.move", payment["move_id"]))
            call.update("account.payment", payment, state="in_process")
            refresh_payment(call, payment)
        elif payment["state"] == "draft":
            post_payment(call, payment)


def action_draft(call: Call, ids: Sequence[int]) -> None:
    """Set back to draft; the entry stays, as a draft too."""
    for payment in call.rows("account.payment", ids):
        if payment["move_id"]:
            moves.button_draft(call, [payment["move_id"]])
        call.update("account.payment", payment, state="draft")


def action_cancel(call: Call, ids: Sequence[int]) -> None:
    """Cancel: the entry of a posted one is cancelled too, a draft entry is deleted."""
    for payment in call.rows("account.payment", ids):
        entry = call.tables.of("account.move").get(payment["move_id"])
        if entry and entry["state"] == "draft":
            moves.unlink(call, [entry["id"]])
            call.update("account.payment", payment, move_id=False)
        elif entry:
            moves.button_cancel(call, [entry["id"]])
        call.update("account.payment", payment, state="canceled")


def unlink(call: Call, ids: Sequence[int]) -> bool:
    """Delete drafts and what is cancelled, with their entries; a posted one is refused."""
    for payment in call.rows("account.payment", ids):
        if payment["state"] not in {"draft", "canceled"}:
            text = "A payment with an outstanding account cannot be confirmed without having a journal entry."
            raise Fault("ValidationError", text)
        if payment["move_id"]:
            moves.unlink(call, [payment["move_id"]])
        for move in call.tables.of("account.move").values():
            if payment["id"] in move["matched_payment_ids"]:
                left = [ident for ident in move["matched_payment_ids"] if ident != payment["id"]]
                call.update("account.move", move, matched_payment_ids=left)
        call.tables.delete("account.payment", payment)
    return True


def post_payment(call: Call, payment: Row, difference: tuple[Decimal, int, str] | None = None) -> None:
    """Its journal entry: outstanding account against receivable. `difference` (amount, account, label) is written off.

    The payment keeps the day asked for; its entry's day moves on when the period is locked.
    """
    sign = 1 if payment["payment_type"] == "inbound" else -1
    same = {key: payment[key] for key in ("currency_id", "partner_id")}
    journal = call.row("account.journal", payment["journal_id"])
    move = begin(call, journal, {**same, "ref": payment["memo"], "origin_payment_id": payment["id"]})
    call.update("account.move", move, date=accounting_date(call, move, payment["date"]))
    way = call.row(_WAY, payment["payment_method_line_id"])["name"]
    label = f"{way}: {payment['memo']}" if payment["memo"] else way
    off, account, reason = difference or (Decimal(0), 0, "")
    parts = [
        (payment["outstanding_account_id"], sign * payment["amount"], label),
        (payment["destination_account_id"], -sign * (payment["amount"] + off), label),
        (account, sign * off, reason),
    ]
    company, own = payment["company_id"], call.currency_of(payment["company_id"])
    balances = [call.convert(part[1], payment["currency_id"], own, company, payment["date"]) for part in parts]
    balances[1] = -(balances[0] + balances[2])
    for (where, amount, name), balance in zip(parts, balances, strict=True):
        if where:
            amounts = {"amount_currency": amount, "balance": balance}
            add_line(call, move, {**same, **amounts, "account_id": where, "name": name})
    post(call, move)
    call.update("account.payment", payment, move_id=move["id"], name=move["name"], state="in_process")
    refresh_payment(call, payment)


def write(call: Call, ids: Sequence[int], vals: Mapping[str, Any]) -> bool:
    """Of a posted payment 18 lets only the memo change. 19 takes anything, but only the memo reaches the entry."""
    vals = checked("account.payment", vals)
    for payment in call.rows("account.payment", ids):
        if call.version < 19 and payment["move_id"] and set(vals) - {"memo"}:
            raise Fault("UserError", "You cannot modify a posted payment.")
        amount = {"amount": call.rounded(vals["amount"], payment["currency_id"])} if "amount" in vals else {}
        call.update("account.payment", payment, **{**vals, **amount})
        if payment["move_id"] and "memo" in vals and call.version >= 19:
            call.update("account.move", call.row("account.move", payment["move_id"]), ref=vals["memo"])
    return True


# The wizard


def create_wizard(call: Call, vals: Mapping[str, Any]) -> Row:
    """Look at what is open on the context's invoices; the only place where "nothing left to pay" is said."""
    vals = checked("account.payment.register", vals, required=("journal_id",))
    active, ids = call.context.get("active_model"), call.context.get("active_ids") or []
    if active not in {"account.move", "account.move.line"} or not ids:
        text = "The register payment wizard should only be called on account.move or account.move.line records."
        raise Fault("UserError", text)
    rows = call.rows(active, ids)
    lines = rows if active == "account.move.line" else [line for move in rows for line in term_lines(call, move)]
    lines = [line for line in lines if line["amount_residual_currency"]]
    if not lines:
        raise Fault("UserError", _NOTHING_LEFT[call.version])
    journal = call.rows("account.journal", [vals["journal_id"]])[0]
    currency = vals.get("currency_id") or lines[0]["currency_id"]
    day = vals.get("payment_date") or call.today
    company = journal["company_id"]
    left = _left(call, lines, currency, company, day)
    amount = abs(left) if vals.get("amount") is None else call.rounded(vals["amount"], currency)
    kept = {"line_ids": [line["id"] for line in lines], "currency_id": currency, "payment_date": day}
    kept["can_edit_wizard"] = len({line["account_id"] for line in lines}) == 1
    return call.insert("account.payment.register", {**vals, **kept, "amount": amount})


def action_create_payments(call: Call, ids: Sequence[int]) -> dict[str, Any]:
    """One payment, posted and matched, whatever became of the invoice since: called twice it pays twice.

    Where lines stand on several accounts it is one for each, over all that is open; amount and memo count for nothing.
    """
    wizard = call.rows("account.payment.register", ids)[0]
    lines = call.rows("account.move.line", wizard["line_ids"])
    view = {"name": "Payments", "type": "ir.actions.act_window", "res_model": "account.payment", "view_mode": "form"}
    action = {**view, "context": {"create": False}}
    if wizard["can_edit_wizard"]:
        return {**action, "res_id": _register(call, wizard, lines, {key: wizard[key] for key in _EDITED})["id"]}
    made = []
    for account in dict.fromkeys(line["account_id"] for line in lines):
        those = [line for line in lines if line["account_id"] == account]
        amount = abs(sum((line["amount_residual_currency"] for line in those), Decimal(0)))
        told = {"amount": amount, "currency_id": those[0]["currency_id"], "communication": False}
        made.append(_register(call, wizard, those, told)["id"])
    return {**action, "domain": [["id", "in", made]]}


_EDITED = ("amount", "currency_id", "communication")


def _register(call: Call, wizard: Row, lines: Sequence[Row], told: Mapping[str, Any]) -> Row:
    invoices = sorted({line["move_id"] for line in lines})
    vals = {
        "payment_type": "inbound" if lines[0]["balance"] > 0 else "outbound",
        "partner_id": lines[0]["partner_id"],
        "date": wizard["payment_date"],
        "memo": told["communication"] or call.row("account.move", invoices[0])["name"],
        "invoice_ids": invoices,
        "journal_id": wizard["journal_id"],
    }
    payment = create(call, {**vals, "amount": told["amount"], "currency_id": told["currency_id"]})
    call.update("account.payment", payment, destination_account_id=lines[0]["account_id"])
    for ident in invoices:
        move = call.row("account.move", ident)
        call.update("account.move", move, matched_payment_ids=[payment["id"], *move["matched_payment_ids"]])
    left = abs(_left(call, lines, payment["currency_id"], payment["company_id"], payment["date"]))
    off = None
    if wizard["payment_difference_handling"] == "reconcile" and left:
        off = (left - payment["amount"], wizard["writeoff_account_id"], wizard["writeoff_label"])
    post_payment(call, payment, off)
    if all(call.row("account.move", ident)["state"] == "posted" for ident in invoices):
        entry = term_lines(call, call.row("account.move", payment["move_id"]))
        matching.reconcile(call, [line for line in [*lines, *entry] if not line["reconciled"]])
    return payment


def _left(call: Call, lines: Sequence[Row], currency: int, company: int, day: str) -> Decimal:
    """What is open of the lines, in the payment's currency at Odoo's rate of the day."""
    open_amounts = ((line["amount_residual_currency"], line["currency_id"]) for line in lines)
    return sum((call.convert(left, own, currency, company, day) for left, own in open_amounts), Decimal(0))
