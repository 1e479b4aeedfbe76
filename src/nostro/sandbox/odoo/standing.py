"""What entries and payments say of themselves after a match: open amounts, payment states, matched or not."""

from collections.abc import Iterable
from decimal import Decimal

from nostro.sandbox.odoo.call import Call
from nostro.sandbox.odoo.numbering import SALES
from nostro.sandbox.odoo.tables import Row

SIDES = ("debit_move_id", "credit_move_id")
_TERMS = frozenset({"asset_receivable", "liability_payable"})


def refresh_all(call: Call, lines: Iterable[Row]) -> None:
    """Let the entries of these lines, and the payments beside them, say what is open now."""
    ids = {line["move_id"] for line in lines}
    ids |= {
        call.row("account.move.line", p[s])["move_id"] for one in lines for p in partials_of(call, one) for s in SIDES
    }
    touched = [call.row("account.move", ident) for ident in sorted(ids)]
    for move in touched:
        refresh(call, move)
    for move in touched:
        for payment in payments_of(call, move):
            refresh_payment(call, payment)


def refresh(call: Call, move: Row) -> None:
    """Total, open amount and payment state of an entry, from its lines."""
    terms = term_lines(call, move)
    sign = 1 if move["move_type"] == "out_invoice" else -1
    total = sum((line["amount_currency"] for line in terms), Decimal(0)) * sign
    left = sum((line["amount_residual_currency"] for line in terms), Decimal(0)) * sign
    changes = {
        "amount_total": total,
        "amount_untaxed": total,
        "amount_residual": left,
        "amount_total_signed": sum((line["balance"] for line in terms), Decimal(0)),
        "amount_residual_signed": sum((line["amount_residual"] for line in terms), Decimal(0)),
    }
    if move["move_type"] not in SALES:
        debit = sum((line["balance"] for line in call.lines(move) if line["balance"] > 0), Decimal(0))
        changes |= {"amount_total": debit, "amount_untaxed": debit, "amount_residual": Decimal(0)}
    call.update("account.move", move, **changes, payment_state=_payment_state(call, move, terms))


def _payment_state(call: Call, move: Row, terms: list[Row]) -> str:
    if move["move_type"] not in SALES or (move["state"] != "posted" and call.version < 19):
        return "not_paid"
    others = set()
    for line in terms:
        for partial in partials_of(call, line):
            ident = partial["credit_move_id" if partial["debit_move_id"] == line["id"] else "debit_move_id"]
            others.add(call.row("account.move.line", ident)["move_id"])
    left = any(line["amount_residual_currency"] for line in terms)
    if not others:
        return "paid" if move["state"] == "posted" and not left else "not_paid"
    if left:
        return "partial"
    against = [call.row("account.move", ident) for ident in others]
    money = any(other["origin_payment_id"] or other["statement_line_id"] for other in against)
    if move["move_type"] == "out_invoice" and not money:
        kinds = {other["move_type"] for other in against}
        return "reversed" if kinds in ({"out_refund"}, {"out_refund", "entry"}) else "paid"
    return "paid"


def payments_of(call: Call, move: Row) -> list[Row]:
    """The payment that this entry is, and those that were registered for this invoice."""
    own = [move["origin_payment_id"]] if move["origin_payment_id"] else []
    return [call.row("account.payment", ident) for ident in [*own, *move["matched_payment_ids"]]]


def refresh_payment(call: Call, payment: Row) -> None:
    """Whether a payment is matched with the bank (`is_matched`) and with what it pays (`is_reconciled`)."""
    move = call.row("account.move", payment["move_id"])
    liquid = [line for line in call.lines(move) if line["account_id"] == payment["outstanding_account_id"]]
    rest = [line for line in call.lines(move) if line["account_id"] == payment["destination_account_id"]]
    matched = not any(line["amount_residual"] for line in liquid)
    invoices = invoices_of(call, payment, rest)
    counted = invoices if call.version >= 19 else payment["invoice_ids"]
    done = matched or (counted and all(call.row("account.move", i)["payment_state"] == "paid" for i in counted))
    states = {
        "amount_company_currency_signed": sum((line["balance"] for line in liquid), Decimal(0)),
        "is_matched": matched,
        "is_reconciled": not any(line["amount_residual_currency"] for line in rest),
        "reconciled_invoice_ids": invoices,
        "state": "paid" if done else "in_process",
    }
    call.update("account.payment", payment, **states)


def invoices_of(call: Call, payment: Row, lines: Iterable[Row]) -> list[int]:
    """Invoices that the payment was registered for (also when that match was undone) or is matched with."""
    found = set(payment["invoice_ids"])
    for line in lines:
        for partial in partials_of(call, line):
            found |= {call.row("account.move.line", partial[side])["move_id"] for side in SIDES}
    return sorted(i for i in found if i in call.tables.of("account.move") and _is_invoice(call, i))


def term_lines(call: Call, move: Row) -> list[Row]:
    """The receivable and payable lines of an entry."""
    accounts = call.tables.of("account.account")
    return [line for line in call.lines(move) if accounts[line["account_id"]]["account_type"] in _TERMS]


def partials_of(call: Call, line: Row) -> list[Row]:
    """The partial matches of a line."""
    return [partial for side in SIDES for partial in call.tables.by("account.partial.reconcile", side, line["id"])]


def _is_invoice(call: Call, ident: int) -> bool:
    return call.row("account.move", ident)["move_type"] in SALES
