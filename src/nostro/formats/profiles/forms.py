"""The forms of what payments seldom tell: ISO 20022's data types, codes and lengths, whatever the scheme.

Message definitions pain.001 and pain.008; external code sets are open there, so that only a code's length is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from nostro.formats.profiles.profile import LeftOut, Profile
from nostro.formats.profiles.rules import BIC, COUNTRY, Broken, address_texts, parties
from nostro.model.messages import Instruction
from nostro.model.money import Amount, has_digits
from nostro.model.parties import BankAccount, Party, valid_iban
from nostro.model.remittance import Document

Found = tuple[str, str]
"""A field, and the sentence that says why what it holds may not stand there, or nothing."""
_CODE = re.compile(r"[A-Z0-9]{4}")
_LEI, _CURRENCY = re.compile(r"[A-Z0-9]{18}[0-9]{2}"), re.compile(r"[A-Z]{3}")
_UETR = re.compile(r"[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}")
_PARTS = {
    "CareOf": 140, "Dept": 70, "SubDept": 70, "BldgNm": 35, "Flr": 70, "UnitNb": 16, "PstBx": 16, "Room": 70,
    "TwnLctnNm": 35, "DstrctNm": 35,
}  # fmt: skip
_ID, _LINE, _LINES, _REASON = 35, 140, 7, 4
_CODED = ("service_level", "local_instrument", "category_purpose", "purpose")
_OTHERS = {
    "contract": 35, "cheque_number": 35, "original_creditor_id": 35, "original_debtor_agent": 35,
    "original_debtor_account": 34,
}  # fmt: skip
_OTHER_CODES: Mapping[str, tuple[str, ...]] = {
    "cheque_type": ("CCHQ", "CCCH", "BCHQ", "DRFT", "ELDR"),  # ChequeType2Code
    "rate_type": ("SPOT", "SALE", "AGRD"),  # ExchangeRateType1Code
}
_COLLECTIONS, _PRESENTED_AGAIN, _SAME_MANDATE = ("CORE", "B2B"), "RPRE", "SMNDA"
_CREDITOR_ID = re.compile(r"[A-Za-z]{2}[0-9]{2}[A-Za-z0-9+?/:().,'-]{3}[A-Za-z0-9+?/:().,'-]{1,28}")
_PRIORITIES = ("HIGH", "NORM")  # Priority2Code
_SEQUENCES = ("FRST", "RCUR", "FNAL", "OOFF", "RPRE")  # SequenceType3Code
_NO_CURRENCY, _NO_COUNTRY = "The currency is no ISO 4217 code.", "The country is no ISO 3166 code."


def forms(payment: Instruction, profile: Profile, day: date) -> Iterator[Broken]:
    """Ids of parties and banks, codes, rates and documents have the forms that the messages take."""
    ruled = profile.address_rule(day) is not None
    for field, sentence in _all(payment, profile, ruled=ruled):
        if sentence:
            yield Broken(field, "form", sentence, "Correct it in the master data, or leave it out.")


def places(payment: Instruction, profile: Profile, _: date) -> Iterator[Broken]:
    """What the scheme's messages have no place for, and the payment would be another one without."""
    for field in _PLACED:
        if getattr(payment, field) and (sentence := _placed(field, payment, profile)):
            yield Broken(field, "place", sentence, "Say it in the text, leave it out, or pay by another scheme.")


_PLACED = ("agents", "documents", "purpose", "category_purpose", "instructions", "equivalent", "exchange")


def _placed(field: str, payment: Instruction, profile: Profile) -> str:
    match field:
        case "agents" if len(payment.agents) > profile.intermediaries:
            return f"{profile.intermediaries} banks in between are taken."
        case "documents" if not profile.documents:
            return "Documents are not taken as fields."
        case "documents" if profile.structured_blocks is not None:
            blocks = len(payment.documents) + bool(payment.references.structured)
            told = f"{profile.structured_blocks} document or creditor reference is taken."
            return told if blocks > profile.structured_blocks else ""
        case "purpose" | "category_purpose" if not (profile.own_purposes or _CODE.fullmatch(getattr(payment, field))):
            return "A purpose is a code of four signs."
        case "instructions" if profile.requests is not None and len(payment.instructions) > profile.requests:
            return f"{profile.requests} instructions to the payee's bank are taken."
        case "equivalent" | "exchange" if not profile.exchanges:
            return "An amount that is to be exchanged is not taken."
    return ""


