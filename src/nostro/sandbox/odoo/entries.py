"""Journal entries, whoever asked for them: written and posted, numbered and dated, and what they say after a match.

Odoo silently moves what is dated in a locked period, and gives a deleted document's number to the next one.
"""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from nostro.sandbox.odoo.call import Call, day
from nostro.sandbox.odoo.errors import Fault
from nostro.sandbox.odoo.tables import Row

SALES = frozenset({"out_invoice", "out_refund"})
SIDES = ("debit_move_id", "credit_move_id")
TERMS = frozenset({"asset_receivable", "liability_payable"})


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
    refuse_if_archived(account)
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


def add_taxes(call: Call, move: Row, lines: Sequence[Row]) -> None:
    """18 adds an account's default tax to entries too, and puts on suspense what does not balance then; 19 does not."""
    if call.version >= 19 or move["move_type"] != "entry" or call.context.get("skip_computed_taxes"):
        return
    taxed = [(line, call.row("account.account", line["account_id"])) for line in lines]
    taxed = [(line, account) for line, account in taxed if account.get("default_tax")]
    for line, account in taxed:
        vals = {"account_id": account["taxed_on"], "name": "Tax"}
        add_line(call, move, {**vals, "balance": line["balance"] * account["default_tax"] / 100})
    uneven = -sum((line["balance"] for line in call.lines(move)), Decimal(0))
    if taxed and uneven:
        suspense = call.row("res.company", move["company_id"])["suspense"]
        add_line(call, move, {"account_id": suspense, "name": "Automatic Balancing Line", "balance": uneven})


def post(call: Call, move: Row) -> None:
    """Post one draft."""
    if move["state"] != "draft":
        raise Fault("UserError", f"The entry {move['name']} (id {move['id']}) must be in draft.")
    if not call.lines(move):
        raise Fault("UserError", "You need to add a line before posting.")
    if move["move_type"] in SALES and not move["partner_id"]:
        raise Fault("UserError", "The 'Customer' field is required to validate the invoice.")
    for line in call.lines(move):
        refuse_if_archived(call.row("account.account", line["account_id"]))
    asked = (move["invoice_date"] or call.today) if move["move_type"] in SALES else move["date"]
    if move["move_type"] in SALES:
        call.update("account.move", move, invoice_date=asked)
    call.update("account.move", move, date=accounting_date(call, move, asked))
    name = move["name"] or take_name(call, move)
    changes: dict[str, Any] = {"state": "posted", "posted_before": True, "name": name}
    country = call.row("res.company", move["company_id"])["country_code"]
    if move["move_type"] == "out_invoice" and not move["payment_reference"] and country != "CH":
        changes["payment_reference"] = name
    call.update("account.move", move, **changes)
    refresh(call, move)


def refuse_if_archived(account: Row) -> None:
    """Raise UserError for an account that takes no entries any more: 18 calls it deprecated, 19 archived."""
    if account.get("archived"):
        raise Fault("UserError", f"The account {account['name']} ({account['code']}) is archived, you cannot use it.")


# Days and numbers


def locked_until(call: Call, move: Row) -> str:
    """The last locked day for this entry, or an empty string."""
    company = call.row("res.company", move["company_id"])
    dates = [company["fiscalyear_lock_date"], company["hard_lock_date"]]
    if move["move_type"] in SALES:
        dates.append(company["sale_lock_date"])
    return max((str(one) for one in dates if one), default="")


def refuse_if_locked(call: Call, move: Row) -> None:
    """Raise UserError when a posted entry lies in a locked period."""
    until = locked_until(call, move)
    if move["state"] == "posted" and move["date"] <= until:
        raise Fault(
            "UserError", f"You cannot add/modify entries prior to and inclusive of: Global Lock Date ({until})."
        )


def accounting_date(call: Call, move: Row, asked: str) -> str:
    """The day that an entry is really booked on: an asked day in a locked period is replaced without a word.

    It becomes the end of the first open month where numbers begin anew each month or none was given yet, else today.
    """
    until = locked_until(call, move)
    if asked > until:
        return asked
    first, today = day(until) + timedelta(days=1), call.now.date()
    monthly = _is_monthly(call, move) or not call.tables.numbers[_family(call, move)]
    if move["move_type"] in SALES:
        return min(today, _month_end(first) if monthly else date(first.year, 12, 31)).isoformat()
    if monthly:
        past = (today.year, today.month) > (first.year, first.month)
        return (_month_end(first) if past else max(first, today)).isoformat()
    return (date(first.year, 12, 31) if today.year > first.year else max(first, today)).isoformat()


def take_name(call: Call, move: Row) -> str:
    """The next number of the entry's journal, kind and period, such as INV/2026/00001."""
    family, (year, month, _) = _family(call, move), move["date"].split("-")
    code = family.partition("/")[2]
    monthly = _is_monthly(call, move)
    prefix = f"{code}/{year}/{month}/" if monthly else f"{code}/{year}/"
    number = call.tables.take_number(f"{move['journal_id']}:{prefix}")
    if not call.tables.numbers[family]:
        call.tables.take_number(family)
    return f"{prefix}{number:0{4 if monthly else 5}d}"


def free_name(call: Call, move: Row) -> None:
    """A deleted draft's number is given to the next document. Only the last one of its kind can go, unless forced."""
    if move["name"]:
        prefix, _, number = move["name"].rpartition("/")
        taken = f"{move['journal_id']}:{prefix}/"
        if int(number) < max(call.tables.numbers[taken]) and not call.context.get("force_delete"):
            raise Fault("UserError", "You cannot delete this entry: it is not the last one in the chain.")
        call.tables.free_number(taken, int(number))


def _family(call: Call, move: Row) -> str:
    """Journal and first part of the number: refunds and payments are counted apart."""
    code = call.row("account.journal", move["journal_id"])["code"]
    kind = "R" if move["move_type"] == "out_refund" else "P" if move["origin_payment_id"] else ""
    return f"{move['journal_id']}/{kind}{code}"


def _is_monthly(call: Call, move: Row) -> bool:
    return bool(call.row("account.journal", move["journal_id"])["type"] == "general")


def _month_end(first: date) -> date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


# What entries and payments say of themselves after a match


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
    kinds = {other["move_type"] for other in against}
    if move["move_type"] == "out_invoice":
        back = kinds in ({"out_refund"}, {"out_refund", "entry"})
    else:
        back = kinds == {"entry"}
    return "reversed" if back and not money else "paid"


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
    }
    if payment["state"] in {"in_process", "paid"}:
        states["state"] = "paid" if done else "in_process"
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
    return [line for line in call.lines(move) if accounts[line["account_id"]]["account_type"] in TERMS]


def partials_of(call: Call, line: Row) -> list[Row]:
    """The partial matches of a line."""
    return [partial for side in SIDES for partial in call.tables.by("account.partial.reconcile", side, line["id"])]


def _is_invoice(call: Call, ident: int) -> bool:
    return call.row("account.move", ident)["move_type"] in SALES
