"""Messages about payments of every version, streaming: heads, payments, statuses and ends as their bytes come.

Wherever a message stands in a document, and however many there are: an envelope around it is passed through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nostro.formats.iso20022.envelope import HEADERS, envelope_of
from nostro.formats.iso20022.message_parts import MessageItem, MessageParts
from nostro.formats.iso20022.message_types import message_type
from nostro.formats.xml import BrokenXml, Element, events, line_of, local, release
from nostro.model.failures import FormatRefused
from nostro.model.messages import Envelope

_UNRELEASED = 100_000
"""Elements that may wait to be read and freed: far more than any payment has."""


def read_messages(chunks: Iterable[bytes]) -> Iterator[MessageItem]:
    """Per message its head, its payments, statuses and located rejects in the document's order, and its end.

    Raises `FormatRefused` before anything was yielded when there is no message about payments. Where XML breaks or is
    cut later, a `Reject` says where, and the message has no end.
    """
    walk = _Walk()
    try:
        for kind, element in events(chunks):
            if kind == "start":
                walk.start(element)
            elif not walk.within_payment():
                yield from walk.end(element)
    except BrokenXml as broken:
        if not walk.messages:
            raise broken.refused("a message about payments") from None
        if walk.message:
            yield from walk.message.as_far()
        yield broken.reject(walk.where)
        return
    if not walk.messages:
        raise FormatRefused("There is no ISO 20022 message about payments in this XML.")


@dataclass(slots=True)
class _Walk:
    """Where the walk is: outside of messages by `path`, inside one in its parts. `told`: one came after the header."""

    path: list[str] = field(default_factory=list)
    envelope: Envelope | None = None
    message: MessageParts | None = None
    messages: int = 0
    told: bool = False
    unreleased: int = 0

    @property
    def where(self) -> str:
        """The innermost thing that is being read."""
        return self.message.innermost if self.message else "/" + "/".join(self.path)

    def within_payment(self) -> bool:
        """Whether the element that ends is only a part of a payment: nearly all of them are."""
        return self.message is not None and self.message.leave_part()

    def start(self, element: Element) -> None:
        """An element begins; its children are not there yet."""
        self.unreleased += 1
        if self.unreleased > _UNRELEASED:
            raise BrokenXml(f"more than {_UNRELEASED} elements without a payment among them", line_of(element))
        if self.message:
            self.message.start(element)
            return
        name = local(element)
        self.path.append(name)
        if (kind := message_type(name)) is not None:
            self.messages += 1
            where = "/" + "/".join(self.path) + (f"[{self.messages}]" if self.messages > 1 else "")
            self.message, self.told = MessageParts.of(kind, element, where, self.envelope), True

    def end(self, element: Element) -> Iterator[MessageItem]:
        """An element is complete."""
        if self.message and self.message.element is not element:
            yield from self.message.end(element)
            self.unreleased = 0 if self.message.freed else self.unreleased
            return
        name = self.path.pop()
        if self.message:
            yield from self.message.finish()
            self.message = None
            release(element)
            self.unreleased = 0
        elif name in HEADERS:
            # A header after a message is the next one's; an outer and an inner one before it add up.
            self.envelope, self.told = envelope_of(element, None if self.told else self.envelope), False
            release(element)
        elif HEADERS.isdisjoint(self.path):
            release(element)
