"""A QR-bill's payload, tolerantly: what breaks the guidelines is told beside what was read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from nostro.formats.qr_bill.bill import (
    CHARACTERS,
    AddressType,
    QrBill,
    ReferenceType,
    is_iban,
    is_qr_iban,
    is_reference,
)
from nostro.formats.reading import Beginning, Format
from nostro.formats.text import lines
from nostro.model.failures import FormatRefused
from nostro.model.money import Amount
from nostro.model.parties import Address, BankAccount, Party
from nostro.model.statements import Check, Reject, Source

_LINES = 34
_NEEDED = 19
"""Up to the amount's place: with less there is no bill."""
_LONGEST = 997
WIDTHS: Sequence[int] = (
    *(3, 4, 1, 21),
    *(1, 70, 70, 70, 16, 35, 2),
    *(1, 70, 70, 70, 16, 35, 2),
    *(12, 3),
    *(1, 70, 70, 70, 16, 35, 2),
    *(4, 27, 140, 3, 140, 100, 100),
)
_FIRST = "0100"
"""The version of the trial: its addresses have no type, a due date follows the currency, and there is no trailer."""
_CURRENCIES = ("CHF", "EUR")
_AMOUNT = re.compile(r"(?:0|[1-9]\d{0,8})\.\d\d", re.ASCII)
_LOOSE = re.compile(r"\d{1,12}(?:[.,]\d{1,2})?", re.ASCII)
_PARTS = re.compile(r"[ '\u2019\u00a0]")
_TYPES: dict[str, ReferenceType] = {"QRR": "QRR", "SCOR": "SCOR", "NON": "NON"}
_ADDRESSES: dict[str, AddressType] = {"S": "S", "K": "K"}

QrItem = QrBill | Reject


def read_qr_bills(chunks: Iterable[bytes]) -> Iterator[QrItem]:
    """The bill of a payload, or several that stand one after the other. Raises `FormatRefused` for anything else."""
    held: list[str] = []
    first = bills = 0
    for number, line in lines(chunks):
        if line.strip() == "SPC":
            if held:
                bills += 1
                yield _bill(held, first, bills)
            held, first = ["SPC"], number
        elif not first and line.strip():
            raise FormatRefused("This is no payload of a QR-bill: it does not begin with SPC.")
        elif len(held) < _LINES:
            held.append(line.strip())
        elif line.strip():
            yield Reject(where=f"bill[{bills + 1}]", why="a line after the last one that a QR-bill has", line=number)
    if not held:
        raise FormatRefused("This is no payload of a QR-bill: it does not begin with SPC.")
    yield _bill(held, first, bills + 1)


def _bill(told: list[str], line: int, number: int) -> QrItem:
    source = Source(where=f"bill[{number}]", line=line)
    if told[1:2] == [_FIRST] and "".join(told[17:18]).upper() in _CURRENCIES:
        told = _of_first(told)
    if len(told) < _NEEDED:
        return Reject(where=source.where, why="the payload ends before its amount", line=line)
    currency = told[19].upper() if len(told) > 19 else ""
    if currency not in _CURRENCIES:
        return Reject(where=source.where, why="the currency is neither CHF nor EUR", line=line + 19)
    return _Payload([*told, *[""] * _LINES][:_LINES], len(told), currency).bill(source)


def _of_first(told: list[str]) -> list[str]:
    """The lines of a bill of version 1.0 where those of 2.0 stand. Nothing in a bill tells its due date any more."""
    said = [*told, *[""] * _LINES][:_LINES]
    parties = [["S" if any(party) else "", *party] for party in (said[4:10], said[10:16], said[19:25])]
    return [*said[:4], *parties[0], *parties[1], *said[16:18], *parties[2], *said[25:28], "EPD", "", *said[28:30]]


