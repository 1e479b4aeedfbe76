"""Who sent this webhook: Stripe's signature. Source: page "Verify webhook signatures manually"."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from nostro.connectors.kit.exact import exact_json
from nostro.connectors.kit.reading import Refusal, Verified
from nostro.connectors.stripe.config import StripeConfig
from nostro.model.canonical import canonical

SECRET_PREFIX = "webhook_secret"  # noqa: S105 - the beginning of a secret's name, not a secret


def verify(
    body: bytes, headers: Mapping[str, str], config: StripeConfig, secrets: Mapping[str, str], received_at: datetime
) -> Verified | Refusal:
    """Any secret whose name begins with `webhook_secret` may have signed: secrets overlap while one is rolled.

    A body that is signed but can't be read is verified all the same: it is kept, and becomes a reject.
    """
    signed_at, marks = _signature(headers.get("stripe-signature", ""))
    if signed_at is None or not marks:
        return Refusal(401, "The header Stripe-Signature is missing or no signature.")
    if not _made_by_any(f"{signed_at}.".encode() + body, marks, secrets):
        return Refusal(401, "The signature is wrong.")
    if abs(int(received_at.timestamp()) - signed_at) > config.tolerance_seconds:
        return Refusal(401, "The signature is stale: the request may be a replay.")
    return _verified(body)


def _signature(header: str) -> tuple[int | None, list[str]]:
    """The header's instant (seconds) and its `v1` marks."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    instant = next((value for name, _, value in parts if name == "t"), "")
    marks = [value for name, _, value in parts if name == "v1" and value.isascii()]
    return (int(instant) if instant.isascii() and instant.isdigit() else None), marks


def _made_by_any(signed: bytes, marks: list[str], secrets: Mapping[str, str]) -> bool:
    own = [
        hmac.digest(secret.encode(), signed, hashlib.sha256).hex()
        for name, secret in sorted(secrets.items())
        if name.startswith(SECRET_PREFIX) and secret
    ]
    return any(hmac.compare_digest(mark, ours) for mark in marks for ours in own)


def _verified(body: bytes) -> Verified:
    """What must not differ between two deliveries is the object; `pending_webhooks` does."""
    try:
        event = exact_json(body)
        told, sent_at = canonical(event["data"]["object"]), datetime.fromtimestamp(event["created"], UTC)
        return Verified(event_id=str(event["id"]), content=told, sender_time=sent_at)
    except (ValueError, LookupError, TypeError, ArithmeticError, OSError, RecursionError):
        return Verified(event_id=hashlib.sha256(body).hexdigest(), content=body)
