"""Running balances: each is the one before with the amount between. Tables run forwards or backwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

_KEPT = 100
Break = tuple[int, Decimal, Decimal]
"""A line, the balance to which the amounts lead, and the one that is told."""
Link = tuple[Decimal, Decimal, int]
"""A signed amount, the balance beside it, and their line."""


@dataclass(slots=True)
class Chain:
    """The chain as it streams by, in both directions; the one that breaks less often is the table's."""

    counted: int = 0
    last: Link | None = None
    first: Link | None = None
    forwards: list[Break] = field(default_factory=list)
    backwards: list[Break] = field(default_factory=list)

    def add(self, amount: Decimal, balance: Decimal | None, line: int) -> None:
        """A signed amount and the balance beside it."""
        if balance is None:
            self.gap()
            return
        if self.first is None:
            self.first = (amount, balance, line)
        if self.last is not None:
            self.counted += 1
            before_amount, before, _ = self.last
            self._compare(self.forwards, line, before + amount, balance)
            self._compare(self.backwards, line, before - before_amount, balance)
        self.last = (amount, balance, line)

    def gap(self) -> None:
        """A row whose amount or balance is not known: nothing follows from it."""
        self.last = None

    def broken(self) -> list[Break]:
        """Where the chain breaks, in the direction in which it does so less often."""
        return min(self.forwards, self.backwards, key=len)

    def ends(self) -> Iterator[tuple[str, Decimal, int]]:
        """The opening and closing balance that follow from the chain, where its direction shows, each with its line."""
        if self.first is None or self.last is None or len(self.forwards) == len(self.backwards):
            return
        earliest, latest = (self.first, self.last) if self.broken() is self.forwards else (self.last, self.first)
        yield "OPBD", earliest[1] - earliest[0], earliest[2]
        yield "CLBD", latest[1], latest[2]

    @staticmethod
    def _compare(breaks: list[Break], line: int, expected: Decimal, told: Decimal) -> None:
        if expected != told and len(breaks) < _KEPT:
            breaks.append((line, expected, told))
