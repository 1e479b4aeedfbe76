"""References: the values by which systems name the same thing, normalised so that two spellings meet.

The blind index (`reference.digest`) is an HMAC over the normalised value, so a normalisation can't change without re-
keying.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from string import punctuation
from typing import NamedTuple, Self

_RF_PREFIX = 4


class Reference(NamedTuple):
    """A kind and a normalised value. `scope` keeps apart values that are only unique within an entity or connection."""

    kind: str
    value: str
    scope: str = ""

    @classmethod
    def to(cls, kind: str, value: str, scope: str = "") -> Self:
        """A reference with its value normalised for its kind; raises `KeyError` for an unknown kind."""
        return cls(kind, NORMALISE[kind](value), scope)

    @property
    def indexed(self) -> str:
        """What the blind index is taken over."""
        return f"{self.scope}\x1f{self.value}"


def _verbatim(value: str) -> str:
    return value.strip()


def _compact(value: str) -> str:
    return "".join(unicodedata.normalize("NFKC", value).split()).upper()


def _structured(value: str) -> str:
    compact = _compact(value)
    if compact.startswith("RF") and compact[2:_RF_PREFIX].isdigit():
        return compact[_RF_PREFIX:].lstrip("0")
    return compact.lstrip("0")


NORMALISE: Mapping[str, Callable[[str], str]] = {
    "correlation": _compact,  # our own NOS... id
    "iban": _compact,
    "email": lambda value: unicodedata.normalize("NFKC", value).strip().casefold(),
    "partner": _verbatim,  # connection/id
    "invoice_number": _compact,
    "structured": _structured,  # ISO 11649 creditor reference, Swiss QR reference
    "odoo_move": _verbatim,  # move id, scope = connection
    "odoo_payment": _verbatim,
    "end_to_end": _verbatim,
    "part": _verbatim,  # end-to-end id of one of several transactions in an entry, as a person quotes it
    "servicer": _verbatim,  # account servicer reference, scope = bank account
    "entry": _verbatim,  # NtryRef with booking date, scope = bank account
    "movement": _verbatim,  # what identifies a bank movement when no reference does
    "psp": _verbatim,  # any id a payment provider gives: pi_, ch_, re_, du_, po_, txn_
    "statement": _verbatim,
    "receipt": _verbatim,
    "natural_key": _verbatim,
    "case": _verbatim,
}

_NOTHING = frozenset({
    "NOTPROVIDED", "NOT-PROVIDED", "NOT_PROVIDED", "NOTAVAILABLE", "NOTAPPLICABLE", "NONREF", "NOREF", "NONE", "NULL",
    "N/A", "NA", "UNKNOWN",
})  # fmt: skip
_LONGEST = 20
ENDS_OF_NOTHING = frozenset((
    "", "0", *punctuation, *{end for word in _NOTHING for end in (word[-1], word[-1].lower())},
))  # fmt: skip
"""What ends with another sign than these says something."""


def told(reference: str) -> str:
    """The reference, or nothing where a bank fills the field with words or signs that say so (`NOTPROVIDED`, `/`).

    Nothing but zeros is none either: two payments that bear one of these have nothing in common.
    """
    said = reference.strip()
    end = said[-1:]
    if end not in ENDS_OF_NOTHING:
        return said  # as most of a million do: nothing more is to be looked at
    if end == "0":
        return said if said.strip("0") else ""
    if end.isalnum():
        return "" if len(said) <= _LONGEST and "".join(said.split()).upper() in _NOTHING else said
    return said if any(map(str.isalnum, said)) else ""


def all_told(said: dict[str, str]) -> dict[str, str]:
    """Those of the references, by any name and without blanks around them, that are `told`."""
    for one in said.values():
        if one[-1:] in ENDS_OF_NOTHING and not told(one):
            return {name: reference for name, reference in said.items() if told(reference)}
    return said
