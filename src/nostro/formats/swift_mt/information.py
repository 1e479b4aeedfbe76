"""Field 86, what a bank says to the account's owner about an entry: in numbered parts, between slashes, or freely.

Numbered after a business transaction code (GVC): German Banking Industry, "Appendix 3 of the Interface Specification
for Remote Data Transmission", chapter 8 (SWIFT formats); Polish banks use the same with `~`, some Dutch ones with `>`.
Between slashes: the Dutch Payments Association's SEPA structure of MT940.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from nostro.formats.swift_mt.free_text import lines_of, structured_in, wrapped
from nostro.formats.swift_mt.line import told_reference
from nostro.formats.swift_mt.values import is_bic, looks_like_iban
from nostro.model.statements import References

_FULL, _WIDE = 27, 35
"""Widths of a purpose field: the German one, and that of banks which use the standard's own."""
_NO_REFERENCES = dict(References())


class Information:
    """What field 86 tells, by meaning. `references` are all of the model's, by their names there."""

    # No dataclass: what is not told costs nothing here.
    code: str = ""
    primanota: str = ""
    extension: str = ""
    name: str = ""
    iban: str = ""
    number: str = ""
    bic: str = ""
    clearing_id: str = ""
    address: tuple[str, ...] = ()
    additional: str = ""
    returned: str = ""

    def __init__(self) -> None:
        self.references: dict[str, Any] = _NO_REFERENCES.copy()
        self.others: dict[str, str] = {}
        self.remittance: list[str] = []


def read_information(text: list[str]) -> Information:
    """The field's lines, whichever way they are structured. What has no meaning of its own stands in `remittance`."""
    told = Information()
    first = text[0]
    if "?" in first[:-2] and (found := _IN_ORDER.fullmatch("".join(text))):
        _in_order(told, found.groups())
    elif found := _SEPARATED.match(first):
        told.code = found[1] or ""
        _separated(told, "".join(text), found[2])
    elif "/" in first and _SLASHED.match(first):
        _slashed(told, "".join(text))
    elif "+" in first and _TAG.search(first):
        _tagged(told, "".join(text))
    elif not (":" in first or len(text) > 1) or not _labelled(told, wrapped(text, " ")):
        free = _FREE.match(first) if first.startswith("999") else None
        told.code = "999" if free else ""
        told.remittance = lines_of([first[3:], *text[1:]] if free else text)
    if not told.references["structured"]:
        told.references["structured"] = structured_in(told.remittance)
    return told


_SEPARATED = re.compile(r"\s*+(?:(\d{3})\s*+)?([?~^<>]|(?<=\d)(?:[|@#!&]|\+(?=[012]0)))(?=\d\d)")
_SLASHED = re.compile(r"\s*/[A-Z]{2,8}/")
_FREE = re.compile(r"999(?=[A-Za-z])")

# Fields with a separator: German ?20, Polish ~20, Dutch >20


def _parts(first: int, *more: int) -> str:
    """A pattern of such parts, of which each stands only behind the one before."""
    return rf"(?:\?{first:02}([^?]*+){_parts(*more) if more else ''})?+"


_IN_ORDER = re.compile(
    r"\s*+(?:(\d{3})\s*+)?(?=\?\d\d)"
    + "".join([_parts(0), _parts(10), _parts(*range(20, 30)), *map(_parts, range(30, 35))])
)
"""The German form as nearly all banks tell it: one match instead of a score of small steps."""


def _in_order(told: Information, parts: Sequence[str | None]) -> None:
    code, additional, primanota, *purpose, bank, account, name, more_name, extension = parts
    told.code = code or ""
    told.additional, told.primanota = (additional or "").strip(), (primanota or "").strip()
    told.extension = (extension or "").strip()
    told.bic, told.clearing_id, told.iban, told.number = _other_side(bank or "", account or "")
    _named(told, name or "", more_name or "")
    _tagged(told, _joined(purpose))


