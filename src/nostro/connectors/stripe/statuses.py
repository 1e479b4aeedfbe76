"""Stripe's words -> ours. An unknown status is pending (of a dispute: open), and counted."""

from __future__ import annotations

from collections.abc import Mapping

from nostro.model.facts.cards import LineKind
from nostro.model.payments import Attempt, DisputeStage, PayoutStage, RefundStage

CHARGES: Mapping[str, Attempt] = {
    "failed": "failed",
    "pending": "pending",
    "succeeded": "authorised",  # and not captured
    "expired": "cancelled",  # our word for an authorisation that was let go
}
INTENTS: Mapping[str, Attempt] = {
    "requires_payment_method": "pending",
    "requires_confirmation": "pending",
    "requires_action": "requires_action",
    "requires_source": "pending",
    "requires_source_action": "requires_action",
    "processing": "pending",
    "requires_capture": "authorised",
    "canceled": "cancelled",
}
REFUNDS: Mapping[str, RefundStage] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "cancelled",
}
DISPUTES: Mapping[str, DisputeStage] = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "won",  # an inquiry that never became a chargeback
    "needs_response": "open",
    "under_review": "under_review",
    "charge_refunded": "won",  # before 2017: closed, because we had paid back ourselves
    "prevented": "won",
    "won": "won",
    "lost": "lost",
}
PAYOUTS: Mapping[str, PayoutStage] = {
    "pending": "pending",
    "in_transit": "in_transit",
    "paid": "paid",
    "failed": "failed",
    "canceled": "cancelled",
}
# Page "Balance transaction types". `adjustment` is split by its reporting category, reserves by their sign. A payment
# that failed or was reversed after it was told goes back to its payer: no refund of ours has failed.
LINES: Mapping[str, LineKind] = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "payment_failure_refund": "refund",
    "payment_reversal": "refund",
    "refund_failure": "refund_failure",
    "stripe_fee": "fee",
    "stripe_fx_fee": "fee",
    "tax_fee": "fee",
    "application_fee": "fee",
    "application_fee_refund": "fee",
    "adjustment": "adjustment",
    "payout_failure": "payout_failure",
    "payout_cancel": "payout_failure",
    "reserve_hold": "reserve_hold",
    "reserve_release": "reserve_release",
    "reserve_transaction": "reserve_hold",
    "reserved_funds": "reserve_hold",
    "transfer": "transfer",
    "transfer_failure": "transfer",
    "transfer_cancel": "transfer",
    "transfer_refund": "transfer",
}
ADJUSTMENTS: Mapping[str, LineKind] = {
    "dispute": "dispute",
    "dispute_reversal": "dispute_reversal",
    "refund_failure": "refund_failure",
}


OWN_LINE = "balance_transaction.payout"
OTHER_BALANCE = "balance_transaction.reserved"
_FAMILIES = """account application_fee balance billing billing_portal capability cash_balance checkout climate coupon
credit_note customer customer_cash_balance_transaction entitlements file financial_connections identity invoice
invoice_payment invoiceitem issuing_authorization issuing_card issuing_cardholder issuing_dispute issuing_token
issuing_transaction mandate payment_link payment_method person plan price product promotion_code quote radar
recipient reporting reserve review setup_intent sigma sku source subscription_schedule tax tax_rate terminal
test_helpers topup transfer treasury"""
IGNORED: frozenset[str] = frozenset(
    {
        OWN_LINE,  # the payout's own line among those that it pays out
        OTHER_BALANCE,  # the second leg of a reserve, in the reserved balance
        "charge.updated",  # nothing in it that a fact holds
        "charge.refunded",  # from 2022-11-15 on without its refunds: refund.created tells them
        "payment_intent.created",
        "payment_intent.succeeded",  # from 2022-11-15 on without its charges: charge.succeeded or .captured tells it
        *(f"{family}.*" for family in _FAMILIES.split()),  # transfer.*: before 2017-04-06 these were payouts
    }
)
