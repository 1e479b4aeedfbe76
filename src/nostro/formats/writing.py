"""Every format that `nostro convert` writes, and what its writer is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from nostro.formats.einvoice.converting import Syntax, convert
from nostro.formats.iso20022.write.batches import Initiation
from nostro.formats.iso20022.write.credit_transfers import PAIN001, write_pain001
from nostro.formats.iso20022.write.direct_debits import PAIN008, write_pain008
from nostro.formats.iso20022.write.statements import write_camt
from nostro.formats.profiles import Profile, profile
from nostro.formats.reading import Item
from nostro.formats.swift_mt.write_statement import write_mt940
from nostro.formats.swift_mt.write_transfers import write_mt101
from nostro.formats.tables.writer import write_csv
from nostro.model.failures import FormatRefused
from nostro.model.invoices import InvoiceContent
from nostro.model.messages import Instruction, MessageEnd, MessageHead
from nostro.model.parties import Party
from nostro.model.statements import Entry, Reject, ReportKind, StatementEnd, StatementHead

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Order:
    """How something is to be written. `say` hears what can't be carried; `profile` names a bank's rules."""

    created_at: datetime
    say: Say
    profile: str = ""

    @property
    def rules(self) -> Profile | None:
        """The profile's rules; None: the format's own default. Raises `FormatRefused` for an unknown one."""
        return profile(self.profile) if self.profile else None


Writer = Callable[[Iterable[Item], Order], Iterator[bytes]]


def _camt(kind: ReportKind, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """Statements, as another kind where that is asked: a notification needs no balances, a statement does."""
    told = (item.model_copy(update={"kind": kind}) if isinstance(item, StatementHead) else item for item in items)
    return write_camt(told, order.created_at, order.say)


def _statement(
    write: Callable[[Iterable[StatementHead | Entry | StatementEnd]], Iterator[bytes]],
    items: Iterable[Item],
    order: Order,
) -> Iterator[bytes]:
    """Formats that hold statements and nothing else."""
    return write(_only(items, order.say))


def _only(items: Iterable[Item], say: Say) -> Iterator[StatementHead | Entry | StatementEnd]:
    for item in items:
        match item:
            case StatementHead() | Entry() | StatementEnd():
                yield item
            case Reject():
                _left_out(item, say)
            case _:
                raise FormatRefused("Only statements can be written so.")


def _initiation(version: str, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    head, payments = _payments(items, order.say)
    letter = Initiation(
        message_id=head.message_id,
        created_at=order.created_at,
        initiating_party=head.initiating_party or payments[0].debtor or payments[0].creditor or Party(),
    )
    write = write_pain008 if version.startswith("pain.008") else write_pain001
    return write(payments, letter, order.rules, version if version.count(".") > 1 else "")


def _mt101(items: Iterable[Item], order: Order) -> Iterator[bytes]:
    return write_mt101(*_payments(items, order.say))


def _payments(items: Iterable[Item], say: Say) -> tuple[MessageHead, list[Instruction]]:
    """The payments of one initiation. Raises `FormatRefused` for anything else, and for several."""
    head: MessageHead | None = None
    payments: list[Instruction] = []
    for item in items:
        match item:
            case MessageHead() if item.kind == "payment_initiation" and head is None:
                head = item
            case Instruction():
                payments.append(item)
            case MessageEnd():
                continue
            case Reject():
                _left_out(item, say)
            case _:
                raise FormatRefused("One payment initiation can be written so, and nothing else.")
    if head is None or not payments:
        raise FormatRefused("There is no payment initiation in the file.")
    return head, payments


def _invoice(syntax: Syntax, items: Iterable[Item], order: Order) -> Iterator[bytes]:
    """One invoice: a file in these syntaxes holds no more."""
    invoices = [item for item in items if isinstance(item, InvoiceContent)]
    if len(invoices) != 1:
        raise FormatRefused(f"One invoice makes a file; there are {len(invoices)}.")
    made = convert(invoices[0], syntax)
    for field in made.not_carried:
        order.say(f"{field} could not be carried.")
    yield made.content


def _left_out(reject: Reject, say: Say) -> None:
    say(f"{reject.where}: {reject.why}; it is not in the result.")


WRITERS: Mapping[str, Writer] = {
    "camt.053": partial(_camt, "statement"),
    "camt.052": partial(_camt, "report"),
    "camt.054": partial(_camt, "notification"),
    "mt940": partial(_statement, write_mt940),
    "csv": partial(_statement, write_csv),
    **{version: partial(_initiation, version) for version in ("pain.001", *PAIN001, "pain.008", *PAIN008)},
    "mt101": _mt101,
    "ubl": partial(_invoice, "ubl"),
    "cii": partial(_invoice, "cii"),
    "fatturapa": partial(_invoice, "fatturapa"),
}


def writer(name: str) -> Writer:
    """The writer of that name. Raises `FormatRefused` for one that there isn't."""
    if name not in WRITERS:
        raise FormatRefused(f"Nothing writes {name!r}.", f"There are {', '.join(sorted(WRITERS))}.")
    return WRITERS[name]
