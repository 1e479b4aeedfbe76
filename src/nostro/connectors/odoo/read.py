"""Odoo's rows -> facts; its unsigned webhooks -> hints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs

from nostro.connectors.kit.exact import exact_json
from nostro.connectors.kit.reading import (
    UNREADABLE,
    HintItem,
    IgnoredItem,
    Item,
    ReadItem,
    ReceiptView,
    RejectItem,
    Unreadable,
    readable,
    why,
)
from nostro.connectors.odoo.feed import INVOICE, PAYMENT
from nostro.connectors.odoo.wire import Row, label, money, ref, unwrapped
from nostro.model.entities import LegalEntity
from nostro.model.facts import FactBody, InvoicePosted, InvoiceWithdrawn, PaymentRegistered
from nostro.model.money import Amount

HINTS: Mapping[str, str] = {"account.move": "invoices", "account.payment": "payments"}
"""Model of a base_automation webhook -> the feed that is read for it."""
OTHER_COMPANY, NEVER_POSTED, OTHER_MODEL = "other_company", "never_posted", "hint_of_other_model"
STILL_THERE = "still_there"
IGNORED = frozenset({OTHER_COMPANY, NEVER_POSTED, OTHER_MODEL, STILL_THERE})
_CORRELATION = re.compile(r"NOS[A-Z2-7]{16}")
_PROVIDER_REFERENCE = re.compile(r"\b(?:pi|ch|py)_[A-Za-z0-9]+")
_KNOWN = {"invoices": frozenset({"id", *INVOICE.split()}), "payments": frozenset({"id", *PAYMENT.split()})}


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a row was read: connection, database, feed, and which company is which entity."""

    connection: str
    database: str
    feed: str
    entities: Mapping[int, LegalEntity]

    def told(self, row: Row, fact: FactBody) -> ReadItem:
        changed = str(row["write_date"])
        happened = datetime.fromisoformat(changed).replace(tzinfo=UTC)
        unknown = len(row.keys() - _KNOWN[self.feed])
        entity = self.entities[ref(row["company_id"])]
        return ReadItem((fact,), entity.id, happened, changed, unknown_fields=unknown)


def read(receipt: ReceiptView) -> Iterator[Item]:
    """One item per row of a page; a webhook is one hint."""
    try:
        content = unwrapped(exact_json(receipt.content))
    except (ValueError, RecursionError):
        content = None
    if receipt.kind == "webhook":
        yield _hint(content)
        return
    if not isinstance(content, list):
        yield RejectItem("$", "The body is no list of Odoo's rows.")
        return
    ours = {one.odoo_company: one for one in receipt.entities if one.odoo_connection == receipt.connection}
    feed = receipt.kind.removeprefix("poll:")
    source = _Source(receipt.connection, receipt.config.identity, feed, ours)
    if "?" in receipt.name:
        yield from _sweep(receipt, content, source)
        return
    for place, row in enumerate(content):
        yield _row(row, f"$[{place}]", source)


def _hint(content: object) -> Item:
    """A hint at most: nobody signs it, its values are those of the trigger, and 18 sends it for what is rolled back."""
    if not isinstance(content, dict) or "_model" not in content:
        return RejectItem("$", "The body is no webhook of Odoo's.")
    feed = HINTS.get(str(content["_model"]))
    return HintItem(feed) if feed else IgnoredItem(OTHER_MODEL)


def _sweep(receipt: ReceiptView, rows: list[Any], source: _Source) -> Iterator[Item]:
    """One item per invoice that was asked for: those that the answer leaves out are gone."""
    told = parse_qs(receipt.name.partition("?")[2])
    (company,), (since,), (ids,) = told["company"], told["since"], told["ids"]
    entity, there = source.entities.get(int(company)), {row["id"] for row in rows}
    for ident in map(int, ids.split(",")):
        if entity is None or ident in there:
            yield IgnoredItem(STILL_THERE if entity else OTHER_COMPANY)
            continue
        gone = {"move_id": ident, "number": "", "why": "gone", "changed_at": since}
        fact = InvoiceWithdrawn(connection=source.connection, database=source.database, **gone)
        yield ReadItem((fact,), entity.id, receipt.received_at, since)


