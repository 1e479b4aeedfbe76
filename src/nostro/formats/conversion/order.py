"""What a conversion is given beside the items: when it is made, who hears what is lost, and what no source says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, NamedTuple, TypeVar

from nostro.formats.profiles import Profile, profile
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.statements import StatementEnd

Say = Callable[[str], object]

MEANINGS: Mapping[str, str] = {
    "account": "whose statement it is: IBAN or number",
    "assignee": "BIC of the bank that is asked",
    "buyer-tax-id": "the buyer's VAT number, or else its tax number",
    "class": "NACHA entry class: CCD, CTX or PPD",
    "company-id": "our identification as a company of NACHA, such as 1 and the tax number",
    "company-name": "our name in NACHA, at most 16 signs",
    "debtor": "who pays",
    "debtor-account": "our IBAN, or the account's number",
    "debtor-bic": "our bank's BIC",
    "description": "what the receiver of a NACHA entry is shown, such as PAYROLL",
    "destination": "routing number of the bank that takes the NACHA file",
    "document-type": "FatturaPA's TipoDocumento, such as TD01",
    "execution-date": "the day on which it is to be paid",
    "from": "first day of the statements that are asked for",
    "group": "what the group of the payments was called (PmtInfId)",
    "mark": "A-Z, 0-9: tells the NACHA files of one day apart",
    "message": "what is asked for, such as camt.053.001.08",
    "natura": "why nothing is taxed, in FatturaPA's words: N1 to N7",
    "number": "which invoice, where a file holds several",
    "odfi": "first eight digits of our bank's routing number",
    "origin": "what the bank knows the sender of a NACHA file by",
    "owner": "whose bank account it is",
    "payment-means": "FatturaPA's ModalitaPagamento, such as MP05",
    "processing-day": "the day on which the file is to be processed",
    "reason": "why payments are taken back: DUPL, CUST, TECH...",
    "recipient": "the buyer's CodiceDestinatario; else none in Italy, XXXXXXX abroad",
    "serial": "six capitals or digits that name the Bacs submission",
    "specification": "the rules that the invoice names (BT-24), such as those of Factur-X's EXTENDED profile",
    "tax-regime": "the seller's RegimeFiscale, such as RF01",
    "terms": "when it is to be paid, where neither a day nor terms are told",
    "to": "last day of the statements that are asked for",
    "transmission": "the FatturaPA transmission's own number (ProgressivoInvio)",
    "user": "our Bacs service user number, six digits",
}
"""What a format asks for and a source may not say, by the name that `--with` takes."""


@dataclass(frozen=True, slots=True)
class Order:
    """How something is to be written. `say` hears what can't be carried; `profile` names a bank's rules, `own` has
    them.

    `told`: what the source does not say, by the names of `MEANINGS`. `pdf`: the visible invoice, for Factur-X.
    """

    created_at: datetime
    say: Say
    profile: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
    pdf: bytes = b""
    source: Callable[[], Iterable[Item]] = tuple
    """What is converted, to be read once more: what stands at its end may be needed at the beginning."""
    hears: Callable[[Item], object] = lambda _: None
    """What of the source is written, as it is, by writers that read it more than once."""
    own: Profile | None = None

    def ends(self) -> Iterator[StatementEnd]:
        """The ends of the source's statements, read when they are asked for."""
        return (item for item in self.source() if isinstance(item, StatementEnd))

    @property
    def rules(self) -> Profile | None:
        """The profile's rules; None: the format's own default. Raises `FormatRefused` for an unknown one."""
        return self.own or (profile(self.profile) if self.profile else None)

    def needed(self, **found: str) -> Mapping[str, str]:
        """What the format asks for: as told, else as the source says it. Raises `FormatRefused` with all that lacks."""
        known = {name: self.told.get(name.replace("_", "-")) or said for name, said in found.items()}
        missing = [name.replace("_", "-") for name, said in known.items() if not said]
        if missing:
            listed = "; ".join(f"{name} ({MEANINGS[name]})" for name in missing)
            raise FormatRefused(f"The source does not say: {listed}.", "Give each of them with --with NAME=VALUE.")
        return known

    def day(self, name: str, found: date | None = None) -> date:
        """A day, as told or found. Raises `FormatRefused`."""
        said = self.needed(**{name: iso(found)})[name]
        try:
            return date.fromisoformat(said)
        except ValueError:
            raise FormatRefused(f"{name.replace('_', '-')}: {said!r} is no date.", "Write it as 2026-11-30.") from None


