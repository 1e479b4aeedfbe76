"""As the third version comes to know things; of a dispute what it took counts, of a credit note what stands."""

from __future__ import annotations

from nostro.model.facts import (
    CollectionCreditNoteChanged,
    DisputeReported,
    Fact,
    InvoicePosted,
    InvoiceWithdrawn,
    PaymentRegistered,
    RefundReported,
)
from nostro.model.money import Money
from nostro.model.payments import Dispute, Payment
from nostro.processes.collection.v1.evolve import NOT_STANDING
from nostro.processes.collection.v1.state import CreditNote
from nostro.processes.collection.v3.evolve import evolve as evolve_v3
from nostro.processes.collection.v6.matching import matched
from nostro.processes.collection.v6.shares import seen_anew
from nostro.processes.collection.v6.state import CollectionStateV6
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but, same


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact."""
    assert isinstance(data, CollectionStateV6)
    after = evolve_v3(data, fact)
    assert isinstance(after, CollectionStateV6)
    match fact.body:
        case CollectionCreditNoteChanged() as body:
            after = _changed(after, body)
        case DisputeReported() as body:
            after = seen_anew(_taken(data, after, body))
        case RefundReported():
            after = seen_anew(after)
        case PaymentRegistered(state=state) as body if state in NOT_STANDING:
            after = _gone(after, str(body.payment_id))
        case InvoicePosted(changed_at=at) | InvoiceWithdrawn(changed_at=at):
            after = _stands(after, at)
    return matched(after) if after is not data else data


def _changed(data: CollectionStateV6, body: CollectionCreditNoteChanged) -> CollectionStateV6:
    """A note that was drafted is matched with nothing any more in the ERP, be it that it is posted anew."""
    others = tuple(note for note in data.credit_notes if note.move_id != body.move_id)
    notes = (*others, CreditNote(**same(body, "move_id amount"))) if body.amount else others
    matches = tuple(but(match, void=True) if match.note == body.move_id else match for match in data.matches)
    return but(data, credit_notes=notes, matches=matches)


def _taken(before: CollectionStateV6, after: CollectionStateV6, body: DisputeReported) -> CollectionStateV6:
    """What the PSP took counts, whatever an inquiry had been about: be it told before or after it."""
    known, told = (_dispute(data, body.dispute_id) for data in (before, after))
    if told is None or not told[1].withdrawn or (known is not None and known[1].withdrawn):
        return after
    payment, dispute = told
    disputes = tuple(but(one, amount=body.amount) if one is dispute else one for one in payment.disputes)
    changed = but(payment, disputes=disputes)
    return but(after, payments=tuple(changed if one is payment else one for one in after.payments))


def _dispute(data: CollectionStateV6, ident: str) -> tuple[Payment, Dispute] | None:
    found = [(payment, one) for payment in data.payments for one in payment.disputes if one.dispute_id == ident]
    return found[0] if found else None


def _gone(data: CollectionStateV6, payment: str) -> CollectionStateV6:
    """A payment that was cancelled in the ERP: no capture adopts it any more, and what it had cleared is open there."""
    expected = tuple(known for known in data.expected if known.payment != payment)
    open_again = any(one.registered == payment and one.cleared > 0 for one in data.incoming)
    return but(data, expected=expected, reopened=data.reopened or open_again)


def _stands(data: CollectionStateV6, at: str) -> CollectionStateV6:
    if data.kind != "credit_note" or not data.reverses or data.total is None:
        return data
    now = Money.zero(data.currency) if data.withdrawn else data.total
    if data.stood is None:
        return but(data, stood=now)
    return data if now == data.stood else but(data, stood=now, stood_at=at)
