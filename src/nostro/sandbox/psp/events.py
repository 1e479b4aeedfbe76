"""Events and the webhooks that carry them: at least once, in no promised order, signed, tried again for three days.

Sources: Stripe documentation, pages "Receive Stripe events in your webhook endpoint" (retries, ordering, duplicates),
"Verify webhook signatures manually" and "The Event object" (events stay in the API for 30 days).
"""

import copy
import hashlib
import hmac
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nostro.sandbox.agenda import Agenda
from nostro.sandbox.entropy import chance
from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.psp import shapes
from nostro.sandbox.psp.settings import PspSettings, stamp
from nostro.sandbox.psp.shapes import Thing
from nostro.sandbox.wire import Delivery

RETRY_AFTER_SECONDS = (300, 1800, 7200, 18_000, 36_000, 36_000, 36_000, 36_000, 36_000)
"""Back-off between attempts; together about three days."""
KEPT_DAYS = 30


@dataclass(slots=True)
class _Message:
    """One event on its way to the house's endpoint."""

    event: Thing
    others_acknowledge_at: datetime
    """Another party has an endpoint on the account: why `pending_webhooks` changes between two deliveries."""
    attempts: int = 0
    retries: int = 0
    acknowledged: bool = False
    failed_codes: list[int | None] = field(default_factory=list)


class EventLog:
    """All events of an account, and what is due to be sent of them."""

    def __init__(self, settings: PspSettings, plan: FaultPlan) -> None:
        self.plan = plan
        self.events: list[Thing] = []
        self.cause: Thing = {"id": None, "idempotency_key": None}
        """The API request that is being carried out; automatic events have none."""
        self._settings = settings
        self._messages: dict[str, _Message] = {}
        self._said: Counter[tuple[str, str]] = Counter()
        self._agenda = Agenda()
        self._due: list[tuple[datetime, _Message]] = []

    def emit(self, kind: str, thing: Thing, now: datetime, previous: Thing | None = None) -> None:
        """Note what happened, with the object as it is at this moment, and send it as the fault plan says."""
        about = (kind, str(thing.get("id")))
        self._said[about] += 1
        ident = self._settings.ident("evt", *about, self._said[about])
        event = shapes.event(ident, kind, copy.deepcopy(thing), previous, stamp(now))
        event |= {"api_version": self._settings.api_version, "request": dict(self.cause)}
        self.events.append(event)
        if not self._settings.webhook_url:
            return
        draw = chance(self._settings.seed, self._settings.name, "others", ident)
        message = _Message(event, now + timedelta(seconds=draw.uniform(0.2, 40)))
        self._messages[ident] = message
        for delay in self.plan.webhook_delays(ident):
            self._send_at(now + timedelta(seconds=delay), message)

    def kept(self, now: datetime) -> list[Thing]:
        """Events that the API still shows, oldest first, with the webhooks pending as of now."""
        oldest = stamp(now - timedelta(days=KEPT_DAYS))
        return [self._as_of(event, now) for event in self.events if event["created"] >= oldest]

    def tick(self, now: datetime) -> None:
        """Move what is due into the outbox."""
        self._agenda.run(now)

    def next_due(self) -> datetime | None:
        """When the next webhook is due."""
        return self._agenda.next_due()

    def take(self, now: datetime) -> list[Delivery]:
        """What is to be sent at this moment, signed with this moment's time; the outbox is empty afterwards."""
        self.tick(now)
        taken, self._due = self._due, []
        return [self._delivery(message, due, now) for due, message in taken]

    def report(self, reference: str, status: int | None, now: datetime) -> None:
        """How a delivery went: an HTTP status, or None for no answer. Anything but 2xx is tried again."""
        message = self._messages[reference.partition("/")[0]]
        if status is not None and 200 <= status < 300:
            message.acknowledged = True
            return
        message.failed_codes.append(status)
        if message.retries < len(RETRY_AFTER_SECONDS) and not message.acknowledged:
            self._send_at(now + timedelta(seconds=RETRY_AFTER_SECONDS[message.retries]), message)
            message.retries += 1

    @property
    def acknowledged(self) -> list[str]:
        """Events of which the house has said with a 2xx that it keeps them."""
        return [ident for ident, message in self._messages.items() if message.acknowledged]

    def summary(self) -> Thing:
        """Counts for the books."""
        messages = self._messages.values()
        return {
            "events": len(self.events),
            "attempts": sum(message.attempts for message in messages),
            "acknowledged": len(self.acknowledged),
            "never_sent": sum(not self.plan.webhook_delays(ident) for ident in self._messages),
            "failed_attempts": sum(len(message.failed_codes) for message in messages),
        }

    def _send_at(self, due: datetime, message: _Message) -> None:
        self._agenda.at(due, lambda at: self._due.append((at, message)))

    def _as_of(self, event: Thing, now: datetime) -> Thing:
        message = self._messages.get(event["id"])
        if message is None:
            return event
        pending = (now < message.others_acknowledge_at) + (not message.acknowledged)
        return event | {"pending_webhooks": pending}

    def _delivery(self, message: _Message, due: datetime, now: datetime) -> Delivery:
        message.attempts += 1
        body = json.dumps(self._as_of(message.event, now), indent=2).encode()
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "stripe-signature": signature(body, self._settings.webhook_secrets, now),
        }
        reference = f"{message.event['id']}/{message.attempts}"
        return Delivery(self._settings.webhook_url, headers, body, due, reference)


def signature(body: bytes, secrets: tuple[str, ...], now: datetime) -> str:
    """The header `Stripe-Signature`: HMAC-SHA256 over `t`, a dot and the body, once per secret."""
    at = str(stamp(now))
    signed = f"{at}.".encode() + body
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={mark}" for mark in marks)])