def left_out(payment: Instruction, profile: Profile) -> Iterator[Broken]:
    """What a payment tells and the scheme's messages have no element for: a bank may refuse a file that tells it."""
    if not profile.leaves_out:
        return
    for field, kind in _left_out(payment):
        if kind in profile.leaves_out:
            sentence = "The scheme's messages have no element for it."
            yield Broken(field, "left_out", sentence, "Have the file written anew (nostro convert): it is left out.")


def _left_out(payment: Instruction) -> Iterator[tuple[str, LeftOut]]:
    collects = payment.method == "direct_debit"
    for field, party in parties(payment):
        if party is None:
            continue
        if party.country:
            yield f"{field}.country", "country"
        if len(party.ids.keys() - {"BIC", "LEI"}) > 1:
            yield f"{field}.ids", "further_ids"
        if party.address is not None and field.startswith("ultimate"):
            yield f"{field}.address", "ultimate_address"
        if party.ids and field == "creditor" and collects:
            yield f"{field}.ids", "collector_ids"
    for field, account in (("debtor_account", payment.debtor_account), ("creditor_account", payment.creditor_account)):
        if account is not None and account.scheme:
            yield f"{field}.scheme", "account_scheme"
        if account is not None and account.clearing_id:
            yield f"{field}.clearing_id", "clearing_id"
    if payment.references.others.get("UETR"):
        yield "references.others.UETR", "UETR"
    if payment.priority and collects:
        yield "priority", "collection_priority"


def rulebook(payment: Instruction, profile: Profile, _: date) -> Iterator[Broken]:
    """What the EPC's rulebooks ask of a collection (EPC016-06, EPC222-07; EPC262-08 of creditor ids)."""
    if not profile.rulebook or payment.method != "direct_debit":
        return
    if payment.local_instrument not in _COLLECTIONS:
        sentence = f"A collection says which it is: {' or '.join(_COLLECTIONS)}."
        yield Broken("local_instrument", "rulebook", sentence, "Say by which scheme it is collected.")
    mandate = payment.mandate
    if mandate and mandate.sequence == _PRESENTED_AGAIN:
        yield Broken("mandate.sequence", "rulebook", "RPRE is not taken.", "Say what it was in the first place.")
    for field, has_form in (("original_debtor_agent", BIC.fullmatch), ("original_debtor_account", valid_iban)):
        before = payment.others.get(field, "")
        if before not in ("", _SAME_MANDATE) and not has_form(before):
            sentence = "What the account was before is told by its IBAN and BIC."
            yield Broken(f"others.{field}", "rulebook", sentence, f"{_SAME_MANDATE} stands for any other.")
    if mandate and mandate.creditor_id and not _CREDITOR_ID.fullmatch(mandate.creditor_id):
        sentence = "The creditor id has not the form of one: country, check digits, business code, number."
        yield Broken("mandate.creditor_id", "rulebook", sentence, "Take it from the letter that gave it.")


def sender(party: Party, profile: Profile) -> str:
    """Why a party may not stand in the head of a message, or nothing."""
    if not (party.name or party.ids):
        return "Nobody is named who sends the message."
    texts = (("", "name", party.name), *address_texts("", party.address))
    found = next((why for _, limit, said in texts if (why := _words(said, profile.lengths[limit], profile))), "")
    return found or next((sentence for _, sentence in _party("", party, profile, ruled=False) if sentence), "")


def _all(payment: Instruction, profile: Profile, *, ruled: bool) -> Iterator[Found]:
    for field, party in parties(payment):
        if party is not None and (party.ids or party.country or party.address):
            yield from _party(field, party, profile, ruled=ruled)
    if (account := payment.debtor_account) is not None:
        yield from _bank_account("debtor_account", account, profile)
    if (account := payment.creditor_account) is not None:
        yield from _bank_account("creditor_account", account, profile)
    for bank in payment.agents:
        yield "agents", _between(bank)
        yield from _bank_account("agents", bank, profile)
    yield from _codes(payment, profile)
    if payment.references.structured or payment.references.others or payment.instructions:
        yield from _references(payment, profile)
    for document in payment.documents:
        yield from _document(document, profile)
    if payment.exchange is not None and (rate := payment.exchange.rate) is not None:
        holds = rate > 0 and has_digits(rate, 11, 10)
        yield "exchange.rate", "" if holds else "The rate is not above zero, or has more than 11 digits."


