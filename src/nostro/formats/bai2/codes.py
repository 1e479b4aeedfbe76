"""Type codes of BAI2: in which direction they move money, and which are states.

BAI, "Cash Management Balance Reporting Specifications" version 2, appendix A; ASC X9.121 keeps the list today.
"""

from __future__ import annotations

from nostro.formats.reading import Unreadable
from nostro.model.statements import Direction

_RANGES: tuple[tuple[int, int, Direction], ...] = (
    (100, 399, "credit"),
    (400, 699, "debit"),
    (720, 728, "credit"),
    (760, 768, "debit"),
    (920, 959, "credit"),
    (960, 999, "debit"),
)
"""Inclusive. 700 to 799 are loans, 920 to 999 are each bank's own; everything else is a state and moves nothing."""

BALANCES = {
    "010": "OPBD", "015": "CLBD", "025": "CLBD/average", "030": "ITBD", "040": "OPAV", "045": "CLAV", "060": "ITAV",
    "057": "INFO", "070": "FWAV/0", "072": "FWAV/1", "074": "FWAV/2",
}  # fmt: skip
"""Codes of states as ISO 20022 calls them; floats as forward available balances of a day."""

RETURNED = frozenset({"255", "257", "266", "555", "557", "561", "566"})
REVERSED = frozenset({"252", "552"})
INFORMATION = "890"
"""A detail that carries no money."""


def moving(code: str) -> Direction:
    """The direction of a movement's type code. Raises `Unreadable`."""
    if (found := direction_of(code)) is None:
        raise Unreadable("the type code has no direction")
    return found


def direction_of(code: str) -> Direction | None:
    """The direction that a type code has; None for a state, or a code of no known range."""
    if not (code.isascii() and code.isdecimal() and len(code) <= 3):
        return None
    return next((way for first, last, way in _RANGES if first <= int(code) <= last), None)
