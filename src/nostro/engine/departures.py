"""Commands that leave as soon as they are decided: the database transaction of the decision writes what a claim would.

The rows are those that a claim leaves behind, so whoever comes after a crash goes on from them. The statement that
writes a command looks itself whether it may leave; one that may not is ready, and is claimed. Whose turn a place is,
that of what is decided or of who waits, is said by `seats`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from nostro.connectors.kit.manifest import Operation
from nostro.egress.journal import Slot
from nostro.engine.batch import Command
from nostro.engine.claims import Dispatch
from nostro.model.clock import Now
from nostro.store.database import Row


@dataclass(eq=False, slots=True)
class Departure:
    """A dispatch that begins with the decision of its commands. `left`: its members, told when they are committed."""

    slot: Slot
    dispatch: Dispatch
    commands: Sequence[Command]
    left: Sequence[Command] = ()

    @property
    def bundle(self) -> bytes:
        """Under which its commands were decided. None is in force that is called as what they have of several."""
        told = {command.bundle for command in self.commands}
        return told.pop() if len(told) == 1 else b""

    def leave(self, members: Iterable[Row]) -> None:
        """Those of its commands that were written as its members, in the order of their decisions."""
        written = {(row.shard, row.key) for row in members}
        self.left = sorted((c for c in self.commands if (c.shard, c.key) in written), key=_decided)


class Exit(Protocol):
    """Where commands of one connection leave."""

    def offer(self, commands: Sequence[Command], now: Now) -> list[Departure]:
        """Dispatches of those that could leave now; they take their places at once."""

    def depart(self, departure: Departure) -> None:
        """What was committed leaves. Without `left` it gives its place back; if it was committed, a claim finds it."""


@dataclass(slots=True)
class Departures:
    """All that departs with one batch of decisions, by connection. What isn't committed doesn't leave."""

    exits: Mapping[str, Exit]
    all: list[Departure] = field(default_factory=list)

    def offer(self, commands: Sequence[Command], now: Now) -> None:
        """Of each subject only its first command: the others wait for it."""
        first = {(c.shard, c.process, c.subject): c for c in reversed(commands)}
        by_connection: dict[str, list[Command]] = defaultdict(list)
        for (_, process, subject), command in reversed(first.items()):
            if command.status == "ready" and command.ordering_key == f"{process}/{subject}":
                by_connection[command.connection].append(command)
        for connection in sorted(by_connection.keys() & self.exits.keys()):
            self.all += self.exits[connection].offer(by_connection[connection], now)

    def leave(self, opened: Sequence[Row]) -> int:
        """What was opened and committed leaves, as far as it has a dispatch: so many commands."""
        written: dict[bytes, list[Row]] = defaultdict(list)
        for row in opened:
            written[row.dispatch].append(row)
        for departure in self.all:
            departure.leave(written[departure.dispatch.id])
        return sum(len(departure.left) for departure in self.all)

    def __enter__(self) -> Self:
        """Nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The database transaction in the block has ended."""
        for departure in self.all:
            self.exits[departure.slot.connection].depart(departure)


def grouped(commands: Sequence[Command], operations: Mapping[str, Operation]) -> Iterator[Sequence[Command]]:
    """As many together as their operation takes, of one lane and entity as a claim would; critical lanes first."""
    kinds: dict[tuple[int, str, str], list[Command]] = defaultdict(list)
    for command in commands:
        if command.operation in operations:
            kinds[command.lane, command.operation, command.entity].append(command)
    for (_, operation, _), alike in sorted(kinds.items()):
        most = operations[operation].batch
        yield from (alike[at : at + most] for at in range(0, len(alike), most))


def _decided(command: Command) -> tuple[int, int, int]:
    return command.shard, command.position, command.n
