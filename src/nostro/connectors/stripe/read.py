"""Stripe's events and objects -> facts. A webhook, the event list and the object lists tell the very same facts.

So a body takes only what an object never changes: days are those of creation or capture, on the clocks of the entity in
whose books they will stand, never of the telling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from nostro.connectors.kit.exact import exact_json
from nostro.connectors.kit.reading import (
    UNREADABLE,
    IgnoredItem,
    Item,
    ReadItem,
    ReceiptView,
    RejectItem,
    Unreadable,
    readable,
    why,
)
from nostro.connectors.stripe.lines import known_kind, payout_line
from nostro.connectors.stripe.statuses import CHARGES, DISPUTES, IGNORED, INTENTS, PAYOUTS, REFUNDS
from nostro.connectors.stripe.wire import FIELDS, Thing, amount, ident, instant, money, told_day
from nostro.model.canonical import instant_text
from nostro.model.entities import LegalEntity
from nostro.model.facts import (
    DisputeReported,
    FactBody,
    PaymentAttempted,
    PaymentCaptured,
    PayoutReported,
    RefundReported,
)
from nostro.model.money import Amount
from nostro.model.payments import Attempt

CAPTURED_AT_ONCE_SECONDS = 7_200
"""Asynchronous capture books within the hour after the charge; later than this, somebody captured by hand."""
_DELAYED = frozenset(
    {
        *("acss_debit", "au_becs_debit", "bacs_debit", "nz_bank_account", "sepa_debit", "us_bank_account"),
        *("boleto", "customer_balance", "konbini", "multibanco", "oxxo", "sofort"),
    }
)
"""Methods that nobody captures by hand: they are pending for days, and their capture is the charge's all the same."""
_REFERENCE = re.compile(r"(?=.*\d)\S{3,64}")
"""A description that is one word with a digit is a reference of ours; free text is confidential and is no hint."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What the reader knows besides the object: the receipt, and of an event its type and time."""

    receipt: ReceiptView
    entity: LegalEntity
    event: str = ""
    told_at: int | None = None

    @property
    def connection(self) -> str:
        return self.receipt.connection

    def day(self, seconds: int) -> date:
        """The day of an instant in our books."""
        return self.receipt.day(self.entity, instant(seconds))

    def happened(self, thing: Thing, *, first: bool) -> datetime:
        """The event's time. In a poll an object's own for the state that it is born with, else that of the poll."""
        if self.told_at is not None:
            return instant(self.told_at)
        return instant(thing["created"]) if first else self.receipt.received_at

    def told(self, thing: Thing, facts: Sequence[FactBody], at: datetime, *, strange: bool = False) -> ReadItem:
        """The item, with what we did not know about it counted: fields, and a status or type if `strange`."""
        unknown = len(thing.keys() - FIELDS[thing["object"]]) + strange
        worth = amount(thing.get("net", thing["amount"]), thing["currency"])
        # Of other objects than a line of the balance the facts may take a part: what was captured, or its refunds.
        told = worth if "net" in thing else None
        return ReadItem(tuple(facts), self.entity.id, at, instant_text(at), told, unknown)


def read(receipt: ReceiptView) -> Iterator[Item]:
    """One item per event or object, in the order told (Stripe's lists come newest first)."""
    try:
        body = exact_json(receipt.content)
        things = body["data"] if body["object"] == "list" else [body]
    except (ValueError, LookupError, TypeError, RecursionError):
        yield RejectItem("$", "The body is neither an object of Stripe's nor a list of them.")
        return
    ours = next((entity for entity in receipt.entities if entity.provider(receipt.connection)), None)
    for place, thing in enumerate(things):
        yield _read_one(thing, "$" if thing is body else f"$.data[{place}]", receipt, ours)


def _read_one(thing: Any, where: str, receipt: ReceiptView, ours: LegalEntity | None) -> Item:  # noqa: ANN401 - JSON
    try:
        source = _source(thing, receipt, ours)
        return _event(thing, source) if thing["object"] == "event" else _object(thing, source)
    except UNREADABLE as flaw:
        return RejectItem(where, why(flaw), readable(lambda: _worth(thing)))


def _worth(thing: Thing) -> Amount:
    """What an object, or the one that an event is about, is worth."""
    told = thing["data"]["object"] if thing["object"] == "event" else thing
    return amount(told.get("net", told["amount"]), told["currency"])


def _source(thing: Thing, receipt: ReceiptView, ours: LegalEntity | None) -> _Source:
    if ours is None:
        raise Unreadable("No entity has an account at this connection.")
    if thing.get("livemode", receipt.config.livemode) is not receipt.config.livemode:
        raise Unreadable("It is of the other mode: test news on a live connection, or the reverse.")
    return _Source(receipt, ours)


