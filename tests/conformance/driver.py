"""The scenarios' outside, and a shell without sockets around egress's own drive: it dies where it is told to.

What is kept over a death is what the database would keep: the journal's rows. Waits move business time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

from nostro.connectors.kit.conformance import Fate
from nostro.connectors.kit.manifest import Access, Connector, Operation, Order, unanswered
from nostro.egress.drive import Dialogue, Drive, Ended, Entry, Held, Pause, Question, Retry, Send, Stored
from nostro.model.calls import Ask, Exchange, FetchPage, HttpReply, HttpRequest, Message, Reply, Wait
from nostro.model.failures import FailureKind
from nostro.model.outcomes import Outcome, handed_over
from nostro.sandbox.faults import STARTED
from nostro.sandbox.wire import WireReply, WireRequest

T = TypeVar("T")
MAXIMUM_RUNS = 200
LATE = timedelta(seconds=120)
PROXY = b"<html><head><title>502</title></head></html>"


class Stand(Protocol):
    """A stand-in of the sandbox."""

    def handle(self, request: WireRequest, now: datetime) -> WireReply: ...

    def tick(self, now: datetime) -> None: ...


class Death(Exception):
    """The process is gone: of the exchange only the journal is left."""


@dataclass(slots=True)
class Outside:
    """One system behind one connection, on business time, with a fate for each call that leaves."""

    connector: Connector
    stand: Stand
    config: Any
    secrets: dict[str, str]
    now: datetime
    url: str = "http://outside"
    fates: Callable[[int, bool], Fate] = lambda _number, _acting: Fate.ANSWERED
    session: dict[str, Any] = field(default_factory=dict)
    sent: list[tuple[Message, bool]] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    _late: list[tuple[datetime, WireRequest]] = field(default_factory=list)

    def advance(self, to: datetime) -> None:
        """Business time runs on; late effects happen at their own time."""
        for due, request in sorted((one for one in self._late if one[0] <= to), key=lambda one: one[0]):
            self.stand.tick(due)
            self.stand.handle(request, due)
        self._late = [one for one in self._late if one[0] > to]
        self.now = max(self.now, to)
        self.stand.tick(self.now)

    def say(self, message: Message, key: str, *, acting: bool) -> Reply:
        """One call and what is understood of its reply."""
        told, wire = self.carry(message, key, acting=acting), self.connector.wire
        assert wire is not None
        if told is None:
            return unanswered(self.now, acting=acting)
        content, failure, sentence = wire.understand(message, HttpReply(told.status, told.headers, told.body))
        if failure is FailureKind.AMBIGUOUS and not acting:
            failure = FailureKind.UNAVAILABLE
        self.sentences.append(sentence)
        return Reply(content, self.now, failure, sentence)

    def carry(self, message: Message, key: str, *, acting: bool) -> WireReply | None:
        """One call as it leaves; what comes back, if anything does. A second passes."""
        wire = self.connector.wire
        assert wire is not None
        self.sent.append((message, acting))
        request = wire.render(message, key, self.config, Access(self.url, self.secrets, self.session))
        told = self._meet(self.fates(len(self.sent), acting), _wired(request))
        self.advance(self.now + timedelta(seconds=1))
        return told

    def _meet(self, fate: Fate, request: WireRequest) -> WireReply | None:
        match fate:
            case Fate.ANSWERED:
                return self.stand.handle(request, self.now)
            case Fate.LIMITED:
                return WireReply(429, {}, PROXY)
            case Fate.CUT_BEFORE:
                return None
            case Fate.CUT_AFTER:
                self.stand.handle(request, self.now)
                return None
            case Fate.CUT_LATE:
                begun = replace(request, headers={**request.headers, STARTED: self.now.isoformat()})
                self._late.append((self.now + LATE, begun))
                return None
            case Fate.ERROR_BEFORE:
                return WireReply(502, {}, PROXY)
            case Fate.ERROR_AFTER:
                self.stand.handle(request, self.now)
                return WireReply(502, {}, PROXY)

    def ask(self, exchange: Exchange[T]) -> T:
        """Drive an exchange of Asks only: a session, a check."""
        reply: Reply | None = None
        while True:
            try:
                call = exchange.send(reply) if reply is not None else next(exchange)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(call, Wait):
                self.advance(call.until)
                reply = Reply(None, self.now)
                continue
            assert isinstance(call, Ask), "a check has no effects"
            reply = self.say(call.message, "", acting=False)

    def open_session(self) -> None:
        """As egress does before the first call."""
        wire = self.connector.wire
        if wire is not None and wire.open_session is not None:
            self.session = dict(self.ask(wire.open_session(self.config)))

    def fetch(self, feed: str, cursor: str) -> tuple[Message, bytes, FetchPage]:
        """One page as it came, and where to go on."""
        described, wire = self.connector.manifest.feeds[feed], self.connector.wire
        assert wire is not None
        message = described.fetch(cursor, self.config, self.now)
        request = wire.render(message, "", self.config, Access(self.url, self.secrets, self.session))
        told = self.stand.handle(_wired(request), self.now)
        content, failure, sentence = wire.understand(message, HttpReply(told.status, told.headers, told.body))
        if failure is FailureKind.UNAUTHORISED and (beyond := described.refused(cursor, self.config)):
            return message, b"", beyond
        assert failure is None, sentence
        return message, told.body, described.page(cursor, content, self.config)


@dataclass(slots=True)
class Dispatch:
    """A frozen list of members and their journal. `dies(n)`: whether the process does, at the n-th point of it."""

    outside: Outside
    operation: Operation
    orders: Sequence[Order]
    dies: Callable[[int], bool] = lambda _: False
    look_up_first: bool = False
    journal: list[Entry] = field(default_factory=list)
    points: int = 0

    def drive(self) -> Sequence[Outcome]:
        """To its end, over deaths, Waits and retries."""
        began_at = self.outside.now
        for _ in range(MAXIMUM_RUNS):
            try:
                end = self._run(began_at)
            except Death:
                continue
            match end:
                case Ended():
                    return end.outcomes
                case Held():
                    return [handed_over(end.sentence, end.kind)] * len(self.orders)
                case Pause():
                    self.outside.advance(end.until)
                case Retry():
                    self.outside.advance(self.outside.now + timedelta(seconds=2**end.tries))
        raise AssertionError("the dispatch does not come to an end")

    def _run(self, began_at: datetime) -> Retry | Pause | Ended | Held:
        wire = self.outside.connector.wire
        assert wire is not None
        dialogue = Dialogue(
            self.operation, self.orders, self.outside.config, wire.understand, began_at, began_at, self.look_up_first
        )
        drive = Drive(dialogue, [replace(entry, used=False) for entry in self.journal], self.outside.now)
        step = drive.begin()
        while True:
            if isinstance(step, Question):
                self._may_die()
                reply = self.outside.say(step.ask.message, "", acting=False)
                step = drive.told(reply.content, reply.failure, reply.sentence, self.outside.now)
            elif isinstance(step, Send):
                entry = self._send(step)
                step = drive.answered(entry.started_at, entry.stored, self.outside.now)
            else:
                return step

    def _send(self, step: Send) -> Entry:
        """Started, written, answered: three times at which the process may die, and one before."""
        self._may_die()
        entry = Entry(step.n, step.digest, self.outside.now)
        self.journal.append(entry)
        if step.presumed:
            return entry
        self._may_die()
        told = self.outside.carry(step.act.message, step.act.key, acting=True)
        self._may_die()
        entry.stored = None if told is None else Stored(told.status, told.body, self.outside.now)
        self._may_die()
        return entry

    def _may_die(self) -> None:
        self.points += 1
        if self.dies(self.points):
            raise Death


def _wired(request: HttpRequest) -> WireRequest:
    parts = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return WireRequest(request.method, parts.path, query, headers, request.body)
