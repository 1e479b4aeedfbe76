"""What a receipt's newest reading came to, in numbers."""

from __future__ import annotations

from decimal import Decimal

from nostro.model.facts import Fact, ReceiptRead, RerunAsked
from nostro.model.money import plain
from nostro.processes.kit.decision import State
from nostro.processes.kit.following import but

FATES = ("read", "duplicate", "ignored", "rejected")
"""What can become of an item."""


class ReceiptState(State):
    """The newest reading, and how often a person asked for another.

    `equation` is the item equation as it came out; `unequal` says where it fails.
    """

    connection: str = ""
    reading: int = 0
    items: int = 0
    rejected: int = 0
    told_differently: int = 0
    understood: int = 0
    first_reject: str = ""
    unequal: str = ""
    equation: str = ""
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
            return but(data, reruns=data.reruns + 1)
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
        equation=_equation(body),
        reruns=data.reruns,
    )


def _equation(body: ReceiptRead) -> str:
    """For a person: counts, then each currency and direction; what is nought is left out."""
    rows = [("items", {fate: str(getattr(body, fate)) for fate in ("items", *FATES)})]
    sides = sorted({side for sums in body.amounts.values() for side in sums})
    rows += [(side, {fate: sums.get(side, "0") for fate, sums in body.amounts.items()}) for side in sides]
    parts = [
        (name, told, [f"{told[fate]} {fate}" for fate in FATES if told.get(fate, "0") != "0"]) for name, told in rows
    ]
    return "; ".join(f"{told.get('items', '0')} {name} = {' + '.join(fates) or '0'}" for name, told, fates in parts)


def _unequal(body: ReceiptRead) -> str:
    """Where items = read + duplicate + ignored + rejected fails, by count or by amount, currency and direction."""
    parts = body.read + body.duplicate + body.ignored + body.rejected
    if parts != body.items:
        return f"{body.items} items came in and {parts} are accounted for."
    for side in sorted({side for sums in body.amounts.values() for side in sums}):
        told = Decimal(body.amounts.get("items", {}).get(side, "0"))
        known = sum((Decimal(body.amounts.get(fate, {}).get(side, "0")) for fate in FATES), Decimal(0))
        if known != told:
            return f"Items of {plain(told)} {side} came in and {plain(known)} are accounted for."
    return ""