def _event(event: Thing, source: _Source) -> Item:
    kind, thing = event["type"], event["data"]["object"]
    reader = EVENTS.get(kind)
    if reader is None:
        family = f"{kind.partition('.')[0]}.*"
        ignored = next((name for name in (kind, family) if name in IGNORED), None)
        if ignored is None:
            raise Unreadable(f"The event type {kind} is unknown.")
        return IgnoredItem(ignored, readable(lambda: _worth(event)))
    item = reader(thing, replace(source, event=kind, told_at=event["created"]))
    return item if item.facts else IgnoredItem(kind, readable(lambda: _worth(event)))


def _object(thing: Thing, source: _Source) -> Item:
    if thing["object"] == "balance_transaction":
        return _line(thing, source)
    return OBJECTS[thing["object"]](thing, source)


def _line(line: Thing, source: _Source) -> Item:
    fact = payout_line(line, source.connection, source.receipt.name)
    if isinstance(fact, str):
        return IgnoredItem(fact, amount(line["net"], line["currency"]))
    return source.told(line, [fact], instant(line["created"]), strange=not known_kind(line))


# Charges and intents


def _charge(charge: Thing, source: _Source) -> ReadItem:
    if _holds_money(charge):
        return source.told(charge, [_captured(charge, source)], instant(_captured_at(charge, source)))
    status = "expired" if charge.get("refunded") else charge.get("status", "")
    state = CHARGES.get(status, "pending")
    fact = _attempted(charge, source, state, f"charge/{status}", charge["created"])
    return source.told(charge, [fact], source.happened(charge, first=True), strange=status not in CHARGES)


def _holds_money(charge: Thing) -> bool:
    """A debit that is pending at its bank, or was refused there, is `captured` all the same."""
    return bool(charge.get("captured", charge.get("paid"))) and charge.get("status") not in ("pending", "failed")


def _captured(charge: Thing, source: _Source) -> PaymentCaptured:
    payer, minor = charge.get("billing_details") or {}, charge.get("amount_captured")
    return PaymentCaptured(
        connection=source.connection,
        charge_id=charge["id"],
        payment_id=ident(charge.get("payment_intent")),
        amount=money(charge["amount"] if minor is None else minor, charge["currency"]),
        method=(charge.get("payment_method_details") or {}).get("type") or "card",
        captured_on=source.day(_captured_at(charge, source)),
        invoice_hint=_invoice_hint(charge, source),
        payer_email=payer.get("email") or charge.get("receipt_email") or None,
        payer_name=payer.get("name") or None,
        description=charge.get("description") or None,
    )


def _captured_at(charge: Thing, source: _Source) -> int:
    """The charge's own time, unless somebody captured later: then the event's, or that of the money's booking."""
    if (charge.get("payment_method_details") or {}).get("type") in _DELAYED:
        return int(charge["created"])
    created, booked = int(charge["created"]), charge.get("balance_transaction")
    later: int | None = booked.get("created") if isinstance(booked, Mapping) else None
    if source.event in ("charge.captured", "payment_intent.succeeded"):
        later = source.told_at
    return later if later is not None and later - created > CAPTURED_AT_ONCE_SECONDS else created


def _intent(intent: Thing, source: _Source) -> ReadItem:
    """Before 2022-11-15 an intent embeds its charges, so that a succeeded one tells its capture itself."""
    status, verb = intent["status"], source.event.partition(".")[2]
    happened = source.happened(intent, first=True)
    if verb == "succeeded":
        charges = (intent.get("charges") or {}).get("data", ())
        captured = [_captured(charge, source) for charge in charges if _holds_money(charge)]
        return source.told(intent, captured, happened)
    state = "failed" if verb == "payment_failed" else INTENTS.get(status, "pending")
    fact = _attempted(intent, source, state, f"{verb}/{status}", source.told_at or intent["created"])
    return source.told(intent, [fact], happened, strange=status not in INTENTS)


def _attempted(thing: Thing, source: _Source, state: Attempt, status: str, at: int) -> PaymentAttempted:
    return PaymentAttempted(
        connection=source.connection,
        payment_id=ident(thing.get("payment_intent")) or thing["id"],
        amount=money(thing["amount"], thing["currency"]),
        state=state,
        vendor_status=status,
        invoice_hint=_invoice_hint(thing, source),
        at=instant_text(instant(at)),
    )


def _invoice_hint(thing: Thing, source: _Source) -> str:
    """The number of our invoice from the metadata; Odoo's own provider writes it as the description."""
    metadata, description = thing.get("metadata") or {}, thing.get("description") or ""
    named = next((metadata[key] for key in source.receipt.config.invoice_keys if metadata.get(key)), "")
    return named or (description if _REFERENCE.fullmatch(description) else "")


# Refunds, disputes, payouts


