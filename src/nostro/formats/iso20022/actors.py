"""Parties, their addresses and bank accounts, wherever a message about payments names them."""

from __future__ import annotations

from nostro.formats.iso20022.told import Layers, Told
from nostro.model.parties import Address, BankAccount, Party

_INNER = ("/Pty", "/Agt/FinInstnId", "/FinInstnId", "")
"""A party stands for itself, in a choice with a bank, or is a bank."""
_NAMES = ("/Nm", "/NmAndAdr/Nm", "/CmbndId/Nm")
_ADDRESSES = ("/PstlAdr", "/NmAndAdr/PstlAdr", "/CmbndId/PstlAdr")
_BANKS = ("", "/CmbndId", "/NmAndAdr")
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
        found = _party(*held) if held else None
        if found:
            return found
    return None


def _party(told: Told, name: str) -> Party | None:
    base = name + next((inner for inner in _INNER if name + inner in told.texts), "")
    found = Party(
        name=told.text(*(base + path for path in _NAMES)),
        address=_address(told, *(base + path for path in _ADDRESSES)),
        ids=_ids(told, base),
        country=told.text(base + "/CtryOfRes"),
    )
    return found if found.name or found.ids or found.address else None


def _address(told: Told, *places: str) -> Address | None:
    place = next((place for place in places if place in told.texts), None)
    if place is None:
        return None
    fields = {field: said for field, name in _ADDRESS.items() if (said := told.text(f"{place}/{name}"))}
    others = {name: said for name in ADDRESS_OTHERS if (said := told.text(f"{place}/{name}"))}
    lines = tuple(line for line in told.texts.get(place + "/AdrLine", ()) if line)
    found = Address(**fields, lines=lines, others=others)
    return found if found != Address() else None


def _ids(told: Told, base: str) -> dict[str, str]:
    """Identifications by scheme: `BIC`, `LEI`, a code such as `CUST`, or who issued it."""
    found: dict[str, str] = {}
    for holder in _ID_HOLDERS:
        if holder and base + holder not in told.texts:
            continue
        for path, scheme in _SINGLE_IDS.items():
            if said := told.text(base + holder + path):
                found.setdefault(scheme, said)
        for other in _OTHER_IDS:
            for one in told.blocks(base + holder + other):
                found.setdefault(one.text("SchmeNm/Cd", "SchmeNm/Prtry", "IdTp", "Issr") or "Othr", one.text("Id"))
    return {scheme: said for scheme, said in found.items() if said}


def account(layers: Layers, role: str) -> BankAccount | None:
    """The bank account of a role (`Dbtr`, `Cdtr`) at its bank; None when neither is told."""
    found = bank_account(layers, f"{role}Acct", f"{role}Agt")
    return found if found != BankAccount() else None


def bank_account(layers: Layers, name: str, bank: str) -> BankAccount:
    """A bank account, at the bank that another element names."""
    number, at = layers.holder(name), layers.holder(f"{bank}/FinInstnId")
    fields = {**(_numbers(*number) if number else {}), **(_bank(*at) if at else {})}
    return BankAccount(**{field: said for field, said in fields.items() if said})


def _numbers(told: Told, name: str) -> dict[str, str]:
    iban = "".join(told.text(f"{name}/Id/IBAN").split()).upper()
    other = told.text(*(f"{name}/{path}" for path in _OTHERS))
    # A proxy (a telephone number, an e-mail address) names the account only where nothing else does.
    proxy = "" if iban or other else told.text(f"{name}/Prxy/Id")
    return {
        "iban": iban,
        "other": other or proxy,
        "scheme": told.text(*(f"{name}/{path}" for path in (_PROXY_SCHEMES if proxy else _SCHEMES))),
        "currency": told.text(f"{name}/Ccy"),
        "owner": told.text(f"{name}/Ownr/Nm", f"{name}/Ownr/Pty/Nm"),
        "name": told.text(f"{name}/Nm"),
    }


_OTHERS = ("Id/Othr/Id", "Id/PrtryAcct/Id", "Id/BBAN", "Id/UPIC")
_SCHEMES = ("Id/Othr/SchmeNm/Cd", "Id/Othr/SchmeNm/Prtry", "Id/Othr/Issr")
_PROXY_SCHEMES = ("Prxy/Tp/Cd", "Prxy/Tp/Prtry")


def _bank(told: Told, name: str) -> dict[str, str]:
    places = [name + inner for inner in _BANKS]
    return {
        "bic": told.text(*(f"{place}/{path}" for place in places for path in ("BICFI", "BIC"))),
        "clearing_id": told.text(
            *(f"{place}/ClrSysMmbId/{path}" for place in places for path in ("MmbId", "Id", "Prtry"))
        ),
    }


def agent(layers: Layers, name: str) -> str:
    """A bank by its BIC, else its clearing id, other id or name."""
    held = layers.holder(f"{name}/FinInstnId", name)
    if held is None:
        return ""
    bank = _bank(*held)
    told, place = held
    return bank["bic"] or bank["clearing_id"] or told.text(f"{place}/Othr/Id", f"{place}/PrtryId/Id", f"{place}/Nm")


_INTERMEDIARIES = ("IntrmyAgt1", "IntrmyAgt2", "IntrmyAgt3", "IntrmyAgt")


def intermediaries(layers: Layers) -> tuple[BankAccount, ...]:
    """The banks in between, in their order."""
    named = [name for name in _INTERMEDIARIES if layers.holder(name)]
    return tuple(_named(layers, name) for name in named)


def _named(layers: Layers, name: str) -> BankAccount:
    found = bank_account(layers, f"{name}Acct", name)
    held = layers.holder(f"{name}/FinInstnId")
    owner = held[0].text(f"{held[1]}/Nm", f"{held[1]}/NmAndAdr/Nm") if held else ""
    return found.model_copy(update={"owner": found.owner or owner})
