"""Parties, their addresses and bank accounts, wherever a message about payments names them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from nostro.formats.iso20022.told import Layers, Table, Told, ends
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


def party(layers: Layers, *names: str) -> Party | None:
    """The party of the first of the names that is told, or None when nothing is said of any."""
    for name in names:
        held = layers.holder(name)
        if held and (found := held[0].made(("party", name), _party, *held)):
            return found
    return None


def _party(told: Told, name: str) -> Party | None:
    base, address, ids = told.planned(("party", name), _party_plan, told, name)
    found: dict[str, Any] = {"name": told.text(*ends(base, _NAMES))}
    found["address"] = _address(told, address) if address else None
    found["ids"] = {**{scheme: told.text(path) for scheme, path in ids}, **_other_ids(told, base)}
    if not any(found.values()):
        return None
    return Party(**found, country=told.text(base + "/CtryOfRes"))


def _party_plan(told: Told, name: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Where a party is told, its address, and each of its identifications that can only be there once."""
    base = name + next((inner for inner in _INNER if name + inner in told.places), "")
    address = next((path for path in ends(base, _ADDRESSES) if path in told.places), "")
    ids: dict[str, str] = {}
    for holder in _ID_HOLDERS:
        for path, scheme in _SINGLE_IDS.items():
            if (at := base + holder + path) in told.texts:
                ids.setdefault(scheme, at)
    return base, address, list(ids.items())


def _address(told: Told, place: str) -> Address | None:
    fields: dict[str, Any] = {
        name: told.text(path) for name, path in told.planned(("address", place), _parts, told, place)
    }
    others = {name: said for name in ADDRESS_OTHERS if (said := fields.pop(name, ""))}
    lines = tuple(told.texts.get(place + "/AdrLine", ()))
    return Address(**fields, lines=lines, others=others) if fields or lines or others else None


def _parts(told: Told, place: str) -> list[tuple[str, str]]:
    names = {**_ADDRESS, **{name: name for name in ADDRESS_OTHERS}}
    return [(name, at) for name, element in names.items() if (at := f"{place}/{element}") in told.texts]


def _other_ids(told: Told, base: str) -> dict[str, str]:
    """Identifications by scheme: a code such as `CUST`, or who issued it."""
    found: dict[str, str] = {}
    for path in told.planned(("ids", base), _other_places, told, base):
        for one in told.blocks(path):
            if said := one.text("Id"):
                found.setdefault(one.text("SchmeNm/Cd", "SchmeNm/Prtry", "IdTp", "Issr") or "Othr", said)
    return found


def _other_places(told: Told, base: str) -> list[str]:
    paths = (base + holder + other for holder in _ID_HOLDERS for other in _OTHER_IDS)
    return [path for path in paths if path in told.places]


def account_of(layers: Layers, role: str) -> BankAccount | None:
    """The bank account of a role (`Dbtr`, `Cdtr`) at its bank; None when neither is told."""
    return bank_account(layers, f"{role}Acct", f"{role}Agt")


def bank_account(layers: Layers, name: str, bank: str) -> BankAccount | None:
    """A bank account, at the bank that another element names; None when neither is told."""
    number, at = layers.holder(name), layers.holder(f"{bank}/FinInstnId")
    if number and at and number[0] is at[0]:
        return number[0].made(("account", name, bank), _account_at, number, at)
    return _account_at(number, at)


def _account_at(number: tuple[Told, str] | None, at: tuple[Told, str] | None) -> BankAccount | None:
    fields = {**(_numbers(*number) if number else {}), **(_bank(*at) if at else {})}
    return BankAccount(**fields) if fields else None


def _numbers(told: Told, name: str) -> dict[str, str]:
    found = told.fields(_number_table(name))
    if "iban" in found:
        found["iban"] = "".join(found["iban"].split()).upper()
    proxy, scheme = found.pop("proxy", ""), found.pop("proxy_scheme", "")
    if proxy and not (found.get("iban") or found.get("other")):
        # A proxy (a telephone number, an e-mail address) names the account only where nothing else does.
        found |= {"other": proxy, "scheme": scheme}
    return found


@lru_cache(maxsize=256)
def _number_table(name: str) -> Table:
    return Table({field: ends(name, paths) for field, paths in _NUMBERS.items()})


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


def _bank(told: Told, name: str) -> dict[str, str]:
    return told.fields(_bank_table(name))


def agent(layers: Layers, name: str) -> str:
    """A bank by its BIC, else its clearing id, other id or name."""
    held = layers.holder(f"{name}/FinInstnId", name)
    if held is None:
        return ""
    told, place = held
    bank = _bank(told, place)
    return bank.get("bic") or bank.get("clearing_id") or told.text(*ends(place, ("/Othr/Id", "/PrtryId/Id", "/Nm")))


def identified(layers: Layers, name: str) -> bool:
    """Whether a bank bears a BIC or a clearing id."""
    held = layers.holder(f"{name}/FinInstnId")
    return bool(held and _bank(*held))


_INTERMEDIARIES = ("IntrmyAgt1", "IntrmyAgt2", "IntrmyAgt3", "IntrmyAgt")


def intermediaries(layers: Layers) -> tuple[BankAccount, ...]:
    """The banks in between, in their order, with their names as the owners of their accounts."""
    return tuple(found for name in _INTERMEDIARIES if layers.holder(name) and (found := _named(layers, name)))


def _named(layers: Layers, name: str) -> BankAccount:
    found = bank_account(layers, f"{name}Acct", name) or BankAccount()
    held = layers.holder(f"{name}/FinInstnId")
    owner = held[0].text(f"{held[1]}/Nm", f"{held[1]}/NmAndAdr/Nm") if held else ""
    return found.model_copy(update={"owner": found.owner or owner})
