"""Answers and requests: pain.002 from a status report, camt.055 and 056 for payments, camt.060 for statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nostro.formats.conversion.order import Order, Run, iso, nothing
from nostro.formats.iso20022.write import (
    PAIN002,
    Assignment,
    Initiation,
    Wanted,
    write_camt055,
    write_camt056,
    write_camt060,
    write_pain002,
)
from nostro.formats.iso20022.write.schema import validating
from nostro.formats.line_statements import account_as_told
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.messages import Instruction, MessageHead, OriginalMessage, PaymentStatus
from nostro.model.parties import BankAccount, Party
from nostro.model.statements import Entry, ReturnInformation, StatementEnd, StatementHead

_ASKED_BACK = "payment_cancellation"


def to_pain002(version: str, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A status report in another version, or what a bank's own network said as a customer is told it."""
    run = Run(items, PaymentStatus, ("payment_status",))
    head = run.first.head
    original = head.original or next((told.one.original for told in run if told.one.original), OriginalMessage())
    version = version if version.count(".") > 1 else PAIN002[-1]
    pieces = write_pain002(_Statuses(run, order), _letter(head, order), original, version, order.hears)
    if len(run.heads) != 1:
        raise FormatRefused(f"One message makes a file; there are {len(run.heads)}.", "Convert them one by one.")
    run.heard(order)
    return validating(pieces, version)


@dataclass(slots=True)
class _Statuses:
    """The statuses of a run, each with its group; read anew each time."""

    run: Run[PaymentStatus]
    order: Order

    def __iter__(self) -> Iterator[PaymentStatus]:
        return (_grouped(told.one, self.order) for told in self.run)


def _grouped(told: PaymentStatus, order: Order) -> PaymentStatus:
    """A status with the name of its group, which networks between banks don't tell."""
    if told.group or told.level == "message":
        return told
    return told.model_copy(update={"group": order.needed(group="")["group"]})


def _letter(head: MessageHead, order: Order) -> Initiation:
    name = head.message_id or f"{order.created_at:%Y%m%d%H%M%S}"
    return Initiation(message_id=name, created_at=order.created_at, initiating_party=head.initiating_party or Party())


def to_cancellation(kind: str, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A request in the other message; or one that takes back all payments of an initiation or between banks."""
    sent = "payment_initiation" if kind == "camt.055" else "interbank_payment"
    run = Run(items, Instruction, (_ASKED_BACK, sent), once=False)
    _, head, first = run.first
    again = head.kind == _ASKED_BACK
    asked = {"assignee": head.others.get("Assgne", "") or (first.debtor_account or BankAccount()).bic}
    known = order.needed(**asked if again else {"reason": "", **asked})
    payments = _AskedBack(run, order, known.get("reason", ""), grouped=kind == "camt.055")
    letter = Assignment(
        message_id=head.message_id if again else f"C-{head.message_id}"[:35],
        created_at=order.created_at,
        assigner=head.initiating_party or first.debtor or Party(),
        assignee=Party(ids={"BIC": known["assignee"]}),
        case_id=head.others.get("Case", ""),
    )
    # What was sent says more than a request to take it back: that is no loss.
    hears = order.hears if again else lambda _: None
    pieces = (write_camt055 if kind == "camt.055" else write_camt056)(payments, letter, hears)
    if again:
        run.heard(order)
    return pieces


@dataclass(slots=True)
class _AskedBack:
    """The payments of a run as a cancellation names them; read anew each time."""

    run: Run[Instruction]
    order: Order
    reason: str
    grouped: bool

    def __iter__(self) -> Iterator[Instruction]:
        reason = ReturnInformation(code=self.reason)
        for _, head, payment in self.run:
            told = payment if head.kind == _ASKED_BACK else _taken_back(payment, head, reason)
            if self.grouped and not told.group:
                told = told.model_copy(update=dict(self.order.needed(group="")))
            yield told


def _taken_back(payment: Instruction, head: MessageHead, reason: ReturnInformation) -> Instruction:
    """A payment that was sent, as its cancellation names it."""
    references = payment.references.model_copy(update={"message": head.message_id})
    others = {**payment.others, "original_name": head.format}
    return payment.model_copy(update={"references": references, "others": others, "returned": reason})


def to_camt060(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """A request for the statements that were read (again), for the days that they or `from` and `to` tell."""
    heads, asked = list[StatementHead](), False
    for item in items:
        heads += [item] if isinstance(item, StatementHead) else []
        asked = asked or isinstance(item, MessageHead)
        if heads and not isinstance(item, StatementHead | StatementEnd | Entry):
            raise FormatRefused("Statements are asked for by statements, and by nothing else.", "See --help.")
    if asked:
        run = Run(items, Instruction, ("reporting_request",))
        wanted = [_asked_again(told.one, order) for told in run]
        for told in run:
            order.hears(told.one)
        run.heard(order)
        return write_camt060(wanted, _letter(run.first.head, order))
    if not heads:
        raise nothing()
    name = f"{order.created_at:%Y%m%d%H%M%S}"
    wanted = [_missed(head, f"{name}-{number}", order) for number, head in enumerate(heads, start=1)]
    return write_camt060(wanted, Initiation(message_id=name, created_at=order.created_at,
                                            initiating_party=wanted[0].owner))  # fmt: skip


_MESSAGES = {"statement": "camt.053.001.08", "report": "camt.052.001.08", "notification": "camt.054.001.08"}


def _missed(head: StatementHead, name: str, order: Order) -> Wanted:
    opening, closing = head.opening, head.closing
    first = head.from_date or (opening.on if opening else None)
    last = head.to_date or (closing.on if closing else head.created_on)
    ours = head.bank_account
    known = order.needed(
        message=_MESSAGES[head.kind], owner=ours.owner, **{"from": iso(first), "to": iso(last)},
        **({} if ours.identification else {"account": ""}),
    )  # fmt: skip
    return Wanted(
        request_id=name,
        message=known["message"],
        bank_account=ours if ours.identification else account_as_told(known["account"]),
        owner=Party(name=known["owner"]),
        from_date=order.day("from", first),
        to_date=order.day("to", last),
    )


def _asked_again(payment: Instruction, order: Order) -> Wanted:
    others = payment.others
    known = order.needed(
        message=others.get("requested_message", ""),
        owner=payment.debtor.name if payment.debtor else "",
        **{"from": others.get("from_date", ""), "to": others.get("to_date", "")},
    )
    return Wanted.model_validate({
        "request_id": payment.group or payment.references.end_to_end, "message": known["message"],
        "bank_account": payment.debtor_account or BankAccount(), "owner": payment.debtor or Party(name=known["owner"]),
        "from_date": known["from"], "to_date": known["to"],
    })  # fmt: skip
