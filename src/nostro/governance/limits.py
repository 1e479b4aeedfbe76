"""The whole-number settings that processes ask for by name. A name that nobody asks for is a finding of `check`."""

from __future__ import annotations

from collections.abc import Mapping

LIMITS: Mapping[str, str] = {
    "overpayment_tolerance_minor": "what may be over without a case, in minor units of the invoice's currency (0)",
    "lookup_wait_seconds": "how long a bank movement waits for whom its references name, in seconds (900)",
    "payout_wait_seconds": "the same for money of a payment provider, whose payout may be told later (172800)",
    "unapplied_search_seconds": "how long money that led nowhere still finds an item that comes late (15552000)",
    "payout_grace_days": "bank business days after the day that a payout should have arrived on (2)",
}
"""Name -> what it means, with its unit and its default."""
