"""Party fields in their options: an account or identifier, then a BIC, names and addresses, or a structured party.

SWIFT User Handbook, "Standards General Information", party identification: options A, B, C, D, F, G, H, K and L.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap
from typing import NamedTuple

from nostro.formats.swift_mt.blocks import Field
from nostro.formats.swift_mt.values import is_bic, looks_like_iban
from nostro.model.parties import Address, BankAccount, Party

_CLEARING = re.compile(r"//([A-Z]{2})(\w*)")
_DEBIT_CREDIT = re.compile(r"/[CD](?=/)")
_NUMBERED = re.compile(r"([1-8])/(.*)")
_PARTY_CODE = re.compile(r"([A-Z]{4})/([A-Z]{2})/(.*)")


class Told(NamedTuple):
    """A party and its bank account (or the account that it has at the bank in the field)."""

    party: Party | None
    bank_account: BankAccount | None

    @property
    def bic(self) -> str:
        """The BIC that the field tells."""
        return self.bank_account.bic if self.bank_account else ""


def read_party(told: Field) -> Told:
    """A party field of any option."""
    option = told.tag[2:]
    said = [line.strip() for line in told.text if line.strip()]
    ids: dict[str, str] = {}
    account = BankAccount()
    if said and (said[0].startswith("/") or (option == "F" and _PARTY_CODE.match(said[0]))):
        account = _identified(said.pop(0), ids)
    if option in ("A", "G") and said and is_bic(said[0].upper()):
        bic = said.pop(0).upper()
        account, ids = account.model_copy(update={"bic": bic}), {**ids, "BIC": bic}
    if option == "L" and said:
        return Told(Party(ids={"OTHER": said[0]}), None)
    party = _structured(said, ids) if option == "F" or (said and said[0].startswith("1/")) else _unstructured(said, ids)
    known = account.identification or account.bic or account.clearing_id
    return Told(party, account if known else None)


def read_agent(told: Field) -> BankAccount:
    """A bank: its BIC or clearing id, its name, and the account that is kept with it."""
    found = read_party(told)
    account = found.bank_account or BankAccount()
    name = found.party.name if found.party else ""
    return account.model_copy(update={"name": name}) if name else account


def _identified(line: str, ids: dict[str, str]) -> BankAccount:
    """`/account`, `//clearing code`, `/C/account`, or `CODE/country/identifier`."""
    if found := _PARTY_CODE.match(line):
        ids[found[1]] = f"{found[2]}/{found[3]}"
        return BankAccount()
    if found := _CLEARING.match(line):
        return BankAccount(clearing_id=f"{found[1]}{found[2]}")
    number = _DEBIT_CREDIT.sub("", line).lstrip("/").strip()
    compact = "".join(number.split()).upper()
    return BankAccount(iban=compact) if looks_like_iban(compact) else BankAccount(other=number)


def _unstructured(said: list[str], ids: dict[str, str]) -> Party | None:
    if not said:
        return Party(ids=ids) if ids else None
    address = Address(lines=tuple(said[1:])) if said[1:] else None
    return Party(name=said[0], address=address, ids=ids)


def _structured(said: list[str], ids: dict[str, str]) -> Party | None:
    """Numbered lines: 1 name, 2 street, 3 country and town; 4 to 8 are identifications."""
    by_number: dict[str, list[str]] = {}
    for line in said:
        number, text = found.groups() if (found := _NUMBERED.match(line)) else ("1", line)
        by_number.setdefault(number, []).append(text.strip())
    country, _, place = " ".join(by_number.get("3", [])).partition("/")
    street, building = _apart(_WITH_BUILDING, " ".join(by_number.get("2", [])))
    town, postcode, region = _apart(_WITH_POSTCODE, place)
    others = {_IDENTIFICATIONS[number]: " ".join(lines) for number, lines in by_number.items() if number in "45678"}
    address = Address(
        street=street, building=building, postcode=postcode, town=town, region=region, country=country
    ) if street or country else None  # fmt: skip
    name = " ".join(by_number.get("1", []))
    return Party(name=name, address=address, ids={**ids, **others}) if name or address or ids or others else None


def numbered_lines(name: str, address: Address) -> Iterator[str]:
    """Option F: each line with its number; what of an address is one line's stands between commas without blanks."""
    street = (address.street, address.building, *address.others.values(), *address.lines)
    place = (address.town, address.postcode, address.region)
    for number, parts in (("1", (name,)), ("2", street), ("3", (f"{address.country}/{place[0]}", *place[1:]))):
        text = ",".join(filter(None, parts))
        yield from (f"{number}/{line}" for line in wrap(text, _DETAILS_SIGNS, break_on_hyphens=False))


def _apart(parts: re.Pattern[str], text: str) -> tuple[str, ...]:
    """The text by its parts, where it has them; else all of it is the first one."""
    found = parts.fullmatch(text)
    return found.groups("") if found else (text, *[""] * (parts.groups - 1))


_DETAILS_SIGNS = 33
_WITH_BUILDING = re.compile(r"([^,]+),(\d[^,]{0,15})")
_WITH_POSTCODE = re.compile(r"([^,]+),((?=[^,]*\d)[^, ][^,]{0,15})(?:,([^, ][^,]*))?")
"""What stands between commas without blanks; people write blanks behind theirs, and what they write stays whole."""
_IDENTIFICATIONS = {
    "4": "BIRTH_DATE", "5": "BIRTH_PLACE", "6": "CUSTOMER_ID", "7": "NATIONAL_ID", "8": "ADDITIONAL",
}  # fmt: skip