def _separated(told: Information, joined: str, separator: str) -> None:
    parts = joined.split(separator)
    fields = {part[:2]: part[2:] for part in parts[1:]}
    if len(fields) < len(parts) - 1 or not "".join(fields).isdecimal():
        fields = _disentangled(parts, separator)
    take = fields.pop
    told.additional, told.primanota, told.extension = (
        take("00", "").strip(),
        take("10", "").strip(),
        take("34", "").strip(),
    )
    told.bic, told.clearing_id, told.iban, told.number = _other_side(take("30", ""), take("31", ""), take("38", ""))
    if "60" in fields and "29" not in fields:
        # Parts 60 to 65 go on after 29 only.
        fields["60"] = f"\n{fields['60']}"
    _named(told, take("32", ""), take("33", ""))
    purpose = [fields.pop(number) for number in tuple(fields) if number in _PURPOSE]
    _tagged(told, _joined(purpose))
    for number, said in fields.items():
        if said.strip():
            told.others[f"?{number}"] = said.strip()


def _named(told: Information, name: str, more: str) -> None:
    """A name in two parts; the second may be the account that no other part tells (ING Romania), or a mere slash."""
    if more:
        if not (told.iban or told.number) and (iban := _iban_in(more.strip())):
            told.iban, more = iban, ""
        elif not more.strip(" /"):
            more = ""
    told.name = _joined((name,)) + more


_PURPOSE = frozenset(str(n) for n in (*range(20, 30), *range(60, 66)))


def _disentangled(parts: list[str], separator: str) -> dict[str, str]:
    """The same where a field comes twice, or where the separator stands in the text."""
    fields: dict[str, str] = {}
    last = ""
    for part in parts[1:]:
        number = part[:2]
        if number.isdecimal():
            fields[number] = fields.get(number, "") + part[2:]
            last = number
        else:
            fields[last or "20"] = f"{fields.get(last, '')}{separator}{part}"
    return fields


def _joined(parts: Iterable[str | None]) -> str:
    """A text that was cut at a fixed width: a full part goes on in the next, another one ends a line."""
    return "".join([
        said if len(said) == _FULL or len(said) >= _WIDE else f"{said}\n" for said in parts if said is not None
    ])  # fmt: skip


@lru_cache(maxsize=4_096)
def _other_side(bank: str, account: str, other_account: str = "") -> tuple[str, str, str, str]:
    """BIC, clearing id, IBAN and number."""
    made = Information()
    if said := bank.strip():
        _other_bank(made, said)
    for number in (account, other_account):
        if said := number.strip():
            _other_number(made, said)
    return made.bic, made.clearing_id, made.iban, made.number


def _other_bank(told: Information, said: str) -> None:
    if is_bic(said):
        told.bic = said
    else:
        told.clearing_id = said


def _other_number(told: Information, said: str) -> None:
    if iban := _iban_in(said):
        told.iban = iban
    elif said:
        told.number = said


@lru_cache(maxsize=4_096)
def _iban_in(said: str) -> str:
    compact = "".join(said.split()).upper().removeprefix("/")
    return compact if looks_like_iban(compact) else ""


def _set(name: str) -> Callable[[Information, str], None]:
    return lambda told, said: setattr(told, name, said)


# SEPA tags in running text: EREF+...

_TAGS_TOLD = {
    "EREF": "end_to_end", "KREF": "instruction", "PREF": "payment_information", "MREF": "mandate", "SVWZ": "",
    "STRD": "structured",
}  # fmt: skip
_ALL = "EREF KREF PREF MREF CRED DEBT COAM OAMT SVWZ ABWA ABWE ANAM PURP BREF RREF RTRN SQTP IBAN"
_TAGS = frozenset(_ALL.split())
_TAG = re.compile(rf"(?:{'|'.join(sorted(_TAGS))}|BIC)\+")
_COLON = re.compile(r"\b(EREF|KREF|MREF|CRED|IBAN|BIC)\s?:\s*(\S+)")


