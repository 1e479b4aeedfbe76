"""What fields are made of: dates, amounts, balances, bank accounts.

SWIFT User Handbook, "Standards General Information", formatting rules: `6!n` dates, `15d` amounts with a decimal comma.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from nostro.formats.reading import Unreadable
from nostro.model.base import maker
from nostro.model.money import TOLD_CURRENCIES, Amount, usual_digits
from nostro.model.parties import BankAccount, valid_iban
from nostro.model.statements import Balance

_made_amount = maker(Amount)
_made_balance = maker(Balance)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")
_BIC = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_BALANCE = re.compile(r"\s*+(R?[CD])?(\d{6})\s*+([A-Za-z]{3})?\s*+([-+]?[\d., ]*\d[\d., ]*)")
_SUM = re.compile(r"\s*+(\d*)\s*+([A-Za-z]{3})\s*+([CD]?)\s*+([\d., ]*)")
_MOMENT = re.compile(r"(\d{6})(\d{4})(?:([+-])(\d{2})(\d{2}))?")
_DIGITS = 30
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:(?:,\d{3})+\.\d*|(?:\.\d{3})+,\d*)")
_TWO_WAYS = re.compile(r"[-+]?[1-9]\d{0,2}[.,]\d{3}")
_THOUSANDS = 3
BALANCE_CODES = {
    "60": "OPBD", "60F": "OPBD", "60M": "OPBD", "62": "CLBD", "62F": "CLBD", "62M": "CLBD", "64": "CLAV", "65": "FWAV",
}  # fmt: skip
"""Of ISO 20022. An intermediate balance is an opening or closing one of its page (sub-type INTM there)."""


class Day(NamedTuple):
    """A day as told, or the nearest that there is; `wrong` says what is the matter with it."""

    on: date | None
    wrong: str = ""


@lru_cache(maxsize=4_096)
def day(told: str) -> Day:
    """A date `YYMMDD`. Years from 80 on are of the last century.

    Banks count 30 days to each month for interest: 31 February is read as the month's last day, and said to be wrong.
    """
    year, month, of_month = int(told[:2]), int(told[2:4]), int(told[4:6])
    year += 1900 if year >= 80 else 2000
    if not 1 <= month <= 12 or not 1 <= of_month <= 31:
        return Day(None, "a date is told that no calendar has")
    last = monthrange(year, month)[1]
    if of_month > last:
        return Day(date(year, month, last), "a day is told that its month does not have; its last day is taken")
    return Day(date(year, month, of_month))


@lru_cache(maxsize=4_096)
def near(told: str, to: date | None) -> Day:
    """A date `MMDD` in the year that brings it nearest to another date, so that a turn of the year is no matter."""
    if to is None or not told.isdecimal():
        return Day(None, "a date is told that no calendar has")
    years = (to.year - 1, to.year, to.year + 1)
    found = [day(f"{year % 100:02}{told}") for year in years]
    dated = [(abs((one.on - to).days), one) for one in found if one.on]
    return min(dated, key=lambda pair: pair[0])[1] if dated else found[1]


def decimal(told: str, currency: str = "") -> Decimal:
    """An amount: with a decimal comma as the standard has it, or with a point, or none. Raises `Unreadable`.

    Of both marks the last one is the decimal one. `12.500` is refused in a `currency` that has less than three digits.
    """
    plain = told.replace(" ", "")
    if currency and plain[-4:-3] in (",", ".") and usual_digits(currency) < _THOUSANDS and _TWO_WAYS.fullmatch(plain):
        raise Unreadable("the amount can be read in two ways")
    if "." in plain and "," in plain:
        if not _GROUPED.fullmatch(plain):
            raise Unreadable("an amount groups its digits as nobody does")
        plain = plain.replace("," if plain.rfind(".") > plain.rfind(",") else ".", "")
    plain = plain.replace(",", ".")
    if len(plain) > _DIGITS:
        raise Unreadable(f"an amount has more than {_DIGITS} digits")
    try:
        return Decimal(plain)
    except InvalidOperation:
        raise Unreadable("an amount is no number") from None


@lru_cache(maxsize=4_096)
def valued(told: str, currency: str) -> tuple[Amount, str]:
    """An amount, and what is wrong with its digits. Nobody looked whether there is such a currency.

    Raises `Unreadable`.
    """
    return _made_amount({"value": decimal(told, currency), "currency": currency}), finer(told, currency)


def finer(told: str, currency: str) -> str:
    """What is wrong with an amount that has more digits behind its mark than its currency; zeros do no harm."""
    digits, told = usual_digits(currency), told.rstrip()
    if digits == 2 and "," in told[-3:]:
        return ""
    mark = max(told.rfind(","), told.rfind("."))
    beyond = told[mark + 1 + digits :] if mark >= 0 else ""
    harmless = not beyond or (not beyond.strip("0 ") and len(told) - mark - 1 != _THOUSANDS)
    return "" if harmless else f"an amount has more digits behind its mark than {currency} has"


def about(wrong: str) -> str:
    """The name of the check that says what is wrong."""
    return "amount" if "amount" in wrong else "day" if "day" in wrong or "date" in wrong else "field"


def balance(tag: str, told: str, currency: str) -> tuple[Balance, tuple[str, ...]]:
    """A balance (`1!a6!n3!a15d`), and what is wrong with its date or its digits. `currency`: where it names none.

    Raises `Unreadable`.
    """
    found = _BALANCE.match(told)
    if found is None:
        raise Unreadable("a balance is not as the standard has it")
    mark, on, told_currency, value = found.groups()
    own = (told_currency or "").upper()
    currency = own if own in TOLD_CURRENCIES else currency
    if currency not in TOLD_CURRENCIES:
        raise Unreadable("the currency of a balance is not told")
    amount = decimal(value, currency)
    signed = -amount if mark in ("D", "RC") else amount
    dated = day(on)
    # Currency and digits were looked at above.
    told_amount = _made_amount({"value": signed, "currency": currency})
    return _made_balance({"code": BALANCE_CODES[tag], "amount": told_amount, "on": dated.on}), _wrong(
        dated, value, currency
    )


def _wrong(dated: Day, value: str, currency: str) -> tuple[str, ...]:
    return tuple(wrong for wrong in (dated.wrong, finer(value, currency)) if wrong)


def dated_amount(told: str) -> tuple[date | None, Amount, tuple[str, ...]]:
    """Field 32A (`6!n3!a15d`): day, amount, and what is wrong with either. Raises `Unreadable`."""
    said = told.strip()
    if not said[:6].isdecimal() or len(said) < 10:
        raise Unreadable("the amount is not told, or not as the standard has it")
    dated = day(said[:6])
    amount = coded_amount(said[6:])
    return dated.on, amount, _wrong(dated, said[9:], amount.currency)


def coded_amount(told: str) -> Amount:
    """`3!a15d`. Raises `Unreadable`."""
    said = told.strip()
    currency = said[:3].upper()
    if currency not in TOLD_CURRENCIES:
        raise Unreadable("the currency is none that there is")
    value = decimal(said[3:], currency)
    if value < 0:
        raise Unreadable("the amount is negative")
    return Amount(value=value, currency=currency)


def summed(told: str) -> tuple[int | None, str, str, Decimal | None]:
    """`5n3!a15d` of fields 90C and 90D and `3!a[1!a]15d` of 34F: count, currency, mark, amount."""
    found = _SUM.match(told)
    if found is None:
        raise Unreadable("a sum is not as the standard has it")
    count, currency, mark, value = found.groups()
    amount = decimal(value, currency.upper()) if value.strip(" .,") else Decimal(0) if value else None
    return int(count[:9]) if count else None, currency.upper(), mark, amount


def moment(told: str) -> datetime | None:
    """`6!n4!n1!x4!n` of field 13D, or without an offset."""
    found = _MOMENT.match(told.strip())
    on = day(found[1]).on if found else None
    if found is None or on is None or int(found[2][:2]) > 23 or int(found[2][2:]) > 59:
        return None
    at = datetime(on.year, on.month, on.day, int(found[2][:2]), int(found[2][2:]))  # noqa: DTZ001 - none may be told
    if not found[3] or int(found[4]) > 23 or int(found[5]) > 59:
        return at
    offset = timedelta(hours=int(found[4]), minutes=int(found[5]))
    return at.replace(tzinfo=timezone(offset if found[3] == "+" else -offset))


def looks_like_iban(told: str) -> bool:
    """Whether it has an IBAN's shape; banks mask some of its digits in samples."""
    return bool(_IBAN.fullmatch(told))


