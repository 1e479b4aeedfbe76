"""Addenda (record type 7): remittance, terminals, returns, notifications of change, and the parties of IAT entries."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from nostro.formats.codes import name_of
from nostro.formats.nacha.codes import CONTESTED, CORRECTED, DISHONOURED
from nostro.formats.nacha.headers import BatchHeader
from nostro.formats.nacha.remittance import documents, trace_of
from nostro.model.messages import Reason
from nostro.model.money import EXPONENTS, Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.statements import Exchange, References, ReturnInformation

_TEXT = slice(3, 83)


class Side(NamedTuple):
    """Which fields the receiver of an entry stands in, and what the entry and its batch are."""

    receiver: str
    account: str
    transaction_code: str
    header: BatchHeader

    @property
    def company(self) -> str:
        """Where the company stands."""
        return "debtor" if self.receiver == "creditor" else "creditor"


class Change(NamedTuple):
    """A notification of change (addenda 98)."""

    code: str
    original: str
    reasons: tuple[Reason, ...]
    others: dict[str, str]


def add_text(fields: dict[str, Any], addenda: list[str]) -> bool:
    """Take the usual addenda, one line of plain words; False where there is more to read."""
    if len(addenda) > 1 or not addenda[0].startswith("705"):
        return False
    text = addenda[0][_TEXT].rstrip()
    if "*" in text:
        return False
    if text:
        fields["remittance"] = (text,)
    return True


def add(fields: dict[str, Any], addenda: list[str], side: Side) -> None:
    """Add to the fields of an entry what its addenda say."""
    texts = [record[_TEXT] for record in addenda if record[1:3] == "05"]
    if texts:
        _add_remittance(fields, "".join(text.ljust(80) for text in texts).rstrip())
    others = dict(fields.get("others") or {"transaction_code": side.transaction_code})
    for record in addenda:
        kind = record[1:3]
        if kind == "99":
            fields["returned"] = _returned(record, others, abroad=side.header.abroad)
        elif kind == "98" and (change := change_of([record])):
            fields["returned"] = ReturnInformation(
                code=change.code, text=change.reasons[0].text, original=References(transaction=change.original)
            )
            others |= change.others
        elif kind in _PLACES:
            others |= _told(record, _PLACES[kind])
        elif kind not in ("05", *_ABROAD):
            others[f"addenda_{kind.strip()}"] = record[3:].strip()
    if side.header.abroad:
        _add_parties(fields, addenda, side)
    fields["others"] = others


def _add_remittance(fields: dict[str, Any], text: str) -> None:
    if text:
        fields["remittance"] = (text,)
    if "RMR*" in text or text.startswith(("TXP", "ISA")):
        fields["documents"] = documents(text)
    if trace := trace_of(text) if "TRN*" in text else "":
        fields["references"] = fields["references"].model_copy(update={"others": {"TRN": trace}})


def _told(record: str, places: dict[str, slice]) -> dict[str, str]:
    return {name: said for name, at in places.items() if (said := record[at].strip())}


_PLACES = {
    "02": {
        "terminal_reference": slice(3, 13), "terminal": slice(13, 19), "terminal_serial": slice(19, 25),
        "terminal_date": slice(25, 29), "authorisation": slice(29, 35), "terminal_location": slice(35, 62),
        "terminal_city": slice(62, 77), "terminal_state": slice(77, 79),
    },
}  # fmt: skip
_RETURNED = {"date_of_death": slice(21, 27), "original_bank": slice(27, 35)}
_DISHONOURED = {
    "original_bank": slice(27, 35), "return_trace": slice(38, 53), "return_settlement": slice(53, 56),
    "return_reason": slice(56, 58),
}  # fmt: skip
_CONTESTED = {
    **_DISHONOURED, "returned_on": slice(21, 27), "original_settlement": slice(35, 38),
    "dishonoured_trace": slice(58, 73), "dishonoured_settlement": slice(73, 76), "dishonoured_reason": slice(76, 78),
}  # fmt: skip


def _returned(record: str, others: dict[str, str], *, abroad: bool) -> ReturnInformation:
    """Addenda 99 in its three shapes: a return, a dishonoured return, a contested one."""
    code = record[3:6].strip()
    places, text = _RETURNED, slice(35, 79)
    if code in DISHONOURED:
        places, text = _DISHONOURED, slice(58, 79)
    elif code in CONTESTED:
        places, text = _CONTESTED, slice(0, 0)
    elif abroad:
        places, text = {**_RETURNED, "original_amount": slice(35, 45)}, slice(45, 79)
    others |= _told(record, places)
    said = record[text].strip() or name_of("nacha.return", code)
    return ReturnInformation(code=code, text=said, original=References(transaction=record[6:21].strip()))


def change_of(addenda: list[str]) -> Change | None:
    """The notification of change among the addenda. What is corrected is told apart by its code."""
    record = next((one for one in addenda if one[1:3] == "98"), None)
    if record is None:
        return None
    code, corrected = record[3:6].strip(), record[35:64]
    others = {"original_bank": record[27:35].strip(), "corrected": corrected.strip()}
    first = record[64:67].strip() if code.startswith("C6") else ""
    if first:
        others["refused_code"] = first
    for part in CORRECTED.get(first or code, ()):
        if said := corrected[part.at].strip():
            others[f"corrected_{part.name}"] = said
    return Change(code, record[6:21].strip(), (Reason(code=code, text=name_of("nacha.change", code)),), others)


_ABROAD = frozenset({"10", "11", "12", "13", "14", "15", "16", "17", "18"})


def _add_parties(fields: dict[str, Any], addenda: list[str], side: Side) -> None:
    """IAT: who pays and receives, with addresses and banks (addenda 10 to 18)."""
    first = {kind: next((one for one in addenda if one[1:3] == kind), "") for kind in _ABROAD}
    company = Party(
        name=first["11"][3:38].strip() or side.header.company_name,
        address=_address(first["11"][38:73], first["12"]),
        ids=side.header.company.ids,
    )
    fields[side.company] = company
    fields[side.receiver] = Party(
        name=first["10"][46:81].strip(),
        address=_address(first["15"][18:53], first["16"]),
        ids=_told(first["15"], {"receiver": slice(3, 18)}),
    )
    banks = [_bank(one) for kind in ("13", "14", "18") for one in addenda if one[1:3] == kind]
    fields["agents"] = tuple(banks)
    fields[side.account] = _foreign_account(fields[side.account].other, _bank(first["14"]) if first["14"] else None)
    if remittance := tuple(said for one in addenda if one[1:3] == "17" and (said := one[_TEXT].strip())):
        fields["remittance"] = remittance
    fields["category_purpose"] = first["10"][3:6].strip()
    if trace := first["10"][24:46].strip():
        others = {**fields["references"].others, "foreign_trace": trace}
        fields["references"] = fields["references"].model_copy(update={"others": others})
    fields["exchange"] = _exchange(first["10"][6:24], side.header)


def _address(street: str, city: str) -> Address | None:
    """Town*region and country*postcode, each with a backslash behind it."""
    town, _, region = city[3:38].strip().rstrip("\\").partition("*")
    country, _, postcode = city[38:73].strip().rstrip("\\").partition("*")
    told = Address(
        street=street.strip(),
        town=town.strip(),
        region=region.strip(),
        country=country.strip(),
        postcode=postcode.strip(),
    )
    return told if any(told.__dict__.values()) else None


def _bank(record: str) -> BankAccount:
    """A bank by its national clearing number (qualifier 01), BIC (02) or an IBAN of it (03)."""
    named = {"02": "bic", "03": "iban"}.get(record[38:40], "clearing_id")
    return BankAccount.model_validate({"name": record[3:38].strip(), named: record[40:74].strip()})


def _foreign_account(number: str, bank: BankAccount | None) -> BankAccount:
    known = bank or BankAccount()
    iban = number.replace(" ", "")
    is_iban = len(iban) > 14 and iban[:2].isalpha() and iban[2:4].isdecimal() and iban.isalnum()
    told = {"iban": iban} if is_iban else {"other": number}
    return BankAccount.model_validate({**told, "clearing_id": known.clearing_id, "bic": known.bic})


def _exchange(digits: str, header: BatchHeader) -> Exchange | None:
    """What the receiver gets: two decimals are implied, whatever the currency has."""
    source, target = header.currencies
    instructed = None
    if digits.isascii() and digits.isdecimal() and int(digits) and target in EXPONENTS:
        instructed = Amount(value=Decimal(f"{digits[:-2]}.{digits[-2:]}"), currency=target)
    if instructed is None and source == target:
        return None
    return Exchange(instructed=instructed, source_currency=source, target_currency=target)