def _tagged(told: Information, text: str) -> None:
    remittance: list[str] = []
    tag, held = "", ""
    parts = text.split("+")
    last = parts.pop()
    for part in parts:
        found = part[-4:]
        if found in _TAGS:
            before = part[:-4]
        elif found.endswith("BIC"):
            found, before = "BIC", part[:-3]
        else:
            held += f"{part}+"
            continue
        if before or held:
            _take(told, tag, held + before, remittance)
        tag, held = found, ""
    _take(told, tag, held + last, remittance)
    if not tag and ":" in text:
        # Savings banks' older spelling, in which what belongs to a tag can't be told from what follows it.
        for colon_tag, said in _COLON.findall(text):
            _take(told, colon_tag, said, [])
    told.remittance = remittance


def _take(told: Information, tag: str, said: str, remittance: list[str]) -> None:
    said = said.strip()
    if "\n" in said:
        if tag and tag != "SVWZ":
            # A reference ends with its line; what follows without a tag is text.
            said, _, rest = said.partition("\n")
            _take(told, "", rest, remittance)
        else:
            said = said.replace("\n", " ")
    if not tag or tag == "SVWZ":
        if said:
            remittance.append(" ".join(said.split()) if "  " in said else said)
    elif name := _TAGS_TOLD.get(tag):
        if reference := told_reference(said):
            told.references[name] = reference
    elif tag == "IBAN":
        _other_number(told, said)
    elif tag == "BIC":
        _other_bank(told, said)
    elif said:
        told.others[tag] = said


# Codes between slashes: /EREF/.../REMI/...

_ALL_CODES = """
ACCW ACNO ADDR BBAN BENM BIC BN BO CACT CBIC CDTRREF CDTRREFTP CHG CHGS CNTP CREF CRNM CSID DACT DBIC DBNM DCID EREF
EXCH FCCY FXDT FXRT IBAN ID IDNM INID IREF ISDT ISSR KREF MARF MREF NAME NRTX OAMT OB OCMT OPRP ORDP PREF PT PURP PY
REMI RREF RTRN RTYP SUM SVCL TRCD TRTP TYPE UETR ULTB ULTC ULTD
"""
SLASH_CODES = frozenset(_ALL_CODES.split())
"""Words that begin something new where they stand between slashes."""
_SLASH_REFERENCES = {
    "EREF": "end_to_end", "PREF": "payment_information", "KREF": "instruction", "IREF": "instruction",
    "MARF": "mandate", "MREF": "mandate", "CDTRREF": "structured",
}  # fmt: skip
_OF_ONE_PART = frozenset({"OCMT", "EXCH", "CHGS"})
"""Codes whose value has no slash in it: what follows one is text again."""


def _slashed(told: Information, text: str) -> None:
    code, held = "", ""
    for word in text.split("/"):
        if word in SLASH_CODES:
            _take_code(told, code, held)
            code, held = word, ""
        else:
            held += f"/{word}"
    _take_code(told, code, held)


def _take_code(told: Information, code: str, held: str) -> None:
    said = held.strip("/ ")
    if code in _OF_ONE_PART:
        said, _, rest = said.partition("/")
        if rest:
            told.remittance.append(rest.strip())
    if not said:
        return
    if name := _SLASH_REFERENCES.get(code):
        if reference := told_reference(said):
            told.references[name] = reference
    elif set_field := _SLASH.get(code):
        set_field(told, said)
    else:
        told.others[code] = said


_ACCEPTGIRO = re.compile(r"ISSUER:\s*[A-Z]+\s+REF:\s*(\S+)")


