"""What we do at Moneyback: pay back, told in three ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nostro.connectors.kit.dialogue import Seen, asked, ensure, ready, unfinished
from nostro.connectors.kit.manifest import Order
from nostro.model.calls import Act, Exchange, Message, Reply, Wait
from nostro.model.failures import FailureKind
from nostro.model.intents import RefundPayment
from nostro.model.outcomes import Outcome, done, handed_over
from tests.conformance.moneyback.config import Config


def pay_back(order: Order, _: Config) -> Exchange[Outcome]:
    """Look, and act only where "not found" counts."""
    question = Message("/refunds", {"reference": order.ids}, "GET")
    while True:
        found = yield from asked(question)  # an Ask; waits while they are down
        if found.ok and found.content:
            return done(adopted=True, refund=found.content[0]["id"])
        if found.failure or found.absence_proven_at is None:
            return handed_over("Nobody can say whether it was paid back.", found.failure)
        if not found.absence_proven:
            yield Wait(until=found.absence_proven_at)
            continue
        reply = yield Act(Message("/refunds", body_of(order)), key=order.correlation)
        if not reply.ambiguous:
            return done(refund=reply.content["id"]) if reply.ok else unfinished(reply)


def body_of(order: Order) -> dict[str, str | int]:
    """What we say, the id by which it is found again included."""
    intent = order.intent
    assert isinstance(intent, RefundPayment)  # as the operation's name says
    amount, currency = intent.amount.minor, intent.amount.currency  # whole minor units, never a float
    return {"reference": order.correlation, "payment": intent.payment_id, "amount": amount, "currency": currency}


def pay_back_once(order: Order, _: Config) -> Exchange[Outcome]:
    """The same with the kit's loop."""
    key, body = order.correlation, body_of(order)

    def look_up(_: Sequence[str]) -> Exchange[Seen[str]]:
        reply = nothing_there((yield from asked(Message("/refunds", {"reference": order.ids}, "GET"))))
        found = reply.content if reply.ok else ()
        return Seen(reply, {key: found[0]["id"]} if found else {})

    settled = yield from ensure([key], look_up, ready(lambda _: Act(Message("/refunds", body), key)))
    if key in settled.ended:  # refused, or a person's business
        return settled.ended[key]
    return done(adopted=key not in settled.sent, refund=settled.there[key])


def nothing_there(reply: Reply) -> Reply:
    """Their own word that they have no such refund is an answer; any other 404 may be a wrong address."""
    if reply.failure is FailureKind.NOT_FOUND and reply.content == {"error": "no_such_refund"}:
        return replace(reply, content=[], failure=None)
    return reply


def pay_back_unseen(order: Order, _: Config) -> Exchange[Outcome]:
    """Where nobody can be asked: once, whatever comes back."""
    reply = yield Act(Message("/refunds", body_of(order)), key=order.correlation)
    return done(refund=reply.content["id"]) if reply.ok else unfinished(reply)
