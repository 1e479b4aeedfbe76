"""Texts that ISO 20022 writes: decimals and instants."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal

from nostro.formats.reading import Unreadable

_DECIMAL = re.compile(r"\+?(?:\d{1,24}(?:\.\d{0,18})?|\.\d{1,18})")
_FRACTION = re.compile(r"\.(\d{6})\d+")


def decimal(said: str) -> Decimal:
    """An unsigned decimal. Raises `Unreadable` for anything else: a sign here contradicts the direction."""
    if said.startswith("-"):
        raise Unreadable("the amount is negative, though its direction is told apart")
    if not _DECIMAL.fullmatch(said):
        raise Unreadable("the amount is no decimal number" if said else "there is no amount")
    return Decimal(said)


def instant(said: str) -> datetime | None:
    """An ISO date and time, naive where the bank says no zone. Raises `Unreadable`."""
    if not said:
        return None
    try:
        if "T24:00:00" in said:  # XML Schema's midnight at the end of a day, which Python doesn't know
            return datetime.fromisoformat(said.replace("T24:00:00", "T00:00:00")) + timedelta(days=1)
        return datetime.fromisoformat(_FRACTION.sub(r".\1", said))
    except ValueError:
        raise Unreadable("a time is not in ISO 8601") from None
