"""How single values stand in elements of invoices: texts, days, numbers, amounts, identifiers, accounts, files."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal

from nostro.formats.einvoice.mapping import By, Fields, Form, Reading, Writing, put
from nostro.formats.einvoice.paths import found
from nostro.formats.reading import Unreadable
from nostro.formats.xml import Element, local, text
from nostro.model.invoices import Attachment, Identifier, Quantity
from nostro.model.money import EXPONENTS, Amount, plain
from nostro.model.parties import BankAccount

_NUMBER = re.compile(r"[+-]?(?:\d{1,24}(?:\.\d{0,24})?|\.\d{1,24})", re.ASCII)
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*|\d{4}(?:\d{2})?.*|Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")
_SPAN = re.compile(r"(\d{4})(\d{2})", re.ASCII)
_COUNT = re.compile(r"\d{1,6}", re.ASCII)
_NONE: Mapping[str, str] = {}


def number(said: str) -> Decimal | None:
    """A signed decimal; None for nothing. Raises `Unreadable`: a decimal comma could be a thousands separator."""
    if not said:
        return None
    if not _NUMBER.fullmatch(said):
        raise Unreadable("this is no decimal number")
    return Decimal(said)


def day(said: str) -> date | None:
    """A day, as ISO 8601 with or without hyphens and whatever time of day follows. Raises `Unreadable`."""
    if not said:
        return None
    found = _DAY.fullmatch(said)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else _other_day(said)
    except ValueError:
        raise Unreadable("this is no day") from None


def _other_day(said: str) -> date:
    """CII may write days as format 101 (yymmdd)."""
    return datetime.strptime(said, "%y%m%d").date()  # noqa: DTZ007 - a day has no zone


def _dated(_: Reading, element: Element) -> date | None:
    """A day; of a month or a week (UNTDID 2379 formats 610, 616), as ZUGFeRD 1 tells periods, the first or the last."""
    said, form, parent = text(element), element.get("format", ""), element.getparent()
    if form not in _SPANS or not said:
        return day(said)
    found = _SPAN.fullmatch(said)
    place = local(parent) if parent is not None else ""
    if found is None or place not in ("StartDateTime", "EndDateTime"):
        raise Unreadable("this is a month or a week, no day")
    try:
        return _SPANS[form](int(found[1]), int(found[2]))[place == "EndDateTime"]
    except ValueError:
        raise Unreadable("this is no day") from None


def _month(year: int, month: int) -> tuple[date, date]:
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def _week(year: int, week: int) -> tuple[date, date]:
    return date.fromisocalendar(year, week, 1), date.fromisocalendar(year, week, 7)


_SPANS = {"610": _month, "616": _week}


def amount(reading: Reading, element: Element) -> Amount | None:
    """An amount in the currency of its attribute, or else in that of the document."""
    value = number(text(element))
    if value is None:
        return None
    told = (element.get("currencyID") or "").strip().upper()
    if told and told not in EXPONENTS:
        reading.flaw(element, "the currency is not in ISO 4217; the document's is taken")
    currency = told if told in EXPONENTS else reading.currency
    if not currency:
        raise Unreadable("the amount has no currency")
    return Amount(value=value, currency=currency)


def _text(_: Reading, element: Element) -> str:
    return text(element)


def _identifier(_: Reading, element: Element) -> Identifier | None:
    said = text(element)
    if not said:
        return None
    scheme = element.get("schemeID") or element.get("listID") or ""
    return Identifier(value=said, scheme=scheme, version=element.get("listVersionID") or "")


def _quantity(_: Reading, element: Element) -> Quantity | None:
    value = number(text(element))
    return None if value is None else Quantity(value=value, unit=element.get("unitCode") or "")


def _iban(_: Reading, element: Element) -> str:
    return "".join(text(element).split()).upper()


def account_of(said: str) -> BankAccount | None:
    """A bank account by its IBAN, or by whatever else it is called."""
    compact = "".join(said.split()).upper()
    if _IBAN.fullmatch(compact):
        return BankAccount(iban=compact)
    return BankAccount(other=said) if said else None


def _flag(_: Reading, element: Element) -> bool | None:
    said = text(element).lower()
    if said not in ("true", "false", "1", "0", ""):
        raise Unreadable("this is neither true nor false")
    return None if not said else said in ("true", "1")


def _count(_: Reading, element: Element) -> int | None:
    said = text(element)
    if said and not _COUNT.fullmatch(said):
        raise Unreadable("this is no whole number")
    return int(said) if said else None


def binary(element: Element) -> bytes:
    """The bytes of a base64 element. Raises `Unreadable`."""
    try:
        return b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("the attachment is no base64") from None


def binary_text(content: bytes) -> str:
    """Bytes as an element's text."""
    return b64encode(content).decode()


def binary_at(path: str) -> By:
    """An attachment's bytes in base64, its type and name beside them as attributes."""

    def read(reading: Reading, element: Element, fields: Fields) -> None:
        for place in found(element, path):
            fields["mime"], fields["name"] = place.get("mimeCode") or "", place.get("filename") or ""
            fields["_content"] = reading.take(place, BINARY) or b""

    def write(writing: Writing, element: Element, told: Attachment) -> None:
        if told.content:
            put(writing, element, path, binary_text(told.content), {"mimeCode": told.mime, "filename": told.name})

    return By(read, write)


def lines_at(*paths: str) -> Callable[[Reading, Element, Fields], None]:
    """Reads further lines of an address, each where its sender put it."""

    def read(reading: Reading, element: Element, fields: Fields) -> None:
        places = [place for path in paths for place in found(element, path)]
        reading.seen.update(places)
        if told := tuple(said for place in places if (said := text(place))):
            fields["lines"] = told

    return read


BINARY = Form(lambda _, element: binary(element), lambda _: ("", _NONE))
TEXT = Form(_text, lambda value: (value, _NONE))
CODE = Form(lambda reading, element: _text(reading, element).upper(), lambda value: (value, _NONE))
IBAN = Form(_iban, lambda value: (value, _NONE))
DAY = Form(lambda _, element: day(text(element)), lambda value: (value.isoformat(), _NONE))
DAY_102 = Form(_dated, lambda value: (f"{value:%Y%m%d}", {"format": "102"}))
"""UNTDID 2379 format 102: CCYYMMDD."""
NUMBER = Form(lambda _, element: number(text(element)), lambda value: (plain(value), _NONE))
COUNT = Form(_count, lambda value: (str(value), _NONE))
FLAG = Form(_flag, lambda value: ("true" if value else "false", _NONE))
AMOUNT = Form(amount, lambda told: (plain(told.value), {"currencyID": told.currency}))
BARE_AMOUNT = Form(amount, lambda told: (plain(told.value), _NONE))
IDENTIFIER = Form(_identifier, lambda told: (told.value, {"schemeID": told.scheme}))
LISTED = Form(_identifier, lambda told: (told.value, {"listID": told.scheme, "listVersionID": told.version}))
QUANTITY = Form(_quantity, lambda told: (plain(told.value), {"unitCode": told.unit}))
