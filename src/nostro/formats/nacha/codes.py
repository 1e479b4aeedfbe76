"""NACHA's transaction codes, layouts by entry class, and what reasons of returns and changes imply.

Nacha Operating Rules, Appendix Three (formats) and Four (returns and notifications of change).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nostro.model.messages import Method
from nostro.model.statements import Direction


class EntryCode(NamedTuple):
    """What a transaction code says: which way the money goes at the receiver, and what kind of entry it is."""

    direction: Direction
    method: Method
    back: bool


def _codes() -> dict[str, EntryCode]:
    """By account (checking 2, savings 3, ledger 4, loan 5) and use: 1-4 are credits, 6-9 debits; 55 reverses a loan."""
    uses: dict[int, EntryCode] = {
        1: EntryCode("credit", "credit_transfer", back=True),
        2: EntryCode("credit", "credit_transfer", back=False),
        3: EntryCode("credit", "prenote", back=False),
        4: EntryCode("credit", "credit_transfer", back=False),
        5: EntryCode("debit", "direct_debit", back=False),
        6: EntryCode("debit", "direct_debit", back=True),
        7: EntryCode("debit", "direct_debit", back=False),
        8: EntryCode("debit", "prenote", back=False),
        9: EntryCode("debit", "direct_debit", back=False),
    }
    return {f"{account}{use}": told for account in (2, 3, 4, 5) for use, told in uses.items()}


ENTRY_CODES: Mapping[str, EntryCode] = _codes()
WITHOUT_MONEY = frozenset("3489")
"""Second digits of prenotes and of entries that carry remittance only."""

ADVICES: Mapping[str, Direction] = {
    f"8{digit}": "credit" if digit in (1, 3, 5, 7) else "debit" for digit in range(1, 9)
}
"""Automated accounting advices (ADV)."""


class Layout(NamedTuple):
    """Where an entry class keeps what identifies the entry and who receives it; the account is alike in all but IAT."""

    identification: slice = slice(39, 54)
    name: slice = slice(54, 76)
    account: slice = slice(12, 29)


LAYOUTS: Mapping[str, Layout] = {
    "CTX": Layout(name=slice(58, 74)),
    "ENR": Layout(name=slice(58, 74)),
    "ATX": Layout(name=slice(58, 74)),
    "CIE": Layout(identification=slice(54, 76), name=slice(39, 54)),
    "MTE": Layout(identification=slice(61, 76), name=slice(39, 61)),
    "POP": Layout(identification=slice(39, 48)),
    "SHR": Layout(identification=slice(43, 54)),
    "IAT": Layout(identification=slice(0, 0), name=slice(0, 0), account=slice(39, 74)),
}
"""What differs from CCD and PPD."""
CHEQUES = frozenset({"ARC", "BOC", "POP", "RCK", "TRC", "TRX", "XCK"})
"""Entry classes whose identification is the serial number of a cheque."""

DISHONOURED = frozenset({"R61", "R62", "R67", "R68", "R69", "R70"})
CONTESTED = frozenset({"R71", "R72", "R73", "R74", "R75", "R76", "R77"})


class Corrected(NamedTuple):
    """A part of the corrected data of a notification of change: what it is, and where in its 29 characters."""

    name: str
    at: slice


CORRECTED: Mapping[str, tuple[Corrected, ...]] = {
    "C01": (Corrected("account", slice(0, 17)),),
    "C02": (Corrected("routing", slice(0, 9)),),
    "C03": (Corrected("routing", slice(0, 9)), Corrected("account", slice(9, 29))),
    "C04": (Corrected("name", slice(0, 22)),),
    "C05": (Corrected("transaction_code", slice(0, 2)),),
    "C06": (Corrected("account", slice(0, 17)), Corrected("transaction_code", slice(17, 29))),
    "C07": (
        Corrected("routing", slice(0, 9)),
        Corrected("account", slice(9, 26)),
        Corrected("transaction_code", slice(26, 29)),
    ),
    "C08": (Corrected("foreign_bank", slice(0, 29)),),
    "C09": (Corrected("identification", slice(0, 22)),),
}
"""Cut without gaps: banks put the second part a few places off."""
