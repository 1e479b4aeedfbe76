"""Stripe's objects as its API writes them: field names and nesting of the API reference, release 2026-01-28."""

from typing import Any

Thing = dict[str, Any]
"""One Stripe object, ready for JSON. Amounts are minor units after Stripe's table, instants seconds since the epoch."""


def _none(names: str) -> Thing:
    """Fields that Stripe sends and that are empty here; a reader has to bear them."""
    return dict.fromkeys(names.split())


def payment_intent(ident: str, wish: Thing, created: int) -> Thing:
    """Page "The PaymentIntent object"; before it is confirmed."""
    empty = _none(
        "application application_fee_amount canceled_at cancellation_reason last_payment_error latest_charge"
        " next_action on_behalf_of payment_method processing review setup_future_usage shipping source"
        " statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
    )
    return {
        "id": ident,
        "object": "payment_intent",
        "amount": wish["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "capture_method": wish.get("capture_method", "automatic_async"),
        "client_secret": f"{ident}_secret_{ident[-12:]}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": wish["currency"],
        "customer": wish.get("customer"),
        "description": wish.get("description"),
        "livemode": False,
        "metadata": dict(wish.get("metadata", {})),
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "receipt_email": wish.get("receipt_email"),
        "status": "requires_payment_method",
        **empty,
    }


def charge(ident: str, intent: Thing, created: int, *, payer: str | None, captured: bool) -> Thing:
    """Page "The Charge object"; succeeded, and captured or waiting to be."""
    amount = intent["amount"]
    address = _none("city country line1 line2 postal_code state")
    approved = {"network_status": "approved_by_network", "seller_message": "Payment complete.", "type": "authorized"}
    empty = _none(
        "application application_fee application_fee_amount balance_transaction failure_balance_transaction"
        " failure_code failure_message on_behalf_of receipt_number receipt_url review shipping source source_transfer"
        " statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
    )
    return {
        "id": ident,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount if captured else 0,
        "amount_refunded": 0,
        "billing_details": {"address": address, "email": intent["receipt_email"], "name": payer, "phone": None},
        "calculated_statement_descriptor": "SANDBOX",
        "captured": captured,
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": {**_none("advice_code network_advice_code network_decline_code reason"), **approved},
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": f"pm_{ident[3:]}",
        "payment_method_details": {"card": _card(), "type": "card"},
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "status": "succeeded",
        **empty,
    }


def _card() -> Thing:
    return {
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "DE",
        "exp_month": 8,
        "exp_year": 2030,
        "funding": "credit",
        "last4": "4242",
        "network": "visa",
        **_none("installments mandate three_d_secure wallet"),
    }


def refund(ident: str, charge_: Thing, amount: int, created: int, wish: Thing) -> Thing:
    """Page "The Refund object"."""
    return {
        "id": ident,
        "object": "refund",
        "amount": amount,
        "charge": charge_["id"],
        "created": created,
        "currency": charge_["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": dict(wish.get("metadata", {})),
        "payment_intent": charge_["payment_intent"],
        "reason": wish.get("reason"),
        "status": "succeeded",
        **_none("balance_transaction receipt_number source_transfer_reversal transfer_reversal"),
    }


def dispute(ident: str, charge_: Thing, amount: int, created: int, wish: Thing) -> Thing:
    """Page "The Dispute object"; an inquiry (`warning_...`) takes no money yet."""
    inquiry = bool(wish.get("inquiry", False))
    case = {"brand": "visa", "case_type": "inquiry" if inquiry else "chargeback", "network_reason_code": "10.4"}
    due = {"due_by": created + 9 * 86_400, "has_evidence": False, "past_due": False, "submission_count": 0}
    return {
        "id": ident,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge_["id"],
        "created": created,
        "currency": charge_["currency"],
        "enhanced_eligibility_types": [],
        "evidence": _none("customer_name product_description uncategorized_text"),
        "evidence_details": due,
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge_["payment_intent"],
        "payment_method_details": {"card": case, "type": "card"},
        "reason": wish.get("reason", "fraudulent"),
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def payout(ident: str, amount: int, currency: str, created: int, *, arrival: int, automatic: bool) -> Thing:
    """Page "The Payout object"; on its way."""
    empty = _none(
        "application_fee application_fee_amount balance_transaction failure_balance_transaction failure_code"
        " failure_message original_payout payout_method reversed_by statement_descriptor"
    )
    return {
        "id": ident,
        "object": "payout",
        "amount": amount,
        "arrival_date": arrival,
        "automatic": automatic,
        "created": created,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": f"ba_{ident[3:]}",
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "source_type": "card",
        "status": "in_transit",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
        **empty,
    }


def reserve_hold(ident: str, amount: int, currency: str, created: int, release: int) -> Thing:
    """Page "The ReserveHold object"."""
    return {
        "id": ident,
        "object": "reserve.hold",
        "amount": amount,
        "amount_releasable": amount,
        "created": created,
        "created_by": "stripe",
        "currency": currency,
        "is_releasable": True,
        "livemode": False,
        "metadata": {},
        "reason": "standalone",
        "release_schedule": {"release_after": release, "scheduled_release": release},
        "source_type": "card",
        **_none("reserve_plan source_charge"),
    }


def reserve_release(ident: str, hold: Thing, created: int) -> Thing:
    """Page "The ReserveRelease object"."""
    return {
        "id": ident,
        "object": "reserve.release",
        "amount": hold["amount"],
        "created": created,
        "created_by": "stripe",
        "currency": hold["currency"],
        "livemode": False,
        "metadata": {},
        "reason": "bulk_hold_expiry",
        "released_at": created,
        "reserve_hold": hold["id"],
        "reserve_plan": None,
    }


def balance_transaction(ident: str, *, kind: str, source: Thing, currency: str, amount: int, fee: int) -> Thing:
    """Page "The Balance Transaction object"; the ledger adds its times and rate."""
    words = "Dispute fee" if source["object"] == "dispute" else "Stripe processing fees"
    detail = {"amount": fee, "application": None, "currency": currency, "description": words, "type": "stripe_fee"}
    return {
        "id": ident,
        "object": "balance_transaction",
        "amount": amount,
        "balance_type": "payments",
        "currency": currency,
        "description": source.get("description"),
        "fee": fee,
        "fee_details": [detail] if fee else [],
        "net": amount - fee,
        "reporting_category": kind,
        "source": source["id"],
        "type": kind,
    }


def event(ident: str, kind: str, thing: Thing, previous: Thing | None, created: int) -> Thing:
    """Page "The Event object"; version and `request` are filled in by the log."""
    return {
        "id": ident,
        "object": "event",
        "created": created,
        "data": {"object": thing} | ({} if previous is None else {"previous_attributes": previous}),
        "livemode": False,
        "pending_webhooks": 0,
        "type": kind,
    }
