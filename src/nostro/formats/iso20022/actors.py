"""Parties, their addresses and bank accounts, wherever a message about payments names them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from nostro.formats.iso20022.told import Hits, Layers, Shape, Table, Told, ends
from nostro.model.base import maker
from nostro.model.parties import Address, BankAccount, Party

_INNER = ("/Pty", "/Agt/FinInstnId", "/FinInstnId", "")
"""A party stands for itself, in a choice with a bank, or is a bank."""
_NAMES = ("/Nm", "/NmAndAdr/Nm", "/CmbndId/Nm")
_ADDRESSES = ("/PstlAdr", "/NmAndAdr/PstlAdr", "/CmbndId/PstlAdr")
_SINGLE_IDS = {
    "/AnyBIC": "BIC", "/BICOrBEI": "BIC", "/BICFI": "BIC", "/BIC": "BIC", "/BEI": "BEI", "/LEI": "LEI",
    "/IBEI": "IBEI", "/EANGLN": "EANGLN", "/DUNS": "DUNS", "/BkPtyId": "BkPtyId", "/TaxIdNb": "TaxIdNb",
    "/SclSctyNb": "SclSctyNb", "/CstmrNb": "CstmrNb", "/DrvrsLicNb": "DrvrsLicNb", "/PsptNb": "PsptNb",
    "/IdntyCardNb": "IdntyCardNb", "/MplyrIdNb": "MplyrIdNb", "/ClrSysMmbId/MmbId": "ClrSysMmbId",
    "/ClrSysMmbId/Id": "ClrSysMmbId",
}  # fmt: skip
_ID_HOLDERS = ("", "/Id/OrgId", "/Id/PrvtId", "/CmbndId")
_OTHER_IDS = ("/Othr", "/PrtryId", "/OthrId")
_ADDRESS = {
    "street": "StrtNm", "building": "BldgNb", "postcode": "PstCd", "town": "TwnNm", "region": "CtrySubDvsn",
    "country": "Ctry",
}  # fmt: skip
ADDRESS_OTHERS = ("CareOf", "Dept", "SubDept", "BldgNm", "Flr", "UnitNb", "PstBx", "Room", "TwnLctnNm", "DstrctNm")
"""Parts of an address beyond those that every system has, in the order of `PostalAddress27`."""
_made_party, _made_address, _made_account = maker(Party), maker(Address), maker(BankAccount)


def party(layers: Layers, *names: str) -> Party | None:
    """The party of the first of the names that is told, or None when nothing is said of any."""
    for name in names:
        held = layers.holder(name)
        if held is None:
            continue
        found = _party(*held) if held[0] is layers.own else held[0].made(("party", name), _party, *held)
        if found:
            return found
    return None


def called(told: Party | None) -> str | None:
    """A party by its name, else by its ids."""
    return (told.name or " ".join(told.ids.values())) if told else None


class PartyAt(NamedTuple):
    """Where in a piece a party's fields stand, and which elements hold identifications that may be several."""

    fields: Hits
    ids: Hits
    address: Hits
    others: Hits
    lines: list[int]
    blocks: list[str]


def _party(told: Told, name: str) -> Party | None:
    return party_in(told, told.planned(("party", name), _party_at, told.shape, name))


def party_in(told: Told, at: PartyAt) -> Party | None:
    """The party of a piece, or None when nothing is said of it."""
    values = told.values
    found: dict[str, Any] = {field: values[place] for field, place in at.fields}
    ids = {scheme: values[place] for scheme, place in at.ids}
    if at.blocks:
        ids |= _other_ids(told, at.blocks)
    if ids:
        found["ids"] = ids
    if at.address or at.others or at.lines:
        parts: dict[str, Any] = {field: values[place] for field, place in at.address}
        parts["lines"] = tuple([values[place] for place in at.lines])
        parts["others"] = {field: values[place] for field, place in at.others}
        found["address"] = _made_address(parts)
    return _made_party(found) if len(found) > ("country" in found) else None


def party_at(shape: Shape, name: str) -> PartyAt | None:
    """Where a party stands in pieces that are built so; None where nothing is told of it."""
    return _party_at(shape, name) if shape.holds(name) else None


def _party_at(shape: Shape, name: str) -> PartyAt:
    base = name + next((inner for inner in _INNER if shape.holds(name + inner)), "")
    address = next((path for path in ends(base, _ADDRESSES) if shape.holds(path)), "")
    ids: dict[str, int] = {}
    for holder in _ID_HOLDERS:
        for path, scheme in _SINGLE_IDS.items():
            if (found := shape.first((base + holder + path,))) >= 0:
                ids.setdefault(scheme, found)
    parts = {field: (f"{address}/{element}",) for field, element in _ADDRESS.items()} if address else {}
    others = {element: (f"{address}/{element}",) for element in ADDRESS_OTHERS} if address else {}
    blocks = [base + holder + other for holder in _ID_HOLDERS for other in _OTHER_IDS]
    return PartyAt(
        shape.hits({"name": ends(base, _NAMES), "country": (base + "/CtryOfRes",)}),
        list(ids.items()),
        shape.hits(parts),
        shape.hits(others),
        shape.every((address + "/AdrLine",)),
        [path for path in blocks if shape.holds(path)],
    )


