"""Odoo's webhooks (base_automation): unsigned, so a hint and nothing more. The path's secret is the gateway's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from nostro.connectors.kit.reading import Refusal, Verified
from nostro.connectors.odoo.config import OdooConfig


def verify(
    body: bytes, _headers: Mapping[str, str], _config: OdooConfig, _secrets: Mapping[str, str], _at: datetime
) -> Verified | Refusal:
    """They carry no event id either: the same bytes are the same hint."""
    return Verified(event_id=hashlib.sha256(body).hexdigest(), signed=False, content=body)