def _row(row: Any, where: str, source: _Source) -> Item:  # noqa: ANN401 - JSON is whatever the sender wrote
    try:
        if ref(row["company_id"]) not in source.entities:
            return IgnoredItem(OTHER_COMPANY, readable(lambda: _worth(row)))
        return READERS[source.feed](row, source)
    except UNREADABLE as flaw:
        return RejectItem(where, why(flaw), readable(lambda: _worth(row)))


def _worth(row: Row) -> Amount:
    """What an invoice, credit note or payment is worth."""
    told = money(row["amount_total"] if "amount_total" in row else row["amount"], label(row["currency_id"])).as_amount()
    return Amount(value=-told.value, currency=told.currency) if row.get("move_type") == "out_refund" else told


def _invoice(row: Row, source: _Source) -> Item:
    """A snapshot of a posted invoice. One with a number that is draft or cancelled was posted before."""
    if row["state"] in ("draft", "cancel"):
        return source.told(row, _withdrawn(row, source)) if row["name"] else IgnoredItem(NEVER_POSTED, _worth(row))
    if row["state"] != "posted":
        raise Unreadable("The invoice is in a state that we don't know.")
    currency = label(row["currency_id"])
    fact = InvoicePosted(
        connection=source.connection,
        database=source.database,
        move_id=row["id"],
        number=row["name"],
        kind="credit_note" if row["move_type"] == "out_refund" else "invoice",
        partner_id=ref(row["partner_id"]),
        issued_on=_day(row["invoice_date"]),
        due_on=_day(row["invoice_date_due"]) if row["invoice_date_due"] else None,
        total=money(row["amount_total"], currency),
        residual=money(row["amount_residual"], currency),
        reverses_move=ref(row["reversed_entry_id"]) or None,
        payment_reference=row["payment_reference"] or "",
        payment_state=row["payment_state"] or "",
        changed_at=row["write_date"],
        partner_name=label(row["partner_id"]) or None,
    )
    return source.told(row, fact)


def _withdrawn(row: Row, source: _Source) -> InvoiceWithdrawn:
    return InvoiceWithdrawn(
        connection=source.connection,
        database=source.database,
        move_id=row["id"],
        number=row["name"],
        why="cancelled" if row["state"] == "cancel" else "draft",
        changed_at=row["write_date"],
    )


def _payment(row: Row, source: _Source) -> Item:
    """A customer payment, whoever registered it. Its invoices are those that Odoo names, matched or not any more."""
    if row["state"] == "draft":
        return IgnoredItem(NEVER_POSTED, _worth(row))
    memo, paid = row["memo"] or "", money(row["amount"], label(row["currency_id"]))
    own = source.entities[ref(row["company_id"])].currency
    correlation, provider = _CORRELATION.search(memo), _PROVIDER_REFERENCE.search(memo)
    fact = PaymentRegistered(
        connection=source.connection,
        database=source.database,
        payment_id=row["id"],
        amount=paid,
        company_amount=money(abs(row["amount_company_currency_signed"]), own),
        paid_on=_day(row["date"]),
        journal=ref(row["journal_id"]),
        move_ids=tuple(sorted(row["reconciled_invoice_ids"])),
        correlation=correlation.group() if correlation else "",
        provider_reference=provider.group() if provider else "",
        state=row["state"],
        changed_at=row["write_date"],
        memo=memo or None,
    )
    return source.told(row, fact)


def _day(text: str) -> date:
    return date.fromisoformat(text)


READERS: Mapping[str, Callable[[Row, _Source], Item]] = {"invoices": _invoice, "payments": _payment}
