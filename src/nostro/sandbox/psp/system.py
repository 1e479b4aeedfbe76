"""One Stripe account as a system: requests with keys and versions in, signed webhooks and wires out."""

import hashlib
import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from nostro.sandbox.faults import FaultPlan
from nostro.sandbox.psp.api import Api, parameters_of
from nostro.sandbox.psp.errors import Refused
from nostro.sandbox.psp.events import EventLog
from nostro.sandbox.psp.ledger import Ledger
from nostro.sandbox.psp.payments import DECLINED, Payments, found
from nostro.sandbox.psp.payouts import Payouts, Wire
from nostro.sandbox.psp.settings import PspSettings
from nostro.sandbox.psp.shapes import Thing
from nostro.sandbox.wire import Delivery, WireReply, WireRequest

KEY_LIFETIME = timedelta(hours=24)
_VERSION_FORM = "0000-00-00"

__all__ = ["Psp", "PspSettings", "Wire"]


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What an idempotency key was first used for (page "Idempotent requests")."""

    at: datetime
    asked: str
    reply: WireReply
    request_id: str


class Psp:
    """A Stripe account with books of its own."""

    def __init__(self, settings: PspSettings, plan: FaultPlan, opened: datetime) -> None:
        self.settings = settings
        self.events = EventLog(settings, plan)
        self.ledger = Ledger(settings)
        self.payments = Payments(settings, self.ledger, self.events)
        self.payouts = Payouts(settings, self.ledger, self.events)
        self.payouts.begin(opened)
        self._api = Api(self.payments, self.payouts, self.ledger, self.events)
        self._remembered: dict[str, _Remembered] = {}
        self._requests = 0

    @property
    def plan(self) -> FaultPlan:
        """What goes wrong with its webhooks."""
        return self.events.plan

    @plan.setter
    def plan(self, plan: FaultPlan) -> None:
        self.events.plan = plan

    # Requests of the house

    def handle(self, request: WireRequest, now: datetime) -> WireReply:
        """Answer one API request."""
        self.tick(now)
        self._requests += 1
        request_id = self.settings.ident("req", self._requests)
        headers = {"content-type": "application/json", "request-id": request_id}
        try:
            headers["stripe-version"] = self._admitted(request)
            key = request.headers.get("idempotency-key")
            if request.method != "POST" or key is None:
                return _json(200, self._carry_out(request, request_id, None, now), headers)
            return self._once(request, key, request_id, headers, now)
        except Refused as refusal:
            return _json(refusal.status, {"error": refusal.error | {"request_log_url": None}}, headers)

    def changes_books(self, request: WireRequest) -> bool:
        """Every POST is kept: even a refused one is remembered under its key."""
        return request.method == "POST"

    def _admitted(self, request: WireRequest) -> str:
        """The API version that holds for this request, once its key is right."""
        given = request.headers.get("authorization", "")
        scheme, _, secret = given.partition(" ")
        if scheme.lower() == "basic":
            try:
                secret = b64decode(secret).decode().partition(":")[0]
            except (NotBase64, UnicodeDecodeError):
                secret = ""
        if secret != self.settings.secret_key:
            message = f"Invalid API Key provided: {secret[:8]}****" if secret else "You did not provide an API key."
            raise Refused(401, message)
        version = request.headers.get("stripe-version", self.settings.api_version)
        form = "".join("0" if letter.isdigit() else letter for letter in version.partition(".")[0])
        if form != _VERSION_FORM:
            raise Refused(400, f"Invalid Stripe API version: {version}")
        return version

    def _once(self, request: WireRequest, key: str, request_id: str, headers: Thing, now: datetime) -> WireReply:
        """Same key and parameters, same reply; same key and others, an error; after 24 hours the key is new again."""
        if len(key) > 255:
            raise Refused(400, "Idempotency keys may be at most 255 characters long.", "idempotency_error")
        asked = hashlib.sha256(f"{request.path}\n".encode() + request.body).hexdigest()
        known = self._remembered.get(key)
        if known is not None and now - known.at < KEY_LIFETIME:
            if known.asked != asked:
                message = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with."
                    f" Try using a key other than '{key}' if you meant to execute a different request."
                )
                raise Refused(400, message, "idempotency_error")
            again = {"idempotent-replayed": "true", "original-request": known.request_id, "request-id": request_id}
            return WireReply(known.reply.status, {**known.reply.headers, **again}, known.reply.body)
        headers = headers | {"idempotency-key": key, "original-request": request_id}
        try:
            reply = _json(200, self._carry_out(request, request_id, key, now), headers)
        except Refused as refusal:
            reply = _json(refusal.status, {"error": refusal.error}, headers)
            # A request that failed validation never began: its key stays free. A declined card did happen.
            if refusal.status != 402:
                return reply
        self._remembered[key] = _Remembered(now, asked, reply, request_id)
        return reply

    def _carry_out(self, request: WireRequest, request_id: str, key: str | None, now: datetime) -> Thing:
        if not request.path.startswith("/v1/"):
            raise Refused(404, f"Unrecognized request URL ({request.method}: {request.path}).")
        encoded = urlencode(request.query)
        if request.method == "POST" and request.body:
            encoded = f"{encoded}&{request.body.decode()}"
        self.events.cause = {"id": request_id, "idempotency_key": key}
        try:
            return self._api.answer(request.method, request.path[4:].strip("/"), parameters_of(encoded), now)
        finally:
            self.events.cause = {"id": None, "idempotency_key": None}

    # What happens in the world

    def apply(self, op: Mapping[str, Any], now: datetime) -> Thing:
        """An act that nobody asked over the API: `op["act"]` is a key of the table below, the rest its parameters."""
        self.tick(now)
        acts: Mapping[str, Callable[[Thing, datetime], Thing]] = {
            "card_payment": self._card_payment,
            "refund": self.payments.refund,
            "refund_fails": lambda wish, at: self.payments.fail_refund(self._refund(wish), "lost_or_stolen_card", at),
            "dispute": self.payments.dispute,
            "dispute_escalates": lambda wish, at: self.payments.escalate(self._dispute(wish), at),
            "dispute_closes": lambda wish, at: self.payments.close(self._dispute(wish), at, won=bool(wish["won"])),
            "reserve_hold": lambda wish, at: self.payouts.hold(wish["amount"], wish["currency"], wish["days"], at),
        }
        wish = {key: value for key, value in op.items() if key != "act"}
        return dict(acts[op["act"]](wish, now))

    def _card_payment(self, wish: Thing, now: datetime) -> Thing:
        intent = self.payments.intend(wish, now)
        try:
            return self.payments.confirm(
                intent, {**wish, "payment_method": DECLINED if wish.get("declined") else None}, now
            )
        except Refused:
            return intent

    def _refund(self, wish: Thing) -> Thing:
        return found(self.payments.refunds, "refund", wish["refund"])

    def _dispute(self, wish: Thing) -> Thing:
        return found(self.payments.disputes, "dispute", wish["dispute"])

    # Time, outbox, books

    def tick(self, now: datetime) -> None:
        """Mature balances, make payouts, queue webhooks."""
        self.ledger.mature(now)
        self.payouts.tick(now)
        self.events.tick(now)

    def next_due(self) -> datetime | None:
        """The next payout, arrival, release or webhook."""
        dues = [due for due in (self.payouts.next_due(), self.events.next_due()) if due is not None]
        return min(dues, default=None)

    def take_deliveries(self, now: datetime) -> list[Delivery]:
        """Webhooks to send now, signed with `now`."""
        return self.events.take(now)

    def report(self, reference: str, status: int | None, now: datetime) -> None:
        """What became of a delivery."""
        self.events.report(reference, status, now)

    def take_wires(self) -> list[Wire]:
        """Money that left for, or is collected from, a bank account."""
        taken, self.payouts.wires = self.payouts.wires, []
        return taken

    def books(self) -> Thing:
        """Everything as Stripe holds it. Amounts are minor units after Stripe's own exponents."""
        return {
            "kind": "psp",
            "name": self.settings.name,
            "balances": self.ledger.balances(),
            **{name: list(things.values()) for name, things in self._api.objects.items()},
            "reserves": list(self.payouts.reserves.values()),
            "balance_transactions": [
                line | {"payout": self.ledger.paid_out_by.get(line["id"])} for line in self.ledger.lines
            ],
            "webhooks": self.events.summary(),
        }


def _json(status: int, body: Thing, headers: Mapping[str, str]) -> WireReply:
    return WireReply(status, dict(headers), json.dumps(body, indent=2).encode())
