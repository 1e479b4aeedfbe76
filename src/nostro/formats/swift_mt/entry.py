"""An entry, of its statement line and what field 86 tells of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import dropwhile

from nostro.formats.reading import Unreadable, if_readable
from nostro.formats.swift_mt.information import Information, read_information
from nostro.formats.swift_mt.line import Line
from nostro.formats.swift_mt.values import decimal, looks_like_iban
from nostro.model.base import maker, whole_maker
from nostro.model.money import TOLD_CURRENCIES, Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.statements import Charge, Entry, Exchange, References, ReturnInformation, Source

_made_entry = whole_maker(Entry)
_made_references = whole_maker(References)
_made_party = whole_maker(Party)
_made_bank_account = maker(BankAccount)
_NON_SWIFT = "\x00"
"""Marks lines of a field NS, which German and Hungarian banks have instead of 86."""


def entry_of(line: Line, information: list[str], currency: str, source: Source, *, interim: bool) -> Entry:
    """The entry. Raises `Unreadable` or `ValidationError` when its currency is not told."""
    if currency not in TOLD_CURRENCIES:
        raise Unreadable("the currency is not told, or is none that there is")
    if line.supplementary and information:
        information = _without_the_other(line, information)
    if not information:
        told = Information()
    elif information[0].startswith(_NON_SWIFT):
        told = _non_swift(information)
    else:
        told = read_information(information)
    if line.beside or line.supplementary:
        _beside(line, told)
    others = told.others
    exchange: Exchange | None = None
    charges: tuple[Charge, ...] = ()
    if line.codewords or others:
        others = {**others, **line.codewords}
        exchange, charges = money_of(others, currency)
    return _made_entry(
        {
            "amount": line.amount,
            "direction": line.direction,
            "state": "future" if line.expected else "pending" if interim else "booked",
            "reversal": line.reversed,
            "booking_date": line.booking_date,
            "value_date": line.value_date,
            "references": _references(line, told, others),
            "bank_transaction_code": "+".join(filter(None, (line.type, told.code, told.primanota))),
            "remittance": tuple(told.remittance),
            "counterparty": _party(told),
            "counterparty_account": _bank_account(told.iban, told.number, told.bic, told.clearing_id),
            "exchange": exchange,
            "charges": charges,
            "returned": _returned(told) if told.returned or told.extension else None,
            "additional": f"{told.additional} {line.supplementary}".strip(),
            "details": (),
            "details_total": 0,
            "proprietary_code": None,
            "source": source,
        },
    )


def _references(line: Line, told: Information, others: dict[str, str]) -> References:
    named = told.references
    if line.type[1:] == "CHK" and line.reference:
        others = {**others, "ChqNb": line.reference}
    if not named["instruction"]:
        named["instruction"] = line.reference
    elif not named["instruction"].startswith(line.reference):
        others = {**others, "owner": line.reference}
    named["account_servicer"], named["others"] = line.bank_reference, others
    return _made_references(named)


def _party(told: Information) -> Party | None:
    name = " ".join(told.name.split())
    if not name and not told.address:
        return None
    address = Address(lines=told.address) if told.address else None
    return _made_party({"name": name, "address": address, "ids": {}, "country": ""})


@lru_cache(maxsize=4_096)
def _bank_account(iban: str, number: str, bic: str, clearing_id: str) -> BankAccount | None:
    """Where both forms are told, the IBAN names the account."""
    if not (iban or number or bic or clearing_id):
        return None
    other = "" if iban else number
    return _made_bank_account({"iban": iban, "other": other, "bic": bic, "clearing_id": clearing_id})


def _returned(told: Information) -> ReturnInformation | None:
    """Why a payment came back: ISO 20022's code (`/RTRN/`), or a 9xx in the text key's extension (`?34`)."""
    if told.returned:
        code, _, text = told.returned.partition("/")
        return ReturnInformation(code=code, text=text.strip("/"))
    extension = told.extension
    return ReturnInformation(proprietary=extension) if len(extension) == 3 and extension[0] == "9" else None


def money_of(words: Mapping[str, str], currency: str) -> tuple[Exchange | None, tuple[Charge, ...]]:
    """What another currency it was and what was charged, of codewords in either field."""
    instructed, rate = _amount(words.get("OCMT", ""), currency), if_readable(decimal, words.get("EXCH", "").strip())
    exchange = Exchange(instructed=instructed, rate=rate) if instructed or rate else None
    charged = ((word, _amount(words.get(word, ""), currency)) for word in ("CHGS", "COAM"))
    return exchange, tuple(Charge(amount=one, included=True, source=Source(where=word)) for word, one in charged if one)


def _amount(said: str, currency: str) -> Amount | None:
    """`3!a15d`, or an amount in the account's currency."""
    own = said[:3].upper()
    own, rest = (own, said[3:]) if own in TOLD_CURRENCIES else (currency, said)
    value = if_readable(decimal, rest.strip())
    return None if value is None else Amount(value=abs(value), currency=own)


def _without_the_other(line: Line, information: list[str]) -> list[str]:
    """Field 86 without its first line where that only says again who stands on the other side: the habit of ASN, SNS
    and RegioBank, whose statement line has the bank account in the reference's place, and its owner below.
    """
    if information[0].split() != [*line.reference.split(), *line.supplementary.split()]:
        return information
    line.beside, line.supplementary = line.supplementary, ""
    return list(dropwhile(lambda said: not said.strip(), information[1:]))


def _beside(line: Line, told: Information) -> None:
    """What the statement line says of the other side, where field 86 says nothing of it: Rabobank's habit."""
    if line.beside:
        # Here the reference's place holds the other bank account.
        told.name = told.name if told.name.strip() else line.beside
        if not (told.iban or told.number):
            told.iban, told.number = (line.reference, "") if looks_like_iban(line.reference) else ("", line.reference)
        line.reference = ""
    compact = "".join(line.supplementary.split()).upper()
    if looks_like_iban(compact) or (compact[:1] == "P" and compact[1:].isdecimal()):
        line.supplementary = ""
        if looks_like_iban(compact):
            told.iban = told.iban or compact
        else:
            told.number = told.number or compact


def _non_swift(lines: list[str]) -> Information:
    """Numbered lines of a field NS; an 86 that follows it is read too."""
    told = (
        read_information(rest) if (rest := [one for one in lines if not one.startswith(_NON_SWIFT)]) else Information()
    )
    names: list[str] = []
    for number, said in _numbered(lines):
        if number in ("15", "16"):
            names.append(said)
        elif number in _NS:
            setattr(told, _NS[number], said)
        elif number.isdecimal() and int(number) < 15:
            told.remittance.append(said)
        else:
            told.others[f"NS{number}"] = said
    told.name = " ".join(names) or told.name
    return told


_NS = {"17": "additional", "18": "primanota", "33": "clearing_id", "34": "number"}


def _numbered(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if line.startswith(_NON_SWIFT) and (said := line[1:].strip()):
            yield (said[:2], said[2:].strip()) if said[:2].isdecimal() else ("01", said)
