"""Stripe's shapes, amounts and errors: only what we use. Source: Stripe API reference, release 2026-01-28."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from nostro.connectors.kit.exact import exact_json
from nostro.connectors.kit.manifest import Access
from nostro.connectors.stripe.config import StripeConfig
from nostro.model.calls import HttpReply, HttpRequest, Message
from nostro.model.failures import FailureKind
from nostro.model.money import Amount, Money

Thing = Mapping[str, Any]
"""One Stripe object as its JSON says it, numbers exact."""

# Page "Supported currencies", zero-decimal and three-decimal currencies. ISK and UGX are whole currencies that Stripe
# writes with two decimals (always 00); so are HUF and TWD payouts (divisible by 100), which needs no rule here.
_ZERO = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())  # noqa: SIM905 - reads as one row
_THREE = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

ERRORS: Mapping[str, FailureKind] = {
    "400": FailureKind.INVALID,
    "401": FailureKind.DENIED,
    "402": FailureKind.REFUSED,
    "403": FailureKind.UNAUTHORISED,
    "404": FailureKind.NOT_FOUND,
    "429": FailureKind.LIMITED,
    "charge_already_refunded": FailureKind.CONFLICT,
    "charge_disputed": FailureKind.CONFLICT,
    "charge_not_refundable": FailureKind.CONFLICT,
    "payment_intent_unexpected_state": FailureKind.CONFLICT,
    "insufficient_funds": FailureKind.REFUSED,
    "lock_timeout": FailureKind.LIMITED,
    "idempotency_key_in_use": FailureKind.AMBIGUOUS,  # the first try with this key is still under way
}
"""By error code, else by HTTP status. Every other status is ambiguous: Stripe remembers a 500 under its key."""


def exponent(currency: str) -> int:
    """Decimals of a currency in Stripe's API; it is Stripe's table, not ISO's."""
    code = currency.upper()
    return 0 if code in _ZERO else 3 if code in _THREE else 2


def amount(minor: int, currency: str) -> Amount:
    """An amount as Stripe tells it. Raises `ValueError` for a currency that ISO 4217 doesn't know."""
    return Amount(value=Decimal(minor).scaleb(-exponent(currency)), currency=currency.upper())


def money(minor: int, currency: str) -> Money:
    """The same as money; raises `InexactAmountError` where Stripe's digits say more than the currency has."""
    return amount(minor, currency).to_money()


def minor_units(of: Money) -> int:
    """Money as Stripe wants it; Stripe itself refuses three-decimal amounts that don't end in 0."""
    return int(of.value.scaleb(exponent(of.currency)))


def ident(thing: Any) -> str:  # noqa: ANN401 - an id, an expanded object or nothing
    """The id of what may be expanded."""
    return str(thing["id"] if isinstance(thing, Mapping) else thing or "")


def instant(seconds: int) -> datetime:
    """Stripe's instants are whole seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


def told_day(seconds: int) -> date:
    """A day that Stripe writes as its midnight in UTC: of arrivals and availability, which have no time."""
    return instant(seconds).date()


def render(message: Message, key: str, config: StripeConfig, access: Access) -> HttpRequest:
    """Form fields in the body of a POST, in the query of a GET; the key only where there is an effect."""
    fields = urlencode({**message.body, **message.passing}, doseq=True)
    headers = {"authorization": f"Bearer {access.secrets['api_key']}", "stripe-version": config.api_version}
    url = access.url.rstrip("/") + message.target
    if message.verb == "GET":
        joint = "&" if "?" in message.target else "?"
        return HttpRequest("GET", f"{url}{joint}{fields}" if fields else url, headers, b"")
    headers |= {"content-type": "application/x-www-form-urlencoded"} | ({"idempotency-key": key} if key else {})
    return HttpRequest(message.verb, url, headers, fields.encode())


def understand(_: Message, reply: HttpReply) -> tuple[Any, FailureKind | None, str]:
    """What a reply means. Sentences name the error, never what was asked about."""
    try:
        content = exact_json(reply.body)
    except (ValueError, RecursionError):
        content = None
    if 200 <= reply.status < 300:
        return (content, None, "") if content is not None else (None, FailureKind.AMBIGUOUS, "A reply without JSON.")
    error = content.get("error", {}) if isinstance(content, dict) else {}
    code = error.get("code") or error.get("type") or ""
    kind = ERRORS.get(code) or ERRORS.get(str(reply.status), FailureKind.AMBIGUOUS)
    return content, kind, f"Stripe answered {reply.status} {code}".strip() + "."


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIELDS: Mapping[str, frozenset[str]] = {
    "charge": _names(
        """id object amount amount_captured amount_refunded amount_updates application application_fee
        application_fee_amount authorization_code balance_transaction billing_details calculated_statement_descriptor
        captured card created currency customer description destination dispute disputed failure_balance_transaction
        failure_code failure_message fraud_details invoice level3 livemode metadata on_behalf_of order outcome paid
        payment_intent payment_method payment_method_details presentment_details radar_options receipt_email
        receipt_number receipt_url refunded refunds review shipping source source_transfer statement_descriptor
        statement_descriptor_suffix status transfer transfer_data transfer_group"""
    ),
    "payment_intent": _names(
        """id object amount amount_capturable amount_details amount_received application application_fee_amount
        automatic_payment_methods canceled_at cancellation_reason capture_method charges client_secret
        confirmation_method created currency customer customer_account description excluded_payment_method_types hooks
        invoice last_payment_error latest_charge livemode managed_payments metadata next_action on_behalf_of
        payment_details payment_method payment_method_configuration_details payment_method_options
        payment_method_types presentment_details processing receipt_email review setup_future_usage shipping source
        statement_descriptor statement_descriptor_suffix status transfer_data transfer_group"""
    ),
    "refund": _names(
        """id object amount balance_transaction charge created currency customer customer_account description
        destination_details failure_balance_transaction failure_reason instructions_email livemode metadata next_action
        payment_intent payment_method pending_reason presentment_details reason receipt_number source_transfer_reversal
        status transfer_reversal"""
    ),
    "dispute": _names(
        """id object amount balance_transaction balance_transactions charge created currency enhanced_eligibility_types
        evidence evidence_details evidence_due_by is_charge_refundable is_protected livemode metadata
        network_details network_reason_code payment_intent payment_method_details reason status"""
    ),
    "payout": _names(
        """id object amount application_fee application_fee_amount arrival_date automatic balance_transaction created
        currency description destination failure_balance_transaction failure_code failure_message livemode metadata
        method original_payout payout_method reconciliation_status reversed_by source_type statement_descriptor status
        trace_id type"""
    ),
    "balance_transaction": _names(
        """id object amount available_on balance_type created currency description exchange_rate fee fee_details net
        reporting_category source status type"""
    ),
}
"""Top-level fields that any version of the API is known to send; what is not here is counted as unknown."""
