"""Messages about payments of every version, streaming: heads, payments, statuses and ends as their bytes come.

Wherever a message stands in a document, and however many there are: an envelope around it is passed through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nostro.formats.iso20022.envelope import HEADERS, envelope_of
from nostro.formats.iso20022.listening import Cut
from nostro.formats.iso20022.message_parts import MessageItem, MessageParts
from nostro.formats.iso20022.message_types import cut_so, message_type
from nostro.formats.iso20022.pieces import Lead, cuts
from nostro.formats.iso20022.told import Told
from nostro.formats.iso20022.unread import unread_of
from nostro.formats.reading import Unread
from nostro.formats.xml import BrokenXml
from nostro.model.failures import FormatRefused
from nostro.model.messages import Envelope
from nostro.model.statements import Source


def read_messages(chunks: Iterable[bytes]) -> Iterator[MessageItem]:
    """Per message its head, its payments, statuses and located rejects in the document's order, and its end.

    Raises `FormatRefused` before anything was yielded when there is no message about payments. Where XML breaks or is
    cut later, a `Reject` says where, and the message has no end.
    """
    walk = _Walk()
    try:
        for cut in cuts(chunks, cut_so, walk.flaws):
            if cut.told is None:
                walk.begin(cut)
            else:
                yield from walk.take(cut, cut.told)
    except BrokenXml as broken:
        if not walk.messages:
            raise broken.refused("a message about payments") from None
        if walk.message:
            yield from walk.message.as_far()
        yield broken.reject(walk.message.innermost if walk.message else walk.lead.where)
        return
    if not walk.messages:
        raise FormatRefused("There is no ISO 20022 message about payments in this XML.")


def unread_of_messages(chunks: Iterable[bytes]) -> Iterable[Unread]:
    """What of messages, and of the headers around them, no field takes, as far as the XML can be read."""
    return unread_of(cuts(chunks, cut_so), _Walk())


@dataclass(slots=True)
class _Walk:
    """Where the walk is: `depth` is that of the message which is being read. `told`: one came after the header."""

    lead: Lead = field(default_factory=Lead)
    depth: int = 0
    envelope: Envelope | None = None
    message: MessageParts | None = None
    messages: int = 0
    told: bool = False
    flaws: list[str] = field(default_factory=list)
    """What was mended in the bytes, and no message has told yet."""

    @property
    def waits(self) -> bool:
        """Whether the message is told at its end."""
        return self.message is not None and self.message.kind.whole

    def place(self, cut: Cut) -> str:
        """Where a complete element stands."""
        return self.message.innermost if self.message else self.lead.place(cut)

    def copied(self, cut: Cut) -> bool:
        """Whether it is a group that the message tells too."""
        return self.message is not None and self.message.copied(cut)

    def begin(self, cut: Cut) -> None:
        """An element begins."""
        if self.message:
            self.message.begin(cut)
            return
        self.lead.take(cut)
        if (kind := message_type(cut.path)) is not None:
            self.messages += 1
            version = self.lead.version(kind.name, self.envelope.definition if self.envelope else "")
            self.message = MessageParts.of(
                kind, version, Source(where=self.lead.where, line=cut.line), cut.depth, self.envelope
            )
            self.depth, self.told = cut.depth, True

    def take(self, cut: Cut, told: Told) -> Iterator[MessageItem]:
        """An element is complete, or tells what it is to what is in it."""
        if self.message and (cut.so_far or cut.depth != self.depth):
            yield from self.message.take(cut, told)
            return
        if self.message:
            for flaw in self.flaws:
                self.message.ending.fail("bytes", flaw)
            self.flaws.clear()
            yield from self.message.finish(told)
            self.message = None
        elif cut.path.rpartition("/")[2] in HEADERS:
            # A header after a message is the next one's; an outer and an inner one before it add up.
            self.envelope, self.told = envelope_of(told, None if self.told else self.envelope), False
        self.lead.leave(cut)
