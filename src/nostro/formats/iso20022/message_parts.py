"""One message about payments in the making: its groups open and close, its payments are read and freed as they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from pydantic import ValidationError

from nostro.formats.iso20022.counted import Counted, Ending
from nostro.formats.iso20022.instruction import MOVED
from nostro.formats.iso20022.message_head import head_of
from nostro.formats.iso20022.message_types import Group, MessageType, Shape
from nostro.formats.iso20022.told import Layers, Told, told_of
from nostro.formats.reading import Unreadable, why
from nostro.formats.xml import Element, line_of, local, release
from nostro.model.messages import Envelope, Instruction, MessageEnd, MessageHead, PaymentStatus
from nostro.model.money import Amount
from nostro.model.statements import Reject, Source

MessageItem = MessageHead | Instruction | PaymentStatus | Reject | MessageEnd


class _Held(NamedTuple):
    """A payment that waits for the end of its message."""

    told: tuple[Told, ...]
    source: Source
    shape: Shape


@dataclass(slots=True)
class _Open:
    """A group that is being read; the message itself is the outermost one.

    `filled`: there are payments in it. `announced`: what it says itself was told.
    """

    path: str
    source: Source
    element: Element
    group: Group
    told: Told | None = None
    counted: Counted = field(default_factory=Counted)
    met: Counter[str] = field(default_factory=Counter)
    filled: bool = False
    announced: bool = False

    def step(self, path: str) -> str:
        """What leads from the group to a path in it."""
        return path.removeprefix(self.path).strip("/")


@dataclass(slots=True)
class MessageParts:
    """The message that streams by. `paths`: of the open elements; `deep`: how far inside a payment it is."""

    kind: MessageType
    element: Element
    envelope: Envelope | None
    groups: list[_Open]
    paths: list[str] = field(default_factory=list)
    ending: Ending = field(default_factory=Ending)
    head: MessageHead | None = None
    held: list[_Held] = field(default_factory=list)
    header: Told | None = None
    deep: int = 0
    freed: bool = False

    @classmethod
    def of(cls, kind: MessageType, element: Element, where: str, envelope: Envelope | None) -> MessageParts:
        """The message that begins with an element."""
        opened = _Open("", Source(where=where, line=line_of(element)), element, Group())
        return cls(kind, element, envelope, [opened], ending=Ending(opened.counted))

    @property
    def innermost(self) -> str:
        """Where the group stands that is being read, and which payment of it would come next."""
        around = self.groups[-1]
        if not self.deep:
            return around.source.where
        return f"{around.source.where}/{around.step(self.paths[-1])}[{around.met[self.paths[-1]] + 1}]"

    def start(self, element: Element) -> None:
        """An element within the message begins."""
        if self.deep:
            self.deep += 1
            return
        path = _below(self.paths[-1] if self.paths else "", local(element))
        self.paths.append(path)
        if path in self.kind.payments:
            self.deep = 1
        elif (group := self.kind.groups.get(path)) is not None:
            self.groups.append(_Open(path, self._source(path, element), element, group))

    def leave_part(self) -> bool:
        """Leave an element that is only a part of a payment; False for any other."""
        if self.deep < 2:
            return False
        self.deep -= 1
        return True

    def end(self, element: Element) -> Iterator[MessageItem]:
        """An element within the message is complete."""
        path, self.freed = self.paths.pop(), False
        if self.deep:
            self.deep = 0
            yield from self._payment(element, path)
        elif self.groups[-1].element is element:
            yield from self._end_group(self.groups[-1])

    def finish(self) -> Iterator[MessageItem]:
        """The message is complete."""
        yield from self.as_far()
        answered = self.head is not None and bool(self.head.status or self.head.reasons)
        yield self.ending.end(self._told(self.groups[0]), answered=answered)

    def as_far(self) -> Iterator[MessageItem]:
        """The message as far as it came: its head, and the payments that waited for its end."""
        yield from self.headed()
        beside = tuple(block for name in self.kind.beside for block in self._told(self.groups[0]).blocks(name))
        for held in self.held:
            yield from self._shaped(held.shape, (*held.told, *beside), held.source)

    def headed(self) -> Iterator[MessageItem]:
        """The head, if it was not told before."""
        if self.head is None:
            layers = Layers(self._layers(len(self.groups)))
            source = self.groups[0].source
            self.head = head_of(self.element, self.kind, layers, source, self.envelope)
            self._flaws(layers, source)
            yield self.head

    def _payment(self, element: Element, path: str) -> Iterator[MessageItem]:
        source = self._source(path, element)
        told = (told_of(element), *self._layers(len(self.groups)))
        if self.kind.whole:
            self.held.append(_Held(told, source, self.kind.payments[path]))
            return
        yield from self.headed()
        yield from self._before()
        yield from self._shaped(self.kind.payments[path], told, source)
        release(element)
        self.freed = True

    def _end_group(self, opened: _Open) -> Iterator[MessageItem]:
        alone = None if opened.filled else opened.group.alone
        if not self.kind.whole:
            yield from self.headed()
            yield from self._before()
            if alone:
                # It stands for payments that it does not list: there is nothing to count.
                self.ending.uncountable = True
                yield from self._shaped(alone, self._layers(len(self.groups)), opened.source)
        told = self._told(opened)
        self.groups.pop()
        if not alone:
            self.ending.group(opened.source.where, told, opened.counted)
        if opened.path.partition("/")[0] in self._apart(""):
            release(opened.element)
            self.freed = True

    def _before(self) -> Iterator[MessageItem]:
        """What the open groups tell ahead of what is in them, once."""
        for depth, opened in enumerate(self.groups, start=1):
            if opened.group.before and not opened.announced:
                opened.announced = True
                yield from self._shaped(opened.group.before, self._layers(depth), opened.source)

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

    def _source(self, path: str, element: Element) -> Source:
        """Where the next element of a path stands."""
        around = self.groups[-1]
        around.met[path] += 1
        where = f"{around.source.where}/{around.step(path)}[{around.met[path]}]"
        return Source(where=where, line=line_of(element))

    def _layers(self, depth: int) -> tuple[Told, ...]:
        """What the open groups say from the innermost on, then the message's header, then the message itself."""
        around = [self._told(opened) for opened in reversed(self.groups[:depth])]
        if self.header is None:
            self.header = next(iter(around[-1].blocks("GrpHdr")), None)
        return (*around[:-1], *((self.header,) if self.header else ()), around[-1])

    def _told(self, opened: _Open) -> Told:
        if opened.told is None:
            opened.told = told_of(opened.element, self._apart(opened.path))
        return opened.told

    def _apart(self, path: str) -> frozenset[str]:
        """Children of a group (of the message itself: no path) that hold payments: they are not what it says itself."""
        return frozenset() if self.kind.whole else _holding(tuple(self.kind.payments), path)


@lru_cache(maxsize=256)
def _holding(payments: tuple[str, ...], path: str) -> frozenset[str]:
    around = f"{path}/" if path else ""
    return frozenset(below.removeprefix(around).partition("/")[0] for below in payments if below.startswith(around))


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _amount(layers: Layers) -> Amount | None:
    """The amount of a payment that can't be read otherwise, so that the equation of items holds by amount too."""
    return layers.soft_amount(*MOVED)
