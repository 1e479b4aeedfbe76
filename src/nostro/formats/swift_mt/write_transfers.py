"""Writes MT101, strictly: request for transfer, in as many chained messages as its payments need.

SWIFT User Handbook, category 1, MT101: sequence A once a message, sequence B a payment. A message takes 10,000 signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nostro.formats.swift_mt.parties import numbered_lines
from nostro.formats.swift_mt.payment import CHARGE_BEARERS
from nostro.formats.swift_mt.values import is_bic
from nostro.formats.swift_mt.writing import (
    LINE_SIGNS,
    amount_text,
    day_text,
    envelope,
    field_lines,
    rate_text,
    reference,
    text_lines,
    told_text,
    wrapped,
)
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageHead
from nostro.model.parties import Address, BankAccount, Party, valid_iban

_MESSAGE_SIGNS, _LONGEST = 10_000, 99_999
_BEARERS = {iso: own for own, iso in CHARGE_BEARERS.items()}
_BY_CHEQUE = "CHQB"
_OTHER = "Write it in a format that has such payments."
_REMEDIES = {
    "cheque": "Ask for it by field 23E (CHQB), or write it as positive-pay.",
    "direct debit": "Write it as pain.008, NACHA or Bacs.",
}
_LINES = 4
"""Of names and addresses, and of remittance."""


def write_mt101(head: MessageHead, payments: Iterable[Instruction]) -> Iterator[bytes]:
    """The message, or its chain. All payments are of one payer and one day, which sequence A tells.

    `payments` are read twice: a list, or what can be read again. Blocks are written when `head.envelope` tells sender
    and receiver. Raises `FormatRefused` for what the format can't carry: the field, its rule, and a remedy.
    """
    first = next(iter(payments), None)
    if first is None:
        raise FormatRefused("An MT101 has one payment at least.", "Give one.")
    chain = Chain(head, first)
    for payment in payments:
        chain.count(payment)
    yield from chain.written(payments)


class Chain:
    """Messages that follow each other: what sequence A tells for all payments, and what each must agree with.

    How many there are stands in each (28D): the payments are counted before they are written.
    """

    def __init__(self, head: MessageHead, first: Instruction) -> None:
        self.head = head
        self.first = first
        self.used: set[str] = set()
        self.signs = 200 + sum(len(line) + 2 for line in self.beginning(99_999, 99_999))
        self.held, self.messages = 0, 1

    def count(self, payment: Instruction) -> None:
        """One payment more, which is checked. Raises `FormatRefused`."""
        own = payment.references.instruction or payment.references.end_to_end
        if own in self.used:
            raise FormatRefused("Field 21: a reference comes twice in the message.", "Give each payment its own.")
        self.used.add(own)
        size = _size(self.payment(payment))
        if self.held and self.signs + self.held + size > _MESSAGE_SIGNS:
            self.messages, self.held = self.messages + 1, 0
        self.held += size

    def written(self, payments: Iterable[Instruction]) -> Iterator[bytes]:
        """The messages, of the payments that were counted."""
        if self.messages > _LONGEST:
            raise FormatRefused(f"Field 28D numbers {_LONGEST} messages.", "Split the payments.")
        number, room, held = 1, _MESSAGE_SIGNS - self.signs, list[str]()
        signs = 0
        for payment in payments:
            text = self.payment(payment)
            if held and signs + _size(text) > room:
                yield self._message(number, held)
                number, signs, held = number + 1, 0, []
            held += text
            signs += _size(text)
        yield self._message(number, held)

    def _message(self, number: int, inside: list[str]) -> bytes:
        told = self.head.envelope
        sender, receiver = (told.sender, told.receiver) if told else ("", "")
        return envelope("101", sender, receiver, [*self.beginning(number, self.messages), *inside])

    def beginning(self, number: int, total: int) -> Iterator[str]:
        """Sequence A."""
        first = self.first
        yield f":20:{reference('20', self.head.message_id)}"
        if first.group:
            yield f":21R:{reference('21R', first.group)}"
        yield f":28D:{number}/{total}"
        if first.debtor_account is None or first.debtor is None:
            raise FormatRefused("Field 50H needs the payer and its bank account.", "Tell both.")
        yield from _side("50H", first.debtor, first.debtor_account)
        if first.debtor_account.bic:
            yield from _bank("52", first.debtor_account)
        yield f":30:{day_text('30', first.execution_date)}"

    def payment(self, told: Instruction) -> list[str]:
        """Sequence B. Raises `FormatRefused` for a payment of another payer or day, and for what is no transfer."""
        if told.method != "credit_transfer" and not any(code.startswith(_BY_CHEQUE) for code in told.instructions):
            kind = told.method.replace("_", " ")
            raise FormatRefused(f"An MT101 asks a bank to pay; the payment is a {kind}.", _REMEDIES.get(kind, _OTHER))
        first = self.first
        for field, own, other in (
            ("30", told.execution_date, first.execution_date),
            ("50H", (told.debtor, told.debtor_account), (first.debtor, first.debtor_account)),
            ("21R", told.group, first.group),
        ):
            if own != other:
                raise FormatRefused(f"Field {field} is told once for all payments of a message.", "Split the message.")
        return list(self._payment(told))

    def _payment(self, told: Instruction) -> Iterator[str]:
        own = told.references.instruction or told.references.end_to_end
        yield f":21:{reference('21', own)}"
        if deal := told.others.get("21F"):
            yield f":21F:{reference('21F', deal)}"
        for code in told.instructions:
            yield f":23E:{told_text('23E', code, 35)}"
        yield from _amounts(told)
        if told.creditor_account and (told.creditor_account.bic or told.creditor_account.clearing_id):
            yield from _bank("57", told.creditor_account)
        if told.creditor is None or told.creditor_account is None:
            raise FormatRefused("Field 59 needs who is paid and the bank account.", "Tell both.")
        yield from _side("59", told.creditor, told.creditor_account)
        yield from _remittance(told, own)
        if told.regulatory:
            yield from field_lines("77B", told.regulatory, 3)
        bearer = _BEARERS.get(told.charge_bearer)
        if bearer is None:
            raise FormatRefused("Field 71A takes who bears the charges: DEBT, CRED or SHAR.", "Choose one of them.")
        yield f":71A:{bearer}"


def _size(text: Iterable[str]) -> int:
    return sum(len(line) + 2 for line in text)


def _amounts(told: Instruction) -> Iterator[str]:
    if told.amount is None or not told.amount.value:
        raise FormatRefused("Field 32B needs an amount above 0.", "Tell it.")
    yield f":32B:{told.amount.currency}{amount_text('32B', told.amount)}"
    exchange = told.exchange
    if exchange and exchange.rate and not told.others.get("21F"):
        raise FormatRefused("Field 36 is only taken with a deal's reference (21F).", "Tell it in others['21F'].")
    if exchange and exchange.instructed and exchange.rate:
        # Rules C1 and C2 of the message: a rate, the instructed amount and the deal go together.
        yield f":33B:{exchange.instructed.currency}{amount_text('33B', exchange.instructed)}"
        yield f":36:{rate_text('36', exchange.rate)}"


def _bank(prefix: str, account: BankAccount) -> Iterator[str]:
    if account.bic:
        if not is_bic(account.bic):
            raise FormatRefused(f"Field {prefix}A takes a BIC of 8 or 11 signs.", "Correct it.")
        yield f":{prefix}A:{account.bic}"
    else:
        yield f":{prefix}C:{told_text(prefix, f'//{account.clearing_id}', LINE_SIGNS)}"


def _side(field: str, party: Party, account: BankAccount) -> Iterator[str]:
    """An account line, then name and address: in numbered lines (option F) where the address has fields of its own."""
    if not account.identification or not party.name:
        raise FormatRefused(f"Field {field} needs a name and a bank account.", "Tell both.")
    if account.iban and not valid_iban(account.identification):
        raise FormatRefused(f"Field {field}: the IBAN's check digits or length are wrong.", "Ask the payee for it.")
    address = party.address
    told = [party.name, *(address.lines if address else ())]
    if address and address.town and address.country:
        told, field = list(numbered_lines(party.name, address)), f"{field[:2]}F"
    elif address and not address.lines:
        told += _address(address)
    yield f":{field}:/{told_text(field, account.identification, 34)}"
    yield from text_lines(field, told, _LINES)


def _address(address: Address) -> list[str]:
    street = " ".join(part for part in (address.street, address.building) if part)
    town = " ".join(part for part in (address.postcode, address.town) if part)
    place = ", ".join(part for part in (town, address.region, address.country) if part)
    return [line for line in (street, place) if line]


def _remittance(told: Instruction, own: str) -> Iterator[str]:
    """Field 70; another end-to-end reference than field 21's stands first, after /ROC/."""
    other = told.references.end_to_end
    ordered = [f"/ROC/{other}"] if other and other != own else []
    lines = [line for said in told.remittance for line in wrapped(said)]
    if ordered or lines:
        yield from field_lines("70", [*ordered, *lines], _LINES)
