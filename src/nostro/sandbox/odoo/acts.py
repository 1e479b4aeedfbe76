"""What people and Odoo's own modules do in the books: a key of `ACTS` with its wishes, and a row comes back."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from nostro.sandbox.odoo import matching, moves, payments
from nostro.sandbox.odoo.call import Call
from nostro.sandbox.odoo.entries import term_lines
from nostro.sandbox.odoo.tables import Row

Wish = Mapping[str, Any]


def _partner(call: Call, wish: Wish) -> Row:
    """`name` and any field of res.partner."""
    return call.insert("res.partner", {"active": True, "is_company": True, **wish})


def _invoice(call: Call, wish: Wish) -> Row:
    """`company` (name), `partner` (id), `amount`; if wanted `currency`, `date`, `due`, `ref`, `post` (default true)."""
    company = call.named("res.company", "name", wish["company"])
    scoped = _within(call, company["id"])
    code = wish.get("currency")
    line = {"name": wish.get("text", "Goods"), "quantity": 1, "price_unit": wish["amount"]}
    given = {
        "move_type": wish.get("kind", "out_invoice"),
        "partner_id": wish["partner"],
        "invoice_date": wish.get("date", call.today),
        "invoice_date_due": wish.get("due", call.today),
        "ref": wish.get("ref", False),
        "currency_id": call.currency(code) if code else company["currency_id"],
        "invoice_line_ids": [[0, 0, line]],
    }
    move = moves.create(scoped, given)
    if wish.get("post", True):
        moves.action_post(scoped, [move["id"]])
    return move


def _credit_note(call: Call, wish: Wish) -> Row:
    """A posted credit note over the whole of `invoice` (id), matched with it when it is still open."""
    move = call.row("account.move", wish["invoice"])
    scoped = _within(call, move["company_id"])
    made = moves.reverse(scoped, move, wish.get("date", call.today), wish.get("reason", "returned"))
    moves.action_post(scoped, [made["id"]])
    return made


def _match(call: Call, wish: Wish) -> Row:
    """Somebody matches by hand: the journal items `lines`, or `invoice` with what is open of `payment` (ids)."""
    if "lines" in wish:
        lines = call.rows("account.move.line", wish["lines"])
    else:
        entry = call.row("account.move", call.row("account.payment", wish["payment"])["move_id"])
        both = [*term_lines(call, call.row("account.move", wish["invoice"])), *term_lines(call, entry)]
        lines = [line for line in both if not line["reconciled"]]
    matching.reconcile(call, lines)
    return call.row("account.move", lines[0]["move_id"])


def _unmatch(call: Call, wish: Wish) -> Row:
    """Somebody undoes every match of `invoice`."""
    move = call.row("account.move", wish["invoice"])
    matching.unmatch(call, term_lines(call, move))
    return move


def _lock(call: Call, wish: Wish) -> Row:
    """Close `company` up to `date`; `kind` is `fiscalyear` unless told (`sale`, `hard`)."""
    company = call.named("res.company", "name", wish["company"])
    call.update("res.company", company, **{f"{wish.get('kind', 'fiscalyear')}_lock_date": wish["date"]})
    return company


def _archive_account(call: Call, wish: Wish) -> Row:
    """`account` (id) takes no entries any more, or again (`archived` false)."""
    account = call.row("account.account", wish["account"])
    call.update("account.account", account, archived=wish.get("archived", True))
    return account


def _default_tax(call: Call, wish: Wish) -> Row:
    """`account` (id) has a default tax of `percent`, on an account of its own."""
    account = call.row("account.account", wish["account"])
    told = {"code": "1576", "name": "Input tax", "account_type": "asset_current", "company_ids": account["company_ids"]}
    taxed_on = call.insert("account.account", told)["id"]
    call.update("account.account", account, default_tax=Decimal(str(wish["percent"])), taxed_on=taxed_on)
    return account


def _hide_company(call: Call, wish: Wish) -> Row:
    """The user `login` works in `company` no more."""
    user = call.named("res.users", "login", wish["login"])
    left = [one for one in user["company_ids"] if one != call.named("res.company", "name", wish["company"])["id"]]
    call.update("res.users", user, company_ids=left)
    return user


def _show_company(call: Call, wish: Wish) -> Row:
    """The user `login` works in `company` again."""
    user = call.named("res.users", "login", wish["login"])
    call.update(
        "res.users", user, company_ids=[*user["company_ids"], call.named("res.company", "name", wish["company"])["id"]]
    )
    return user


def _revoke_key(call: Call, wish: Wish) -> Row:
    """The key of the user `login` is removed, or expires."""
    user = call.named("res.users", "login", wish["login"])
    call.update("res.users", user, revoked=True)
    return user


def _hide_invoice(call: Call, wish: Wish) -> Row:
    """A record rule takes `invoice` out of the sight of the user `login`."""
    user = call.named("res.users", "login", wish["login"])
    call.update("res.users", user, hidden=[*user.get("hidden", ()), wish["invoice"]])
    return user


def _delete_invoice(call: Call, wish: Wish) -> Row:
    """Set `invoice` back to draft and delete it, by force; its number is given to the next one."""
    move = dict(call.row("account.move", wish["invoice"]))
    scoped = _within(call, move["company_id"], force_delete=True)
    if move["state"] == "posted":
        moves.button_draft(scoped, [move["id"]])
    moves.unlink(scoped, [move["id"]])
    return move


def _provider_payment(call: Call, wish: Wish) -> Row:
    """Odoo's payment provider registers what a card paid: `invoice`, `journal` (ids), `provider_reference`."""
    move = call.row("account.move", wish["invoice"])
    scoped = _within(call, move["company_id"])
    name, partner = move["name"], call.label("res.partner", move["partner_id"])
    who = f" - {partner}" if call.version < 19 else ""
    amount = wish.get("amount", move["amount_total"])
    told = {"reference": name, "provider_reference": wish["provider_reference"], "state": "done"}
    done = call.insert("payment.transaction", {**told, "amount": amount})
    # `payment.transaction._create_payment` asks nobody what is still open: it posts, then matches what is left.
    vals = {"memo": f"{name}{who} - {wish['provider_reference']}", "date": wish.get("date", call.today)}
    kept = {key: move[key] for key in ("partner_id", "currency_id")}
    payment = payments.create(
        scoped, {**vals, **kept, "journal_id": wish["journal"], "amount": amount, "invoice_ids": [move["id"]]}
    )
    payments.action_post(scoped, [payment["id"]])
    call.update("account.move", move, matched_payment_ids=[payment["id"], *move["matched_payment_ids"]])
    lines = [*term_lines(call, move), *term_lines(call, call.row("account.move", payment["move_id"]))]
    if any(line["move_id"] == move["id"] and not line["reconciled"] for line in lines):
        matching.reconcile(call, [line for line in lines if not line["reconciled"]])
    call.update("account.payment", payment, payment_transaction_id=done["id"])
    call.update("account.move", move, transaction_ids=[*move["transaction_ids"], done["id"]])
    return payment


