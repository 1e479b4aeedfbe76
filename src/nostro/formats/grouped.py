"""What is told in groups though it comes in any order: counted when it is read once, given when it is read again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Generic, TypeVar

from nostro.model.failures import FormatRefused

T = TypeVar("T")
_READINGS = 24
"""So many mixed groups are read for one by one; of more, all is held."""


@dataclass(slots=True)
class Group(Generic[T]):
    """The first of a group, how many there are, and their sum; its name, where it has one."""

    first: T
    name: str = ""
    count: int = 0
    total: Decimal = Decimal(0)


@dataclass(slots=True)
class Grouped(Generic[T]):
    """Things that can be read again, in groups with the same `key`, in the order of each one's first.

    They are read once by whoever counts them with `add`, and once more to be given; where groups are mixed, once a
    group, so that none of them has to be held. Of very many mixed groups all are held after all.
    """

    told: Iterable[T]
    key: Callable[[T], Hashable]
    value: Callable[[T], Decimal]
    groups: dict[Hashable, Group[T]] = field(default_factory=dict)
    mixed: bool = False

    def add(self, one: T, last: Group[T] | None) -> Group[T]:
        """One more in its group, which is given; `last` is the group of the one before."""
        key = self.key(one)
        known = self.groups.get(key)
        self.mixed = self.mixed or (known is not None and known is not last)
        group = known or self.groups.setdefault(key, Group(one))
        group.count += 1
        group.total += self.value(one)
        return group

    def sort(self, order: Callable[[Group[T]], Hashable]) -> None:
        """Groups that have something in common one behind the other, by the first that has it."""
        ranks: dict[Hashable, int] = {}
        for group in self.groups.values():
            ranks.setdefault(order(group), len(ranks))
        ordered = dict(sorted(self.groups.items(), key=lambda item: ranks[order(item[1])]))
        self.mixed = self.mixed or list(ordered) != list(self.groups)
        self.groups = ordered

    def given(self) -> Iterator[tuple[Group[T], Iterator[T]]]:
        """Each group, then what is in it, which has to be taken before the next group is."""
        if not self.mixed:
            for key, inside in groupby(self.told, self.key):
                if key not in self.groups:
                    raise _changed()
                yield self.groups[key], self._as_counted(self.groups[key], inside)
        elif len(self.groups) > _READINGS or isinstance(self.told, Sequence):
            held: dict[Hashable, list[T]] = {key: [] for key in self.groups}
            for one in self.told:
                held[self.key(one)].append(one)
            for key, group in self.groups.items():
                yield group, self._as_counted(group, held.pop(key))
        else:
            for key, group in self.groups.items():
                same = (one for one in self.told if self.key(one) == key)
                yield group, self._as_counted(group, same)

    def _as_counted(self, group: Group[T], inside: Iterable[T]) -> Iterator[T]:
        """What is in a group. Raises `FormatRefused` where it is not what was counted."""
        count, total = 0, Decimal(0)
        for one in inside:
            yield one
            count, total = count + 1, total + self.value(one)
        if (count, total) != (group.count, group.total):
            raise _changed()


def _changed() -> FormatRefused:
    return FormatRefused("The payments changed while they were written: counts and sums would be wrong.", "Try again.")
