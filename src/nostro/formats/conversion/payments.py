"""Payments of an initiation as pain.001, pain.008, MT101, NACHA, Bacs Standard 18, or as cheques for positive pay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from nostro.formats.bacs.write import Standard18, write_standard_18
from nostro.formats.carried import place
from nostro.formats.conversion.order import Message, Order, Run, iso, joined, messages, nothing, payments_of
from nostro.formats.iso20022.write.batches import Initiation
from nostro.formats.iso20022.write.credit_transfers import write_pain001
from nostro.formats.iso20022.write.direct_debits import write_pain008
from nostro.formats.iso20022.write.schema import validating
from nostro.formats.nacha.write import EntryClass, NachaBatch, NachaFile, write_nacha
from nostro.formats.positive_pay import CSV, FIXED, Cheque, write_positive_pay
from nostro.formats.profiles import FileRules, ProfileRefused, profile
from nostro.formats.reading import Item
from nostro.formats.swift_mt.fitting import fitted_payments, in_latin, numbered
from nostro.formats.swift_mt.values import is_bic
from nostro.formats.swift_mt.write_transfers import write_mt101
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
    payments = Run(items, _INITIATION)
    first = payments.first
    if first is None:
        raise nothing()
    head = payments.heads[0]
    order.hears(head)
    letter = Initiation(
        message_id=head.message_id or f"{order.created_at:%Y%m%d%H%M%S}",
        created_at=order.created_at,
        initiating_party=head.initiating_party or first.debtor or first.creditor or Party(),
    )
    write = write_pain008 if version.startswith("pain.008") else write_pain001
    rules = order.rules or profile("sepa")
    version = version if version.count(".") > 1 else rules.versions[version]
    pieces = write(payments, letter, rules, version, order.hears)
    for other in payments.heads[1:]:
        order.hears(other)
    return validating(pieces, version)


def _kept(payments: Iterable[Instruction], order: Order) -> list[Instruction]:
    """The payments, of which none breaks the profile that was named. Raises `ProfileRefused` with every finding."""
    held = list(payments)
    if order.rules is not None:
        file = FileRules(order.rules, sent_at=order.created_at)
        if found := [finding for payment in held for finding in file.take(payment)]:
            raise ProfileRefused(found)
    return held


def to_mt101(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """An MT101 for each payer, day and group, or a chain of them; in blocks where both BICs are known."""
    found = messages(items, _INITIATION)
    head, payments = found[0][0], _kept(joined(found), order)
    known = head.envelope and is_bic(head.envelope.sender) and is_bic(head.envelope.receiver)
    told, fitted = fitted_payments(head if known else head.model_copy(update={"envelope": None}), map(_latin, payments))
    groups: dict[str, list[Instruction]] = {}
    for payment in fitted:
        alike = (payment.execution_date, payment.debtor, payment.debtor_account, payment.group)
        groups.setdefault(repr(alike), []).append(payment)
    for number, inside in enumerate(groups.values(), start=1):
        yield from write_mt101(numbered(told, number), inside)


def to_nacha(entry_class: str, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A NACHA file. Batches are those of the source, a batch for each entry class and day."""
    found = messages(items, _INITIATION)
    head, inside = found[0]
    first, others = payments_of(inside)[0], head.others
    sender, receiver = (head.envelope.sender, head.envelope.receiver) if head.envelope else ("", "")
    ours = _ours(first)[1]
    odfi = others.get("odfi") or (ours.clearing_id[:8] if ours else "")
    asked = {"destination": receiver or (ours.clearing_id if ours else ""), "origin": sender, "odfi": odfi, "mark": "A"}
    _kept((payment for _, inside in found for payment in payments_of(inside)), order)
    batched = [_asked(head, payment, entry_class) for head, inside in found for payment in payments_of(inside)]
    known = order.needed(**asked, **{name: said for one in batched for name, said in one.items() if not said})
    file = NachaFile(
        destination=known["destination"],
        origin=known["origin"],
        created_at=order.created_at,
        mark=known["mark"],
        **{name: others.get(name, "") for name in ("destination_name", "origin_name", "reference")},
    )
    return write_nacha(file, _batches(found, entry_class, known["odfi"], order))