@dataclass(slots=True)
class _Payload:
    """The lines of one bill, and what does not hold of them."""

    told: list[str]
    count: int
    currency: str
    checks: list[Check] = field(default_factory=list)

    def bill(self, source: Source) -> QrBill:
        """The bill."""
        told = self.told
        iban = "".join(told[3].split()).upper()
        kind, reference = told[27].upper(), "".join(told[28].split()).upper()
        told[3], told[28] = iban, reference
        amount = self._amount()
        self._check(iban, kind, reference)
        return QrBill(
            creditor=self._party(4) or Party(),
            creditor_account=BankAccount(iban=iban, currency=self.currency),
            creditor_address=_ADDRESSES.get(told[4], ""),
            ultimate_creditor=self._party(11),
            amount=amount,
            currency=self.currency,
            debtor=self._party(20),
            debtor_address=_ADDRESSES.get(told[20], ""),
            reference_type=_TYPES.get(kind, ""),
            reference=reference,
            remittance=told[29],
            billing=told[31],
            alternatives=tuple(said for said in told[32:34] if said),
            checks=tuple(self.checks),
            source=source,
            format=f"SPC {told[1]}".strip(),
        )

    def _party(self, at: int) -> Party | None:
        kind, name, first, second, postcode, town, country = self.told[at : at + 7]
        if not any((name, first, second, postcode, town)):
            return None
        if kind == "K":
            address = Address(lines=tuple(line for line in (first, second) if line), country=country)
        else:
            address = Address(street=first, building=second, postcode=postcode, town=town, country=country)
        return Party(name=name, address=address, country=country)

    def _amount(self) -> Amount | None:
        said = _PARTS.sub("", self.told[18])
        if not said:
            return None
        self._fail("amount", holds=bool(_AMOUNT.fullmatch(self.told[18])), why="the amount is not written as 1234.50")
        if not _LOOSE.fullmatch(said):
            self._fail("amount", holds=False, why="the amount is no number")
            return None
        return Amount(value=Decimal(said.replace(",", ".")), currency=self.currency)

    def _check(self, iban: str, kind: str, reference: str) -> None:
        told = self.told
        self._fail("version", holds=told[1][:2] == "02", why="the version is not 02")
        self._fail("coding", holds=told[2] == "1", why="the coding type is not 1")
        self._fail("iban", holds=is_iban(iban), why="this is no IBAN of CH or LI with a right check sum")
        self._fail("creditor", holds=bool(told[5]), why="the creditor has no name")
        self._fail("ultimate_creditor", holds=not any(told[11:18]), why="the guidelines reserve these fields")
        self._fail("reference", holds=kind in _TYPES, why="the reference type is none of QRR, SCOR and NON")
        self._fail("reference", holds=is_reference(kind, reference), why=f"the reference is no {kind[:4]} reference")
        fits = not is_iban(iban) or is_qr_iban(iban) == (kind == "QRR")
        self._fail("reference", holds=fits, why="a QR-IBAN goes with a QR reference, and no other IBAN does")
        self._fail("trailer", holds=told[30] == "EPD", why="the trailer is not EPD")
        for name, at in (("creditor", 4), ("debtor", 20)):
            known = told[at] in _ADDRESSES or not any(told[at : at + 7])
            self._fail(f"{name}_address", holds=known, why="the address is neither S nor K")
            combined = told[at] == "K"
            self._fail(f"{name}_address", holds=not combined, why="combined addresses ended on 21 November 2025")
        long = [number for number, (said, width) in enumerate(zip(told, WIDTHS, strict=True)) if len(said) > width]
        self._fail("length", holds=not long, why=f"too long: fields {', '.join(str(number + 1) for number in long)}")
        whole = len(told[29]) + len(told[31]) <= 140 and sum(map(len, told)) + self.count <= _LONGEST
        self._fail("length", holds=whole, why="message and billing information are longer than 140, or all than 997")
        self._fail("characters", holds=bool(CHARACTERS.fullmatch("".join(told))), why="there are letters not permitted")

    def _fail(self, name: str, *, holds: bool, why: str) -> None:
        if not holds:
            self.checks.append(Check(name=name, ok=False, detail=why))


def _is_qr_bill(beginning: Beginning) -> bool:
    told = [line.strip() for line in beginning.text.lstrip().splitlines()[:4]]
    return len(told) > 3 and told[0] == "SPC" and len(told[1]) == 4 and told[1].isdecimal() and len(told[3]) > 4


QR_BILL: Sequence[Format] = (
    Format("qr_bill", "Swiss QR-bill (SPC payload)", _is_qr_bill, read_qr_bills, proven=False),
)
