"""Type codes of BAI2: what they say, and in which direction.

BAI, "Cash Management Balance Reporting Specifications" version 2, appendix A; ASC X9.121 keeps the list today.
"""

from __future__ import annotations

from nostro.formats.iso20022.tree import Unreadable
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

TITLES = {
    "108": "Credit (any type)", "115": "Lockbox deposit", "142": "ACH credit received",
    "165": "Preauthorized ACH credit",
    "166": "ACH settlement", "169": "Miscellaneous ACH credit", "174": "Other deposit", "175": "Check deposit package",
    "191": "Individual incoming internal money transfer", "195": "Incoming money transfer",
    "206": "Book transfer credit", "208": "International money transfer credit",
    "214": "Foreign exchange of credit", "218": "Letter of credit", "252": "Debit reversal",
    "255": "Check posted and returned", "257": "Individual ACH return item", "266": "Return item",
    "275": "ZBA credit", "301": "Commercial deposit", "353": "Corrected credit", "354": "Interest credit",
    "366": "Currency deposit", "373": "Fedwire credit", "387": "Miscellaneous deposit credit",
    "390": "Total miscellaneous credits", "398": "Miscellaneous fee refund", "399": "Miscellaneous credit",
    "408": "Float adjustment", "409": "Debit (any type)", "451": "ACH debit received", "455": "Preauthorized ACH debit",
    "466": "ACH settlement", "469": "Miscellaneous ACH debit", "475": "Check paid",
    "491": "Outgoing internal money transfer",
    "495": "Outgoing money transfer", "506": "Book transfer debit", "508": "International money transfer debit",
    "514": "Foreign exchange of debit", "552": "Credit reversal", "555": "Deposited item returned",
    "557": "Individual ACH return item", "561": "Individual rejected debit", "566": "Return item",
    "575": "ZBA debit", "595": "ATM debit", "654": "Interest debit", "661": "Account analysis fee",
    "666": "Debit of a deposit correction", "691": "Miscellaneous fees", "695": "Deposit correction",
    "698": "Miscellaneous fees", "699": "Miscellaneous debit",
}  # fmt: skip
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