def iso(day: date | None) -> str:
    """The day as text, or nothing."""
    return day.isoformat() if day else ""


Writer = Callable[[Iterable[Item], Order], Iterator[bytes]]
T = TypeVar("T", Instruction, PaymentStatus)


def nothing() -> FormatRefused:
    """What is said of a source without a payment or status."""
    return FormatRefused("There is nothing in the file that could be written so.", "Look at it with nostro parse.")


def in_group(payment: Instruction, head: MessageHead, number: int) -> Instruction:
    """A payment of the message with that number, from 0: the others' are told apart by the name of their group."""
    if not number or payment.group:
        return payment
    return payment.model_copy(update={"group": head.message_id})


@dataclass(slots=True)
class Names:
    """What messages that become one file are called: who is there twice would be paid twice."""

    known: set[tuple[str, str]] = field(default_factory=set)

    def take(self, head: MessageHead, number: int) -> None:
        """One more. Raises `FormatRefused` for one that came already; the parts of a chain share their name."""
        name = (head.message_id, head.others.get("28D", ""))
        if head.message_id and name in self.known:
            raise FormatRefused(
                f"Message {number} has the id of one before it: all of it would be paid twice.",
                "Take one of the two out of the file.",
            )
        self.known.add(name)


class Told(NamedTuple, Generic[T]):
    """A payment or status, and the message that it is in, counted from 0."""

    message: int
    head: MessageHead
    one: T


@dataclass(slots=True)
class Run(Generic[T]):
    """The payments or statuses (`of`) of the messages among items that can be read again, without holding them.

    Raises `FormatRefused` while they are read for anything else, for nothing, and (`once`) where a message came twice.
    """

    items: Iterable[Item]
    of: type[T]
    kinds: Sequence[str]
    once: bool = True
    heads: list[MessageHead] = field(default_factory=list)

    @property
    def first(self) -> Told[T]:
        """The first one, with its message; it is read for. Raises `FormatRefused` where there is none."""
        first = next(iter(self), None)
        if first is None:
            raise nothing()
        return first

    def __iter__(self) -> Iterator[Told[T]]:
        """All of them, read anew."""
        count, names = 0, Names()
        for item in self.items:
            if isinstance(item, self.of) and count:
                yield Told(count - 1, self.heads[count - 1], item)
            elif isinstance(item, MessageHead) and item.kind in self.kinds:
                count += 1
                if self.once:
                    names.take(item, count)
                if count > len(self.heads):
                    self.heads.append(item)
            elif not isinstance(item, MessageEnd) and not (isinstance(item, Instruction | PaymentStatus) and count):
                raise only(*self.kinds)

    def heard(self, order: Order) -> None:
        """Whoever compares hears of the messages."""
        for head in self.heads:
            order.hears(head)


@dataclass(slots=True)
class Payments:
    """The payments of a run, as one file names their groups; read anew each time."""

    run: Run[Instruction]

    def __iter__(self) -> Iterator[Instruction]:
        """All of them."""
        for told in self.run:
            yield in_group(told.one, told.head, told.message)


def only(*kinds: str) -> FormatRefused:
    """What is said of a source that is something else."""
    named = " or ".join(kind.replace("_", " ") for kind in kinds)
    return FormatRefused(f"This is written from a {named}, and from nothing else.", "See --help.")
