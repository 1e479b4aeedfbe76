"""Which of the shards and slots that are shared out a worker takes first: both by one rule, so that they meet.

A command leaves over the slot whose number is the shard of its ordering key (its subject, but for what works on a
statement line) modulo the number of slots. Where the worker that decides about its subject holds that slot too, the
command leaves with its decision and its outcome is decided where it arrives; otherwise two workers tell each other of
every step. So the n-th of w workers, by their names, takes first whatever number is n modulo w. Shares stay even, and
whatever is free is taken by who has room: nothing waits for its own worker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rank:
    """The `number`-th of `of` workers, from 0."""

    number: int
    of: int

    def shards(self, numbers: Iterable[int]) -> list[int]:
        """In the order in which it takes them, and keeps them."""
        return sorted(numbers, key=lambda number: (number % self.of != self.number, number))

    def slots(self, names: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
        """In the order in which it takes them, and keeps them."""
        return sorted(names, key=lambda name: (name[1] % self.of != self.number, name))


def rank_of(worker: str, living: Iterable[str]) -> Rank:
    """Among those that live; whoever asks is one of them."""
    names = sorted({*living, worker})
    return Rank(names.index(worker), len(names))
