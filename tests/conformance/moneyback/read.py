"""What Moneyback tells -> facts: the states of refunds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from nostro.connectors.kit.exact import exact_json
from nostro.connectors.kit.reading import UNREADABLE, Item, ReadItem, ReceiptView, RejectItem, Unreadable, why
from nostro.model.facts import RefundReported
from nostro.model.money import Money
from nostro.model.payments import RefundStage

STATES: Mapping[str, RefundStage] = {"open": "pending", "paid": "succeeded", "bounced": "failed"}
FIELDS = frozenset({"id", "number", "reference", "payment", "amount", "currency", "status", "created"})


def read(receipt: ReceiptView) -> Iterator[Item]:
    """One item a refund, of a page of the feed or of a webhook."""
    try:
        told = exact_json(receipt.content)
    except (ValueError, RecursionError):
        yield RejectItem("$", "The body is no JSON.")
        return
    for place, refund in enumerate(told if isinstance(told, list) else [told]):
        try:
            yield _refund(refund, receipt)
        except UNREADABLE as flaw:  # it costs itself alone; `why` says nothing of what is in it
            yield RejectItem(f"$[{place}]", why(flaw))


def _refund(refund: Any, receipt: ReceiptView) -> ReadItem:  # noqa: ANN401 - JSON
    entity = next((one for one in receipt.entities if one.provider(receipt.connection)), None)
    if entity is None:
        raise Unreadable("No entity has an account at this connection.")
    status, at = refund["status"], datetime.fromisoformat(refund["created"])
    fact = RefundReported(
        connection=receipt.connection,
        refund_id=refund["id"],
        charge_id=refund["payment"],
        payment_id=refund["payment"],
        amount=Money(minor=refund["amount"], currency=refund["currency"]),
        state=STATES.get(status, "pending"),  # a word that we don't know is never an end
        refunded_on=receipt.day(entity, at),
        correlation=refund["reference"],
    )
    unknown = len(refund.keys() - FIELDS) + (status not in STATES)
    return ReadItem((fact,), entity.id, at, f"{refund['number']:012}", unknown_fields=unknown)
