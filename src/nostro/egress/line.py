"""A line to a connection: paces calls, opens sessions, writes and reads. One a slot, and one for each kind of poll.

Polls take their turns among those of a slot that their worker holds, so that all of them together keep to the
connection's rate. A line knows nothing of journals: `ask` is for what is safe to repeat, `send` for the shell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import structlog

from nostro.egress.connections import OpenConnection
from nostro.egress.tracing import UNTRACED, Traces
from nostro.egress.transport import NoReply, NotSent, Transport
from nostro.model.calls import Ask, HttpReply, HttpRequest, Message, Reply, Wait
from nostro.model.clock import Now
from nostro.model.failures import LOCKED_OUT, FailureKind, name_of

ASK_SECONDS = 60.0
SESSION_CALLS = 10
BURST_SECONDS = 1.0
TOLD_AGAIN_SECONDS = 60.0
"""So often it is said that a session can't be opened, while it can't."""
logger = structlog.get_logger("nostro.line")
Clock = Callable[[], Awaitable[Now]]
Count = Callable[..., None]
"""Adds to a counter: `count(name, amount, **labels)`."""


def silent(*_: object, **__: object) -> None:
    """Counts nothing."""


class NotReady(Exception):
    """No session could be opened, or the call can't be rendered: nothing was journaled and no byte left."""

    def __init__(self, kind: FailureKind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to a question. `reply` is None when nothing did."""

    reply: HttpReply | None
    content: Any = None
    failure: FailureKind | None = None
    sentence: str = ""


@dataclass(slots=True)
class Health:
    """What calls of late say about the other side, for the breaker."""

    failures: int = 0
    answers: int = 0
    unauthorised: bool = False

    def see(self, failure: FailureKind | None) -> None:
        """Notes how a call ended."""
        self.unauthorised = failure in LOCKED_OUT
        if failure in (FailureKind.UNAVAILABLE, FailureKind.AMBIGUOUS):
            self.failures += 1
        else:
            self.failures, self.answers = 0, self.answers + 1

    def forget(self) -> None:
        """Begins anew."""
        self.failures, self.answers, self.unauthorised = 0, 0, False


@dataclass(slots=True)
class Pace:
    """Turns at a slot's rate, on this machine's clock; after a rest a second's worth may go at once."""

    rate: float
    free_at: float = 0.0

    async def turn(self) -> None:
        """Waits until the next call may go."""
        clock = asyncio.get_running_loop().time()
        begin = max(clock - BURST_SECONDS, self.free_at)
        self.free_at = begin + 1 / self.rate
        if begin > clock:
            await asyncio.sleep(begin - clock)


@dataclass(slots=True)
class Line:
    """`transport` carries the calls. `pace`: of the slot; one of its own unless told otherwise.

    `offers`: for a line that is of no slot, the turns of a slot that its worker holds at an instant, if it holds one.
    """

    connection: OpenConnection
    transport: Transport
    clock: Clock
    count: Count = silent
    health: Health = field(default_factory=Health)
    traces: Traces = UNTRACED
    pace: Pace = field(default=None)  # type: ignore[assignment]  # is there from the beginning, see below
    offers: Callable[[Now], Pace | None] | None = None
    _session: Mapping[str, Any] | None = None
    _told_at: float | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Where nobody shares a pace."""
        self.pace = self.pace or Pace(self.connection.slot_rate(self.connection.slots))

    def may(self, now: Now) -> bool:
        """Whether it may call now; where not, it is for another worker to."""
        offered = self.offers(now) if self.offers else self.pace
        self.pace = offered or self.pace
        return offered is not None

    async def ask(self, message: Message, timeout_seconds: float = ASK_SECONDS) -> Answer:
        """A call without effect. Where the session has run out it is opened again, once."""
        answer = await self._ask_once(message, timeout_seconds)
        if answer.failure in LOCKED_OUT and self.forget_session():
            answer = await self._ask_once(message, timeout_seconds)
        return answer

    async def prepare(self, message: Message, key: str) -> HttpRequest:
        """The rendered call, its session open and its turn come. Raises `NotReady`."""
        session = await self._opened()
        request = self._rendered(message, key, session)
        await self.pace.turn()
        return request

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        """Writes a prepared call and waits for its reply. Raises `NotSent` or `NoReply`."""
        return await self.transport.send(request, timeout_seconds)

    def understand(self, message: Message, reply: HttpReply) -> tuple[Any, FailureKind | None, str]:
        """What a reply means: ambiguous where its connector can't read it, or sees no failure in a status like 302."""
        try:
            content, failure, sentence = self._wire.understand(message, reply)
        except Exception as error:  # noqa: BLE001 - whatever a reply does to its reader, nobody knows what was done
            return None, FailureKind.AMBIGUOUS, f"The reply could not be read ({type(error).__name__})."
        if failure is None and reply.status >= 300:
            return content, FailureKind.AMBIGUOUS, f"They answered {reply.status}."
        return content, failure, sentence

    def saw(self, kind: str, failure: FailureKind | None) -> None:
        """Notes how a call ended. `kind`: `act` or `ask`."""
        self.health.see(failure)
        self.count("calls", 1, connection=self.connection.id, kind=kind, fate=failure.value if failure else "ok")

    def forget_session(self) -> bool:
        """Has the session opened anew before the next call. Whether there was one."""
        had = bool(self._session)
        self._session = None
        return had

    @property
    def has_sessions(self) -> bool:
        """Whether one of `LOCKED_OUT` may only mean that a session has run out."""
        return self._wire.open_session is not None

    @property
    def _wire(self) -> Any:  # noqa: ANN401 - Wire, known to be there
        wire = self.connection.connector.wire
        if wire is None:
            raise NotReady(FailureKind.INVALID, f"{self.connection.connector.name} takes no calls.")
        return wire

    async def _ask_once(self, message: Message, timeout_seconds: float) -> Answer:
        try:
            request = await self.prepare(message, "")
        except NotReady as reason:
            return Answer(None, None, reason.kind, reason.sentence)
        return await self._answer(message, request, timeout_seconds)

    async def _answer(self, message: Message, request: HttpRequest, timeout_seconds: float) -> Answer:
        try:
            reply = await self.send(request, timeout_seconds)
        except (NotSent, NoReply) as reason:
            answer = Answer(None, None, FailureKind.UNAVAILABLE, f"No reply came ({reason}).")
        else:
            content, failure, sentence = self.understand(message, reply)
            if failure is FailureKind.AMBIGUOUS:  # a question is safe to repeat: there is nothing to be unsure of
                failure = FailureKind.UNAVAILABLE
            answer = Answer(reply, content, failure, sentence)
        self.saw("ask", answer.failure)
        return answer

    async def _opened(self) -> Mapping[str, Any]:
        async with self._opening:
            if self._session is None:
                try:
                    self._session = await self._open() if self.has_sessions else {}
                except NotReady as reason:
                    self._tell(reason.sentence)
                    raise
                self._told_at = None
            return self._session

    def _tell(self, sentence: str) -> None:
        """Whoever wants to call waits, for as long as it lasts. No failed call has to tell of it: a dialogue may throw
        although each of its questions is answered.
        """
        now = asyncio.get_running_loop().time()
        if self._told_at is None or now - self._told_at >= TOLD_AGAIN_SECONDS:
            self._told_at = now
            logger.warning("session_not_opened", connection=self.connection.id, sentence=sentence)

    async def _open(self) -> Mapping[str, Any]:
        """Drives the connector's dialogue of questions. A dialogue that wants to wait has met an outage."""
        dialogue = self._wire.open_session(self.connection.config)
        reply, why = None, f"It came to no end in {SESSION_CALLS} calls."
        try:
            for _ in range(SESSION_CALLS):
                call = _said(dialogue, reply)
                if not isinstance(call, Ask):
                    outage = isinstance(call, Wait)
                    why = (reply.sentence if reply else "") if outage else "It yields what is no question."
                    break
                reply = await self._session_reply(call.message)
        except StopIteration as end:
            session: Mapping[str, Any] = end.value
            return session
        finally:
            dialogue.close()
        raise NotReady(FailureKind.UNAVAILABLE, f"No session could be opened. {why}".strip())

    async def _session_reply(self, message: Message) -> Reply:
        request = self._rendered(message, "", {})
        await self.pace.turn()
        answer = await self._answer(message, request, ASK_SECONDS)
        now = await self.clock()
        return Reply(answer.content, now.business, answer.failure, answer.sentence)

    def _rendered(self, message: Message, key: str, session: Mapping[str, Any]) -> HttpRequest:
        access = self.connection.access(session)
        try:
            request: HttpRequest = self._wire.render(message, key, self.connection.config, access)
        except Exception as error:  # whatever a connector throws, no byte has left
            raise NotReady(FailureKind.INVALID, f"The call could not be rendered ({type(error).__name__}).") from error
        if urlsplit(request.url)[:2] != urlsplit(self.connection.url)[:2]:
            raise NotReady(FailureKind.INVALID, "The call leads to another host than the connection's.")
        return request


def _said(dialogue: Any, reply: Reply | None) -> Any:  # noqa: ANN401 - whatever a connector yields
    try:
        return dialogue.send(reply)
    except StopIteration:
        raise
    except Exception as error:  # whatever a connector throws, no byte of the call has left
        message = f"No session could be opened ({name_of(error)})."
        raise NotReady(FailureKind.UNAVAILABLE, message) from error
