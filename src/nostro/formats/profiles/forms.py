"""The forms of what payments seldom tell: ISO 20022's data types, codes and lengths, whatever the scheme.

Message definitions pain.001 and pain.008; external code sets are open there, so that only a code's length is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from nostro.formats.profiles.profile import Profile
from nostro.formats.profiles.rules import BIC, COUNTRY, Broken, parties
from nostro.model.messages import Instruction
from nostro.model.money import Amount, has_digits
from nostro.model.parties import BankAccount, Party, valid_iban
from nostro.model.remittance import Document

Found = tuple[str, str]
"""A field, and the sentence that says why what it holds may not stand there, or nothing."""
_LEI, _CURRENCY = re.compile(r"[A-Z0-9]{18}[0-9]{2}"), re.compile(r"[A-Z]{3}")
_UETR = re.compile(r"[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}")
_PARTS = {
    "CareOf": 140, "Dept": 70, "SubDept": 70, "BldgNm": 35, "Flr": 70, "UnitNb": 16, "PstBx": 16, "Room": 70,
    "TwnLctnNm": 35, "DstrctNm": 35,
}  # fmt: skip
_ID, _LINE, _LINES, _REASON = 35, 140, 7, 4
_CODED = ("service_level", "local_instrument", "category_purpose", "purpose")
_OTHERS = {"contract": 35, "cheque_number": 35, "original_creditor_id": 35, "original_creditor_name": 140,
           "original_debtor_agent": 35, "original_debtor_account": 34}  # fmt: skip
_OTHER_CODES: Mapping[str, tuple[str, ...]] = {
    "cheque_type": ("CCHQ", "CCCH", "BCHQ", "DRFT", "ELDR"),  # ChequeType2Code
    "rate_type": ("SPOT", "SALE", "AGRD"),  # ExchangeRateType1Code
}
_PRIORITIES = ("HIGH", "NORM")  # Priority2Code
_SEQUENCES = ("FRST", "RCUR", "FNAL", "OOFF", "RPRE")  # SequenceType3Code
_NO_CURRENCY, _NO_COUNTRY = "The currency is no ISO 4217 code.", "The country is no ISO 3166 code."


def forms(payment: Instruction, profile: Profile, day: date) -> Iterator[Broken]:
    """Ids of parties and banks, codes, rates and documents have the forms that the messages take."""
    ruled = profile.address_rule(day) is not None
    for field, sentence in _all(payment, ruled=ruled):
        if sentence:
            yield Broken(field, "form", sentence, "Correct it in the master data, or leave it out.")


def sender(party: Party, profile: Profile) -> str:
    """Why a party may not stand in the head of a message, or nothing."""
    if not (party.name or party.ids):
        return "Nobody is named who sends the message."
    name = profile.written(party.name)
    if not profile.text_pattern.fullmatch(name):
        return "The name holds signs that are not taken, and there is nothing to write instead."
    found = _length(name, profile.lengths.get("name", _LINE))
    return found or next((sentence for _, sentence in _party("", party, ruled=False) if sentence), "")


def _all(payment: Instruction, *, ruled: bool) -> Iterator[Found]:
    for field, party in parties(payment):
        if party is not None:
            yield from _party(field, party, ruled=ruled)
    for field, account in (
        ("debtor_account", payment.debtor_account), ("creditor_account", payment.creditor_account),
        *(("agents", bank) for bank in payment.agents),
    ):  # fmt: skip
        if account is not None:
            yield from _bank_account(field, account)
    for bank in payment.agents:
        yield "agents", _between(bank)
    yield from _codes(payment)
    yield from _references(payment)
    for document in payment.documents:
        yield from _document(document)
    if payment.exchange is not None and (rate := payment.exchange.rate) is not None:
        holds = rate > 0 and has_digits(rate, 11, 10)
        yield "exchange.rate", "" if holds else "The rate is not above zero, or has more than 11 digits."


def _party(field: str, party: Party, *, ruled: bool) -> Iterator[Found]:
    """`ruled`: the scheme's rule for addresses looks at country and lines itself."""
    if party.country:
        yield f"{field}.country", "" if COUNTRY.fullmatch(party.country) else _NO_COUNTRY
    for scheme, said in party.ids.items():
        wrong = _length(said) or _length(scheme)
        if scheme == "LEI" and not _LEI.fullmatch(said):
            wrong = "The LEI has not the form of one (ISO 17442)."
        yield f"{field}.ids", wrong
    address = party.address
    if address is None:
        return
    if not ruled:
        yield f"{field}.address.country", _NO_COUNTRY * bool(address.country and not COUNTRY.fullmatch(address.country))
        yield f"{field}.address.lines", f"There are more than {_LINES} lines." * (len(address.lines) > _LINES)
    for part, said in address.others.items():
        yield f"{field}.address.{part}", _length(said, _PARTS.get(part, _ID))


