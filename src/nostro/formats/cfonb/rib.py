"""French bank accounts (RIB): bank, branch, account number, and the key that they have in an IBAN."""

from __future__ import annotations

from nostro.model.parties import BankAccount

_VALUES = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")


def rib(bank: str, branch: str, number: str, currency: str = "") -> BankAccount:
    """The account as the 23 characters that stand in its IBAN, so that both names meet. Files leave out the key.

    CFONB, "Relevé d'identité bancaire": 97 less the remainder of 89 banks, 15 branches and 3 account numbers by 97.
    """
    parts = [part.upper().translate(_VALUES) for part in (bank, branch, number)]
    key = ""
    if all(part.isascii() and part.isdecimal() for part in parts):
        weighed = sum(weight * int(part) for weight, part in zip((89, 15, 3), parts, strict=True))
        key = f"{97 - weighed % 97:02}"
    whole = bank + branch + number + key
    scheme = "BBAN" if key else ""
    return BankAccount(other=whole, scheme=scheme, currency=currency, clearing_id=bank + branch)
