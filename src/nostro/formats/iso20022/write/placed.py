"""Texts, amounts, parties and accounts of a statement, each at its place: cut aloud, or refused.

What a bank told and a schema has no form for (an IBAN with wrong check digits, a BIC that is none) is written as an id
of whoever gave it, so that it is not lost and claims nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from nostro.formats.iso20022.write.settled import is_told
from nostro.formats.iso20022.write.told_as import ANY_BIC
from nostro.formats.xml_text import attribute, branch, leaf
from nostro.model.failures import FormatRefused
from nostro.model.money import NO_CURRENCY, Amount, plain
from nostro.model.parties import Address, BankAccount, Party, valid_iban
from nostro.model.remittance import Document

Say = Callable[[str], object]
CODE = 4
_ID, _NAME, _LINE, _DIGITS = 35, 140, 140, 18
_COUNTRY, _CURRENCY = re.compile("[A-Z]{2}"), re.compile("[A-Z]{3}")
_LEI = re.compile(r"[A-Z0-9]{18}[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the source we are, and who hears what gets lost there."""

    where: str
    say: Say

    def leaf(self, name: str, text: str, most: int) -> str:
        """An element with a text of at most so many characters."""
        return leaf(name, self.cut(name, text, most))

    def cut(self, name: str, text: str, most: int) -> str:
        """At most so many characters of a text."""
        said = text.strip()
        if len(said) > most:
            self.say(f"{self.where}: {name} takes {most} characters; {len(said) - most} were cut off.")
        return said[:most]

    def amount(self, name: str, told: Amount) -> str:
        """An amount without a sign. Raises `FormatRefused` for one that the standard does not take."""
        said = plain(told.value)
        if told.currency == NO_CURRENCY:
            raise self.refused(name, "amount has no currency", "Say which one it is in.")
        if told.value < 0:
            raise self.refused(name, "amount is below zero, which its direction has to say", "Turn its direction.")
        if told.too_fine:
            raise self.refused(name, f"amount {told.too_fine}", "Say it in whole minor units of a currency.")
        if sum(map(str.isdecimal, said)) > _DIGITS:
            raise self.refused(name, f"amount has more than {_DIGITS} digits", "Correct it.")
        return leaf(name, said, attribute("Ccy", told.currency))

    def aside(self, name: str, told: Amount | None) -> Amount | None:
        """An amount that nothing is booked by, or None aloud where ISO 20022 has no form for it."""
        if told is None or is_told(told):
            return told
        self.left_out(name, "amount")
        return None

    def currency(self, name: str, told: str) -> str:
        """A currency's code, left out aloud where it is none."""
        known = told.replace(NO_CURRENCY, "")
        return leaf(name, known) if not known or _CURRENCY.fullmatch(known) else self.left_out(name, "currency")

    def number(self, name: str, told: int | None, digits: int) -> str:
        """A whole number of at most so many digits, left out aloud where it has more."""
        said = "" if told is None else str(told)
        return leaf(name, said) if len(said) <= digits else self.left_out(name, f"number of at most {digits} digits")

    def left_out(self, name: str, kind: str) -> str:
        """Nothing, and somebody hears that an element is not there."""
        self.say(f"{self.where}: {name} takes another {kind}; it was left out.")
        return ""

    def refused(self, name: str, sentence: str, remedy: str) -> FormatRefused:
        """What can't be written, at its place."""
        return FormatRefused(f"{self.where}, {name}: the {sentence}.", remedy)


def fitted(told: Document, at: Place) -> Document:
    """A document with what the message takes of it."""
    amounts = {field: at.aside(name, getattr(told, field)) for field, name in _DOCUMENT_AMOUNTS.items()}
    adjustments = [
        one.model_copy(update={"reason": at.cut("Rsn", one.reason, CODE), "text": at.cut("AddtlInf", one.text, _LINE)})
        for one in told.adjustments or ()
        if at.aside("AdjstmntAmtAndRsn", one.amount)
    ]
    texts = {"number": at.cut("Nb", told.number, _ID), "type": at.cut("Prtry", told.type, _ID)}
    return told.model_copy(update={**amounts, **texts, "adjustments": tuple(adjustments) or None})


_DOCUMENT_AMOUNTS = {
    "due": "DuePyblAmt", "discount": "DscntApldAmt", "credited": "CdtNoteAmt", "tax": "TaxAmt", "remitted": "RmtdAmt",
}  # fmt: skip


def party(role: str, told: Party | None, at: Place) -> str:
    """A party with its address and identifications."""
    if told is None:
        return ""
    return branch(role, branch("Pty", at.leaf("Nm", told.name, _NAME), _address(told.address, at), _ids(told, at)))


def _address(told: Address | None, at: Place) -> str:
    if told is None:
        return ""
    country = told.country if _COUNTRY.fullmatch(told.country) else ""
    fields = (
        ("StrtNm", told.street, 70), ("BldgNb", told.building, 16), ("PstCd", told.postcode, 16),
        ("TwnNm", told.town, 35), ("CtrySubDvsn", told.region, 35), ("Ctry", country, 2),
    )  # fmt: skip
    lines = [at.leaf("AdrLine", line, 70) for line in told.lines[:7]]
    return branch("PstlAdr", *(at.leaf(name, said, most) for name, said, most in fields), *lines)


_FORMS = {"BIC": ("AnyBIC", ANY_BIC), "LEI": ("LEI", _LEI)}


def _ids(told: Party, at: Place) -> str:
    plain_ids = {name: said for name, said in told.ids.items() if name in _FORMS and _FORMS[name][1].fullmatch(said)}
    known = [leaf(element, plain_ids.get(name, "")) for name, (element, _) in _FORMS.items()]
    others = [
        branch("Othr", at.leaf("Id", said, _ID), branch("SchmeNm", at.leaf("Prtry", scheme, _ID)))
        for scheme, said in sorted(told.ids.items())
        if scheme not in plain_ids and said.strip()
    ]
    return branch("Id", branch("OrgId", *known, *others))


def bank_account(name: str, told: BankAccount | None, at: Place, currency: str = "") -> str:
    """A bank account; ours (`Acct`) with its owner and bank."""
    if told is None or not told.identification:
        return ""
    scheme = branch("SchmeNm", at.leaf("Cd" if len(told.scheme) == CODE else "Prtry", told.scheme, _ID))
    number = told.identification
    is_iban = bool(told.iban) and valid_iban(number)
    identity = leaf("IBAN", number) if is_iban else branch("Othr", at.leaf("Id", number, 34), scheme)
    owner = branch("Ownr", at.leaf("Nm", told.owner, _NAME)) if name == "Acct" else ""
    servicer = branch("Svcr", agent(told, at)) if name == "Acct" else ""
    also = at.currency("Ccy", told.currency or currency), at.leaf("Nm", told.name, 70)
    return branch(name, branch("Id", identity), *also, owner, servicer)


def agent(told: BankAccount | None, at: Place) -> str:
    """The bank of an account."""
    if told is None:
        return ""
    member = branch("ClrSysMmbId", at.leaf("MmbId", told.clearing_id, _ID))
    if not ANY_BIC.fullmatch(told.bic):
        return branch("FinInstnId", member, branch("Othr", at.leaf("Id", told.bic, _ID)))
    return branch("FinInstnId", leaf("BICFI", told.bic), member)