def _bank_account(field: str, account: BankAccount) -> Iterator[Found]:
    if account.currency:
        yield f"{field}.currency", "" if _CURRENCY.fullmatch(account.currency) else _NO_CURRENCY
    if account.clearing_id:
        yield f"{field}.clearing_id", _length(account.clearing_id)
    if account.scheme:
        yield f"{field}.scheme", _length(account.scheme)


def _between(bank: BankAccount) -> str:
    if bank.bic and not BIC.fullmatch(bank.bic):
        return "The BIC has not the form of one."
    if bank.iban and not valid_iban(bank.identification):
        return "The IBAN's check digits or length are wrong."
    return "" if bank.bic or bank.clearing_id or bank.owner else "A bank in between has no BIC, clearing id or name."


def _codes(payment: Instruction) -> Iterator[Found]:
    if payment.priority:
        yield "priority", _one_of(payment.priority, _PRIORITIES)
    for field in _CODED:
        if said := getattr(payment, field):
            yield field, _length(said)
    if payment.others:
        for field, known in _OTHER_CODES.items():
            if said := payment.others.get(field):
                yield f"others.{field}", _one_of(said, known)
        for field, most in _OTHERS.items():
            yield f"others.{field}", _length(payment.others.get(field, ""), most)
        if said := payment.others.get("currency_of_transfer"):
            yield "others.currency_of_transfer", "" if _CURRENCY.fullmatch(said) else _NO_CURRENCY
    if payment.mandate is not None:
        if said := payment.mandate.sequence:
            yield "mandate.sequence", _one_of(said, _SEQUENCES)
        yield "mandate.amended_from", _length(payment.mandate.amended_from)


def _references(payment: Instruction) -> Iterator[Found]:
    references = payment.references
    yield "references.structured", _length(references.structured)
    if said := references.others.get("UETR"):
        yield "references.others.UETR", "" if _UETR.fullmatch(said) else "The UETR is no UUID of version 4."
    for said in payment.instructions:
        yield "instructions", _length(said, _LINE)


def _document(document: Document) -> Iterator[Found]:
    yield "documents.number", _length(document.number)
    yield "documents.type", _length(document.type)
    for told in (document.due, document.discount, document.credited, document.tax, document.remitted):
        yield "documents", _told(told)
    for one in document.adjustments or ():
        yield "documents.adjustments", _told(one.amount) or _length(one.reason, _REASON) or _length(one.text, _LINE)


def _told(amount: Amount | None) -> str:
    if amount is None or (amount.value >= 0 and has_digits(amount.value, 18, 5)):
        return ""
    return "An amount is below zero, or has more than 18 digits, or more than 5 behind the point."


def _length(said: str, most: int = _ID) -> str:
    return "" if len(said) <= most else f"The text has {len(said)} signs, {most} are taken."


def _one_of(said: str, known: tuple[str, ...]) -> str:
    return "" if said in known else f"It is none of {', '.join(known)}."
