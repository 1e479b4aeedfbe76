"""Faults on demand: a plan as data, and a wrapper that puts it between the house and a system.

Nothing here sleeps or closes a socket. A call ends in a value: an `Answer` (with the seconds it should take) or a `Cut`
(the connection closes without a reply). Whether and when the effect happens in the system's books is settled by then.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from nostro.sandbox.agenda import Agenda
from nostro.sandbox.entropy import chance
from nostro.sandbox.wire import Delivery, WireReply, WireRequest

STARTED = "x-sandbox-started"
"""Header on a late effect: when its work began. Databases stamp rows with the start of their transaction."""


class System(Protocol):
    """A stand-in. `now` is always business time, aware UTC, and never runs backwards."""

    plan: "FaultPlan"
    """What goes wrong with what it sends: webhooks, files. Requests meet theirs in `Faulty`."""

    def handle(self, request: WireRequest, now: datetime) -> WireReply:
        """Answer one request of the house."""
        ...

    def changes_books(self, request: WireRequest) -> bool:
        """Whether this request may change the books (only those are written into the world's journal)."""
        ...

    def apply(self, op: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Do what happens in the world (somebody pays, a card is charged back); say what came of it."""
        ...

    def tick(self, now: datetime) -> None:
        """Let happen what was due by now."""
        ...

    def next_due(self) -> datetime | None:
        """When the next scheduled thing happens."""
        ...

    def books(self) -> dict[str, Any]:
        """All that this system holds true, for judging the house."""
        ...


@runtime_checkable
class Sender(Protocol):
    """A system that makes requests of its own: webhooks."""

    def take_deliveries(self, now: datetime) -> list[Delivery]:
        """What is to be sent at this moment; it is not told again unless `report` says that it failed."""
        ...

    def report(self, reference: str, status: int | None, now: datetime) -> None:
        """How a delivery that carried a reference went: an HTTP status, or None for no answer."""
        ...


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of requests, 0 to 1, that meet each fault; their sum is at most 1 and the rest pass."""

    slow: float = 0.0
    limited: float = 0.0
    """429 with Retry-After, before any effect."""
    error_before: float = 0.0
    """5xx, and nothing happened."""
    error_after: float = 0.0
    """5xx, and it happened."""
    cut_before: float = 0.0
    """Connection closed, and nothing happened."""
    cut_after: float = 0.0
    """Connection closed, and it happened."""
    cut_late: float = 0.0
    """Connection closed, and it happens `late_seconds` later."""


@dataclass(frozen=True, slots=True)
class Outage:
    """From `starts` (inclusive) to `ends` (exclusive) all under `path` is down: 503, or `refused` without a word."""

    starts: datetime
    ends: datetime
    path: str = "/"
    refused: bool = False


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Everything that goes wrong with one system. The default plan is quiet."""

    seed: int = 0
    rates: Rates = field(default_factory=Rates)
    by_path: tuple[tuple[str, Rates], ...] = ()
    """Other rates for paths with this beginning; the first that fits holds."""
    outages: tuple[Outage, ...] = ()
    latency_seconds: tuple[float, float] = (0.0, 0.0)
    slow_seconds: tuple[float, float] = (2.0, 8.0)
    late_seconds: float = 120.0
    webhook_lost: float = 0.0
    webhook_doubled: float = 0.0
    webhook_late: float = 0.0
    """Share of webhooks that younger ones overtake: they come 30 s to 15 min late."""
    file_halved: float = 0.0
    """Share of files that are written in two steps, some under `*.part`, some in place."""
    file_rest_seconds: tuple[float, float] = (20.0, 240.0)

    def off(self) -> "FaultPlan":
        """The same seed with no fault at all."""
        return FaultPlan(seed=self.seed)

    def rates_for(self, path: str) -> Rates:
        """The rates that hold for a path."""
        return next((rates for beginning, rates in self.by_path if path.startswith(beginning)), self.rates)

    def outage_at(self, path: str, now: datetime) -> Outage | None:
        """The outage that covers this path now."""
        return next((o for o in self.outages if o.starts <= now < o.ends and path.startswith(o.path)), None)

    def webhook_delays(self, event_id: str) -> tuple[float, ...]:
        """After how many seconds a webhook is sent: once, twice, late, or never (the event stays in the API)."""
        draw = chance(self.seed, "webhook", event_id)
        first = 0.3 + 2.0 * draw.random()
        fate = draw.random()
        if fate < self.webhook_lost:
            return ()
        if fate < self.webhook_lost + self.webhook_doubled:
            return (first, first + draw.uniform(1, 300))
        if fate < self.webhook_lost + self.webhook_doubled + self.webhook_late:
            return (draw.uniform(30, 900),)
        return (first,)

    def halving(self, file_name: str) -> tuple[float, float, bool] | None:
        """How a file is halved (share of bytes that come first, seconds to the rest, in place), or None."""
        draw = chance(self.seed, "file", file_name)
        if draw.random() >= self.file_halved:
            return None
        return draw.uniform(0.2, 0.9), draw.uniform(*self.file_rest_seconds), draw.random() < 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that arrives after `delay_seconds` of machine time."""

    reply: WireReply
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """No reply: the connection closes after `delay_seconds`. What became of the effect is only in the books."""

    delay_seconds: float = 0.0


Outcome = Answer | Cut


class Faulty:
    """A system behind its fault plan. `recorded` hears of every effect before it happens, for the world's journal."""

    def __init__(self, name: str, system: System, plan: FaultPlan) -> None:
        self.name = name
        self.system = system
        self.plan = plan
        self.recorded: Callable[[WireRequest, datetime], None] = lambda _request, _at: None
        self.met: Counter[str] = Counter()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._late = Agenda()

    def call(self, request: WireRequest, now: datetime) -> Outcome:
        """One request of the house, with the fault that is due to it."""
        call = (request.method, request.path)
        self._calls[call] += 1
        draw = chance(self.plan.seed, self.name, *call, self._calls[call])
        delay = draw.uniform(*self.plan.latency_seconds)
        outage = self.plan.outage_at(request.path, now)
        fault = "outage" if outage else self.fate(request, draw.random())
        self.met[fault] += 1
        match fault:
            case "outage" if outage is not None and outage.refused:
                return Cut(delay)
            case "outage":
                return Answer(_proxy_error(503), delay)
            case "slow":
                return Answer(self._effect(request, now), delay + draw.uniform(*self.plan.slow_seconds))
            case "limited":
                return Answer(
                    replace(_proxy_error(429), headers={"retry-after": "2", "content-type": "text/html"}), delay
                )
            case "error_before":
                return Answer(_proxy_error(draw.choice((500, 502, 503))), delay)
            case "error_after":
                self._effect(request, now)
                return Answer(_proxy_error(draw.choice((500, 502, 504))), delay)
            case "cut_before":
                return Cut(delay)
            case "cut_after":
                self._effect(request, now)
                return Cut(delay)
            case "cut_late":
                begun = replace(request, headers={**request.headers, STARTED: now.isoformat()})
                self.later(begun, now + timedelta(seconds=self.plan.late_seconds))
                return Cut(delay)
            case _:
                return Answer(self._effect(request, now), delay)

    def fate(self, request: WireRequest, drawn: float) -> str:
        """The fault that a draw between 0 and 1 means for a request; `none` lets it pass."""
        return _fault(self.plan.rates_for(request.path), drawn)

    def later(self, request: WireRequest, at: datetime) -> None:
        """Let the effect of a request happen at `at`, with nobody there to hear the reply."""
        self._noted(request, at)
        self._late.at(at, lambda due: self._unheard(request, due))

    def tick(self, now: datetime) -> None:
        """Late effects first, as they were sent first; then the system's own schedule."""
        self._late.run(now)
        self.system.tick(now)

    def dues(self) -> list[datetime]:
        """When the next late effect and the next scheduled thing happen."""
        return [due for due in (self._late.next_due(), self.system.next_due()) if due is not None]

    def _effect(self, request: WireRequest, now: datetime) -> WireReply:
        self._noted(request, now)
        return self.system.handle(request, now)

    def _noted(self, request: WireRequest, at: datetime) -> None:
        if self.system.changes_books(request):
            self.recorded(request, at)

    def _unheard(self, request: WireRequest, due: datetime) -> None:
        self.system.handle(request, due)


def _fault(rates: Rates, drawn: float) -> str:
    """The fault that a number between 0 and 1 falls on."""
    for kind in fields(rates):
        drawn -= getattr(rates, kind.name)
        if drawn < 0:
            return kind.name
    return "none"


def _proxy_error(status: int) -> WireReply:
    """What a proxy in front of a system says: HTML, in nobody's format."""
    body = f"<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center><hr></body></html>"
    return WireReply(status, {"content-type": "text/html"}, body.encode())
