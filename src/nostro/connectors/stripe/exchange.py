"""What we do at Stripe: pay back, annotate, and ask whether the keys are right. Source: page "Idempotent requests".

Our correlation id is Stripe's idempotency key. Stripe forgets keys after 24 hours, and answers a key with the same 500
until then, so every effect can also be looked up: by `metadata.nostro_key`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nostro.connectors.kit.dialogue import Seen, asked, asked_once, ensure, ready
from nostro.connectors.kit.manifest import Order
from nostro.connectors.stripe.config import StripeConfig
from nostro.connectors.stripe.wire import Thing, minor_units
from nostro.model.calls import Act, Exchange, Message
from nostro.model.entities import LegalEntity
from nostro.model.failures import FailureKind
from nostro.model.intents import AnnotatePayment, RefundPayment
from nostro.model.outcomes import Outcome, done, failed

KEY = "nostro_key"
_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})
_UNDONE = frozenset({"failed", "canceled"})
_LIVE = "The key works on {} data, the landscape says {}."


def refund(order: Order, _: StripeConfig) -> Exchange[Outcome]:
    """Money back to the card. A refund that Stripe made and at once failed is a refused one.

    One that an earlier try has made counts, unless it has failed: whoever believed that it wasn't there has erred.
    """
    intent, key = order.intent, order.correlation
    assert isinstance(intent, RefundPayment)
    of = {_payment(intent.payment_id): intent.payment_id}
    body: Thing = {**of, "amount": minor_units(intent.amount), f"metadata[{KEY}]": key, **_reason(intent.reason)}

    def look_up(_: Sequence[str]) -> Exchange[Seen[Thing]]:
        wish: dict[str, Any] = {**of, "limit": 100}
        ours = dict[str, Thing]()
        while True:
            reply = yield from asked(Message("/v1/refunds", wish, "GET"))
            refunds = reply.content["data"] if reply.ok else []
            ours |= {named: one for one in refunds if (named := _key_of(one)) in order.ids}
            if key in ours or not refunds or not reply.content["has_more"]:
                stands = [one for one in ours.values() if one.get("status") not in _UNDONE]
                made = stands[0] if stands else ours.get(key)
                return Seen(reply, {key: made} if made else {})
            wish["starting_after"] = refunds[-1]["id"]

    settled = yield from ensure([key], look_up, ready(lambda _: Act(Message("/v1/refunds", body), key)))
    if key in settled.ended:
        return settled.ended[key]
    made = settled.there[key]
    if made.get("status") in _UNDONE:
        return failed(FailureKind.REFUSED, f"The refund {made['status']} at once.")
    return done(adopted=key not in settled.sent, refund=made["id"], notes={"status": str(made.get("status"))})


def annotate(order: Order, _: StripeConfig) -> Exchange[Outcome]:
    """Our id and the invoice number on the payment, for whoever looks at it in Stripe."""
    intent, key = order.intent, order.correlation
    assert isinstance(intent, AnnotatePayment)
    target = f"/v1/{_payment(intent.payment_id)}s/{intent.payment_id}"
    wanted = {KEY: key, "nostro_invoice": intent.invoice_number}
    body = {f"metadata[{name}]": value for name, value in wanted.items()}

    def look_up(_: Sequence[str]) -> Exchange[Seen[str]]:
        reply = yield from asked(Message(target, {}, "GET"))
        metadata = (reply.content.get("metadata") or {}) if reply.ok else {}
        there = metadata.get(KEY) in order.ids and wanted.items() <= (metadata | {KEY: key}).items()
        return Seen(reply, {key: target} if there else {})

    settled = yield from ensure([key], look_up, ready(lambda _: Act(Message(target, body), key)))
    ended = settled.ended.get(key)
    return ended or done(adopted=key not in settled.sent, payment=intent.payment_id)


def _key_of(thing: Thing) -> str:
    return str((thing.get("metadata") or {}).get(KEY, ""))


def _payment(payment_id: str) -> str:
    return "payment_intent" if payment_id.startswith("pi_") else "charge"


def _reason(reason: str) -> dict[str, str]:
    """Stripe takes three words; a free text could be confidential and stays here."""
    return {"reason": reason} if reason in _REASONS else {}


def check(config: StripeConfig, _: Sequence[LegalEntity]) -> Exchange[Sequence[str]]:
    """What is wrong with the connection, in sentences."""
    reply = yield from asked_once(Message("/v1/balance", {}, "GET"))
    if not reply.ok:
        return [f"Stripe refuses to show the balance: {reply.sentence}"]
    live = reply.content["livemode"]
    words = {True: "live", False: "test"}
    return [] if live is config.livemode else [_LIVE.format(words[live], words[config.livemode])]
