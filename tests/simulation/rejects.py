"""Bad things that come in, known to the world: so many of their items have to be rejected, and no others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from nostro.sandbox.bank import camt
from nostro.sandbox.bank.ledger import Entry, Transfer
from nostro.sandbox.psp.events import signature
from nostro.sandbox.references import iban
from nostro.sandbox.stage import Entity
from nostro.sandbox.wire import Delivery

MINOR = 1_250
DAMAGED = "damaged"


class Bad(NamedTuple):
    """`name`: what the receipt is known by, a file's name or an event's id. `rejected`: how many of its items."""

    name: str
    content: bytes
    rejected: int


def bad(kind: str, entity: Entity, now: datetime) -> Bad:
    """The bad thing of a kind: `noise`, `entry` and `stranger` are files, `event` is a webhook's body."""
    match kind:
        case "noise":
            return Bad("letter.txt", b"Dear customer, please find our new price list on our pages.\n", 1)
        case "entry":
            whole = camt.write(_notification(entity, now, number=9_001))
            return Bad("damaged.xml", whole.replace(b">12.50<", b">12.5O<"), 1)
        case "stranger":
            number = iban("DE", "100000000000000001") if entity.code != "US" else "000999999999"
            other = replace(entity, account=replace(entity.account, number=number))
            return Bad("stranger.xml", camt.write(_notification(other, now, number=9_002)), 1)
        case _:
            return Bad("evt_damaged", json.dumps(_event(now)).encode(), 1)


def delivery(entity: Entity, body: bytes, now: datetime) -> Delivery:
    """The webhook with such a body, signed as the provider signs."""
    headers = {"content-type": "application/json", "stripe-signature": signature(body, entity.psp.webhook_secrets, now)}
    return Delivery(f"http://door/in/stripe-{entity.psp.name}", headers, body, now, DAMAGED)


def _notification(entity: Entity, now: datetime, *, number: int) -> camt.Message:
    transfer = Transfer(amount_minor=MINOR, name="Sender 901", remittance="as agreed")
    entry = Entry(
        entity.account, (transfer,), ("PMNT", "RCDT", "ESCT"), "transfer", now, credit=True, number=number,
        booked_at=now, booking_date=now.date(),
    )  # fmt: skip
    period = (now - timedelta(hours=1), now)
    return camt.Message("054", entity.account, f"BAD-{number}", f"BAD-{number}", now, period, [entry])


def _event(now: datetime) -> dict[str, object]:
    """A charge without an amount."""
    seconds = int(now.timestamp())
    charge = {"id": "ch_damaged", "object": "charge", "amount": "much", "created": seconds, "status": "succeeded"}
    told = {"id": "evt_damaged", "object": "event", "type": "charge.succeeded", "created": seconds, "livemode": False}
    return {**told, "data": {"object": charge}}
