"""Postings and what they add up to.

A posting moves an amount out of `credit` into `debit`, so every currency sums to zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from nostro.model.money import Money

Balances = dict[tuple[str, str], int]
"""(account, currency) -> minor units; a debit balance is positive."""


class Posted(Protocol):
    """Anything that is a posting."""

    @property
    def debit(self) -> str:
        """The account that receives."""

    @property
    def credit(self) -> str:
        """The account that gives."""

    @property
    def amount(self) -> Money:
        """How much."""


class Move(NamedTuple):
    """A posting as this package makes it. `amount` is above zero."""

    debit: str
    credit: str
    amount: Money


def fold(postings: Iterable[Posted]) -> Balances:
    """Balances of postings; what is even is left out."""
    balances: Balances = {}
    for posting in postings:
        for account, minor in ((posting.debit, posting.amount.minor), (posting.credit, -posting.amount.minor)):
            key = (account, posting.amount.currency)
            balances[key] = balances.get(key, 0) + minor
    return {key: minor for key, minor in sorted(balances.items()) if minor}


def no_posting(posting: Posted) -> bool:
    """Whether nothing would move."""
    return not posting.amount or posting.debit == posting.credit


def changes(before: Mapping[str, Posted], after: Mapping[str, Posted]) -> tuple[Move, ...]:
    """What has to be posted so that the named postings of `before` become those of `after`.

    What is gone is posted the other way round; what grew or shrank, by its difference.
    """
    moves: list[Move] = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None and _same_way(old, new):
            if old.amount.minor != new.amount.minor:
                moves.append(_moved(new.debit, new.credit, new.amount - old.amount))
            continue
        if old is not None:
            moves.append(_moved(old.debit, old.credit, -old.amount))
        if new is not None:
            moves.append(_moved(new.debit, new.credit, new.amount))
    return tuple([move for move in moves if not no_posting(move)])


def _same_way(old: Posted, new: Posted) -> bool:
    return old.debit == new.debit and old.credit == new.credit and old.amount.currency == new.amount.currency


def _moved(debit: str, credit: str, amount: Money) -> Move:
    return Move(credit, debit, -amount) if amount.minor < 0 else Move(debit, credit, amount)
