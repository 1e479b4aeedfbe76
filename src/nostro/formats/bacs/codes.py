"""Bacs's code sets as tables (Bacs service user's guide, appendices): transactions and their sequence."""

from __future__ import annotations

from collections.abc import Mapping

from nostro.model.messages import Method

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
