"""How facts find their collection: by the subject that they name, else by references."""

from __future__ import annotations

from collections.abc import Sequence

from nostro.model.facts import (
    CollectionCredited,
    CollectionCreditNoteChanged,
    CollectionCreditNoted,
    CollectionPaidOut,
    CollectionPaymentMoved,
    CollectionReturned,
    CommandSettled,
    DisputeReported,
    Fact,
    InvoicePosted,
    InvoiceWithdrawn,
    MoneyUnapplied,
    PaymentAttempted,
    PaymentCaptured,
    PaymentNews,
    PaymentRegistered,
    RefundReported,
)
from nostro.model.ids import correlation_id
from nostro.model.references import Reference
from nostro.processes.kit.process import Begin

PER_ENTITY = frozenset({"structured", "invoice_number"})
"""Kinds whose values mean something within one entity only."""


def begins(fact: Fact) -> Begin | None:
    """Items begin with their id in the ERP (numbers are given again); money without item with what brought it."""
    match fact.body:
        case InvoicePosted() | InvoiceWithdrawn() as body:
            return Begin(f"{fact.entity}/{body.database}/{body.move_id}")
        case PaymentNews(passed_to=str() as item):
            return Begin(item)
        case MoneyUnapplied() as body:
            return Begin(body.begins(fact.entity))
        case CollectionCredited() | CollectionReturned() | CollectionPaymentMoved() as body:
            return Begin(body.subject)
        case CollectionCreditNoted() | CollectionCreditNoteChanged() as body:
            return Begin(body.subject)
        case _:
            return None


def correlates(fact: Fact) -> Sequence[Reference]:
    """References to look up, strongest first."""
    match fact.body:
        case PaymentCaptured() as body:
            return (*_ours(body.correlation), *_invoice(fact, body.invoice_hint), *_psp(body.payment_id))
        case PaymentAttempted() as body:
            return (*_invoice(fact, body.invoice_hint), *_psp(body.payment_id))
        case RefundReported() as body:
            return (*_psp(body.charge_id, body.payment_id), *_ours(body.correlation))
        case DisputeReported() as body:
            return _psp(body.charge_id, body.payment_id)
        case CollectionPaidOut() as body:
            return _psp(body.charge_id)
        case MoneyUnapplied() as body:
            return tuple(
                Reference(kind, value, fact.entity if kind in PER_ENTITY else "") for kind, value in body.leads
            )
        case PaymentRegistered() as body:
            moves = tuple(Reference.to("odoo_move", str(move), body.connection) for move in body.move_ids)
            return (*_ours(body.correlation), *_psp(body.provider_reference), *moves)
        case _:
            return ()


def registers(fact: Fact) -> Sequence[Reference]:
    """References that lead here from now on.

    An attempt registers nothing: what is not captured may still be captured for another item. Nor does what was passed
    on: the PSP's news go on reaching whoever passes them on.
    """
    match fact.body:
        case InvoicePosted() as body:
            move = Reference.to("odoo_move", str(body.move_id), body.connection)
            return (move, *_invoice(fact, body.number), *_payable_as(fact, body))
        case PaymentNews(passed_to=str()):
            return ()
        case PaymentCaptured() as body:
            return _psp(body.charge_id, body.payment_id)
        case RefundReported() as body:
            return _psp(body.refund_id)
        case DisputeReported() as body:
            return _psp(body.dispute_id)
        case CommandSettled() as body:
            return _ours(correlation_id(body.key))
        case _:
            return ()


def orphaned(fact: Fact) -> Begin | None:
    """A capture that leads nowhere is money without item; attempts and registrations are kept for the trace.

    Refunds, disputes and payout lines of a charge that nobody has told us wait together until it is told: its capture
    may come hours after them.
    """
    match fact.body:
        case PaymentCaptured() as body:
            return Begin(f"{fact.entity}/unapplied/{body.charge_id}", _psp(body.charge_id))
        case RefundReported() | DisputeReported() | CollectionPaidOut() as body:
            return Begin(f"{fact.entity}/unknown/{body.charge_id}") if body.charge_id else None
        case PaymentAttempted() as body:
            return Begin(f"{fact.entity}/attempted/{body.payment_id}")
        case PaymentRegistered() as body:
            return Begin(f"{fact.entity}/registered/{body.database}/{body.payment_id}")
        case _:
            return None


def _payable_as(fact: Fact, body: InvoicePosted) -> tuple[Reference, ...]:
    """What payers may quote instead of the number: as it stands, and as a structured reference."""
    if not body.payment_reference:
        return ()
    as_number = _invoice(fact, body.payment_reference) if body.payment_reference != body.number else ()
    return (*as_number, Reference.to("structured", body.payment_reference, fact.entity))


def _invoice(fact: Fact, number: str) -> tuple[Reference, ...]:
    return (Reference.to("invoice_number", number, fact.entity),) if number else ()


def _psp(*ids: str) -> tuple[Reference, ...]:
    return tuple(Reference.to("psp", ident) for ident in ids if ident)


def _ours(correlation: str) -> tuple[Reference, ...]:
    return (Reference.to("correlation", correlation),) if correlation else ()
