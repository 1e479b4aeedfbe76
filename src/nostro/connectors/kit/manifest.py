"""What a connector declares about itself, and the connector as `egress`, `ingress` and `landscape` know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from nostro.connectors.kit.pins import Identity
from nostro.connectors.kit.reading import Reader, Verify
from nostro.model.calls import Exchange, FetchPage, HttpReply, HttpRequest, Message, Reply
from nostro.model.failures import FailureKind
from nostro.model.ids import IdempotencyKey
from nostro.model.intents import Intent
from nostro.model.outcomes import Outcome

FOR_EVER = timedelta.max
"""A `key_lifetime`: they never forget a key."""


class Once(StrEnum):
    """How an operation reaches "once"."""

    THEIR_KEY = "their_key"  # the other side de-duplicates on our key while `key_lifetime` lasts
    LOOK_UP = "look_up"  # we look for our correlation id before anything is sent again
    PERSON = "person"  # neither: a person decides when the outcome is unknown


@dataclass(frozen=True, slots=True)
class Absence:
    """When "not found" counts: at once (0), so many seconds after the last byte of the Act can have left, or never
    (None). No byte leaves 15 s after an Act's start.
    """

    seconds: int | None

    def proven_at(self, left_by: datetime) -> datetime | None:
        """The instant from which "not found" counts for an Act of which no byte leaves after `left_by`."""
        return None if self.seconds is None else left_by + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Order:
    """One command as its exchange sees it: the intent, the key's text, and the correlation id that goes outside."""

    intent: Intent
    key: str
    correlation: str

    @property
    def ids(self) -> tuple[str, ...]:
        """Under which the other side may know it: its own id first, then those of the tries that failed before it."""
        key = IdempotencyKey.parse(self.key)
        earlier = range(key.generation - 1, -1, -1)
        return (self.correlation, *(replace(key, generation=number).correlation_id for number in earlier))


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a connector can do.

    `exchange(orders, config)` is a generator and returns one outcome per order, in order. `absence` may depend on the
    connection's config: how long the other side's database transactions last.
    """

    name: str
    exchange: Callable[[Sequence[Order], Any], Exchange[Sequence[Outcome]]]
    once: Once
    absence: Absence | Callable[[Any], Absence]
    batch: int = 1
    key_lifetime: timedelta | None = None
    deadline_seconds: int = 60
    calls: int = 20

    def absence_for(self, config: Any) -> Absence:  # noqa: ANN401 - each connector has its own config model
        """When "not found" counts on a connection with this config."""
        return self.absence if isinstance(self.absence, Absence) else self.absence(config)


def from_the_beginning(_: str, __: datetime) -> str:
    """A feed that can't go back to an instant is read from its beginning again: slow, and never wrong."""
    return ""


def stands_still(_: str, __: object) -> FetchPage | None:
    """A feed that is refused asks again, later and later, until somebody gives it the right."""
    return None


@dataclass(frozen=True, slots=True)
class Feed:
    """A poll.

    `fetch(cursor, config, at)` says what to ask, `page(cursor, content, config)` where to go on. Cursor "" is the
    beginning. `rewound(cursor, at)`, after a restore: the cursor as if nothing newer than `at` had been seen.
    `refused(cursor, config)`: where to go on when the other side denies the right to what was asked; None: nowhere.
    """

    name: str
    fetch: Callable[[str, Any, datetime], Message]
    page: Callable[[str, Any, Any], FetchPage]
    every_seconds: int
    rewound: Callable[[str, datetime], str] = from_the_beginning
    refused: Callable[[str, Any], FetchPage | None] = stands_still


@dataclass(frozen=True, slots=True)
class Access:
    """What rendering a call needs besides the call: base URL, secrets by name, and the session that was opened."""

    url: str
    secrets: Mapping[str, str]
    session: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wire:
    """The two translations at the socket.

    `render(message, key, config, access)`; `understand(message, reply)` -> parsed content,
    failure kind or None, and a sentence. A reply that never came is AMBIGUOUS for an Act and UNAVAILABLE for an Ask:
    `egress` says so. `open_session(config)`: a dialogue of Asks alone, at most ten, whose return value is
    `Access.session`. A Wait in it counts as an outage, as does whatever it throws.
    """

    render: Callable[[Message, str, Any, Access], HttpRequest]
    understand: Callable[[Message, HttpReply], tuple[Any, FailureKind | None, str]]
    open_session: Callable[[Any], Exchange[Mapping[str, Any]]] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The declared part of a connector. `title`: what it is, for who writes a landscape."""

    name: str
    title: str
    config: type[BaseModel]
    secrets: Sequence[str] = ()
    operations: Mapping[str, Operation] = field(default_factory=dict)
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    confidential: frozenset[str] = frozenset()
    takes_webhooks: bool = False
    watches_folder: bool = False
    body_limit: int = 1_048_576
    calls_per_second: float = 20.0
    concurrency: int = 4


@dataclass(frozen=True, slots=True)
class Connector:
    """One outside system's kind. Without `verify` its webhooks are signed by nobody: what they say is a hint.

    `check(config)` is an exchange of Asks only that returns what is wrong, for `nostro check --connect`; `identify`
    one of few that says which database is there, or None when it can't be asked now.
    """

    manifest: Manifest
    read: Reader
    wire: Wire | None = None
    verify: Verify | None = None
    check: Callable[[Any, Sequence[Any]], Exchange[Sequence[str]]] | None = None
    identify: Callable[[Any], Exchange[Identity | None]] | None = None

    @property
    def name(self) -> str:
        """The manifest's name."""
        return self.manifest.name


def unanswered(at: datetime, *, acting: bool) -> Reply:
    """The reply that an exchange receives when none came."""
    kind = FailureKind.AMBIGUOUS if acting else FailureKind.UNAVAILABLE
    return Reply(content=None, at=at, failure=kind, sentence="No reply came.")
