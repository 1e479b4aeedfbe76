"""`STMTTRN` as an entry. OFX 2.2, 11.4.4: the sign is the account's, `NAME` is the other side, `MEMO` its words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nostro.formats.line_statements import Running
from nostro.formats.ofx.values import amount, bank_account, day, decimal
from nostro.formats.reading import Unreadable
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.references import told as really_told
from nostro.model.statements import Entry, Exchange, References, Reject

_OTHERS = {
    "CHECKNUM": "ChqNb",
    "REFNUM": "reference",
    "SRVRTID": "server",
    "PAYEEID": "payee",
    "CORRECTFITID": "corrects",
}
_DAYS = {"booking_date": ("DTPOSTED", "DTTRAN"), "value_date": ("DTAVAIL", "VALUEDATE")}
_ADDRESS = {"postcode": "POSTALCODE", "town": "CITY", "region": "STATE", "country": "COUNTRY"}
_ALWAYS = {"DEBIT": "debit", "CHECK": "debit", "CREDIT": "credit", "DEP": "credit"}
"""Types whose name leaves no other direction; others (fees, point of sale) come back as well."""


def read_movement(running: Running, said: Mapping[str, str], line: int, *, pending: bool) -> Entry | Reject:
    """An entry, or a located reject."""
    told: Amount | None = None
    try:
        told = amount(said.get("TRNAMT", ""), _currency(running, said))
        _refuse_correction(said)
        fields = _fields(running, said, line, told)
    except Unreadable as unreadable:
        return running.reject(str(unreadable), line, told)
    return running.entry({**fields, "state": "pending" if pending else "booked"}, line)


def _refuse_correction(said: Mapping[str, str]) -> None:
    """Raises `Unreadable` for what replaces or deletes another movement (OFX 11.4.4.1)."""
    if said.get("CORRECTFITID") and said.get("CORRECTACTION"):
        message = (
            "it replaces or deletes an entry that was told before (CORRECTFITID): beside that one it would count twice"
        )
        raise Unreadable(message)


def _currency(running: Running, said: Mapping[str, str]) -> str:
    """`CURRENCY` says that the amount is in another currency than the account."""
    return said.get("CURRENCY/CURSYM", "").upper() or running.head.currency


def _fields(running: Running, said: Mapping[str, str], line: int, told: Amount) -> dict[str, Any]:
    kind = said.get("TRNTYPE", "").upper()
    direction = "debit" if told.value < 0 else "credit"
    if _ALWAYS.get(kind, direction) != direction and told.value:
        running.note("sign", f"{running.where}, line {line}: the type {kind} stands against the amount's sign")
    name, memo = said.get("NAME") or said.get("PAYEE/NAME", ""), said.get("MEMO", "")
    words = memo or said.get("EXTDNAME", "") or name
    return {
        "amount": Amount(value=abs(told.value), currency=told.currency),
        "direction": direction,
        "references": _references(said),
        "bank_transaction_code": kind,
        "remittance": (words,) if words else (),
        "counterparty": Party(name=name, address=_address(said)) if name else None,
        "counterparty_account": _account_of(said),
        "exchange": _exchange(running, said, line),
        **_days(running, said, line),
    }


def _days(running: Running, said: Mapping[str, str], line: int) -> dict[str, Any]:
    """Days of booking and value. One that is lacking or in no calendar is no reason to lose the entry."""
    found: dict[str, Any] = {}
    for field, names in _DAYS.items():
        text = next((said[name] for name in names if name in said), "")
        try:
            found[field] = day(text)
        except Unreadable as unreadable:
            found[field] = None
            running.note("date", f"{running.where}, line {line}: {names[0]}: {unreadable}")
        else:
            if found[field] is None and field == "booking_date":
                running.note("date", f"{running.where}, line {line}: there is no day of posting")
    return found


def _references(said: Mapping[str, str]) -> References:
    others = {ours: value for name, ours in _OTHERS.items() if (value := really_told(said.get(name, "")))}
    return References(account_servicer=really_told(said.get("FITID", "")), others=others)


def _address(said: Mapping[str, str]) -> Address | None:
    fields = {ours: said.get(f"PAYEE/{name}", "") for ours, name in _ADDRESS.items()}
    lines = tuple(line for n in (1, 2, 3) if (line := said.get(f"PAYEE/ADDR{n}", "")))
    return Address(**fields, lines=lines) if lines or any(fields.values()) else None


def _account_of(said: Mapping[str, str]) -> BankAccount | None:
    for name in ("BANKACCTTO", "CCACCTTO"):
        told = {key.partition("/")[2]: value for key, value in said.items() if key.startswith(f"{name}/")}
        if told.get("ACCTID"):
            return bank_account(told)
    return None


def _exchange(running: Running, said: Mapping[str, str], line: int) -> Exchange | None:
    """`CURRENCY` or `ORIGCURRENCY`: the rate is that of the account's currency to the other one (OFX 5.2)."""
    for name in ("CURRENCY", "ORIGCURRENCY"):
        other, rate = said.get(f"{name}/CURSYM", "").upper(), said.get(f"{name}/CURRATE", "")
        if not other or other == running.head.currency:
            continue
        try:
            value: Decimal | None = decimal(rate) if rate else None
        except Unreadable as unreadable:
            running.note("rate", f"{running.where}, line {line}: {unreadable}")
            value = None
        return Exchange(source_currency=other, target_currency=running.head.currency, rate=value)
    return None
