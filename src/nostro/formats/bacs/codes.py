"""Bacs's code sets as tables (Bacs service user's guide, appendices): why something came back or changed."""

from __future__ import annotations

from collections.abc import Mapping

from nostro.model.messages import Method

REASONS: Mapping[str, Mapping[str, str]] = {
    "ADDACS": {
        "0": "cancelled: ask the payer", "1": "cancelled by the payer", "2": "the payer died",
        "3": "the account moved to another bank", "B": "the account is closed",
        "C": "the account moved to another branch", "D": "the advance notice is disputed",
        "E": "the instruction was amended", "R": "the instruction was reinstated",
    },
    "AUDDIS": {
        "1": "cancelled by the payer", "2": "the payer died", "3": "the account moved to another bank",
        "5": "no such account", "6": "no such instruction", "7": "the amount is not zero", "B": "the account is closed",
        "C": "the account moved to another branch", "F": "the account's type is not valid",
        "G": "the bank takes no direct debits on the account", "H": "the instruction expired",
        "I": "the payer's reference is not unique", "K": "cancelled by the paying bank",
        "L": "the payer's account details are wrong", "M": "transaction code and user's status don't fit",
        "N": "not allowed at the payer's branch", "O": "the reference is not valid", "P": "the payer's name is missing",
        "Q": "the service user's name is missing",
    },
    "AWACS": {"0": "the account details were wrong", "3": "the account moved to another bank"},
    "ARUDD": {
        "0": "ask the payer", "1": "the instruction was cancelled", "2": "the payer died",
        "3": "the account moved to another bank", "4": "the advance notice is disputed", "5": "no such account",
        "6": "no such instruction", "7": "the amount differs", "8": "the amount is not yet due",
        "9": "presented too late", "A": "the service user differs", "B": "the account is closed",
    },
    "ARUCS": {
        "0": "the account details were wrong", "2": "the beneficiary died", "3": "the account moved to another bank",
        "5": "no such account", "B": "the account is closed", "C": "the payer asked for it",
    },
}  # fmt: skip
ADVICES: Mapping[str, str] = {"A": "ADDACS", "N": "AUDDIS", "D": "AUDDIS", "V": "AUDDIS", "R": "AUDDIS", "W": "AWACS"}
"""Record types of messaging advices, where their header does not say what they are."""

TRANSACTIONS: Mapping[str, Method] = {
    "99": "credit_transfer", "Z4": "credit_transfer", "Z5": "credit_transfer",
    "01": "direct_debit", "17": "direct_debit", "18": "direct_debit", "19": "direct_debit",
    "0N": "", "0C": "", "0S": "",
}  # fmt: skip
"""Standard 18's transaction codes; 0N, 0C and 0S set up, cancel and convert direct debit instructions."""
SEQUENCES: Mapping[str, str] = {"01": "FRST", "17": "RCUR", "18": "RPRE", "19": "FNAL"}
"""ISO 20022's names of a direct debit's place in its sequence; 18 presents one again that came back."""