def _party(field: str, party: Party, profile: Profile, *, ruled: bool) -> Iterator[Found]:
    """`ruled`: the scheme's rule for addresses looks at country and lines itself."""
    if party.country:
        yield f"{field}.country", "" if COUNTRY.fullmatch(party.country) else _NO_COUNTRY
    for scheme, said in party.ids.items():
        wrong = _text(said, _ID, profile) or _text(scheme, _ID, profile)
        if scheme == "LEI" and not _LEI.fullmatch(said):
            wrong = "The LEI has not the form of one (ISO 17442)."
        yield f"{field}.ids", wrong
    if (address := party.address) is None:
        return
    if not ruled:
        yield f"{field}.address.country", _NO_COUNTRY * bool(address.country and not COUNTRY.fullmatch(address.country))
        yield f"{field}.address.lines", f"There are more than {_LINES} lines." * (len(address.lines) > _LINES)
    if address.others:
        for part, said in address.others.items():
            yield f"{field}.address.{part}", _words(said, _PARTS.get(part, _ID), profile)


def _bank_account(field: str, account: BankAccount, profile: Profile) -> Iterator[Found]:
    if account.currency:
        yield f"{field}.currency", "" if _CURRENCY.fullmatch(account.currency) else _NO_CURRENCY
    if account.clearing_id:
        yield f"{field}.clearing_id", _text(account.clearing_id, _ID, profile)
    if account.scheme:
        yield f"{field}.scheme", _text(account.scheme, _ID, profile)


def _between(bank: BankAccount) -> str:
    if bank.bic and not BIC.fullmatch(bank.bic):
        return "The BIC has not the form of one."
    if bank.iban and not valid_iban(bank.identification):
        return "The IBAN's check digits or length are wrong."
    return "" if bank.bic or bank.clearing_id or bank.owner else "A bank in between has no BIC, clearing id or name."


def _codes(payment: Instruction, profile: Profile) -> Iterator[Found]:
    if payment.priority:
        yield "priority", _one_of(payment.priority, _PRIORITIES)
    for field in _CODED:
        if said := getattr(payment, field):
            yield field, _text(said, _ID, profile)
    if payment.others:
        for field, known in _OTHER_CODES.items():
            if said := payment.others.get(field):
                yield f"others.{field}", _one_of(said, known)
        for field, most in _OTHERS.items():
            yield f"others.{field}", _text(payment.others.get(field, ""), most, profile)
        yield "others.original_creditor_name", _words(payment.others.get("original_creditor_name", ""), _LINE, profile)
        if said := payment.others.get("currency_of_transfer"):
            yield "others.currency_of_transfer", "" if _CURRENCY.fullmatch(said) else _NO_CURRENCY
    if payment.mandate is not None:
        if said := payment.mandate.sequence:
            yield "mandate.sequence", _one_of(said, _SEQUENCES)
        yield "mandate.amended_from", _text(payment.mandate.amended_from, _ID, profile)


def _references(payment: Instruction, profile: Profile) -> Iterator[Found]:
    references = payment.references
    yield "references.structured", _text(references.structured, _ID, profile)
    if said := references.others.get("UETR"):
        yield "references.others.UETR", "" if _UETR.fullmatch(said) else "The UETR is no UUID of version 4."
    for said in payment.instructions:
        yield "instructions", _words(said, _LINE, profile)


def _document(document: Document, profile: Profile) -> Iterator[Found]:
    yield "documents.number", _text(document.number, _ID, profile)
    yield "documents.type", _text(document.type, _ID, profile)
    for told in (document.due, document.discount, document.credited, document.tax, document.remitted):
        yield "documents", _told(told)
    for one in document.adjustments or ():
        yield (
            "documents.adjustments",
            (_told(one.amount) or _text(one.reason, _REASON, profile) or _text(one.text, _LINE, profile)),
        )


def _told(amount: Amount | None) -> str:
    if amount is None or (amount.value >= 0 and has_digits(amount.value, 18, 5)):
        return ""
    return "An amount is below zero, or has more than 18 digits, or more than 5 behind the point."


def _words(said: str, most: int, profile: Profile) -> str:
    """What is written in the profile's letters; an id has them itself."""
    return _text(profile.written(said), most, profile)


def _text(said: str, most: int, profile: Profile) -> str:
    if not profile.text_pattern.fullmatch(said):
        return "The text holds signs that are not taken."
    return _length(said, most)


def _length(said: str, most: int = _ID) -> str:
    return "" if len(said) <= most else f"The text has {len(said)} signs, {most} are taken."


def _one_of(said: str, known: tuple[str, ...]) -> str:
    return "" if said in known else f"It is none of {', '.join(known)}."
