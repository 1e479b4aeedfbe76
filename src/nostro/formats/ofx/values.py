"""Values of OFX: amounts, days, instants, bank accounts."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from nostro.formats.cfonb.rib import rib
from nostro.formats.line_statements import trimmed
from nostro.formats.reading import Unreadable
from nostro.model.money import TOLD_CURRENCIES, Amount, usual_digits
from nostro.model.parties import BankAccount

_AMOUNT = re.compile(r"[+-]?(?:\d{1,24}(?:[.,]\d{0,18})?|[.,]\d{1,18})", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d{1,4}|[+-]?\d{1,3}(?:\.\d{3})+,\d{1,4}", re.ASCII)
_TWO_WAYS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_THOUSANDS = 3
_INSTANT = re.compile(
    r"(\d{8})(\d{2})?(\d{2})?(\d{2})?(?:[.:]\d+)?\s*(?:\[\s*([+-]?\d{1,2}(?:\.\d+)?)?(?::[^\]]*)?\])?",
    re.ASCII,
)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")


def decimal(said: str, currency: str = "") -> Decimal:
    """A signed amount, with a point or a comma (OFX 3.2.9.1). Raises `Unreadable`.

    `1,234` is refused: the standard knows no thousands, and banks that write them mean something else by it. So is
    `1.234` in a `currency` that has less than three digits.
    """
    said = said.replace(" ", "").replace("\u2212", "-")
    if _GROUPED.fullmatch(said):
        said = said.replace("," if said.rfind(".") > said.rfind(",") else ".", "")
    elif _TWO_WAYS.fullmatch(said) and ("," in said or (currency and usual_digits(currency) < _THOUSANDS)):
        raise Unreadable("the amount can be read in two ways")
    elif not _AMOUNT.fullmatch(said):
        raise Unreadable("the amount is no decimal number" if said else "there is no amount")
    return Decimal(said.replace(",", "."))


def amount(said: str, currency: str) -> Amount:
    """A signed amount. Raises `Unreadable`."""
    value = decimal(said, currency)
    if currency not in TOLD_CURRENCIES:
        raise Unreadable("the currency is not in ISO 4217" if currency else "there is no currency")
    return Amount(value=trimmed(value, currency), currency=currency)


def day(said: str) -> date | None:
    """The day, as the bank's calendar says it; None where it is empty. Raises `Unreadable`."""
    digits = said.replace("-", "").replace("/", "")[:8]
    if not digits.strip("0"):
        return None
    try:
        return date.fromisoformat(digits)
    except ValueError:
        raise Unreadable("a date is in no calendar") from None


def instant(said: str) -> datetime | None:
    """A date and time, with its zone where one is told; None for what is none."""
    found = _INSTANT.fullmatch(said.strip())
    if found is None or not found[2]:
        return None
    try:
        told = datetime.strptime(found[1] + found[2] + (found[3] or "00") + (found[4] or "00"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - the zone follows
        if found[5]:
            return told.replace(tzinfo=timezone(timedelta(minutes=int(Decimal(found[5]) * 60))))
    except ValueError:
        return None
    return told


def bank_account(said: dict[str, str]) -> BankAccount:
    """`BANKACCTFROM`, `CCACCTFROM`, `INVACCTFROM` and their counterparts. French numbers get the key of their IBAN."""
    number = said.get("ACCTID", "")
    bank, branch = said.get("BANKID", "") or said.get("BROKERID", ""), said.get("BRANCHID", "")
    compact = "".join(number.split()).upper()
    if _IBAN.fullmatch(compact):
        return BankAccount(iban=compact, clearing_id=bank + branch)
    if (len(bank), len(branch), len(compact)) == (5, 5, 11):
        return rib(bank, branch, compact)
    return BankAccount(other=number, clearing_id=bank + branch, name=said.get("ACCTTYPE", ""))
