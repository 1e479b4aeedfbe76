"""The proof: every currency sums to zero, and every balance in transit is held by subjects that say so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from nostro.ledger.accounts import EXCEPTIONS, STANDING, TRANSIT, kind_of
from nostro.ledger.postings import Balances
from nostro.model.money import Money

Why = Literal["currency_does_not_sum_to_zero", "nobody_holds_it", "unexplained", "released_more_than_held"]


@dataclass(frozen=True, slots=True)
class Holding:
    """What a subject says that it holds on an account in transit. Signed as balances are."""

    subject: str
    account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Finding:
    """A balance that is not explained. `held` is what subjects hold of it, `amount` what is left over."""

    account: str
    balance: Money
    held: Money
    amount: Money
    why: Why


@dataclass(frozen=True, slots=True)
class Proof:
    """Where the money is: transit balances with their holders, and what nobody explains."""

    positions: tuple[tuple[str, Money], ...]
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether everything is explained."""
        return not self.findings


def prove(balances: Balances, holdings: Iterable[Holding]) -> Proof:
    """Confronts balances with what subjects say they hold.

    An account on which subjects hold what the ledger does not show is a finding too.
    """
    held: Balances = {}
    for holding in holdings:
        key = (holding.account, holding.amount.currency)
        held[key] = held.get(key, 0) + holding.amount.minor
    checked = sorted(key for key in {*balances, *held} if kind_of(key[0]) in TRANSIT)
    positions = tuple((key[0], _money(balances[key], key[1])) for key in checked if balances.get(key))
    unheld = [_finding(key, balances, held, "nobody_holds_it") for key in checked]
    return Proof(positions, tuple(f for f in (*_uneven(balances), *unheld, *_exceptions(balances)) if f.amount))


def _uneven(balances: Balances) -> list[Finding]:
    sums: dict[str, int] = {}
    for (_, currency), minor in balances.items():
        sums[currency] = sums.get(currency, 0) + minor
    why: Why = "currency_does_not_sum_to_zero"
    return [
        Finding("", _money(minor, currency), _money(0, currency), _money(minor, currency), why)
        for currency, minor in sorted(sums.items())
    ]


def _exceptions(balances: Balances) -> list[Finding]:
    found: list[Finding] = []
    for key, minor in sorted(balances.items()):
        if kind_of(key[0]) == EXCEPTIONS:
            found.append(_finding(key, balances, {}, "unexplained"))
        if kind_of(key[0]) == STANDING and minor < 0:
            found.append(_finding(key, balances, {}, "released_more_than_held"))
    return found


def _finding(key: tuple[str, str], balances: Balances, held: Balances, why: Why) -> Finding:
    account, currency = key
    balance, claimed = balances.get(key, 0), held.get(key, 0)
    return Finding(
        account, _money(balance, currency), _money(claimed, currency), _money(balance - claimed, currency), why
    )


def _money(minor: int, currency: str) -> Money:
    return Money(minor=minor, currency=currency)
