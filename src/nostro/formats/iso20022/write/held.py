"""What elements may hold by the standard, for messages whose XSD no package carries: held against it while written.

ISO 20022's content models (`order`) and data types, by the names of the elements that we write in pain.002, camt.055,
056 and 060.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import cast

from lxml import etree

from nostro.formats.iso20022.write.order import disorder
from nostro.formats.iso20022.write.told_as import ANY_BIC
from nostro.formats.xml import Element, local, release
from nostro.formats.xml_text import REPLACED
from nostro.model.failures import FormatRefused
from nostro.model.money import EXPONENTS, Amount, has_digits
from nostro.model.parties import valid_iban

_MOST, _ACCOUNT = 35, 34
_LENGTHS: Mapping[str, int] = {
    "Nm": 140, "AddtlInf": 105, "StrtNm": 70, "AdrLine": 70, "BldgNb": 16, "PstCd": 16, "Dept": 70, "SubDept": 70,
    "Flr": 70, "PstBx": 16, "Room": 70, "Cd": 4, "TxSts": 4, "GrpSts": 4, "PmtInfSts": 4, "DtldSts": 4,
}  # fmt: skip
"""Of texts that are not as long as ids are."""


def _form(pattern: str) -> Callable[[str], bool]:
    known = re.compile(pattern)
    return lambda said: bool(known.fullmatch(said))


_COUNT, _COUNTRY, _BIC = _form("[0-9]{1,15}"), _form("[A-Z]{2}"), _form(ANY_BIC.pattern)
_SUM = _form(r"(?=(?:\D*\d){1,18}\D*$)\d+(?:\.\d{1,17})?")
_FORMS: Mapping[str, Callable[[str], bool]] = {
    "IBAN": valid_iban, "BIC": _BIC, "BICFI": _BIC, "AnyBIC": _BIC, "BICOrBEI": _BIC,
    "LEI": _form("[A-Z0-9]{18}[0-9]{2}"),
    "Ctry": _COUNTRY, "CtryOfRes": _COUNTRY, "NbOfTxs": _COUNT, "OrgnlNbOfTxs": _COUNT, "DtldNbOfTxs": _COUNT,
    "CtrlSum": _SUM, "OrgnlCtrlSum": _SUM, "DtldCtrlSum": _SUM, "Ccy": EXPONENTS.__contains__,
    "OrgnlUETR": _form("[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}"),
}  # fmt: skip
_PAYMENTS = ("TxInf", "TxInfAndSts", "RptgReq")


_ECHOES: Mapping[str, Callable[[str], bool]] = {**_FORMS, "IBAN": _form("[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}")}
"""Where a payment is told as it came: a wrong account may be why it was refused."""


def held(chunks: Iterable[bytes], version: str, *, echoes: bool = False) -> Iterator[bytes]:
    """The pieces, as long as each element holds what it may. Raises `FormatRefused` at the first that does not.

    `echoes`: payments are told as they came, with digits and accounts that nobody should have sent.
    """
    parser = etree.XMLPullParser(events=("end",), resolve_entities=False, no_network=True)
    payments = 0
    for chunk in chunks:
        parser.feed(chunk)
        for _, found in parser.read_events():
            element = cast("Element", found)
            name = local(element)
            if len(element):
                # Of payments that were freed the last one is still there: of any number may be as many.
                why = disorder(version, name, "".join([f"{local(part)}/" for part in element]))
            else:
                why = _broken(name, element, echoes=echoes)
            if why:
                inside = next((above for above in map(local, element.iterancestors()) if above in _PAYMENTS), "")
                where = f"{inside}[{payments + 1}]/{name}" if inside else name
                raise FormatRefused(f"{where}: what would be written {why}.", "Correct what the source says there.")
            if name in _PAYMENTS:
                payments += 1
                release(element)
        yield chunk
    parser.close()


def _broken(name: str, element: Element, *, echoes: bool) -> str:
    """Why an element may not hold its text."""
    said, currency = element.text or "", element.get("Ccy")
    if not said:
        return "is empty"
    if REPLACED in said:
        return "holds a sign that XML has no place for"
    if currency is not None:
        return _broken_amount(said, currency, echoes=echoes)
    form = (_ECHOES if echoes else _FORMS).get(name)
    if form is not None:
        return "" if form(said) else "has not the form of one, or wrong check digits"
    most = _ACCOUNT if name == "Id" and _is_account(element) else _LENGTHS.get(name, _MOST)
    if name not in _LENGTHS and said != said.strip():
        return "begins or ends with a blank"
    return f"has {len(said)} signs, {most} are taken" if len(said) > most else ""


def _broken_amount(said: str, currency: str, *, echoes: bool) -> str:
    if currency not in EXPONENTS:
        return "is in no currency of ISO 4217 that has a smallest unit"
    value = Decimal(said)
    if not echoes and (too_fine := Amount(value=value, currency=currency).too_fine):
        return too_fine
    if value < 0 or not has_digits(value, 18, 5):
        return "is below zero, or has more than 18 digits, or more than 5 behind the point"
    return ""


def _is_account(element: Element) -> bool:
    """Whether an `Id` is the number of a bank account, as `.../DbtrAcct/Id/Othr/Id` is."""
    return next((name.endswith("Acct") for name in islice(map(local, element.iterancestors()), 2, 3)), False)
