"""NACHA files of CCD, CTX and PPD entries, strictly: what an ACH operator would refuse is refused here.

Nacha Operating Rules, Appendix Three. Counts, hashes, totals, trace numbers, blocking and padding are worked out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from nostro.formats.carried import place
from nostro.formats.nacha.blocking import WIDTH
from nostro.formats.nacha.codes import ENTRY_CODES, WITHOUT_MONEY, EntryCode
from nostro.formats.nacha.entries import is_routing_number
from nostro.formats.nacha.remittance import written
from nostro.model.base import Value
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Streamed
from nostro.model.parties import BankAccount, Party

CENTURY = range(2000, 2100)
"""Years that two digits tell."""
EntryClass = Literal["CCD", "CTX", "PPD"]


class NachaFile(Value):
    """Who sends the file to which bank. `mark` (A-Z, 0-9) tells the files of one minute apart."""

    destination: str
    origin: str
    created_at: datetime
    mark: str = "A"
    destination_name: str = ""
    origin_name: str = ""
    reference: str = ""
    line_end: Literal["\n", "\r\n", ""] = "\n"


class NachaBatch(Value):
    """Payments of one company, entry class and day. `odfi`: the first eight digits of its bank's routing number.

    `service` says whether there are credits, debits or both; where it doesn't, the payments are read twice for it.
    """

    entry_class: EntryClass
    company_name: str
    company_id: str
    description: str
    effective: date
    odfi: str
    payments: Streamed
    service: Literal["", "200", "220", "225"] = ""
    descriptive_date: str = ""
    discretionary: str = ""


def write_nacha(file: NachaFile, batches: Iterable[NachaBatch]) -> Iterator[bytes]:
    """The file, record by record. Raises `FormatRefused` with the field, the rule and the remedy."""
    total = _Written()
    for record in _lines(file, batches, total):
        total.lines += 1
        yield (record + file.line_end).encode("ascii")


def _lines(file: NachaFile, batches: Iterable[NachaBatch], total: _Written) -> Iterator[str]:
    yield _file_header(file)
    for batch in batches:
        yield from _batch(batch, total)
    if not total.batches:
        raise FormatRefused("A NACHA file holds at least one batch.", "Give it payments, or write no file.")
    blocks = -(-(total.lines + 1) // 10)
    counts = _digits("batch count", total.batches, 6), _digits("block count", blocks, 6)
    sums = _digits("total of debits", total.debits, 12), _digits("total of credits", total.credits, 12)
    told = (*counts, _digits("entry count", total.records, 8), f"{total.hash % 10**10:010}", *sums)
    yield f"9{''.join(told)}{'':39}"
    while total.lines % 10:
        yield "9" * WIDTH


@dataclass(slots=True)
class _Written:
    """What was written so far, of a file or of a batch."""

    batches: int = 0
    records: int = 0
    hash: int = 0
    debits: int = 0
    credits: int = 0
    lines: int = 0
    traces: int = 0

    def add(self, other: _Written) -> None:
        """A batch more."""
        self.records += other.records
        self.hash += other.hash
        self.debits += other.debits
        self.credits += other.credits


def _file_header(file: NachaFile) -> str:
    if not is_of_a_bank(file.destination):
        raise _refused("immediate destination", "is no routing number of nine digits")
    if not re.fullmatch(r"[A-Z0-9]", file.mark):
        raise _refused("file ID modifier", "is one of A-Z and 0-9")
    at = file.created_at
    ends = _text("destination name", file.destination_name, 23) + _text("origin name", file.origin_name, 23)
    origin = _needed("immediate origin", file.origin, 10).rjust(10)
    return (
        f"101 {file.destination}{origin}{at:%y%m%d%H%M}{file.mark}094101{ends}{_text('reference', file.reference, 8)}"
    )


def _batch(batch: NachaBatch, total: _Written) -> Iterator[str]:
    total.batches += 1
    service = batch.service or service_class({direction_of(payment) for payment in batch.payments})
    own, directions, number = _Written(), set[str](), 0
    for number, payment in enumerate(batch.payments, start=1):
        if number == 1:
            yield _batch_header(batch, service, total.batches)
        total.traces += 1
        code, told = _code(payment, f"payment {number}")
        directions.add(told.direction)
        yield from _Entry(batch, payment, code, told, f"payment {number}").lines(own, total.traces)
    if not number:
        raise FormatRefused("A batch holds at least one payment.", "Leave the empty batch out.")
    if service_class(directions) != service:
        raise _refused("service class", f"{service} is not what the payments are")
    total.add(own)
    counts = _digits("entry count", own.records, 6), f"{own.hash % 10**10:010}"
    sums = _digits("total of debits", own.debits, 12), _digits("total of credits", own.credits, 12)
    yield f"8{service}{''.join((*counts, *sums))}{batch.company_id:10}{'':25}{batch.odfi}{total.batches:07}"


def _digits(name: str, number: int, width: int) -> str:
    """A control total in its field."""
    if number >= 10**width:
        raise FormatRefused(f"The {name} has more than {width} digits.", "Split the batch, or the file.")
    return f"{number:0{width}}"


_DISTRICTS = frozenset({*range(13), *range(21, 33), *range(61, 73), 80})
"""The government, the districts' banks, thrifts, electronic transfers, traveller's cheques."""


def is_of_a_bank(routing: str) -> bool:
    """Whether it is a routing number that the Federal Reserve gives out; readers ask for the check digit alone."""
    return is_routing_number(routing) and int(routing[:2]) in _DISTRICTS and bool(int(routing))


def service_class(directions: Collection[str]) -> str:
    """Credits and debits, credits only, or debits only."""
    return "200" if len(directions) > 1 else ("220" if "credit" in directions else "225")


def direction_of(payment: Instruction) -> str:
    """Whether it is a credit or a debit. Raises `FormatRefused`."""
    return _code(payment, place(payment))[1].direction


def _batch_header(batch: NachaBatch, service: str, number: int) -> str:
    if not re.fullmatch(r"\d{8}", batch.odfi, re.ASCII):
        raise _refused("originating bank", "is the first eight digits of a routing number")
    if batch.effective.year not in CENTURY:
        raise _refused("effective entry date", "lies from 2000 to 2099, since its year has two digits")
    company = _needed("company name", batch.company_name, 16) + _text("discretionary data", batch.discretionary, 20)
    company += _needed("company identification", batch.company_id, 10)
    what = _needed("entry description", batch.description, 10) + _text("descriptive date", batch.descriptive_date, 6)
    return f"5{service}{company}{batch.entry_class}{what}{batch.effective:%y%m%d}   1{batch.odfi}{number:07}"


def _code(payment: Instruction, where: str) -> tuple[str, EntryCode]:
    """The transaction code: as given (`transaction_code`), or that of a checking account."""
    usual = {"credit_transfer": "22", "direct_debit": "27", "prenote": "23" if payment.creditor_account else "28"}
    code = payment.others.get("transaction_code") or usual.get(payment.method, "")
    told = ENTRY_CODES.get(code)
    if told is None or told.back or told.method != payment.method:
        raise _refused("transaction code", "does not fit the payment's method", where)
    return code, told


@dataclass(frozen=True, slots=True)
class _Entry:
    """One payment on its way into the file."""

    batch: NachaBatch
    payment: Instruction
    code: str
    told: EntryCode
    where: str

    def lines(self, own: _Written, trace: int) -> Iterator[str]:
        """The entry and its addenda, counted."""
        party, account = self._receiver()
        cents, routing, addenda = self._cents(), account.clearing_id, self._addenda()
        if not is_of_a_bank(routing):
            raise _refused(
                "routing number",
                "has nine digits, the last a check digit, and a district's first two",
                self.where,
            )
        own.records += 1 + len(addenda)
        own.hash += int(routing[:8])
        if self.told.direction == "credit":
            own.credits += cents
        else:
            own.debits += cents
        number = _needed("account number", account.identification, 17, self.where)
        mark = f"{bool(addenda):d}{self.batch.odfi}{trace:07}"
        yield f"6{self.code}{routing}{number}{cents:010}{self._who(party.name, len(addenda))}{mark}"
        for at, text in enumerate(addenda, start=1):
            yield f"705{text:80}{at:04}{trace:07}"

    def _receiver(self) -> tuple[Party, BankAccount]:
        payment = self.payment
        credit = self.told.direction == "credit"
        party = payment.creditor if credit else payment.debtor
        account = payment.creditor_account if credit else payment.debtor_account
        if party is None or account is None:
            raise _refused("receiver", "needs a name and a bank account", self.where)
        return party, account

    def _who(self, name: str, addenda: int) -> str:
        known_as = _text("identification", self.payment.references.end_to_end, 15, self.where)
        marks = _text("discretionary data", self.payment.others.get("discretionary", ""), 2, self.where)
        if self.batch.entry_class == "CTX":
            return f"{known_as}{addenda:04}{_needed('name', name, 16, self.where)}  {marks}"
        return f"{known_as}{_needed('name', name, 22, self.where)}{marks}"

    def _cents(self) -> int:
        amount = self.payment.amount
        if amount is None or amount.currency != "USD":
            raise _refused("amount", "is in USD", self.where)
        cents = amount.value * 100
        if cents != int(cents) or not 0 <= cents < 10**10:
            raise _refused("amount", "has at most two decimals and ten digits, and no sign", self.where)
        if (cents == 0) != (self.code[1] in WITHOUT_MONEY):
            raise _refused("amount", "is zero in prenotes and zero-dollar entries, and only there", self.where)
        return int(cents)

    def _addenda(self) -> list[str]:
        text = "".join(self.payment.remittance) or written(self.payment.documents)
        text = _text("remittance", text, len(text), self.where)
        pieces = [text[start : start + 80] for start in range(0, len(text), 80)]
        most = 9_999 if self.batch.entry_class == "CTX" else 1
        if len(pieces) > most:
            rule = f"takes {most} addenda of 80 characters in {self.batch.entry_class}"
            raise _refused("remittance", rule, self.where)
        return pieces


_PRINTABLE = re.compile(r"[ -~]*")


def _text(name: str, said: str, width: int, where: str = "") -> str:
    if len(said) > width:
        raise _refused(name, f"has at most {width} characters", where)
    if not _PRINTABLE.fullmatch(said):
        raise _refused(name, "takes printable ASCII only", where)
    return said.ljust(width)


def _needed(name: str, said: str, width: int, where: str = "") -> str:
    if not said.strip():
        raise _refused(name, "is needed", where)
    return _text(name, said, width, where)


def _refused(name: str, rule: str, where: str = "") -> FormatRefused:
    place = f"{where}: the {name}" if where else f"The {name}"
    return FormatRefused(f"{place} {rule}.", f"Correct the {name} and write the file again.")
