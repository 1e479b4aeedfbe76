"""A QR-bill, and the rules about its fields that reading reports and writing insists on.

"Swiss Payment Standards: Implementation Guidelines QR-bill", version 2.3 (2.2 also allowed combined addresses).
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from nostro.model.base import Value
from nostro.model.messages import Instruction
from nostro.model.money import Amount, Currency
from nostro.model.parties import BankAccount, Party, is_mod_97
from nostro.model.statements import Check, References, Source

ReferenceType = Literal["QRR", "SCOR", "NON", ""]
AddressType = Literal["S", "K", ""]


class QrBillContent(Value):
    """A request to pay into a Swiss account. No amount: whoever pays writes it."""

    creditor: Party
    creditor_account: BankAccount
    creditor_address: AddressType = "S"
    ultimate_creditor: Party | None = None
    amount: Amount | None = None
    currency: Currency
    debtor: Party | None = None
    debtor_address: AddressType = ""
    reference_type: ReferenceType
    reference: str = ""
    remittance: str = ""
    billing: str = ""
    alternatives: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    format: str = "SPC 0200"


class QrBill(QrBillContent):
    """A QR-bill, with the place it was read from."""

    kind: ClassVar[str] = "qr_bill"

    source: Source

    def payment(self) -> Instruction:
        """The credit transfer that pays the bill."""
        return Instruction(
            amount=self.amount,
            debtor=self.debtor,
            creditor=self.creditor,
            creditor_account=self.creditor_account,
            references=References(structured=self.reference),
            remittance=(self.remittance,) if self.remittance else (),
            source=self.source,
        )

    @property
    def billing_fields(self) -> dict[str, str]:
        """Swico's structured billing information (`//S1/10/invoice/11/date/...`): values by their numbers."""
        if not self.billing.startswith("//S1/"):
            return {}
        parts = [part.replace("\\/", "/").replace("\\\\", "\\") for part in _SLASH.split(self.billing[5:])]
        return dict(zip(parts[::2], parts[1::2], strict=False))


_SLASH = re.compile(r"(?<!\\)/")
_QR_IBAN_FIRST, _QR_IBAN_LAST = 30_000, 31_999
_RECURSIVE = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)
_IBAN = re.compile(r"(?:CH|LI)\d{7}[A-Z0-9]{12}")
_SCOR = re.compile(r"RF\d\d[A-Z0-9]{1,21}")
CHARACTERS = re.compile(r"[ -~\u00a0-\u017f\u0218-\u021b\u20ac]*")
"""What the guidelines permit (chapter 4.1.1): Basic Latin, Latin-1, Latin Extended-A, Romanian letters, euro."""


def is_iban(said: str) -> bool:
    """Whether it is an IBAN of Switzerland or Liechtenstein with a right check sum."""
    return bool(_IBAN.fullmatch(said)) and is_mod_97(said)


def is_qr_iban(said: str) -> bool:
    """Whether the bank's number in it says that references must be QR references."""
    return said[4:9].isdecimal() and _QR_IBAN_FIRST <= int(said[4:9]) <= _QR_IBAN_LAST


def is_reference(kind: str, said: str) -> bool:
    """Whether the reference fits its type: 27 digits with a recursive check digit, ISO 11649, or none."""
    if kind == "QRR":
        return len(said) == 27 and said.isascii() and said.isdecimal() and bool(int(said)) and _is_recursive(said)
    if kind == "SCOR":
        return bool(_SCOR.fullmatch(said)) and is_mod_97(said)
    return not said


def _is_recursive(digits: str) -> bool:
    """Modulo 10, recursive, as payment slips had it."""
    carried = 0
    for digit in digits[:-1]:
        carried = _RECURSIVE[(carried + int(digit)) % 10]
    return (10 - carried) % 10 == int(digits[-1])
