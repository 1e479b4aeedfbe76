"""Parties and bank accounts, as documents name them."""

from __future__ import annotations

import re
from functools import lru_cache

from nostro.model.base import Value


def same_account(one: str, other: str) -> bool:
    """Whether two identifications name one bank account: alike, or one is the national number inside the other's IBAN.

    A number without its bank code says too little. Blanks and case don't matter.
    """
    said, told = "".join(one.split()).upper(), "".join(other.split()).upper()
    if len(said) > len(told):
        said, told = told, said
    return bool(said) and (said == told or (said == told[4:] and bool(_IBAN.fullmatch(told))))


_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}", re.ASCII)


@lru_cache(maxsize=4_096)
def valid_iban(iban: str) -> bool:
    """Whether an IBAN without blanks has its form and check digits (ISO 13616)."""
    return bool(_IBAN.fullmatch(iban)) and is_mod_97(iban)


def is_mod_97(said: str) -> bool:
    """ISO 7064 MOD 97-10 over digits and capitals, with the first four of them behind the others."""
    return int((said[4:] + said[:4]).translate(_VALUES)) % 97 == 1


_VALUES = str.maketrans({letter: str(int(letter, 36)) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"})


class Address(Value):
    """A postal address: structured fields, free lines, or both (hybrid).

    `others`: further parts by ISO 20022's names (`BldgNm`, `Flr`, `PstBx`, `Room`, `TwnLctnNm`, `DstrctNm`...).
    """

    street: str = ""
    building: str = ""
    postcode: str = ""
    town: str = ""
    region: str = ""
    country: str = ""
    lines: tuple[str, ...] = ()
    others: dict[str, str] = {}


class Party(Value):
    """A person or organisation. `ids` are by scheme (`LEI`, `BIC`, `CUST`...)."""

    name: str = ""
    address: Address | None = None
    ids: dict[str, str] = {}
    country: str = ""


class BankAccount(Value):
    """A bank account: an IBAN, or another identification with its scheme; at a bank with a BIC or a clearing id."""

    iban: str = ""
    other: str = ""
    scheme: str = ""
    currency: str = ""
    bic: str = ""
    clearing_id: str = ""
    owner: str = ""
    name: str = ""

    @property
    def identification(self) -> str:
        """What names the account: the IBAN without spaces, else the other identification."""
        return "".join(self.iban.split()).upper() or self.other.strip()
