"""Payments of an initiation as pain.001, pain.008, MT101, NACHA, Bacs Standard 18, or as cheques for positive pay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from nostro.formats.bacs.write import Standard18, write_standard_18
from nostro.formats.carried import compared, place
from nostro.formats.conversion.order import Order, Payments, Run, in_group, iso
from nostro.formats.grouped import Grouped
from nostro.formats.iso20022.write.batches import Initiation, amount_of
from nostro.formats.iso20022.write.credit_transfers import write_pain001
from nostro.formats.iso20022.write.direct_debits import write_pain008
from nostro.formats.iso20022.write.schema import validating
from nostro.formats.nacha.write import (
    EntryClass,
    NachaBatch,
    NachaFile,
    direction_of,
    service_class,
    write_nacha,
)
from nostro.formats.positive_pay import CSV, FIXED, Cheque, write_positive_pay
from nostro.formats.profiles import FileRules, Finding, ProfileRefused, profile
from nostro.formats.reading import Item
from nostro.formats.swift_mt.fitting import fitted_head, fitted_payment, in_latin, numbered
from nostro.formats.swift_mt.values import is_bic
from nostro.formats.swift_mt.write_transfers import Chain
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageHead
from nostro.model.parties import BankAccount, Party

_INITIATION = "payment_initiation"
_CLASSES: tuple[EntryClass, ...] = ("CCD", "CTX", "PPD")
_ISSUES = {profile.name: profile for profile in (CSV, FIXED)}
_GB_SIGNS = 22


def to_pain(version: str, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A pain.001 or pain.008, of the profile's version where none is named; the items are read more than once.

    It is held against its schema as it is written. Raises `FormatRefused`.
    """
    run = _payments(_Dated(items, order))
    _, head, first = run.first
    letter = Initiation(
        message_id=head.message_id or f"{order.created_at:%Y%m%d%H%M%S}",
        created_at=order.created_at,
        initiating_party=head.initiating_party or first.debtor or first.creditor or Party(),
    )
    write = write_pain008 if version.startswith("pain.008") else write_pain001
    rules = order.rules or profile("sepa")
    version = version if version.count(".") > 1 else rules.versions[version]
    pieces = write(Payments(run), letter, rules, version, order.hears)
    run.heard(order)
    return validating(pieces, version)


def _payments(items: Iterable[Item], *, once: bool = True) -> Run[Instruction]:
    return Run(items, Instruction, (_INITIATION,), once)


@dataclass(slots=True)
class _Dated:
    """The items, each payment with a day: its own, else the one that was told. Raises `FormatRefused` without any."""

    items: Iterable[Item]
    order: Order

    def __iter__(self) -> Iterator[Item]:
        for item in self.items:
            if isinstance(item, Instruction) and item.execution_date is None:
                yield item.model_copy(update={"execution_date": self.order.day("execution_date")})
            else:
                yield item


@dataclass(slots=True)
class _Checked:
    """Payments on their way through the profile that was named. Raises `ProfileRefused` with every finding."""

    rules: FileRules | None
    found: list[Finding] = field(default_factory=list)

    @classmethod
    def by(cls, order: Order) -> _Checked:
        """As the order has it."""
        return cls(FileRules(order.rules, sent_at=order.created_at) if order.rules else None)

    def take(self, payment: Instruction) -> None:
        """One more."""
        self.found += self.rules.take(payment) if self.rules else ()

    def end(self) -> None:
        """There are no more."""
        if self.found:
            raise ProfileRefused(self.found)


class _Fitted(NamedTuple):
    """A payment as it was told, and as it is written; the batch that it is in, by its number from 0."""

    told: Instruction
    payment: Instruction
    head: MessageHead
    message: int


def _heard(inside: Iterable[_Fitted], order: Order) -> Iterator[Instruction]:
    """The payments as they are written; whoever compares hears what was told."""
    for told, payment, _, _ in inside:
        order.hears(told)
        yield payment


def _value(fitted: _Fitted) -> Decimal:
    return amount_of(fitted.told)


@dataclass(slots=True)
class _ForMt101:
    """The payments of a run in the letters and lengths of an MT101; one without a reference has its number."""

    run: Run[Instruction]

    def __iter__(self) -> Iterator[_Fitted]:
        for number, (message, head, told) in enumerate(self.run, start=1):
            yield _Fitted(told, fitted_payment(_latin(in_group(told, head, message)), str(number)), head, message)


def _alike(fitted: _Fitted) -> str:
    payment = fitted.payment
    return repr((payment.execution_date, payment.debtor, payment.debtor_account, payment.group))


