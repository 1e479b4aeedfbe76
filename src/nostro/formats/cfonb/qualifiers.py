"""What records 05 of CFONB 120 tell of the movement before them, by qualifier.

CFONB, "Évolution du relevé de compte 120 caractères" 2.0, 4.2 (positions there count from 49, here from 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nostro.formats.cfonb.amounts import places
from nostro.formats.line_statements import scaled, whole_number, zone
from nostro.formats.reading import Unreadable
from nostro.model.money import Amount
from nostro.model.parties import BankAccount, Party
from nostro.model.references import told
from nostro.model.statements import Charge, Direction, Exchange, References, Source

TOLD = 200
"""Records 05 that are kept of one movement."""
_FIRST, _SECOND = (1, 35), (36, 70)
_REFERENCES = {
    "RCN": ("end_to_end", "purpose"),
    "REF": ("payment_information", "transaction"),
    "RUM": ("mandate", "sequence"),
    "LCS": ("structured", ""),
}
"""Which references the two halves hold; what `References` has no field for goes to its others."""
_OTHERS = {
    "NPO": "ultimate_debtor",
    "NBU": "ultimate_creditor",
    "IPO": "ultimate_debtor_id",
    "IBU": "ultimate_creditor_id",
}
_LINES = frozenset({"LIB", "LCC", "LC2"})


@dataclass(slots=True)
class Told:
    """What was gathered of one movement."""

    lines: list[str] = field(default_factory=list)
    references: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    names: dict[Direction, str] = field(default_factory=dict)
    ids: dict[Direction, dict[str, str]] = field(default_factory=dict)
    accounts: dict[Direction, str] = field(default_factory=dict)
    exchange: Exchange | None = None
    charges: tuple[Charge, ...] = ()

    def fields(self, direction: Direction) -> dict[str, Any]:
        """Fields of an entry. The payer is the other side of a credit, the payee that of a debit."""
        name, ids = self.names.get(direction, ""), self.ids.get(direction, {})
        number = "".join(self.accounts.get(direction, "").split())
        iban = number[:2].isalpha() and number[2:4].isdecimal()
        account = BankAccount(iban=number) if iban else BankAccount(other=number)
        return {
            "references": References(**self.references, others=self.others),
            "counterparty": Party(name=name, ids=ids) if name or ids else None,
            "counterparty_account": account if number else None,
            "exchange": self.exchange,
            "charges": self.charges,
        }


def gather(records: Iterable[tuple[str, str, int]]) -> Told:
    """What records tell: qualifier, information and line of each. Raises `Unreadable`."""
    gathered = Told()
    for qualifier, said, number in records:
        if qualifier in _LINES or not qualifier:
            gathered.lines += [line] if (line := " ".join(said.split())) else []
        elif qualifier in _REFERENCES:
            _take_references(gathered, qualifier, said)
        elif qualifier == "FEE":
            charge = Charge(amount=_amount(said), source=Source(where="FEE", line=number))
            gathered.charges = (*gathered.charges, charge)
        elif qualifier in _TAKERS:
            _TAKERS[qualifier](gathered, said)
        elif line := " ".join(said.split()):
            gathered.others[_OTHERS.get(qualifier, qualifier)] = line
    return gathered


def _take_references(gathered: Told, qualifier: str, said: str) -> None:
    for name, (first, last) in zip(_REFERENCES[qualifier], (_FIRST, _SECOND), strict=True):
        if not (value := told(zone(said, first, last))) or not name:
            continue
        known = gathered.references if name in References.model_fields else gathered.others
        known[name] = value


def _name(direction: Direction) -> Callable[[Told, str], None]:
    def take(gathered: Told, said: str) -> None:
        gathered.names[direction] = " ".join(said.split())

    return take


def _id(direction: Direction) -> Callable[[Told, str], None]:
    def take(gathered: Told, said: str) -> None:
        value, scheme = zone(said, *_FIRST), zone(said, *_SECOND)
        if value:
            gathered.ids[direction] = {scheme or "Othr": value}

    return take


def _number(direction: Direction) -> Callable[[Told, str], None]:
    def take(gathered: Told, said: str) -> None:
        gathered.accounts[direction] = zone(said, *_FIRST)

    return take


def _original(gathered: Told, said: str) -> None:
    """`MMO`: currency, decimals and amount as instructed; decimals and rate."""
    decimals, digits = zone(said, 19, 20), zone(said, 21, 31)
    digits_after, rate_digits = whole_number(decimals), whole_number(digits)
    rate = Decimal(rate_digits).scaleb(-digits_after) if rate_digits and digits_after is not None else None
    gathered.exchange = Exchange(instructed=_amount(said), source_currency=said[:3], rate=rate)


def _amount(said: str) -> Amount:
    """Currency, decimals and amount, with which `MMO` and `FEE` begin. Raises `Unreadable`."""
    currency = said[:3]
    return scaled(zone(said, 5, 18), places(said[3:4].strip(), currency), currency)


_TAKERS: dict[str, Callable[[Told, str], None]] = {
    "NPY": _name("credit"), "NBE": _name("debit"), "IPY": _id("credit"), "IBE": _id("debit"),
    "CPY": _number("credit"), "CBE": _number("debit"), "MMO": _original,
}  # fmt: skip
__all__ = ["TOLD", "Told", "Unreadable", "gather"]
