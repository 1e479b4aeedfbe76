"""Payments of an initiation in the groups (`PmtInf`) that share everything which a group says once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from nostro.formats.codes import code_set
from nostro.formats.grouped import Group, Grouped
from nostro.formats.iso20022.write.told_as import Dialect, coded, dialect, instant, without_address
from nostro.formats.profiles import Profile, profile
from nostro.formats.profiles.check import FileRules, ProfileRefused
from nostro.formats.profiles.forms import sender
from nostro.formats.profiles.rules import Finding
from nostro.formats.xml_text import branch, leaf
from nostro.model.base import Value
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, Method
from nostro.model.money import has_digits, plain
from nostro.model.parties import Party

_PIECE = 250
"""Payments that are written at once."""
_SIDES = 1_000
_ID, _SUM = 35, 18
_SEPA = "sepa"


class Initiation(Value):
    """What an initiation says of itself: who sends it, when (in the bank's zone, for its cut-off), and its name."""

    message_id: str
    created_at: datetime
    initiating_party: Party


Batch = Group[Instruction]
"""What a group says of its payments; their sum is of whatever currencies: what the standard calls a control sum."""
Shared = tuple[object, ...]
Hears = Callable[[Instruction], object]


def amount_of(payment: Instruction) -> Decimal:
    """The value that counts for control sums."""
    told = payment.amount or payment.equivalent
    return told.value if told else Decimal(0)


@dataclass(slots=True)
class _Sides:
    """Our sides as text, by the very object that says it, which is held so that no other one takes its id."""

    known: dict[int, tuple[object, str]] = field(default_factory=dict)

    def shared(self, payment: Instruction) -> Shared:
        """What two payments of one group have in common."""
        ours = payment.creditor if payment.method == "direct_debit" else payment.debtor
        account = payment.creditor_account if payment.method == "direct_debit" else payment.debtor_account
        mandate = payment.mandate
        return (
            payment.group, payment.method, payment.execution_date, payment.batch_booking, payment.charge_bearer,
            payment.service_level, payment.local_instrument, payment.category_purpose, payment.priority,
            self._text(ours), self._text(account), (mandate.sequence, mandate.creditor_id) if mandate else None,
        )  # fmt: skip

    def _text(self, side: object) -> str:
        if len(self.known) > _SIDES:
            self.known.clear()
        return (self.known.get(id(side)) or self.known.setdefault(id(side), (side, repr(side))))[1]


def batches(
    letter: Initiation, payments: Iterable[Instruction], rules: Profile, methods: frozenset[Method]
) -> Grouped[Instruction]:
    """All payments checked and counted, in groups with names. Raises `ProfileRefused` for what can't be sent."""
    _admit(letter, rules)
    file = FileRules(rules, sent_at=letter.created_at)
    run, last = Grouped(payments, _Sides().shared, amount_of), None
    findings, other, count = list[Finding](), list[Finding](), 0
    for count, payment in enumerate(payments, start=1):
        findings += file.take(payment)
        if payment.method not in methods:
            other.append(_other_method(count - 1, payment, methods))
        last = run.add(payment, last)
    if not count:
        raise FormatRefused("There is no payment to write.", "Leave the file out.")
    if findings or other:
        raise ProfileRefused(findings or other)
    if not has_digits(sum((group.total for group in run.groups.values()), Decimal(0)), _SUM, _SUM - 1):
        raise FormatRefused(f"The control sum has more than {_SUM} digits.", "Write several files.")
    taken: set[str] = set()
    for number, group in enumerate(run.groups.values(), start=1):
        group.name = _name(letter, group.first, number, taken)
    return run


def _admit(letter: Initiation, rules: Profile) -> None:
    if not rules.id_pattern.fullmatch(letter.message_id) or not 0 < len(letter.message_id) <= _ID:
        raise FormatRefused(
            "The message id is empty, too long, or holds signs that are not taken.", "Give another one."
        )
    if why := sender(letter.initiating_party, rules):
        raise FormatRefused(f"The initiating party: {why}", "Correct its name or ids.")


def _other_method(number: int, payment: Instruction, methods: frozenset[Method]) -> Finding:
    sentence = f"This message carries {', '.join(sorted(methods))} only."
    remedy = "Write the payment in a message of its method."
    return Finding(payment=number, end_to_end=payment.references.end_to_end, field="method", rule="method",
                   sentence=sentence, remedy=remedy)  # fmt: skip


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
        self,
        payments: Iterable[Instruction],
        letter: Initiation,
        rules: Profile | None,
        version: str,
        hears: Hears = lambda _: None,
    ) -> Iterator[bytes]:
        """The file, in pieces, by the SEPA rules and the profile's version where none are given.

        `payments` are read more than once; `hears` is told each one as it is written.
        """
        rules = rules or profile(_SEPA)
        version = version or rules.versions[self.name]
        if version not in self.versions:
            raise FormatRefused(f"{version} is not written.", f"There are {', '.join(self.versions)}.")
        run = batches(letter, payments, rules, self.methods)
        speech = dialect(version, rules, self.first_modern)
        return document(version, self.root, self._parts(letter, run, speech, hears))

    def _parts(self, letter: Initiation, run: Grouped[Instruction], speech: Dialect, hears: Hears) -> Iterator[str]:
        yield header(letter, run.groups.values(), speech)
        for group, payments in run.given():
            yield f"<PmtInf>{self.group(group, speech)}"
            yield from in_pieces(self._payments(payments, speech, hears))
            yield "</PmtInf>"

    def _payments(self, payments: Iterator[Instruction], speech: Dialect, hears: Hears) -> Iterator[str]:
        for payment in payments:
            hears(payment)
            yield self.payment(payment, speech)


def header(letter: Initiation, groups: Collection[Batch], speech: Dialect) -> str:
    """`GrpHdr`, with count and sum as they are."""
    return branch(
        "GrpHdr",
        leaf("MsgId", letter.message_id),
        leaf("CreDtTm", instant(letter.created_at)),
        *counted(groups),
        without_address("InitgPty", letter.initiating_party, speech, "sender_address"),
    )


def counted(groups: Iterable[Batch]) -> tuple[str, str]:
    """`NbOfTxs` and `CtrlSum`."""
    told = [(group.count, group.total) for group in groups]
    total = sum((total for _, total in told), Decimal(0))
    return leaf("NbOfTxs", str(sum(count for count, _ in told))), leaf("CtrlSum", plain(total))


def payment_type(payment: Instruction, rules: Profile) -> str:
    """`PmtTpInf`: what is the same for a group."""
    level = payment.service_level or rules.default_service_level
    mandate, collects = payment.mandate, payment.method == "direct_debit"
    return branch(
        "PmtTpInf",
        "" if collects and "collection_priority" in rules.leaves_out else leaf("InstrPrty", payment.priority),
        coded("SvcLvl", level) if level else "",
        coded("LclInstrm", payment.local_instrument, code_set("iso20022.local_instrument").names)
        if payment.local_instrument
        else "",
        leaf("SeqTp", mandate.sequence if mandate and collects else ""),
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
