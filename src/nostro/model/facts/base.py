"""What every fact has: a type, a version, an owner among the processes, a natural key, and an envelope."""

from __future__ import annotations

from abc import abstractmethod
from datetime import date, datetime
from typing import ClassVar

from nostro.model.base import Value
from nostro.model.money import Money
from nostro.model.references import Reference
from nostro.model.unchanging import unchanging


class FactBody(Value):
    """What is held true, in canonical terms.

    Subclasses never change in place: a new version and an upcaster instead.
    """

    fact_type: ClassVar[str]
    version: ClassVar[int] = 1
    owner: ClassVar[str]  # the one process that appends it; "" for facts that are addressed to a subject by the engine

    @abstractmethod
    def natural_key(self) -> str:
        """What makes two tellings of this fact the same fact. Unique within the fact type."""

    @property
    def stream(self) -> str:
        """The one thing that this is a snapshot of, within its subject; "": it is none.

        News older than the newest absorbed one of its stream changes nothing.
        """
        return ""

    @property
    def order(self) -> str:
        """Its own place in its stream, where a copy that is passed on has to keep it; "": the envelope tells it."""
        return ""

    @property
    def worth(self) -> Money | None:
        """The money that it tells of, with the sign that its teller gives it (a debit is negative); None: of none."""
        told: Money | None = getattr(self, "amount", None)
        return told

    def party(self) -> Reference | None:
        """Whose confidential fields these are: chooses the data key that erasing this person destroys."""
        return None


class PaymentNews(FactBody):
    """News of a payment. Owner: `collection`.

    Money can come before its open item is known. The collection that it was until then passes all its news on:
    `passed_to` is the item's collection, `told_on` the day on which the news was told first.
    """

    owner: ClassVar[str] = "collection"

    passed_to: str | None = None
    told_on: date | None = None

    def onward(self, key: str) -> str:
        """A natural key as the one of the copy that was passed on."""
        return f"{key}>{self.passed_to}" if self.passed_to else key


@unchanging(frozen=True, slots=True)
class Position:
    """Where a fact stands in the log."""

    shard: int
    number: int


@unchanging(frozen=True, slots=True)
class Fact:
    """A fact as readers make it and as pure code sees it: body and envelope.

    Instants are aware and in UTC. `sender_order` is the sender's own order as text that sorts. `actor` is who said it:
    a connection, a person or `engine`.
    """

    body: FactBody
    entity: str
    origin: str
    actor: str
    occurred_at: datetime
    received_at: datetime
    receipt: bytes | None = None
    item: int = 0
    sender_order: str = ""
    on_behalf_of: str = ""
    reason: str = ""
    cause: Position | None = None

    @property
    def type(self) -> str:
        """The fact type."""
        return self.body.fact_type

    @property
    def key(self) -> str:
        """Type and natural key: unique in the whole log."""
        return f"{self.body.fact_type}:{self.body.natural_key()}"