@lru_cache(maxsize=4_096)
def is_bic(told: str) -> bool:
    """Whether it has the shape of a BIC (ISO 9362)."""
    return bool(_BIC.fullmatch(told))


@lru_cache(maxsize=1_024)
def bank_account(told: str, bic: str = "") -> BankAccount:
    """Field 25: an IBAN or a national number, with a bank's code before it or a currency behind it where one is."""
    said = told.strip().strip("/").strip()
    number, currency = _without_currency(said)
    compact = "".join(number.split()).upper()
    if looks_like_iban(compact):
        return BankAccount(iban=compact, currency=currency, bic=bic)
    bank, slash, within = number.partition("/")
    own = "".join(within.split()).upper()
    if slash and looks_like_iban(own):
        return BankAccount(iban=own, currency=currency, bic=bank if is_bic(bank) else bic)
    if slash and is_bic(bank):
        return BankAccount(other=number, currency=currency, bic=bank)
    return BankAccount(other=number, currency=currency, bic=bic, clearing_id=bank if slash and bank.isdecimal() else "")


def _without_currency(told: str) -> tuple[str, str]:
    """The number, and the currency that banks write behind it."""
    rest, code = told[:-3].rstrip(" /"), told[-3:].upper()
    if code not in TOLD_CURRENCIES or not rest[-1:].isdigit():
        return told, ""
    # Seychelles and Mauritius have a currency inside their IBANs.
    return (told, "") if valid_iban("".join(told.split()).upper()) else (rest, code)