def to_mt101(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """An MT101 for each payer, day and group, or a chain of them; in blocks where both BICs are known."""
    run, checked = _payments(_Dated(items, order)), _Checked.by(order)
    head = run.first.head
    known = head.envelope and is_bic(head.envelope.sender) and is_bic(head.envelope.receiver)
    head = fitted_head(head if known else head.model_copy(update={"envelope": None}))
    grouped, last = Grouped(_ForMt101(run), _alike, _value), None
    chains: dict[int, Chain] = {}
    for one in grouped.told:
        checked.take(one.told)
        if checked.found:
            continue
        last = grouped.add(one, last)
        try:
            if id(last) not in chains:
                chains[id(last)] = Chain(numbered(head, len(chains) + 1), last.first.payment)
            chains[id(last)].count(one.payment)
        except FormatRefused as refused:
            raise FormatRefused(f"{place(one.told)}: {refused.sentence}", refused.remedy) from None
    checked.end()
    run.heard(order)
    for group, inside in grouped.given():
        yield from chains[id(group)].written(_heard(inside, order))


@dataclass(slots=True)
class _ForNacha:
    """The payments of a run in letters that NACHA takes."""

    run: Run[Instruction]

    def __iter__(self) -> Iterator[_Fitted]:
        return (_Fitted(told, _latin(told), head, message) for message, head, told in self.run)


def to_nacha(entry_class: str, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A NACHA file. Batches are those of the source, a batch for each entry class and day."""
    run, checked = _payments(items, once=False), _Checked.by(order)
    _, head, first = run.first
    others = head.others
    sender, receiver = (head.envelope.sender, head.envelope.receiver) if head.envelope else ("", "")
    ours = _ours(first)[1]
    odfi = others.get("odfi") or (ours.clearing_id[:8] if ours else "")
    asked = {"destination": receiver or (ours.clearing_id if ours else ""), "origin": sender, "odfi": odfi, "mark": "A"}
    missing: dict[str, str] = {}
    for _, of, payment in run:
        checked.take(payment)
        missing |= {name: said for name, said in _asked(of, payment, entry_class).items() if not said}
    checked.end()
    known = order.needed(**asked, **missing)
    file = NachaFile(
        destination=known["destination"],
        origin=known["origin"],
        created_at=order.created_at,
        mark=known["mark"],
        **{name: others.get(name, "") for name in ("destination_name", "origin_name", "reference")},
    )
    run.heard(order)
    return write_nacha(file, _batches(_ForNacha(run), entry_class, known["odfi"], order))


def _batches(fitted: Iterable[_Fitted], entry_class: str, odfi: str, order: Order) -> Iterator[NachaBatch]:
    def key(one: _Fitted) -> tuple[int, str, date]:
        kind = entry_class or order.needed(**_asked(one.head, one.told, ""))["class"]
        return one.message, kind, order.day("processing_day", one.told.execution_date)

    grouped, last = Grouped(fitted, key, _value), None
    directions: dict[int, set[str]] = {}
    for one in fitted:
        last = grouped.add(one, last)
        directions.setdefault(id(last), set()).add(direction_of(one.payment))
    for group, inside in grouped.given():
        first = group.first
        _, kind, day = key(first)
        known = order.needed(**_asked(first.head, first.told, kind))
        told = {"entry_class": kind, "effective": day, "odfi": odfi, "service": service_class(directions[id(group)])}
        of_us = {name: first.head.others.get(name, "") for name in ("descriptive_date", "discretionary")}
        of_us |= {name: known[name] for name in ("company_name", "company_id", "description")}
        batch = NachaBatch.model_validate({**of_us, **told, "payments": ()})
        yield batch.model_copy(update={"payments": _heard(inside, order)})


def _asked(head: MessageHead, payment: Instruction, entry_class: str) -> dict[str, str]:
    """What a batch has to know, as far as the source says it."""
    company = head.initiating_party or _ours(payment)[0] or Party()
    own = payment.local_instrument or head.others.get("entry_class", "")
    return {
        "class": entry_class or (own if own in _CLASSES else ""),
        "processing_day": iso(payment.execution_date),
        "company_name": company.name,
        "company_id": company.ids.get("ACH", ""),
        "description": head.others.get("description", ""),
    }


def _latin(payment: Instruction) -> Instruction:
    """With names, addresses and texts in letters that old networks take."""
    sides = {side: _party(getattr(payment, side)) for side in ("debtor", "creditor")}
    return payment.model_copy(update={**sides, "remittance": tuple(map(in_latin, payment.remittance))})


def _party(told: Party | None) -> Party | None:
    if told is None or told.address is None:
        return told and told.model_copy(update={"name": in_latin(told.name)})
    fields = {name: in_latin(said) for name, said in told.address if isinstance(said, str)}
    address = told.address.model_copy(update={**fields, "lines": tuple(map(in_latin, told.address.lines))})
    return told.model_copy(update={"name": in_latin(told.name), "address": address})


def _ours(payment: Instruction) -> tuple[Party | None, BankAccount | None]:
    """Our side: who pays, or who collects."""
    if payment.method == "direct_debit":
        return payment.creditor, payment.creditor_account
    return payment.debtor, payment.debtor_account


@dataclass(slots=True)
class _ForBacs:
    """The payments of a run as Bacs takes them; `order` hears of each where it is told."""

    run: Run[Instruction]
    order: Order

    def __iter__(self) -> Iterator[Instruction]:
        for message, head, told in self.run:
            self.order.hears(told)
            yield _british(_latin(in_group(told, head, message)))


def to_bacs(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A Standard 18 file; sort code and number are taken from British IBANs."""
    run, checked, day = _payments(items), _Checked.by(order), None
    head = run.first.head
    for _, _, payment in run:
        checked.take(payment)
        day = min(filter(None, (day, payment.execution_date)), default=None)
    checked.end()
    serial = f"{head.message_id}--".split("-")[1] if head.format.startswith("Bacs") else ""
    user = head.initiating_party.ids.get("SUN", "") if head.initiating_party else ""
    known = order.needed(serial=serial, user=user, processing_day=iso(day))
    last = order.day("processing_day", day)
    file = Standard18(
        serial=known["serial"],
        user=known["user"],
        created_on=order.created_at.date(),
        processing_day=last,
        several=any(payment.execution_date not in (None, last) for _, _, payment in run),
        payments=(),
    )
    run.heard(order)
    return write_standard_18(file.model_copy(update={"payments": _ForBacs(run, order)}))


def _british(payment: Instruction) -> Instruction:
    sides = ("debtor_account", "creditor_account")
    return payment.model_copy(update={side: _sort_code(getattr(payment, side)) for side in sides})


def _sort_code(account: BankAccount | None) -> BankAccount | None:
    number = account.identification if account else ""
    if account is None or account.clearing_id or not (number.startswith("GB") and len(number) == _GB_SIGNS):
        return account
    return account.model_copy(update={"iban": "", "other": number[14:], "clearing_id": number[8:14]})


def to_positive_pay(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A cheque issue file; the profile is `csv` or `fixed`. What it can't say is said here."""
    if order.profile and order.profile not in _ISSUES:
        raise FormatRefused(f"There is no cheque issue profile {order.profile!r}.", f"There are {', '.join(_ISSUES)}.")
    return write_positive_pay(_cheques(_payments(items), order), _ISSUES[order.profile or CSV.name])


def _cheques(run: Run[Instruction], order: Order) -> Iterator[Cheque]:
    for _, _, payment in run:
        yield _cheque(payment.model_copy(update={"creditor": _party(payment.creditor)}))
        for sentence in compared(payment, _issued(payment)):
            order.say(sentence)


def _no_cheque(payment: Instruction) -> FormatRefused:
    return FormatRefused(f"{place(payment)}: the payment is no cheque.", "Write a file of cheques only.")


def _cheque(payment: Instruction) -> Cheque:
    where = place(payment)
    if payment.method != "cheque":
        raise _no_cheque(payment)
    if payment.amount is None or payment.execution_date is None:
        raise FormatRefused(f"{where}: the cheque has no amount, or no day of issue.", "Complete it.")
    return Cheque(
        bank_account=payment.debtor_account or BankAccount(),
        number=payment.others.get("cheque_number", ""),
        amount=payment.amount,
        issued_on=payment.execution_date,
        payee=payment.creditor.name if payment.creditor else "",
    )


def _issued(payment: Instruction) -> Instruction:
    """What a cheque issue file says of a payment."""
    payee = Party(name=payment.creditor.name) if payment.creditor else None
    account = BankAccount(other=payment.debtor_account.identification) if payment.debtor_account else None
    return Instruction(
        method="cheque", amount=payment.amount, execution_date=payment.execution_date, creditor=payee,
        debtor_account=account, source=payment.source,
        others={name: said for name, said in payment.others.items() if name == "cheque_number"},
    )  # fmt: skip
