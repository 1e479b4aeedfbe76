"""What a landscape says about a connection to Moneyback."""

from __future__ import annotations

from nostro.model.base import Value


class Config(Value):
    """What a landscape says about a connection: `connections/*.yaml`."""

    api_version: str = "2026-01"
    page_size: int = 100