def _rate(call: Call, wish: Wish) -> Row:
    """A rate of `company`: one unit of its currency buys `rate` of `currency` from `date` on."""
    told = {
        "name": wish.get("date", call.today),
        "company_id": call.named("res.company", "name", wish["company"])["id"],
    }
    rate = {"currency_id": call.currency(wish["currency"]), "rate": Decimal(str(wish["rate"]))}
    return call.insert("res.currency.rate", {**told, **rate})


def _parameter(call: Call, wish: Wish) -> Row:
    """A system parameter changes: `key` `database.uuid` when the database was copied, `database.is_neutralized`."""
    for row in call.tables.of("ir.config_parameter").values():
        if row["key"] == wish["key"]:
            call.update("ir.config_parameter", row, value=wish["value"])
            return row
    return call.insert("ir.config_parameter", wish)


ACTS: Final[Mapping[str, Callable[[Call, Wish], Row]]] = {
    "partner": _partner,
    "invoice": _invoice,
    "credit_note": _credit_note,
    "match": _match,
    "unmatch": _unmatch,
    "lock": _lock,
    "archive_account": _archive_account,
    "default_tax": _default_tax,
    "hide_company": _hide_company,
    "show_company": _show_company,
    "hide_invoice": _hide_invoice,
    "revoke_key": _revoke_key,
    "delete_invoice": _delete_invoice,
    "provider_payment": _provider_payment,
    "rate": _rate,
    "parameter": _parameter,
}


def _within(call: Call, company: int, **context: object) -> Call:
    """The same database transaction, working in one company."""
    return Call(call.tables, call.user, call.uid, call.version, call.now, {"allowed_company_ids": [company], **context})
