"""What the house wrote down for programs, as a clerk reads it: instants without fractions, codes with their meaning."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from nostro.formats.codes import named
from nostro.runtime.output import when

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_REASON = re.compile(r"(?<![\w/-])[A-Z]{2}\d\d(?![\w/-])")


def readable(text: str, zone: ZoneInfo | None = None) -> str:
    """The text with its instants on the zone's wall clock, and with what ISO 20022 reasons mean behind them."""
    told = _INSTANT.sub(lambda found: when(datetime.fromisoformat(found[0]), zone), text)
    return _REASON.sub(lambda found: _explained(found[0]), told)


def _explained(code: str) -> str:
    meaning = named("iso20022.reason", code).name
    return f"{code} ({meaning})" if meaning else code
