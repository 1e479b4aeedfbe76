"""How an exchange speaks: it yields `Act`, `Ask` or `Wait` and is sent a `Reply`.

- `Act` has an effect outside. Its start is journaled before its bytes leave; after a crash it is not sent again: the
  exchange receives an ambiguous reply and looks up.
- `Ask` is safe to repeat.
- `Wait` hands back until an instant of business time; the exchange starts afresh then, fed with the stored replies.

The class is declared here by the author, never guessed from the HTTP verb.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from nostro.model.canonical import digest
from nostro.model.failures import FailureKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Message:
    """What is said to an outside system, without address, credentials or protocol framing: the connector renders those.

    `target` is a path (`/v1/refunds`) or a `model/method` (`account.move/action_post`); `body` is JSON-like, without
    floats. `passing` joins the body when it is rendered and stays out of the digest: what a re-drive finds different
    although the call is the same (the id of a wizard that was made anew).
    """

    target: str
    body: Mapping[str, Any] = field(default_factory=dict)
    verb: str = "POST"
    passing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        """Tells whether a re-driven call is the call that its journal knows."""
        return digest({"target": self.target, "body": self.body, "verb": self.verb})


@dataclass(frozen=True, slots=True)
class Act:
    """A call with an effect. `key` travels with it where the other side takes one."""

    message: Message
    key: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A call without effect."""

    message: Message


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing before `until` (business time, UTC)."""

    until: datetime


Call = Act | Ask | Wait


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, already translated: `failure` is None for a success, `content` the parsed body.

    `at` is business time: when an Act was answered, and when a question was asked, since what it didn't find wasn't
    there then. `absence_proven_at` is when "not found" begins to count for the newest Act of this dispatch, by the
    manifest: None means never. Before any Act absence is proven at once.
    """

    content: Any
    at: datetime
    failure: FailureKind | None = None
    sentence: str = ""
    absence_proven_at: datetime | None = None

    @property
    def ambiguous(self) -> bool:
        """Whether nobody knows if the effect happened."""
        return self.failure is FailureKind.AMBIGUOUS

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return self.failure is None

    @property
    def absence_proven(self) -> bool:
        """Whether "not found" in this reply counts: never in one to a question that was not answered.

        NOT_FOUND is no answer either: so does a wrong address read.
        """
        answered = self.failure is None
        return answered and self.absence_proven_at is not None and self.at >= self.absence_proven_at


Exchange = Generator[Call, Reply, T]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A rendered call: what `egress` writes on the socket. `headers` may hold secrets: never logged, never stored."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What `egress` read from the socket."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class FetchPage:
    """What a feed makes of one reply.

    The next cursor, whether more waits right now, and whether the page holds any item. `event` tells the page's news
    apart from another page's where the same bytes can say either: by it, and not by them, its receipt is known again.
    """

    cursor: str
    more: bool
    empty: bool
    event: str = ""
