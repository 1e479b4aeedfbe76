"""What a receipt's newest reading came to, in numbers."""

from __future__ import annotations

from decimal import Decimal

from nostro.model.facts import Fact, ReceiptRead, RerunAsked
from nostro.processes.kit.decision import State

FATES = ("read", "duplicate", "ignored", "rejected")
"""What can become of an item."""


class ReceiptState(State):
    """The newest reading, and how often a person asked for another. `unequal` says where the item equation fails."""

    connection: str = ""
    reading: int = 0
    items: int = 0
    rejected: int = 0
    told_differently: int = 0
    understood: int = 0
    first_reject: str = ""
    unequal: str = ""
    reruns: int = 0

    @property
    def verdict(self) -> str:
        """What the reading came to."""
        if self.unequal:
            return "unequal"
        if self.rejected:
            return "has_rejects" if self.understood else "unreadable"
        return "told_differently" if self.told_differently else "read"


def evolve(data: State, fact: Fact) -> State:
    """The state after a fact. An older reading than the newest changes nothing."""
    assert isinstance(data, ReceiptState)
    match fact.body:
        case ReceiptRead() as body if body.reading >= data.reading:
            return _read(data, body)
        case RerunAsked():
            return data.model_copy(update={"reruns": data.reruns + 1})
        case _:
            return data


def _read(data: ReceiptState, body: ReceiptRead) -> ReceiptState:
    first = body.rejects[0] if body.rejects else None
    return ReceiptState(
        connection=body.connection,
        reading=body.reading,
        items=body.items,
        rejected=body.rejected,
        told_differently=len(body.told_differently),
        understood=body.read + body.duplicate + body.ignored,
        first_reject=f"{first.where}: {first.why}" if first else "",
        unequal=_unequal(body),
        reruns=data.reruns,
    )


def _unequal(body: ReceiptRead) -> str:
    """Where items = read + duplicate + ignored + rejected fails, by count or, where a total was told, by amount."""
    parts = body.read + body.duplicate + body.ignored + body.rejected
    if parts != body.items:
        return f"{body.items} items came in and {parts} are accounted for."
    for currency, total in body.amounts.get("items", {}).items():
        known = sum(Decimal(body.amounts.get(fate, {}).get(currency, "0")) for fate in FATES)
        if known != Decimal(total):
            return f"Items of {total} {currency} came in and {known} are accounted for."
    return ""
