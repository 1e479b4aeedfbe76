"""What this connector declares about Stripe."""

from __future__ import annotations

from datetime import timedelta

from nostro.connectors.kit.dialogue import each
from nostro.connectors.kit.manifest import Absence, Manifest, Once, Operation
from nostro.connectors.stripe.config import StripeConfig
from nostro.connectors.stripe.exchange import annotate, refund
from nostro.connectors.stripe.feed import FEEDS
from nostro.connectors.stripe.statuses import IGNORED

MANIFEST = Manifest(
    name="stripe",
    title="Stripe",
    config=StripeConfig,
    secrets=("api_key", "webhook_secret"),
    operations={
        name: Operation(name, each(single), Once.THEIR_KEY, Absence(seconds=0), key_lifetime=timedelta(hours=24))
        for name, single in (("refund_payment", refund), ("annotate_payment", annotate))
    },
    feeds=FEEDS,
    ignored=IGNORED,
    confidential=frozenset({"billing_details", "receipt_email", "description", "shipping", "source", "evidence"}),
    takes_webhooks=True,
    body_limit=262_144,
    calls_per_second=20.0,
)
