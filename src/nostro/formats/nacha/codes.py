"""NACHA's code sets as tables: transaction codes, layouts by entry class, reasons of returns and changes.

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

RETURNS: Mapping[str, str] = {
    "R01": "insufficient funds", "R02": "the account is closed", "R03": "no such account",
    "R04": "the account number is not valid", "R05": "a consumer did not authorise this corporate debit",
    "R06": "returned at the sending bank's request", "R07": "the authorisation was revoked",
    "R08": "payment was stopped", "R09": "uncollected funds", "R10": "not authorised by the customer",
    "R11": "not as the authorisation says", "R12": "the account moved to another bank",
    "R13": "the bank does not take part in ACH", "R14": "the representative payee died or can't act",
    "R15": "the account holder died", "R16": "the account is frozen or sanctions forbid it",
    "R17": "the bank could not post it as addressed, or it is questionable", "R18": "the effective date is improper",
    "R19": "the amount is in error", "R20": "no transaction account",
    "R21": "the company's identification is not valid",
    "R22": "the individual's identification is not valid", "R23": "the receiver refuses the credit",
    "R24": "a duplicate entry", "R25": "an error in the addenda", "R26": "a mandatory field is in error",
    "R27": "the trace number is in error", "R28": "the routing number's check digit is wrong",
    "R29": "not authorised by the corporate customer", "R30": "the bank takes no truncated cheques",
    "R31": "returned late with the sending bank's permission", "R32": "the bank does not settle",
    "R33": "return of a destroyed cheque entry", "R34": "the sending bank's participation is limited",
    "R35": "an improper debit", "R36": "an improper credit", "R37": "the source document was presented too",
    "R38": "payment of the source document was stopped", "R39": "an improper source document",
    "R40": "the agency returns the enrolment", "R41": "the transaction code is not valid",
    "R42": "the routing number is in error", "R43": "the account number is not valid",
    "R44": "the individual's identification is not valid", "R45": "the name is not valid",
    "R46": "the representative payee's mark is not valid", "R47": "a duplicate enrolment",
    "R50": "state law on cheques that come back", "R51": "the represented cheque was not eligible or improper",
    "R52": "payment of the represented cheque was stopped", "R53": "the cheque was presented too",
    "R61": "misrouted return", "R62": "the return is wrong because of a reversal", "R67": "a duplicate return",
    "R68": "the return came too late", "R69": "fields of the return are in error",
    "R70": "the return was not permitted or not requested", "R71": "misrouted dishonoured return",
    "R72": "the dishonoured return came too late", "R73": "the original return was in time",
    "R74": "the return is corrected", "R75": "the return was no duplicate",
    "R76": "no errors were found in the return", "R77": "the dishonoured return is not accepted",
    "R80": "an error in coding for a foreign payment", "R81": "no participant in the foreign programme",
    "R82": "the foreign bank's identification is not valid", "R83": "the foreign bank could not settle",
    "R84": "the gateway did not process the entry", "R85": "a foreign payment was coded as a domestic one",
}  # fmt: skip
DISHONOURED = frozenset({"R61", "R62", "R67", "R68", "R69", "R70"})
CONTESTED = frozenset({"R71", "R72", "R73", "R74", "R75", "R76", "R77"})

CHANGES: Mapping[str, str] = {
    "C01": "the account number was wrong", "C02": "the routing number was wrong",
    "C03": "routing and account number were wrong", "C04": "the name was wrong",
    "C05": "the transaction code was wrong", "C06": "account number and transaction code were wrong",
    "C07": "routing number, account number and transaction code were wrong",
    "C08": "the foreign bank's identification was wrong", "C09": "the identification number was wrong",
    "C13": "the addenda's format was wrong", "C14": "the entry class is wrong for a payment abroad",
    "C61": "refused: misrouted notification", "C62": "refused: wrong trace number",
    "C63": "refused: wrong company identification", "C64": "refused: wrong identification number",
    "C65": "refused: the corrected data are wrong", "C66": "refused: wrong discretionary data",
    "C67": "refused: not from the original entry", "C68": "refused: not from the original entry's bank",
    "C69": "refused: fields of the notification are wrong",
}  # fmt: skip


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
