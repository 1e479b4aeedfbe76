"""The payout in the ERP's books and in the transit ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial

from nostro.ledger import Holding, accounts, fold
from nostro.model.entities import LegalEntity, ProviderAccount
from nostro.model.intents import BookJournalEntry, EntryLine
from nostro.model.money import Money
from nostro.processes.kit.decision import Instance, Posting, Rules, Wanted
from nostro.processes.kit.following import Effect
from nostro.processes.payout.v1.state import TAKEN_OVER, UNKNOWN, Cost, PayoutState


def wanted(data: PayoutState, entity: LegalEntity, before: Iterable[Wanted] = ()) -> tuple[Wanted, ...]:
    """One journal entry for what the PSP kept, against clearing; later lines are booked as the difference.

    `before`: what was asked for before.
    """
    account, day = entity.provider(data.payout.connection), data.payout.arrives_on
    if account is None or day is None or data.currency != entity.currency:
        return ()
    entries: list[Effect] = [
        ("entry", n, partial(_entry, data, entity, account, day, cost)) for n, cost in enumerate(data.entries)
    ]
    return data.steps.put_together(entries, before)


def _entry(data: PayoutState, entity: LegalEntity, account: ProviderAccount, day: date, cost: Cost) -> BookJournalEntry:
    sides = (
        (account.fee_account, cost.fees, "fees"),
        (account.fee_account, cost.adjustments, "adjustments"),
        (account.reserve_account, cost.reserve, "reserve"),
        (account.clearing_account, -cost.total, "kept by the provider"),
    )
    label = f"Payout {data.payout.payout_id}"
    return BookJournalEntry(
        entity=entity.id,
        journal=account.fee_journal,
        booked_on=day,
        label=label,
        lines=tuple(
            EntryLine(account=side, balance=_money(data, minor), label=f"{label}: {what}")
            for side, minor, what in sides
            if minor
        ),
    )


def postings(data: PayoutState, entity: str) -> dict[str, Posting]:
    """Every movement of money that the state knows of: what the PSP kept, and what arrived."""
    psp, cost = accounts.psp(entity, data.payout.connection), data.cost
    fees = accounts.fees(entity, data.payout.connection)
    named = {
        "fees": (fees, cost.fees),
        "adjustments": (fees, cost.adjustments),
        "reserve": (accounts.reserve(entity, data.payout.connection), cost.reserve),
        "unknown": (accounts.unexplained(entity), -data.gross(UNKNOWN)),
    }
    suspense, mine = accounts.suspense(entity), data.currency
    named |= {a.movement: (suspense, a.amount.minor) for a in data.arrivals if a.amount.currency == mine}
    return {
        name: Posting(*((debit, psp) if minor >= 0 else (psp, debit)), _money(data, abs(minor)))
        for name, (debit, minor) in named.items()
        if data.currency
    }


def holdings(instance: Instance, _: Rules) -> tuple[Holding, ...]:
    """What the payout answers for: lines that it took over from collections, until the bank has the money."""
    data, entity, subject = instance.data, instance.entity, str(instance.subject)
    assert isinstance(data, PayoutState)
    if not data.currency:
        return ()
    psp, suspense = accounts.psp(entity, data.payout.connection), accounts.suspense(entity)
    own = fold(postings(data, entity).values())
    handed = {psp: data.gross(TAKEN_OVER) - data.reissued, suspense: -data.arrived}
    held = {account: own.get((account, data.currency), 0) + minor for account, minor in handed.items()}
    return tuple(Holding(subject, account, _money(data, minor)) for account, minor in held.items() if minor)


def _money(data: PayoutState, minor: int) -> Money:
    return Money(minor=minor, currency=data.currency)
