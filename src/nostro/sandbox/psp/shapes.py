"""Stripe's objects as its API writes them: field names and nesting of the API reference, release 2026-01-28.

`skeletons.json` holds, by object, what is always the same here: many fields that Stripe sends and that are empty, which
a reader has to bear. The functions below say the rest.
"""

import json
from importlib import resources
from typing import Any

Thing = dict[str, Any]
"""One Stripe object, ready for JSON. Amounts are minor units after Stripe's table, instants seconds since the epoch."""

_SKELETONS = (resources.files("nostro.sandbox.psp") / "skeletons.json").read_text()


def _made(kind: str, ident: str, created: int, said: Thing) -> Thing:
    skeleton: Thing = json.loads(_SKELETONS)[kind]
    return {**skeleton, "id": ident, "created": created, **said}


def _of(thing: Thing, names: str) -> Thing:
    return {name: thing[name] for name in names.split()}


def payment_intent(ident: str, wish: Thing, created: int) -> Thing:
    """Page "The PaymentIntent object"; before it is confirmed."""
    told = {name: wish.get(name) for name in ("customer", "description", "receipt_email")}
    told |= {"metadata": dict(wish.get("metadata", {})), "client_secret": f"{ident}_secret_{ident[-12:]}"}
    told |= {"capture_method": wish.get("capture_method", "automatic_async"), **_of(wish, "amount currency")}
    return _made("payment_intent", ident, created, told)


def charge(ident: str, intent: Thing, created: int, *, payer: str | None, captured: bool) -> Thing:
    """Page "The Charge object"; succeeded, and captured or waiting to be."""
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    payment = {"payment_intent": intent["id"], "payment_method": f"pm_{ident[3:]}"}
    payment |= {"captured": captured, "amount_captured": intent["amount"] if captured else 0}
    payment |= _of(intent, "amount currency customer description receipt_email")
    billing = {"address": address, "email": intent["receipt_email"], "name": payer, "phone": None}
    told = {**payment, "billing_details": billing, "metadata": dict(intent["metadata"])}
    return _made("charge", ident, created, told)


def refund(ident: str, charge_: Thing, amount: int, created: int, wish: Thing) -> Thing:
    """Page "The Refund object"."""
    of = {"charge": charge_["id"], **_of(charge_, "currency payment_intent")}
    told = {"amount": amount, "metadata": dict(wish.get("metadata", {})), "reason": wish.get("reason")}
    return _made("refund", ident, created, of | told)


def dispute(ident: str, charge_: Thing, amount: int, created: int, wish: Thing) -> Thing:
    """Page "The Dispute object"; an inquiry (`warning_...`) takes no money yet."""
    inquiry = bool(wish.get("inquiry", False))
    case = {"brand": "visa", "case_type": "inquiry" if inquiry else "chargeback", "network_reason_code": "10.4"}
    due = {"due_by": created + 9 * 86_400, "has_evidence": False, "past_due": False, "submission_count": 0}
    told = {"amount": amount, "charge": charge_["id"], **_of(charge_, "currency payment_intent")}
    told |= {"balance_transactions": [], "evidence_details": due, "is_charge_refundable": inquiry}
    told |= {"payment_method_details": {"card": case, "type": "card"}, "reason": wish.get("reason", "fraudulent")}
    told |= {"status": "warning_needs_response" if inquiry else "needs_response"}
    return _made("dispute", ident, created, told)


def payout(ident: str, amount: int, currency: str, created: int, *, arrival: int) -> Thing:
    """Page "The Payout object"; an automatic one, on its way."""
    told = {"amount": amount, "arrival_date": arrival, "automatic": True, "currency": currency}
    told |= {"reconciliation_status": "in_progress"}
    return _made("payout", ident, created, told | {"destination": f"ba_{ident[3:]}"})


def reserve_hold(ident: str, amount: int, currency: str, created: int, release: int) -> Thing:
    """Page "The ReserveHold object"."""
    schedule = {"release_after": release, "scheduled_release": release}
    told = {"amount": amount, "amount_releasable": amount, "currency": currency, "release_schedule": schedule}
    return _made("reserve.hold", ident, created, told)


def reserve_release(ident: str, hold: Thing, created: int) -> Thing:
    """Page "The ReserveRelease object"."""
    told = {**_of(hold, "amount currency"), "released_at": created, "reserve_hold": hold["id"]}
    return _made("reserve.release", ident, created, told)


def balance_transaction(ident: str, *, kind: str, source: Thing, currency: str, amount: int, fee: int) -> Thing:
    """Page "The Balance Transaction object"; the ledger adds its times and rate."""
    words = "Dispute fee" if source["object"] == "dispute" else "Stripe processing fees"
    detail = {"amount": fee, "application": None, "currency": currency, "description": words, "type": "stripe_fee"}
    told = {"amount": amount, "fee": fee, "net": amount - fee, "fee_details": [detail] if fee else []}
    told |= {"currency": currency, "description": source.get("description"), "source": source["id"]}
    return _made("balance_transaction", ident, 0, told | {"reporting_category": kind, "type": kind})


def event(ident: str, kind: str, thing: Thing, previous: Thing | None, created: int) -> Thing:
    """Page "The Event object"; version and `request` are filled in by the log."""
    data = {"object": thing} | ({} if previous is None else {"previous_attributes": previous})
    return _made("event", ident, created, {"data": data, "type": kind})
