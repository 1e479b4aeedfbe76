"""Customer payments at Odoo: registered once, or adopted where Odoo's own provider was first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nostro.connectors.kit.dialogue import Seen, Settled, answered, asked, ensure, ready, unfinished
from nostro.connectors.kit.manifest import Order
from nostro.connectors.odoo.config import OdooConfig
from nostro.connectors.odoo.drafts import MADE, changed_by_somebody, left_as_draft, taken_back, unposted, untouched
from nostro.connectors.odoo.matching import row_of
from nostro.connectors.odoo.wire import Row, in_company, label, money, ref, say, search
from nostro.model.calls import Act, Exchange, Message
from nostro.model.failures import FailureKind
from nostro.model.intents import RegisterCustomerPayment
from nostro.model.money import plain
from nostro.model.outcomes import Outcome, done, failed

_MODEL = "account.payment"
_FIELDS = f"""name memo amount currency_id amount_company_currency_signed date state move_id journal_id company_id
is_reconciled partner_id payment_type partner_type {MADE}"""
_INVOICE = "name state move_type company_id currency_id partner_id amount_residual"
_CANCELLED = ("canceled", "rejected")
_GONE = ("draft", *_CANCELLED)
_SEVERAL = (
    "What is open of the invoice stands on several accounts: Odoo would make a payment for each, over all of it, and "
    "not the one that is meant. Register it there by hand."
)


def register(order: Order, _: OdooConfig) -> Exchange[Outcome]:
    """Register the payment with the wizard: it creates, posts and matches in one database transaction.

    The wizard itself is transient and made by an Ask. Running one twice would post a second full payment, so a lost
    reply is answered by a look-up of our id in `memo`, and only then by a wizard made anew. Where the invoice has
    nothing open (a double payment) the money is booked on the customer, unmatched, and the outcome says `open`.
    """
    intent, name = order.intent, order.correlation
    assert isinstance(intent, RegisterCustomerPayment)

    payments = _Payments(order, intent)
    settled = yield from ensure([name], payments.look_up, payments.first_act)
    if name in settled.there and name not in settled.sent and unposted(settled.there[name]):
        ended = yield from payments.set_right(settled.there[name])
        settled = (
            yield from ensure([name], payments.look_up, payments.first_act) if ended is None else _ended(name, ended)
        )
    if name in settled.ended:
        return settled.ended[name]
    payment = settled.there[name]
    if unposted(payment):
        posted = yield from ensure([name], payments.look_up_posted, ready(lambda _: _act("action_post", payment, name)))
        if name in posted.ended:
            return left_as_draft(_MODEL, payment["id"], posted.ended[name])
        payment = posted.there[name]
    return (yield from _outcome(payment, intent, adopted=name not in settled.sent))


@dataclass(frozen=True, slots=True)
class _Payments:
    """The payments of one order at Odoo."""

    order: Order
    intent: RegisterCustomerPayment

    def look_up(self, names: Sequence[str]) -> Exchange[Seen[Row]]:
        """Ours, or what Odoo's provider registered."""
        domain = _memo_domain(self.order.ids, self.intent)
        reply = yield from asked(search(_MODEL, domain, _FIELDS, order="id"))
        return Seen(reply, dict.fromkeys(names, row) if reply.ok and (row := self._chosen(reply.content)) else {})

    def look_up_posted(self, names: Sequence[str]) -> Exchange[Seen[Row]]:
        """The same, once it is posted."""
        seen = yield from self.look_up(names)
        return Seen(seen.reply, {name: row for name, row in seen.there.items() if not unposted(row)})

    def _chosen(self, rows: Sequence[Row]) -> Row | None:
        """Ours in any state: what a person cancelled is not done again; of an earlier try, what isn't cancelled, and
        rather what is posted. Else what Odoo's provider registered and stands.
        """
        ours = [row for row in rows if str(row["memo"]).endswith(self.order.correlation)]
        before = [row for row in rows if str(row["memo"]).endswith(self.order.ids) and row["state"] not in _CANCELLED]
        told = f"- {self.intent.provider_reference}"
        theirs = [row for row in rows if row["state"] not in _GONE and str(row["memo"]).endswith(told)]
        return next(iter([*(row for row in before if not unposted(row)), *ours, *before, *theirs]), None)

    def first_act(self, _: Sequence[str]) -> Exchange[Act | Outcome]:
        """The wizard where something is open, else a draft."""
        intent, name = self.intent, self.order.correlation
        meant = yield from _meant(intent, name)
        if isinstance(meant, Outcome):
            return meant
        invoice, vals = meant
        if _pays(intent, invoice):
            return (yield from _wizard(intent, invoice, vals, name))
        return Act(say(_MODEL, "create", vals_list=[vals], context=in_company(ref(invoice["company_id"]))), name)

    def set_right(self, draft: Row) -> Exchange[Outcome | None]:
        """Take a draft away that doesn't say any more what we mean, if it is ours alone; how it ended, if it did."""
        name = self.order.correlation
        meant = yield from _meant(self.intent, name)
        if isinstance(meant, Outcome):
            return left_as_draft(_MODEL, draft["id"], meant)
        invoice, vals = meant
        right, ours_alone = _says(draft, vals), untouched(draft)
        this_try = str(draft["memo"]).endswith(name)
        if (right and not _pays(self.intent, invoice)) or (ours_alone and this_try) or (right and not ours_alone):
            return None
        if not ours_alone:
            return changed_by_somebody(_MODEL, draft["id"])

        def gone(_: Sequence[str]) -> Exchange[Seen[Row]]:
            reply = yield from asked(search(_MODEL, [["id", "=", draft["id"]]], _FIELDS))
            standing = reply.ok and any(row["state"] not in _CANCELLED for row in reply.content)
            return Seen(reply, {} if standing else {name: draft})

        taken = yield from ensure([name], gone, ready(lambda _: _act("action_cancel", draft, name)))
        return left_as_draft(_MODEL, draft["id"], taken.ended[name]) if name in taken.ended else None


