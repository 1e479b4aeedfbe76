"""One message about payments in the making: its groups open and close, its payments are read and freed as they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import ValidationError

from nostro.formats.iso20022.counted import Counted, Ending
from nostro.formats.iso20022.instruction import MOVED
from nostro.formats.iso20022.listening import Cut
from nostro.formats.iso20022.message_head import head_of
from nostro.formats.iso20022.message_types import Group, MessageType, Shape
from nostro.formats.iso20022.told import NOTHING, Layers, Told
from nostro.formats.reading import Unreadable, why
from nostro.formats.xml import BrokenXml
from nostro.model.messages import Envelope, Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.money import Amount
from nostro.model.statements import Reject, Source

_WAITING = 10_000
"""So many payments may wait for the end of their message, of those that are small."""
MessageItem = MessageHead | Instruction | PaymentStatus | Reject | MessageEnd


@dataclass(slots=True)
class _Open:
    """A group that is being read; the message itself is the outermost one.

    `filled`: there are payments in it. `announced`: what it says itself was told.
    """

    path: str
    source: Source
    depth: int
    group: Group
    told: Told = NOTHING
    counted: Counted = field(default_factory=Counted)
    met: Counter[str] = field(default_factory=Counter)
    filled: bool = False
    announced: bool = False

    def next(self, path: str) -> str:
        """Where the next element of a path in the group stands."""
        return f"{self.source.where}/{path}[{self.met[path] + 1}]"


class _Held(NamedTuple):
    """A payment that waits for the end of its message, and the groups that it is in."""

    told: Told
    groups: Sequence[_Open]
    source: Source
    shape: Shape


@dataclass(slots=True)
class MessageParts:
    """The message that streams by. `payment`: the path in its group of the one that is being read."""

    kind: MessageType
    version: str
    envelope: Envelope | None
    groups: list[_Open]
    ending: Ending
    head: MessageHead | None = None
    held: list[_Held] = field(default_factory=list)
    header: Told | None = None
    payment: str = ""

    @classmethod
    def of(cls, kind: MessageType, version: str, source: Source, depth: int, envelope: Envelope | None) -> MessageParts:
        """The message that begins at a place."""
        opened = _Open("", source, depth, Group())
        return cls(kind, version, envelope, [opened], Ending(opened.counted))

    @property
    def innermost(self) -> str:
        """Where the group stands that is being read, and which payment of it would come next."""
        around = self.groups[-1]
        return around.next(self.payment) if self.payment else around.source.where

    def copied(self, cut: Cut) -> bool:
        """Whether it is a group that is told by what it stands in, too."""
        return cut.depth == self.groups[-1].depth > self.groups[0].depth and not self.kind.filled(self.groups[-1].path)

    def begin(self, cut: Cut) -> None:
        """A payment or group begins."""
        path = self._path(cut)
        if path in self.kind.payments:
            self.payment = cut.path
        else:
            self.groups.append(_Open(path, self._source(cut), cut.depth, self.kind.groups[path]))

    def take(self, cut: Cut, told: Told) -> Iterator[MessageItem]:
        """A payment or group is complete, or a group tells what it is to what is in it."""
        if cut.so_far:
            for opened in self.groups:
                opened.told = told if opened.depth == cut.depth else opened.told
        elif (shape := self.kind.payments.get(self._path(cut))) is not None:
            self.payment = ""
            yield from self._payment(told, shape, self._source(cut))
        else:
            self.groups[-1].told = told
            yield from self._end_group(self.groups[-1])

    def finish(self, told: Told) -> Iterator[MessageItem]:
        """The message is complete."""
        self.groups[0].told = told
        yield from self.as_far()
        answered = self.head is not None and bool(self.head.status or self.head.reasons)
        yield self.ending.end(told, answered=answered)

    def as_far(self) -> Iterator[MessageItem]:
        """The message as far as it came: its head, and the payments that waited for its end."""
        yield from self.headed(self.held[0].groups if self.held else self.groups)
        beside = tuple(block for name in self.kind.beside for block in self.groups[0].told.blocks(name))
        for held in self.held:
            yield from self._shaped(held.shape, (held.told, *self._layers(held.groups), *beside), held.source)

    def headed(self, around: Sequence[_Open]) -> Iterator[MessageItem]:
        """The head, if it was not told before, of what the groups say that it is told in."""
        if self.head is None:
            layers, source = Layers(self._layers(around)), self.groups[0].source
            self.head = head_of(self.kind, self.version, layers, source, self.envelope)
            self._flaws(layers, source)
            yield self.head

    def _payment(self, own: Told, shape: Shape, source: Source) -> Iterator[MessageItem]:
        if self.kind.whole:
            if len(self.held) >= _WAITING:
                raise BrokenXml(f"more than {_WAITING} payments in a message that is told at its end", source.line or 0)
            self.held.append(_Held(own, list(self.groups), source, shape))
            return
        yield from self.headed(self.groups)
        yield from self._before()
        yield from self._shaped(shape, (own, *self._layers(self.groups)), source)

    def _end_group(self, opened: _Open) -> Iterator[MessageItem]:
        alone = None if opened.filled else opened.group.alone
        if not self.kind.whole:
            yield from self.headed(self.groups)
            yield from self._before()
            if alone:
                # It stands for payments that it does not list: there is nothing to count.
                self.ending.uncountable = True
                yield from self._shaped(alone, self._layers(self.groups), opened.source)
        self.groups.pop()
        if not alone:
            self.ending.group(opened.source.where, opened.told, opened.counted)

    def _before(self) -> Iterator[MessageItem]:
        """What the open groups tell ahead of what is in them, once."""
        for depth, opened in enumerate(self.groups, start=1):
            if opened.group.before and not opened.announced:
                opened.announced = True
                yield from self._shaped(opened.group.before, self._layers(self.groups[:depth]), opened.source)

    def _shaped(self, shape: Shape, told: tuple[Told, ...], source: Source) -> Iterator[MessageItem]:
        layers = Layers(told)
        try:
            read = shape(layers, source)
        except (Unreadable, ValidationError) as error:
            for opened in self.groups:
                opened.filled = True
                opened.counted.rejected += 1
            yield Reject(where=source.where, why=why(error), line=source.line, amount=_amount(layers))
            return
        self._flaws(layers, source)
        if read is not None:
            self._count(read)
            yield read

    def _count(self, read: Instruction | PaymentStatus) -> None:
        self.ending.add(read)
        if isinstance(read, PaymentStatus) and read.level != "transaction":
            return
        for opened in self.groups:
            opened.filled = True
            opened.counted.add(read)

    def _flaws(self, layers: Layers, source: Source) -> None:
        for name, sentence in layers.flaws:
            self.ending.fail(name, f"{source.where}, line {source.line}: {sentence}")

    def _path(self, cut: Cut) -> str:
        """What leads from the message to a payment or group, or to the group that is being read."""
        return "/".join(filter(None, (self.groups[-1].path, cut.path)))

    def _source(self, cut: Cut) -> Source:
        """Where the next element of a path stands."""
        around = self.groups[-1]
        where = around.next(cut.path)
        around.met[cut.path] += 1
        return Source(where=where, line=cut.line)

    def _layers(self, groups: Sequence[_Open]) -> tuple[Told, ...]:
        """What the groups say from the innermost on, then the message's header, then the message itself."""
        around = [opened.told for opened in reversed(groups)]
        if self.header is None:
            self.header = next(iter(around[-1].blocks("GrpHdr")), None)
        return (*around[:-1], *((self.header,) if self.header else ()), around[-1])


def _amount(layers: Layers) -> Amount | None:
    """The amount of a payment that can't be read otherwise, so that the equation of items holds by amount too."""
    return layers.soft_amount(*MOVED)
