"""What a reader makes of a receipt: facts, and for everything else a stated reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from nostro.governance.calendars import Zone
from nostro.model.entities import LegalEntity
from nostro.model.facts import FactBody
from nostro.model.money import Amount


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt as its reader sees it. `chunks` streams the bytes (parts of up to 1 MB); `kind` is how it came.

    `kind`: `webhook`, `file`, `poll:<feed>`, `act` or `reply`. `name` is a file's name; for a poll the target of the
    message that was answered (`/v1/balance_transactions?payout=po_1`). `config` is the connection's, `entities` those
    that use it, `zones` their clocks by name.
    """

    id: str
    connection: str
    kind: str
    name: str
    received_at: datetime
    chunks: Callable[[], Iterator[bytes]]
    config: Any
    entities: tuple[LegalEntity, ...]
    zones: Mapping[str, Zone] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """All bytes at once: for small receipts."""
        return b"".join(self.chunks())

    def day(self, entity: LegalEntity, at: datetime) -> date:
        """The day of an instant in the entity's books. Raises `Unreadable` where the bundle's zones don't reach."""
        try:
            return self.zones[entity.zone].day(at)
        except LookupError as flaw:
            raise Unreadable(f"Nobody knows which day it was: {flaw}.") from flaw


@dataclass(frozen=True, slots=True)
class ReadItem:
    """An item that was understood: the facts in it, in the sender's order.

    `amount`, here and below, is what the sender says that the item is worth, signed as he counts it, where he says it
    apart from what the facts are made of; else its facts say it.
    """

    facts: tuple[FactBody, ...]
    entity: str
    occurred_at: datetime
    sender_order: str = ""
    amount: Amount | None = None
    unknown_fields: int = 0
    actor: str = ""
    on_behalf_of: str = ""
    reason: str = ""
    addressed_to: tuple[str, str] | None = None
    """(process, subject) for facts without an owner, such as acts of persons."""

    @property
    def worth(self) -> tuple[Amount, ...]:
        """What its facts say that it is worth."""
        return tuple(body.worth.as_amount() for body in self.facts if body.worth is not None)


@dataclass(frozen=True, slots=True)
class IgnoredItem:
    """An item that the manifest declares as of no concern. `kind` must be listed there."""

    kind: str
    amount: Amount | None = None


@dataclass(frozen=True, slots=True)
class RejectItem:
    """An item that couldn't be understood: where it stands, and why, without its content."""

    where: str
    why: str
    amount: Amount | None = None


def readable(amount: Callable[[], Amount]) -> Amount | None:
    """The amount of an item that can't be read otherwise, if that can."""
    try:
        return amount()
    except UNREADABLE:
        return None


class Unreadable(ValueError):
    """An item that can't be understood, and why, in a sentence without its content."""


UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError)
"""What reading an item may raise when it isn't what we think; nothing else of the receipt suffers from it."""


def why(flaw: Exception) -> str:
    """The reason of a reject without the item's content."""
    if isinstance(flaw, ValidationError):
        return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['type']}" for error in flaw.errors())
    if isinstance(flaw, KeyError) and flaw.args:
        return f"The field {flaw.args[0]} is missing."
    return str(flaw) if isinstance(flaw, Unreadable) else f"An unexpected value ({type(flaw).__name__})."


@dataclass(frozen=True, slots=True)
class HintItem:
    """What an unsigned sender says: it may trigger a read of the named feed, never become a fact."""

    feed: str


Item = ReadItem | IgnoredItem | RejectItem | HintItem
Reader = Callable[[ReceiptView], Iterator[Item]]


@dataclass(frozen=True, slots=True)
class Verified:
    """A webhook's sender proved itself (`signed`), or can't (`hint`).

    `event_id` collapses re-deliveries; `content` is what must not differ between two deliveries of one event (the
    vendor may change counters outside of it).
    """

    event_id: str
    signed: bool = True
    content: bytes = b""
    sender_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A webhook that is not taken in. `status` is the HTTP status: 401 for a wrong or stale signature."""

    status: int
    sentence: str


Verify = Callable[[bytes, Mapping[str, str], Any, Mapping[str, str], datetime], Verified | Refusal]
"""(body, headers in lower case, config, secrets by name, received at) -> verdict. Pure."""
