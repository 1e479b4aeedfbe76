"""Payments of an initiation in the groups (`PmtInf`) that share everything which a group says once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from nostro.formats.codes import code_set
from nostro.formats.iso20022.write.told_as import Dialect, coded, dialect, instant, party
from nostro.formats.profiles import Profile, profile, refuse
from nostro.formats.profiles.check import ProfileRefused
from nostro.formats.profiles.rules import Finding
from nostro.formats.xml_text import branch, leaf
from nostro.model.base import Value
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Method
from nostro.model.money import plain
from nostro.model.parties import Party

_PIECE = 250
"""Payments that are written at once."""
_ID = 35
_SEPA = "sepa"


class Initiation(Value):
    """What an initiation says of itself: who sends it, when, and what it is called."""

    message_id: str
    created_at: datetime
    initiating_party: Party


class Batch(NamedTuple):
    """The payments of one group, and what it is called."""

    name: str
    payments: Sequence[Instruction]

    @property
    def total(self) -> Decimal:
        """The sum of its amounts, whatever their currencies: what the standard calls a control sum."""
        return sum((amount_of(payment) for payment in self.payments), Decimal(0))


def amount_of(payment: Instruction) -> Decimal:
    """The value that counts for control sums."""
    told = payment.amount or payment.equivalent
    return told.value if told else Decimal(0)


def batches(
    letter: Initiation, payments: Sequence[Instruction], rules: Profile, methods: frozenset[Method]
) -> list[Batch]:
    """The payments in groups, in the order of each group's first. Raises `ProfileRefused` for what can't be sent."""
    _admit(letter, payments, rules, methods)
    groups: dict[tuple[object, ...], list[Instruction]] = {}
    known: dict[int, str] = {}
    for payment in payments:
        groups.setdefault(_shared(payment, known), []).append(payment)
    taken: set[str] = set()
    return [
        Batch(_name(letter, group[0], number, taken), group) for number, group in enumerate(groups.values(), start=1)
    ]


def _admit(letter: Initiation, payments: Sequence[Instruction], rules: Profile, methods: frozenset[Method]) -> None:
    if not payments:
        raise FormatRefused("There is no payment to write.", "Leave the file out.")
    if not rules.id_pattern.fullmatch(letter.message_id) or not 0 < len(letter.message_id) <= _ID:
        raise FormatRefused(
            "The message id is empty, too long, or holds signs that are not taken.", "Give another one."
        )
    refuse(payments, rules)
    other = [number for number, payment in enumerate(payments) if payment.method not in methods]
    if other:
        sentence = f"This message carries {', '.join(sorted(methods))} only."
        remedy = "Write the payment in a message of its method."
        raise ProfileRefused([
            Finding(payment=number, end_to_end=payments[number].references.end_to_end, field="method", rule="method",
                    sentence=sentence, remedy=remedy)
            for number in other
        ])  # fmt: skip


def _shared(payment: Instruction, known: dict[int, str]) -> tuple[object, ...]:
    """What two payments of one group have in common. `known`: our side as text, by the very object that says it."""
    ours = payment.creditor if payment.method == "direct_debit" else payment.debtor
    account = payment.creditor_account if payment.method == "direct_debit" else payment.debtor_account
    mandate = payment.mandate
    sides = tuple(known.get(id(side)) or known.setdefault(id(side), repr(side)) for side in (ours, account))
    return (
        payment.group, payment.method, payment.execution_date, payment.batch_booking, payment.charge_bearer,
        payment.service_level, payment.local_instrument, payment.category_purpose, payment.priority,
        sides, (mandate.sequence, mandate.creditor_id) if mandate else None,
    )  # fmt: skip


def _name(letter: Initiation, first: Instruction, number: int, taken: set[str]) -> str:
    """The group's own name, or the message's with a number; never one that another group has."""
    name = first.group or f"{letter.message_id[: _ID - 6]}-{number}"
    while name in taken:
        name = f"{name[: _ID - 6]}-{number}"
        number += 1
    taken.add(name)
    return name


class Message(NamedTuple):
    """What one kind of initiation has of its own: its element, versions, methods, and how groups and payments begin.

    `group` gives what stands in a group before its payments.
    """

    name: str
    root: str
    versions: tuple[str, ...]
    first_modern: int
    methods: frozenset[Method]
    group: Callable[[Batch, Dialect], str]
    payment: Callable[[Instruction, Dialect], str]

    def written(
        self, payments: Sequence[Instruction], letter: Initiation, rules: Profile | None, version: str
    ) -> Iterator[bytes]:
        """The file, in pieces, by the SEPA rules and the profile's version where none are given."""
        rules = rules or profile(_SEPA)
        version = version or rules.versions[self.name]
        if version not in self.versions:
            raise FormatRefused(f"{version} is not written.", f"There are {', '.join(self.versions)}.")
        groups = batches(letter, payments, rules, self.methods)
        return document(version, self.root, self._parts(letter, groups, dialect(version, rules, self.first_modern)))

    def _parts(self, letter: Initiation, groups: Sequence[Batch], speech: Dialect) -> Iterator[str]:
        yield header(letter, groups, speech)
        for group in groups:
            yield f"<PmtInf>{self.group(group, speech)}"
            yield from in_pieces(self.payment(payment, speech) for payment in group.payments)
            yield "</PmtInf>"


def header(letter: Initiation, groups: Sequence[Batch], speech: Dialect) -> str:
    """`GrpHdr`, with count and sum as they are."""
    return branch(
        "GrpHdr",
        leaf("MsgId", letter.message_id),
        leaf("CreDtTm", instant(letter.created_at)),
        *counted(groups),
        party("InitgPty", letter.initiating_party, speech),
    )


def counted(groups: Sequence[Batch]) -> tuple[str, str]:
    """`NbOfTxs` and `CtrlSum`."""
    count = sum(len(group.payments) for group in groups)
    return leaf("NbOfTxs", str(count)), leaf("CtrlSum", plain(sum((group.total for group in groups), Decimal(0))))


def payment_type(payment: Instruction, rules: Profile) -> str:
    """`PmtTpInf`: what is the same for a group."""
    level = payment.service_level or rules.default_service_level
    mandate = payment.mandate
    return branch(
        "PmtTpInf",
        leaf("InstrPrty", payment.priority),
        coded("SvcLvl", level) if level else "",
        coded("LclInstrm", payment.local_instrument, code_set("iso20022.local_instrument").names)
        if payment.local_instrument
        else "",
        leaf("SeqTp", mandate.sequence if mandate and payment.method == "direct_debit" else ""),
        coded("CtgyPurp", payment.category_purpose) if payment.category_purpose else "",
    )


def flag(name: str, told: bool | None) -> str:  # noqa: FBT001 - what a payment says
    """A flag, where something was said."""
    return "" if told is None else f"<{name}>{str(told).lower()}</{name}>"


def document(version: str, root: str, inside: Iterator[str]) -> Iterator[bytes]:
    """The document around a message's parts, as UTF-8."""
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{version}"
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{namespace}"><{root}>'.encode()
    for part in inside:
        yield part.encode()
    yield f"</{root}></Document>\n".encode()


def in_pieces(parts: Iterator[str]) -> Iterator[str]:
    """Small parts joined, so that a file is written in few steps."""
    held: list[str] = []
    for part in parts:
        held.append(part)
        if len(held) == _PIECE:
            yield "".join(held)
            held.clear()
    yield "".join(held)
