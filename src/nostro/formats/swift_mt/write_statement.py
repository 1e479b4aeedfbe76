"""Writes MT940, strictly: every length and sign, and balances that the entries lead to.

SWIFT User Handbook, category 9, MT940. What an entry tells besides is written in field 86 between slashes (`/EREF/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from textwrap import wrap

from nostro.formats.swift_mt.information import SLASH_CODES
from nostro.formats.swift_mt.writing import (
    amount_text,
    day_text,
    field_lines,
    lines,
    reference,
    told_text,
    wrapped,
)
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount, plain
from nostro.model.parties import BankAccount
from nostro.model.statements import Balance, Entry, StatementEnd, StatementHead

LINES, SIGNS = 6, 65
"""Of field 86."""
_TYPE = re.compile(r"[NFS][A-Z0-9]{3}")
_OTHER_BALANCES = {"CLAV": "64", "FWAV": "65"}
_OTHERS = "Write camt.052, camt.054 or CSV, which ask for no balance."
_MARKS = {("credit", False): "C", ("debit", False): "D", ("debit", True): "RC", ("credit", True): "RD"}


def write_mt940(items: Iterable[StatementHead | Entry | StatementEnd]) -> Iterator[bytes]:
    """Statements as messages, line by line. The closing balance is what opening and entries make.

    Raises `FormatRefused` for what the format can't carry: the field, its rule, and a remedy.
    """
    head: StatementHead | None = None
    reached = Decimal(0)
    for told in items:
        if isinstance(told, StatementHead):
            head = told
        if head is None:
            raise FormatRefused("An entry stands before any statement.", "Give the statement's head first.")
        source = head.source if isinstance(told, StatementEnd) else told.source
        try:
            if isinstance(told, StatementHead):
                opening = _opening(told)
                reached = opening.amount.value
                yield lines(_beginning(told, opening))
            elif isinstance(told, Entry):
                yield lines(_entry(told, head.currency))
                reached += told.signed.value
            else:
                yield lines([*_ending(told, head, reached), "-"])
                head = None
        except FormatRefused as refused:
            line = f", line {source.line}" if source.line else ""
            where = f"{source.where}{line}: " if source.where else ""
            raise FormatRefused(f"{where}{refused.sentence}", refused.remedy) from None
    if head is not None:
        raise FormatRefused("The last statement has no end.", "Give it, with the closing balance's day.")


def _opening(head: StatementHead) -> Balance:
    opening = head.opening
    if opening is None or opening.amount.currency != head.currency:
        raise FormatRefused("Field 60F needs an opening balance in the statement's currency.", _OTHERS)
    return opening


def _beginning(head: StatementHead, opening: Balance) -> Iterator[str]:
    yield f":20:{reference('20', head.statement_id)}"
    yield f":25:{_owned(head.bank_account)}"
    number, page = head.sequence or 0, head.page
    if number > 99_999 or (page or 0) > 99_999:
        raise FormatRefused("Field 28C takes numbers of 5 digits.", "Begin the statements' numbers anew.")
    yield f":28C:{number:05}" + (f"/{page:05}" if page else "")
    yield f":60{'F' if (page or 1) == 1 else 'M'}:{_balance('60F', opening)}"


def _owned(account: BankAccount) -> str:
    if not account.identification:
        raise FormatRefused("Field 25 needs the bank account.", "Tell its IBAN or number.")
    return told_text("25", account.identification, 35)


def _balance(field: str, told: Balance) -> str:
    amount = Amount(value=abs(told.amount.value), currency=told.amount.currency)
    mark = "D" if told.amount.value < 0 else "C"
    return f"{mark}{day_text(field, told.on)}{amount.currency}{amount_text(field, amount)}"


def _entry(entry: Entry, currency: str) -> Iterator[str]:
    if entry.amount.currency != currency:
        raise FormatRefused("Field 61: an entry is in another currency than its statement.", "Split the statement.")
    if entry.state != "booked":
        raise FormatRefused("An MT940 tells booked entries only.", "Leave the others to an interim report.")
    days = day_text("61", entry.value_date or entry.booking_date)
    booked = entry.booking_date or entry.value_date
    kind = entry.bank_transaction_code[:4]
    own, servicer = entry.references.instruction, entry.references.account_servicer
    line = f"{days}{booked:%m%d}" if booked else days
    line += f"{_MARKS[entry.direction, entry.reversal]}{amount_text('61', entry.amount)}"
    line += kind if _TYPE.fullmatch(kind) else "NMSC"
    line += reference("61", own) if own else "NONREF"
    yield f":61:{line}" + (f"//{reference('61', servicer)}" if servicer else "")
    if said := information(entry):
        yield from field_lines("86", list(wrapped(said, SIGNS)), LINES, SIGNS)


def information(entry: Entry) -> str:
    """What field 86 tells, in codes between slashes."""
    refs, party, account = entry.references, entry.counterparty, entry.counterparty_account
    told = [
        ("TRTP", entry.additional),
        ("EREF", refs.end_to_end),
        ("PREF", refs.payment_information),
        ("MARF", refs.mandate),
        ("IBAN", account.identification if account else ""),
        ("BIC", account.bic if account else ""),
        ("NAME", party.name if party else ""),
        ("RTRN", entry.returned.code if entry.returned else ""),
        ("REMI", f"STRD/CUR/{refs.structured}" if refs.structured else ""),
        ("REMI", " ".join(entry.remittance)),
    ]
    for code, said in told:
        if said.strip("/ ") != said or not SLASH_CODES.isdisjoint(said.split("/")):
            raise FormatRefused(
                f"Field 86, /{code}/: the text holds a code between slashes, or a slash or blank at its ends.",
                "Change the text.",
            )
    return "".join(f"/{code}/{said}" for code, said in told if said)


def _ending(end: StatementEnd, head: StatementHead, reached: Decimal) -> Iterator[str]:
    head = head.completed(end)
    closing = head.closing
    if closing is None:
        raise FormatRefused("Field 62F needs a closing balance and its day.", _OTHERS)
    if closing.amount.value != reached or closing.amount.currency != head.currency:
        raise FormatRefused(
            f"Field 62F: the entries lead to {plain(reached)}, told is {plain(closing.amount.value)}.",
            "Find the entry that is missing or doubled.",
        )
    yield f":62{'M' if head.last_page is False else 'F'}:{_balance('62F', closing)}"
    for told in head.balances:
        if tag := _OTHER_BALANCES.get(told.code):
            yield f":{tag}:{_balance(tag, told)}"
    if end.additional:
        told_lines = wrap(end.additional, SIGNS, break_long_words=False, break_on_hyphens=False)
        yield from field_lines("86", told_lines, LINES, SIGNS)
