"""Names of published series as tables: Federal Reserve H.10 and Bank of England."""

from __future__ import annotations

import re
from typing import NamedTuple

from nostro.model.rates import Frequency, Observed, Quoted

_H10 = re.compile(r"RXI(\$US)?_N\.([BMA])\.([A-Z]{2})")
_H10_COUNTRIES = {
    "AL": "AUD", "BZ": "BRL", "CA": "CAD", "CH": "CNY", "DN": "DKK", "EU": "EUR", "HK": "HKD", "IN": "INR",
    "JA": "JPY", "KO": "KRW", "MA": "MYR", "MX": "MXN", "NO": "NOK", "NZ": "NZD", "SD": "SEK", "SF": "ZAR",
    "SI": "SGD", "SL": "LKR", "SZ": "CHF", "TA": "TWD", "TH": "THB", "UK": "GBP",
}  # fmt: skip
_FREQUENCIES: dict[str, tuple[Frequency, Observed]] = {
    "B": ("daily", "spot"),
    "M": ("monthly", "average"),
    "A": ("yearly", "average"),
}


class Series(NamedTuple):
    """A series of the Federal Reserve: a currency against the dollar."""

    currency: str
    quoted: Quoted
    frequency: Frequency
    observed: Observed


def fed_series(name: str, currency: str = "") -> Series | None:
    """`RXI_N.B.JA`: yen for a dollar, each business day; `$US` in the name turns it round. None for an index."""
    found = _H10.fullmatch(name.strip().rpartition("/")[2])
    if found is None:
        return None
    code = _H10_COUNTRIES.get(found[3], currency if currency != "USD" else "")
    return Series(code, "base_for_currency" if found[1] else "currency_for_base", *_FREQUENCIES[found[2]])


BOE_SERIES = {
    "XUDLUSS": "USD", "XUDLERS": "EUR", "XUDLJYS": "JPY", "XUDLSFS": "CHF", "XUDLCDS": "CAD", "XUDLADS": "AUD",
    "XUDLNDS": "NZD", "XUDLDKS": "DKK", "XUDLNKS": "NOK", "XUDLSKS": "SEK", "XUDLSGS": "SGD", "XUDLHDS": "HKD",
    "XUDLSRS": "SAR", "XUDLZRS": "ZAR", "XUDLTWS": "TWD", "XUDLBK25": "CZK", "XUDLBK33": "HUF", "XUDLBK47": "PLN",
    "XUDLBK78": "ILS", "XUDLBK83": "MYR", "XUDLBK87": "THB", "XUDLBK89": "CNY", "XUDLBK93": "KRW",
    "XUDLBK95": "TRY", "XUDLBK97": "INR", "XUDLZOS4": "RON",
}  # fmt: skip
"""Bank of England, daily spot rates into sterling: units of the currency for a pound."""
