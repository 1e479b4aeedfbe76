"""A partner system for tests of egress: it keeps books of its own, takes our keys or doesn't, and breaks on demand.

Its connector knows three ways to "once": their key, a look-up, a person.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from nostro.connectors.kit.dialogue import Seen, asked, ensure, ready, unfinished
from nostro.connectors.kit.manifest import Absence, Access, Connector, Manifest, Once, Operation, Order, Wire
from nostro.egress.transport import NoReply, NotSent
from nostro.model.base import Value
from nostro.model.calls import Act, Exchange, HttpReply, HttpRequest, Message
from nostro.model.clock import Now
from nostro.model.failures import FailureKind
from nostro.model.intents import AnnotatePayment
from nostro.model.outcomes import Outcome, done

URL = "http://partner.test"
LATE_SECONDS = 120
Fault = Literal[
    "",
    "refused",
    "busy",
    "unsent",
    "cut_before",
    "cut_after",
    "cut_late",
    "broken",
    "locked_out",
    "denied",
    "nonsense",
]
STATUSES: Mapping[int, FailureKind] = {
    401: FailureKind.DENIED,
    403: FailureKind.UNAUTHORISED,
    404: FailureKind.NOT_FOUND,
    422: FailureKind.INVALID,
    429: FailureKind.LIMITED,
    503: FailureKind.UNAVAILABLE,
}


class ToyConfig(Value):
    """Nothing to say."""


@dataclass
class Partner:
    """`effects` counts what was done, by key. A call that is cut "late" takes effect up to 120 s afterwards."""

    now: Callable[[], Now]
    takes_keys: bool = False
    fault: Callable[[HttpRequest], Fault] = lambda _: ""
    effects: Counter[str] = field(default_factory=Counter)
    calls: list[str] = field(default_factory=list)
    bodies: list[Sequence[str]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    _late: list[tuple[datetime, Sequence[str]]] = field(default_factory=list)

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpReply:
        """A transport."""
        assert timeout_seconds > 0
        fault = self.fault(request)
        if fault == "unsent":
            raise NotSent("refused")
        self._catch_up()
        path = request.url.removeprefix(URL)
        body = json.loads(request.body)
        self.calls.append(path)
        self.bodies.append(body["keys"] if path == "/do" else ())
        if fault in ("busy", "locked_out", "denied", "refused", "broken"):
            status = {"busy": 429, "locked_out": 403, "denied": 401, "refused": 422, "broken": 500}[fault]
            return HttpReply(status, {"retry-after": "7"} if fault == "busy" else {}, b"{}")
        if fault == "cut_before":
            raise NoReply("reset")
        if path == "/find":
            found = {key: 1 for key in body["keys"] if self.effects[key]}
            return HttpReply(200, {}, json.dumps(found).encode())
        if fault == "cut_late":
            self._late.append((self.now().business + timedelta(seconds=LATE_SECONDS), body["keys"]))
            raise NoReply("reset")
        self._do(body["keys"])
        if fault == "cut_after":
            raise NoReply("reset")
        return HttpReply(200, {}, b"<html>" if fault == "nonsense" else b'{"ok":1}')

    def catch_up(self) -> Counter[str]:
        """The books, once nothing is under way any more."""
        self._catch_up(everything=True)
        return +self.effects

    def _catch_up(self, *, everything: bool = False) -> None:
        ripe = [late for late in self._late if everything or late[0] <= self.now().business]
        self._late = [late for late in self._late if late not in ripe]
        for _, keys in ripe:
            self._do(keys)

    def _do(self, keys: Sequence[str]) -> None:
        for key in keys:
            if not (self.takes_keys and self.effects[key]):
                self.effects[key] += 1
                self.order.append(key)


def _find(keys: Sequence[str]) -> Exchange[Seen[int]]:
    reply = yield from asked(Message("find", {"keys": list(keys)}))
    return Seen(reply, reply.content if reply.ok else {})


def _do(keys: Sequence[str]) -> Act:
    return Act(Message("do", {"keys": list(keys)}), keys[0])


def look_up(orders: Sequence[Order], _: Any) -> Exchange[Sequence[Outcome]]:  # noqa: ANN401 - the manifest's
    """Look, act, look again."""
    keys = [order.correlation for order in orders]
    settled = yield from ensure(keys, _find, ready(_do))
    return [settled.ended.get(key) or done(adopted=key not in settled.sent, thing=key) for key in keys]


def their_key(orders: Sequence[Order], _: Any) -> Exchange[Sequence[Outcome]]:  # noqa: ANN401 - the manifest's
    """The same again until it is answered: they know the key."""
    reply = yield _do([order.correlation for order in orders])
    while reply.ambiguous:
        reply = yield _do([order.correlation for order in orders])
    return [done(thing=order.correlation) if reply.ok else unfinished(reply) for order in orders]


def person(orders: Sequence[Order], _: Any) -> Exchange[Sequence[Outcome]]:  # noqa: ANN401 - the manifest's
    """Once, whatever comes back."""
    reply = yield _do([order.correlation for order in orders])
    return [done(thing=order.correlation) if reply.ok else unfinished(reply) for order in orders]


def each(orders: Sequence[Order], _: Any) -> Exchange[Sequence[Outcome]]:  # noqa: ANN401 - the manifest's
    """One after the other."""
    ends = []
    for order in orders:
        reply = yield _do([order.correlation])
        ends.append(done(thing=order.correlation) if reply.ok else unfinished(reply))
    return ends


def operation(
    kind: Literal["look_up", "their_key", "person", "each"], *, batch: int = 1, calls: int = 200
) -> Operation:
    """`annotate_payment` in one of these ways."""
    exchange, once, absence = {
        "look_up": (look_up, Once.LOOK_UP, Absence(LATE_SECONDS)),
        "their_key": (their_key, Once.THEIR_KEY, Absence(0)),
        "person": (person, Once.PERSON, Absence(None)),
        "each": (each, Once.LOOK_UP, Absence(LATE_SECONDS)),
    }[kind]
    lifetime = timedelta(hours=24) if kind == "their_key" else None
    return Operation(
        "annotate_payment",
        exchange,
        once,
        absence,
        batch=batch,
        key_lifetime=lifetime,
        deadline_seconds=30,
        calls=calls,
    )


def _render(message: Message, key: str, _: Any, access: Access) -> HttpRequest:  # noqa: ANN401 - the manifest's
    return HttpRequest("POST", f"{access.url}/{message.target}", {"key": key}, json.dumps(dict(message.body)).encode())


def _understand(_: Message, reply: HttpReply) -> tuple[Any, FailureKind | None, str]:
    if reply.status >= 300:
        return None, STATUSES.get(reply.status, FailureKind.AMBIGUOUS), f"They answered {reply.status}."
    return json.loads(reply.body), None, ""


def connector(does: Operation) -> Connector:
    """The partner's connector with one operation."""
    manifest = Manifest(
        name="toy",
        title="Toy",
        config=ToyConfig,
        operations={does.name: does},
        calls_per_second=1_000_000.0,
        concurrency=4,
    )
    return Connector(manifest, lambda _: iter(()), Wire(_render, _understand))


def order(name: str) -> Order:
    """A wish."""
    return Order(AnnotatePayment(entity="DE", connection="toy", payment_id=name, invoice_number="INV/1"), name, name)
