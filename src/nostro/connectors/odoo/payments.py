"""Customer payments at Odoo: registered once, or adopted where Odoo's own provider was first."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from nostro.connectors.kit.dialogue import Seen, answered, asked, ensure, ready, unfinished
from nostro.connectors.kit.manifest import Order
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.matching import row_of
from nostro.connectors.odoo.wire import Row, in_company, label, money, ref, say, search
from nostro.model.calls import Act, Exchange, Message
from nostro.model.failures import FailureKind
from nostro.model.intents import RegisterCustomerPayment
from nostro.model.money import plain
from nostro.model.outcomes import Outcome, done, failed

_FIELDS = """name memo amount currency_id amount_company_currency_signed date state move_id journal_id company_id
is_reconciled create_date"""
_INVOICE = "name state move_type company_id currency_id partner_id amount_residual"
_GONE = ("draft", "canceled", "rejected")


def register(order: Order, _: OdooConfig) -> Exchange[Outcome]:
    """Register the payment with the wizard: it creates, posts and matches in one database transaction.

    The wizard itself is transient and made by an Ask. Running one twice would post a second full payment, so a lost
    reply is answered by a look-up of our id in `memo`, and only then by a wizard made anew. Where the invoice has
    nothing open (a double payment) the money is booked on the customer, unmatched, and the outcome says `open`.
    """
    intent, name = order.intent, order.correlation
    assert isinstance(intent, RegisterCustomerPayment)

    def look_up(_: Sequence[str]) -> Exchange[Seen[Row]]:
        reply = yield from asked(search("account.payment", _memo_domain(intent, name), _FIELDS, order="id"))
        return Seen(reply, _chosen(reply.content, intent, name) if reply.ok else {})

    def posted(names: Sequence[str]) -> Exchange[Seen[Row]]:
        seen = yield from look_up(names)
        return Seen(seen.reply, {key: row for key, row in seen.there.items() if row["state"] != "draft"})

    settled = yield from ensure([name], look_up, lambda _: _first_act(intent, name))
    if name in settled.ended:
        return settled.ended[name]
    payment = settled.there[name]
    if payment["state"] == "draft":
        context = in_company(ref(payment["company_id"]))
        post = Act(say("account.payment", "action_post", ids=[payment["id"]], context=context), name)
        done_ = yield from ensure([name], posted, ready(lambda _: post))
        if name in done_.ended:
            return done_.ended[name]
        payment = done_.there[name]
    return (yield from _outcome(payment, intent, adopted=name not in settled.sent))


def _memo_domain(intent: RegisterCustomerPayment, name: str) -> list[Any]:
    ours = ["memo", "=like", f"%{name}"]
    return ["|", ours, ["memo", "=like", f"%- {intent.provider_reference}"]] if intent.provider_reference else [ours]


def _chosen(rows: Sequence[Row], intent: RegisterCustomerPayment, name: str) -> dict[str, Row]:
    """Ours in any state: what a person cancelled is not done again. Else what Odoo's provider registered and stands."""
    for row in rows:
        if str(row["memo"]).endswith(name):
            return {name: row}
    for row in rows:
        if row["state"] not in _GONE and str(row["memo"]).endswith(f"- {intent.provider_reference}"):
            return {name: row}
    return {}


def _first_act(intent: RegisterCustomerPayment, name: str) -> Exchange[Act | Outcome]:
    invoice = yield from row_of("account.move", intent.move_id, _INVOICE)
    if invoice["state"] != "posted":  # the wizard would take a draft, and match nothing
        return failed(FailureKind.CONFLICT, "The invoice is not posted any more.")
    currencies = yield from answered(search("res.currency", [["name", "=", intent.amount.currency]], "name"))
    if not currencies:
        return failed(FailureKind.NOT_FOUND, f"Odoo has no active currency {intent.amount.currency}.")
    vals = {
        "journal_id": intent.journal,
        "amount": abs(intent.amount.value),
        "currency_id": currencies[0]["id"],
    }
    memo = f"{intent.memo} {name}"
    if invoice["amount_residual"] and (intent.amount.minor > 0 or invoice["move_type"] == "out_refund"):
        return (yield from _wizard(intent, invoice, {**vals, "communication": memo}, name))
    vals |= {"payment_type": "inbound" if intent.amount.minor > 0 else "outbound", "partner_type": "customer"}
    vals |= {"partner_id": ref(invoice["partner_id"]), "date": intent.paid_on.isoformat(), "memo": memo}
    context = in_company(ref(invoice["company_id"]))
    return Act(say("account.payment", "create", vals_list=[vals], context=context), name)


def _wizard(intent: RegisterCustomerPayment, invoice: Row, vals: dict[str, Any], name: str) -> Exchange[Act | Outcome]:
    """Make the wizard and say what to do with it. Its id is another one each time, so it stays out of the digest."""
    model = "account.payment.register"
    about = {"active_model": "account.move", "active_ids": [intent.move_id]}
    context = in_company(ref(invoice["company_id"]), **about)
    vals = {**vals, "payment_date": intent.paid_on.isoformat()}
    reply = yield from asked(say(model, "create", vals_list=[vals], context=context))
    if reply.failure:
        return unfinished(reply)
    body = {"context": {**context, "nostro": name}}
    return Act(Message(f"{model}/action_create_payments", body, passing={"ids": reply.content}), name)


def _outcome(payment: Row, intent: RegisterCustomerPayment, *, adopted: bool) -> Exchange[Outcome]:
    """The day is that of the payment's move: in a locked period the payment itself keeps the day asked for.

    The wizard matches in the transaction that creates: that second is the invoice's `write_date` too, whatever is
    done to either of them meanwhile.
    """
    move = yield from row_of("account.move", ref(payment["move_id"]), "date") if payment["move_id"] else _nothing()
    amount = money(payment["amount"], label(payment["currency_id"]))
    notes = {"company_amount": plain(abs(Decimal(payment["amount_company_currency_signed"])))}
    notes |= {"written_at": payment["create_date"]}
    notes |= {"date": move["date"]} if move and move["date"] != intent.paid_on.isoformat() else {}
    notes |= {"amount": str(amount)} if amount.value != abs(intent.amount.value) else {}
    journal = ref(payment["journal_id"])
    notes |= {"journal": str(journal)} if journal != intent.journal else {}
    notes |= {} if payment["is_reconciled"] else {"open": "yes"}
    notes |= {"state": payment["state"]} if payment["state"] in _GONE else {}
    return done(adopted=adopted, payment=payment["id"], move=ref(payment["move_id"]), notes=notes)


def _nothing() -> Exchange[Row]:
    yield from ()
    return {}
