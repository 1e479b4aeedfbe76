"""Swiss QR-bills as the payments that pay them: what the bill leaves to its payer is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nostro.formats.conversion.order import Order
from nostro.formats.line_statements import account_as_told
from nostro.formats.qr_bill.bill import QrBill
from nostro.formats.reading import Item
from nostro.model.failures import FormatRefused
from nostro.model.messages import MessageEnd, MessageHead
from nostro.model.parties import Party


def payable(items: Iterable[Item], order: Order) -> Iterator[Item]:
    """The items, each bill among them as an initiation of its own.

    Raises `FormatRefused` for a bill that does not hold, and for one that came twice.
    """
    seen: set[tuple[str, str]] = set()
    for item in items:
        if isinstance(item, QrBill):
            name = (item.creditor_account.identification, item.reference)
            if item.reference and name in seen:
                raise FormatRefused(f"{item.source.where}: the bill came before.", "Take one of the two out.")
            seen.add(name)
            yield from _paid(item, order)
        else:
            yield item


def _paid(bill: QrBill, order: Order) -> Iterator[Item]:
    where = bill.source.where
    if flaw := next((check for check in bill.checks if not check.ok), None):
        raise FormatRefused(f"{where}: {flaw.name}: {flaw.detail}.", "Read the bill again, or ask who sent it.")
    if bill.amount is None:
        raise FormatRefused(f"{where}: the bill leaves the amount open.", "Pay it from a list, which names one.")
    named = bill.debtor.name if bill.debtor else ""
    known = order.needed(debtor=named, debtor_account="", execution_date="")
    bank = {"bic": order.told.get("debtor-bic", "")}
    debtor = bill.debtor if bill.debtor and known["debtor"] == named else Party(name=known["debtor"])
    yield MessageHead(kind="payment_initiation", message_id="", source=bill.source, format=bill.format)
    yield bill.payment().model_copy(update={
        "debtor": debtor, "debtor_account": account_as_told(known["debtor_account"]).model_copy(update=bank),
        "execution_date": order.day("execution_date"),
    })  # fmt: skip
    yield MessageEnd(items=1, rejected=0)
