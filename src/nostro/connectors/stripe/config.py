"""What the landscape says about a Stripe connection."""

from __future__ import annotations

from pydantic import Field

from nostro.model.base import Value


class StripeConfig(Value):
    """`api_version` is pinned for polls; webhooks come in the endpoint's own. `livemode` must be what the keys are."""

    api_version: str = "2026-01-28.clover"
    livemode: bool = True
    tolerance_seconds: int = Field(default=300, ge=1, le=3600)
    first_load_days: int = Field(default=30, ge=1)
    invoice_keys: tuple[str, ...] = ("invoice", "invoice_number")
    """Keys of `metadata` that may hold the number of our invoice, first one first."""
