"""Parties, accounts, banks and codes as the versions of a message have them, in a profile's letters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from nostro.formats.iso20022.actors import ADDRESS_OTHERS
from nostro.formats.profiles import Profile
from nostro.formats.profiles.profile import LeftOut
from nostro.formats.xml_text import branch, leaf
from nostro.model.messages import Reason
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.statements import ReturnInformation

_CODE = re.compile(r"[A-Z0-9]{4}")
_TEXT = 105
_OLD_ADDRESS = frozenset({"Dept", "SubDept"})


class Dialect(NamedTuple):
    """What versions of a message call differently, and the profile in which texts are written."""

    version: str
    profile: Profile
    bic: str = "BICFI"
    any_bic: str = "AnyBIC"
    modern: bool = True
    """Since 2019: dates in a choice, UETR and LEI, further parts of addresses."""

    def is_bic(self, said: str) -> bool:
        """Whether a text has the form of a BIC that this version takes."""
        return bool((ANY_BIC if self.modern else _EARLY_BIC).fullmatch(said))


def dialect(version: str, profile: Profile, first_modern: int) -> Dialect:
    """The dialect of a version (`pain.001.001.03`): modern from the number that is given on."""
    if int(version[-2:]) >= first_modern:
        return Dialect(version, profile)
    return Dialect(version, profile, bic="BIC", any_bic="BICOrBEI", modern=False)


def coded(name: str, said: str, codes: Iterable[str] | None = None) -> str:
    """A code of an external code set, else the sender's own: four capitals, or one of the codes that are given."""
    known = said in codes if codes is not None else bool(_CODE.fullmatch(said))
    return branch(name, leaf("Cd" if known else "Prtry", said))


def reason(name: str, told: Reason | ReturnInformation, speech: Dialect) -> str:
    """Why something was refused or is taken back: a code of the external set or an own one, and words in pieces."""
    text = speech.profile.written(told.text)
    lines = (leaf("AddtlInf", text[start : start + _TEXT]) for start in range(0, len(text), _TEXT))
    originator = branch("Orgtr", leaf("Nm", speech.profile.written(told.originator or "")))
    return branch(name, originator, branch("Rsn", leaf("Cd", told.code) or leaf("Prtry", told.proprietary)), *lines)


def instant(at: datetime) -> str:
    """A date and time to the second."""
    return at.isoformat(timespec="seconds")


def party(name: str, told: Party | None, speech: Dialect) -> str:
    """A party with its address and identifications."""
    return branch(name, party_parts(told, speech)) if told else ""


def party_parts(told: Party, speech: Dialect) -> str:
    """What stands inside a party."""
    return (
        leaf("Nm", speech.profile.written(told.name))
        + (address(told.address, speech) if told.address else "")
        + branch("Id", _organisation(told, speech))
        + ("" if "country" in speech.profile.leaves_out else leaf("CtryOfRes", told.country))
    )


def without_address(name: str, told: Party | None, speech: Dialect, left_out: LeftOut) -> str:
    """A party whose address the profile may leave out."""
    bare = told is not None and told.address is not None and left_out in speech.profile.leaves_out
    return party(name, told.model_copy(update={"address": None}) if told and bare else told, speech)


ANY_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_EARLY_BIC = re.compile(r"[A-Z]{6}[A-Z2-9][A-NP-Z0-9](?:[A-Z0-9]{3})?")
"""What the schemas take for one; what a sender calls so besides is an id of its own."""
_PLAIN_IDS = frozenset({"BIC", "LEI"})


def _organisation(told: Party, speech: Dialect) -> str:
    ids, bic = told.ids, told.ids.get("BIC", "")
    if bic and not speech.is_bic(bic):
        ids, bic = {**{name: said for name, said in ids.items() if name != "BIC"}, "Othr": bic}, ""
    known = {scheme: said for scheme, said in ids.items() if scheme not in _PLAIN_IDS}
    if "LEI" in ids and not speech.modern:
        known = {"LEI": ids["LEI"], **known}
    others = [_other(scheme, said) for scheme, said in known.items() if said]
    if "further_ids" in speech.profile.leaves_out:
        others = others[: 1 if speech.modern or not bic else 0]
    lei = leaf("LEI", ids.get("LEI", "")) if speech.modern else ""
    return branch("OrgId", leaf(speech.any_bic, bic), lei, *others)


def _other(scheme: str, said: str) -> str:
    return branch("Othr", leaf("Id", said), "" if scheme == "Othr" else coded("SchmeNm", scheme))


def address(told: Address, speech: Dialect) -> str:
    """A postal address, its parts in the schema's order."""
    text = speech.profile.written
    known = {
        "StrtNm": told.street, "BldgNb": told.building, "PstCd": told.postcode, "TwnNm": told.town,
        "CtrySubDvsn": told.region, "Ctry": told.country,
    }  # fmt: skip
    taken = {name: said for name, said in told.others.items() if speech.modern or name in _OLD_ADDRESS}
    parts = (leaf(name, text(said)) for name in _ORDER if (said := known.get(name) or taken.get(name, "")))
    return branch("PstlAdr", *parts, *(leaf("AdrLine", text(line)) for line in told.lines))


_BEFORE = ADDRESS_OTHERS[1:3]
_ORDER = (*_BEFORE, "StrtNm", "BldgNb", "BldgNm", "Flr", "PstBx", "Room", "PstCd", "TwnNm", "TwnLctnNm", "DstrctNm",
          "CtrySubDvsn", "Ctry")  # fmt: skip


def account_number(name: str, told: BankAccount | None, speech: Dialect, *, with_currency: bool = False) -> str:
    """A bank account's number."""
    if told is None or not told.identification:
        return ""
    scheme = "" if "account_scheme" in speech.profile.leaves_out else told.scheme
    other = branch("Othr", leaf("Id", told.other), coded("SchmeNm", scheme) if scheme else "")
    number = leaf("IBAN", told.identification) if told.iban else other
    currency = leaf("Ccy", told.currency) if with_currency else ""
    return branch(name, branch("Id", number), currency)


def bank(name: str, told: BankAccount | None, speech: Dialect, *, needed: bool = False) -> str:
    """The bank of an account; where the schema needs one, `NOTPROVIDED` stands for a bank that the IBAN names."""
    found = _institution(told, speech) if told else ""
    if not found and needed:
        found = "<Othr><Id>NOTPROVIDED</Id></Othr>"
    return branch(name, branch("FinInstnId", found))


def intermediary(name: str, told: BankAccount, speech: Dialect) -> str:
    """A bank in between, by whatever it is known by, and the account that it is paid through."""
    called = _institution(told, speech) + leaf("Nm", speech.profile.written(told.owner))
    return branch(name, branch("FinInstnId", called)) + account_number(f"{name}Acct", told, speech)


def _institution(told: BankAccount, speech: Dialect) -> str:
    member = "" if "clearing_id" in speech.profile.leaves_out else told.clearing_id
    return leaf(speech.bic, told.bic) + branch("ClrSysMmbId", leaf("MmbId", member))