def _batches(found: list[Message], entry_class: str, odfi: str, order: Order) -> Iterator[NachaBatch]:
    for head, inside in found:
        groups: dict[tuple[str, date], list[Instruction]] = {}
        for payment in payments_of(inside):
            kind = entry_class or order.needed(**_asked(head, payment, ""))["class"]
            day = order.day("processing_day", payment.execution_date)
            groups.setdefault((kind, day), []).append(_latin(payment))
        for (kind, day), payments in groups.items():
            known = order.needed(**_asked(head, payments[0], kind))
            told = {"entry_class": kind, "effective": day, "odfi": odfi, "payments": tuple(payments)}
            of_us = {name: head.others.get(name, "") for name in ("descriptive_date", "discretionary")}
            of_us |= {name: known[name] for name in ("company_name", "company_id", "description")}
            yield NachaBatch.model_validate({**of_us, **told})


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


def to_bacs(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A Standard 18 file; sort code and number are taken from British IBANs."""
    found = messages(items, _INITIATION)
    head, payments = found[0][0], tuple(_british(_latin(payment)) for payment in _kept(joined(found), order))
    serial = f"{head.message_id}--".split("-")[1] if head.format.startswith("Bacs") else ""
    day = min((payment.execution_date for payment in payments if payment.execution_date), default=None)
    user = head.initiating_party.ids.get("SUN", "") if head.initiating_party else ""
    known = order.needed(serial=serial, user=user, processing_day=iso(day))
    file = Standard18(
        serial=known["serial"],
        user=known["user"],
        created_on=order.created_at.date(),
        processing_day=order.day("processing_day", day),
        payments=payments,
    )
    return write_standard_18(file)


def _british(payment: Instruction) -> Instruction:
    sides = ("debtor_account", "creditor_account")
    return payment.model_copy(update={side: _sort_code(getattr(payment, side)) for side in sides})


def _sort_code(account: BankAccount | None) -> BankAccount | None:
    number = account.identification if account else ""
    if account is None or account.clearing_id or not (number.startswith("GB") and len(number) == _GB_SIGNS):
        return account
    return account.model_copy(update={"iban": "", "other": number[14:], "clearing_id": number[8:14]})


def to_positive_pay(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A cheque issue file; the profile is `csv` or `fixed`."""
    if order.profile and order.profile not in _ISSUES:
        raise FormatRefused(f"There is no cheque issue profile {order.profile!r}.", f"There are {', '.join(_ISSUES)}.")
    cheques = [_cheque(_latin(payment)) for payment in joined(messages(items, _INITIATION))]
    return write_positive_pay(cheques, _ISSUES[order.profile or CSV.name])


def _cheque(payment: Instruction) -> Cheque:
    where = place(payment)
    if payment.method != "cheque":
        raise FormatRefused(f"{where}: the payment is no cheque.", "Write a file of cheques only.")
    if payment.amount is None or payment.execution_date is None:
        raise FormatRefused(f"{where}: the cheque has no amount, or no day of issue.", "Complete it.")
    return Cheque(
        bank_account=payment.debtor_account or BankAccount(),
        number=payment.others.get("cheque_number", ""),
        amount=payment.amount,
        issued_on=payment.execution_date,
        payee=payment.creditor.name if payment.creditor else "",
    )


def issued(payment: Instruction) -> Instruction:
    """What a cheque issue file says of a payment, since nobody reads one back."""
    payee = Party(name=payment.creditor.name) if payment.creditor else None
    account = BankAccount(other=payment.debtor_account.identification) if payment.debtor_account else None
    return Instruction(
        method="cheque", amount=payment.amount, execution_date=payment.execution_date, creditor=payee,
        debtor_account=account, source=payment.source,
        others={name: said for name, said in payment.others.items() if name == "cheque_number"},
    )  # fmt: skip
