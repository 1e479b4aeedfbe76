"""The collection in the transit ledger: its postings by name, and what it says that it holds."""

from __future__ import annotations

from collections.abc import Iterator

from nostro.ledger import Holding, accounts, fold
from nostro.model.money import Money
from nostro.model.payments import Incoming, Payment, Share
from nostro.processes.collection.v1.state import CollectionState
from nostro.processes.kit.decision import Instance, Posting, Rules


def postings(data: CollectionState, entity: str) -> dict[str, Posting]:
    """Every movement of money that the state knows of. `decide` posts what changed."""
    named: dict[str, Posting] = {}
    for one in data.incoming:
        for name, debit, credit, minor, currency in _movements(one, entity):
            amount = Money(minor=abs(minor), currency=currency)
            named[f"{one.source}/{name}"] = Posting(*((debit, credit) if minor >= 0 else (credit, debit)), amount)
    return named


def holdings(instance: Instance, _: Rules) -> tuple[Holding, ...]:
    """What the subject answers for: its own postings, plus what it took over from others, less what it handed on."""
    data, entity, subject = instance.data, instance.entity, str(instance.subject)
    assert isinstance(data, CollectionState)
    own = fold(postings(data, entity).values())
    for account, money in _handed(data, entity):
        own[account, money.currency] = own.get((account, money.currency), 0) + money.minor
    return tuple(
        Holding(subject, account, Money(minor=minor, currency=currency))
        for (account, currency), minor in sorted(own.items())
        if minor and accounts.kind_of(account) in accounts.TRANSIT
    )


Movement = tuple[str, str, str, int, str]
"""Name, debit, credit, minor units, currency."""


def _movements(one: Incoming, entity: str) -> Iterator[Movement]:
    customer, suspense, currency = accounts.customer(entity), accounts.suspense(entity), one.amount.currency
    if isinstance(one, Payment):
        psp = accounts.psp(entity, one.connection)
        yield "captured", psp, suspense, one.amount.minor, currency
        for refund in one.refunds:
            if refund.live:
                yield from _back(refund.refund_id, psp, refund.share, entity, currency)
        yield from _disputes(one, psp, entity)
        yield from _conversions(one, psp, entity)
    else:
        for n, share in enumerate(one.shares):
            yield f"returned/{n}", customer, suspense, share.applied, currency
    yield "applied", suspense, customer, one.applied, currency


def _back(name: str, source: str, share: Share, entity: str, currency: str) -> Iterator[Movement]:
    """Money that goes back: what had been applied from the customer's side, the rest from suspense."""
    yield f"{name}/applied", accounts.customer(entity), source, share.applied, currency
    yield f"{name}/over", accounts.suspense(entity), source, share.over, currency


def _disputes(payment: Payment, psp: str, entity: str) -> Iterator[Movement]:
    resting = accounts.dispute(entity, payment.connection)
    for dispute in payment.disputes:
        if dispute.live:
            yield dispute.dispute_id, resting, psp, dispute.amount.minor, dispute.amount.currency
        if dispute.cost:
            yield from _back(f"{dispute.dispute_id}/lost", resting, dispute.share, entity, dispute.amount.currency)


def _conversions(payment: Payment, psp: str, entity: str) -> Iterator[Movement]:
    """What the PSP settled in another currency: out at what the payer saw, in at what reached the balance."""
    for line in payment.lines:
        if line.gross.currency != payment.amount.currency:
            yield f"{line.line_id}/out", accounts.fx(entity), psp, payment.worth(line), payment.amount.currency
            yield f"{line.line_id}/in", psp, accounts.fx(entity), line.gross.minor, line.gross.currency


def _handed(data: CollectionState, entity: str) -> Iterator[tuple[str, Money]]:
    """Settled lines go on to the payout; bank money comes from its movement; what was moved is with its new item."""
    suspense = accounts.suspense(entity)
    for payment in data.payments:
        yield suspense, Money(minor=payment.moved, currency=payment.amount.currency)
        for line in payment.lines:
            yield accounts.psp(entity, payment.connection), -line.gross
    for credit in data.credits:
        returned = sum(share.over + share.applied for share in credit.shares)
        yield suspense, Money(minor=credit.moved + returned - credit.amount.minor, currency=credit.amount.currency)