def _refund(refund: Thing, source: _Source) -> ReadItem:
    fact = _refund_fact(refund, source)
    happened = source.happened(refund, first=fact.state in ("pending", "succeeded"))
    return source.told(refund, [fact], happened, strange=refund.get("status") not in REFUNDS)


def _embedded_refunds(charge: Thing, source: _Source) -> ReadItem:
    """`charge.refunded` holds its refunds before 2022-11-15; later versions tell them by `refund.created` alone."""
    refunds = (charge.get("refunds") or {}).get("data", ())
    facts = [_refund_fact(refund, source) for refund in refunds]
    return source.told(charge, facts, source.happened(charge, first=False))


def _refund_fact(refund: Thing, source: _Source) -> RefundReported:
    return RefundReported(
        connection=source.connection,
        refund_id=refund["id"],
        charge_id=ident(refund["charge"]),
        payment_id=ident(refund.get("payment_intent")),
        amount=money(refund["amount"], refund["currency"]),
        state=REFUNDS.get(refund.get("status", ""), "pending"),
        refunded_on=source.day(refund["created"]),
        correlation=(refund.get("metadata") or {}).get("nostro_key", ""),
    )


def _dispute(dispute: Thing, source: _Source) -> ReadItem:
    status, charge = dispute["status"], ident(dispute["charge"])
    due = (dispute.get("evidence_details") or {}).get("due_by") or dispute.get("evidence_due_by")
    fact = DisputeReported(
        connection=source.connection,
        dispute_id=dispute.get("id") or charge,  # before 2014 a dispute had no id but its charge's
        charge_id=charge,
        payment_id=ident(dispute.get("payment_intent")),
        amount=money(dispute["amount"], dispute["currency"]),
        state=DISPUTES.get(status, "open"),
        funds=_funds(dispute, source.event),
        reason=dispute.get("reason") or "",
        evidence_due_at=instant_text(instant(due)) if due else "",
        disputed_on=source.day(dispute["created"]),
    )
    return source.told(dispute, [fact], _dispute_moved(dispute, fact, source), strange=status not in DISPUTES)


def _dispute_moved(dispute: Thing, fact: DisputeReported, source: _Source) -> datetime:
    """When it came to be so. In a poll money has moved when its line of the balance was made, not when we looked."""
    moved = dispute.get("balance_transactions")
    if source.told_at is None and moved and fact.state != "lost":
        return max(instant(line["created"]) for line in moved)
    return source.happened(dispute, first=fact.funds == "kept")


def _funds(dispute: Thing, event: str) -> Literal["kept", "withdrawn", "reinstated"]:
    """What the dispute took from our balance and gave back. Old versions name one line and no amount."""
    if event.endswith("funds_reinstated"):
        return "reinstated"
    if "balance_transactions" not in dispute:
        taken = dispute.get("balance_transaction") is not None
        return ("reinstated" if dispute["status"] == "won" else "withdrawn") if taken else "kept"
    amounts = [line["amount"] for line in dispute["balance_transactions"]]
    if any(minor > 0 for minor in amounts):
        return "reinstated" if sum(amounts) >= 0 else "withdrawn"
    return "withdrawn" if amounts else "kept"


def _payout(payout: Thing, source: _Source) -> ReadItem:
    status = payout["status"]
    fact = PayoutReported(
        connection=source.connection,
        payout_id=payout["id"],
        amount=money(payout["amount"], payout["currency"]),
        arrives_on=told_day(payout["arrival_date"]),
        state=PAYOUTS.get(status, "pending"),
        automatic=payout.get("automatic") is not False,
        trace_id=(payout.get("trace_id") or {}).get("value") or "",
        statement_descriptor=payout.get("statement_descriptor") or "",
    )
    happened = source.happened(payout, first=fact.state in ("pending", "in_transit"))
    return source.told(payout, [fact], happened, strange=status not in PAYOUTS)


EVENTS: Mapping[str, Callable[[Thing, _Source], ReadItem]] = {
    "charge.succeeded": _charge,
    "charge.captured": _charge,
    "charge.failed": _charge,
    "charge.pending": _charge,
    "charge.expired": _charge,
    "charge.refunded": _embedded_refunds,
    "charge.refund.updated": _refund,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "payment_intent.amount_capturable_updated": _intent,
    "payment_intent.canceled": _intent,
    "payment_intent.partially_funded": _intent,
    "payment_intent.payment_failed": _intent,
    "payment_intent.processing": _intent,
    "payment_intent.requires_action": _intent,
    "payment_intent.succeeded": _intent,
    "payout.canceled": _payout,
    "payout.created": _payout,
    "payout.failed": _payout,
    "payout.paid": _payout,
    "payout.reconciliation_completed": _payout,
    "payout.updated": _payout,
}
OBJECTS: Mapping[str, Callable[[Thing, _Source], ReadItem]] = {
    "charge": _charge,
    "refund": _refund,
    "dispute": _dispute,
    "payout": _payout,
}