def _other_ids(told: Told, paths: list[str]) -> dict[str, str]:
    """Identifications by scheme: a code such as `CUST`, or who issued it."""
    found: dict[str, str] = {}
    for path in paths:
        for one in told.blocks(path):
            if said := one.text("Id"):
                found.setdefault(one.text("SchmeNm/Cd", "SchmeNm/Prtry", "IdTp", "Issr") or "Othr", said)
    return found


def account_of(layers: Layers, role: str) -> BankAccount | None:
    """The bank account of a role (`Dbtr`, `Cdtr`) at its bank; None when neither is told."""
    return bank_account(layers, f"{role}Acct", f"{role}Agt")


def bank_account(layers: Layers, name: str, bank: str) -> BankAccount | None:
    """A bank account, at the bank that another element names; None when neither is told."""
    number, at = layers.holder(name), layers.holder(f"{bank}/FinInstnId")
    if number is None or at is None or number[0] is at[0]:
        told = number or at
        return told[0].made(("account", name, bank), _account_in, told[0], name, bank) if told else None
    return bank_account_of(number[0].fields(_number_table(name)) | at[0].fields(_bank_table(at[1])))


def own_account(told: Told, bank: str) -> BankAccount | None:
    """The bank account that a piece itself is (`Acct`), at the bank that an element of it names."""
    return _account_in(told, "", bank)


def account_at(shape: Shape, name: str, bank: str) -> Hits:
    """Where the fields of a bank account stand in pieces that are built so, at the bank that another element names."""
    return shape.hits(_account_table(name, bank).paths)


def _account_in(told: Told, name: str, bank: str) -> BankAccount | None:
    return bank_account_of(told.fields(_account_table(name, bank)))


def bank_account_of(found: dict[str, str]) -> BankAccount | None:
    """The bank account of its fields as they are told; None where none is."""
    if "iban" in found:
        found["iban"] = "".join(found["iban"].split()).upper()
    if "proxy" in found or "proxy_scheme" in found:
        proxy, scheme = found.pop("proxy", ""), found.pop("proxy_scheme", "")
        if proxy and not (found.get("iban") or found.get("other")):
            # A proxy (a telephone number, an e-mail address) names the account only where nothing else does.
            found |= {"other": proxy, "scheme": scheme}
    return _made_account(found) if found else None


@lru_cache(maxsize=256)
def _number_table(name: str) -> Table:
    return Table({field: ends(name, paths) for field, paths in _NUMBERS.items()})


@lru_cache(maxsize=256)
def _account_table(name: str, bank: str) -> Table:
    return Table({**_number_table(name).paths, **_bank_table(f"{bank}/FinInstnId").paths})


_NUMBERS = {
    "iban": ("/Id/IBAN",),
    "other": ("/Id/Othr/Id", "/Id/PrtryAcct/Id", "/Id/BBAN", "/Id/UPIC"),
    "scheme": ("/Id/Othr/SchmeNm/Cd", "/Id/Othr/SchmeNm/Prtry", "/Id/Othr/Issr"),
    "currency": ("/Ccy",),
    "owner": ("/Ownr/Nm", "/Ownr/Pty/Nm"),
    "name": ("/Nm",),
    "proxy": ("/Prxy/Id",),
    "proxy_scheme": ("/Prxy/Tp/Cd", "/Prxy/Tp/Prtry"),
}
_BANKS = {
    "bic": ("/BICFI", "/BIC", "/CmbndId/BIC"),
    "clearing_id": ("/ClrSysMmbId/MmbId", "/ClrSysMmbId/Id", "/ClrSysMmbId/Prtry", "/CmbndId/ClrSysMmbId/Id"),
}


@lru_cache(maxsize=256)
def _bank_table(name: str) -> Table:
    return Table({field: ends(name, paths) for field, paths in _BANKS.items()})


def agent(layers: Layers, name: str) -> str:
    """A bank by its BIC, else its clearing id, other id or name."""
    held = layers.holder(f"{name}/FinInstnId", name)
    if held is None:
        return ""
    told, place = held
    bank = told.fields(_bank_table(place))
    return bank.get("bic") or bank.get("clearing_id") or told.text(*ends(place, ("/Othr/Id", "/PrtryId/Id", "/Nm")))


def identified(layers: Layers, name: str) -> bool:
    """Whether a bank bears a BIC or a clearing id."""
    held = layers.holder(f"{name}/FinInstnId")
    return bool(held and held[0].fields(_bank_table(held[1])))


_INTERMEDIARIES = ("IntrmyAgt1", "IntrmyAgt2", "IntrmyAgt3", "IntrmyAgt")


def intermediaries(layers: Layers) -> tuple[BankAccount, ...]:
    """The banks in between, in their order, with their names as the owners of their accounts."""
    return tuple(found for name in _INTERMEDIARIES if layers.holder(name) and (found := _named(layers, name)))


def _named(layers: Layers, name: str) -> BankAccount:
    found = bank_account(layers, f"{name}Acct", name) or BankAccount()
    held = layers.holder(f"{name}/FinInstnId")
    owner = held[0].text(f"{held[1]}/Nm", f"{held[1]}/NmAndAdr/Nm") if held else ""
    return found.model_copy(update={"owner": found.owner or owner})
