"""Which refund is matched with which credit note: what is of the same amount first, then whatever is left."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from nostro.model.payments import Refund
from nostro.processes.collection.v1.effects import number
from nostro.processes.collection.v6.state import MATCHES_KEPT, CollectionStateV6, Match
from nostro.processes.kit.following import but


def matched(data: CollectionStateV6) -> CollectionStateV6:
    """The state with the matches that its refunds and credit notes call for, and without those that are over."""
    if not (data.matches or data.credit_notes):
        return data
    refunds = {refund.refund_id: refund for payment in data.payments for refund in payment.refunds}
    kept = but(data, matches=tuple(_as_it_is(data, refunds, *one) for one in data.occurrences()))
    new = [*kept.matches, *_new(kept, refunds)][:MATCHES_KEPT]
    return data if tuple(new) == data.matches else but(kept, matches=tuple(new))


def _as_it_is(data: CollectionStateV6, refunds: dict[str, Refund], match: Match, occurrence: int) -> Match:
    """One of a refund that has failed is over, unless the ERP has it or was asked for it: then the note is used."""
    end = data.steps.end(f"match-{match.refund}", occurrence)
    asked = end.there if end is not None else data.steps.there(f"refunded-{match.refund}")
    return match if match.void or refunds[match.refund].live or asked else but(match, void=True)


def _new(data: CollectionStateV6, refunds: dict[str, Refund]) -> Iterator[Match]:
    """What is the same on both sides first; then what is left, in the order in which it was told."""
    owed = {name: refund.share.applied for name, refund in refunds.items() if refund.live}
    free = {note.move_id: note.amount.minor for note in data.credit_notes}
    free |= _taken_back(data, refunds)
    for match in data.matches:
        if not match.void:
            owed[match.refund] = owed.get(match.refund, 0) - match.minor
            free[match.note] = free.get(match.note, 0) - match.minor
    for alike, name, note in product((True, False), owed, free):
        minor = min(owed[name], free[note])
        if minor > 0 and (owed[name] == free[note] or not alike):
            owed[name] -= minor
            free[note] -= minor
            yield Match(refund=name, note=note, minor=minor)


def _taken_back(data: CollectionStateV6, refunds: dict[str, Refund]) -> dict[int, int]:
    """Entries that took a refund back whose own entry had used a credit note: they stand for it."""
    found: dict[int, int] = {}
    for match in data.matches:
        end = data.steps.end(f"unrefunded-{match.refund}")
        entry = number(end.ids.get("move", "")) if end and end.there else None
        if entry and not match.void and not refunds[match.refund].live:
            found[entry] = found.get(entry, 0) + match.minor
    return found
