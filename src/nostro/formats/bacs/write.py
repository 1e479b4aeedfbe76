"""Standard 18 payment files, written strictly: contra records, counts and totals are worked out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from nostro.formats.bacs.codes import SEQUENCES, TRANSACTIONS
from nostro.formats.bacs.standard_18 import CONTRA
from nostro.model.base import Value
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Streamed
from nostro.model.parties import BankAccount, Party

CENTURY = range(2000, 2100)
"""Years that two digits tell."""


class Standard18(Value):
    """A submission of one service user (SUN). Payments of several days make a multi-processing-day file.

    `several` says whether they are; where it doesn't, the payments are read twice for it.
    """

    serial: str
    user: str
    created_on: date
    processing_day: date
    payments: Streamed
    several: bool | None = None
    narrative: str = ""


def write_standard_18(file: Standard18) -> Iterator[bytes]:
    """The file, line by line. Raises `FormatRefused` with the field, the rule and the remedy."""
    for told in _lines(file):
        yield told.encode("ascii") + b"\n"


def _lines(file: Standard18) -> Iterator[str]:
    if not re.fullmatch(r"[A-Z0-9]{6}", file.serial) or not re.fullmatch(r"\d{6}", file.user, re.ASCII):
        raise _refused("serial and service user number", "have six characters, the number digits only", "")
    several = file.several
    if several is None:
        several = any(payment.execution_date not in (None, file.processing_day) for payment in file.payments)
    dates = _day(file.created_on) + _day(max(file.created_on, file.processing_day))
    name = f"A{file.user}S  1{file.user}{file.serial}00010001{'':6}{dates} 000000"
    size = "F0212000106" if several else "F0200000100"
    size = f"{size}{'':35}00"
    yield f"VOL1{file.serial}{'':31}{file.user}{'':32}1"
    yield f"HDR1{name}{'':20}"
    yield f"HDR2{size}{'':28}"
    work = "4 MULTI  " if several else "1 DAILY  "
    yield f"UHL1{_day(file.processing_day)}{'999999':10}00000000{work}001{'':40}"
    totals = _Totals()
    for number, payment in enumerate(file.payments, start=1):
        entry = _entry(file, payment, f"payment {number}")
        if entry.day != file.processing_day and not several:
            raise _refused("processing day", "is that of the file", f"payment {number}")
        totals.take(entry)
        yield entry.record + (_day(entry.day) if several else "")
    if not totals.contras and not totals.instructions:
        raise FormatRefused("A Standard 18 file holds at least one payment.", "Write no file.")
    for contra in list(_contras(file, totals)):
        totals.take(contra)
        yield contra.record + (_day(contra.day) if several else "")
    yield f"EOF1{name}{'':20}"
    yield f"EOF2{size}{'':28}"
    yield totals.trailer


@dataclass(frozen=True, slots=True)
class _Entry:
    """A record, and what the totals need of it."""

    record: str
    credit: bool
    code: str
    pence: int
    day: date
    own: tuple[str, str, str]


@dataclass(slots=True)
class _Totals:
    """What was written so far; `contras`: sums by own account, day and direction."""

    contras: dict[tuple[tuple[str, str, str], date, bool], int] = field(default_factory=dict)
    sums: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    counts: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    instructions: int = 0

    def take(self, entry: _Entry) -> None:
        """A record more."""
        self.sums[entry.credit] += entry.pence
        self.counts[entry.credit] += 1
        self.instructions += not TRANSACTIONS[entry.code]
        if entry.pence:
            key = (entry.own, entry.day, entry.credit)
            self.contras[key] = self.contras.get(key, 0) + entry.pence

    @property
    def trailer(self) -> str:
        """The user trailer, of debits before credits. Raises `FormatRefused` where a total does not fit in."""
        told = [f"{self.sums[credit]:013}" for credit in (False, True)]
        told += [f"{self.counts[credit]:07}" for credit in (False, True)]
        if sum(map(len, told)) > _TRAILER_DIGITS:
            raise FormatRefused("The file's totals have more digits than its trailer.", "Split the file.")
        return f"UTL1{''.join(told)}{'':8}{self.instructions:07}{'':21}"


_TRAILER_DIGITS = 40


def _entry(file: Standard18, payment: Instruction, where: str) -> _Entry:
    code = _code(payment, where)
    credit = TRANSACTIONS[code] == "credit_transfer"
    own_side, other_side = (payment.debtor, payment.debtor_account), (payment.creditor, payment.creditor_account)
    if not credit:
        own_side, other_side = other_side, own_side
    own_name, own = _side(*own_side, where)
    other_name, other = _side(*other_side, where)
    pence = _pence(payment, code, where)
    reference = payment.references.end_to_end or payment.references.mandate
    free = payment.others.get("free", "")
    kind = payment.others.get("account_type", "0")
    named = "".join(_text(name, said, 18, where) for name, said in _named(own_name, reference, other_name))
    middle = f"{_text('account type', kind, 1, where)}{code}{own}{_text('free field', free, 4, where)}{pence:011}"
    record = f"{other}{middle}{named}"
    day = payment.execution_date or file.processing_day
    if day.year not in CENTURY:
        raise _refused("processing day", "lies from 2000 to 2099, since its year has two digits", where)
    return _Entry(record, credit, code, pence, day, (own[:6], own[6:], own_name))


def _named(own: str, reference: str, other: str) -> tuple[tuple[str, str], ...]:
    return ("name", own), ("reference", reference), ("name", other)


def _code(payment: Instruction, where: str) -> str:
    sequence = payment.mandate.sequence if payment.mandate else ""
    by_sequence = {name: code for code, name in SEQUENCES.items()}
    usual = "99" if payment.method == "credit_transfer" else by_sequence.get(sequence, "17")
    code = payment.others.get("transaction_code") or usual
    if TRANSACTIONS.get(code) != payment.method:
        raise _refused("transaction code", "does not fit the payment's method", where)
    return code


def _side(party: Party | None, account: BankAccount | None, where: str) -> tuple[str, str]:
    """The name as Bacs takes it, and sort code with account number."""
    name = " ".join((party.name if party else "").upper().split())
    sort_code, number = (account.clearing_id, account.identification) if account else ("", "")
    if not re.fullmatch(r"\d{6}", sort_code, re.ASCII) or not re.fullmatch(r"\d{8}", number, re.ASCII):
        raise _refused("bank account", "has a sort code of six digits and a number of eight", where)
    if not name:
        raise _refused("name", "is needed", where)
    return name, sort_code + number


def _pence(payment: Instruction, code: str, where: str) -> int:
    amount = payment.amount
    if amount is None or amount.currency != "GBP":
        raise _refused("amount", "is in GBP", where)
    pence = amount.value * 100
    if pence != int(pence) or not 0 <= pence < 10**11:
        raise _refused("amount", "has at most two decimals and eleven digits, and no sign", where)
    if (pence == 0) != (TRANSACTIONS[code] == ""):
        raise _refused("amount", "is zero for instructions (0N, 0C, 0S), and only there", where)
    return int(pence)


def _contras(file: Standard18, totals: _Totals) -> Iterator[_Entry]:
    """One record an own account, day and direction, which balances what was paid from or collected to it."""
    for (own, day, credit), pence in totals.contras.items():
        if pence >= 10**11:
            raise FormatRefused("The contra record's amount has more than eleven digits.", "Split the file.")
        account, code = own[0] + own[1], "17" if credit else "99"
        narrative = _text("narrative", file.narrative or own[2], 18, "")
        record = f"{account}0{code}{account}{'':4}{pence:011}{narrative}{CONTRA:18}{own[2]:18}"
        yield _Entry(record, not credit, code, pence, day, own)


def _day(day: date) -> str:
    return f" {day:%y%j}"


_BACS = re.compile(r"[A-Z0-9 ./&-]*")


def _text(name: str, said: str, width: int, where: str) -> str:
    text = said.upper()
    if len(text) > width:
        raise _refused(name, f"has at most {width} characters", where)
    if not _BACS.fullmatch(text):
        raise _refused(name, "takes A-Z, 0-9, blanks and . / & - only", where)
    return text.ljust(width)


def _refused(name: str, rule: str, where: str) -> FormatRefused:
    place = f"{where}: the {name}" if where else f"The {name}"
    return FormatRefused(f"{place} {rule}.", f"Correct the {name} and write the file again.")
