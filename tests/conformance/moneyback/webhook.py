"""Who sent this webhook: Moneyback's signature."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from nostro.connectors.kit.reading import Refusal, Verified
from tests.conformance.moneyback.config import Config


def verify(
    body: bytes, headers: Mapping[str, str], _: Config, secrets: Mapping[str, str], __: datetime
) -> Verified | Refusal:
    """HMAC-SHA256 over the body; the same body again is the same event."""
    made = hmac.new(secrets["webhook_secret"].encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(made.encode(), headers.get("moneyback-signature", "").encode()):
        return Refusal(401, "The signature is wrong.")
    return Verified(event_id=hashlib.sha256(body).hexdigest(), content=body)