def _act(method: str, payment: Row, name: str) -> Act:
    return Act(say(_MODEL, method, ids=[payment["id"]], context=in_company(ref(payment["company_id"]))), name)


def _memo_domain(ids: Sequence[str], intent: RegisterCustomerPayment) -> list[Any]:
    ends = [*ids, *([f"- {intent.provider_reference}"] if intent.provider_reference else [])]
    return ["|"] * (len(ends) - 1) + [["memo", "=like", f"%{end}"] for end in ends]


def _meant(intent: RegisterCustomerPayment, name: str) -> Exchange[tuple[Row, dict[str, Any]] | Outcome]:
    """The invoice, and the payment as we would write it beside it."""
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
    vals |= {"payment_type": "inbound" if intent.amount.minor > 0 else "outbound", "partner_type": "customer"}
    vals |= {"partner_id": ref(invoice["partner_id"]), "date": intent.paid_on.isoformat()}
    return invoice, vals | {"memo": f"{intent.memo} {name}"}


def _pays(intent: RegisterCustomerPayment, invoice: Row) -> bool:
    """Whether there is something open that the wizard pays."""
    return bool(invoice["amount_residual"]) and (intent.amount.minor > 0 or invoice["move_type"] == "out_refund")


def _says(payment: Row, vals: dict[str, Any]) -> bool:
    """Whether a draft says what we would write, whichever try's id it carries."""
    references = all(ref(payment[name]) == vals[name] for name in ("journal_id", "currency_id", "partner_id"))
    same = all(payment[name] == vals[name] for name in ("payment_type", "partner_type", "date"))
    return references and same and round(Decimal(str(payment["amount"])), 6) == vals["amount"]


def _wizard(intent: RegisterCustomerPayment, invoice: Row, vals: dict[str, Any], name: str) -> Exchange[Act | Outcome]:
    """Make the wizard and say what to do with it. Its id is another one each time, so it stays out of the digest.

    One that can't be edited takes neither our amount nor our memo.
    """
    model = "account.payment.register"
    about = {"active_model": "account.move", "active_ids": [intent.move_id]}
    context = in_company(ref(invoice["company_id"]), **about)
    same = {name: vals[name] for name in ("journal_id", "amount", "currency_id")}
    vals = {**same, "communication": vals["memo"], "payment_date": vals["date"]}
    reply = yield from asked(say(model, "create", vals_list=[vals], context=context))
    if reply.failure:
        return unfinished(reply)
    made = yield from answered(say(model, "read", ids=reply.content, fields=["can_edit_wizard"], context=context))
    if any(not row["can_edit_wizard"] for row in made):
        return failed(FailureKind.CONFLICT, _SEVERAL)
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
    notes |= taken_back(payment)
    return done(adopted=adopted, payment=payment["id"], move=ref(payment["move_id"]), notes=notes)


def _ended(name: str, outcome: Outcome) -> Exchange[Settled[Row]]:
    yield from ()
    return Settled(ended={name: outcome})


def _nothing() -> Exchange[Row]:
    yield from ()
    return {}