def _remittance(told: Information, said: str) -> None:
    if giro := _ACCEPTGIRO.fullmatch(said):
        told.references["structured"] = giro[1]
        return
    if said.startswith("STRD/"):
        _, _, reference = said.removeprefix("STRD/").partition("/")
        told.references["structured"] = reference.strip("/")
        return
    told.remittance.append(said.removeprefix("USTD").lstrip("/") if said.startswith("USTD/") else said)


def _counterparty(told: Information, said: str) -> None:
    """`/CNTP/account/BIC/name/city/` (ING)."""
    number, bic, name, town = (*said.split("/"), "", "", "", "")[:4]
    _other_number(told, number.strip())
    told.bic, told.name = bic.strip() if is_bic(bic.strip()) else "", name.strip()
    told.address += (town.strip(),) if town.strip() else ()


def _party(told: Information, said: str) -> None:
    """Who pays or is paid: a name, or as Komercijalna Banka has it `account/name/text`."""
    number, _, rest = said.partition("/")
    if not rest or not (number.strip().isdecimal() or _iban_in(number)):
        _name(told, said)
        return
    _other_number(told, number.strip())
    name, _, text = rest.partition("/")
    _name(told, name.strip())
    if text.strip("/ "):
        told.remittance.append(text.strip("/ "))


def _name(told: Information, said: str) -> None:
    told.name = told.name or said


def _address(told: Information, said: str) -> None:
    told.address += (said,)


_SLASH: Mapping[str, Callable[[Information, str], None]] = {
    "": _remittance,
    "REMI": _remittance,
    "CNTP": _counterparty,
    "NAME": _name,
    "CRNM": _name,
    "DBNM": _name,
    "ORDP": _party,
    "BENM": _party,
    "ADDR": _address,
    "IBAN": _other_number,
    "BBAN": _other_number,
    "ACNO": _other_number,
    "CACT": _other_number,
    "DACT": _other_number,
    "BIC": _other_bank,
    "CBIC": _other_bank,
    "DBIC": _other_bank,
    "TRTP": _set("additional"),
    "RTRN": _set("returned"),
    "PY": _remittance,
}

# Words with a colon: ABN AMRO's and Knab's unstructured texts, Polish ones

_LABEL = re.compile(
    r"((?:(?<=[\s;/])|^)(?:IBAN|BIC|NAAM|KENMERK|REK|Z RACH\.|NA RACH\.|OD|DLA|TYT\.|TNR)"
    # A name that fills its column stands right before one of these.
    r"|OMSCHRIJVING|MACHTIGING|INCASSANT|BETALINGSKENM\.)\s?:\s*"
)
_ACCOUNT_LABELS = frozenset({"IBAN", "REK", "Z RACH.", "NA RACH."})
_LABELS: Mapping[str, str] = {
    "IBAN": "IBAN", "BIC": "BIC", "REK": "IBAN", "Z RACH.": "IBAN", "NA RACH.": "IBAN", "NAAM": "name", "OD": "name",
    "DLA": "name", "OMSCHRIJVING": "SVWZ", "TYT.": "SVWZ", "KENMERK": "EREF", "MACHTIGING": "MREF", "INCASSANT": "CRED",
    "TNR": "TNR", "BETALINGSKENM.": "STRD",
}  # fmt: skip


def _labelled(told: Information, text: str) -> bool:
    """Whether there are such words, one of them before a bank account."""
    if not ("IBAN" in text or "REK" in text or "RACH." in text):
        return False
    parts = _LABEL.split(text)
    if len(parts) < 4 or not _ACCOUNT_LABELS.intersection(parts[1::2]):
        return False
    before = " ".join(parts[0].split()).rstrip("; ")
    for n in range(1, len(parts) - 1, 2):
        label, said = _LABELS[parts[n]], " ".join(parts[n + 1].split()).rstrip(" ;/")
        if label == "name":
            told.name = said
        elif said:
            _take(told, label, said, told.remittance)
    if told.remittance:
        told.additional = before
    elif before:
        told.remittance = [before]
    return True
