"""Egress's part, tiny and without sockets: a journal of Acts, re-drive after a crash, Waits that move business time.

The rule of the journal: the k-th Act of one digest in a run is the k-th row journaled with that digest. A stored reply
is fed; a row without one is fed as ambiguous and not sent. An Act that the journal doesn't know leaves only when no
unanswered row that this run has passed over could still take effect; where absence is never proven, a person decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

from nostro.connectors.kit.conformance import Fate
from nostro.connectors.kit.manifest import Access, Connector, Operation, Order, unanswered
from nostro.model.calls import Act, Ask, Exchange, FetchPage, HttpReply, HttpRequest, Message, Reply, Wait
from nostro.model.failures import FailureKind
from nostro.model.outcomes import Outcome
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


class Crash(Exception):
    """The process is gone: of the exchange only the journal is left."""


class Parked(Exception):
    """The dispatch goes on at `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class APersonDecides(Exception):
    """An unanswered call could take effect for ever, and the exchange asks for another one."""


@dataclass(slots=True)
class Row:
    """`attempt_call`: started before the bytes leave, the reply after."""

    digest: bytes
    started_at: datetime
    reply: Reply | None = None


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
    seen: list[HttpRequest] = field(default_factory=list)
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
        """One call and what is understood of its reply; without one it is ambiguous (Act) or unavailable (Ask)."""
        wire = self.connector.wire
        assert wire is not None
        self.sent.append((message, acting))
        request = wire.render(message, key, self.config, Access(self.url, self.secrets, self.session))
        self.seen.append(request)
        reply = self._meet(self.fates(len(self.sent), acting), _wired(request))
        self.advance(self.now + timedelta(seconds=1))
        if reply is None:
            return unanswered(self.now, acting=acting)
        content, failure, sentence = wire.understand(message, HttpReply(reply.status, reply.headers, reply.body))
        if failure is FailureKind.AMBIGUOUS and not acting:
            failure = FailureKind.UNAVAILABLE
        self.sentences.append(sentence)
        return Reply(content, self.now, failure, sentence)

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

    def poll(self, feed: str, cursor: str, at_most: int = 1000) -> tuple[list[tuple[Message, bytes]], str]:
        """All pages that wait right now, with the message that each answers, and the cursor afterwards."""
        pages = []
        for _ in range(at_most):
            message, body, page = self.fetch(feed, cursor)
            pages += [] if page.empty else [(message, body)]
            cursor = page.cursor
            if not page.more:
                return pages, cursor
        raise AssertionError("the feed does not come to an end")

    def fetch(self, feed: str, cursor: str) -> tuple[Message, bytes, FetchPage]:
        """One page as it came, and where to go on."""
        described, wire = self.connector.manifest.feeds[feed], self.connector.wire
        assert wire is not None
        message = described.fetch(cursor, self.config, self.now)
        request = wire.render(message, "", self.config, Access(self.url, self.secrets, self.session))
        told = self.stand.handle(_wired(request), self.now)
        content, failure, sentence = wire.understand(message, HttpReply(told.status, told.headers, told.body))
        assert failure is None, sentence
        return message, told.body, described.page(cursor, content, self.config)


def until_done(outside: Outside, operation: Operation, orders: Sequence[Order], dies: Callable[[int], bool]) -> None:
    """As the engine does: what is proven not done and may work later is dispatched again, with the same key."""
    left = list(orders)
    for _ in range(MAXIMUM_RUNS):
        outcomes = Dispatch(outside, operation, left, dies).drive()
        ended = dict(zip(left, outcomes, strict=True))
        left = [order for order, outcome in ended.items() if not outcome.there]
        if not left:
            return
        assert all(ended[order].failure is FailureKind.LIMITED for order in left), ended
    raise AssertionError("the orders do not come to an end")


@dataclass(slots=True)
class Dispatch:
    """A frozen list of members and their journal. `dies(n)`: whether the process does, at the n-th point of it."""

    outside: Outside
    operation: Operation
    orders: Sequence[Order]
    dies: Callable[[int], bool] = lambda _: False
    journal: list[Row] = field(default_factory=list)
    points: int = 0
    runs: int = 0

    def drive(self) -> Sequence[Outcome]:
        """To its end, over crashes and Waits."""
        while True:
            self.runs += 1
            assert self.runs < MAXIMUM_RUNS, "the dispatch does not come to an end"
            try:
                return self._run()
            except Crash:
                continue
            except Parked as parked:
                self.outside.advance(parked.until)

    def _run(self) -> Sequence[Outcome]:
        exchange = self.operation.exchange(self.orders, self.outside.config)
        passed: Counter[bytes] = Counter()
        fed: set[int] = set()
        reply: Reply | None = None
        for _ in range(self.operation.calls):
            try:
                call = exchange.send(reply) if reply is not None else next(exchange)
            except StopIteration as end:
                outcomes: Sequence[Outcome] = end.value
                assert len(outcomes) == len(self.orders)
                return outcomes
            reply = self._reply_to(call, passed, fed)
        raise AssertionError(f"more than {self.operation.calls} calls")

    def _reply_to(self, call: Act | Ask | Wait, passed: Counter[bytes], fed: set[int]) -> Reply:
        if isinstance(call, Wait):
            if call.until > self.outside.now:
                raise Parked(call.until)
            return Reply(None, self.outside.now)
        if isinstance(call, Ask):
            self._may_crash()
            reply = self.outside.say(call.message, "", acting=False)
            return replace(reply, absence_proven_at=self._absence_proven_at())
        return self._act(call, passed, fed)

    def _act(self, act: Act, passed: Counter[bytes], fed: set[int]) -> Reply:
        digest = act.message.digest
        rows = [place for place, row in enumerate(self.journal) if row.digest == digest]
        if passed[digest] < len(rows):
            place = rows[passed[digest]]
            passed[digest] += 1
            fed.add(place)
            return self.journal[place].reply or unanswered(self.outside.now, acting=True)
        self._hold_back(fed)
        self._may_crash()
        passed[digest] += 1
        fed.add(len(self.journal))
        row = Row(digest, self.outside.now)
        self.journal.append(row)
        self._may_crash()
        reply = self.outside.say(act.message, act.key, acting=True)
        self._may_crash()
        row.reply = reply
        self._may_crash()
        return reply

    def _hold_back(self, fed: set[int]) -> None:
        """Nothing new leaves while an unanswered Act that this run has not met could still take effect."""
        absence = self.operation.absence_for(self.outside.config)
        for place, row in enumerate(self.journal):
            if row.reply is not None or place in fed:
                continue
            proven_at = absence.proven_at(row.started_at)
            if proven_at is None:
                raise APersonDecides(self.operation.name)
            if proven_at > self.outside.now:
                raise Parked(proven_at)

    def _absence_proven_at(self) -> datetime | None:
        if not self.journal:
            return self.outside.now
        return self.operation.absence_for(self.outside.config).proven_at(self.journal[-1].started_at)

    def _may_crash(self) -> None:
        self.points += 1
        if self.dies(self.points):
            raise Crash


def _wired(request: HttpRequest) -> WireRequest:
    parts = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return WireRequest(request.method, parts.path, query, headers, request.body)
